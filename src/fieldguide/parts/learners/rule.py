"""A rule on the best single column: a table a person could write on a card.

Knows up to eight ranges of one number, or the levels of one category, and what happened in each. Which column is best
is decided by cross-validation inside the training rows. Knows no two columns at once.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, ClassVar, Literal

import numpy as np

from fieldguide.core.batch import Batch, Encoded
from fieldguide.core.contracts import Effort, Estimator, Predictions
from fieldguide.core.seeds import generator
from fieldguide.core.settings import Range, setting
from fieldguide.parts.learners._columns import by_column, grouped

CUTS = 64  # quantiles among which the ends of ranges are looked for
FOLDS = 5
ENOUGH = 50_000  # rows on which the column is chosen; the table itself is made of all rows
LEAST = 0.005  # share of the rows' weight a range must hold


@dataclass(frozen=True)
class Rule:
    """Class shares, or means, by ranges or levels of one column, each drawn to the prior by `smoothing` pseudo rows.

    Ranges are found like the leaves of a small tree: the cut that lowers the loss most comes first.

    Source:
        Holte, "Very Simple Classification Rules Perform Well on Most Commonly Used Datasets", Machine Learning 11,
        1993.

    Examples:
        >>> Rule().n_ranges
        8
    """

    name: ClassVar[str] = "rule"
    kind: ClassVar[Literal["simple"]] = "simple"
    stops_early: ClassVar[bool] = False
    steps_scale: ClassVar[bool] = False
    in_memory: ClassVar[int | None] = None
    recipe: ClassVar[Mapping[str, Any]] = {"scaling": "none", "missing": "keep"}

    n_ranges: int = setting(8, "the most ranges of a number", capacity=1, space=Range(2, 16, integer=True))
    smoothing: float = setting(
        10.0, "pseudo rows that pull a range to the prior [rows]", capacity=-1, space=Range(1.0, 100.0, log=True)
    )

    def fit(self, train: Encoded, stop: Encoded | None, outputs: tuple[Any, ...], effort: Effort) -> Estimator:
        """Choose a column for each output, and for label sets and vectors one for each label or entry."""
        return by_column(self.fit_singles, train, stop, outputs, effort)

    def fit_singles(
        self, train: Encoded, stop: Encoded | None, outputs: tuple[Any, ...], effort: Effort
    ) -> RuleEstimator:
        """Choose a column for each output and fill its table; `stop` is not used."""
        sample = train
        if len(train) > ENOUGH:
            rows = generator(effort.seed, "rule", "sample").permutation(len(train))[:ENOUGH]
            sample = train.take(np.sort(rows))
        folds = generator(effort.seed, "rule", "folds").permutation(len(sample)) % FOLDS
        names = [*train.batch.layout.numbers, *(name for name, _ in train.batch.layout.codes)]
        tables, cut = [], False
        for i, output in enumerate(outputs):
            losses: list[float] = []
            stats = _stats(sample, i, output)
            for place in range(len(names)):
                if losses and effort.clock.over:
                    cut = True
                    break
                losses.append(self._held_out_loss(_Column.of(sample.batch, place), stats, folds))
            best = int(np.argmin(losses)) if losses else None
            tables.append(self._table(train, i, output, best, names))
        return RuleEstimator(tuple(tables), stopped="clock" if cut else "")

    def load(self, folder: Path, data: Mapping[str, Any]) -> Estimator:
        """Return what `save` gave: a rule is plain data."""
        tables = tuple(
            RuleTable(
                name=t["name"], place=t["place"], number=t["number"], cuts=np.array(t["cuts"], np.float64),
                rows=np.array(t["rows"], np.float64), counts=np.array(t["counts"], np.float64),
                labels=tuple(t["labels"]), shown=tuple(t["shown"]),
            )
            for t in data["tables"]
        )  # fmt: skip
        return grouped(RuleEstimator(tables, stopped=data["stopped"]), data)

    def _held_out_loss(self, column: _Column, stats: _Stats, folds: np.ndarray) -> float:
        """Return the column's cross-validated loss: log loss, or squared error."""
        counts = column.counts(stats.rows, folds)
        total, loss = counts.sum(axis=0), 0.0
        for held in counts:
            kept = total - held
            ranges = column.ranges(kept, stats, self.n_ranges)
            loss += stats.loss(_merged(held, ranges), stats.table(_merged(kept, ranges), self.smoothing))
        return loss

    def _table(self, train: Encoded, i: int, output: Any, place: int | None, names: list[str]) -> RuleTable:
        stats = _stats(train, i, output)
        labels = tuple(output.labels)
        if place is None:  # no column at all: the prior
            rows = stats.table(stats.rows.sum(axis=0)[None, :], self.smoothing)
            return RuleTable(
                "", 0, False, np.zeros(0), rows, np.array([float(len(train))]), labels, _shown(rows, output)
            )
        column = _Column.of(train.batch, place)
        counts = column.counts(stats.rows, np.zeros(len(train), np.int64))[0]
        ranges = column.ranges(counts, stats, self.n_ranges)
        rows = stats.table(_merged(counts, ranges), self.smoothing)
        cuts = column.edges[np.flatnonzero(np.diff(ranges[1:]))] if column.number else np.zeros(0)
        held = np.bincount(ranges[column.bins], minlength=len(rows)).astype(np.float64)
        return RuleTable(names[place], place, column.number, cuts, rows, held, labels, _shown(rows, output))


