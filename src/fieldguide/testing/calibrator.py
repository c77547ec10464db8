"""The contract of a calibrator: probabilities in, probabilities out, a row at a time, and back from plain data.

Knows `core.contracts.Calibrator` only; how well a calibrator corrects is tested beside it.
"""

from __future__ import annotations

import json
from typing import Any

import numpy as np

from fieldguide.core.settings import with_values

FAMILIES = ("binary", "multiclass")


def overconfident(n_labels: int, n_rows: int = 400, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Return truth and probabilities whose log-odds are three times too large.

    Examples:
        >>> truth, p = overconfident(3)
        >>> p.shape, bool(np.allclose(p.sum(1), 1))
        ((400, 3), True)
    """
    rng = np.random.default_rng(seed)
    scores = rng.normal(size=(n_rows, n_labels))
    honest = np.exp(scores) / np.exp(scores).sum(1, keepdims=True)
    truth = (rng.random(n_rows)[:, None] > honest.cumsum(1)).sum(1).clip(max=n_labels - 1)
    sharp = np.exp(3 * scores)
    return truth.astype(np.int64), sharp / sharp.sum(1, keepdims=True)


def check_calibrator(calibrator: Any) -> None:
    """Assert that a calibrator keeps the contract, for every family it can correct.

    Raises:
        AssertionError: names the rule that does not hold.

    Examples:
        >>> from fieldguide import parts
        >>> check_calibrator(parts.find("calibrators", "temperature")())
    """
    settled = getattr(type(calibrator), "__dataclass_params__", None)
    assert settled is not None and settled.frozen, "a calibrator is a frozen dataclass"
    assert calibrator.families and set(calibrator.families) <= set(FAMILIES), f"families are among {FAMILIES}"
    for family in calibrator.families:
        truth, given = overconfident(2 if family == "binary" else 4)
        before = given.copy()
        fitted = calibrator.fit(truth, given)
        corrected = fitted.correct(given)
        assert np.array_equal(given, before), "fitting and correcting change no array"
        assert corrected.shape == given.shape and np.isfinite(corrected).all(), (
            "corrected probabilities are finite, shaped as before"
        )
        assert (corrected >= 0).all() and np.abs(corrected.sum(1) - 1).max() < 1e-9, "probabilities of a row sum to 1"
        losses = [-np.log(np.clip(p[np.arange(len(truth)), truth], 1e-15, 1)).mean() for p in (given, corrected)]
        assert losses[1] < losses[0], (
            f"what is overconfident is corrected: the log loss went from {losses[0]:.3f} to {losses[1]:.3f}"
        )
        alone = np.concatenate([fitted.correct(given[i : i + 1]) for i in range(8)])
        assert np.allclose(alone, corrected[:8], atol=1e-12), "rows do not depend on each other"
        told = json.loads(json.dumps(fitted.to_dict()))
        assert told["name"] == calibrator.name, "plain data names the calibrator"
        loaded = with_values(type(calibrator)(), told["settings"])
        assert np.allclose(loaded.correct(given), corrected, atol=1e-12), "a calibrator comes back from plain data"
        weights = np.where(np.arange(len(truth)) % 3 == 0, 0.0, 2.0)
        heard, alone = calibrator.fit(truth, given, weights), calibrator.fit(truth[weights > 0], given[weights > 0])
        assert np.allclose(heard.correct(given), alone.correct(given), atol=1e-6), "a row of weight 0 is not heard"
        certain = np.eye(given.shape[1])[truth]
        assert np.isfinite(fitted.correct(certain)).all(), "a probability of 0 or 1 has a corrected value"
