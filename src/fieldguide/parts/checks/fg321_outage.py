"""FG321: features or labels that stop for a client, a version or a day."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from fieldguide.core.contracts import Roles
from fieldguide.core.finding import Finding, Severity
from fieldguide.core.problem import Problem
from fieldguide.core.settings import setting
from fieldguide.core.table import Table
from fieldguide.parts.checks._along import (
    Along,
    Segments,
    along,
    condition,
    joined,
    kullback,
    looked_at,
    numbers_of,
    periods,
    quoted,
    segments,
)
from fieldguide.parts.checks._answers import count, fire, not_applicable, number, passed, percent, verb

Entry = dict[str, Any]


@dataclass(frozen=True)
class _Event:
    """Something that usually happens in some rows and may stop: a positive label, a filled cell, a cell that varies.

    Shape:
        happens: (n,) bool in the order of time
    """

    kind: str  # "label", "missing" or "default"
    column: str
    happens: np.ndarray
    words: str  # how a sentence says that it stopped


@dataclass(frozen=True)
class Outage:
    """Labels or cells that stop for a segment over a run of time while the others go on.

    Formula: for each segment (a level of a category, a flag, a group, and the whole table) and each run of consecutive
    periods (at most 40), the binomial scan: x events in n rows against the rate r of the segment's other rows (less two
    standard errors). P(at most x) <= exp(-n KL(x/n, r)), times the number of events, segments and runs looked at, must be
    below 0.0001; n r must be at least 15, x/n below 5 % of r, and the other segments must keep at least half of their usual
    rate meanwhile. Events are: a positive label; a known cell; a cell that is not
    one constant value that elsewhere fills less than a quarter of the rows.

    Why: labels that stop arriving count as negatives, and cells that stop hold nothing or a default. The model learns
    the outage: that this client never buys. When the feed is repaired, it is wrong.

    Remedy: leave the rows of the outage out of training, as the remedy's expression does, and have the feed repaired.

    Source: Kulldorff (1997), A spatial scan statistic; Chernoff's bound for the binomial tail.

    Needs: table, problem, roles, truths.
    """

    name: ClassVar[str] = "fg321_outage"
    code: ClassVar[str] = "FG321"
    title: ClassVar[str] = "Outages of labels or features"
    step: ClassVar[str] = "explore"
    severity: ClassVar[Severity] = "warning"

    level: float = setting(1e-4, "largest probability bound, over all that was looked at")
    left: float = setting(0.05, "largest part of the usual rate that may be left during an outage")
    expected: float = setting(15.0, "events that should have happened meanwhile, at least")

    def run(self, *, table: Table, problem: Problem, roles: Roles, truths: Sequence[np.ndarray]) -> list[Finding]:
        time = along(table, roles)
        if time is None:
            return [not_applicable(self, "No column tells the time of a row.")]
        n = len(time.rows)
        period = periods(time.times, max(4, min(40, n // 40)))
        if n < 200 or period[-1] < 3:
            return [not_applicable(self, f"{n:,} rows in {period[-1] + 1} periods are too few to see an outage.")]
        whole = Segments("", np.zeros(n, np.int64), ("",))
        parts = [whole, *(s for s in segments(table, time.rows, fewest=60) if s.column != time.column)]
        events = list(_events(table, problem, truths, time, period, parts))
        k = int(period[-1]) + 1
        tests = max(1, len(events) * sum(len(part.levels) for part in parts) * k * (k + 1) // 2)
        found: dict[tuple[str, str], Entry] = {}
        for event in events:
            for part in parts:
                if part.column == event.column:
                    continue
                entry = self._scan(event, part, period, tests)
                key = (event.kind, event.column)
                if entry is not None and (key not in found or entry["log_bound"] < found[key]["log_bound"]):
                    found[key] = entry
        if not found:
            text = f"Nothing stops {time.words}: {len(events)} events in {sum(len(p.levels) for p in parts)} segments."
            return [passed(self, text, evidence={"n_tests": tests})]
        located = [_located(entry, time) for entry in found.values()]
        labels = [entry for entry in located if entry["kind"] == "label"]
        cells = [entry for entry in located if entry["kind"] != "label"]
        return [self._said(group, time) for group in (labels, cells) if group]

    def _scan(self, event: _Event, part: Segments, period: np.ndarray, tests: int) -> Entry | None:
        """Return the surest outage of an event in one column's segments."""
        k, n_levels = int(period[-1]) + 1, len(part.levels)
        inside = part.codes >= 0
        cell = part.codes[inside] * k + period[inside]
        rows = np.bincount(cell, minlength=n_levels * k).reshape(n_levels, k).astype(np.float64)
        hits = np.bincount(cell, weights=event.happens[inside], minlength=n_levels * k).reshape(n_levels, k)
        usual = hits.sum(axis=1) / np.maximum(rows.sum(axis=1), 1)
        low = ((rows >= 5) & (hits <= 2 * self.left * usual[:, None] * rows)).any(axis=1)
        if not low.any():
            return None
        starts, stops = np.triu_indices(k)
        sums = [np.concatenate([np.zeros((n_levels, 1)), np.cumsum(a, axis=1)], axis=1) for a in (rows, hits)]
        n, x = (a[:, stops + 1] - a[:, starts] for a in sums)  # (levels, runs)
        all_n, all_x = sums[0][:, -1:], sums[1][:, -1:]
        rest_n, rest_x = np.maximum(all_n - n, 1), all_x - x
        rest = rest_x / rest_n
        rest = np.maximum(rest - 2 * np.sqrt(np.maximum(rest * (1 - rest), 1e-9) / rest_n), 0)
        rate = x / np.maximum(n, 1)
        collapse = low[:, None] & (n * rest >= self.expected) & (rate <= self.left * rest) & (n <= 0.6 * all_n)
        if part.column:  # the others go on meanwhile
            others_n, others_x = n.sum(axis=0) - n, x.sum(axis=0) - x
            their_n, their_x = all_n.sum() - all_n, all_x.sum() - all_x
            outside = (their_x - others_x) / np.maximum(their_n - others_n, 1)
            collapse &= (others_n >= 10) & (others_x >= 0.5 * outside * others_n) & (others_x > 0)
        else:  # what begins or ends for all is not an outage: late labels and coverage are checks of their own
            before, after = sums[1][:, starts], all_x - sums[1][:, stops + 1]
            their = usual[:, None] * np.stack([sums[0][:, starts], all_n - sums[0][:, stops + 1]])
            collapse &= (before > 0) & (before >= 0.5 * their[0]) & (after > 0) & (after >= 0.5 * their[1])
        bound = np.where(collapse, np.log(tests) - n * kullback(rate, rest), 0.0)
        level, run = (int(i) for i in np.unravel_index(int(bound.argmin()), bound.shape))
        if bound[level, run] >= np.log(self.level):
            return None
        chosen = np.flatnonzero((part.codes == level) & (period >= starts[run]) & (period <= stops[run]))
        chosen = _widened(np.flatnonzero(part.codes == level), chosen, event.happens)
        return {
            "kind": event.kind, "column": event.column, "words": event.words, "part": part, "level": level,
            "positions": chosen, "rate": float(event.happens[chosen].mean()), "usual": float(rest[level, run]),
            "log_bound": float(bound[level, run]), "ends": bool(chosen[-1] == np.flatnonzero(part.codes == level)[-1]),
        }  # fmt: skip

    def _said(self, entries: list[Entry], time: Along) -> Finding:
        entries = sorted(entries, key=lambda entry: -entry["n"])
        texts = [
            f"{entry['words']} {'where ' + entry['where'] if entry['where'] else 'everywhere'} from {entry['from']} to {entry['to']}"
            f" ({count(entry['n'], 'row')}: {percent(entry['rate'])} against {percent(entry['usual'])})"
            for entry in entries
        ]
        n = len(entries)
        sentence = f"{count(n, 'outage')} {verb(n, 'stands', 'stand')} out: {joined(texts)}."
        first = entries[0]
        if first["leave_out"]:
            remedy = f'Leave these rows out: population: {{train: "{first["leave_out"]}"}}; and have the feed repaired.'
        else:
            remedy = "Leave these rows out of the table, and have the feed repaired."
        evidence = {"column": time.column, "outages": entries[:20]}
        return fire(self, sentence, remedy, columns=dict.fromkeys(e["column"] for e in entries), evidence=evidence)


