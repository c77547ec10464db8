"""Figures: numbers, times and names as people read them.

Knows how a value is written so that columns of figures line up; knows nothing of what the values mean.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

from fieldguide.core import figures

ABSENT = "–"
LONGEST = 120
"""Most characters of one cell of data that are shown."""
LONG_FRACTION = re.compile(r"-?\d{1,6}\.\d{6,}")


def number(value: Any, decimals: int | None = None, sign: bool = False) -> str:
    """Return a number as `core.figures` says it, or with fixed decimals; a dash where there is none.

    Examples:
        >>> number(32561), number(0.92914), number(0.92914, 2), number(-0.5, 1), number(None)
        ('32,561', '0.9291', '0.93', '−0.5', '–')
    """
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        return ABSENT if value is None or isinstance(value, float) else str(value)
    if decimals is None:
        return figures.number(value, sign=sign)
    text = f"{abs(value):,.{decimals}f}"
    negative = value < 0 and any(c in "123456789" for c in text)
    return (figures.MINUS if negative else "+" if sign and value > 0 else "") + text


def decimals_for(intervals: Iterable[Any]) -> int:
    """Return how many decimals show two digits of the half width of the middle interval.

    Examples:
        >>> decimals_for([[0.924, 0.934]]), decimals_for([[46000.0, 48000.0]])
        (4, 0)
    """
    widths = sorted(w for w in (half_width(interval) for interval in intervals) if w > 0)
    if not widths:
        return 4
    return min(6, max(0, 1 - math.floor(math.log10(widths[len(widths) // 2]))))


def half_width(interval: Any) -> float:
    """Return half the length of an interval; 0 where an end is missing."""
    low, high = ends(interval)
    return 0.0 if low is None or high is None else (high - low) / 2


def ends(interval: Any) -> tuple[float | None, float | None]:
    """Return (low, high) of whatever is recorded as an interval."""
    if not isinstance(interval, Sequence) or isinstance(interval, str) or len(interval) != 2:
        return None, None
    low, high = (float(end) if isinstance(end, int | float) and math.isfinite(end) else None for end in interval)
    return low, high


def span(interval: Any, decimals: int | None = None, sign: bool = False) -> str:
    """Return an interval as `[low, high]`, or a dash."""
    low, high = ends(interval)
    if low is None and high is None:
        return ABSENT
    return f"[{number(low, decimals, sign)}, {number(high, decimals, sign)}]"


def valued(judged: Mapping[str, Any] | None, places: int, sign: bool = False) -> str:
    """Return a recorded value with its interval behind it."""
    return f"{number((judged or {}).get('value'), places, sign)} {span((judged or {}).get('interval'), places, sign)}"


def share(value: Any, decimals: int = 1) -> str:
    """Return a share in [0, 1] as a percentage.

    Examples:
        >>> share(0.2408), share(-0.05, 0), share(-0.004, 0)
        ('24.1 %', '−5 %', '0 %')
    """
    if not isinstance(value, int | float) or not math.isfinite(value):
        return ABSENT
    return f"{number(float(100 * value), decimals)} %"


def seconds(value: Any) -> str:
    """Return a duration [s] in the unit that reads well.

    Examples:
        >>> seconds(0.0123), seconds(4.2), seconds(125)
        ('12 ms', '4.2 s', '2 min 5 s')
    """
    if not isinstance(value, int | float) or not math.isfinite(value):
        return ABSENT
    if value < 0.1:
        return f"{1000 * value:.0f} ms" if value >= 0.001 else f"{1000 * value:.2g} ms"
    if value < 100:
        return f"{value:.1f} s"
    return f"{int(value // 60)} min {int(value % 60)} s"


def moment(text: Any) -> str:
    """Return an ISO time as `2026-11-21 23:14 UTC`."""
    try:
        return datetime.fromisoformat(str(text)).strftime("%Y-%m-%d %H:%M UTC")
    except ValueError:
        return str(text or ABSENT)


def day(text: Any) -> str | None:
    """Return an ISO time as people write it: the day alone where it is midnight; None where there is none.

    Examples:
        >>> day("2024-05-27T00:00:00"), day("2024-05-27T06:30:00")
        ('2024-05-27', '2024-05-27 06:30')
    """
    if text is None:
        return None
    try:
        found = datetime.fromisoformat(str(text))
    except ValueError:
        return str(text)
    return f"{found:%Y-%m-%d}" if f"{found:%H%M%S}" == "000000" else f"{found:%Y-%m-%d %H:%M}"


def trimmed(value: Any) -> str | None:
    """Return a cell of data as it was, without the `.0` of whole numbers and the midnight of days; long fractions have four digits.

    Examples:
        >>> trimmed(3.0), trimmed("2.691067928391204"), trimmed("2024-02-12 00:00:00"), trimmed(2.75)
        ('3', '2.691', '2024-02-12', '2.75')
    """
    if value is None:
        return None
    text = str(value).removesuffix(".0").removesuffix(" 00:00:00")
    return number(float(text)) if LONG_FRACTION.fullmatch(text) else text


def cell(value: Any) -> str:
    """Return one cell of data, whole or with its end cut off and marked."""
    if value is None:
        return ABSENT
    text = str(value)
    return text if len(text) <= LONGEST else text[: LONGEST - 1] + "…"


def settings(values: Mapping[str, Any] | None) -> str:
    """Return settings as `name value, name value`."""
    return ", ".join(f"{name} {number(v) if isinstance(v, int | float) else v}" for name, v in (values or {}).items())


def plural(n: int, word: str) -> str:
    """Return `1 look`, `2 looks`.

    Examples:
        >>> plural(1, "look"), plural(2, "look")
        ('1 look', '2 looks')
    """
    return f"{n:,} {word}" if n == 1 else f"{n:,} {word}s"
