"""The verb intervals: how often the truth lies between two learned quantiles."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from fieldguide.faces.cli.app import AsJson, Folder, app, console, print_json, say, with_progress


@app.command()
def intervals(
    folder: Folder,
    candidate: Annotated[
        str | None, typer.Option(help="a candidate that learns quantiles; default: the best of those")
    ] = None,
    level: Annotated[float, typer.Option(help="share of rows that should lie inside")] = 0.9,
    as_json: AsJson = False,
) -> None:
    """Quantile intervals of a number by the pinball loss, and what they cover on validation rows."""
    found: dict[str, Any] = {}
    study = with_progress(folder, as_json, lambda opened: found.update(opened.intervals(candidate, level).to_dict()))
    if as_json:
        print_json({"study": study.folder.name, "status": "done", **found})
    else:
        say(console(), found)
