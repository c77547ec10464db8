"""FG941: is retraining worth it now?"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

from fieldguide.core.finding import Finding, Severity
from fieldguide.parts.checks._answers import fire, not_applicable, number, passed, span


@dataclass(frozen=True)
class RefreshBetter:
    """Trained on the log, the new version is better on the newest rows than the one that serves.

    Formula: paired difference on the newest rows, bootstrap over units; its interval lies above 0.

    Why: the world has moved since the old version was made, or the log holds more than there was then.

    Remedy: put it beside the old one in an experiment; offline gains on a log of the old one's own choices are not yet gains.

    Needs: refresh (difference: {value, interval}, old, new, n_window, metric_title, out).
    """

    name: ClassVar[str] = "fg941_refresh_better"
    code: ClassVar[str] = "FG941"
    title: ClassVar[str] = "Retraining is worth it"
    step: ClassVar[str] = "refresh"
    severity: ClassVar[Severity] = "info"

    def run(self, *, refresh: Mapping[str, Any]) -> list[Finding]:
        low, high = refresh["difference"]["interval"]
        said = f"{refresh['metric_title']} {number(refresh['new']['value'])} new, {number(refresh['old']['value'])} old"
        if low is None or high is None:
            return [not_applicable(self, f"The difference has no interval: {said}.")]
        evidence = {"difference": refresh["difference"], "old": refresh["old"], "new": refresh["new"]}
        if low <= 0:
            return [passed(self, f"The new version is not shown to be better: {said}.", evidence)]
        sentence = f"The new version is better on the newest {refresh['n_window']:,} rows: {said}, difference {span((low, high))}."
        return [
            fire(self, sentence, f"Try {refresh['out']} beside the old version in an experiment.", evidence=evidence)
        ]
