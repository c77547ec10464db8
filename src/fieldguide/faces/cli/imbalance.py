"""The verb imbalance: what class weights, resampling, a focal loss, a threshold and calibration buy."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any

import typer

from fieldguide.faces.cli.app import AsJson, Folder, app, console, print_json, say, with_progress


@app.command()
def imbalance(
    folder: Folder,
    candidate: Annotated[str | None, typer.Option(help="a candidate; default: the best baseline")] = None,
    as_json: AsJson = False,
) -> None:
    """What each remedy for a rare class buys, on validation rows: weights, resampling, focal loss, threshold, calibration."""
    found: dict[str, Any] = {}
    study = with_progress(folder, as_json, lambda opened: found.update(opened.imbalance(candidate).to_dict()))
    if as_json:
        print_json({"study": study.folder.name, "status": "done", **found})
        return
    terminal = console()
    say(terminal, found)
    _say_remedies(terminal, found["facts"])


def _say_remedies(terminal: Any, facts: Mapping[str, Any]) -> None:
    from rich.table import Table

    from fieldguide.faces.terminal import number

    table = Table(box=None, header_style="dim", pad_edge=False, padding=(0, 2, 0, 0))
    names = (
        "remedy",
        "average precision",
        "log loss",
        "calibrated",
        "cost at 0.5",
        "threshold",
        "cost",
        "recall",
        "precision",
        "gain beyond the threshold",
    )
    for name in names:
        table.add_column(name, justify="left" if name == "remedy" else "right")
    for entry in facts["remedies"]:
        point, gain = entry["at_the_threshold"], entry["gain"]["over_the_threshold"]
        table.add_row(
            entry["remedy"], number(entry["average_precision"]), number(entry["calibration"]["before"]["log_loss"]),
            number(entry["calibration"]["after"]["log_loss"]), number(entry["at_a_half"]["cost"]), number(point["threshold"]),
            number(point["cost"]), number(point["recall"]["value"]), number(point["precision"]["value"]),
            f"{number(gain['value'])} [{number(gain['interval'][0])}, {number(gain['interval'][1])}]",
        )  # fmt: skip
    terminal.print(table)
