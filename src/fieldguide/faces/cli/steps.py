"""The verbs of the workflow: init, run, a verb per step, finalize."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any

import typer

from fieldguide.core.errors import FieldguideError
from fieldguide.faces.cli.app import (
    AsJson,
    Folder,
    Reason,
    app,
    console,
    document,
    print_json,
    say,
    say_candidates,
    with_progress,
)

INIT_TAKES = "CSV, TSV, Parquet or Arrow; or a folder: of classes, with train and test folders, with a table of its files, a Hugging Face dataset"


@app.command()
def init(
    table: Annotated[Path, typer.Argument(metavar="TABLE", help=INIT_TAKES, show_default=False)],
    target: Annotated[
        list[str] | None,
        typer.Option(
            help="the column to predict; several make several outputs; none for clustering and reduction",
            show_default=False,
        ),
    ] = None,
    task: Annotated[
        str | None,
        typer.Option(
            help="the task; multilabel and vector make one output of all targets, clustering and reduction have none"
        ),
    ] = None,
    goal: Annotated[
        str | None,
        typer.Option(help="what should become better, in words: the report opens with it", show_default=False),
    ] = None,
    out: Annotated[Path | None, typer.Option(help="the study folder; default: named after the file")] = None,
    horizon: Annotated[int | None, typer.Option(help="forecasts: steps ahead", min=1, show_default=False)] = None,
    time: Annotated[str | None, typer.Option(help="forecasts: the column of times", show_default=False)] = None,
    series: Annotated[
        list[str] | None, typer.Option(help="forecasts: the columns that tell series apart", show_default=False)
    ] = None,
    clusters: Annotated[
        int | None, typer.Option(help="clustering: how many, where that is known", min=2, show_default=False)
    ] = None,
    components: Annotated[
        int | None,
        typer.Option(help="reduction: numbers that are kept of a row; default: 2", min=1, show_default=False),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Make a study folder with study.yaml: what was guessed, and what only a person can answer."""
    from fieldguide.workflow import Study

    said = {
        "goal": goal,
        "task": task or ("forecast" if horizon else None),
        "horizon": horizon,
        "time": time,
        "series": series or None,
        "clusters": clusters,
        "components": components,
    }
    answers: dict[str, Any] = {name: value for name, value in said.items() if value is not None}
    targets = target or []
    study = Study.create(table, targets if len(targets) != 1 else targets[0], out=out, **answers)
    try:
        result = study.frame().to_dict()
    except FieldguideError:
        if not as_json:
            console(stderr=True).print(
                f"Made [bold]{study.folder}/study.yaml[/]; it does not stand yet. Mend what follows, here or in the data, then: "
                f"[bold]fieldguide run {study.folder}[/]"
            )
        raise
    if as_json:
        print_json(
            {
                "study": study.folder.name,
                "folder": str(study.folder),
                **document(study),
                "questions": result["facts"]["questions"],
            }
        )
        return
    terminal = console()
    say(terminal, result)
    terminal.print(
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
    study = with_progress(folder, as_json, lambda study: study.run(fast=fast, minutes=minutes, trials=trials))
    if as_json:
        print_json(document(study))
        return
    terminal = console()
    for result in study.results():
        if result.step not in ("prepare", "finalize"):
            say(terminal, result.to_dict(), brief=True)
    say_candidates(terminal, study)
    following = f"fieldguide run {folder}" if fast else f"fieldguide finalize {folder}"
    after = "" if study.seal.looks else f"Next: [bold]{following}[/]   "
    terminal.print(f"\n{after}See it: [bold]fieldguide report {folder}[/]")


def _step_verb(name: str, help_text: str) -> None:
    def verb(folder: Folder, as_json: AsJson = False) -> None:
        study = with_progress(folder, as_json, lambda study: getattr(study, name)())
        result = next(r for r in study.results() if r.step == name).to_dict()
        if as_json:
            print_json({"study": study.folder.name, "status": "done", **result})
        else:
            say(console(), result)
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
    study = with_progress(folder, as_json, lambda study: study.finalize(reason))
    if as_json:
        print_json(document(study))
        return
    terminal = console()
    say(terminal, study.results()[-1].to_dict())
    terminal.print(
        f"\nWrote [bold]{folder}/model[/]. Use it: [bold]fieldguide predict {folder}/model new.csv -o scores.csv[/]"
    )


def _say_prepared(facts: Mapping[str, Any]) -> None:
    from rich.table import Table

    terminal = console()
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
        terminal.print(table)
        if len(columns) > len(shown):
            terminal.print(f"[dim]and {len(columns) - len(shown)} more[/]")
    for array in facts["arrays"]:
        if 0 in array["shape"]:
            continue
        low, high = array["range"] or (None, None)
        ends = "" if low is None else f", from {low:.4g} to {high:.4g}"
        terminal.print(f"{array['array']}: {array['dtype']} {tuple(array['shape'])}{ends}", highlight=False)
