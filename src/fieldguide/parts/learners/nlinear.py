"""The linear forecast in closed form: every step of the horizon is a weighted sum of the window, less its last value.

Knows Gram matrices, summed slice by slice, so that windows are never all in memory; and how much to shrink, which stopping rows
say.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, ClassVar

import numpy as np

from fieldguide.core.batch import Batch, Encoded
from fieldguide.core.contracts import Effort, Predictions
from fieldguide.core.settings import Choice, setting
from fieldguide.parts.learners._history import dense, deviation, history, horizon_of, length_of, slices
from fieldguide.parts.learners._simple import SimpleForecast, answered

PENALTIES = tuple(10.0 ** (power / 2) for power in range(-10, 7))
"""Ridge penalties tried, in mean squares of the inputs, the most flexible first; a step count is a place in this list."""
WEIGHTS = "linear.safetensors"


@dataclass(frozen=True)
class NLinear(SimpleForecast):
    """Ridge regression of (target - last value) on (window - last value), one set of weights for all series.

    One column more is the deviation of the window, which takes the place of an intercept: so a forecast follows its series when it is
    shifted or stretched. The penalty is chosen on the latest training rows, and the weights are then solved for on all of them.

    Source:
        Zeng et al. (2023), Are Transformers Effective for Time Series Forecasting? (NLinear, there by gradient steps).

    Examples:
        >>> NLinear().kind
        'simple'
    """

    name: ClassVar[str] = "nlinear"
    stops_early: ClassVar[bool] = True

    presets: ClassVar[Mapping[str, Mapping[str, Any]]] = {
        "two thirds of the window": {"part": 2 / 3}, "a third of the window": {"part": 1 / 3}, "a sixth of the window": {"part": 1 / 6}
    }  # fmt: skip

    part: float = setting(
        1.0,
        "share of the window that is looked at, the newest steps",
        capacity=1,
        space=Choice((1 / 6, 1 / 3, 2 / 3, 1.0)),
    )

    def fit(self, train: Encoded, stop: Encoded | None, outputs: tuple[Any, ...], effort: Effort) -> Linear:
        """Sum the Gram matrices, choose the penalty on `stop` (a refit is told its place), solve."""
        length = length_of(train.batch)
        window = min(length, max(1, round(self.part * length)))
        sums, whole = gram(train, window, effort)
        place, tried = (effort.n_steps or 8) - 1, []
        if stop is not None and len(stop) and effort.n_steps is None:
            held, held_whole = gram(stop, window, effort)
            whole &= held_whole
            losses = [_loss(held, weights) for weights in _solved(sums, PENALTIES)]
            place = int(np.argmin(losses))
            fitted = [_loss(sums, weights) for weights in _solved(sums, PENALTIES)]
            tried = [
                {"step": i + 1, "train": a, "validation": b}
                for i, (a, b) in enumerate(zip(fitted, losses, strict=True))
            ]
            sums = tuple(a + b for a, b in zip(sums, held, strict=True))
        place = min(max(place, 0), len(PENALTIES) - 1)
        for point in tried:
            if effort.watch is not None:
                effort.watch(point)
        weights = next(_solved(sums, PENALTIES[place : place + 1]))
        stopped = "early" if tried else "steps"
        return Linear(weights, window, place + 1, stopped if whole else "clock", tried)

    def load(self, folder: Path, data: Mapping[str, Any]) -> Linear:
        from safetensors.numpy import load_file

        weights = np.asarray(load_file(folder / WEIGHTS)["weights"], np.float64)
        return Linear(weights, int(data["window"]), data["n_steps"], data["stopped"], list(data["history"]))


@dataclass(frozen=True)
class Linear:
    """Weights of every step of the horizon.

    Shape:
        weights: (window + 1, horizon) float64; the last row is the deviation's
    """

    weights: np.ndarray
    window: int
    n_steps: int | None = None
    stopped: str = ""
    history: list[dict[str, Any]] = field(default_factory=list)

    def predict(self, batch: Batch) -> Predictions:
        """Return the forecast.

        Shape:
            returns[0]: (rows, horizon) float64
        """
        horizon = self.weights.shape[1]
        return answered(batch, self.window, horizon, lambda past: inputs(past) @ self.weights + past[:, -1:])

    def save(self, folder: Path, draft: bool = False) -> dict[str, Any]:
        from safetensors.numpy import save_file

        save_file({"weights": np.ascontiguousarray(self.weights)}, folder / WEIGHTS)
        return {"window": self.window, "n_steps": self.n_steps, "stopped": self.stopped, "history": self.history}


Sums = tuple[np.ndarray, ...]


def inputs(past: np.ndarray) -> np.ndarray:
    """Return windows less their last value, with their deviation beside: (rows, window + 1)."""
    return np.concatenate([past - past[:, -1:], deviation(past)[:, None]], axis=1)


def gram(rows: Encoded, window: int, effort: Effort) -> tuple[Sums, bool]:
    """Return (XᵀX, XᵀY, sum of squares of Y, total weight), summed slice by slice, and whether the clock let all rows be summed.

    Shape:
        returns[0]: (window + 1, window + 1), (window + 1, horizon), (), ()
    """
    d, horizon = window + 1, horizon_of(rows)
    xx, xy, yy, total = np.zeros((d, d)), np.zeros((d, horizon)), np.zeros(()), np.zeros(())
    for part in slices(len(rows)):
        if part.start and effort.clock.over:
            return (xx, xy, yy, total), False
        piece = rows.take(part)
        past = history(piece.batch, window)
        x, y = inputs(past), dense(piece.targets[0]) - past[:, -1:]
        w = np.ones(len(x)) if piece.weights is None else np.asarray(piece.weights, np.float64)
        xx += x.T @ (x * w[:, None])
        xy += x.T @ (y * w[:, None])
        yy += float(w @ (y**2).sum(axis=1))
        total += w.sum()
    return (xx, xy, yy, total), True


def _solved(sums: Sums, penalties: Sequence[float]) -> Any:
    """Yield weights for each penalty, from one decomposition."""
    xx, xy, _, _ = sums
    values, vectors = np.linalg.eigh(xx)
    size, turned = float(np.trace(xx)) / len(xx) or 1.0, vectors.T @ xy
    floor = 1e-12 * max(float(values.max(initial=0.0)), 1e-300)
    for penalty in penalties:
        yield vectors @ (turned / (np.maximum(values, floor) + penalty * size)[:, None])


def _loss(sums: Sums, weights: np.ndarray) -> float:
    """Return the mean squared error of weights, from the sums alone."""
    xx, xy, yy, total = sums
    squares = float(yy) - 2 * float((weights * xy).sum()) + float((weights * (xx @ weights)).sum())
    return max(0.0, squares) / max(float(total) * weights.shape[1], 1e-12)
