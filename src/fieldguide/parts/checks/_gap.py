"""A part of the gap, read once for the checks that judge one each: can it be told, is it more than noise, does it hurt?

Knows the facts that `steps.online.gap` makes; what a part means and what to do about it is each check's.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from fieldguide.core.contracts import Check
from fieldguide.core.finding import Finding, Severity
from fieldguide.parts.checks._answers import not_applicable, number, passed, span


@dataclass(frozen=True)
class Beyond:
    """A part of the gap that is more than noise.

    Args:
        said: value, metric and interval in words.
        severity: of its check where it makes the score worse, else info.
        facts: the part as the gap has it, for evidence.
    """

    said: str
    severity: Severity
    facts: Mapping[str, Any]


def beyond(check: Check, gap: Mapping[str, Any], name: str) -> Beyond | Finding:
    """Return a part whose interval excludes 0; or the silence of its check, where it does not or cannot be told."""
    part = next(part for part in gap["parts"] if part["name"] == name)
    if part["value"] is None:
        return not_applicable(check, f"It cannot be told: {part['why']}.")
    low, high = part["interval"]
    said = f"{number(part['value'])} of {gap['metric_title']}"
    if low is None or high is None or low <= 0 <= high:
        return passed(check, f"Not beyond noise: {said}.", part)
    worse = (part["value"] < 0) == bool(gap["greater_is_better"])
    return Beyond(f"{said} {span((low, high))} of the gap", check.severity if worse else "info", part)
