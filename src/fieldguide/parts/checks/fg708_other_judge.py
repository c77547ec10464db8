"""FG708: would the other metric have chosen other clusters?"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from fieldguide.core.bench import Bench, Trial
from fieldguide.core.finding import Finding, Severity
from fieldguide.core.seeds import generator
from fieldguide.core.settings import setting
from fieldguide.core.statistics.structure import adjusted_rand
from fieldguide.parts.checks._answers import fire, not_applicable, number, passed, skipped

ROWS = 500
TRIALS = 12


@dataclass(frozen=True)
class OtherJudge:
    """Another metric of the task would have chosen clusters that hardly agree with the chosen ones.

    Formula: the other metrics of the task are taken of the tried candidates on a sample of the validation rows; the adjusted Rand index of
    the chosen clusters and those of each metric's best. It fires below 0.5.

    Why: there is no truth to be hit. A silhouette wants round groups, a density silhouette groups that are parted by gaps; where they
    disagree, which groups there are is a matter of what is asked for.

    Remedy: look at both, and state problem.metric.

    Source: Hennig (2015), "What are the true clusters?".

    Needs: bench, trials, facts (chosen).
    """

    name: ClassVar[str] = "fg708_other_judge"
    code: ClassVar[str] = "FG708"
    title: ClassVar[str] = "Another metric would choose other clusters"
    step: ClassVar[str] = "refine"
    severity: ClassVar[Severity] = "info"

    least: float = setting(0.5, "adjusted Rand index below which clusters hardly agree")

    def run(self, *, bench: Bench, trials: Sequence[Trial], facts: Mapping[str, Any]) -> list[Finding]:
        output = bench.problem.output
        if output.task.name != "clustering":
            return [not_applicable(self, "The task is no clustering.")]
        chosen = next((trial for trial in trials if trial.name == facts["chosen"]), None)
        others = [name for name in output.task.metrics if output.metric is not None and name != output.metric.name]
        if chosen is None or len(trials) < 2:
            return [skipped(self, "One candidate only was tried.")]
        taken = np.sort(generator(0, self.code).permutation(len(chosen.rows))[:ROWS])
        points = bench.truths(chosen.rows)[0][taken]
        able = [trial for trial in trials if len(trial.rows) == len(chosen.rows)][:TRIALS]
        own = output.task.decide(chosen.raw[0][taken], None)
        told = []
        for name in others:
            metric = bench.find("metrics", name)()
            best = max(able, key=lambda trial: metric.score(points, trial.raw[0][taken]))
            agreement = (
                1.0 if best.name == chosen.name else adjusted_rand(own, output.task.decide(best.raw[0][taken], None))
            )
            told.append({"metric": name, "title": metric.title, "candidate": best.name, "agreement": agreement})
        apart = [line for line in told if line["agreement"] < self.least]
        if not apart:
            return [
                passed(
                    self,
                    "The task's other metrics would choose clusters that agree with the chosen ones.",
                    evidence={"others": told},
                )
            ]
        line = apart[0]
        sentence = (
            f"{line['title'][0].upper()}{line['title'][1:]} would choose {line['candidate']}, whose clusters hardly agree with those of {chosen.name} (adjusted Rand index "
            f"{number(line['agreement'])} on {len(taken):,} validation rows)."
        )
        return [
            fire(
                self,
                sentence,
                "Look at both, and state in problem.metric what a cluster is to be.",
                evidence={"others": told},
            )
        ]
