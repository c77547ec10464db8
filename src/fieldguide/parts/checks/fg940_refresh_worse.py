"""FG940: is the new version worse than the old?"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

from fieldguide.core.finding import Finding, Severity
from fieldguide.parts.checks._answers import fire, not_applicable, number, passed, span


@dataclass(frozen=True)
class RefreshWorse:
    """Trained on the log, the new version is worse on the newest rows than the one that serves.

    Formula: paired difference on the newest rows, bootstrap over units; its interval lies below 0.

    Why: a log holds what was served, not what could have been; a model trained on its own choices, on rows that are too few or whose
    outcomes are still coming, is worse than its elder.

    Remedy: keep the old version. Train on the earlier rows as well (`--rows`), wait longer for outcomes (`--wait`).

    Needs: refresh (difference: {value, interval}, old, new, n_window, metric_title).
    """

    name: ClassVar[str] = "fg940_refresh_worse"
    code: ClassVar[str] = "FG940"
    title: ClassVar[str] = "The new version is worse"
    step: ClassVar[str] = "refresh"
    severity: ClassVar[Severity] = "warning"

    def run(self, *, refresh: Mapping[str, Any]) -> list[Finding]:
        low, high = refresh["difference"]["interval"]
        said = f"{refresh['metric_title']} {number(refresh['new']['value'])} new, {number(refresh['old']['value'])} old"
        if low is None or high is None:
            return [not_applicable(self, f"The difference has no interval: {said}.")]
        evidence = {"difference": refresh["difference"], "old": refresh["old"], "new": refresh["new"]}
        if high >= 0:
            return [passed(self, f"The new version is not shown to be worse: {said}.", evidence)]
        sentence = f"The new version is worse on the newest {refresh['n_window']:,} rows: {said}, difference {span((low, high))}."
        return [
            fire(
                self,
                sentence,
                "Keep the old version; train on the earlier rows as well, or wait longer for outcomes.",
                evidence=evidence,
            )
        ]