@dataclass(frozen=True)
class RuleTable:
    """What one output's card says.

    Shape:
        cuts: (ranges - 1,) float64, ascending; a value on a cut belongs to the range above
        rows: (1 + ranges, width) for a number, missing first; (cardinality, width) for a category
        counts: (len(rows),) training rows [rows]
    """

    name: str
    place: int
    number: bool
    cuts: np.ndarray
    rows: np.ndarray
    counts: np.ndarray
    labels: tuple[str, ...]
    shown: tuple[str, ...]

    def predict(self, batch: Batch) -> np.ndarray:
        if not self.name:
            return np.repeat(self.rows, len(batch), axis=0)
        if not self.number:
            return self.rows[batch.codes[:, self.place - batch.numbers.shape[1]]]
        values = batch.numbers[:, self.place].astype(np.float64)
        return self.rows[np.where(np.isnan(values), 0, 1 + np.searchsorted(self.cuts, values, side="right"))]

    def lines(self, levels: Mapping[str, Sequence[str]]) -> list[str]:
        if not self.name:
            return [f"every row → {self.shown[0]}"]
        places = range(len(self.rows))
        return [f"{self._range(place, levels)} → {self.shown[place]}" for place in places if self.counts[place] > 0]

    def _range(self, place: int, levels: Mapping[str, Sequence[str]]) -> str:
        if place == 0:
            return f"{self.name} is missing"
        if not self.number:
            known = levels.get(self.name, ())
            named = f"= {known[place - 2]}" if 0 <= place - 2 < len(known) else f"is level {place - 1}"
            return f"{self.name} {'is rare or unknown' if place == 1 else named}"
        ends = [f"{cut:.6g}" for cut in self.cuts]
        if not ends:
            return f"{self.name} is known"
        if place == 1:
            return f"{self.name} < {ends[0]}"
        return (
            f"{self.name} ≥ {ends[-1]}"
            if place == len(ends) + 1
            else f"{self.name} in [{ends[place - 2]}, {ends[place - 1]})"
        )


@dataclass(frozen=True)
class RuleEstimator:
    """Fitted tables, one per output."""

    tables: tuple[RuleTable, ...]
    n_steps: int | None = None
    stopped: str = ""
    history: list[dict[str, Any]] = field(default_factory=list)

    def predict(self, batch: Batch) -> Predictions:
        """Return one array per output.

        Shape:
            returns[i]: (rows, n_labels) float64 probabilities, or (rows, 1) float64 values
        """
        return tuple(table.predict(batch) for table in self.tables)

    def describe(self, levels: Mapping[str, Sequence[str]] | None = None) -> list[str]:
        """Return the rule in words, one line per range or level, such as `age in [38, 45) → 31 %`.

        Args:
            levels: the levels of each category in code order, from level 2 on; without it levels are numbered.
        """
        return [line for table in self.tables for line in table.lines(levels or {})]

    def save(self, folder: Path, draft: bool = False) -> dict[str, Any]:
        tables = [
            {
                "name": t.name, "place": t.place, "number": t.number, "cuts": t.cuts.tolist(), "rows": t.rows.tolist(),
                "counts": t.counts.tolist(), "labels": list(t.labels), "shown": list(t.shown),
            }
            for t in self.tables
        ]  # fmt: skip
        return {"tables": tables, "stopped": self.stopped}


@dataclass(frozen=True)
class _Stats:
    """What is summed in a range: weight by class; or weight, weight · value, weight · value² (value centred).

    Shape:
        rows: (rows, n_labels) or (rows, 3) float64
    """

    rows: np.ndarray
    classes: bool
    prior: np.ndarray
    centre: float = 0.0

    def impurity(self, sums: np.ndarray) -> np.ndarray:
        """Return the loss of predicting each range's own shares or mean, (…,)."""
        if self.classes:
            weight = sums.sum(axis=-1)
            return _xlogx(weight) - _xlogx(sums).sum(axis=-1)
        return sums[..., 2] - sums[..., 1] ** 2 / np.maximum(sums[..., 0], 1e-300)

    def weight(self, sums: np.ndarray) -> np.ndarray:
        return sums.sum(axis=-1) if self.classes else sums[..., 0]

    def table(self, sums: np.ndarray, smoothing: float) -> np.ndarray:
        """Return each range's smoothed shares or mean, (ranges, width)."""
        weight = self.weight(sums)[:, None] + smoothing
        if self.classes:
            return (sums + smoothing * self.prior) / weight
        return self.centre + sums[:, 1:2] / weight  # the centred prior is 0

    def loss(self, sums: np.ndarray, table: np.ndarray) -> float:
        """Return the loss of rows summed as `sums` under a table."""
        if self.classes:
            return float(-(sums * np.log(np.maximum(table, 1e-15))).sum())
        mean = table[:, 0] - self.centre
        return float((sums[:, 2] - 2 * mean * sums[:, 1] + mean**2 * sums[:, 0]).sum())


