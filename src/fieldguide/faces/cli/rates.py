"""The verb rates: at which learning rates the networks of a study learn."""

from __future__ import annotations

from typing import Any

from fieldguide.faces.cli.app import AsJson, Folder, app, console, print_json, say, with_progress


@app.command()
def rates(folder: Folder, as_json: AsJson = False) -> None:
    """Learning-rate range test: which rates each network learns at, on training rows; changes nothing."""
    found: dict[str, Any] = {}
    study = with_progress(folder, as_json, lambda opened: found.update(opened.rates().to_dict()))
    if as_json:
        print_json({"study": study.folder.name, "status": "done", **found})
        return
    terminal = console()
    say(terminal, found)
    for name, test in found["facts"]["networks"].items():
        if test["suggested"] is not None:
            terminal.print(
                f"  learners: {{settings: {{{name}: {{learning_rate: {test['suggested']:.2g}}}}}}}", highlight=False
            )
