"""The one place where checks read facts whose parts may be absent: numbers that are None, guesses, questions, slices.

Knows the shapes that steps write; nothing of what they mean.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

from fieldguide.parts.checks._answers import number, span


def real(value: Any) -> float:
    """Return a number, NaN where JSON holds None.

    Examples:
        >>> real(None), real(2)
        (nan, 2.0)
    """
    return math.nan if value is None else float(value)


def ends(interval: Sequence[Any] | None) -> tuple[float, float]:
    """Return (low, high), NaN where an end is not known: comparisons with NaN are False, so that nothing fires on it.

    Examples:
        >>> ends([0.1, None]), ends(None)
        ((0.1, nan), (nan, nan))
    """
    low, high = interval or (None, None)
    return real(low), real(high)


def guesses(roles_guess: Any, role: str) -> list[Mapping[str, Any]]:
    """Return the guesses for a role, the likeliest first: {column, role, sure, why}."""
    data = roles_guess.to_dict() if hasattr(roles_guess, "to_dict") else roles_guess
    return list((data or {}).get(role) or ())


def asked(question: Mapping[str, Any]) -> str:
    """Return where in study.yaml a question is answered."""
    return str(question.get("key") or question.get("field") or "")


def parts_of(slices: Sequence[Mapping[str, Any]] | None) -> list[Mapping[str, Any]]:
    """Return the slices that were judged: {name, n, value, interval, …}; without silences and the entry of the gap."""
    return [
        part for part in slices or () if "name" in part and not part.get("silence") and part.get("value") is not None
    ]


def off(part: Mapping[str, Any]) -> str:
    """Return how far the predictions of a slice are off, as a ratio where there is one."""
    if part.get("ratio") is not None:
        return f"predictions / outcomes {number(real(part['ratio']))} {span(ends(part['ratio_interval']))}"
    return f"predictions off by {number(real(part['bias']['value']))} {span(ends(part['bias']['interval']))} on average"
