"""FG505: baselines too slow or too large to ship."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

from fieldguide.core.bench import Bench, Trial
from fieldguide.core.errors import listed
from fieldguide.core.finding import Finding, Severity
from fieldguide.core.problem import Limits
from fieldguide.parts.checks._answers import count, fire, not_applicable, number, passed, verb


@dataclass(frozen=True)
class OverLimits:
    """Baselines that are slower or larger than the problem allows.

    Formula: median latency of single rows and size on disk, measured on the packaged candidate, against
    `problem.limits`.

    Why: a bar that may not be shipped is no alternative to the network. Candidates over the limits rank last.

    Remedy: relax `problem.limits`, measure on the machine that will serve, or be content with the candidates within
    them.

    Needs: bench, trials (entries with latency_ms and megabytes).
    """

    name: ClassVar[str] = "fg505_over_limits"
    code: ClassVar[str] = "FG505"
    title: ClassVar[str] = "Baselines over the limits"
    step: ClassVar[str] = "baseline"
    severity: ClassVar[Severity] = "warning"

    def run(self, *, bench: Bench, trials: Sequence[Trial]) -> list[Finding]:
        limits = bench.problem.limits
        if limits.latency_ms is None and limits.megabytes is None:
            return [not_applicable(self, "problem.limits sets no limit.")]
        over = {trial.name: why for trial in trials if (why := excess(limits, trial.entry))}
        if not over:
            return [passed(self, f"All {count(len(trials), 'baseline')} keep the limits, as measured.")]
        said = listed((f"{name} ({why})" for name, why in over.items()), 4)
        sentence = (
            f"{count(len(over), 'baseline')} of {len(trials)} {verb(len(over), 'is', 'are')} over the limits: {said}."
        )
        severity: Severity = "warning" if len(over) == len(trials) else "info"
        return [
            fire(
                self,
                sentence,
                "Relax problem.limits, or be content with the candidates within them.",
                severity=severity,
                evidence={"over": over},
            )
        ]


def excess(limits: Limits, entry: Mapping[str, Any]) -> str:
    """Return by how much an entry's measurements exceed the limits, in words; empty where they do not.

    Examples:
        >>> excess(Limits(latency_ms=5), {"latency_ms": 12.3, "megabytes": 1.0})
        '12.3 ms of 5 ms'
    """
    told = []
    latency, size = entry.get("latency_ms"), entry.get("megabytes")
    if limits.latency_ms is not None and latency is not None and latency > limits.latency_ms:
        told.append(f"{number(latency)} ms of {number(limits.latency_ms)} ms")
    if limits.megabytes is not None and size is not None and size > limits.megabytes:
        told.append(f"{number(size)} MB of {number(limits.megabytes)} MB")
    return ", ".join(told)
