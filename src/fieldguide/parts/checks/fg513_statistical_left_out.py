"""FG513: why theta and exponential smoothing are not among the baselines."""

from __future__ import annotations

import importlib.util
from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

from fieldguide.core.bench import Bench, Trial
from fieldguide.core.finding import Finding, Severity
from fieldguide.parts.checks._answers import fire, not_applicable, passed


@dataclass(frozen=True)
class StatisticalLeftOut:
    """Theta and exponential smoothing are not among the baselines.

    Formula: neither `theta` nor `ets` was tried; the package they are fitted by is installed, or it is not.

    Why: on short monthly and yearly series they are hard to beat, and a bar without them may be low.

    Remedy: pip install "fieldguide[forecast]", or raise budget.minutes.

    Source: the M competitions: Makridakis, Spiliotis, Assimakopoulos (2020), The M4 Competition.

    Needs: bench, trials.
    """

    name: ClassVar[str] = "fg513_statistical_left_out"
    code: ClassVar[str] = "FG513"
    title: ClassVar[str] = "Theta and exponential smoothing were left out"
    step: ClassVar[str] = "baseline"
    severity: ClassVar[Severity] = "info"

    def run(self, *, bench: Bench, trials: Sequence[Trial]) -> list[Finding]:
        if bench.problem.output.task.name != "forecast":
            return [not_applicable(self, "The task is no forecast.")]
        tried = {trial.candidate.learner.name for trial in trials}
        if tried & {"theta", "ets"}:
            return [passed(self, "Theta or exponential smoothing is among the baselines.")]
        if importlib.util.find_spec("statsforecast") is None:
            return [
                fire(
                    self,
                    f"Theta and ets are not among the {len(tried)} baselines: the package statsforecast is not installed.",
                    'Install it by pip install "fieldguide[forecast]".',
                )
            ]
        return [
            fire(
                self,
                f"Theta and ets are not among the {len(tried)} baselines: they were skipped, or the time was short.",
                "Raise budget.minutes, or name them under learners.use.",
            )
        ]
