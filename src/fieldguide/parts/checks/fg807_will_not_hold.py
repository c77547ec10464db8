"""FG807: is the score promised for the future, or only measured?"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

from fieldguide.core.finding import Finding, Severity
from fieldguide.core.problem import Problem
from fieldguide.parts.checks._answers import fire, number, passed, span
from fieldguide.parts.checks._facts import ends, real


@dataclass(frozen=True)
class WillNotHold:
    """A score that was measured and is not promised, because the relation drifts.

    Formula: decided on development rows before the seal is opened, and only where the study is chronological. A model of earlier
    rows explains later ones reliably worse than one of their own period (FG324), and fits judged at increasing age get worse. A
    large loss (FG324 as a warning) needs the decay not to contradict it; a small one needs a decay with p < 0.05, against
    the same fits with time shuffled. The range for the next period of the sealed one's length reaches from the score's
    interval (a model as old as the judged one was) to what the upper end of the decay adds (a model that grows older).

    Why: the sealed rows are the near future of the development rows. Where the relation moves, a model that stays as it is leaves
    the sealed score behind, and no past row shows how far.

    Remedy: retrain often enough (`fieldguide recency` tells what each schedule costs), and measure the score in use.

    Source: Gama et al. (2014), A survey on concept drift adaptation.

    Needs: problem, facts (scores, declined: {why, measured: {value, interval, from, to}, forecast: {low, high, days} or None}, or absent).
    """

    name: ClassVar[str] = "fg807_will_not_hold"
    code: ClassVar[str] = "FG807"
    title: ClassVar[str] = "A score that is not promised"
    step: ClassVar[str] = "finalize"
    severity: ClassVar[Severity] = "warning"

    def run(self, *, problem: Problem, facts: Mapping[str, Any]) -> list[Finding]:
        said = facts.get("declined")
        metric = problem.output.metric
        if not said or metric is None:
            return [passed(self, "Development rows show no drift by which the score would not hold.")]
        measured, forecast = said["measured"], said.get("forecast")
        told = f"{metric.title} {number(real(measured['value']))} {span(ends(measured['interval']))} from {measured['from']} to {measured['to']}"
        ahead = (
            f"; for the {forecast['days']:.0f} days after, {number(forecast['low'])} to {number(forecast['high'])} is to be expected"
            if forecast
            else ""
        )
        sentence = f"This score will not hold: {told} was measured and is not promised, for {said['why']}{ahead}."
        remedy = "Retrain often (fieldguide recency tells what each schedule costs), and measure the score in use."
        return [fire(self, sentence, remedy, columns=[problem.output.name], evidence=said)]
