"""FG342: columns that say the same count twice in every distance."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

from fieldguide.core.finding import Finding, Severity
from fieldguide.parts.checks._answers import count, fire, not_applicable, number, passed


@dataclass(frozen=True)
class AlikeColumns:
    """Of a task without a target: two columns of numbers that nearly say the same.

    Formula: the correlation of two columns over development rows. It fires from 0.95 on.

    Why: where there is no target, nothing says which column matters. Each has the same say in distances, and what is said twice counts
    twice: clusters then follow it.

    Remedy: leave one of the two out under data.columns, unless it should count twice.

    Source: standard.

    Needs: space (alike: [{columns, correlation}], n_columns).
    """

    name: ClassVar[str] = "fg342_alike_columns"
    code: ClassVar[str] = "FG342"
    title: ClassVar[str] = "Columns that say the same"
    step: ClassVar[str] = "explore"
    severity: ClassVar[Severity] = "info"

    def run(self, *, space: Mapping[str, Any]) -> list[Finding]:
        if space["n_columns"] < 2:
            return [not_applicable(self, "There is one column only.")]
        pairs = space["alike"]
        if not pairs:
            return [passed(self, f"No two of {count(space['n_columns'], 'column')} say nearly the same.")]
        said = "; ".join(
            f"{pair['columns'][0]!r} and {pair['columns'][1]!r} ({number(pair['correlation'])})" for pair in pairs
        )
        columns = tuple(dict.fromkeys(name for pair in pairs for name in pair["columns"]))
        remedy = "Leave one of each pair out (data.columns: {name: ignore}), unless what they say should count twice."
        return [
            fire(
                self,
                f"What is said twice counts twice in every distance: {said}.",
                remedy,
                columns=columns,
                evidence={"pairs": pairs},
            )
        ]
