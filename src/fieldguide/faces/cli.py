"""The command line: a verb per step and for what stands beside them. Decides nothing, waits for no answer.

One JSON document on standard output with `--json`; progress and messages go to standard error. Exit status 1 for a closed
gate, 2 for bad usage or bad data, 70 for a mistake in fieldguide itself, 130 when interrupted.
"""

from __future__ import annotations

import json
import os
import sys
import traceback
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Annotated, Any

import typer

from fieldguide.core.disk import disk_error
from fieldguide.core.errors import FieldguideError

INTERRUPTED = 130

app = typer.Typer(
    name="fieldguide", no_args_is_help=True, add_completion=False, rich_markup_mode=None, pretty_exceptions_enable=False,
    help="From a data file and a question to a deep model you can defend.", context_settings={"max_content_width": 120},
)  # fmt: skip

Folder = Annotated[Path, typer.Argument(metavar="FOLDER", help="the study folder", show_default=False)]
AsJson = Annotated[bool, typer.Option("--json", help="one JSON document on standard output")]
Reason = Annotated[
    str | None, typer.Option(help="why a second look at the sealed rows is worth it; shown in the report for ever")
]


def main() -> None:
    """Run the command line; every failure ends in one message and its exit status."""
    try:
        # Some versions of typer return the status of Ctrl-C instead of raising it, and end by themselves on a closed pipe.
        status = app(prog_name="fieldguide", standalone_mode=False)
        if status == INTERRUPTED:
            raise KeyboardInterrupt
        sys.stdout.flush()
    except FieldguideError as error:
        sys.exit(_failed(error, error.exit_status))
    except typer.Exit as stop:
        sys.exit(stop.exit_code)
    except (KeyboardInterrupt, typer.Abort):
        print("Stopped. Nothing is lost: run the same command again and it resumes.", file=sys.stderr)
        sys.exit(INTERRUPTED)
    except (BrokenPipeError, SystemExit):  # whoever reads has seen enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
        sys.exit(0)
    except OSError as error:
        sys.exit(_failed(disk_error(error, error.filename or "a file"), 2))
    except Exception as error:
        if hasattr(error, "format_message") and hasattr(error, "exit_code"):  # click's own usage errors
            sys.exit(_misused(error))
        traceback.print_exc()
        sys.exit(_failed(_Mistake(error), _Mistake.exit_status))


class _Mistake(FieldguideError):
    """Something in fieldguide went wrong that nobody foresaw; not to be mistaken for a closed gate."""

    exit_status = 70

    def __init__(self, error: Exception) -> None:
        super().__init__(
            "fieldguide made a mistake", found=f"{type(error).__name__}: {error}".splitlines()[0],
            do="nothing is lost; please report it with the lines above",
        )  # fmt: skip

    def to_dict(self) -> dict[str, str]:
        return {**super().to_dict(), "error": "InternalError"}


def _misused(error: Any) -> int:
    """Say what is wrong with the command as it was typed, and where its options are listed."""
    message = error.format_message()
    if message.startswith("Usage:"):  # no command at all: the list of commands is the message
        print(message, file=sys.stderr)
        return 2
    context = getattr(error, "ctx", None)
    print(f"Error: {message}", file=sys.stderr)
    if context is not None:
        print(f"  {context.get_usage()}\n  Do: {context.command_path} --help", file=sys.stderr)
    return 2


def _failed(error: FieldguideError, status: int) -> int:
    if "--json" in sys.argv:
        print(json.dumps({"status": "failed", **error.to_dict()}, ensure_ascii=False))
    from fieldguide.faces.terminal import say_error

    say_error(error.to_dict())
    return status


@app.command()
def init(
    table: Annotated[Path, typer.Argument(metavar="TABLE", help="CSV, TSV, Parquet or Arrow", show_default=False)],
    target: Annotated[list[str], typer.Option(help="the column to predict", show_default=False)],
    out: Annotated[Path | None, typer.Option(help="the study folder; default: named after the file")] = None,
    as_json: AsJson = False,
) -> None:
    """Make a study folder with study.yaml: what was guessed, and what only a person can answer."""
    from fieldguide.workflow import Study

    study = Study.create(table, target if len(target) > 1 else target[0], out=out)
    result = study.frame().to_dict()
    if as_json:
        _print_json(
            {
                "study": study.folder.name,
                "folder": str(study.folder),
                **_document(study),
                "questions": result["facts"]["questions"],
            }
        )
        return
    console = _console()
    _say(console, result)
    console.print(
        f"\nMade [bold]{study.folder}/study.yaml[/]. Answer its questions, then: [bold]fieldguide run {study.folder}[/]"
    )


