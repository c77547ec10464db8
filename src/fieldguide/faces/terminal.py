"""The terminal: results as text, progress as a line that knows what is left.

Formats for eyes; quiet when nobody looks (not a terminal), and never asks anything.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Mapping
from types import TracebackType
from typing import Any

from rich.console import Console
from rich.markup import escape
from rich.padding import Padding
from rich.progress import Progress, SpinnerColumn, TextColumn, TimeElapsedColumn
from rich.table import Table
from rich.text import Text

from fieldguide.core import figures
from fieldguide.core.finding import SEVERITIES

MARKS = {"error": "[bold red]✗[/]", "warning": "[yellow]![/]", "info": "[cyan]·[/]"}
TITLES = {
    "join": "Join event tables",
    "frame": "Frame the question", "split": "Seal the test set", "explore": "Look at the data", "prepare": "Prepare the columns",
    "baseline": "Set the bar", "train": "Train networks", "refine": "Refine", "finalize": "Refit and open the seal",
    "evaluate": "Judge predictions made elsewhere", "recency": "Measure how the answer ages", "imbalance": "Measure the remedies for a rare class", "rules": "Decide by rules", "rules_diff": "Compare two versions of the rules", "intervals": "Count what intervals cover", "rates": "Test learning rates", "explain": "Look into the answer",
    "features": "Hold the table against its contract",
}  # fmt: skip
UNCUT = 10_000
"""Width of what is not shown on a terminal: lines stay whole, so that they can be searched."""
FILLED = re.compile(r"(?<! ) +(?=\n|$)")  # begun once a run: a run before text is not tried again from each blank


class Watching:
    """Shows what a study is doing, with the time left; on standard error, and only on a terminal.

    Use it as the `watch` of a study, inside a `with` block.
    """

    def __init__(self, quiet: bool = False) -> None:
        console = Console(stderr=True)
        self.shown = console.is_terminal and not quiet
        self.progress = Progress(
            SpinnerColumn(), TextColumn("{task.description}"), TimeElapsedColumn(), TextColumn("[dim]{task.fields[left]}"),
            console=console, transient=True, disable=not self.shown,
        )  # fmt: skip
        self.task: Any = None
        self.step = ""

    def __enter__(self) -> Watching:
        self.progress.start()
        self.task = self.progress.add_task("Opening the study", total=None, left="")
        return self

    def __exit__(self, kind: type | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.progress.stop()

    def __call__(self, event: Mapping[str, Any]) -> None:
        if not self.shown:
            return
        left = event.get("left", float("inf"))
        shown = "" if left == float("inf") else f"{left:.0f} s left of the budget"
        if event.get("event") == "step":
            self.step = TITLES.get(event["step"], event["step"])
            self.progress.update(self.task, description=f"[bold]{self.step}", left=shown)
        elif event.get("event") == "trial":
            doing = f"[bold]{self.step}[/]: {escape(str(event['candidate']))}"
            self.progress.update(self.task, description=doing, left=shown)


class Unfilled:
    """A file that takes lines without the blanks at their ends, with which tables fill their rows."""

    def __init__(self, file: Any) -> None:
        self.file = file

    def write(self, text: str) -> int:
        self.file.write(FILLED.sub("", text))
        return len(text)

    def __getattr__(self, name: str) -> Any:
        return getattr(self.file, name)


def console(*, stderr: bool = False) -> Console:
    """Return where to print; lines that go to a file or a pipe are not cut, wrapped or filled up."""
    found = Console(stderr=stderr)
    if found.is_terminal:
        return found
    file: Any = Unfilled(sys.stderr if stderr else sys.stdout)
    return Console(file=file, width=UNCUT, soft_wrap=True)


def say_error(error: Mapping[str, str]) -> None:
    """Print an error's dictionary on standard error: what happened, the rule, the fact, the remedy."""
    out = Console(stderr=True, highlight=False, soft_wrap=True)
    out.print(f"[bold red]{escape(error['error'])}[/]: {escape(error['what'])}")
    for label, key in (("Rule", "rule"), ("Found", "found"), ("Do", "do")):
        if error[key]:
            text = error[key].replace("\n", "\n  ")
            out.print(f"  [dim]{label}:[/]{'' if text.startswith(chr(10)) else ' '}{escape(text)}")


def say_result(console: Console, result: Mapping[str, Any], brief: bool = False) -> None:
    """Print a step's result: its sentence, then the findings that fired, then how many were silent.

    Args:
        brief: without the tables that only the step's own verb shows.
    """
    title = TITLES.get(result["step"], result["step"])
    console.print(f"[bold]{title}[/] [dim]({result['seconds']:.1f} s)[/]", highlight=False)
    say_line(console, escape(str(result["facts"].get("sentence", ""))))
    if result["facts"].get("statement") and not brief:
        console.print(stated(result["facts"]["statement"]))
    if result["facts"].get("proxies"):
        say_line(console, escape(result["facts"]["proxies"]["sentence"]))
        console.print(compared(result["facts"]["proxies"]["candidates"]))
    say_findings(console, result["findings"])
    if result["facts"].get("entries") and not brief and result["step"] != "refine":
        console.print(leaderboard(result["facts"]["entries"]))
    if "forecast" in result["facts"]:
        say_line(console, f"[dim]{escape(result['facts']['forecast']['sentence'])}[/]")


