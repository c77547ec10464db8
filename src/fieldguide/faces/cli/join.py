"""The verb `join`: event tables to the study's table. Says what was made, what was left out, and how long outcomes take."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any

import typer

from fieldguide.faces.cli.app import AsJson, Folder, app, console, print_json, say, with_progress


@app.command()
def join(
    folder: Folder,
    from_log: Annotated[
        str | None, typer.Option("--from-log", metavar="URL", help="make the table of the log of what was served instead")
    ] = None,
    model: Annotated[str | None, typer.Option(help="with --from-log: hash of the model; default: the one served last")] = None,
    target: Annotated[str | None, typer.Option(help="with --from-log: name of the target column; default: the model's")] = None,
    outcome: Annotated[str, typer.Option(help="with --from-log: name of the outcome")] = "outcome",
    absent: Annotated[
        str | None, typer.Option(help="with --from-log: the target where no outcome came, such as 0; default: left out")
    ] = None,
    as_of: Annotated[str | None, typer.Option(help="with --from-log: the time it is asked; default: now")] = None,
    as_json: AsJson = False,
) -> None:  # fmt: skip
    """Make one row per unit of event tables, as known at its prediction time; or of the log, with the features served."""
    if from_log is not None:
        _from_log(folder, from_log, (model, target, outcome, absent, as_of), as_json)
        return
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


def _from_log(
    folder: Path, url: str, said: tuple[str | None, str | None, str, str | None, str | None], as_json: bool
) -> None:
    from fieldguide.core.files.sink import write_frame
    from fieldguide.core.online.log import now, utc
    from fieldguide.parts.stores import open_log
    from fieldguide.steps.join.log import Wanted, table

    model, target, outcome, absent, as_of = said
    store = open_log(url, create=False)
    try:
        frame, facts = table(store, Wanted(now() if as_of is None else utc(as_of), model, target, outcome, absent))
    finally:
        store.close()
    folder.mkdir(parents=True, exist_ok=True)
    out = write_frame(frame, folder / "from_log.parquet")
    if as_json:
        print_json({"status": "done", "out": str(out), **facts})
        return
    left = f"; left out: {facts['n_immature']:,} too young, {facts['n_without_outcome']:,} without an outcome"
    terminal = console()
    terminal.print(
        f"Wrote {facts['n_rows']:,} of {facts['n_logged']:,} answered rows to [bold]{out}[/]{left}", highlight=False
    )
    if not (folder / "study.yaml").exists():
        about = f"--target {facts['target']}" if facts["target"] else f"--task {facts['task']}"
        terminal.print(f"Next: [bold]fieldguide init {out} {about}[/]", highlight=False)


def told(facts: Mapping[str, Any]) -> list[str]:
    """Return the lines that say how long outcomes take, and what each feature table gave."""
    unit = "days" if facts["clock"] == "date" else facts["clock"]
    lines = []
    delay = facts["delay"]
    if delay is not None and delay["wait"] is not None:
        by = f" (by a sample of {delay['n']:,} units)" if delay["sampled"] else ""
        lines.append(
            f"Of the outcomes that arrive at all{by}, half come within {delay['median']:.4g} {unit}, {delay['share'] * 100:.0f} % within "
            f"{delay['wait']:.4g}; the horizon of {facts['horizon']:.4g} {unit} holds {delay['within_horizon'] * 100:.0f} %."
        )
    if facts["wait"]:
        lines.append(f"Outcomes are waited for {facts['wait']:.4g} {unit} beyond the horizon: they are recorded late.")
    for table in facts["tables"]:
        lines.append(
            f"{table['table']}: {len(table['features'])} feature{'s' * (len(table['features']) != 1)} of {table['n_rows']:,} rows; "
            f"{100 * table['n_with_events'] / table['n_units']:.1f} % of the units have an event there."
        )
    return lines
