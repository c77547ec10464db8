"""FG711: does the answer age?"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

from fieldguide.core.finding import Finding, Severity
from fieldguide.core.problem import Problem
from fieldguide.core.settings import setting
from fieldguide.core.statistics.periods import in_periods
from fieldguide.parts.checks._answers import fire, not_applicable, number, passed, span
from fieldguide.parts.checks._facts import ends, real


@dataclass(frozen=True)
class Decay:
    """A model gets worse the older it is: what it learned stops being true.

    Formula: `D(a) = Σ n_t (L(t - a, t) - L(t - 1, t)) / Σ n_t` over periods t: the loss on period t of the model whose
    training ended a periods before, less that of the freshest one, on the same rows, so that hard periods cancel. Every
    model is trained on the same number of rows (sliding windows), so that age is all that differs. Judged is the mean of
    D over all ages seen, one-sided at 2.5 %, against Student's t. Its error is the wider of the bootstrap's over
    blocks and of the same analysis with time shuffled, 4 to 8 times.

    Why: the score of a study is that of a fresh model. After deployment it is true for as long as the world stands
    still.

    Remedy: retrain on the schedule that the facts recommend, and watch the score after deployment. If that is too
    often, look for the columns whose meaning moves.

    Needs: problem, facts (decay: {value, interval, p}; score, best, period, oldest, schedules, recommended; or
    silence).
    """

    name: ClassVar[str] = "fg711_decay"
    code: ClassVar[str] = "FG711"
    title: ClassVar[str] = "The answer ages"
    step: ClassVar[str] = "recency"
    severity: ClassVar[Severity] = "warning"

    alpha: float = setting(0.025, "one-sided level of the test")
    share: float = setting(
        0.02, "the least decay that matters, as a share of the distance of a fresh score to a perfect one"
    )

    def run(self, *, problem: Problem, facts: Mapping[str, Any]) -> list[Finding]:
        if facts.get("silence"):
            return [not_applicable(self, f"Nothing can be said of ageing: {facts['silence']}.")]
        never, score, best = facts["decay"], real(facts["score"]), real(facts["best"])
        value, interval, p = real(never["value"]), ends(never["interval"]), real(never["p"])
        least = self.share * abs(best - score) if math.isfinite(best) else 0.0
        least = max(least, problem.success)
        said = (
            f"without retraining {facts['title']} is worse by {number(value)} {span(interval)} on average over "
            f"{in_periods(facts['oldest'], facts['period'])}"
        )
        evidence = {"decay": value, "interval": list(interval), "p": p, "recommended": facts["recommended"]}
        if p <= self.alpha and value >= least:
            return [
                fire(self, f"{_capital(said)}.", f"Retrain {facts['recommended']}: {facts['why']}.", evidence=evidence)
            ]
        return [passed(self, f"No decay is shown: {said}.", evidence=evidence)]


def _capital(words: str) -> str:
    return words[0].upper() + words[1:]
