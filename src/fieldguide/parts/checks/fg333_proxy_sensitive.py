"""FG333: a proxy whose definition matters too much."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

from fieldguide.core.finding import Finding, Severity
from fieldguide.core.settings import setting
from fieldguide.parts.checks._answers import number, percent, span
from fieldguide.parts.checks._facts import ends
from fieldguide.parts.checks._proxies import Candidate, Complaint, looked_at


@dataclass(frozen=True)
class ProxySensitive:
    """A proxy of which another threshold or window would have taught something else.

    Formula: a quick model is learned from the proxy and from each of its variants, on the same rows and folds. Under a known
    outcome: the paired difference of their ROC AUC (an amount: rank correlation), and of the cost of their decisions where costs
    are stated, with bootstrap intervals at 1 − 0.05 / variants; fires when one excludes 0 and is larger than 0.02 (costs: 5 %).
    Without an outcome: fires when the rank correlation of the two rankings is below 0.8, and 0.1 below what the same definition
    reaches when it is learned again on other folds.

    Why: the definition of a proxy is a choice nobody can prove. If the ranking and the decisions hang on it, they are the
    choice's rather than the data's; if not, the simplest definition will do.

    Remedy: choose the variant that serves the outcome best, or an event with fewer knobs, and write down why.

    Needs: proxies (the facts of `explore`).
    """

    name: ClassVar[str] = "fg333_proxy_sensitive"
    code: ClassVar[str] = "FG333"
    title: ClassVar[str] = "A proxy that hangs on its definition"
    step: ClassVar[str] = "explore"
    severity: ClassVar[Severity] = "warning"

    gap: float = setting(0.02, "difference of the ranking metric under the outcome that matters")
    cost: float = setting(0.05, "relative difference of costs under the outcome that matters")
    same: float = setting(0.8, "rank correlation below which two rankings differ")
    noise: float = setting(0.1, "how far below that of the same definition learned twice")

    def run(self, *, proxies: Mapping[str, Any] | None) -> list[Finding]:
        def needs(row: Candidate) -> str:
            return "" if any("spearman" in v for v in row["variants"]) else "it has no variants to compare"

        return looked_at(self, proxies, self._judge, "their variants teach much the same.", needs)

    def _judge(self, row: Candidate) -> Complaint | None:
        seen = [variant for variant in row["variants"] if "spearman" in variant]
        faults = [(weight, said, variant) for variant in seen for weight, said in [self._fault(variant)] if said]
        if not faults:
            return None
        _, said, variant = max(faults, key=lambda fault: fault[0])
        sentence = f"{row['name']!r} hangs on its definition: with {variant['event']} instead of {row['event']}, {said}; {percent(variant['flips'])} of the decisions flip."
        remedy = "Choose the definition that serves the outcome best, or an event with fewer knobs, and write down why."
        return sentence, remedy, {"variants": seen}

    def _fault(self, variant: Mapping[str, Any]) -> tuple[float, str]:
        if "outcome_difference" not in variant:
            apart = variant["noise"]["spearman"] - variant["spearman"]
            if variant["spearman"] < self.same and apart > self.noise:
                return (
                    apart,
                    f"the rankings correlate by {number(variant['spearman'])} only, learned twice by {number(variant['noise']['spearman'])}",
                )
            return 0.0, ""
        low, high = ends(variant["outcome_interval"])
        if (low > 0 or high < 0) and abs(variant["outcome_difference"]) > self.gap:
            change = variant["outcome_difference"]
            return abs(change), f"the ranking of the outcome changes by {number(change)} {span((low, high))}"
        low, high = ends(variant.get("cost_interval"))
        if (low > 0 or high < 0) and abs(variant["cost_difference"]) > self.cost * variant["cost"]:
            return abs(variant["cost_difference"]) / variant[
                "cost"
            ], f"the cost of its decisions changes by {number(variant['cost_difference'])} {span((low, high))} a row"
        return 0.0, ""