def _events(
    table: Table, problem: Problem, truths: Sequence[np.ndarray], time: Along, period: np.ndarray, parts: list[Segments]
) -> Iterator[_Event]:
    for output, truth in zip(problem.outputs, truths):
        y = truth[time.rows]
        if output.family == "binary":
            yield _Event("label", output.name, y == 1, f"no {output.labels[1]!r} in {output.name!r}")
        elif output.task.family == "values" and (y != 0).mean() > 0.02 and (y == 0).mean() < 0.5:
            yield _Event("label", output.name, y != 0, f"{output.name!r} is 0")
    for column in looked_at(table):
        values = numbers_of(table.frame[column.name])[time.rows]
        known = ~np.isnan(values)
        if not known.any() or column.name == time.column:
            continue
        if not known.all():
            yield _Event("missing", column.name, known, f"{column.name!r} is missing")
        for value in _defaults(values, period, parts):
            shown = number(value) if table.frame[column.name].dtype.is_numeric() else "one value"
            yield _Event("default", column.name, values != value, f"{column.name!r} is always {shown}")


def _defaults(values: np.ndarray, period: np.ndarray, parts: list[Segments]) -> list[float]:
    """Return values that fill whole cells (a segment in a period of at least 15 rows) of a column that elsewhere varies."""
    known = ~np.isnan(values)
    if len(np.unique(values[known][:5000])) < 10:
        return []
    k = int(period[-1]) + 1
    found: list[float] = []
    for part in parts:
        inside = known & (part.codes >= 0)
        cell = part.codes[inside] * k + period[inside]
        order = np.argsort(cell, kind="stable")
        cells, starts, sizes = np.unique(cell[order], return_index=True, return_counts=True)
        if not len(cells):
            continue
        sorted_values = values[inside][order]
        low, high = np.minimum.reduceat(sorted_values, starts), np.maximum.reduceat(sorted_values, starts)
        large = sizes >= 15
        constant = large & (low == high)
        if not constant.any() or constant.sum() > 0.25 * large.sum():
            continue  # a column that is constant in most periods tells the time, it does not break
        found += [float(v) for v in np.unique(low[constant]) if (values[known] == v).mean() < 0.25]
    return sorted(set(found))[:5]


