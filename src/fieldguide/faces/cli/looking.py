"""The verbs that look and change nothing: status, report, schema, version."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from fieldguide.faces.cli.app import AsJson, Folder, app, console, print_json, say_candidates


@app.command()
def status(folder: Folder, as_json: AsJson = False) -> None:
    """Where the study stands, what is unproven, what comes next."""
    from fieldguide.workflow import Study

    study = Study(folder)
    found = study.status()
    if as_json:
        print_json(found)
        return
    from fieldguide.faces.terminal import TITLES, say_findings
    from fieldguide.workflow import STEPS

    terminal = console()
    for step in STEPS:
        title = TITLES[step]
        mark = "[green]✓[/]" if step in found["done"] else "[bold]→[/]" if step == found["next"] else "[dim]·[/]"
        terminal.print(f"{mark} {title} [dim]({step})[/]")
    looks = found["looks"]
    seal = "is closed" if not looks else "was opened once" if looks == 1 else f"was opened {looks} times"
    terminal.print(f"The seal {seal}.")
    if found["unproven"]:
        terminal.print("Unproven:")
        say_findings(terminal, found["unproven"])
    say_candidates(terminal, study)
    if found["next"]:
        verb = "finalize" if found["next"] == "finalize" else "run"
        terminal.print(f"\nNext: [bold]fieldguide {verb} {folder}[/]")


@app.command()
def report(
    folder: Folder,
    out: Annotated[Path | None, typer.Option("-o", "--out", help="default: report.html in the folder")] = None,
    experiment: Annotated[
        list[Path] | None, typer.Option(help="an experiment's folder, shown as a section; may be given several times")
    ] = None,
    log: Annotated[
        str | None, typer.Option(help="the log the model was served with; default: the experiment's")
    ] = None,
    model: Annotated[
        Path | None, typer.Option(help="the model that was served; default: the study's model folder")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Write one self-contained HTML page of a study, or of an experiment's folder."""
    from fieldguide.faces.report import report as write

    path = write(folder, out, experiments=experiment or (), log=log, model=model)
    if as_json:
        print_json({"status": "done", "report": str(path)})
    else:
        console().print(f"Wrote [bold]{path}[/]")


@app.command()
def schema() -> None:
    """Print the JSON Schema of study.yaml, for editors."""
    from fieldguide.core.documents.config import json_schema

    print_json(json_schema())


@app.command()
def version() -> None:
    """Print the version."""
    from importlib.metadata import version as installed

    print(installed("fieldguide"))
