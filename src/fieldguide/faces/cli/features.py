"""The verb of the contract: features. Shows what holds and what breaks; what that is, the step says."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any

import typer

from fieldguide.faces.cli.app import AsJson, Folder, app, console, print_json, say, with_progress


@app.command()
def features(
    folder: Folder,
    write: Annotated[bool, typer.Option("--write", help="draft contract.yaml from what was detected")] = False,
    accept: Annotated[bool, typer.Option("--accept", help="record the present state as what was agreed on")] = False,
    reason: Annotated[
        str | None, typer.Option(help="why a change under the same version may be accepted all the same")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Hold the table against contract.yaml: what every column and label means, and what changed."""
    found: list[dict[str, Any]] = []
    work: dict[str, Any] = {"write": write, "accept": accept, "reason": reason}
    study = with_progress(folder, as_json, lambda study: found.append(study.features(**work).to_dict()))
    result = found[0]
    if as_json:
        print_json({"study": study.folder.name, "status": "done", **result})
        return
    terminal = console()
    say(terminal, result)
    terminal.print(_shown(result["facts"]["features"], result["findings"]))
    for target in result["facts"]["targets"]:
        terminal.print(f"  target {target['name']}, version {target['version']}: {target['definition']}", markup=False)
    if write:
        terminal.print("\nWrote [bold]contract.yaml[/]. Answer its questions, then agree: [bold]fieldguide features "
                       f"{folder} --accept[/]")  # fmt: skip
    elif accept:
        terminal.print(f"\nAccepted as number {result['facts']['accepted']}; it stands in the journal.")


def _shown(entries: list[Mapping[str, Any]], findings: list[Mapping[str, Any]]) -> Any:
    """Return the features as a table: what was agreed on each, and what of it breaks."""
    from rich.markup import escape
    from rich.table import Table

    table = Table(box=None, header_style="dim", pad_edge=False, padding=(0, 2, 0, 0))
    for name in ("column", "feature", "kind", "unit", "coverage", "available", "holds"):
        table.add_column(name, overflow="fold")
    broken: dict[str, list[str]] = {}
    for finding in findings:
        if finding["status"] == "fired" and finding["severity"] != "info":
            for column in finding["columns"]:
                broken.setdefault(column, []).append(finding["code"])
    for entry in entries:
        codes = broken.get(entry["column"])
        table.add_row(
            escape(entry["column"]), escape(f"{entry['feature']} {entry['version']}"), entry.get("kind") or "–",
            escape(entry["unit"] or "–"), f"{100 * entry['coverage']:.3g} %" if entry["present"] else "–",
            entry["available"], "yes" if not codes else ", ".join(codes),
        )  # fmt: skip
    return table
