"""FG325: a column that changes its unit along time, in a segment, or in some rows."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from fieldguide.core.contracts import Roles
from fieldguide.core.finding import Finding, Severity
from fieldguide.core.settings import setting
from fieldguide.core.table import Table
from fieldguide.parts.checks._along import Along, Segments, along, joined, looked_at, numbers_of, periods, segments
from fieldguide.parts.checks._answers import count, fire, not_applicable, number, passed, verb

SURE_FROM = 10.0
"""Factor between segments from which two units are likelier than two kinds of things."""
FACTORS = (
    10.0,
    100.0,
    1_000.0,
    1e6,
    2.54,
    25.4,
    30.48,
    3.2808,
    2.20462,
    1.609344,
    28.3495,
    10.7639,
    35.3147,
    2.47105,
    6.89476,
    1.852,
    4.184,
    3.785,
    60.0,
    3_600.0,
    1_024.0,
)
"""Usual ratios of two units of one quantity: powers of ten, inch, foot, pound, mile, ounce, calorie, gallon, time, bytes."""
FEWEST = 30


@dataclass(frozen=True)
class _Cell:
    """Rows that may be in another unit: a run of periods or a segment."""

    where: str
    chosen: np.ndarray  # (n,) bool in the order looked at
    kind: str  # "time" or "segment"
    segment: str = ""
    value: str = ""
    start: str = ""
    stop: str = ""


@dataclass(frozen=True)
class UnitBreak:
    """Numbers that are a usual factor larger or smaller from a time on, in a segment, or in some rows.

    Formula: for each period (at most 24) and each segment with at least 30 values: the ratio of its median size to that of
    the other rows is within 12 % of a usual factor (10, 100, 1,000, 2.54, 2.2046, 1.609, 60, 3,600, 1,024 …, and their
    inverses), or Fahrenheit against Celsius; between segments, which differ by nature, within 5 % and of the very same shape
    for factors up to 60, and of whole numbers only by whole factors. The two-sample Kolmogorov-Smirnov distance must be above 0.4 as the values
    stand, and after dividing by the factor no larger than 0.15 and what chance gives (1.63 sqrt(1/n + 1/m)). Some rows,
    anywhere, in another unit: two heaps on the log scale, the smaller one of at least 0.5 % and 30 rows, with nearly
    nothing between them, and the same two tests. Zeros are left out, and columns with fewer than 20 values.

    Why: one value then means two things. A model fitted on centimetres reads 1.8 m as a dwarf, and a scaler fitted on both
    serves neither.

    Remedy: bring the rows named to one unit before training (`data.derive`, or at the source), and find out which unit
    rows will have in use.

    Source: Kolmogorov-Smirnov: Smirnov (1948).

    Needs: table, roles.
    """

    name: ClassVar[str] = "fg325_unit_break"
    code: ClassVar[str] = "FG325"
    title: ClassVar[str] = "A break of unit or scale"
    step: ClassVar[str] = "explore"
    severity: ClassVar[Severity] = "warning"

    apart: float = setting(0.4, "Kolmogorov-Smirnov distance that the values must have as they stand")
    alike: float = setting(0.15, "Kolmogorov-Smirnov distance that they may have after dividing by the factor")

    def run(self, *, table: Table, roles: Roles) -> list[Finding]:
        time = along(table, roles)
        rows = time.rows if time is not None else np.arange(table.n_rows)[:: max(1, table.n_rows // 50_000)]
        columns = [c.name for c in looked_at(table) if table.frame[c.name].dtype.is_numeric()]
        if not columns or len(rows) < 2 * FEWEST:
            return [not_applicable(self, "There is no column of numbers with enough rows.")]
        period = None if time is None else periods(time.times, max(2, min(24, len(rows) // 60)))
        parts = segments(table, rows, fewest=FEWEST)
        found = {}
        for name in columns:
            values = numbers_of(table.frame[name])[rows]
            if len(np.unique(values[~np.isnan(values)][:5000])) < 20:
                continue
            entry = self._judge(name, values, time, period, parts)
            if entry is not None:
                found[name] = entry
        if not found:
            return [passed(self, f"None of {count(len(columns), 'column')} of numbers changes its unit.")]
        texts = [
            f"{name!r} is {entry['words']} {entry['where']} ({entry['n']:,} rows)" for name, entry in found.items()
        ]
        n = len(found)
        sentence = f"{count(n, 'column')} {verb(n, 'seems', 'seem')} to change {verb(n, 'its', 'their')} unit: {joined(texts)}."
        remedy = "Bring these rows to one unit before training, and find out which unit rows will have in use."
        certain = any(entry["kind"] == "time" or entry["factor"] >= SURE_FROM for entry in found.values())
        severity: Severity = "warning" if certain else "info"
        return [fire(self, sentence, remedy, severity=severity, columns=found, evidence={"breaks": found})]

    def _judge(
        self, name: str, values: np.ndarray, time: Along | None, period: np.ndarray | None, parts: list[Segments]
    ) -> dict[str, Any] | None:
        usable = ~np.isnan(values) & (values != 0)
        if usable.sum() < 2 * FEWEST:
            return None
        for cell in _cells(name, values, usable, time, period, parts):
            one, two = values[usable & cell.chosen], values[usable & ~cell.chosen]
            if min(len(one), len(two)) < FEWEST:
                continue
            match = self._match(one, two, strict=cell.kind == "segment")
            if match is not None:
                words, factor, times = match
                n = int((usable & cell.chosen).sum())
                return {
                    "words": words, "factor": factor, "times": times, "bound": None, "where": cell.where, "kind": cell.kind, "segment": cell.segment,
                    "value": cell.value, "from": cell.start, "to": cell.stop, "n": n,
                }  # fmt: skip
        return self._mixed(values[usable])

    def _match(self, one: np.ndarray, two: np.ndarray, strict: bool) -> tuple[str, float, float | None] | None:
        """Return (words, factor, times) when `one` is `two` in another unit; strict: small factors need the very same shape.

        One value of `one` is `times` as large as it would be in the unit of `two`; None where units differ by more than a factor.

        Segments differ by nature, and one of many pairs of segments always differs by about a pound or a mile.
        """
        ratio = _middle(one) / _middle(two)
        chance = 1.63 * math.sqrt(1 / len(one) + 1 / len(two))
        limit = max(self.alike, chance)
        if limit > 0.4:
            return None
        units: list[
            tuple[str, float, float | None, np.ndarray, float]
        ] = []  # words, factor, times, values in the unit of `two`, bound
        counted = not (one % 1).any() and not (two % 1).any()  # years, persons: miles of these are no whole numbers
        for factor in FACTORS:
            exact = strict and factor not in (100.0, 1_000.0, 1e6)
            if exact and (len(one) < 200 or chance > 0.15 or (counted and factor % 1)):
                continue
            close, bound = (0.05, chance) if exact else (0.12, limit)
            for times, words in (
                (factor, f"{number(factor)} times larger"),
                (1 / factor, f"{number(factor)} times smaller"),
            ):
                if abs(math.log(ratio / times)) < close:
                    units.append((words, factor, times, one / times, bound))
        if max(np.abs(one).max(), np.abs(two).max()) < 1_000:
            middle, other, near = float(np.median(one)), float(np.median(two)), 0.25 * float(two.std())
            for words, by, plus in (
                ("in °F where the others are in °C", 1 / 1.8, -32 / 1.8),
                ("in °C where the others are in °F", 1.8, 32.0),
            ):
                if abs(by * middle + plus - other) < near:
                    units.append((words, 1.8, None, by * one + plus, chance if strict else limit))
        if (
            not units or distance(one, two) < self.apart
        ):  # the distance costs a sort: most pairs are told by their medians
            return None
        return next((unit[:3] for unit in units if distance(unit[3], two) <= unit[4]), None)

    def _mixed(self, values: np.ndarray) -> dict[str, Any] | None:
        """Return rows in another unit that no time and no segment tells: two like heaps far apart on the log scale."""
        if (values < 0).any():
            return None
        logs = np.sort(np.log(values))
        gaps = np.diff(logs)
        fewest = max(FEWEST, int(0.005 * len(logs)))
        if len(logs) < 4 * fewest:
            return None
        inner = gaps[fewest - 1 : len(gaps) - fewest + 1]
        cut = fewest - 1 + int(inner.argmax())
        low, high = logs[: cut + 1], logs[cut + 1 :]
        few, many = (low, high) if len(low) < len(high) else (high, low)
        # a gap within one heap is far smaller than the heaps are apart
        if gaps[cut] < 0.1 * abs(np.median(low) - np.median(high)) or len(np.unique(few)) < 15:
            return None
        match = self._match(np.exp(few), np.exp(many), strict=True)
        if match is None:
            return None
        words, factor, times = match
        sense = "above" if few[0] > many[0] else "below"
        bound = math.exp((logs[cut] + logs[cut + 1]) / 2)
        return {
            "words": words, "factor": factor, "times": times, "bound": bound, "where": f"in some rows ({sense} {number(bound)})", "kind": "rows", "segment": "",
            "value": "", "from": "", "to": "", "n": len(few),
        }  # fmt: skip


def distance(one: np.ndarray, two: np.ndarray) -> float:
    """Return the two-sample Kolmogorov-Smirnov distance.

    Examples:
        >>> distance(np.array([1.0, 2.0]), np.array([1.0, 3.0]))
        0.5
    """
    one, two = np.sort(one), np.sort(two)
    both = np.concatenate([one, two])
    gap = np.searchsorted(one, both, side="right") / len(one) - np.searchsorted(two, both, side="right") / len(two)
    return float(np.abs(gap).max())


def _middle(values: np.ndarray) -> float:
    return float(np.median(np.abs(values)))


def _cells(
    name: str,
    values: np.ndarray,
    usable: np.ndarray,
    time: Along | None,
    period: np.ndarray | None,
    parts: list[Segments],
) -> Iterator[_Cell]:
    if time is not None and period is not None and period[-1] >= 3:
        sizes = np.log(np.abs(np.where(usable, values, 1.0)))
        run = _run(sizes, usable, period)
        if run is not None:
            first, last = _edges(sizes, usable, period, run)
            chosen = np.zeros(len(values), bool)
            chosen[first : last + 1] = True
            start, stop = time.at(first), time.at(last)
            where = f"from {start} on" if last == len(values) - 1 else f"from {start} to {stop}"
            yield _Cell(where, chosen, "time", start=start, stop=stop)
    for part in parts:
        if part.column == name:
            continue
        for code, level in enumerate(part.levels):
            chosen = part.codes == code
            if chosen.sum() < 0.5 * len(chosen):
                yield _Cell(f"where {part.column!r} is {level!r}", chosen, "segment", part.column, level)


def _run(sizes: np.ndarray, usable: np.ndarray, period: np.ndarray) -> tuple[int, int] | None:
    """Return the run of periods whose median size differs most from the others', if it does by a factor of 1.5."""
    k = int(period[-1]) + 1
    middles = np.array([np.median(sizes[s]) if (s := usable & (period == i)).sum() >= 10 else np.nan for i in range(k)])
    known = np.flatnonzero(~np.isnan(middles))
    if len(known) < 4:
        return None
    usual = middles[known]
    order = np.sort(usual)
    widest = int(np.diff(order).argmax())
    if order[widest + 1] - order[widest] < math.log(1.5):
        return None
    high = usual > (order[widest] + order[widest + 1]) / 2
    for odd in (high, ~high):
        places = known[odd]
        # one run of periods, and at its beginning or no more than half of all
        if (
            places[-1] - places[0] + 1 == (known[-1] - known[0] + 1 if len(places) == len(known) else len(places))
            and places[0] > 0
        ):
            return int(places[0]), int(places[-1])
    return None


def _edges(sizes: np.ndarray, usable: np.ndarray, period: np.ndarray, run: tuple[int, int]) -> tuple[int, int]:
    """Return the first and last position of a run, moved to where fewest values are on the wrong side of the middle."""
    inside = (period >= run[0]) & (period <= run[1])
    here, there = np.median(sizes[usable & inside]), np.median(sizes[usable & ~inside])
    closer = np.where(usable, np.sign((sizes - (here + there) / 2) * (here - there)), 0.0)  # +1: like the run
    first, last = (int(i) for i in np.flatnonzero(inside)[[0, -1]])
    low, high = np.flatnonzero(period >= run[0] - 1)[0], np.flatnonzero(period <= run[0])[-1]
    tail = np.cumsum(closer[low : high + 1][::-1])[::-1]  # sum from each position to the end of the stretch
    first = int(low + tail.argmax())
    if run[1] < int(period[-1]):
        low, high = np.flatnonzero(period >= run[1])[0], np.flatnonzero(period <= run[1] + 1)[-1]
        last = int(low + np.cumsum(closer[low : high + 1]).argmax())
    return first, max(first, last)
