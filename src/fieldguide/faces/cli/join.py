"""The verb `join`: event tables to the study's table. Says what was made, what was left out, and how long outcomes take."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from fieldguide.faces.cli.app import AsJson, Folder, app, console, print_json, say, with_progress


@app.command()
def join(folder: Folder, as_json: AsJson = False) -> None:
    """Make one row per unit of event tables, as known at its prediction time."""
    study = with_progress(folder, as_json, lambda study: study.join())
    result = study.record.result("join").to_dict()
    if as_json:
        print_json({"study": study.folder.name, "status": "done", **result})
        return
    terminal = console()
    say(terminal, result)
    for line in told(result["facts"]):
        terminal.print(f"  {line}", highlight=False, markup=False)
    terminal.print(f"\nWrote [bold]{folder}/joined.parquet[/]. Next: [bold]fieldguide run {folder} --fast[/]")


def told(facts: Mapping[str, Any]) -> list[str]:
    """Return the lines that say how long outcomes take, and what each feature table gave."""
    unit = "days" if facts["clock"] == "date" else facts["clock"]
    lines = []
    delay = facts["delay"]
    if delay is not None and delay["wait"] is not None:
        by = f" (by a sample of {delay['n']:,} units)" if delay["sampled"] else ""
        lines.append(
            f"Of the outcomes that arrive at all{by}, half come within {delay['median']:.4g} {unit}, {delay['share']:.0%} within "
            f"{delay['wait']:.4g}; the horizon of {facts['horizon']:.4g} {unit} holds {delay['within_horizon']:.0%}."
        )
    if facts["wait"]:
        lines.append(f"Outcomes are waited for {facts['wait']:.4g} {unit} beyond the horizon: they are recorded late.")
    for table in facts["tables"]:
        lines.append(
            f"{table['table']}: {len(table['features'])} features of {table['n_rows']:,} rows; "
            f"{table['n_with_events'] / table['n_units']:.1%} of the units have an event there."
        )
    return lines
