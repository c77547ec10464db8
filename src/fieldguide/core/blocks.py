"""Blocks: rows that must stay together, because they are one unit or (nearly) the same row.

Knows row keys, declared groups and the near-duplicate test; who divides the blocks is a splitter.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import polars as pl

from fieldguide.core.seeds import generator

NEAR_LIMIT = 1_000_000
"""Rows above which near-duplicates are not searched (exact ones always are)."""
N_BANDS = 12
LENIENT = 0.5
"""Share of the surprise a sure pair needs, from which rows are taken for possible copies of one another."""
LARGEST_BLOCK = 0.05
"""A near-duplicate block with a greater share of the rows is a continuum (a smooth curve), not a set of copies."""


@dataclass(frozen=True)
class Duplicates:
    """Which rows repeat others.

    Shape:
        exact: (rows,) int64 block ids, one per distinct content
        near: (rows,) int64 block ids after linking near-duplicates (equal to `exact` where there are none)

    Args:
        natural: True when the columns hold so little information that equal rows are expected and are left alone.
        searched: False when the table is too long for the near-duplicate search.
        continuum: True when near-duplicates chain through the table and were therefore not linked.
    """

    exact: np.ndarray
    near: np.ndarray
    natural: bool = False
    searched: bool = True
    continuum: bool = False

    @property
    def n_exact(self) -> int:
        """Rows that repeat an earlier row exactly."""
        return len(self.exact) - n_different(self.exact)

    @property
    def n_near(self) -> int:
        """Rows that nearly repeat another and do so not exactly."""
        return n_different(self.exact) - n_different(self.near)


def find_duplicates(frame: pl.DataFrame, keys: np.ndarray, files: bool = False) -> Duplicates:
    """Return exact and near-duplicates of typed feature rows.

    Two rows are near-duplicates when their agreement cannot be chance: each column has the probability p that two random
    rows agree at least as closely, and Fisher's sum of -ln p exceeds what the best of all pairs would reach. Candidate pairs
    come from locality-sensitive hashing (random halves of the columns, numbers in cells of 0.1 deviations). Copies would
    pass for chance agreement with each other, so p is also taken among clusters of possible copies, one row of each;
    there, columns that depend on each other raise the bound (Brown).

    Args:
        frame: feature columns only, typed, without ids and times.
        keys: (rows,) content hash of the same rows.
        files: some columns stand for whole files: equal ones are never expected by chance, whatever their entropy.

    Source:
        Fisher's method for combining independent tests; Brown 1975 for dependent ones; Indyk & Motwani 1998 for the hashing.
    """
    exact = np.unique(keys, return_inverse=True)[1].astype(np.int64)
    n_rows = len(keys)
    if n_rows < 2 or frame.width == 0:
        return Duplicates(exact, exact, natural=frame.width == 0)
    if not files and _information(frame) < np.log2(n_rows) + 2:
        rows = np.arange(n_rows, dtype=np.int64)
        return Duplicates(rows, rows, natural=True)
    if n_rows > NEAR_LIMIT:
        return Duplicates(exact, exact, searched=False)
    first = np.unique(exact, return_index=True)[1]  # one row of each content is enough to search
    pairs = _near_pairs(frame[first], len(first))
    if not len(pairs):
        return Duplicates(exact, exact)
    near = connect(len(first), [pairs])[exact]
    if _chained(near[first]):
        return Duplicates(exact, exact, continuum=True)
    return Duplicates(exact, near)


def joined(found: Duplicates, media: Sequence[np.ndarray]) -> Duplicates:
    """Return duplicates with the rows linked whose media are nearly the same, unless these chain through the table.

    Args:
        media: pairs of rows, (pairs, 2), an array for each column of texts, images or sounds.

    Examples:
        >>> alone = np.arange(40)
        >>> joined(Duplicates(alone, alone), [np.array([[0, 2]])]).n_near
        1
    """
    links = [pairs for pairs in media if len(pairs)]
    if not links:
        return found
    near = connect(len(found.near), [same(found.near), *links])
    if _chained(near):
        return replace(found, continuum=True)
    return replace(found, near=near, natural=False)


def connect(n_rows: int, links: Sequence[np.ndarray]) -> np.ndarray:
    """Return block ids of the connected components of pairs.

    Shape:
        links: arrays of (pairs, 2) row indices
        returns: (rows,) int64, numbered in order of first appearance

    Examples:
        >>> connect(4, [np.array([[0, 2], [2, 3]])]).tolist()
        [0, 1, 0, 0]
    """
    label = np.arange(n_rows)
    pairs = np.concatenate(
        [np.asarray(link, np.int64).reshape(-1, 2) for link in links] or [np.zeros((0, 2), np.int64)]
    )
    while len(pairs):  # pointer jumping: labels fall to the smallest index of their component
        low = np.minimum(label[pairs[:, 0]], label[pairs[:, 1]])
        before = label.copy()
        np.minimum.at(label, pairs[:, 0], low)
        np.minimum.at(label, pairs[:, 1], low)
        np.minimum.at(label, before[pairs[:, 0]], low)
        np.minimum.at(label, before[pairs[:, 1]], low)
        label = label[label]
        if np.array_equal(before, label):
            break
    return np.unique(label, return_inverse=True)[1].astype(np.int64)


def n_different(ids: np.ndarray) -> int:
    """Return how many different block ids there are; ids are small, and counting takes a tenth of sorting."""
    return int(np.count_nonzero(np.bincount(ids)))


def distinct(ids: np.ndarray) -> np.ndarray:
    """Return the different ids in order: by sorting, which takes a hundredth of NumPy's hashing where millions differ.

    Examples:
        >>> distinct(np.array([3, 1, 3])).tolist()
        [1, 3]
    """
    ordered = np.sort(ids)
    return ordered[np.append(True, ordered[1:] != ordered[:-1])[: len(ordered)]]


def others(n_rows: int, *parts: np.ndarray) -> np.ndarray:
    """Return the rows that are in none of the parts, in order.

    Examples:
        >>> others(5, np.array([4, 0]), np.array([2])).tolist()
        [1, 3]
    """
    free = np.ones(n_rows, bool)
    for rows in parts:
        free[rows] = False
    return np.flatnonzero(free)


def same(ids: np.ndarray) -> np.ndarray:
    """Return links between rows that carry the same id: (pairs, 2)."""
    order = np.argsort(ids, kind="stable")
    equal = ids[order][1:] == ids[order][:-1]
    return np.stack([order[:-1][equal], order[1:][equal]], axis=1)


def _information(frame: pl.DataFrame) -> float:
    """Sum of the columns' entropies [bits]: an upper bound on what a row tells."""
    bits = 0.0
    for name in frame.columns:
        shares = frame[name].value_counts()["count"].to_numpy() / frame.height
        bits += float(-(shares * np.log2(shares)).sum())
    return bits


