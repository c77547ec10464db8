"""What every verb of the command line shares: the app, its options, and how a verb speaks.

Decides nothing, waits for no answer. The verbs stand in the other files of this folder; adding one is a file and a line in
`faces.cli`.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Annotated, Any

import typer

app = typer.Typer(
    name="fieldguide", no_args_is_help=True, add_completion=False, rich_markup_mode=None, pretty_exceptions_enable=False,
    help="From a data file and a question to a deep model you can defend.", context_settings={"max_content_width": 120},
)  # fmt: skip

Folder = Annotated[Path, typer.Argument(metavar="FOLDER", help="the study folder", show_default=False)]
AsJson = Annotated[bool, typer.Option("--json", help="one JSON document on standard output")]
Reason = Annotated[
    str | None, typer.Option(help="why a second look at the sealed rows is worth it; shown in the report for ever")
]


def with_progress(folder: Path, quiet: bool, work: Callable[[Any], Any]) -> Any:
    """Open the study in `folder`, do `work` with it while its progress is shown, and return it."""
    from fieldguide.faces.terminal import Watching
    from fieldguide.workflow import Study

    with Watching(quiet) as watching:
        study = Study(folder, watching)
        work(study)
    return study


def document(study: Any) -> dict[str, Any]:
    """Return a study as one JSON document."""
    found: dict[str, Any] = study.to_dict()
    return found


def console() -> Any:
    """Return the terminal to print on."""
    from fieldguide.faces.terminal import console as terminal

    return terminal()


def say(terminal: Any, result: Mapping[str, Any], brief: bool = False) -> None:
    """Print a step's result: its sentence, tables and findings."""
    from fieldguide.faces.terminal import say_result

    say_result(terminal, result, brief)


def print_json(data: Any) -> None:
    """Print one JSON document on standard output."""
    print(json.dumps(data, ensure_ascii=False, default=str))
