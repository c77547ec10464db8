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
    settings: dict[str, str] = {}
    for test in found["facts"]["networks"].values():
        # a learner has one rate: where it was also tested on the features of a checkpoint, its first test is the one told
        if test["suggested"] is not None:
            settings.setdefault(test["learner"], f"{{learning_rate: {test['suggested']:.2g}}}")
    if settings:  # one line for all: a second `learners` would be a key that stands twice
        told = ", ".join(f"{name}: {rate}" for name, rate in settings.items())
        terminal.print(f"  learners: {{settings: {{{told}}}}}", highlight=False)