def _near_pairs(frame: pl.DataFrame, n_rows: int) -> np.ndarray:
    columns = [_Column.of(frame[name]) for name in frame.columns]
    if not any(column.continuous for column in columns) and not any(
        column.n_levels > n_rows // 2 for column in columns
    ):
        return np.zeros((0, 2), np.int64)
    needed = _fisher_bound(len(columns), n_rows)
    pairs, agreement = _candidates(columns, n_rows, LENIENT * needed)
    # Copies mask each other: of a row with twenty copies, twenty others agree "by chance" in every column. So rows that
    # may be copies are first taken for one, and chance is what rows of different clusters agree in.
    for bar in (LENIENT, (1 + LENIENT) / 2):
        likely = pairs[agreement > bar * needed]
        clusters = connect(n_rows, [likely])
        if len(likely) and not _chained(clusters):
            sure = pairs[agreement > needed]
            return np.unique(np.concatenate([sure, likely[_stand_out(columns, clusters, likely)]]), axis=0)
    sure = pairs[agreement > needed]
    if len(sure) and not _chained(connect(n_rows, [sure])):  # a surface, perhaps: columns that depend on each other
        sure = pairs[agreement > max(needed, _brown_bound(columns, np.arange(n_rows)))]
    return np.unique(sure, axis=0)


