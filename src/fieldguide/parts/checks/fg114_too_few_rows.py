"""FG114: too few rows for a study."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from fieldguide.core.finding import Finding, Severity
from fieldguide.core.settings import setting
from fieldguide.parts.checks._answers import count, fire, passed, verb


@dataclass(frozen=True)
class TooFewRows:
    """A table from which no rows can be sealed: the next step will refuse it.

    Formula: rows with a target (all rows, where there is none), fewer than 20.

    Why: of so few rows a handful would be sealed and a handful left to learn from, and no number would mean anything. It
    is said at once, before anybody answers the questions of `study.yaml`.

    Remedy: collect more rows, or bring those of an earlier time.

    Needs: n_rows (those with a target).
    """

    name: ClassVar[str] = "fg114_too_few_rows"
    code: ClassVar[str] = "FG114"
    title: ClassVar[str] = "Too few rows"
    step: ClassVar[str] = "frame"
    severity: ClassVar[Severity] = "error"

    fewest: int = setting(20, "rows that a study has at least [rows]")

    def run(self, *, n_rows: int) -> list[Finding]:
        if n_rows >= self.fewest:
            return [passed(self, f"There are {count(n_rows, 'row')} to seal some of and to learn from others.")]
        sentence = (
            f"{count(n_rows, 'row')} {verb(n_rows, 'is', 'are')} too few for a study: split will refuse to seal any."
        )
        return [
            fire(self, sentence, f"Collect more rows: {self.fewest} at least, better hundreds.", evidence={"n": n_rows})
        ]
