"""Dependence along time: are errors near in time alike, over how long, and how much less sure is a score for it?

Knows errors of rows in time, and any statistic of weighted rows. Does not know metrics, nor which rows may be judged; intervals
of rows that do not depend on each other are `core.statistics.bootstrap`'s.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from fieldguide.core.seeds import generator
from fieldguide.core.statistics.bootstrap import LEVEL, NORMAL, Statistic, left_out_weights, numbered

SURE = 0.01
"""p-value below which neighbours in time count as dependent."""
PERMUTATIONS = 399
PIECES = 8
"""Pieces of time whose means are taken off before the test: a model that ages or a level that moves is no dependence of neighbours."""
FEWEST_ROWS = 60
FEWEST_STRETCHES = 6
FEWEST_PART = 3
OFFSETS = 4
LONGER = 3.0
"""How much longer stretches are than Politis and White's, which serve the error of the variance and not coverage."""


@dataclass(frozen=True)
class Dependence:
    """Neighbours in time err alike.

    Args:
        p: of "the order of rows in time says nothing of their errors".
        correlation: of the errors of neighbours.
        length: rows in a stretch, beyond which errors hardly depend on each other.
    """

    p: float
    correlation: float
    length: int


@dataclass(frozen=True)
class Widening:
    """How much wider an interval is for dependence along time.

    Args:
        ratio: variance with stretches of time kept whole, over the variance without.
        freedom: degrees of freedom it was estimated with.
        length: rows in a stretch.
    """

    ratio: float
    freedom: float
    length: int

    def factor(self, level: float = LEVEL) -> float:
        """Return by how much half-widths grow: Student's quantile, because the ratio is an estimate; never below 1."""
        from scipy.special import stdtrit

        tail = (1 + level) / 2
        return max(1.0, math.sqrt(max(0.0, self.ratio)) * float(stdtrit(self.freedom, tail)) / NORMAL.inv_cdf(tail))

    def to_dict(self) -> dict[str, float]:
        return {"factor": self.factor(), "ratio": self.ratio, "freedom": self.freedom, "length": self.length}


def dependence(
    errors: np.ndarray, times: np.ndarray, blocks: np.ndarray, seed: int = 0, n_past: int = 0
) -> Dependence | None:
    """Return how errors depend on their neighbours in time, or None where they do not.

    Test: means of 2, 4, 8, … consecutive errors vary more than those of shuffled errors. The statistic is the largest ratio
    `L Var(mean of L) / Var(error)` over L, each standardised under the shuffles; p by permutation. Errors of one unit are
    taken together, so that a unit is no evidence by itself. From each eighth of the time its mean is taken off first.

    Args:
        n_past: so many rows, the earliest, were answered by other fits than the rest: levels are taken off on either side apart.

    Shape:
        errors, times, blocks: (rows,)

    Source: the variance-ratio test of Lo and MacKinlay (1988), by permutation.

    Examples:
        >>> rng = np.random.default_rng(0)
        >>> white, rows = rng.normal(size=500), np.arange(500)
        >>> dependence(white, rows, rows) is None
        True
        >>> walk = np.convolve(white, np.ones(10), "same")
        >>> dependence(walk, rows, rows).length > 10
        True
    """
    series, per_row = _series(errors, times, blocks)
    n = len(series)
    if n < FEWEST_ROWS:
        return None
    pieces = _pieces(n, round(n_past / per_row))
    level = series - series.mean()
    if n_past:
        level = np.concatenate([part - part.mean() for part in np.split(series, [round(n_past / per_row)])])
    series = np.concatenate([series[part] - series[part].mean() for part in pieces])
    if series.std() <= 1e-12 * max(1.0, float(np.abs(errors).max())):
        return None
    rng = generator(seed, "dependence")
    observed = _ratios(series[None])[0]
    # Shuffled whole and cut into the same pieces: taking means off makes ratios smaller than 1 here as well.
    shuffled = np.stack([rng.permutation(level) for _ in range(PERMUTATIONS)])
    for part in pieces:
        shuffled[:, part] -= shuffled[:, part].mean(axis=1, keepdims=True)
    drawn = _ratios(shuffled)
    centre, spread = drawn.mean(axis=0), drawn.std(axis=0) + 1e-12
    most = ((observed - centre) / spread).max()
    p = (1 + int((((drawn - centre) / spread).max(axis=1) >= most).sum())) / (PERMUTATIONS + 1)
    if p >= SURE:
        return None
    scale = 2 ** (1 + int(((observed - centre) / spread).argmax()))
    length = max(LONGER * politis_white(level), scale)
    correlation = float((level[1:] * level[:-1]).mean() / level.var())
    return Dependence(p, correlation, max(2, math.ceil(length * per_row)))


