"""FG365: few targets that share no step."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

from fieldguide.core.finding import Finding, Severity
from fieldguide.parts.checks._answers import count, fire, passed, verb


@dataclass(frozen=True)
class FewIndependentTargets:
    """Few sealed targets that share no step with each other.

    Formula: how many targets fit one behind the other into the sealed stretch; examples between them overlap, and intervals resample whole horizons.
    A warning below 3, a note below 8.

    Why: hundreds of examples whose targets overlap are one or two independent observations. An interval of so few says little.

    Remedy: take a shorter horizon, seal a larger share under split.test, or bring longer series.

    Source: block bootstrap: Künsch (1989), The Jackknife and the Bootstrap for General Stationary Observations.

    Needs: series.
    """

    name: ClassVar[str] = "fg365_few_targets"
    code: ClassVar[str] = "FG365"
    title: ClassVar[str] = "Few independent targets to judge on"
    step: ClassVar[str] = "explore"
    severity: ClassVar[Severity] = "warning"

    def run(self, *, series: Mapping[str, Any]) -> list[Finding]:
        n = int(series["independent_targets"]["test"])
        evidence = dict(series["independent_targets"])
        if n >= 8:
            return [passed(self, f"The sealed stretch holds {n:,} targets that share no step.", evidence=evidence)]
        sentence = f"The sealed stretch holds {count(n, 'target')} of {series['horizon']:,} steps that {verb(n, 'shares', 'share')} none with another: its interval rests on so few."
        severity: Severity = "warning" if n < 3 else "info"
        return [
            fire(
                self,
                sentence,
                "Take a shorter horizon, a larger split.test, or longer series.",
                severity=severity,
                evidence=evidence,
            )
        ]
