"""The four answers of a check: fired, passed, not applicable, skipped; and how numbers read in their sentences.

Knows findings and plain words; what is worth saying is each check's.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np

from fieldguide.core.contracts import Check
from fieldguide.core.errors import listed
from fieldguide.core.finding import Finding, Severity

Evidence = Mapping[str, Any] | None


def fire(
    check: Check,
    sentence: str,
    remedy: str,
    *,
    severity: Severity | None = None,
    columns: Iterable[str] = (),
    evidence: Evidence = None,
) -> Finding:
    """Return a finding that fires, as severe as the check says unless `severity` says less."""
    facts = plain(dict(evidence or {}))
    return Finding(check.code, severity or check.severity, sentence, "fired", remedy, tuple(columns), evidence=facts)


def passed(check: Check, sentence: str, evidence: Evidence = None) -> Finding:
    """Return the silence of a check that looked and found nothing wrong."""
    return Finding(check.code, check.severity, sentence, "passed", evidence=plain(dict(evidence or {})))


def not_applicable(check: Check, why: str, evidence: Evidence = None) -> Finding:
    """Return the silence of a check that has nothing to look at here."""
    return Finding(check.code, check.severity, why, "not_applicable", evidence=plain(dict(evidence or {})))


def skipped(check: Check, why: str, evidence: Evidence = None) -> Finding:
    """Return the silence of a check that should have looked and could not."""
    return Finding(check.code, check.severity, why, "skipped", evidence=plain(dict(evidence or {})))


def plain(value: Any) -> Any:
    """Return a value as JSON can hold it: numpy becomes Python, NaN and infinity become None.

    Examples:
        >>> plain({"share": np.float64(0.5), "rows": np.array([1, 2]), "ratio": float("nan")})
        {'share': 0.5, 'rows': [1, 2], 'ratio': None}
    """
    if isinstance(value, dict):
        return {str(key): plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [plain(item) for item in value]
    if isinstance(value, np.ndarray):
        return plain(value.tolist())
    if isinstance(value, np.generic):
        value = value.item()
    return None if isinstance(value, float) and not math.isfinite(value) else value


def count(n: int, noun: str, plural: str = "") -> str:
    """Return a number with its noun.

    Examples:
        >>> count(1, "row"), count(1200, "row"), count(2, "class", "classes")
        ('1 row', '1,200 rows', '2 classes')
    """
    return f"{n:,} {noun if n == 1 else plural or noun + 's'}"


def verb(n: int, singular: str, plural: str) -> str:
    """Return the verb that agrees with `n` things.

    Examples:
        >>> verb(1, "is", "are")
        'is'
    """
    return singular if n == 1 else plural


def number(value: float) -> str:
    """Return a number as one says it: four digits, no exponents between a thousandth of a thousandth and a million.

    Examples:
        >>> number(0.00123456), number(12345.678), number(3.0)
        ('0.001235', '12,346', '3')
    """
    if not math.isfinite(value):
        return "unknown"
    if 1000 <= abs(value) < 1e15:
        return f"{value:,.0f}"
    text = f"{value:.4g}"
    return f"{value:.7f}".rstrip("0") if "e-" in text and abs(value) >= 1e-6 else text


def percent(share: float) -> str:
    """Return a share as a percentage, with as many digits as it takes to be neither 0 % nor 100 %.

    Examples:
        >>> percent(0.25), percent(0.0312), percent(0.00004), percent(0.9997)
        ('25 %', '3.1 %', '0.004 %', '99.97 %')
    """
    value = 100 * share
    for digits in (0, 1, 2, 3):
        text = f"{value:.{digits}f}"
        enough = digits >= 1 or not 0 < value < 10
        if enough and float(text) not in (0.0, 100.0):
            break
        if value in (0.0, 100.0):
            return f"{value:.0f} %"
    return f"{text.rstrip('0').rstrip('.') if '.' in text else text} %"


def span(interval: Sequence[float]) -> str:
    """Return an interval in brackets.

    Examples:
        >>> span([0.9, 1.1])
        '[0.9, 1.1]'
    """
    return f"[{number(interval[0])}, {number(interval[1])}]"


def names(columns: Iterable[str], limit: int = 4) -> str:
    """Return column names in quotes, the first few.

    Examples:
        >>> names(["age", "pay"])
        "'age', 'pay'"
    """
    return listed((repr(column) for column in columns), limit)
