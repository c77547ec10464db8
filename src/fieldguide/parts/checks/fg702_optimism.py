"""FG702: how much of the best score is luck of the search?"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

from fieldguide.core.bench import Bench
from fieldguide.core.finding import Finding, Severity
from fieldguide.core.leaderboard import greater_is_better
from fieldguide.core.problem import Problem
from fieldguide.core.settings import setting
from fieldguide.parts.checks._answers import count, fire, not_applicable, number, passed, percent, skipped
from fieldguide.parts.checks._facts import real


@dataclass(frozen=True)
class Optimism:
    """The best of many candidates looks better on the rows it was chosen on than it is.

    Formula: on resamples of the validation rows the winner is picked anew; its mean lead over its own score on all
    rows, times 1.5. It fires when this is more than a quarter of the chosen candidate's gain over the best
    baseline.

    Why: the maximum of N noisy scores is too high even when all candidates are equal. The test score does not
    suffer from it, the validation score does.

    Remedy: expect the validation score to fall by about this much; search less, or on more rows, if it eats the
    gain.

    Source: Efron (1983), Estimating the Error Rate of a Prediction Rule; Tibshirani and Tibshirani (2009), A bias
    correction for the minimum error rate in cross-validation.

    Needs: bench, facts (optimism: {value, n, title}, chosen, entries: [{candidate, kind, scores, difference:
    {value}}], differences being to the best baseline).
    """

    name: ClassVar[str] = "fg702_optimism"
    code: ClassVar[str] = "FG702"
    title: ClassVar[str] = "Optimism of the search"
    step: ClassVar[str] = "refine"
    severity: ClassVar[Severity] = "info"

    share: float = setting(0.25, "share of the gain over the best baseline that optimism may be")

    def run(self, *, bench: Bench, facts: Mapping[str, Any]) -> list[Finding]:
        found = facts.get("optimism") or {}
        n, value = int(found.get("n") or 0), real(found.get("value"))
        if n < 2:
            return [not_applicable(self, "There was one candidate, so nothing was searched.")]
        if not value >= 0:
            return [skipped(self, f"The optimism of choosing among {n} candidates is not known.")]
        gain = _gain(bench.problem, facts)
        said = (
            f"Choosing the best of {count(n, 'candidate')} makes its validation "
            f"{found.get('title') or found.get('metric', 'score')} look better by about {number(value)}"
        )
        evidence = {**found, "gain": gain, "share": value / gain if gain > 0 else None}
        if not gain > 0:
            return [passed(self, f"{said}; no gain over the best baseline is claimed.", evidence=evidence)]
        if value <= self.share * gain:
            return [
                passed(
                    self,
                    f"{said}, {percent(value / gain)} of the gain of {number(gain)} over the best baseline.",
                    evidence=evidence,
                )
            ]
        part = "more than the whole" if value > gain else percent(value / gain) + " of the"
        sentence = f"{said}: {part} gain of {number(gain)} over the best baseline."
        return [
            fire(self, sentence, "Expect the score to fall by about as much on the sealed rows.", evidence=evidence)
        ]


def _gain(problem: Problem, facts: Mapping[str, Any]) -> float:
    """Return the chosen candidate's lead over the best baseline; an ensemble's own difference may be to its best
    member."""
    entries = list(facts.get("entries") or ())
    chosen = next((entry for entry in entries if entry["candidate"] == facts.get("chosen")), None)
    known = next((entry for entry in entries if entry.get("kind") != "ensemble" and entry.get("difference")), None)
    if chosen is None or known is None:
        return math.nan
    bar = greater_is_better(problem, known) - real(known["difference"].get("value"))
    return greater_is_better(problem, chosen) - bar