def _widened(segment: np.ndarray, chosen: np.ndarray, happens: np.ndarray) -> np.ndarray:
    """Return the positions of a run, moved row by row to where events stop and start again.

    Only a run without any event has such edges; positions count rows in the order of time.
    """
    inside = happens[segment]
    first, last = int(np.searchsorted(segment, chosen[0])), int(np.searchsorted(segment, chosen[-1]))
    if inside[first : last + 1].any():
        return chosen
    before = np.flatnonzero(inside[:first])
    after = np.flatnonzero(inside[last + 1 :])
    first = int(before[-1]) + 1 if len(before) else 0
    last = last + int(after[0]) if len(after) else len(segment) - 1
    return segment[first : last + 1]


def _located(entry: Entry, time: Along) -> Entry:
    """Return an outage as plain data: where, from, to, rows, and the expression that leaves it out."""
    part, positions = entry.pop("part"), entry.pop("positions")
    level = part.levels[entry.pop("level")]
    start, stop = time.at(int(positions[0])), time.at(int(positions[-1]))
    where = condition(part, level) if part.column else ""
    leave_out = ""
    if time.dated:
        name = quoted(time.column)
        limits = [where] if where else []
        limits.append(f"{name} >= '{start}'")
        if not entry["ends"]:
            limits.append(f"{name} <= '{stop}'")
        leave_out = f"not ({' and '.join(limits)})"
    return {
        **entry, "segment": part.column, "value": level, "where": where, "from": start, "to": stop, "n": len(positions),
        "leave_out": leave_out,
    }  # fmt: skip
