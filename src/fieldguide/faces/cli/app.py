"""What every verb of the command line shares: the app, its options, and how a verb speaks.

Decides nothing, waits for no answer. The verbs stand in the other files of this folder; adding one is a file and a line in
`faces.cli`.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Annotated, Any, ClassVar

import typer
from typer.core import TyperGroup

SECTIONS = {
    "The whole way": ("init", "run", "status", "finalize", "predict", "report"),
    "Step by step": ("join", "frame", "features", "split", "explore", "prepare", "baseline", "train", "refine"),
    "Beside the steps": (
        "explain",
        "recency",
        "imbalance",
        "intervals",
        "rates",
        "rules",
        "embed",
        "evaluate",
        "package",
    ),
    "Online": ("serve", "log", "outcomes", "replay", "experiment", "gap", "refresh"),
}
"""The verbs as `--help` lists them; those named nowhere stand at its end."""


class Whole(TyperGroup):
    """Lists verbs each with its whole first sentence: at any width nothing is cut."""

    sections: ClassVar[Mapping[str, tuple[str, ...]]] = {}
    rest: ClassVar[str] = "Commands"

    def format_commands(self, ctx: Any, formatter: Any) -> None:
        """Write the verbs section by section, and those of no section last."""
        named = [name for names in self.sections.values() for name in names]
        others = tuple(name for name in self.list_commands(ctx) if name not in named)
        for title, names in {**self.sections, self.rest: others}.items():
            found = {name: self.get_command(ctx, name) for name in names}
            rows = [(name, command.get_short_help_str(300)) for name, command in found.items() if command is not None]
            if rows:
                with formatter.section(title):
                    formatter.write_dl(rows)


class Sections(Whole):
    """The verbs of fieldguide, listed by what they are for."""

    sections = SECTIONS
    rest = "Also"


app = typer.Typer(
    name="fieldguide", cls=Sections, no_args_is_help=True, add_completion=False, rich_markup_mode=None, pretty_exceptions_enable=False,
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


def console(*, stderr: bool = False) -> Any:
    """Return the terminal to print on."""
    from fieldguide.faces.terminal import console as terminal

    return terminal(stderr=stderr)


def say(terminal: Any, result: Mapping[str, Any], brief: bool = False) -> None:
    """Print a step's result: its sentence, tables and findings."""
    from fieldguide.faces.terminal import say_result

    say_result(terminal, result, brief)


def say_candidates(terminal: Any, study: Any) -> None:
    """Print the candidates that were tried, the best first, and whether anybody has looked at the test set; reads no data."""
    from fieldguide.faces.report.facts import recorded
    from fieldguide.faces.terminal import leaderboard

    tried = recorded(study).entries()
    if tried:
        seal = "the seal is open" if study.seal.looks else "the test set is still sealed"
        terminal.print(f"\n[bold]Candidates[/], judged on validation rows; {seal}")
        terminal.print(leaderboard(tried))


def print_json(data: Any) -> None:
    """Print one JSON document on standard output."""
    print(json.dumps(data, ensure_ascii=False, default=str))
