"""Resolution: the smallest difference of a metric that so many rows can tell from chance, before any model is fitted.

Knows targets as arrays, and what a model that knows half of what there is to know would answer; scores are `core.score`'s.
"""

from __future__ import annotations

import math

import numpy as np

from fieldguide.core.contracts import Metric
from fieldguide.core.problem import Output
from fieldguide.core.score import weights_for
from fieldguide.core.seeds import generator
from fieldguide.core.statistics.bootstrap import LEVEL, NORMAL, left_out_weights
from fieldguide.core.statistics.threshold import best_threshold

ALIKE = 0.9  # correlation of two candidates' influence, row by row: see `smallest_difference`
SIGNAL = 1.2  # standard deviations between labels in `half_informed`


def smallest_difference(
    metric: Metric,
    output: Output,
    truth: np.ndarray,
    blocks: np.ndarray,
    seed: int = 0,
    prediction: np.ndarray | None = None,
    alike: float = ALIKE,
    level: float = LEVEL,
    weights: np.ndarray | None = None,
) -> float:
    """Return the smallest paired difference these rows can tell from none, before there is anything to compare.

    Formula: `z × standard error × sqrt(2 (1 - alike))`, the half-width of the paired interval of two candidates as good
    as `prediction` whose rows' influences correlate by `alike`. The standard error is the jackknife's, over blocks.

    Args:
        output: the output judged; says labels and scale.
        prediction: what the metric reads; None: a half-informed guess is drawn (see `half_informed`).
        alike: 0.9 for candidates that learn the same signal (boosting against a network); 0.5 for very different ones.

    Returns:
        half-width in units of the metric; NaN where fewer than two blocks can be judged.
    """
    if prediction is None:
        prediction = half_informed(metric, output, truth, seed)
    chunks, weights = left_out_weights(blocks, seed=seed), weights_for(metric, weights)
    left = (chunk if weights is None else chunk * weights for chunk in chunks)
    values = np.concatenate([metric.resample(truth, prediction, chunk) for chunk in left])
    values = values[np.isfinite(values)]
    if len(values) < 2:
        return math.nan
    error = math.sqrt((len(values) - 1) * float(values.var()))
    return NORMAL.inv_cdf((1 + level) / 2) * error * math.sqrt(2 * (1 - alike))


def half_informed(metric: Metric, output: Output, truth: np.ndarray, seed: int = 0) -> np.ndarray:
    """Return a prediction such as a fair model might make, drawn from the truth: half of a value's variance explained.

    Classes: calibrated probabilities from one noisy signal per label, 1.2 standard deviations higher for the true one
    (a ROC AUC of 0.88 with two labels). For planning only: it is drawn from the truth.
    """
    rng = generator(seed, "half informed")
    if output.joint:
        return _half_informed_columns(metric, output, np.asarray(truth, dtype=np.float64), rng)
    if output.family == "values":
        fitted = np.asarray(output.to_fit(output.plain(np.asarray(truth, dtype=np.float64))))
        centre, spread = float(fitted.mean()), float(fitted.std())
        guess = centre + 0.5 * (fitted - centre) + 0.5 * spread * rng.standard_normal(len(fitted))
        if output.task.activation == "exp":  # a rate, as a price, is above 0
            guess = np.maximum(guess, 0.1 * centre)
        return np.asarray(output.from_fit(guess))
    codes, n_labels = np.asarray(truth).astype(np.int64), max(2, len(output.labels))
    signal = rng.standard_normal((len(codes), n_labels))
    signal[np.arange(len(codes)), codes] += SIGNAL
    shares = np.bincount(codes, minlength=n_labels) / len(codes)
    likely = shares * np.exp(SIGNAL * (signal - signal.max(1, keepdims=True)))
    probability = likely / likely.sum(1, keepdims=True)
    if metric.reads != "decision":
        return np.asarray(probability)
    if n_labels == 2:
        return (probability[:, 1] >= best_threshold(codes, probability[:, 1], metric).threshold).astype(np.int64)
    return np.asarray(probability.argmax(1))


def _half_informed_columns(
    metric: Metric, output: Output, truth: np.ndarray, rng: np.random.Generator
) -> np.ndarray:  # fmt: skip
    """The same for a matrix of labels or entries, column by column."""
    noise = rng.standard_normal(truth.shape)
    if output.family == "vector":
        centre, spread = truth.mean(0), truth.std(0)
        return np.asarray(centre + 0.5 * (truth - centre) + 0.5 * spread * noise)
    share = np.clip(truth.mean(0), 1e-6, 1 - 1e-6)
    odds = np.log(share / (1 - share)) + SIGNAL * (SIGNAL * (truth - 0.5) + noise)
    probability = 1 / (1 + np.exp(-odds))
    return (probability >= 0.5).astype(np.int64) if metric.reads == "decision" else np.asarray(probability)
