"""The verbs of judging online: experiment plan, start, status, stop, verdict; gap; refresh."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any

import typer

from fieldguide.core.figures import number
from fieldguide.faces.cli.app import AsJson, Whole, app, console, print_json

NONE = "–"
MOST_STEPS = 12
"""Steps of a forecast's horizon that a table in the terminal tells of."""

experiment = typer.Typer(
    name="experiment", cls=Whole, no_args_is_help=True, rich_markup_mode=None,
    help="Plan, start, watch, stop and judge an online experiment in a folder with experiment.yaml.",
)  # fmt: skip
app.add_typer(experiment)

Folder = Annotated[Path, typer.Argument(metavar="FOLDER", help="the experiment's folder", show_default=False)]
ServedWith = Annotated[str, typer.Option(help="the log it was served with", show_default=False)]
Target = Annotated[str, typer.Option(help="the outcome in the log that is the model's target")]
Wait = Annotated[str | None, typer.Option(help="how long outcomes take, such as 7d; default: by the delay curve")]
Absent = Annotated[
    str | None, typer.Option(help="what a row without an outcome counts as once it is old enough, such as 0")
]


@experiment.command()
def plan(
    folder: Folder,
    log: Annotated[
        str | None, typer.Option(help="write a first experiment.yaml for this log, such as sqlite:///predictions.db")
    ] = None,
    design: Annotated[str, typer.Option(help="with --log: aa, ab or forward_back")] = "ab",
    control: Annotated[str | None, typer.Option(help="with --log: model folder of the control")] = None,
    candidate: Annotated[
        list[str] | None, typer.Option(help="with --log: model folder of the candidate; again for a further one")
    ] = None,
    outcome: Annotated[str, typer.Option(help="with --log: the outcome that decides")] = "outcome",
    as_json: AsJson = False,
) -> None:
    """Hold experiment.yaml against its rules; say how many units and days it takes."""
    from fieldguide.steps.online import experiment as step

    if log is not None:
        step.write_plan(folder, log, outcome, control, candidate or (), design)
    _told(step.plan(folder), as_json)


@experiment.command()
def start(
    folder: Folder,
    phase: Annotated[str | None, typer.Option(help="a phase of the design; default: the next one")] = None,
    as_json: AsJson = False,
) -> None:
    """Begin a phase: from now on its shares deal the traffic."""
    from fieldguide.steps.online import experiment as step

    _told(step.start(folder, phase), as_json)


@experiment.command()
def status(folder: Folder, as_json: AsJson = False) -> None:
    """Look at the running phase, by readings that hold at every look; say whether to stop."""
    from fieldguide.steps.online import experiment as step

    _told(step.status(folder), as_json)


@experiment.command()
def stop(
    folder: Folder,
    reason: Annotated[str, typer.Option(help="why; shown in the report for ever", show_default=False)],
    as_json: AsJson = False,
) -> None:
    """End the running phase."""
    from fieldguide.steps.online import experiment as step

    _told(step.stop(folder, reason), as_json)


@experiment.command()
def verdict(folder: Folder, as_json: AsJson = False) -> None:
    """Judge every phase and say what follows: faults first, then harm, then gain."""
    from fieldguide.steps.online import experiment as step

    _told(step.verdict(folder), as_json)


@app.command()
def gap(
    model: Annotated[Path, typer.Argument(metavar="MODEL", help="a model folder", show_default=False)],
    log: ServedWith,
    offline: Annotated[
        Path | None, typer.Option(help="rows with their truth, as offline scores were made of; makes drift estimable")
    ] = None,
    features: Annotated[
        Path | None,
        typer.Option(help="the same requests' cells made offline: id and the model's columns; default: as logged"),
    ] = None,
    outcome: Target = "outcome",
    output: Annotated[
        str | None, typer.Option(help="of several outputs the only one to be judged; default: each that has outcomes")
    ] = None,
    wait: Wait = None,
    absent: Absent = None,
    as_json: AsJson = False,
) -> None:
    """Why the online score differs from the promised one: skew, drift, late labels, feedback, the rest."""
    from fieldguide.steps.online.gap import gap_of_log

    result = gap_of_log(
        model, log, offline, outcome=outcome, wait=wait, absent=absent, features=features, output=output
    )  # fmt: skip
    _told(result, as_json)


