"""The verbs of a model in use: serve, replay, outcomes, and log export, forget and show."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from fieldguide.core.errors import ConfigError, DataError, MissingExtra, StudyError, listed
from fieldguide.faces.cli.app import AsJson, Whole, app, console, print_json, say

if TYPE_CHECKING:
    from fieldguide.core.online.log import Query
    from fieldguide.faces.server.arms import Arm

LOG = "sqlite:///predictions.db"
Log = Annotated[str, typer.Option("--log", metavar="URL", help="the log: sqlite:///FILE or postgresql://HOST/DATABASE")]
Since = Annotated[str | None, typer.Option(help="from this time on: ISO 8601, UTC where it names no zone")]
Until = Annotated[str | None, typer.Option(help="before this time")]
logs = typer.Typer(
    name="log",
    cls=Whole,
    no_args_is_help=True,
    rich_markup_mode=None,
    help="The log of what was served: show, export, forget.",
)
app.add_typer(logs)


@app.command()
def serve(
    models: Annotated[
        list[str],
        typer.Argument(
            metavar="MODEL...", help="model folders, FOLDER or NAME=FOLDER, also NAME=http://… or NAME=python:MODULE:FUNCTION",
            show_default=False,
        ),
    ],
    host: Annotated[str, typer.Option(help="address to listen on; others than this machine need a proxy with TLS")] = "127.0.0.1",
    port: Annotated[int, typer.Option(help="port to listen on; 0: a free one", min=0, max=65535)] = 8000,
    log: Log = LOG,
    api_key_env: Annotated[
        str | None, typer.Option("--api-key-env", metavar="NAME", help="environment variable that holds the key requests must carry")
    ] = None,
    max_bytes: Annotated[int, typer.Option("--max-bytes", help="largest body", min=1)] = 32 * 1024**2,
    rate: Annotated[float | None, typer.Option(help="requests per second and client address", min=0.001)] = None,
    experiment: Annotated[Path | None, typer.Option(help="an experiment's folder: the phase that runs there deals units to arms")] = None,
    training: Annotated[Path | None, typer.Option(help="training rows: what is served is held against them, on /metrics")] = None,
    watch: Annotated[float, typer.Option(help="with --training: how often, in minutes", min=0.01)] = 10.0,
    as_json: AsJson = False,
) -> None:  # fmt: skip
    """Answer rows over HTTP; every answer is in the log before it is sent. The first model answers, others when named."""
    from fieldguide.core.online.log import shown

    try:
        from fieldguide.faces.server.handlers import Settings
        from fieldguide.faces.server.run import run
    except ImportError as error:
        raise MissingExtra(error.name or "fastapi", "serve", "fieldguide serve") from None
    from fieldguide.core.model import Model
    from fieldguide.faces.server.arms import opened
    from fieldguide.faces.server.dealing import Dealing
    from fieldguide.parts import find
    from fieldguide.parts.stores import open_log
    from fieldguide.steps.online.replay import typed_rows

    key = _key(api_key_env)
    arms = opened(models, lambda folder: Model.load(Path(folder), find))
    dealing: Dealing | None = None
    if experiment is not None:
        from fieldguide.steps.online.experiment import running

        dealing = Dealing(experiment, arms, running)
    learned = {}
    if training is not None:
        learned = {arm.name: typed_rows(arm.contract.model, training) for arm in arms if arm.scorer is None}
    store = open_log(log)

    settings = Settings(max_bytes, rate, key, dealing, None if dealing is None else dealing.explores, learned, watch)
    try:
        if not run(arms, store, host, port, settings, _announced(arms, shown(log), as_json)):
            raise StudyError(
                f"the server could not listen on {host}:{port}",
                rule="a server has a port of this machine to itself",
                found=f"port {port} is taken, or the name {host} is not this machine's",
                do="name another port by --port; 0 takes a free one",
            )
    finally:
        store.close()


def _announced(arms: Sequence[Arm], log: str, as_json: bool) -> Callable[[str], None]:
    """Return what says, once the server listens, where it does and who answers there."""

    def told(address: str) -> None:
        if as_json:
            print_json({"status": "serving", "address": address, "arms": [arm.name for arm in arms], "log": log})
            return
        names = ", ".join(f"{arm.name} ({arm.model})" for arm in arms)
        console().print(f"Serving {names} at [bold]{address}[/]; log: {log}. Ctrl-C stops.", highlight=False)

    return told


def _key(variable: str | None) -> str | None:
    if variable is None:
        return None
    key = os.environ.get(variable, "")
    if not key:
        raise ConfigError(
            f"the environment variable {variable} holds no key", rule="a key stands in the environment, never in a command line",
            found="nothing" if variable not in os.environ else "an empty text",
            do=f"set {variable}, or leave out --api-key-env",
        )  # fmt: skip
    return key


@app.command()
def replay(
    model: Annotated[Path, typer.Argument(metavar="MODEL", help="the model folder that was served", show_default=False)],
    log: Log = LOG,
    study: Annotated[Path | None, typer.Option(help="the study folder: served rows are compared with its development rows")] = None,
    training: Annotated[Path | None, typer.Option(help="a table of training rows to compare with instead")] = None,
    offline: Annotated[Path | None, typer.Option(help="a table the offline path makes of the same units: cells are compared")] = None,
    unit: Annotated[str | None, typer.Option(help="the column of --offline that names the unit")] = None,
    time: Annotated[str | None, typer.Option(help="the column of --offline that says when a row was known")] = None,
    since: Since = None, until: Until = None,
    tolerance: Annotated[float | None, typer.Option(help="relative difference that is still the same answer", min=0)] = None,
    as_json: AsJson = False,
) -> None:  # fmt: skip
    """Logged values through the offline path must give the logged answers; served features are held against training."""
    from fieldguide.core.answering import folder_hash
    from fieldguide.parts.stores import open_log
    from fieldguide.steps.online.replay import offline_rows, typed_rows
    from fieldguide.steps.online.replay import replay as replayed
    from fieldguide.workflow import Study, load_model

    if offline is not None and unit is None:
        raise ConfigError(
            "--offline needs --unit",
            rule="rows are matched by unit",
            found=f"--offline {offline} without --unit",
            do="name the column that tells whom a row is about",
        )
    opened = load_model(model)
    learned = typed_rows(opened, training) if training is not None else None
    if learned is None and study is not None:
        seen = Study(study).material.seen.frame
        missing = [column.name for column in opened.columns if column.name not in seen.columns]
        if missing:
            raise DataError(
                f"the study has no column {listed(missing)}",
                rule="a model is compared with the rows it was trained on",
                found=f"its columns are {listed(seen.columns)}",
                do="name its study",
            )
        learned = seen
    made = None if offline is None or unit is None else offline_rows(opened, offline, unit, time)
    store = open_log(log, create=False)
    try:
        result = replayed(
            store, opened, folder_hash(model), _query(since, until), training=learned, offline=made, tolerance=tolerance
        ).to_dict()
    finally:
        store.close()
    failed = any(finding["status"] == "fired" and finding["severity"] == "error" for finding in result["findings"])
    if as_json:
        print_json({"status": "failed" if failed else "done", **result})
    else:
        say(console(), result)
    if failed:
        raise typer.Exit(1)


@app.command()
def outcomes(
    table: Annotated[Path, typer.Argument(metavar="TABLE", help="columns id, unit or series, value, and perhaps time, name and key", show_default=False)],
    log: Log = LOG, as_json: AsJson = False,
) -> None:  # fmt: skip
    """Tell the log what came of predictions, from a file. The same file may be taken again: nothing is written twice."""
    from fieldguide.core.online.log import shown
    from fieldguide.parts.stores import open_log
    from fieldguide.steps.online.outcomes import take_file

    store = open_log(log, create=False)
    try:
        took = take_file(store, table)
    finally:
        store.close()
    if as_json:
        print_json({"status": "done", **took.to_dict()})
        return
    said = f"Wrote {took.written:,} outcomes into {shown(log)}"
    said += f"; {took.repeated:,} were there already" if took.repeated else ""
    said += f"; {took.corrections:,} are corrections of what was there" if took.corrections else ""
    console().print(said, highlight=False)


@logs.command()
def show(log: Log = LOG, as_json: AsJson = False) -> None:
    """Count what the log holds, and name the models that were served."""
    from fieldguide.parts.stores import open_log

    store = open_log(log, create=False)
    try:
        counts, served, n_corrected = store.counts(), store.served(), store.corrections().height
    finally:
        store.close()
    models = [{"arm": one.arm, "model": one.model, "since": f"{one.time:%Y-%m-%d %H:%M}"} for one in served]
    if as_json:
        print_json({"status": "done", **counts, "corrections": n_corrected, "models": models})
        return
    terminal = console()
    told = ", ".join(f"{n:,} {name}" for name, n in counts.items())
    terminal.print(told + (f"; {n_corrected:,} outcomes are corrections" if n_corrected else ""), highlight=False)
    for one in models:
        terminal.print(f"  {one['arm']}: {one['model']}, since {one['since']}", highlight=False, markup=False)


@logs.command()
def export(
    out: Annotated[Path, typer.Option("-o", "--out", help="the file to write: Parquet, CSV or Arrow", show_default=False)],
    log: Log = LOG,
    model: Annotated[str | None, typer.Option(help="hash of one model: its features are written too, as feature.NAME")] = None,
    since: Since = None, until: Until = None, as_json: AsJson = False,
) -> None:  # fmt: skip
    """Write answered rows to a file, in bounded memory."""
    from fieldguide.core.files.sink import write_frames
    from fieldguide.core.online.log import PREDICTIONS
    from fieldguide.parts.stores import open_log
    from fieldguide.steps.online.log_export import exported

    store = open_log(log, create=False)
    n = 0

    def counted() -> Any:
        nonlocal n
        for frame in exported(store, _query(since, until), model, nested=out.suffix.lower() not in (".csv", ".tsv")):
            n += frame.height
            yield frame

    try:
        write_frames(counted(), out)
    finally:
        store.close()
    if as_json:
        print_json({"status": "done", "rows": n, "out": str(out), "columns": list(PREDICTIONS)})
    else:
        console().print(f"Wrote {n:,} answered rows to [bold]{out}[/]", highlight=False)


@logs.command()
def forget(
    before: Annotated[str, typer.Option(help="delete what is older: ISO 8601, or a number of days", show_default=False)],
    log: Log = LOG, as_json: AsJson = False,
) -> None:  # fmt: skip
    """Delete predictions, refusals and outcomes older than a time; assignments stay."""
    from datetime import timedelta

    from fieldguide.core.online.log import now, utc
    from fieldguide.parts.stores import open_log

    try:
        days = float(before)
    except ValueError:
        moment = utc(before)
    else:
        if not 0 <= days < 100_000:
            raise ConfigError(
                f"{before} is no number of days", rule="what is older than 0 or more days is deleted",
                found=repr(before),
                do="name a number such as 90"
            )  # fmt: skip
        moment = now() - timedelta(days=days)
    store = open_log(log, create=False)
    try:
        gone = store.forget(moment)
    finally:
        store.close()
    if as_json:
        print_json({"status": "done", "before": str(moment), **gone})
    else:
        console().print(
            "Deleted " + ", ".join(f"{n:,} {name}" for name, n in gone.items()) + f" from before {moment}",
            highlight=False,
        )


def _query(since: str | None, until: str | None) -> Query:
    from fieldguide.core.online.log import Query, utc

    return Query(None if since is None else utc(since), None if until is None else utc(until))
