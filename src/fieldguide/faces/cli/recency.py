"""The verb recency: how fast the answer ages, and how often to retrain it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any

import typer

from fieldguide.faces.cli.app import AsJson, Folder, app, console, print_json, say, with_progress


@app.command()
def recency(
    folder: Folder,
    candidate: Annotated[
        str | None, typer.Option(help="a candidate; default: the chosen one, or the bar where that takes long to fit")
    ] = None,
    period: Annotated[
        str | None, typer.Option(help="hour, day, week, month, quarter or year; default: what suits the span")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Train up to a period, score the periods after it: how fast the answer ages, and what retraining costs."""
    found: dict[str, Any] = {}
    study = with_progress(folder, as_json, lambda opened: found.update(opened.recency(candidate, period).to_dict()))
    if as_json:
        print_json({"study": study.folder.name, "status": "done", **found})
        return
    terminal = console()
    say(terminal, found)
    _say_schedules(terminal, found["facts"])


def _say_schedules(terminal: Any, facts: Mapping[str, Any]) -> None:
    from rich.table import Table

    from fieldguide.faces.terminal import number

    if facts.get("silence"):
        return
    table = Table(box=None, header_style="dim", pad_edge=False, padding=(0, 2, 0, 0))
    for name in ("retrain", f"costs ({facts['title']})", "95 % interval"):
        table.add_column(name, justify="left" if name == "retrain" else "right")
    for plan in facts["schedules"]:
        low, high = plan["cost"]["interval"]
        mark = " [green]<- recommended[/]" if plan["name"] == facts["recommended"] else ""
        table.add_row(plan["name"] + mark, number(plan["cost"]["value"]), f"{number(low)} to {number(high)}")
    terminal.print(table)
    terminal.print(
        f"  [dim]{facts['candidate']}, {facts['windows']['better']} windows: {facts['why']}[/]", highlight=False
    )