@app.command()
def run(
    folder: Folder,
    fast: Annotated[
        bool, typer.Option("--fast", help="about half a minute: the seal, the main findings, the bar")
    ] = False,
    minutes: Annotated[float | None, typer.Option(help="wall time for run and finalize together", min=0.01)] = None,
    trials: Annotated[int | None, typer.Option(help="candidates that refine may try", min=0)] = None,
    as_json: AsJson = False,
) -> None:
    """Every step through refine; the seal stays closed. Resumes where it was stopped."""
    study = _with_progress(folder, as_json, lambda study: study.run(fast=fast, minutes=minutes, trials=trials))
    if as_json:
        _print_json(_document(study))
        return
    console = _console()
    for result in study.results():
        if result.step not in ("prepare", "finalize"):
            _say(console, result.to_dict())
    if study.leaderboard():
        from fieldguide.faces.terminal import leaderboard

        console.print("\n[bold]Candidates[/], judged on validation rows; the test set is still sealed")
        console.print(leaderboard(study.leaderboard()))
    following = f"fieldguide run {folder}" if fast else f"fieldguide finalize {folder}"
    console.print(f"\nNext: [bold]{following}[/]   See it: [bold]fieldguide report {folder}[/]")


def _step_verb(name: str, help_text: str) -> None:
    def verb(folder: Folder, as_json: AsJson = False) -> None:
        study = _with_progress(folder, as_json, lambda study: getattr(study, name)())
        result = next(r for r in study.results() if r.step == name).to_dict()
        if as_json:
            _print_json({"study": study.folder.name, "status": "done", **result})
        else:
            _say(_console(), result)
            if name == "prepare":
                _say_prepared(result["facts"])

    app.command(name, help=help_text)(verb)


for _name, _help in {
    "frame": "What is asked, and what is still unanswered.",
    "split": "Seal the test set, then make folds of the rest.",
    "explore": "Look at the development rows; recommend the metric and freeze it.",
    "prepare": "Show ten rows before and after the transform.",
    "baseline": "Set the bar: trivial rule, best feature, linear, neighbours, boosting.",
    "train": "Train networks, first shown to overfit, and compare with the bar.",
    "refine": "The only loop: capacity, regularisation, random search, blend.",
}.items():
    _step_verb(_name, _help)


@app.command()
def finalize(folder: Folder, reason: Reason = None, as_json: AsJson = False) -> None:
    """Refit the chosen candidate, open the seal once, write model/."""
    study = _with_progress(folder, as_json, lambda study: study.finalize(reason))
    if as_json:
        _print_json(_document(study))
        return
    console = _console()
    _say(console, study.results()[-1].to_dict())
    console.print(
        f"\nWrote [bold]{folder}/model[/]. Use it: [bold]fieldguide predict {folder}/model new.csv -o scores.csv[/]"
    )


@app.command()
def predict(
    model: Annotated[Path, typer.Argument(metavar="MODEL", help="a model folder", show_default=False)],
    table: Annotated[
        Path, typer.Argument(metavar="TABLE", help="rows to answer: CSV, TSV, Parquet or Arrow", show_default=False)
    ],
    out: Annotated[
        Path, typer.Option("-o", "--out", help="where to write: CSV, TSV, Parquet or Arrow", show_default=False)
    ],
    as_json: AsJson = False,
) -> None:
    """Answer rows of any size in bounded memory; say which broke the contract and why."""
    from fieldguide.core.model import predict_file
    from fieldguide.workflow import load_model

    n_rows, violations = predict_file(load_model(model), table, out)
    if as_json:
        _print_json(
            {"status": "done", "rows": n_rows, "out": str(out), "violations": [v.to_dict() for v in violations]}
        )
        return
    console = _console()
    console.print(f"Answered {n_rows:,} rows in [bold]{out}[/]")
    for violation in violations[:20]:
        console.print(f"  ! {violation.sentence()}; taken as missing", markup=False, highlight=False)


@app.command()
def package(
    folder: Folder,
    candidate: Annotated[
        str, typer.Argument(metavar="CANDIDATE", help="name of a candidate, such as boosting", show_default=False)
    ],
    out: Annotated[Path, typer.Option("-o", "--out", help="the model folder to write", show_default=False)],
    as_json: AsJson = False,
) -> None:
    """Write any candidate as a servable model, the seal closed (looks: 0)."""
    _with_progress(folder, as_json, lambda study: study.package(candidate, out))
    if as_json:
        _print_json({"status": "done", "candidate": candidate, "model": str(out), "looks": 0})
    else:
        _console().print(f"Packaged {candidate} in [bold]{out}[/]; the seal is closed (looks: 0)")


