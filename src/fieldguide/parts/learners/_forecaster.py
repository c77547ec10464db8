"""Networks that forecast: what they read of a batch, and how their answers come back on the scale of each window.

Knows windows and the one loop's entry; layers are `parts/nets`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, ClassVar, Self

import numpy as np

from fieldguide.core.batch import Batch, Block, Encoded, Layout
from fieldguide.core.contracts import Effort, Predictions
from fieldguide.core.series.panel import HISTORY
from fieldguide.core.series.windows import Windows
from fieldguide.parts.learners import _network
from fieldguide.parts.learners._history import length_of


@dataclass(frozen=True)
class Forecaster:
    """A fitted network that is handed windows only, and no more of them than it looks at."""

    inner: Any
    window: int

    @property
    def n_steps(self) -> int | None:
        steps: int | None = self.inner.n_steps
        return steps

    @property
    def stopped(self) -> str:
        return str(self.inner.stopped)

    @property
    def history(self) -> list[dict[str, Any]]:
        points: list[dict[str, Any]] = self.inner.history
        return points

    def predict(self, batch: Batch) -> Predictions:
        """Return the forecast.

        Shape:
            returns[0]: (rows, horizon) float64
        """
        found: Predictions = self.inner.predict(windows_only(batch, self.window))
        return found

    def save(self, folder: Path, draft: bool = False) -> dict[str, Any]:
        return {**self.inner.save(folder, draft), "window": self.window}


def windows_only(batch: Batch, window: int) -> Batch:
    """Return a batch with the last steps of its windows and nothing else."""
    block = batch.arrays[HISTORY]
    cells: Any = block.cells.last(window) if isinstance(block.cells, Windows) else block.cells[:, -window:]
    spec = next(spec for spec in batch.layout.blocks if spec.name == HISTORY)
    length = min(window, spec.shape[0])
    empty = {"numbers": np.zeros((len(batch), 0), np.float32), "codes": np.zeros((len(batch), 0), np.int32)}
    return Batch(Layout(blocks=(replace(spec, shape=(length,)),)), {**empty, HISTORY: Block(cells, block.decode)})


class WindowNetwork:
    """What the networks of windows have in common: how they are fitted, loaded, planned and sized. Settings are each one's own.

    A network states `architecture(train, outputs)`, and in `smaller` the settings it gives up, step by step, where time is short.
    """

    kind: ClassVar[str] = "network"
    stops_early: ClassVar[bool] = True
    steps_scale: ClassVar[bool] = True
    in_memory: ClassVar[int | None] = None
    forecasts: ClassVar[bool] = True
    recipe: ClassVar[Mapping[str, Any]] = {}
    smaller: ClassVar[tuple[Mapping[str, Any], ...]] = ({},)

    def fit(self, train: Encoded, stop: Encoded | None, outputs: tuple[Any, ...], effort: Effort) -> Forecaster:
        """Train the network by the one loop."""
        window = min(self.window, length_of(train.batch))  # type: ignore[attr-defined]
        train = replace(train, batch=windows_only(train.batch, window))
        stop = None if stop is None else replace(stop, batch=windows_only(stop.batch, window))
        return Forecaster(_network.fit(self, train, stop, outputs, effort), window)

    def load(self, folder: Path, data: Mapping[str, Any]) -> Forecaster:
        """Return the estimator that `save` wrote."""
        return Forecaster(_network.load(folder, data), int(data["window"]))

    def plan(self, n_rows: int, n_steps: int | None = None) -> Any:
        """Return the training plan; `n_steps` stretches the schedule to exactly so many steps."""
        return _network.plan_of(self, n_rows, n_steps)

    def sized(self, train: Encoded, outputs: tuple[Any, ...], seconds: float | None, threads: int) -> Self:
        """Return the learner with as many epochs as `seconds` allow."""
        from fieldguide.parts.learners import _sizing

        return _sizing.sized(self, self.smaller, {}, train, outputs, seconds, threads)


def around(learner: Any, train: Encoded, outputs: tuple[Any, ...]) -> dict[str, Any]:
    """Return what every network of windows is told: where they are, how many steps it reads, and the scale of the targets."""
    from fieldguide.parts.nets.heads import heads_of

    heads = _network.judged(heads_of(outputs), train, outputs)
    (target,) = _network.scaling_of(heads, train)
    places = [spec.name for spec in train.batch.layout.blocks]
    return {
        "place": places.index(HISTORY), "window": min(learner.window, length_of(train.batch)), "centre": learner.centre,
        "target": [list(target[0]), list(target[1])],
    }  # fmt: skip
