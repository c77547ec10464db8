"""Maturity of labels: from when on outcomes have not all arrived yet.

Knows times and outcomes, no table. What is done about immature rows is the caller's.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

FEWEST_ROWS = 400
FEWEST_POSITIVES = 60
N_PERIODS = 96
LONGEST = 0.4
"""The largest share of the time span that may be immature: beyond it, no plateau is left to compare with."""
MARGIN = 0.5
"""Log likelihood, after overdispersion, by which a delay must explain the fall better than any smooth drift or step."""
CLEAR = 8.0
"""The same, from which the end need not be the lowest point of all: a rate that grew was low before."""


@dataclass(frozen=True)
class Immature:
    """Rows whose outcomes have not all arrived.

    Args:
        from_time: microseconds since 1970; rows from here on miss more than 5 % of their positives.
        rate_before: share of positives before.
        rate_after: share of positives from then on.
        n: rows from then on.
        p: probability of so much better a fit than a constant by chance (chi-squared with 4 degrees of freedom: three
            parameters more, one to be careful).
    """

    from_time: int
    rate_before: float
    rate_after: float
    n: int
    p: float


def immature_from(times: np.ndarray, positive: np.ndarray) -> Immature | None:
    """Return from when on outcomes are still arriving, or None where drift, a season, a step or noise explain it as well.

    The rate of positives in about equally filled periods is fitted by rate(t) = sigmoid(a + b t) F(T - t): a trend times the
    share F of outcomes that have arrived at age T - t. F is 0 up to a lag, then 1 - exp(-(age - lag) / tau). It competes
    with curves that need no delay: constant, trend, square and cube of time, a trend with one wave of any period, a trend with
    a step anywhere. All are binomial likelihoods, divided by the overdispersion of the periods before. The delay wins when
    it is better than the best of them by `MARGIN`, when at the end less than half of the outcomes are there, and when the
    last rows have clearly fewer positives than any earlier stretch of as many rows.

    Args:
        times: time of each row [microseconds since 1970].
        positive: whether the outcome is positive.

    Shape:
        times: (rows,) int64
        positive: (rows,) bool

    Source: Lagakos, Barraj and De Gruttola (1988) for delays that are cut off by today; McCullagh and Nelder (1989), 4.5,
    for overdispersion.

    Examples:
        >>> rng = np.random.default_rng(0)
        >>> age = rng.uniform(0, 100, 5000)
        >>> happens = rng.random(5000) < 0.3
        >>> arrived = rng.exponential(5, 5000) < age
        >>> day = 86_400_000_000
        >>> found = immature_from(((100 - age) * day).astype(np.int64), happens & arrived)
        >>> 75 < found.from_time / day < 92
        True
        >>> immature_from(((100 - age) * day).astype(np.int64), happens) is None
        True
    """
    order = np.argsort(times, kind="stable")
    times, positive = np.asarray(times)[order], np.asarray(positive)[order].astype(bool)
    counts = _counted(times, positive)
    if counts is None:
        return None
    delay, lag, tau, arrived, rate = _best_delay(counts.place, counts.sizes, counts.hits)
    young = lag + 3 * tau  # 95 % have arrived
    start = int(times[0] + (1 - young) * float(times[-1] - times[0]))
    late = times >= start
    n_late = int(late.sum())
    if young > LONGEST or arrived[-1] > 0.5 or not 20 <= n_late <= LONGEST * len(times):
        return None
    before, after = float(positive[~late].mean()), float(positive[late].mean())
    gain = _gain(counts, delay, rate, arrived, young, positive) if after < before else None
    if gain is None:
        return None
    p = float(np.exp(-gain) * (1 + gain))  # the tail of chi-squared with 4 degrees of freedom
    return Immature(start, before, after, n_late, p)


@dataclass(frozen=True)
class _Counts:
    """Rows counted in periods of time.

    Shape:
        period: (rows,) period number of each row
        sizes, hits: (periods,) rows, and positive ones
        place: (periods,) mean time in [0, 1] of the span
    """

    period: np.ndarray
    sizes: np.ndarray
    hits: np.ndarray
    place: np.ndarray


def _counted(times: np.ndarray, positive: np.ndarray) -> _Counts | None:
    """Return rows in the order of time, counted in periods; None where there are too few for a curve."""
    n, total = len(times), int(positive.sum())
    if n < FEWEST_ROWS or total < FEWEST_POSITIVES or n - total < 20 or times[0] == times[-1]:
        return None
    period = _periods(times, min(N_PERIODS, total // 6, n // 25))
    sizes = np.bincount(period).astype(np.float64)
    if len(sizes) < 8:
        return None
    span = float(times[-1] - times[0])
    place = np.bincount(period, weights=(times - times[0]) / span) / sizes
    return _Counts(period, sizes, np.bincount(period, weights=positive), place)


def _gain(
    counts: _Counts, delay: float, rate: np.ndarray, arrived: np.ndarray, young: float, positive: np.ndarray
) -> float | None:
    """Return the log likelihood that a delay gains over a constant, after overdispersion; None where it does not win.

    Args:
        delay: log likelihood of the best delay; `rate` and `arrived` are its curves, `young` the age by which 95 % are there.
    """
    place, sizes, hits = counts.place, counts.sizes, counts.hits
    best, fitted = _best_smooth(place, sizes, hits)
    scale = _overdispersion(sizes, hits, fitted)
    better = (delay - best) / scale
    expected = (sizes * rate / arrived)[place >= 1 - young]
    missing = (sizes * rate * (1 / arrived - 1))[place >= 1 - young]
    if better < MARGIN or missing.sum() < max(10.0, 0.2 * expected.sum()):
        return None
    if better < CLEAR and not _lowest(positive, arrived, counts.period):
        return None
    constant = _likelihood(hits, sizes, np.full(len(sizes), positive.mean()))
    return max(0.0, float(delay - constant) / scale)


def _periods(times: np.ndarray, most: int) -> np.ndarray:
    """Return period numbers of sorted times: about equally many rows each, equal times together."""
    n = len(times)
    starts = np.searchsorted(times, times[(np.arange(1, most) * n) // most], side="left")
    return np.searchsorted(np.unique(starts[starts > 0]), np.arange(n), side="right")


def _likelihood(hits: np.ndarray, sizes: np.ndarray, rate: np.ndarray) -> np.ndarray:
    rate = np.clip(rate, 1e-7, 1 - 1e-7)
    return np.asarray((hits * np.log(rate) + (sizes - hits) * np.log1p(-rate)).sum(axis=-1))


def _fit(design: np.ndarray, arrived: np.ndarray, sizes: np.ndarray, hits: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Fit rate = sigmoid(design @ w) * arrived for many designs at once by Fisher scoring with halved steps.

    Shape:
        design: (models, periods, d)
        arrived: (models, periods)
        returns: log likelihood (models,), rates (models, periods)
    """
    models, _, d = design.shape
    w = np.zeros((models, d))
    share = np.clip(hits.sum() / np.maximum((sizes * arrived).sum(axis=1), 1e-9), 1e-4, 1 - 1e-4)
    w[:, 0] = np.log(share / (1 - share))

    def rates(w: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        full = 1 / (1 + np.exp(-np.clip(np.einsum("mpd,md->mp", design, w), -30, 30)))
        return full, np.clip(full * arrived, 1e-7, 1 - 1e-7)

    full, rate = rates(w)
    best = _likelihood(hits, sizes, rate)
    for _ in range(12):
        slope = full * (1 - full) * arrived  # d rate / d linear
        gradient = np.einsum("mpd,mp->md", design, (hits - sizes * rate) / (rate * (1 - rate)) * slope)
        weight = sizes * slope**2 / (rate * (1 - rate))
        information = np.einsum("mpd,mp,mpe->mde", design, weight, design) + 1e-6 * np.eye(d)
        step = np.linalg.solve(information, gradient[..., None])[..., 0]
        for _ in range(4):
            _, new_rate = rates(w + step)
            new = _likelihood(hits, sizes, new_rate)
            worse = new < best - 1e-9
            if not worse.any():
                break
            step[worse] /= 2
        w = np.where((new >= best)[:, None], w + step, w)
        full, rate = rates(w)
        moved = float(np.max(np.maximum(new, best) - best))
        best = np.maximum(new, best)
        if moved < 1e-6:
            break
    return best, rate


def _best_delay(
    place: np.ndarray, sizes: np.ndarray, hits: np.ndarray
) -> tuple[float, float, float, np.ndarray, np.ndarray]:
    """Return (log likelihood, lag, tau, arrived share per period, rate per period) of the best delay."""
    lags = np.array(
        [0, 0.01, 0.02, 0.03, 0.04, 0.05, 0.06, 0.07, 0.08, 0.09, 0.1, 0.12, 0.14, 0.16, 0.18, 0.2, 0.22, 0.25]
    )
    taus = np.array([0.004, 0.008, 0.014, 0.02, 0.03, 0.04, 0.055, 0.075, 0.1, 0.13])
    lag, tau = (grid.ravel() for grid in np.meshgrid(lags, taus, indexing="ij"))
    age = 1 - place
    arrived = 1 - np.exp(-np.maximum(0.0, age[None] - lag[:, None]) / tau[:, None])
    arrived = 0.01 + 0.99 * arrived  # a few come at once, and a period may lie across the lag
    design = np.broadcast_to(np.stack([np.ones_like(place), place - 0.5], axis=1), (len(lag), len(place), 2))
    found, rates = _fit(design, arrived, sizes, hits)
    i = int(found.argmax())
    return float(found[i]), float(lag[i]), float(tau[i]), arrived[i], rates[i]


def _best_smooth(place: np.ndarray, sizes: np.ndarray, hits: np.ndarray) -> tuple[float, np.ndarray]:
    """Return (log likelihood, rates) of the best curve that needs no delay."""
    one, t = np.ones_like(place), place - 0.5
    zero = np.zeros_like(place)
    designs = [np.stack([one, t, t**2, t**3], axis=1)]
    for cycles in (*np.arange(0.5, 4, 0.25), *np.arange(4, 13, 0.5)):
        angle = 2 * np.pi * cycles * place
        designs.append(np.stack([one, t, np.sin(angle), np.cos(angle)], axis=1))
    for cut in range(2, len(place) - 1):  # a step to a rate of its own, anywhere
        after = np.where(np.arange(len(place)) >= cut, 1.0, 0.0)
        if hits[cut:].sum() > 0.15 * sizes[cut:].sum() * hits[:cut].sum() / sizes[:cut].sum():
            designs.append(np.stack([one, t, after, zero], axis=1))
    found, rates = _fit(np.stack(designs), np.ones((len(designs), len(place))), sizes, hits)
    i = int(found.argmax())
    return float(found[i]), rates[i]


def _overdispersion(sizes: np.ndarray, hits: np.ndarray, rate: np.ndarray) -> float:
    """Return Pearson's chi-squared per degree of freedom over the first 60 % of the periods, at least 1."""
    early = np.arange(len(sizes)) < 0.6 * len(sizes)
    squares = (hits - sizes * rate) ** 2 / (sizes * rate * (1 - rate))
    return float(max(1.0, squares[early].sum() / max(1.0, early.sum() - 4.0)))


def _lowest(positive: np.ndarray, arrived: np.ndarray, period: np.ndarray) -> bool:
    """Return whether the rows of the youngest periods have fewer positives than any earlier stretch of as many rows.

    "Fewer" is two standard errors: a season whose low point happens to lie at the end has been as low before.
    """
    young = arrived[period] < 0.8
    m = int(young.sum())
    if m < 20 or len(positive) < 3 * m:
        return False
    sums = np.concatenate([[0], np.cumsum(positive)])
    stretches = (sums[m:] - sums[:-m])[: len(positive) - 2 * m]
    last, least = float(sums[-1] - sums[-1 - m]), float(stretches.min())
    return bool(last + 2 * np.sqrt(last + 1) < least)
