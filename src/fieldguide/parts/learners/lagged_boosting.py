"""Boosting on lags and calendar: one model of all steps of the horizon, the step being a feature.

Knows how an example and a step become a row of numbers, on the window's own scale, and how rounds are grown and stopped; trees are
`_lightgbm`'s.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, ClassVar, Literal

import numpy as np

from fieldguide.core.batch import Batch, Encoded
from fieldguide.core.contracts import Effort, Predictions
from fieldguide.core.series.panel import KNOWN, OBSERVED
from fieldguide.core.settings import Choice, Range, setting
from fieldguide.parts.learners import _lightgbm
from fieldguide.parts.learners._history import dense, deviation, history, horizon_of, length_of, slices

TREES = "trees.txt"
RECENT = 6
"""Newest steps that are features by themselves."""
PHASES = 3
"""Earlier steps of the target's own place in the season."""
CHECKED = 10
"""Rounds between looks at the stopping rows."""


@dataclass(frozen=True)
class LaggedBooster:
    """What a fitted model must know to make rows of examples.

    Args:
        season: steps of a season.
        window: steps of the past that are looked at.
        horizon: steps that are forecast.
    """

    season: int
    window: int
    horizon: int


@dataclass(frozen=True)
class LaggedBoosting:
    """Gradient boosting of (target - last value) / deviation on lags, means, the season, the calendar, what is known and static columns.

    A row is an example and a step, so that the horizon may be long; of more than `most_rows` a random share is learned from.

    Source:
        one global model of many series on lag features: the M5 competition's winners (Makridakis et al. 2022); LightGBM: Ke et al. 2017.

    Examples:
        >>> LaggedBoosting(season=24).kind
        'boosting'
    """

    name: ClassVar[str] = "lagged_boosting"
    kind: ClassVar[Literal["boosting"]] = "boosting"
    stops_early: ClassVar[bool] = True
    steps_scale: ClassVar[bool] = False
    in_memory: ClassVar[int | None] = None
    forecasts: ClassVar[bool] = True
    recipe: ClassVar[Mapping[str, Any]] = {"scaling": "none"}

    season: int = setting(1, "steps of a season [steps]; a study takes it from problem.season")
    window: int = setting(
        336, "steps of the past that are looked at [steps]", capacity=1, space=Choice((96, 192, 336, 512))
    )
    learning_rate: float = setting(0.06, "share of each tree that is added", space=Range(0.02, 0.2, log=True))
    num_leaves: int = setting(31, "leaves of a tree", capacity=1, space=Range(7, 127, log=True, integer=True))
    min_rows: int = setting(
        100, "rows of a leaf at least [rows]", capacity=-1, space=Range(20, 400, log=True, integer=True)
    )
    columns: float = setting(0.7, "share of the columns a tree may use", capacity=-1, space=Range(0.4, 1.0))
    l2: float = setting(1.0, "penalty on leaf values", capacity=-1, space=Range(0.01, 30.0, log=True))
    n_rounds: int = setting(600, "most rounds", capacity=1)
    patience: int = setting(40, "rounds without a better stopping loss until it ends")
    most_rows: int = setting(300_000, "rows (an example and a step each) that are learned from [rows]", capacity=1)

    def fit(self, train: Encoded, stop: Encoded | None, outputs: tuple[Any, ...], effort: Effort) -> Boosted:
        """Grow rounds until the stopping rows, the clock or the count end it; a refit makes `effort.n_steps` rounds."""
        shape = LaggedBooster(max(1, self.season), min(self.window, length_of(train.batch)), horizon_of(train))
        rng = np.random.default_rng(effort.seed)
        x, y, weights = drawn(train, shape, self.most_rows, rng)
        settings = _lightgbm.parameters({
            "objective": "regression", "metric": "l2", "learning_rate": self.learning_rate, "num_leaves": self.num_leaves, "min_data_in_leaf": max(2, min(self.min_rows, len(x) // 40)),
            "feature_fraction": self.columns, "lambda_l2": self.l2, "num_threads": effort.threads, "seed": effort.seed % 2**31, "deterministic": True,
            "force_row_wise": True, "verbosity": -1, "max_bin": 255, "feature_pre_filter": False, "is_provide_training_metric": True,
        })  # fmt: skip
        data = _lightgbm.Dataset(x, y, weights, settings)
        held = None
        if stop is not None and len(stop) and effort.n_steps is None:
            held = _lightgbm.Dataset(*drawn(stop, shape, self.most_rows // 4, rng), settings, like=data)
        training = _lightgbm.Training(data, held, settings)
        best, best_round, stopped, history = np.inf, 0, "steps", []
        n_rounds = effort.n_steps or self.n_rounds
        made = 0
        for made in range(1, n_rounds + 1):
            if not training.grow():
                break
            if made % CHECKED == 0 or made == n_rounds:
                point = {
                    "step": made,
                    "train": training.loss(False),
                    "validation": None if held is None else training.loss(True),
                }
                history.append(point)
                if effort.watch is not None:
                    effort.watch(point)
                if held is not None and point["validation"] is not None and point["validation"] < best:
                    best, best_round = point["validation"], made
                if held is not None and made - best_round >= self.patience:
                    stopped = "early"
                    break
            if effort.clock.over:
                stopped = "clock"
                break
        kept = best_round if held is not None and best_round else max(made, 1)
        trees = _lightgbm.Trees(training.text(kept), x.shape[1])
        return Boosted(trees, shape, kept, stopped, history)

    def load(self, folder: Path, data: Mapping[str, Any]) -> Boosted:
        trees = _lightgbm.Trees((folder / TREES).read_text(encoding="utf-8"), int(data["n_features"]))
        shape = LaggedBooster(int(data["season"]), int(data["window"]), int(data["horizon"]))
        return Boosted(trees, shape, data["n_steps"], data["stopped"], list(data["history"]))


@dataclass
class Boosted:
    """Trees over rows of (example, step)."""

    trees: _lightgbm.Trees
    shape: LaggedBooster
    n_steps: int | None
    stopped: str
    history: list[dict[str, Any]] = field(default_factory=list)

    def predict(self, batch: Batch) -> Predictions:
        """Return the forecast.

        Shape:
            returns[0]: (rows, horizon) float64
        """
        out = np.empty((len(batch), self.shape.horizon))
        size = max(1, 200_000 // self.shape.horizon)
        for rows in slices(len(batch), size):
            part = batch.take(rows)
            past = history(part, self.shape.window)
            every = np.repeat(np.arange(len(part)), self.shape.horizon)
            steps = np.tile(np.arange(self.shape.horizon), len(part))
            scores = self.trees.scores(features(part, past, every, steps, self.shape))[:, 0]
            out[rows] = past[:, -1:] + deviation(past)[:, None] * scores.reshape(len(part), -1)
        return (out,)

    def save(self, folder: Path, draft: bool = False) -> dict[str, Any]:
        (folder / TREES).write_text(self.trees.text, encoding="utf-8")
        shape = {"season": self.shape.season, "window": self.shape.window, "horizon": self.shape.horizon}
        return {
            **shape,
            "n_features": self.trees.n_features,
            "n_steps": self.n_steps,
            "stopped": self.stopped,
            "history": self.history,
        }


def drawn(
    rows: Encoded, shape: LaggedBooster, most: int, rng: np.random.Generator
) -> tuple[np.ndarray, np.ndarray, np.ndarray | None]:
    """Return rows of examples and steps to learn from: all of them, or a random share; made slice by slice."""
    share = min(1.0, most / max(1, len(rows) * shape.horizon))
    xs, ys, ws = [], [], []
    for part in slices(len(rows)):
        piece = rows.take(part)
        taken = rng.random((len(piece), shape.horizon)) < share
        if len(rows) * shape.horizon <= 20:
            taken[:] = True
        examples, steps = np.nonzero(taken)
        if not len(examples):
            continue
        past = history(piece.batch, shape.window)
        scale = deviation(past)
        xs.append(features(piece.batch, past, examples, steps, shape))
        ys.append((dense(piece.targets[0])[examples, steps] - past[examples, -1]) / scale[examples])
        if rows.weights is not None:
            ws.append(np.asarray(piece.weights)[examples])
    return np.concatenate(xs), np.concatenate(ys), np.concatenate(ws) if ws else None


def features(
    batch: Batch, past: np.ndarray, examples: np.ndarray, steps: np.ndarray, shape: LaggedBooster
) -> np.ndarray:
    """Return (rows, features) float32 of examples and steps: the step, lags, means, what is known then, and what does not change.

    Shape:
        past: (batch rows, window); examples, steps: (rows,)
    """
    n, season = past.shape[1], min(shape.season, past.shape[1])
    last, scale = past[:, -1:], deviation(past)[:, None]
    own = (past - last) / scale
    spans = sorted({min(season, n), min(7 * season, n), n})
    summary = [own[:, -span:].mean(1) for span in spans] + [own[:, :season].mean(1), own.min(1), own.max(1)]
    recent = [own[:, -1 - k] if k < n else np.zeros(len(own)) for k in range(1, RECENT + 1)]
    fixed = np.stack([*summary, *recent], axis=1)[examples]
    cycles = steps // season + 1
    lags = []
    for back in range(PHASES):
        place = n + steps - (cycles + back) * season
        lags.append(np.where(place >= 0, own[examples, np.maximum(place, 0)], np.nan))
    parts = [
        steps[:, None].astype(np.float64),
        fixed,
        np.stack(lags, axis=1),
        np.log(scale[examples] / (np.abs(last[examples]) + scale[examples])),
    ]
    if KNOWN in batch.arrays:
        known = batch.arrays[KNOWN].load()
        parts.append(known[examples, known.shape[1] - shape.horizon + steps])
    if OBSERVED in batch.arrays:
        seen = batch.arrays[OBSERVED].load()[:, -n:]
        spread = seen.std(1, keepdims=True)
        apart = (seen - seen.mean(1, keepdims=True)) / np.where(spread > 0, spread, 1.0)
        newest = [values[:, -2 * RECENT :].reshape(len(seen), -1) for values in (seen, apart)]
        parts += [values[examples] for values in newest]
    parts += [batch.numbers[examples], batch.codes[examples]]
    return np.concatenate(parts, axis=1).astype(np.float32)