@app.command()
def evaluate(
    predictions: Annotated[
        Path,
        typer.Argument(
            metavar="PREDICTIONS", help="key or row, and prediction or probability_<label> columns", show_default=False
        ),
    ],
    study: Annotated[Path, typer.Option("--study", help="the study folder", show_default=False)],
    reason: Reason = None,
    as_json: AsJson = False,
) -> None:
    """The same evidence for predictions made elsewhere; sealed rows cost a look."""
    found: dict[str, Any] = {}
    _with_progress(study, as_json, lambda opened: found.update(opened.evaluate(predictions, reason).to_dict()))
    if as_json:
        _print_json({"status": "done", **found})
    else:
        _say(_console(), found)


@app.command()
def status(folder: Folder, as_json: AsJson = False) -> None:
    """Where the study stands, what is unproven, what comes next."""
    from fieldguide.workflow import Study

    found = Study(folder).status()
    if as_json:
        _print_json(found)
        return
    from fieldguide.faces.terminal import TITLES, say_findings
    from fieldguide.workflow import STEPS

    console = _console()
    for step in STEPS:
        title = TITLES[step]
        mark = "[green]✓[/]" if step in found["done"] else "[bold]→[/]" if step == found["next"] else "[dim]·[/]"
        console.print(f"{mark} {title} [dim]({step})[/]")
    seal = "closed" if not found["looks"] else f"opened {found['looks']} time(s)"
    console.print(f"The seal is {seal}.")
    if found["unproven"]:
        console.print("Unproven:")
        say_findings(console, found["unproven"])
    if found["next"]:
        verb = "finalize" if found["next"] == "finalize" else "run"
        console.print(f"Next: [bold]fieldguide {verb} {folder}[/]")


@app.command()
def report(
    folder: Folder,
    out: Annotated[Path | None, typer.Option("-o", "--out", help="default: report.html in the study folder")] = None,
    as_json: AsJson = False,
) -> None:
    """Write one self-contained HTML page."""
    from fieldguide.faces.report import report as write
    from fieldguide.workflow import Study

    path = write(Study(folder), out)
    if as_json:
        _print_json({"status": "done", "report": str(path)})
    else:
        _console().print(f"Wrote [bold]{path}[/]")


@app.command()
def schema() -> None:
    """Print the JSON Schema of study.yaml, for editors."""
    from fieldguide.core.config import json_schema

    _print_json(json_schema())


@app.command()
def version() -> None:
    """Print the version."""
    from importlib.metadata import version as installed

    print(installed("fieldguide"))


def _with_progress(folder: Path, quiet: bool, work: Callable[[Any], Any]) -> Any:
    from fieldguide.faces.terminal import Watching
    from fieldguide.workflow import Study

    with Watching(quiet) as watching:
        study = Study(folder, watching)
        work(study)
    return study


def _document(study: Any) -> dict[str, Any]:
    document: dict[str, Any] = study.to_dict()
    return document


def _console() -> Any:
    from fieldguide.faces.terminal import console

    return console()


def _say(console: Any, result: Mapping[str, Any]) -> None:
    from fieldguide.faces.terminal import say_result

    say_result(console, result)


def _say_prepared(facts: Mapping[str, Any]) -> None:
    from rich.table import Table

    console = _console()
    for title, columns, kinds in (
        ("Before", facts["before"], facts["before_dtypes"]),
        ("After: numbers", facts["after"]["numbers"], {}),
        ("After: codes", facts["after"]["codes"], facts["cardinalities"]),
    ):
        if not columns:
            continue
        table = Table(title=title, title_justify="left", box=None, header_style="dim")
        shown = list(columns)[:8]
        for name in shown:
            table.add_column(f"{name}\n{kinds.get(name, '')}", overflow="fold")
        for row in zip(*(columns[name] for name in shown)):
            table.add_row(*(str(cell) if cell is not None else "–" for cell in row))
        console.print(table)
        if len(columns) > len(shown):
            console.print(f"[dim]and {len(columns) - len(shown)} more[/]")
    for array in facts["arrays"]:
        console.print(
            f"{array['array']}: {array['dtype']} {tuple(array['shape'])}, range {array['range']}", highlight=False
        )


def _print_json(data: Any) -> None:
    print(json.dumps(data, ensure_ascii=False, default=str))
