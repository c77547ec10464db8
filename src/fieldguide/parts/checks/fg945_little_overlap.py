"""FG945: does the log hold what the policy would do?"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

from fieldguide.core.finding import Finding, Severity
from fieldguide.core.settings import setting
from fieldguide.parts.checks._answers import fire, number, passed


@dataclass(frozen=True)
class LittleOverlap:
    """The logging policy rarely did what the other would do, so that a few decisions speak for all.

    Formula: effective sample size (sum w)^2 / sum w^2 of the weights w = chance / propensity; below 100 decisions or 5 % of the log.

    Why: the interval assumes many independent terms; with a handful of large weights it is too narrow, and the value is luck.

    Remedy: log an exploration share with known propensities; compare by an experiment instead.

    Source: Owen (2013), Monte Carlo theory, methods and examples, section 9.3.

    Needs: off_policy (estimates: [{n, n_effective, largest}], overlap).
    """

    name: ClassVar[str] = "fg945_little_overlap"
    code: ClassVar[str] = "FG945"
    title: ClassVar[str] = "The log hardly holds what the policy would do"
    step: ClassVar[str] = "off_policy"
    severity: ClassVar[Severity] = "warning"

    fewest: float = setting(100.0, "effective decisions below which it is told")
    share: float = setting(0.05, "share of the log below which it is told")

    def run(self, *, off_policy: Mapping[str, Any]) -> list[Finding]:
        one = off_policy["estimates"][0]
        said = f"{one['n']:,} logged decisions tell as much as {one['n_effective']:,.0f} of the policy's own (largest weight {number(one['largest'])})"
        evidence = {"n": one["n"], "n_effective": one["n_effective"], "largest": one["largest"]}
        if one["n_effective"] < self.fewest or off_policy["overlap"] < self.share:
            return [
                fire(
                    self,
                    f"{said[0].upper()}{said[1:]}.",
                    "Log an exploration share, or compare by an experiment.",
                    evidence=evidence,
                )
            ]
        return [passed(self, f"{said}.", evidence)]
