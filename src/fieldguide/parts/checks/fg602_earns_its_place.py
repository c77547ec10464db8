"""FG602: does the network earn its place?"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

from fieldguide.core.bench import Bench
from fieldguide.core.finding import Finding, Severity
from fieldguide.parts.checks._answers import fire, not_applicable, number, passed, span
from fieldguide.parts.checks._facts import ends, real


@dataclass(frozen=True)
class EarnsItsPlace:
    """The verdict on the network: is it better than the best baseline by as much as is worth shipping?

    Formula: the paired difference of the best network and the best baseline on the same validation rows, against
    `problem.success`. Yes: the whole interval lies above it. No: the whole interval lies below it. Else the rows
    cannot tell.

    Why: a network costs more to train, to serve and to understand. "No, ship the baseline" is an answer.

    Remedy: no: ship the baseline. Cannot tell: collect more rows, or ship the baseline until a gain is shown.

    Needs: bench, facts (difference: {network, bar, value, interval}; entries, for whether the clock ended training).
    """

    name: ClassVar[str] = "fg602_earns_its_place"
    code: ClassVar[str] = "FG602"
    title: ClassVar[str] = "Does the network earn its place?"
    step: ClassVar[str] = "train"
    severity: ClassVar[Severity] = "info"

    def run(self, *, bench: Bench, facts: Mapping[str, Any]) -> list[Finding]:
        found = facts.get("difference")
        if not found:
            return [not_applicable(self, "No network was trained.")]
        success = bench.problem.success
        value, (low, high) = real(found["value"]), ends(found["interval"])
        better = "better" if value >= 0 else "worse"
        said = (
            f"{found['network']} is {better} than {found['bar']} by {number(abs(value))} (difference "
            f"{span((low, high))})"
        )
        wanted = f", and {number(success)} is worth shipping" if success else ""
        numbers = {**found, "success": success}
        if low > success:
            evidence = {**numbers, "verdict": "yes"}
            return [passed(self, f"The network earns its place so far: {said}{wanted}.", evidence=evidence)]
        hurried = any(
            e["candidate"] == found["network"] and "clock" in e.get("stopped", ()) for e in facts.get("entries", ())
        )
        if hurried and low <= success:
            sentence = f"Whether the network earns its place cannot be told: the clock ended its training. So far {said}{wanted}."
            remedy = "Raise budget.minutes, or ship the baseline until a gain is shown."
            return [fire(self, sentence, remedy, evidence={**numbers, "verdict": "cannot tell"})]
        if high < success or high <= 0:
            sentence = f"The network does not earn its place: {said}{wanted}."
            remedy = f"Ship the baseline ({found['bar']}), unless refine finds more."
            return [fire(self, sentence, remedy, evidence={**numbers, "verdict": "no"})]
        sentence = f"Whether the network earns its place cannot be told: {said}{wanted}."
        remedy = f"Ship the baseline ({found['bar']}) until a gain is shown; more rows make the interval narrower."
        return [fire(self, sentence, remedy, evidence={**numbers, "verdict": "cannot tell"})]
