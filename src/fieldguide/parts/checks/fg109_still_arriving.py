"""FG109: rows whose outcomes have not arrived."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

from fieldguide.core.finding import Finding, Severity
from fieldguide.parts.checks._answers import count, fire, passed, percent, verb


@dataclass(frozen=True)
class StillArriving:
    """Rows so recent that their outcomes have not all arrived: a missing outcome there looks like a negative one.

    Formula: the rate of positives along time is fitted by trend × share arrived by age, rate(t) = sigmoid(a + b t) F(T − t), and by
    curves that need no delay (constant, trend, powers, one wave, one step). Where the delay explains the fall at the end
    better than all of them, rows from the time on at which 5 % of the outcomes are missing are immature.

    Why: these rows teach that what will happen does not, and the newest rows are the ones that are sealed and judged.

    Remedy: they are neither taught nor judged. If the rate fell for another reason, set `population.immature: keep`. If you
    know when an outcome can be trusted, say so: `population.train` and `population.evaluate` take an expression of the time.

    Source: Lagakos, Barraj and De Gruttola, "Nonparametric analysis of truncated survival data", Biometrika 1988.

    Needs: population (facts: immature {column, from, n, rate_before, rate_after, left_out} or None), n_rows.
    """

    name: ClassVar[str] = "fg109_still_arriving"
    code: ClassVar[str] = "FG109"
    title: ClassVar[str] = "Rows whose outcomes have not arrived"
    step: ClassVar[str] = "frame"
    severity: ClassVar[Severity] = "warning"

    def run(self, *, population: Mapping[str, Any], n_rows: int) -> list[Finding]:
        found = population["immature"]
        if found is None:
            return [
                passed(
                    self, f"The outcomes of the newest of {n_rows:,} rows do not look as if they were still arriving."
                )
            ]
        n = found["n"]
        done = "are neither taught nor judged" if found["left_out"] else "are kept, as study.yaml says"
        sentence = (
            f"{count(n, 'row')} from {found['from']} on by {found['column']!r} {verb(n, 'has', 'have')} {percent(found['rate_after'])} "
            f"positives, {percent(found['rate_before'])} before, and fewer the younger they are: outcomes are still arriving, "
            f"so these rows {done}."
        )
        remedy = "If the rate fell for another reason, set population.immature: keep."
        return [fire(self, sentence, remedy, columns=[found["column"]], evidence=dict(found))]