@app.command()
def refresh(
    model: Annotated[Path, typer.Argument(metavar="MODEL", help="the model folder that is served", show_default=False)],
    log: ServedWith,
    out: Annotated[
        Path | None, typer.Option("-o", "--out", help="the new version's folder; default: beside the old")
    ] = None,
    rows: Annotated[Path | None, typer.Option(help="earlier rows with their truth, to train on as well")] = None,
    outcome: Target = "outcome",
    start: Annotated[
        str, typer.Option(help="warm (further from the old weights), scratch, or auto: the better on the newest rows")
    ] = "auto",
    period: Annotated[
        str | None, typer.Option(help="of the updates compared: hour, day, week …; default: by the span of the log")
    ] = None,
    success: Annotated[
        float, typer.Option(help="the gain that is worth an update, in units of the metric", min=0)
    ] = 0.0,
    wait: Wait = None,
    absent: Absent = None,
    as_json: AsJson = False,
) -> None:
    """Retrain on the log with the same settings, compare on the newest window, write a new version beside the old."""
    from fieldguide.steps.online.refresh import refresh_of_log

    result = refresh_of_log(
        model, log, out, earlier=rows, outcome=outcome, start=start, wait=wait, absent=absent, period=period, success=success
    )  # fmt: skip
    _told(result, as_json)


def _told(result: Any, as_json: bool) -> None:
    found = result.to_dict()
    if as_json:
        print_json({"status": "done", **found})
        return
    terminal = console()
    _say(terminal, found)
    for table in (
        _measures(found["facts"]),
        *(_parts(one, found["facts"]) for one in (found["facts"], *found["facts"].get("outputs", ()))),
        _steps(found["facts"]),
        _versions(found["facts"]),
        _updates(found["facts"]),
    ):
        if table is not None:
            terminal.print(table)


def _say(terminal: Any, found: Mapping[str, Any]) -> None:
    from rich.markup import escape

    from fieldguide.faces.terminal import say_findings, say_line

    titles = {"experiment": "Experiment", "gap": "Online against offline", "refresh": "Retrain on the log"}
    title = found["facts"].get("title") or titles[found["step"]]
    terminal.print(f"[bold]{title}[/] [dim]({found['seconds']:.1f} s)[/]", highlight=False)
    say_line(terminal, escape(str(found["facts"].get("sentence", ""))))
    say_findings(terminal, found["findings"])


def _measures(facts: Mapping[str, Any]) -> Any:
    """Return the table of measures, phase by phase, or None."""
    if not isinstance(facts.get("measures"), list):
        return None
    from rich.markup import escape
    from rich.table import Table

    table = Table(box=None, header_style="dim", pad_edge=False, padding=(0, 2, 0, 0))
    for name in ("measure", "control", "candidate", "difference", "95 % interval", "p"):
        first = name == "measure"
        table.add_column(name, justify="left" if first else "right", no_wrap=not first, min_width=15 if first else None)
    for phase in facts.get("phases") or [facts]:
        table.add_row(f"[bold]{escape(phase['phase']['name'])}[/]")
        for one in phase["measures"]:
            table.add_row(
                escape(f"{one['name']} ({one['role']})"), _number(one["control"]), _number(one["candidate"]),
                _number(one["value"]), _span(one["interval"], 3), _number(one["adjusted_p"], 3),
            )  # fmt: skip
            often = _span(one["always_interval"], 3)
            if often != NONE:
                table.add_row("[dim]  at every look[/]", "", "", "", often, _number(one["running_p"], 3))
    return table