def say_line(console: Console, text: str, first: str = "", indent: int = 2) -> None:
    """Print marked-up text indented, behind `first`; where lines are broken, the next ones stand under the text.

    Args:
        first: what stands before the text, marked up.
        indent: blanks before it.
    """
    if not console.is_terminal:  # one line, so that it can be searched
        console.print(f"{' ' * indent}{first}{text}", highlight=False)
        return
    line: Any = Text.from_markup(text)
    if first:
        line = Table.grid()
        line.add_column(no_wrap=True)
        line.add_column(overflow="fold")
        line.add_row(Text.from_markup(first), Text.from_markup(text))
    console.print(Padding(line, (0, 0, 0, indent), expand=False), highlight=False)


def say_findings(console: Console, findings: list[Mapping[str, Any]]) -> None:
    fired = [f for f in findings if f["status"] == "fired"]
    for finding in sorted(fired, key=lambda f: SEVERITIES.index(f["severity"])):
        say_line(console, escape(finding["sentence"]), f"{MARKS[finding['severity']]} [dim]{finding['code']}[/] ")
        if finding["severity"] != "info" and finding["remedy"]:
            say_line(console, f"[dim]{escape(finding['remedy'])}[/]", indent=10)
    silent = len(findings) - len(fired)
    if silent:
        console.print(f"  [dim]{silent} check{'s' * (silent != 1)} had nothing to say[/]", highlight=False)


def stated(entries: list[Mapping[str, Any]]) -> Table:
    """Return the problem statement as a table: what is answered or guessed, and who answers what is not."""
    table = Table(box=None, show_header=False, padding=(0, 0, 0, 2))
    table.add_column("entry", no_wrap=True, vertical="top")
    table.add_column("value", overflow="fold")
    for entry in entries:
        value = escape(entry["value"]) or f"[yellow]?[/] {escape(entry['question'])}"
        asked = "" if entry["status"] == "answered" else f" [dim]({entry['status']}: ask the {escape(entry['who'])})[/]"
        table.add_row(f"[dim]{escape(entry['entry'])}[/]", f"{value}{asked}")
    return table


def compared(candidates: list[Mapping[str, Any]]) -> Table:
    """Return proxies side by side: how many, how soon, how well predicted, how well they teach to rank the outcome."""
    table = Table(box=None, header_style="dim", pad_edge=False, padding=(0, 2, 0, 0))
    for name in ("proxy", "positives", "90 % after", "predicted", "p", "ranks the outcome"):
        table.add_column(name, justify="left" if name == "proxy" else "right")
    for row in candidates:
        wait, test, outcome = row["delay"]["row"] or {}, row["predictability"] or {}, row["outcome_score"] or {}
        table.add_row(
            escape(row["name"]), f"{row['positives']:,}", f"{number(wait.get('p90'), 2)} {wait.get('unit', '')}".strip(), number(test.get("score"), 3),
            number(test.get("p"), 3), number(outcome.get("value"), 3),
        )  # fmt: skip
    return table


def leaderboard(entries: list[Mapping[str, Any]], limit: int = 12) -> Table:
    """Return candidates as a table, the best first; where room is short, names are folded and numbers stay whole."""
    table = Table(box=None, header_style="dim", pad_edge=False, padding=(0, 2, 0, 0))
    from fieldguide.core.score import named

    score, *others = entries[0].get("scores") or [entries[0]["score"]]
    for name, right in (
        ("candidate", 0),
        (f"{named(score)}\n({score['output'] if others else score['rows']})", 1),
        ("95 % interval", 1),
        *((f"{named(other)}\n({other['output']})", 1) for other in others),
        ("seconds", 1),
        ("MB", 1),
        ("ms a row", 1),
    ):
        table.add_column(
            name, justify="right" if right else "left", no_wrap=bool(right), overflow="fold", vertical="top"
        )
    for entry in entries[:limit]:
        found, *more = entry.get("scores") or [entry["score"]]
        low, high = found["interval"]
        table.add_row(
            escape(entry["candidate"]), number(found["value"]), f"{number(low)} to {number(high)}", *(number(other["value"]) for other in more), number(entry.get("seconds"), 2),
            number(entry.get("megabytes"), 2), number(entry.get("latency_ms"), 2),
        )  # fmt: skip
    return table


def number(value: float | None, digits: int = 4) -> str:
    """Return a number as it stands in a column: zeros at the end are kept, a dash is none.

    Examples:
        >>> number(0.928), number(48231.2), number(None), number(0.0512, 2)
        ('0.9280', '48,231', '–', '0.051')
    """
    return figures.number(value, digits, pad=True, absent="–")