def _pieces(n: int, cut: int) -> list[np.ndarray]:
    """Return an eighth of the rows each, none over the cut."""
    rows, least = np.arange(n), n / PIECES
    sides = (rows[:cut], rows[cut:])
    return [piece for side in sides if len(side) for piece in np.array_split(side, max(1, round(len(side) / least)))]


def _series(errors: np.ndarray, times: np.ndarray, blocks: np.ndarray) -> tuple[np.ndarray, float]:
    """Return errors in time, one per unit, with rows per unit; where units span the time, rows less their unit's mean."""
    codes, n_units = numbered(blocks)
    order = np.argsort(times, kind="stable")
    if n_units == len(errors):
        return np.asarray(errors, dtype=np.float64)[order], 1.0
    place = np.empty(len(errors))
    place[order] = np.arange(len(errors))
    counts = np.bincount(codes)
    low, high = np.full(n_units, np.inf), np.full(n_units, -np.inf)
    np.minimum.at(low, codes, place)
    np.maximum.at(high, codes, place)
    if float(np.average(high - low, weights=counts)) > 0.25 * len(errors):
        means = np.bincount(codes, errors) / counts
        return (errors - means[codes])[order], 1.0
    centred = errors - errors.mean()
    return np.bincount(codes, centred)[np.argsort(low + high, kind="stable")], len(errors) / n_units


def _ratios(series: np.ndarray) -> np.ndarray:
    """Return (series, scales) variance ratios at 2, 4, 8, … rows, up to a sixteenth of them."""
    n = series.shape[1]
    sums = np.concatenate([np.zeros((len(series), 1)), series.cumsum(axis=1)], axis=1)
    total = (series**2).mean(axis=1)
    found = []
    for length in 2 ** np.arange(1, max(2, int(math.log2(n / 16)) + 1)):
        ends = sums[:, : n - n % length + 1 : length]
        found.append((np.diff(ends, axis=1) ** 2).mean(axis=1) / length / np.maximum(total, 1e-300))
    return np.stack(found, axis=1)


