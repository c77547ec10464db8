"""FG334: a proxy that does not stand for the outcome."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

from fieldguide.core.finding import Finding, Severity
from fieldguide.core.settings import setting
from fieldguide.parts.checks._answers import count, number, span
from fieldguide.parts.checks._facts import ends
from fieldguide.parts.checks._proxies import Candidate, Complaint, looked_at


@dataclass(frozen=True)
class ProxyDisagrees:
    """A proxy that does not go with the outcome, or teaches a ranking that serves the outcome worse than the outcome itself would.

    Formula: on rows whose outcome is known (followed for as long as 90 % of the outcomes take): the rank correlation of proxy
    and outcome, and the paired difference of the ROC AUC (an amount: rank correlation) under the outcome between a quick
    model learned from the proxy and one learned from those outcomes; intervals by bootstrap over blocks. Fires when the
    correlation's interval reaches 0 or below, or the difference's interval lies below 0 and the difference below −0.05.

    Why: a model is as good as what it was taught. Clicks out of curiosity predict clicks out of curiosity.

    Remedy: choose a proxy that leads to the outcome, or learn the outcome on the rows in which it is known.

    Needs: proxies (the facts of `explore`).
    """

    name: ClassVar[str] = "fg334_proxy_disagrees"
    code: ClassVar[str] = "FG334"
    title: ClassVar[str] = "A proxy that disagrees with the outcome"
    step: ClassVar[str] = "explore"
    severity: ClassVar[Severity] = "warning"

    gap: float = setting(0.05, "how much worse than the outcome itself a proxy may teach")

    def run(self, *, proxies: Mapping[str, Any] | None) -> list[Finding]:
        def needs(row: Candidate) -> str:
            return (
                "" if row["agreement"] and row["outcome_score"] else "too few rows have both the proxy and the outcome"
            )

        return looked_at(self, proxies, self._judge, "they go with the outcome, and teach what it would.", needs)

    def _judge(self, row: Candidate) -> Complaint | None:
        agreed, scored = row["agreement"], row["outcome_score"]
        remedy = "Choose a proxy that leads to the outcome, or learn the outcome where it is known."
        evidence = {"agreement": dict(agreed), "outcome_score": dict(scored)}
        low, high = ends(agreed["interval"])
        rows = count(agreed["n"], "row")
        if low <= 0:
            told = "does not go with" if high >= 0 else "goes against"
            sentence = f"{row['name']!r} {told} the outcome: rank correlation {number(agreed['correlation'])} {span((low, high))} in {rows}."
            return sentence, remedy, evidence
        low, high = ends(scored["difference_interval"])
        if high < 0 and scored["difference"] < -self.gap:
            measure = "ROC AUC" if scored["metric"] == "roc_auc" else "rank correlation"
            sentence = (
                f"A quick model learned from {row['name']!r} ranks the outcome with {measure} {number(scored['value'])}, "
                f"{number(-scored['difference'])} below one learned from the outcome itself {span((low, high))}, in {count(scored['n'], 'row')}."
            )
            return sentence, remedy, evidence
        return None
