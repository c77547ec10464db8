"""The verbs of models: predict, package, evaluate."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from fieldguide.faces.cli.app import AsJson, Folder, Reason, app, console, print_json, say, with_progress


@app.command()
def predict(
    model: Annotated[Path, typer.Argument(metavar="MODEL", help="a model folder", show_default=False)],
    table: Annotated[
        Path,
        typer.Argument(
            metavar="TABLE",
            help="rows to answer: CSV, TSV, Parquet or Arrow; or a folder of files, or one",
            show_default=False,
        ),
    ],
    out: Annotated[
        Path, typer.Option("-o", "--out", help="where to write: CSV, TSV, Parquet or Arrow", show_default=False)
    ],
    as_json: AsJson = False,
) -> None:
    """Answer rows of any size in bounded memory; say which broke the contract and why."""
    from fieldguide.core.figures import count
    from fieldguide.core.model import predict_file
    from fieldguide.workflow import load_model

    n_rows, violations = predict_file(load_model(model), table, out)
    if as_json:
        print_json({"status": "done", "rows": n_rows, "out": str(out), "violations": [v.to_dict() for v in violations]})
        return
    terminal = console()
    terminal.print(f"Answered {count(n_rows, 'row')} in [bold]{out}[/]")
    for violation in violations[:20]:
        terminal.print(f"  ! {violation.sentence()}; taken as missing", markup=False, highlight=False)


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
    with_progress(folder, as_json, lambda study: study.package(candidate, out))
    if as_json:
        print_json({"status": "done", "candidate": candidate, "model": str(out), "looks": 0})
    else:
        console().print(f"Packaged {candidate} in [bold]{out}[/]; the seal is closed (looks: 0)")


@app.command()
def evaluate(
    predictions: Annotated[
        Path,
        typer.Argument(
            metavar="PREDICTIONS", help="key or row, and prediction or probability_<label> columns", show_default=False
        ),
    ],
    study: Annotated[Path, typer.Option("--study", help="the study folder", show_default=False)],
    test: Annotated[
        bool, typer.Option("--test", help="judge the sealed rows too: a look, recorded and counted for ever")
    ] = False,
    reason: Reason = None,
    as_json: AsJson = False,
) -> None:
    """The same evidence for predictions made elsewhere; sealed rows are left out unless --test or --reason asks for a look at them."""
    found: dict[str, Any] = {}
    with_progress(
        study, as_json, lambda opened: found.update(opened.evaluate(predictions, reason, test=test).to_dict())
    )
    if as_json:
        print_json({"status": "done", **found})
    else:
        say(console(), found)