@dataclass(frozen=True)
class _Column:
    """One column in bins: for a number, missing is bin 0 and quantile ranges follow; for a category, its codes."""

    bins: np.ndarray
    n_bins: int
    edges: np.ndarray
    number: bool

    @staticmethod
    def of(batch: Batch, place: int) -> _Column:
        n_numbers = batch.numbers.shape[1]
        if place >= n_numbers:
            return _Column(
                batch.codes[:, place - n_numbers], batch.layout.codes[place - n_numbers][1], np.zeros(0), False
            )
        values = batch.numbers[:, place].astype(np.float64)
        known = values[~np.isnan(values)]
        edges = np.unique(np.quantile(known, np.arange(1, CUTS) / CUTS, method="higher")) if len(known) else np.zeros(0)
        edges = edges[edges > known.min()] if len(known) else edges  # nothing lies below the least value
        return _Column(
            np.where(np.isnan(values), 0, 1 + np.searchsorted(edges, values, side="right")), len(edges) + 2, edges, True
        )

    def counts(self, rows: np.ndarray, folds: np.ndarray) -> np.ndarray:
        """Return sums by fold and bin, (folds, n_bins, statistics)."""
        n_folds = int(folds.max()) + 1 if len(folds) else 1
        place = folds * self.n_bins + self.bins
        sums = [np.bincount(place, column, minlength=n_folds * self.n_bins) for column in rows.T]
        return np.stack(sums, axis=-1).reshape(n_folds, self.n_bins, -1)

    def ranges(self, counts: np.ndarray, stats: _Stats, n_ranges: int) -> np.ndarray:
        """Return the range of each bin, (n_bins,) int64: levels and missing stay apart, bins of a number are joined."""
        if not self.number:
            return np.arange(self.n_bins)
        least = LEAST * float(stats.weight(counts).sum())
        sums = np.concatenate([np.zeros((1, counts.shape[1])), np.cumsum(counts[1:], axis=0)])
        spans, cuts = [(0, len(sums) - 1)], []
        while len(spans) < n_ranges:
            gains = [_best_cut(sums, span, stats, least) for span in spans]
            best = int(np.argmax([gain for gain, _ in gains]))
            gain, cut = gains[best]
            if gain <= 0:
                break
            begin, end = spans.pop(best)
            spans += [(begin, cut), (cut, end)]
            cuts.append(cut)
        starts = np.zeros(self.n_bins, np.int64)
        starts[1:2] = 1
        starts[1 + np.array(sorted(cuts), np.int64)] = 1
        return np.cumsum(starts)


def _best_cut(sums: np.ndarray, span: tuple[int, int], stats: _Stats, least: float) -> tuple[float, int]:
    """Return the largest fall in loss by one cut inside a span of bins, and where."""
    begin, end = span
    if end - begin < 2:
        return 0.0, 0
    left, right = sums[begin + 1 : end] - sums[begin], sums[end] - sums[begin + 1 : end]
    gains = stats.impurity(sums[end] - sums[begin]) - stats.impurity(left) - stats.impurity(right)
    gains = np.where((stats.weight(left) >= least) & (stats.weight(right) >= least), gains, 0.0)
    best = int(np.argmax(gains))
    return float(gains[best]), begin + 1 + best


def _merged(counts: np.ndarray, ranges: np.ndarray) -> np.ndarray:
    merged = np.zeros((int(ranges.max()) + 1, counts.shape[1]))
    np.add.at(merged, ranges, counts)
    return merged


def _stats(rows: Encoded, i: int, output: Any) -> _Stats:
    weights = np.ones(len(rows)) if rows.weights is None else rows.weights / rows.weights.mean()
    if output.task.family == "classes":
        sums = np.eye(output.width)[rows.targets[i]] * weights[:, None]
        return _Stats(sums, True, sums.sum(axis=0) / sums.sum())
    values = np.asarray(rows.targets[i], np.float64).reshape(-1)
    centre = float(np.average(values, weights=weights))
    gaps = values - centre
    return _Stats(np.stack([weights, weights * gaps, weights * gaps**2], axis=1), False, np.zeros(1), centre)


def _shown(rows: np.ndarray, output: Any) -> tuple[str, ...]:
    """Return what a range says in the user's units: share of the positive class, likeliest class, or mean."""
    if output.task.family != "classes":
        return tuple(f"{float(value):.4g}" for value in output.from_fit(rows[:, 0]))
    if output.width == 2:
        return tuple(_percent(share) for share in rows[:, 1])
    return tuple(f"{output.labels[int(np.argmax(row))]} {_percent(row.max())}" for row in rows)


def _percent(share: float) -> str:
    return f"{100 * share:.0f} %" if 0.01 <= share <= 0.99 else f"{100 * share:.2g} %"


def _xlogx(x: np.ndarray) -> np.ndarray:
    return x * np.log(np.maximum(x, 1e-300))
