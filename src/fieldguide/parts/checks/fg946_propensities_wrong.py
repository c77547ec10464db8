"""FG946: are the logged propensities those that were used?"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

from fieldguide.core.finding import Finding, Severity
from fieldguide.core.settings import setting
from fieldguide.parts.checks._answers import fire, number, passed


@dataclass(frozen=True)
class PropensitiesWrong:
    """Weights by logged propensities do not average 1, as they must where the propensities are true.

    Formula: z = (mean w - 1) / s_w, w = chance / propensity; |z| > 4 and a deviation above 2 %.

    Why: E[w] = 1 whatever the policy. Where it is not, propensities were logged before a filter, after a tie-break, or of another
    decision, and every inverse-propensity figure is off by as much.

    Remedy: log the chance with which the shown action was finally taken. Until then trust only the self-normalised estimate, and little.

    Needs: off_policy (mean_weight, mean_weight_error).
    """

    name: ClassVar[str] = "fg946_propensities_wrong"
    code: ClassVar[str] = "FG946"
    title: ClassVar[str] = "Logged propensities are not those that were used"
    step: ClassVar[str] = "off_policy"
    severity: ClassVar[Severity] = "error"

    least: float = setting(0.02, "deviation from 1 that matters")

    def run(self, *, off_policy: Mapping[str, Any]) -> list[Finding]:
        mean, error = off_policy["mean_weight"], off_policy["mean_weight_error"]
        evidence = {"mean_weight": mean, "error": error}
        if error > 0 and abs(mean - 1) > max(4 * error, self.least):
            sentence = f"The weights average {number(mean)} instead of 1 (standard error {number(error)}): the logged propensities are wrong."
            return [
                fire(self, sentence, "Log the chance with which the shown action was finally taken.", evidence=evidence)
            ]
        return [passed(self, f"The weights average {number(mean)}, as they must.", evidence)]
