"""Figures as people read them: numbers, shares, intervals and counts in sentences and tables.

Knows digits, signs and separators; nothing of what a figure means. Steps and checks put its words into sentences, faces into
tables; nobody else rounds for eyes.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

MINUS = "\u2212"
UNKNOWN = "unknown"
LEAST = 1e-6
"""Smaller numbers have an exponent, and so have those from `MOST` on."""
MOST = 1e15


def number(value: Any, digits: int = 4, *, sign: bool = False, pad: bool = False, absent: str = UNKNOWN) -> str:
    """Return a number as one says it: a few significant digits, commas between thousands, whole numbers whole.

    Args:
        digits: significant digits; a number before its point is never cut.
        sign: whether a number above 0 has its sign too.
        pad: whether zeros at the end are kept, so that columns of figures line up.
        absent: what stands for None, NaN and infinity.

    Examples:
        >>> number(0.00123456), number(12345.678), number(3.0), number(-0.5), number(0.00001)
        ('0.001235', '12,346', '3', '−0.5', '0.00001')
        >>> number(0.928, pad=True), number(480.31, 2), number(99.6, 2), number(0.25, sign=True), number(None), number(2_500_000)
        ('0.9280', '480', '100', '+0.25', 'unknown', '2,500,000')
    """
    if value is None or not math.isfinite(value):
        return absent
    size = abs(value)
    if isinstance(value, int) or 10 ** min(digits, 3) <= size < MOST:
        text = f"{size:,.0f}" if size < MOST else f"{size:.{digits}g}"
    else:
        text = f"{size:{'#' if pad else ''}.{digits}g}"
        if "e-" in text and size >= LEAST:
            text = f"{size:.{digits - 1 - math.floor(math.log10(size))}f}"
            text = text if pad else text.rstrip("0")
        elif size < MOST and float(text) >= 10 ** min(digits, 3):  # 99.96 in three digits is 100
            text = f"{size:,.0f}"
    below = value < 0 and any(digit in "123456789" for digit in text)
    return (MINUS if below else "+" if sign and value > 0 else "") + text


def span(interval: Sequence[Any] | None, digits: int = 4, *, sign: bool = False) -> str:
    """Return an interval in brackets.

    Examples:
        >>> span([0.9, 1.1]), span([-0.25, 0.5], sign=True), span([None, None])
        ('[0.9, 1.1]', '[−0.25, +0.5]', 'no interval')
    """
    low, high = interval or (None, None)
    if all(end is None or not math.isfinite(end) for end in (low, high)):
        return "no interval"
    return f"[{number(low, digits, sign=sign)}, {number(high, digits, sign=sign)}]"


def percent(share: float, decimals: int | None = None, *, sign: bool = False) -> str:
    """Return a share as a percentage, with as many digits as it takes to be neither 0 % nor 100 %, or with so many decimals.

    Examples:
        >>> percent(0.25), percent(0.0312), percent(0.00004), percent(0.9997), percent(-0.2, 1), percent(0.05, 0, sign=True)
        ('25 %', '3.1 %', '0.004 %', '99.97 %', '−20.0 %', '+5 %')
    """
    value = 100 * share
    if decimals is not None:
        text = f"{value:{'+' if sign else ''}.{decimals}f}"
        return f"{text.replace('-', MINUS)} %"
    for digits in (0, 1, 2, 3):
        text = f"{value:.{digits}f}"
        enough = digits >= 1 or not 0 < value < 10
        if enough and float(text) not in (0.0, 100.0):
            break
        if value in (0.0, 100.0):
            return f"{value:.0f} %"
    text = text.rstrip("0").rstrip(".") if "." in text else text
    return f"{text.replace('-', MINUS)} %"


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
