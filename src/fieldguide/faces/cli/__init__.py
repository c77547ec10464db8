"""The command line: a verb per step and for what stands beside them. Decides nothing, waits for no answer.

One JSON document on standard output with `--json`; progress and messages go to standard error. Exit status 1 for a closed
gate, 2 for bad usage or bad data, 70 for a mistake in fieldguide itself, 130 when interrupted.
"""

from __future__ import annotations

import json
import os
import shlex
import sys
import traceback
from importlib import import_module
from typing import Any

import typer

from fieldguide.core.errors import FieldguideError
from fieldguide.core.files.disk import disk_error
from fieldguide.faces.cli.app import app

INTERRUPTED = 130
MEANT = {
    "leaderboard": "status FOLDER", "show": "status FOLDER", "create": "init TABLE --target COLUMN", "new": "init TABLE --target COLUMN",
    "start": "init TABLE --target COLUMN", "fit": "run FOLDER", "test": "finalize FOLDER", "score": "evaluate FILE --study FOLDER",
    "compare": "evaluate FILE --study FOLDER", "export": "package FOLDER CANDIDATE -o MODEL", "deploy": "serve MODEL",
    "monitor": "gap MODEL", "drift": "gap MODEL", "retrain": "refresh MODEL",
}  # fmt: skip
"""Verbs of other tools, and ours for the same."""
VERBS = (
    "join",
    "steps",
    "features",
    "models",
    "looking",
    "recency",
    "imbalance",
    "rules",
    "intervals",
    "rates",
    "experiment",
    "serving",
    "embed",
    "explain",
)
"""The files of this folder whose import registers verbs, in the order of `--help`."""

for _verbs in VERBS:
    import_module(f"{__name__}.{_verbs}")


def main() -> None:
    """Run the command line; every failure ends in one message and its exit status."""
    try:
        # Some versions of typer return the status of Ctrl-C instead of raising it, and end by themselves on a closed pipe.
        typed = ["version"] if sys.argv[1:] == ["--version"] else sys.argv[1:]
        status = app(args=typed, prog_name="fieldguide", standalone_mode=False)
        if status == INTERRUPTED:
            raise KeyboardInterrupt
        if isinstance(status, int) and status:  # some return the status of typer.Exit as well
            raise typer.Exit(status)
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


class UsageError(FieldguideError):
    """A command that was typed has no such verb or option, lacks one, or gives one a value it cannot have."""


class _Mistake(FieldguideError):
    """Something in fieldguide went wrong that nobody foresaw; not to be mistaken for a closed gate."""

    exit_status = 70

    def __init__(self, error: Exception) -> None:
        super().__init__(
            "fieldguide made a mistake", rule="what can go wrong is foreseen, and told in words",
            found=f"{type(error).__name__}: {error}".splitlines()[0],
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
    return _failed(
        UsageError(
            message, rule=context.get_usage() if context is not None else "fieldguide VERB ...",
            found=shlex.join(["fieldguide", *sys.argv[1:]]), do=_instead(error, context),
        ),
        UsageError.exit_status,
    )  # fmt: skip


def _instead(error: Any, context: Any) -> str:
    """Return what to type: what is missing and what it means, the verb that was probably meant, or where options are listed."""
    listing = f"{context.command_path if context is not None else 'fieldguide'} --help"
    meant = (
        MEANT.get(sys.argv[1]) if len(sys.argv) > 1 and error.format_message().startswith("No such command") else None
    )
    below = getattr(getattr(context, "command", None), "commands", None)
    if below and getattr(context, "parent", None) is not None and error.format_message().startswith("No such command"):
        return f"put one of {', '.join(below)} before it: {listing}"
    if meant is not None:
        return f"fieldguide {meant}, which is the verb for it here; all verbs: {listing}"
    param: Any = getattr(error, "param", None)
    if not error.format_message().startswith("Missing") or not getattr(param, "help", None):
        return listing
    name = param.opts[0] if param.opts[0].startswith("-") else param.metavar
    return f"add {name}: {param.help}; all options: {listing}"


def _failed(error: FieldguideError, status: int) -> int:
    if "--json" in sys.argv:
        print(json.dumps({"status": "failed", **error.to_dict()}, ensure_ascii=False))
    from fieldguide.faces.terminal import say_error

    say_error(error.to_dict())
    return status
