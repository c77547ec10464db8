"""FG210: row weights so uneven that few rows decide the score."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from fieldguide.core.finding import Finding, Severity
from fieldguide.core.split import Split
from fieldguide.core.statistics.weighting import effective_size
from fieldguide.core.table import WEIGHTS, Table
from fieldguide.parts.checks._answers import fire, not_applicable, passed, percent

UNEVEN = 0.5
"""Share of the rows that weights are worth below which that is told: intervals are 1.4 times as wide as those of equal weights."""
VERY_UNEVEN = 0.2
FEWEST = 50
"""Effective sealed rows below which a score can hardly be told, where the rows themselves would have been enough."""


@dataclass(frozen=True)
class UnevenWeights:
    """Row weights under which the sealed rows tell as little as a much smaller set of equal rows.

    Formula: Kish's effective size `(Σ w)² / Σ w²` of the sealed rows (of the development rows, where weights count in learning
    only). Fires below half of them; it warns below a fifth, or below 50
    where there are 50 rows or more.

    Why: a weighted score is right for the population that the weights stand for, and less sure: its variance grows by about rows
    / effective size. A few rows of very large weight can carry a score, and what was learned, anywhere.

    Remedy: trim the largest weights, or make them from fewer cells (what that does to the population is yours to judge); collect more
    rows where weights are large; or let weights count in learning only, `population: {weigh: learn}`, if the score is wanted for
    rows as they come.

    Source: Kish (1965), Survey Sampling, section 11.7; Kish (1992), Weighting for unequal Pi.

    Needs: table, split.
    """

    name: ClassVar[str] = "fg210_uneven_weights"
    code: ClassVar[str] = "FG210"
    title: ClassVar[str] = "Uneven weights"
    step: ClassVar[str] = "split"
    severity: ClassVar[Severity] = "warning"

    def run(self, *, table: Table, split: Split) -> list[Finding]:
        held = [column for column in table.columns if column.role in WEIGHTS]
        if not held:
            return [not_applicable(self, "Rows have no weights.")]
        names, part = [held[0].name], "development" if held[0].role == "learn_weight" else "sealed"
        weights = table.frame[names[0]].to_numpy()
        facts = {name: _facts(weights[rows]) for name, rows in (("sealed", split.test), ("development", split.work))}
        heard = facts[part]
        told = (
            f"The {heard['n']:,} {part} rows, weighed by {names[0]!r}, tell as much as {heard['effective']:,.0f} equal ones; the "
            f"largest weight is {percent(heard['largest'])} of all"
        )
        if zero := heard["n_zero"]:
            told += f", and {zero:,} weigh nothing"
        evidence: dict[str, Any] = {"column": names[0], **facts}
        if heard["effective"] >= UNEVEN * heard["n"]:
            return [passed(self, f"{told}.", evidence=evidence)]
        grave = heard["effective"] < VERY_UNEVEN * heard["n"] or heard["effective"] < FEWEST <= heard["n"]
        remedy = (
            "Trim the largest weights, or set population.weigh: learn if the score is wanted for rows as they come."
        )
        severity: Severity = "warning" if grave else "info"
        return [fire(self, f"{told}.", remedy, severity=severity, columns=names, evidence=evidence)]


def _facts(weights: np.ndarray) -> dict[str, Any]:
    total = float(weights.sum())
    return {
        "n": len(weights), "effective": effective_size(weights), "n_zero": int((weights == 0).sum()),
        "largest": float(weights.max(initial=0.0)) / total if total > 0 else 0.0,
    }  # fmt: skip
