"""How the texts of a column spell numbers and dates: which `Column.read` reads most of them.

Proposes readings and lets the modality itself try each, so that detection and reading never disagree. Knows nothing of
kinds: whether a column of numbers is an id is decided in `detect`.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import polars as pl

from fieldguide.core.table import MISSING, Column
from fieldguide.parts import modality
from fieldguide.steps.detect.sample import Cells

SYMBOLS = "%$€£¥₹"
CODES = ("usd", "eur", "gbp", "chf", "jpy", "inr", "cad", "aud")
TRIED = 5_000  # levels that are tried against every reading; the best ones then meet all
ENOUGH = 0.95  # share of cells a reading must fit
# Words that stand for nothing where a number or a date should stand, beside `table.MISSING`.
NOTHING = {
    "missing", "unknown", "unk", "n.a.", "n.a", "na", "n/a", "nan", "nil", "none", "null", "not available", "no data",
    "not applicable", "not recorded", "undefined", "--", "---", ".", "..", "...", "*", "#value!", "#div/0!", "#ref!",
    "#num!", "#n/a", "nd", "<null>", "(null)", "\\n", "tbd", "blank", "empty", "_", "x",
}  # fmt: skip
_DATES = (
    "%Y-%m-%d", "%Y/%m/%d", "%Y.%m.%d", "%Y-%m-%d %H:%M", "%Y-%m-%d %H:%M:%S", "%Y-%m-%d %H:%M:%S.%f",
    "%Y-%m-%dT%H:%M:%S", "%Y-%m-%dT%H:%M:%S.%f", "%Y-%m-%dT%H:%M:%S%z", "%Y-%m-%dT%H:%M:%S.%f%z", "%Y-%m-%d %H:%M:%S%z",
    "%Y/%m/%d %H:%M", "%Y/%m/%d %H:%M:%S", "%Y-%m", "%Y/%m", "%m/%Y", "%m-%Y", "%b-%y", "%b %Y", "%b-%Y", "%b %y",
    "%Y-%b", "%Y %b", "%b-%d-%Y",
    "%b %d, %Y", "%b %d %Y", "%b. %d, %Y", "%b %d, %Y %H:%M", "%b %d, %Y %I:%M %p", "%b %d, %Y %I:%M:%S %p",
    "%a, %b %d, %Y", "%A, %b %d, %Y", "%d %b %Y", "%d %b %y", "%d-%b-%Y", "%d-%b-%y", "%d/%b/%Y", "%d. %b %Y",
    "%d %b %Y %H:%M", "%d %b %Y %H:%M:%S", "%d-%b-%Y %H:%M:%S", "%d-%b-%y %H:%M:%S", "%d/%b/%Y:%H:%M:%S%z",
    "%YQ%q", "%Y Q%q", "%Y-Q%q", "%Y/Q%q", "%Y.Q%q", "%Y:Q%q", "Q%q %Y", "Q%q-%Y", "Q%q/%Y", "Q%q.%Y", "Q%q%Y",
    "%a %b %d %H:%M:%S %Y", "%a, %d %b %Y", "%a, %d %b %Y %H:%M:%S", "%a, %d %b %Y %H:%M:%S%z", "%A, %d %b %Y",
)  # fmt: skip
_EITHER = tuple(
    f"{date}{clock}"
    for date in ("{a}/{b}/%Y", "{a}-{b}-%Y", "{a}.{b}.%Y", "{a}/{b}/%y", "{a}-{b}-%y", "{a}.{b}.%y")
    for clock in ("", " %H:%M", " %H:%M:%S", " %I:%M %p", " %I:%M:%S %p", " %I:%M%p", ", %H:%M", ", %I:%M %p")
)
_SPACE = "[ \u00a0\u2009\u202f]"
_COMPACT = ("%Y%m%d", "%Y%m%d%H%M%S", "%Y%m%dT%H%M%S", "%Y%m%dT%H%M%S%z")


@dataclass(frozen=True)
class Spelling:
    """How a column may be read.

    Args:
        read: for `Column.read`; only what differs from the default.
        share: share of known cells that this reads.
        n_broken: sampled cells that it does not read.
        broken: the most frequent of them.
        missing: sampled cells that say "nothing" in words beyond the usual tokens.
        question: what only a person can answer; empty when the data decide.
        other: the reading that fits as well, where there is a question.
    """

    read: Mapping[str, Any]
    share: float
    n_broken: int = 0
    broken: tuple[str, ...] = ()
    missing: int = 0
    question: str = ""
    other: Mapping[str, Any] | None = None


def spell_number(cells: Cells) -> Spelling:
    """Return the reading that makes most cells numbers.

    Plain numbers win ties. "1,234" alone could be 1234 or 1.234: it is read as 1234, with a question.

    Examples:
        >>> from fieldguide.steps.detect.sample import *
        >>> from fieldguide.core.files.source import open_source
        >>> sample = sample_of(open_source({"price": ["$1,200.50", "$15", "n.a."]}))
        >>> spell_number(cells_of(sample, "price", {})).read["thousands"]
        ','
    """
    shape = r"^[^0-9]{0,8}[0-9][^a-zA-Z]*([eE][+-]?[0-9]+)?[a-zA-Z/%²³°]{0,8}$"  # a number, an exponent, a unit
    digits = cells.levels.head(TRIED).str.contains(shape)
    if digits.sum() >= 0.05 * len(digits):
        return _spell_number(cells)
    return Spelling({}, 0.0, cells.n_known, tuple(cells.levels.head(5).to_list()))


def _spell_number(cells: Cells) -> Spelling:
    plain = _judged("number", cells, {})
    if plain.n_broken == 0:
        return plain
    extra = _nothing(cells)
    strip = _strip(cells)
    base = {"strip": strip} if strip else {}
    candidates: list[dict[str, Any]] = [
        base | {},
        base | {"thousands": ","},
        base | {"decimal": ","},
        base | {"decimal": ",", "thousands": "."},
    ]
    text = " ".join(cells.levels.head(TRIED).to_list())
    for mark in (" ", "'", "’"):
        if re.search(f"[0-9]{_SPACE if mark == ' ' else mark}[0-9]{{3}}", text):
            candidates += [base | {"thousands": mark}, base | {"decimal": ",", "thousands": mark}]
    if extra:
        candidates = [{"missing": [*MISSING, *extra]} | candidate for candidate in candidates]
    best = _best("number", cells, candidates)
    if best.read.get("thousands") == "," and "decimal" not in best.read:
        comma = {key: value for key, value in best.read.items() if key != "thousands"} | {"decimal": ","}
        other = _judged("number", cells, comma)
        if other.share >= best.share:
            example = cells.levels.filter(cells.levels.str.contains(",")).first()
            question = (
                f"is {example!r} in column {cells.name!r} a number with thousands (read so), or with a decimal comma?"
            )
            return _with(best, question=question, other=comma)
    return best


def spell_datetime(cells: Cells, compact: bool = False) -> Spelling:
    """Return the reading that makes most cells dates.

    Args:
        compact: also try digits alone (20240131), which only a name can tell from a number.
    """
    nothing = Spelling({}, 0.0, cells.n_known)
    if not compact and not _looks_like_dates(cells):
        return nothing
    extra = _nothing(cells)
    base = {"missing": [*MISSING, *extra]} if extra else {}
    if compact:
        return _best("datetime", cells, [base | {"formats": [text]} for text in _COMPACT])
    iso = _judged("datetime", cells, base)
    if iso.share >= ENOUGH and iso.n_broken == 0:
        return iso
    days, months = (_judged("datetime", cells, base | {"dayfirst": first}) for first in (True, False))
    best = max((iso, months, days), key=lambda spelling: spelling.share)
    if best.share >= ENOUGH and (best.n_broken == 0 or best is iso):
        return best if best is iso or days.share != months.share else _decided(cells, months, days)
    several = _several(cells, base)
    return several if several.share > best.share else best


def _looks_like_dates(cells: Cells) -> bool:
    shape = r"(?i)[0-9]{1,4}[-/. ,][0-9a-z]{1,9}|[a-z]{3,9}[-., ]+[0-9]{1,4}|^[0-9]{4}[:]?q[1-4]$|^q[1-4][0-9]{4}$"
    sizes = cells.levels.str.len_chars()
    return cells.share(cells.levels.str.contains(shape) & (sizes >= 6) & (sizes <= 40)) >= 0.5


def _several(cells: Cells, base: Mapping[str, Any]) -> Spelling:
    """Return several formats in one column: each time the one that reads most of what is left."""
    tried = _thinned(cells)
    left = np.ones(len(tried.levels), bool)
    chosen: list[str] = []
    ambiguous = False
    day = [text.format(a="%d", b="%m") for text in _EITHER]
    month = [text.format(a="%m", b="%d") for text in _EITHER]
    possible = _possible(tried, (*_DATES, *month, *day))
    fits = {text: _fits(tried, {**base, "formats": [text]}) for text in possible}
    if not fits:
        return Spelling({}, 0.0, cells.n_known)
    for _ in range(6):
        gains = {text: int(tried.counts[fit & left].sum()) for text, fit in fits.items()}
        text = max(gains, key=lambda name: gains[name])
        if gains[text] < max(1, 0.002 * tried.n_known):
            break
        twin = day[month.index(text)] if text in month else None
        ambiguous |= twin is not None and gains.get(twin, -1) == gains[text]
        chosen.append(text)
        left &= ~fits[text]
    if not chosen:
        return Spelling({}, 0.0, cells.n_known)
    found = _judged("datetime", cells, {**base, "formats": chosen})
    if ambiguous:
        swapped = [day[month.index(text)] if text in month else text for text in chosen]
        return _decided(cells, found, _judged("datetime", cells, {**base, "formats": swapped}))
    return found


def _possible(cells: Cells, formats: tuple[str, ...]) -> list[str]:
    """Return the formats whose marks and words all occur: trying one costs milliseconds, and they are many."""
    text = " ".join(cells.levels.to_list()).lower()
    present = set(text)
    words = re.search(r"[a-z]{3}", text) is not None
    halves = re.search(r"[ap]m\b", text) is not None
    found = []
    for candidate in formats:
        marks = set(re.sub("%[A-Za-z]", "", candidate).lower())
        if marks <= present and (words or not re.search("%[abA]", candidate)) and (halves or "%p" not in candidate):
            found.append(candidate)
    return found


def _decided(cells: Cells, months: Spelling, days: Spelling) -> Spelling:
    """Return month first or day first where both fit: by dots, by the order of the rows, else with a question."""
    levels = cells.levels.head(TRIED)
    if levels.str.contains(r"^[0-9]{1,2}\.[0-9]{1,2}\.").mean() == 1.0:
        return days  # dates with dots are written day first
    if _same_dates(cells, months, days):
        return months
    ordered = [_ordered(cells, spelling) for spelling in (months, days)]
    if max(ordered) >= 0.99 and min(ordered) < 0.95:
        return months if ordered[0] > ordered[1] else days
    example = levels.first()
    question = f"is {example!r} in column {cells.name!r} month first (read so) or day first? Every date fits both"
    return _with(months, question=question, other=days.read)


def _same_dates(cells: Cells, one: Spelling, other: Spelling) -> bool:
    first, second = (_read("datetime", cells.levels, spelling.read)[0] for spelling in (one, other))
    return bool((first == second).fill_null(True).all())


def _ordered(cells: Cells, spelling: Spelling) -> float:
    """Return the share of neighbouring rows in order, upwards or downwards, under a reading."""
    return order_rate(_read("datetime", cells.texts, spelling.read)[0].to_physical())


def order_rate(values: pl.Series) -> float:
    """Return the share of neighbouring known values in order, upwards or downwards, whichever is more.

    Examples:
        >>> order_rate(pl.Series([1, 2, 2, None, 5, 4]))
        0.75
    """
    steps = np.diff(values.drop_nulls().to_numpy())
    if not steps.size or not steps.any():
        return 0.0
    return float(max((steps >= 0).mean(), (steps <= 0).mean()))


def _strip(cells: Cells) -> str:
    """Return the characters to take off numbers: currency and percent signs, or a unit that nearly all cells carry."""
    levels = cells.levels.head(TRIED)
    counts = cells.counts[: len(levels)]
    parts = levels.str.extract_groups(
        r"^[+(-]?\s*(?<before>[^0-9.,+-]*?)\s*[+-]?[0-9][0-9.,'’\s]*(?<after>[^0-9]*)$"
    ).struct.unnest()
    chars: set[str] = set()
    for side in ("before", "after"):
        units = parts[side].str.strip_chars().fill_null("")
        totals: dict[str, int] = {}
        for unit, count in zip(units.to_list(), counts.tolist()):
            totals[unit] = totals.get(unit, 0) + count
        n = max(sum(totals.values()), 1)
        for unit, count in totals.items():
            sign = all(char in SYMBOLS.replace("%", "") for char in unit) or unit.lower() in CODES
            # "12%" beside "0.12" would not mean the same: a percent sign or a unit must stand in nearly all cells. A
            # word before the digits (gate_30) makes a name, not a quantity.
            measure = side == "after" and count / n >= ENOUGH and len(levels) > 5 and unit not in ("e", "E")
            if unit and (sign or measure or (unit == "%" and count / n >= ENOUGH)):
                chars |= set(unit)
    return "".join(sorted(chars))


def _nothing(cells: Cells) -> list[str]:
    """Return words of this column that stand for a missing value."""
    few = cells.levels.filter(cells.levels.str.to_lowercase().is_in(sorted(NOTHING)))
    return sorted(few.to_list())


def _best(modality_name: str, cells: Cells, candidates: list[dict[str, Any]]) -> Spelling:
    """Return the candidate that reads most cells; the first of equals."""
    tried = _thinned(cells)
    shares = [_judged(modality_name, tried, read).share for read in candidates]
    return _judged(modality_name, cells, candidates[int(np.argmax(shares))])


def _thinned(cells: Cells) -> Cells:
    if len(cells.levels) <= TRIED:
        return cells
    chosen = np.linspace(0, len(cells.levels) - 1, TRIED).astype(np.int64)
    return Cells(**{**cells.__dict__, "levels": cells.levels[chosen], "counts": cells.counts[chosen]})


def _fits(cells: Cells, read: Mapping[str, Any]) -> np.ndarray:
    return _read("datetime", cells.levels, read)[0].is_not_null().to_numpy()


def _read(kind: str, texts: pl.Series, read: Mapping[str, Any]) -> tuple[pl.Series, pl.Series]:
    return modality(kind).read(texts, Column(texts.name, kind, read=read))


def _judged(kind: str, cells: Cells, read: Mapping[str, Any]) -> Spelling:
    typed, broken = _read(kind, cells.levels, read)
    known, wrong = typed.is_not_null().to_numpy(), broken.to_numpy()
    n, n_broken = int(cells.counts[known].sum()), int(cells.counts[wrong].sum())
    words = tuple(cells.levels.filter(broken).head(5).to_list())
    n_nothing = cells.n_known - n - n_broken
    return Spelling(read, n / max(n + n_broken, 1), n_broken, words, n_nothing)


def _with(spelling: Spelling, **changes: Any) -> Spelling:
    return Spelling(**{**spelling.__dict__, **changes})
