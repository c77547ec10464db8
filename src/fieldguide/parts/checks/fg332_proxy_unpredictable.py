"""FG332: a proxy that the features tell nothing of."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

from fieldguide.core.finding import Finding, Severity
from fieldguide.core.settings import setting
from fieldguide.parts.checks._answers import count, number
from fieldguide.parts.checks._proxies import Candidate, Complaint, looked_at


@dataclass(frozen=True)
class ProxyUnpredictable:
    """A proxy that a quick model predicts no better than it predicts the same labels shuffled.

    Formula: the share of the label's variance that a cross-fitted ridge regression on bins, levels and random hidden units
    explains, against the same for 199 shuffles of the labels (whole blocks at a time): p = (1 + shuffles that do as well) /
    200, times the number of candidates. Fires when that exceeds 0.05.

    Why: a label the inputs say nothing about cannot be learned, whatever the network.

    Remedy: choose another event, or add columns that are known before it and could cause it.

    Source: Ojala and Garriga (2010), Permutation tests for studying classifier performance; Phipson and Smyth (2010).

    Needs: proxies (the facts of `explore`).
    """

    name: ClassVar[str] = "fg332_proxy_unpredictable"
    code: ClassVar[str] = "FG332"
    title: ClassVar[str] = "A proxy that cannot be predicted"
    step: ClassVar[str] = "explore"
    severity: ClassVar[Severity] = "warning"

    level: float = setting(0.05, "level of the test, over all candidates together")

    def run(self, *, proxies: Mapping[str, Any] | None) -> list[Finding]:
        n = 1 if proxies is None else len(proxies["candidates"])

        def judge(row: Candidate) -> Complaint | None:
            found = row["predictability"]
            if found["p"] * n <= self.level:
                return None
            measure = "ROC AUC" if found["metric"] == "roc_auc" else "share explained"
            sentence = (
                f"A quick model predicts {row['name']!r} no better than shuffled labels ({measure} {number(found['score'])}, "
                f"p {number(found['p'])} of {count(found['n_shuffles'], 'shuffle')})."
            )
            return sentence, "Choose another event, or add columns that are known before it.", dict(found)

        def needs(row: Candidate) -> str:
            return "" if row["predictability"] else "it is the same in all but one row"

        return looked_at(self, proxies, judge, "a quick model predicts them better than shuffled labels.", needs)
