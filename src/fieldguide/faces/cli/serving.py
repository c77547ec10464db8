"""The verbs of a model in use: serve."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Annotated, Any

import typer

from fieldguide.core.errors import ConfigError, MissingExtra, StudyError
from fieldguide.core.log import shown
from fieldguide.faces.cli.app import AsJson, app, console, print_json

LOG = "sqlite:///predictions.db"
Log = Annotated[str, typer.Option("--log", metavar="URL", help="the log: sqlite:///FILE or postgresql://HOST/DATABASE")]


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
    as_json: AsJson = False,
) -> None:  # fmt: skip
    """Answer rows over HTTP; every answer is in the log before it is sent. The first model answers, others when named."""
    serving(models, host, port, log, api_key_env=api_key_env, max_bytes=max_bytes, rate=rate, as_json=as_json)


def serving(
    models: list[str], host: str, port: int, log: str, *, api_key_env: str | None = None, max_bytes: int = 32 * 1024**2,
    rate: float | None = None, as_json: bool = False, dealing: Any = None,
) -> None:  # fmt: skip
    """Serve until told to stop.

    Args:
        dealing: called with the opened arms, returns what deals units to them (an experiment's); None: the first arm answers.
    """
    try:
        from fieldguide.faces.server.app import Settings
        from fieldguide.faces.server.run import run
    except ImportError as error:
        raise MissingExtra(error.name or "fastapi", "serve", "fieldguide serve") from None
    from fieldguide.core.model import Model
    from fieldguide.faces.server.arms import opened
    from fieldguide.parts import find
    from fieldguide.parts.stores import open_log

    key = _key(api_key_env)
    arms = opened(models, lambda folder: Model.load(Path(folder), find))
    store = open_log(log)

    def told(address: str) -> None:
        if as_json:
            print_json({"status": "serving", "address": address, "arms": [arm.name for arm in arms], "log": shown(log)})
            return
        terminal = console()
        names = ", ".join(f"{arm.name} ({arm.model})" for arm in arms)
        terminal.print(f"Serving {names} at [bold]{address}[/]; log: {shown(log)}. Ctrl-C stops.", highlight=False)

    settings = Settings(max_bytes, rate, key, None if dealing is None else dealing(arms))
    try:
        if not run(arms, store, host, port, settings, told):
            raise StudyError(
                f"the server could not listen on {host}:{port}", do="name another port by --port; 0 takes a free one"
            )
    finally:
        store.close()


def _key(variable: str | None) -> str | None:
    if variable is None:
        return None
    key = os.environ.get(variable, "")
    if not key:
        raise ConfigError(
            f"the environment variable {variable} holds no key", rule="a key stands in the environment, never in a command line",
            do=f"set {variable}, or leave out --api-key-env",
        )  # fmt: skip
    return key