def politis_white(series: np.ndarray) -> float:
    """Return the block length that serves the variance of a mean best, for the circular block bootstrap.

    Formula: `(2 G² / D)^(1/3) n^(1/3)`, with `G = Σ λ(k/M) |k| R(k)`, `D = 4/3 (Σ λ(k/M) R(k))²`, a flat-top window λ, and M twice the
    lag after which five autocorrelations lie within `2 sqrt(log10 n / n)`.

    Source: Politis and White (2004), corrected by Patton, Politis and White (2009).

    Examples:
        >>> round(politis_white(np.random.default_rng(0).normal(size=1000)))
        1
    """
    n = len(series)
    centred = series - series.mean()
    run = max(5, math.ceil(math.sqrt(math.log10(n))))
    most = min(n // 3, math.ceil(math.sqrt(n)) * 4 + run)
    size = 2 ** math.ceil(math.log2(2 * n))
    spectrum = np.abs(np.fft.rfft(centred, size)) ** 2
    covariance = np.fft.irfft(spectrum, size)[: most + 1] / n
    if covariance[0] <= 0:
        return 1.0
    small = np.abs(covariance[1:] / covariance[0]) < 2 * math.sqrt(math.log10(n) / n)
    runs = np.convolve(small, np.ones(run), "valid") == run
    last = int(runs.argmax()) if runs.any() else most - run
    bandwidth = max(1, min(2 * max(1, last), most))
    lags = np.arange(1, bandwidth + 1)
    window = np.clip(2 * (1 - lags / bandwidth), 0, 1)
    tail = covariance[1 : bandwidth + 1]
    g, d = 2 * float((window * lags * tail).sum()), 4 / 3 * float(covariance[0] + 2 * (window * tail).sum()) ** 2
    return float(min(max(1.0, (2 * g**2 / max(d, 1e-300)) ** (1 / 3) * n ** (1 / 3)), n / 3))


def stretches(times: np.ndarray, length: int, offset: float = 0.0) -> np.ndarray:
    """Return the stretch of each row: as many consecutive rows each, round the end to the beginning.

    Args:
        length: rows in a stretch, about.
        offset: share of a stretch by which all begin later.

    Examples:
        >>> stretches(np.arange(6), 2).tolist(), stretches(np.arange(6), 2, 0.5).tolist()
        ([0, 0, 1, 1, 2, 2], [0, 1, 1, 2, 2, 0])
    """
    n = len(times)
    n_stretches = max(1, n // length)
    place = np.empty(n, dtype=np.int64)
    place[np.argsort(times, kind="stable")] = np.arange(n)
    return (place * n_stretches + int(offset * n)) // n % n_stretches


def widening(
    statistic: Statistic, times: np.ndarray, blocks: np.ndarray, length: int, seed: int = 0
) -> Widening | None:
    """Return by how much the variance of a statistic grows when stretches of time are kept whole.

    Formula: `(V(units) + V(stretches) - V(units within stretches)) / V(units)`, each V the jackknife's with these parts left
    out in turn; over four ways of cutting time into stretches.

    Returns:
        None where there are fewer than two stretches.

    Source: Cameron, Gelbach and Miller (2011), Robust inference with multiway clustering; Künsch (1989), The jackknife and
    the bootstrap for general stationary observations.
    """
    n_stretches = max(1, len(times) // length)
    if n_stretches < 2:
        return None
    codes, n_units = numbered(blocks)
    units = _variance(statistic, codes, seed)
    by_time, both = [], []
    for offset in range(OFFSETS):
        cut = stretches(times, length, offset / OFFSETS)
        by_time.append(_variance(statistic, cut, seed))
        both.append(units if n_units == len(codes) else _variance(statistic, codes * n_stretches + cut, seed))
    ratio = 1 + (float(np.nanmean(by_time)) - float(np.nanmean(both))) / units if units > 0 else math.nan
    if not math.isfinite(ratio):
        return None
    return Widening(ratio, 1.25 * (n_stretches - 1), length)  # overlapping cuts tell a little more than one


def widening_of(
    parts: Sequence[tuple[Statistic, np.ndarray, np.ndarray]], found: Dependence, seed: int = 0
) -> Widening | None:
    """Return by how much variances of a statistic grow, estimated over several parts of a study.

    Stretches are made as long as they are needed, and shorter where the parts hold fewer than six of them.

    Args:
        parts: (statistic, times, blocks) each.
    """
    n = sum(len(times) for _, times, _ in parts)
    length = max(2, min(found.length, n // FEWEST_STRETCHES))
    found_in = [widening(statistic, times, blocks, length, seed) for statistic, times, blocks in parts]
    if all(part is None for part in found_in):  # the past answered all rows alike, say
        statistic, times, blocks = parts[-1]
        return widening(statistic, times, blocks, max(2, min(length, len(times) // FEWEST_PART)), seed)
    return pooled(found_in)


def widened(value: float, interval: tuple[float, float], wider: Widening | None, *ends: float) -> tuple[float, float]:
    """Return an interval with its halves stretched, kept between `ends` where these are given."""
    if wider is None:
        return interval
    low, high = (value + wider.factor() * (end - value) for end in interval)
    return (max(low, min(ends)), min(high, max(ends))) if ends else (low, high)


def less_sure(p: float, factor: float) -> float:
    """Return a two-sided p-value whose standard error is `factor` times as large.

    Examples:
        >>> round(less_sure(0.05, 2.0), 2)
        0.33
    """
    if not math.isfinite(p) or p <= 0 or p >= 1:
        return p if p >= 1 or not math.isfinite(p) else 2 * NORMAL.cdf(-8.0 / factor)
    return 2 * NORMAL.cdf(NORMAL.inv_cdf(p / 2) / factor)


def pooled(found: Sequence[Widening | None]) -> Widening | None:
    """Return one widening of several parts of a study, each weighed by its degrees of freedom."""
    known = [part for part in found if part is not None]
    if not known:
        return None
    freedom = sum(part.freedom for part in known)
    return Widening(sum(part.ratio * part.freedom for part in known) / freedom, freedom, known[0].length)


def _variance(statistic: Statistic, blocks: np.ndarray, seed: int) -> float:
    """Return the jackknife's variance over blocks."""
    values = np.concatenate([statistic(chunk) for chunk in left_out_weights(blocks, seed=seed)])
    values = values[np.isfinite(values)]
    return (len(values) - 1) * float(values.var()) if len(values) > 1 else math.nan
