"""FG311: was the metric changed after models had been judged?"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

from fieldguide.core.finding import Finding, Severity
from fieldguide.parts import find, names
from fieldguide.parts.checks._answers import count, fire, passed


@dataclass(frozen=True)
class MetricChanged:
    """A metric that was changed after candidates had been judged by another one.

    Formula: the metrics under which `baseline` ran, in the order of the journal, beside the one in force.

    Why: whoever has seen scores can choose the metric that flatters. The metric is chosen before any model is fitted, from what
    an error costs.

    Remedy: go back to the first metric, or say in the report why it was wrong.

    Source: the project workflow, step 1: "It's critical to establish this before modeling".

    Needs: profile (metrics), metrics_before (names, in order).
    """

    name: ClassVar[str] = "fg311_metric_changed"
    code: ClassVar[str] = "FG311"
    title: ClassVar[str] = "A metric changed after the fact"
    step: ClassVar[str] = "explore"
    severity: ClassVar[Severity] = "warning"

    def run(self, *, profile: Mapping[str, Any], metrics_before: Sequence[str]) -> list[Finding]:
        now = ", ".join(found["metric"] for found in profile["metrics"])
        others = [name for name in metrics_before if name != now]
        if not others:
            return [passed(self, f"The metric is {_titles(now)}, and models were judged by no other one.")]
        said = ", then ".join(_titles(one) for one in others)
        sentence = (
            f"Models were judged by {said} before the metric became {_titles(now)} ({count(len(others), 'change')})."
        )
        remedy = "Go back to the first metric, or say in the report why it was wrong."
        return [fire(self, sentence, remedy, evidence={"before": list(metrics_before), "now": now})]


def _titles(listed: str) -> str:
    """Return names of metrics, one an output, as people write them."""
    known = names("metrics")
    return ", ".join(find("metrics", one).title if one in known else one for one in listed.split(", "))