def _chained(blocks: np.ndarray) -> bool:
    return bool(np.bincount(blocks).max() > max(10, LARGEST_BLOCK * len(blocks)))


def _candidates(columns: Sequence[_Column], n_rows: int, bar: float) -> tuple[np.ndarray, np.ndarray]:
    """Return pairs from the hashing that agree more than `bar`, and how much they agree: (pairs, 2) and (pairs,)."""
    widest = max(columns, key=lambda column: column.n_levels)
    found, agreed = [], []
    for band in range(N_BANDS):
        rng = generator(0, "near duplicates", band)
        chosen = rng.permutation(len(columns))[: max(1, (len(columns) + 1) // 2)]
        cell = np.zeros(n_rows, np.uint64)
        for i in chosen:
            cell = (cell * np.uint64(0x100000001B3)) ^ columns[i].cells(float(rng.uniform())).astype(np.uint64)
        order = np.lexsort((widest.values, cell))
        for step in (1, 2):
            a, b = order[:-step], order[step:]
            together = cell[a] == cell[b]
            a, b = a[together], b[together]
            agreement = sum((column.surprise(a, b) for column in columns), np.zeros(len(a)))
            found.append(np.stack([a, b], axis=1)[agreement > bar])
            agreed.append(agreement[agreement > bar])
    return np.concatenate(found), np.concatenate(agreed)


def _stand_out(columns: Sequence[_Column], clusters: np.ndarray, pairs: np.ndarray) -> np.ndarray:
    """Return which pairs, each within a cluster, agree beyond what any two rows of different clusters would: (pairs,)."""
    first = np.unique(clusters, return_index=True)[1]
    a, b = pairs.T
    judges = [column.among(first, clusters) for column in columns]
    agreement = sum((judge.surprise(a, b) for judge in judges), np.zeros(len(pairs)))
    stands: np.ndarray = agreement > max(_fisher_bound(len(columns), len(first)), _brown_bound(judges, first))
    return stands


def _brown_bound(columns: Sequence[_Column] | Sequence[_Among], rows: np.ndarray) -> float:
    """The bound for columns that agree together: Fisher's sum is a scaled Gamma, fitted to pairs drawn at random."""
    one, two = generator(0, "near duplicates", "chance").choice(rows, (2, 20_000))
    one, two = one[one != two], two[one != two]
    chance = sum((column.surprise(one, two) for column in columns), np.zeros(len(one)))
    spread = float(chance.var() / max(chance.mean(), 1e-9))
    return spread * _fisher_bound(int(np.ceil(chance.mean() / spread)), len(rows)) if spread > 1 else 0.0


def _fisher_bound(n_columns: int, n_rows: int) -> float:
    """The sum of -ln p that one of all row pairs reaches by chance with probability 1 %: a Gamma(n_columns) quantile."""
    tail = 0.01 / (0.5 * n_rows * n_rows)
    low, high = 0.0, 60.0 + 4.0 * n_columns - np.log(tail)
    for _ in range(60):  # the Gamma survival function with integer shape is a Poisson sum
        middle = (low + high) / 2
        terms = np.arange(n_columns)
        log_terms = -middle + terms * np.log(max(middle, 1e-300)) - np.cumsum(np.log(np.maximum(terms, 1)))
        survival = np.exp(log_terms).sum()
        low, high = (middle, high) if survival > tail else (low, middle)
    return high


@dataclass(frozen=True)
class _Among:
    """A column as rows of different clusters have it: what chance agreement is."""

    values: np.ndarray
    heads: np.ndarray  # value of the first row of each row's cluster
    shares: np.ndarray  # share of clusters with the same level
    sorted: np.ndarray  # one value a cluster
    step: float  # distance of the two closest values: what the column was rounded to
    continuous: bool

    def surprise(self, a: np.ndarray, b: np.ndarray) -> np.ndarray:
        """-ln of the probability that a row of another cluster lies as close to row a as row b does.

        Clusters that lie as close are counted, +1 for b itself. Where none does, the count is continued below 1 by the
        density of the nearest ten, no further than a thirtieth.
        """
        if not self.continuous:
            return np.where(self.values[a] == self.values[b], -np.log(self.shares[a]), 0.0)
        m, here = len(self.sorted), self.values[a]
        reach = np.abs(here - self.values[b])
        low = np.searchsorted(self.sorted, here - reach, "left")
        high = np.searchsorted(self.sorted, here + reach, "right")
        others = np.maximum(high - low - (np.abs(self.heads[a] - here) <= reach), 0)
        left, right = np.maximum(low - 5, 0), np.minimum(high + 4, m - 1)
        width = self.sorted[right] - self.sorted[left]
        dense = (2 * reach + self.step) * (right - left) / np.maximum(width, 1e-12)
        near = np.where((others == 0) & (width > 0), np.clip(dense, 1 / 30, 1.0), 1.0)
        return -np.log(np.minimum(1.0, (1 + others) * near / m))


@dataclass(frozen=True)
class _Column:
    values: np.ndarray  # deviations for continuous columns, level codes otherwise
    shares: np.ndarray  # share of rows with the same value
    sorted: np.ndarray
    continuous: bool
    n_levels: int

    @staticmethod
    def of(series: pl.Series) -> _Column:
        n_rows = len(series)
        if series.dtype == pl.String:
            series = series.str.strip_chars().str.to_lowercase().str.replace_all(r"\s+", " ")
        codes = series.rank("dense").fill_null(0).to_numpy().astype(np.int64)
        counts = np.bincount(codes)
        n_levels = int((counts > 0).sum())
        shares = counts[codes] / n_rows
        if series.dtype.is_numeric() and n_levels > max(50, n_rows // 100):
            numbers = series.cast(pl.Float64).fill_null(float("nan")).to_numpy()
            low, high = np.nanpercentile(numbers, [16, 84])
            scale = (high - low) / 2 or np.nanstd(numbers) or 1.0
            values = (numbers - np.nanmedian(numbers)) / scale
            values = np.where(np.isnan(values), -1e6, np.clip(values, -1e6, 1e6))
            return _Column(values, shares, np.sort(values), True, n_levels)
        return _Column(codes.astype(np.float64), shares, np.zeros(0), False, n_levels)

    def among(self, first: np.ndarray, clusters: np.ndarray) -> _Among:
        heads = self.values[first]
        if not self.continuous:
            counts = np.bincount(heads.astype(np.int64), minlength=int(self.values.max()) + 1)
            shares = np.maximum(counts[self.values.astype(np.int64)], 1) / len(first)
            return _Among(self.values, heads[clusters], shares, np.zeros(0), 0.0, False)
        ordered = np.sort(heads)
        gaps = np.diff(ordered)
        gaps = gaps[gaps > 1e-12]
        return _Among(self.values, heads[clusters], np.zeros(0), ordered, float(gaps.min()) if len(gaps) else 0.0, True)

    def cells(self, offset: float) -> np.ndarray:
        return (
            np.floor(self.values / 0.1 + offset).astype(np.int64) if self.continuous else self.values.astype(np.int64)
        )

    def surprise(self, a: np.ndarray, b: np.ndarray) -> np.ndarray:
        """-ln of the probability that a random row lies at least as close to row a as row b does."""
        if not self.continuous:
            return np.where(self.values[a] == self.values[b], -np.log(self.shares[a]), 0.0)
        reach = np.abs(self.values[a] - self.values[b])
        inside = np.searchsorted(self.sorted, self.values[a] + reach, "right") - np.searchsorted(
            self.sorted, self.values[a] - reach, "left"
        )
        return -np.log(np.minimum(1.0, inside / len(self.sorted)))
