"""The verb explain: what the answer of a candidate follows from."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any

import typer

from fieldguide.faces.cli.app import AsJson, Folder, app, console, print_json, say, with_progress

SHOWN = 12


@app.command()
def explain(
    folder: Folder,
    candidate: Annotated[
        str | None,
        typer.Argument(
            metavar="[CANDIDATE]", help="a candidate; default: the chosen one, or the best baseline", show_default=False
        ),
    ] = None,
    rows: Annotated[
        Path | None,
        typer.Option(
            "--rows", help="rows to explain one by one: CSV, TSV, Parquet or Arrow; needs no target", show_default=False
        ),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """What an answer follows from: SHAP values, permutation importance, partial dependence, counter-examples."""
    found: dict[str, Any] = {}
    study = with_progress(folder, as_json, lambda opened: found.update(opened.explain(candidate, rows).to_dict()))
    if as_json:
        print_json({"study": study.folder.name, "status": "done", **found})
        return
    terminal = console()
    say(terminal, found)
    for output in found["facts"]["outputs"]:
        _say_columns(terminal, output)
        for row in output.get("asked", []):
            _say_row(terminal, row, output)
        if output.get("not_explained"):
            terminal.print(
                f"\n{output['not_explained']:,} further rows were not explained: {output['title']} takes {len(output['asked'])} at a time"
            )


def _say_columns(terminal: Any, output: Mapping[str, Any]) -> None:
    from rich.table import Table

    from fieldguide.faces.terminal import number

    table = Table(box=None, header_style="dim", pad_edge=False, padding=(0, 2, 0, 0))
    for name in ("column", f"worth in {output['metric']}", "95 % interval", f"mean |part| in {output['scale']}"):
        table.add_column(name, justify="left" if name == "column" else "right")
    strength = {entry["column"]: entry["value"] for entry in output["strength"]}
    for entry in output["importance"][:SHOWN]:
        low, high = entry["interval"]
        parts = sum(strength[name] for name in entry["columns"])
        table.add_row(
            ", ".join(entry["columns"]), number(entry["value"]), f"{number(low)} to {number(high)}", number(parts)
        )
    terminal.print(f"\n{output['of']}, by {output['title']}", markup=False, highlight=False)
    terminal.print(table)
    if len(output["importance"]) > SHOWN:
        terminal.print(f"{len(output['importance']) - SHOWN} further columns: see --json or the report", style="dim")


def _say_row(terminal: Any, row: Mapping[str, Any], output: Mapping[str, Any]) -> None:
    from fieldguide.faces.terminal import number

    of = f" for {row['of']}" if "of" in row else ""
    terminal.print(
        f"\nrow {row['row']}: {number(row['prediction'])}{of}; {number(row['base'])} {output['scale']} of the background, and",
        markup=False,
        highlight=False,
    )
    for part in row["parts"][:SHOWN]:
        cell = "missing" if part["cell"] is None else part["cell"]
        terminal.print(f"  {number(part['value']):>10}  {part['column']} = {cell}", markup=False, highlight=False)
    counter = row.get("counter") or {}
    if counter.get("change"):
        change = counter["change"]
        terminal.print(f"  {change['answer']} if {change['column']} were {change['to']}", markup=False, highlight=False)
    terminal.print(f"  additivity error {row['error']:.2g}", style="dim")
