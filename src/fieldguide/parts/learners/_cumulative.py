"""The cumulative logit: one score of a row, and falling cuts that turn it into the log-odds of lying above each level.

Knows scores, codes and cuts as arrays; how a score comes about (coefficients, trees) is the learners'. The cuts are a first one
and the gaps between neighbours: in these the loss is convex, together with whatever the score is linear in.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

LEAST_GAP = 1e-6  # between neighbouring cuts: the loss rises beyond all bounds towards 0
HALF = 0.5
"""What a level that no row has weighs, in rows of the average score: its cuts would fall together, or never end."""


@dataclass(frozen=True)
class Slopes:
    """The loss of each row, and its derivatives.

    Shape:
        loss, score, curvature: (rows,) by the score: first and second derivative
        cuts: (1 + gaps,) summed over rows, by the first cut and the gaps
    """

    loss: np.ndarray
    score: np.ndarray
    curvature: np.ndarray
    cuts: np.ndarray


def cuts_of(parts: np.ndarray) -> np.ndarray:
    """Return the cuts from the first one and the gaps between neighbours; any of them may be one level's, so they fall.

    Examples:
        >>> cuts_of(np.array([1.0, 0.5, 2.0])).tolist()
        [1.0, 0.5, -1.5]
    """
    return np.asarray(parts[0] - np.concatenate([[0.0], np.cumsum(parts[1:])]))


def probabilities(scores: np.ndarray) -> np.ndarray:
    """Return the probability of each level from the log-odds of lying above each but the last.

    Shape:
        scores: (rows, n_levels - 1) float64, falling along a row
        returns: (rows, n_levels) float64, not negative, rows sum to 1

    Examples:
        >>> probabilities(np.array([[0.0, -np.log(2)]])).round(3).tolist()
        [[0.5, 0.167, 0.333]]
    """
    above = np.ones((len(scores), scores.shape[1] + 2))
    above[:, 1:-1], above[:, -1] = _sigmoid(scores), 0.0
    return np.asarray(np.maximum(above[:, :-1] - above[:, 1:], 0.0))


def slopes(scores: np.ndarray, codes: np.ndarray, parts: np.ndarray, weights: np.ndarray | None = None) -> Slopes:
    """Return the loss of each row, -log P(its level), and its derivatives.

    Formula: with c[k] the cuts, a = s + c[y - 1] and b = s + c[y]: -log σ(a) - log σ(-b) - log(1 - exp(b - a)), where the first
    is 0 for the lowest level, the second for the highest and the third for both.

    Shape:
        scores, weights: (rows,) float64; weights act on the slopes by the cuts alone
        codes: (rows,) int64, 0 for the lowest level
        parts: (n_levels - 1,) the first cut and the gaps, which are above 0
    """
    n_cuts, cuts = len(parts), cuts_of(parts)
    below, above = np.maximum(codes - 1, 0), np.minimum(codes, n_cuts - 1)
    lower, upper = codes > 0, codes < n_cuts
    a, b = scores + cuts[below], scores + cuts[above]
    missed = np.where(lower, _sigmoid(-a), 0.0)  # 1 - P(above the level below)
    passed = np.where(upper, _sigmoid(b), 0.0)  # P(above the level)
    between = np.concatenate([[0.0], -np.log(-np.expm1(-parts[1:])), [0.0]])
    loss = np.where(lower, np.logaddexp(0.0, -a), 0.0) + np.where(upper, np.logaddexp(0.0, b), 0.0) + between[codes]
    weights = np.ones(len(scores)) if weights is None else weights
    by_cut = np.bincount(above, weights * passed, n_cuts) - np.bincount(below, weights * missed, n_cuts)
    inside = np.bincount(codes, weights, n_cuts + 1)[1:-1]
    by_gap = -np.cumsum(by_cut[::-1])[::-1][1:] - inside / np.expm1(parts[1:])
    curvature = missed * (1.0 - missed) * lower + passed * (1.0 - passed) * upper
    return Slopes(loss, passed - missed, curvature, np.concatenate([[by_cut.sum()], by_gap]))


def first_parts(codes: np.ndarray, weights: np.ndarray, n_levels: int) -> np.ndarray:
    """Return the cuts at which every score is 0: the log-odds of the smoothed shares, as the first of them and the gaps."""
    counts = np.bincount(codes, weights, n_levels) * (len(codes) / weights.sum())
    above = (np.cumsum(counts[::-1])[::-1][1:] + HALF) / (counts.sum() + 2 * HALF)
    cuts = np.log(above) - np.log1p(-above)
    return np.concatenate([cuts[:1], np.maximum(-np.diff(cuts), 1e-3)])


def absent(codes: np.ndarray, n_levels: int) -> np.ndarray:
    """Return the levels that no row has."""
    return np.flatnonzero(np.bincount(codes, minlength=n_levels) == 0)


def fitted_parts(
    scores: np.ndarray, codes: np.ndarray, weights: np.ndarray, parts: np.ndarray, n_steps: int = 100
) -> np.ndarray:
    """Return the first cut and the gaps that are the likeliest at given scores, from `parts` on; L-BFGS within bounds.

    A level that no row has counts as half a row with the score 0.
    """
    from scipy.optimize import minimize

    none = absent(codes, len(parts) + 1)
    scores, codes = np.concatenate([scores, np.zeros(len(none))]), np.concatenate([codes, none])
    weights = np.concatenate([weights, np.full(len(none), HALF * weights.mean())])
    total = weights.sum()

    def objective(tried: np.ndarray) -> tuple[float, np.ndarray]:
        found = slopes(scores, codes, tried, weights)
        return float(found.loss @ weights / total), found.cuts / total

    bounds = [(None, None), *((LEAST_GAP, None) for _ in parts[1:])]
    options: Mapping[str, Any] = {"maxiter": n_steps, "ftol": 1e-10, "gtol": 1e-7}
    found = minimize(objective, parts, jac=True, method="L-BFGS-B", bounds=bounds, options=options)
    return np.asarray(found.x)


def _sigmoid(x: np.ndarray) -> np.ndarray:
    small = np.exp(-np.abs(x))
    return np.asarray(np.where(x >= 0, 1.0, small) / (1.0 + small))