def _parts(facts: Mapping[str, Any], whole: Mapping[str, Any]) -> Any:
    """Return the table of the parts of a gap, or None; it names the output where the whole result tells of several."""
    if "parts" not in facts:
        return None
    from rich.markup import escape
    from rich.table import Table

    table = Table(box=None, header_style="dim", pad_edge=False, padding=(0, 2, 0, 0))
    of = f"{facts['metric_title']} of {escape(facts['output'])}" if whole.get("outputs") else facts["metric_title"]
    for name in ("part", f"of the gap ({of})", "95 % interval", "what it is"):
        table.add_column(name, justify="left" if name in ("part", "what it is") else "right")
    for part in facts["parts"]:
        why = part["why"] if part["value"] is None else part["what"]
        table.add_row(part["name"], _number(part["value"]), _span(part["interval"]), escape(why))
    return table


def _steps(facts: Mapping[str, Any]) -> Any:
    """Return the table of a forecast's steps, or None: of a long horizon the first, the last and some between."""
    steps = facts.get("steps")
    if not steps:
        return None
    from rich.table import Table

    table = Table(box=None, header_style="dim", pad_edge=False, padding=(0, 2, 0, 0))
    for name in ("step", facts["metric_title"], "judged"):
        table.add_column(name, justify="right")
    apart = max(1, -(-len(steps) // MOST_STEPS))
    for one in [*steps[:-1:apart], steps[-1]]:
        table.add_row(f"+{one['step']}", _number(one["value"]), f"{one['n']:,}")
    return table


def _versions(facts: Mapping[str, Any]) -> Any:
    """Return the table of a refresh's versions on the newest rows, or None."""
    if "versions" not in facts:
        return None
    from rich.table import Table

    table = Table(box=None, header_style="dim", pad_edge=False, padding=(0, 2, 0, 0))
    for name in (
        "version",
        facts["metric_title"],
        "95 % interval",
        "better than the old by",
        "95 % interval",
        "seconds",
    ):
        table.add_column(name, justify="left" if name == "version" else "right")
    pairs = {(pair["of"], pair["to"]): pair for pair in facts["differences"]}
    for name, said in facts["versions"].items():
        pair = pairs.get((name, "old"), {})
        mark = " (written)" if name == facts["written"] else ""
        table.add_row(
            name + mark, _number(said["value"]), _span(said["interval"]), _number(pair.get("value")), _span(pair.get("interval")),
            _number(facts["seconds_of"].get(name)),
        )  # fmt: skip
    return table


def _updates(facts: Mapping[str, Any]) -> Any:
    """Return the table of schedules of warm-start updates, or None."""
    updates = facts.get("updates") or {"silence": "not looked at"}
    if updates["silence"]:
        return None
    from rich.table import Table

    finer = f"more frequent ones: {updates['finer']}" if updates.get("finer") else None
    table = Table(
        box=None, header_style="dim", pad_edge=False, padding=(0, 2, 0, 0), caption=finer, caption_justify="left"
    )  # fmt: skip
    level = f"{100 * updates['level']:.3g} % interval"
    for name in ("warm-start updates", "how many", facts["metric_title"], "better than never by", level):
        table.add_column(name, justify="left" if name == "warm-start updates" else "right")
    for one in updates["schedules"]:
        mark = " (recommended)" if one["name"] == updates["recommended"] else ""
        difference = one["difference"]
        table.add_row(
            one["name"] + mark, str(one["n_updates"]), _number(one["value"]), _number(difference["value"]), _span(difference["interval"])
        )  # fmt: skip
    table.add_row(
        "never" + (" (recommended)" if updates["recommended"] == "never" else ""),
        "0",
        _number(updates["never"]),
        "–",
        "–",
    )
    return table


def _number(value: float | None, digits: int = 4) -> str:
    return number(value, digits, absent=NONE)


def _span(ends: Any, digits: int = 4) -> str:
    return NONE if not ends or None in ends else f"{number(ends[0], digits)} to {number(ends[1], digits)}"
