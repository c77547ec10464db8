"""A random forest by LightGBM: deep trees on drawn rows, beside each other, and their mean.

Knows how its trees are drawn and when the clock ends them; nothing of columns, metrics or judging. One forest per number, label or
entry; label sets and vectors are `_columns`'.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, ClassVar, Literal

import numpy as np

from fieldguide.core.batch import Batch, Encoded
from fieldguide.core.clock import Clock
from fieldguide.core.contracts import Effort, Estimator, Predictions
from fieldguide.core.settings import setting
from fieldguide.parts.learners._boosters import Booster, BoostingEstimator, columns, load_boosters
from fieldguide.parts.learners._columns import by_column, grouped
from fieldguide.parts.learners._lightgbm import Dataset, Training, Trees, parameters

FEWEST_COLUMNS = 2  # a split that looks at one has nothing to choose
MOST_LEAVES = 131_072  # LightGBM's own limit
POOL_MEGABYTES = 128  # of histograms: a deep tree has many leaves, and they need not all be kept


@dataclass(frozen=True)
class Forest:
    """The mean of deep trees, each grown on rows drawn without replacement and looking at some of the columns at every split.

    Nothing is held out to stop on, and trees do not follow each other: where rows are few, the mean of many trees that each err in
    their own way errs less than one course of boosting that a handful of rows ended. Classes are learned as numbers, 1 for a
    label and 0 for the others; a leaf then holds the share of the label.

    Source:
        Breiman, "Random Forests", Machine Learning 45, 2001; rows without replacement: Friedman and Hall, "On bagging and nonlinear
        estimation", Journal of Statistical Planning and Inference 137, 2007.

    Examples:
        >>> Forest().n_trees
        100
    """

    name: ClassVar[str] = "forest"
    kind: ClassVar[Literal["forest"]] = "forest"
    stops_early: ClassVar[bool] = False
    steps_scale: ClassVar[bool] = False
    in_memory: ClassVar[int | None] = None
    recipe: ClassVar[Mapping[str, Any]] = {"scaling": "none", "missing": "keep"}

    n_trees: int = setting(100, "trees of each number, label or entry", capacity=-1)
    min_data_in_leaf: int = setting(2, "the fewest rows of a leaf [rows]", capacity=-1)
    feature_fraction: float = setting(0.4, "share of columns a split looks at, and never fewer than two", capacity=1)
    bagging_fraction: float = setting(0.632, "share of rows a tree sees, drawn without replacement", capacity=1)
    max_bin: int = setting(63, "bins of a number", capacity=1)
    cat_smooth: float = setting(10.0, "pseudo rows that pull a category's statistics together [rows]", capacity=-1)

    def fit(self, train: Encoded, stop: Encoded | None, outputs: tuple[Any, ...], effort: Effort) -> Estimator:
        """Grow one forest per number, label or entry; `stop` is not used."""
        return by_column(self.fit_singles, train, stop, outputs, effort)

    def fit_singles(
        self, train: Encoded, stop: Encoded | None, outputs: tuple[Any, ...], effort: Effort
    ) -> ForestEstimator:
        """Grow the forests of single targets, each within an equal share of the time that is left.

        Shape:
            train.batch.numbers: (rows, n_numbers) float32, NaN for missing
            train.batch.codes: (rows, n_codes) int32
        """
        learned = [_learned_of(target, output) for target, output in zip(train.targets, outputs, strict=True)]
        said = self._parameters(len(train), train.batch, effort)
        x = columns(train.batch)
        forests: list[Booster] = []
        grown: list[int] = []
        n = sum(len(parts) for parts in learned)
        for y in (part for parts in learned for part in parts):
            clock = effort.clock.share(1 / (n - len(forests)))
            booster, n_trees = self._grow(x, y, train.weights, said, effort, clock)
            forests.append(booster)
            grown.append(n_trees)
        asked = self.n_trees if effort.n_steps is None else effort.n_steps
        return ForestEstimator(
            BoostingEstimator(tuple(forests), int(np.median(grown)), "steps" if min(grown) >= asked else "clock"),
            tuple(output.width if output.task.family == "classes" else 1 for output in outputs),
            tuple((float(part.min()), float(part.max())) for parts in learned for part in parts),
        )

    def load(self, folder: Path, data: Mapping[str, Any]) -> Estimator:
        """Return what `save` wrote: the trees are LightGBM's text, as boosting's.

        Raises:
            ModelError: a file is missing or is not a LightGBM model of the stated number of columns.
        """
        trees = load_boosters(folder, data["trees"])
        return grouped(
            ForestEstimator(trees, tuple(map(int, data["widths"])), tuple((low, high) for low, high in data["ends"])),
            data,
        )

    def _grow(
        self, x: np.ndarray, y: np.ndarray, weights: np.ndarray | None, said: bytes, effort: Effort, clock: Clock
    ) -> tuple[Booster, int]:
        """Return the forest of one column and its number of trees; LightGBM keeps labels in float32, hence centred and scaled."""
        centre = float(np.average(y, weights=weights))
        scale = float(np.sqrt(np.average((y - centre) ** 2, weights=weights))) or 1.0
        # Of weights of any size: what a leaf must hold is a sum of them.
        share = None if weights is None else np.asarray(weights, np.float64) / np.mean(weights)
        training = Training(Dataset(x, (y - centre) / scale, share, said), None, said)
        n_trees = self.n_trees if effort.n_steps is None else effort.n_steps
        step, longest = 0, 0.0
        while step < n_trees and not (step and clock.left() < longest):
            began = time.monotonic()
            training.grow()  # a tree without a split is a tree: its rows had nothing to tell apart
            step, longest = step + 1, max(longest, time.monotonic() - began)
        # LightGBM's raw scores of a forest are sums over its trees, and so are contributions.
        return Booster(Trees(training.text(step), x.shape[1]), "identity", centre, scale / step), step

    def _parameters(self, n_rows: int, batch: Batch, effort: Effort) -> bytes:
        n_codes = batch.codes.shape[1]
        n_columns = max(1, batch.numbers.shape[1] + n_codes)
        leaf = max(1, min(self.min_data_in_leaf, n_rows // 10))
        said: dict[str, Any] = {
            "boosting": "rf", "objective": "regression", "metric": "l2", "verbosity": -1, "num_threads": effort.threads,
            "seed": effort.seed % 2**31, "deterministic": True, "force_row_wise": True, "bagging_freq": 1,
            "bagging_fraction": min(self.bagging_fraction, 0.999), "min_data_in_leaf": leaf,
            "num_leaves": min(MOST_LEAVES, max(2, round(self.bagging_fraction * n_rows) // leaf)),
            "feature_fraction_bynode": min(1.0, max(self.feature_fraction, FEWEST_COLUMNS / n_columns)),
            "max_bin": self.max_bin, "cat_smooth": self.cat_smooth,
            "histogram_pool_size": POOL_MEGABYTES,
        }  # fmt: skip
        if n_codes:
            said["categorical_feature"] = ",".join(str(n_columns - n_codes + i) for i in range(n_codes))
        return parameters(said)


@dataclass(frozen=True)
class ForestEstimator:
    """Fitted forests, side by side.

    Args:
        trees: a booster for each number, and for each label (of two labels: of the second).
        widths: labels of each output; 1: a number.
        ends: the least and the greatest number of each that was learned from: a mean does not pass them, and a sum of many scores
            would by a rounding error, below 0 for a count.
    """

    trees: BoostingEstimator
    widths: tuple[int, ...]
    ends: tuple[tuple[float, float], ...]
    history: list[dict[str, Any]] = field(default_factory=list)

    @property
    def n_steps(self) -> int | None:
        return self.trees.n_steps

    @property
    def stopped(self) -> str:
        return self.trees.stopped

    @property
    def boosters(self) -> tuple[Booster, ...]:
        """The trees of numbers, as explainers read them; shares of labels are put together of several, and have none."""
        return self.trees.boosters if set(self.widths) == {1} else ()

    def predict(self, batch: Batch) -> Predictions:
        """Return one array per output.

        Shape:
            returns[i]: (rows, n_labels) float64 probabilities, or (rows, 1) float64 values
        """
        columns = [np.clip(part, *ends) for part, ends in zip(self.trees.predict(batch), self.ends, strict=True)]
        found = []
        for width in self.widths:
            if width == 1:
                found.append(columns.pop(0))
                continue
            n = width if width > 2 else 1
            shares = np.concatenate([columns.pop(0) for _ in range(n)], axis=1)
            found.append(np.concatenate([1.0 - shares, shares], axis=1) if n == 1 else _of_one(shares))
        return tuple(found)

    def save(self, folder: Path, draft: bool = False) -> dict[str, Any]:
        """Write `trees_<number>.txt` in LightGBM's text format."""
        return {
            "trees": self.trees.save(folder, draft),
            "widths": list(self.widths),
            "ends": list(map(list, self.ends)),
        }


def _learned_of(target: np.ndarray, output: Any) -> list[np.ndarray]:
    """Return the numbers that stand for a target: itself, or a 0 and 1 for each label (of two labels: for the second)."""
    if output.task.family != "classes":
        return [np.asarray(target, np.float64).reshape(-1)]
    labels = range(output.width) if output.width > 2 else (1,)
    return [(target == label).astype(np.float64) for label in labels]


def _of_one(shares: np.ndarray) -> np.ndarray:
    """Return shares of labels as parts of 1; equal ones where all are 0."""
    total = shares.sum(axis=1, keepdims=True)
    return np.where(total > 0, shares / np.where(total > 0, total, 1.0), 1.0 / shares.shape[1])
