"""FG502: does anything beat guessing?"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

from fieldguide.core.bench import Bench, Trial
from fieldguide.core.finding import Finding, Severity
from fieldguide.parts.checks._answers import fire, number, passed, skipped, span
from fieldguide.parts.checks._facts import ends, real


@dataclass(frozen=True)
class NoSignal:
    """No baseline beats the trivial rule, which knows only the target's distribution.

    Formula: the paired difference of the best baseline and the trivial rule on the validation rows, with its
    interval. It fires unless the whole interval lies above 0.

    Why: that the outputs can be predicted from the inputs is an assumption. If no simple model finds anything,
    there may be nothing to find, and a network's gain would be luck.

    Remedy: look for columns that know something about the target, check how labels were joined to rows, collect
    more rows.

    Source: the workflow guide, "Be Aware of Your Assumptions".

    Needs: bench, trials, bar, trivial.
    """

    name: ClassVar[str] = "fg502_no_signal"
    code: ClassVar[str] = "FG502"
    title: ClassVar[str] = "Nothing beats guessing"
    step: ClassVar[str] = "baseline"
    severity: ClassVar[Severity] = "error"

    def run(self, *, bench: Bench, trials: Sequence[Trial], bar: Trial, trivial: Trial) -> list[Finding]:
        metric = bench.problem.output.metric
        title = "the metric" if metric is None else metric.title
        remedy = (
            "Look for columns that know something about the target, check how labels were joined, or collect more rows."
        )
        if all(trial.candidate.kind == "trivial" for trial in trials):
            return [skipped(self, "Only the trivial rule was tried, so nothing is known about signal.")]
        if bar.name == trivial.name:
            n = len(bar.rows)
            return [
                fire(
                    self,
                    f"Nothing beats guessing on {n:,} validation rows: the best baseline is the trivial rule.",
                    remedy,
                    evidence={"n": n},
                )
            ]
        found = bench.compared(bar, trivial)
        value, (low, high) = real(found["value"]), ends(found["interval"])
        said = f"{bar.name} against the trivial rule: {title} better by {number(value)} {span((low, high))}"
        if low > 0:
            return [passed(self, f"There is signal: {said}.", evidence=found)]
        severity: Severity = "error" if high <= 0 else "warning"
        return [fire(self, f"Nothing clearly beats guessing; {said}.", remedy, severity=severity, evidence=found)]
