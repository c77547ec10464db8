"""FG303: numbers with far outliers."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

from fieldguide.core.errors import listed
from fieldguide.core.finding import Finding, Severity
from fieldguide.core.settings import setting
from fieldguide.parts.checks._answers import count, fire, not_applicable, number, passed, percent, verb


@dataclass(frozen=True)
class HeavyTails:
    """Columns of numbers whose far values dwarf the others.

    Formula: values more than 3 interquartile ranges beyond a quartile (outliers), and the distance of the farthest
    value from the mean in standard deviations. A column is named with more than 1 % outliers and one of them beyond
    10 deviations, or with one beyond 20.

    Why: standard scaling is ruled by such values: the others are squeezed together, and a network sees steps where
    a tree sees an order. A value may also be wrong (a unit mixed up, a code such as 9999 for "unknown").

    Remedy: check the extremes; list codes as missing (`data.columns.<name>.read.missing`). Refine tries robust and
    quantile scaling.

    Needs: profile (columns: {name: {n, missing, mean, sd, min, max, outliers, quantiles}}).
    """

    name: ClassVar[str] = "fg303_heavy_tails"
    code: ClassVar[str] = "FG303"
    title: ClassVar[str] = "Outliers and heavy tails"
    step: ClassVar[str] = "explore"
    severity: ClassVar[Severity] = "info"

    share: float = setting(0.01, "share of outliers from which a column is named")
    reach: float = setting(20.0, "deviations of the farthest value from the mean that suffice; with outliers, half")

    def run(self, *, profile: Mapping[str, Any]) -> list[Finding]:
        judged = {name: facts for name, facts in profile["columns"].items() if facts.get("sd") and "outliers" in facts}
        if not judged:
            return [not_applicable(self, "There is no column of numbers that varies.")]
        found = {}
        for name, facts in judged.items():
            known = facts["n"] - facts["missing"]
            far = max(facts["max"] - facts["mean"], facts["mean"] - facts["min"]) / facts["sd"]
            share = facts["outliers"] / known
            # Outliers alone say little: of a flag, or of hours worked around 40, everything else is one.
            if far > self.reach or (share > self.share and far > self.reach / 2):
                found[name] = {
                    "outliers": facts["outliers"],
                    "share": share,
                    "deviations": far,
                    "farthest": _farthest(facts),
                }
        if not found:
            return [passed(self, f"None of {count(len(judged), 'column')} of numbers has a heavy tail.")]
        order = sorted(found, key=lambda name: -found[name]["deviations"])
        said = listed(
            (
                f"{name!r} ({percent(found[name]['share'])} outliers, up to {number(found[name]['farthest'])}, "
                f"{found[name]['deviations']:.0f} standard deviations out)"
                for name in order
            ),
            3,
        )
        sentence = f"{count(len(found), 'column')} of numbers {verb(len(found), 'has', 'have')} a heavy tail: {said}."
        remedy = "Check the extremes for wrong values and codes; quantile scaling is tried by refine."
        return [fire(self, sentence, remedy, columns=order, evidence={"tails": found})]


def _farthest(facts: Mapping[str, Any]) -> float:
    return facts["max"] if facts["max"] - facts["mean"] >= facts["mean"] - facts["min"] else facts["min"]
