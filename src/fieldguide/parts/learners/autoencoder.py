"""Autoencoder: a network that squeezes a row through a few numbers and rebuilds it; the numbers are the reduction."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, ClassVar, Literal

import numpy as np

from fieldguide.core.batch import Batch, Encoded
from fieldguide.core.contracts import Effort, Predictions
from fieldguide.core.settings import Choice, setting
from fieldguide.core.space import Space
from fieldguide.parts.learners._autoencoder import EPOCHS, train_autoencoder
from fieldguide.parts.learners._points import Points, read, write


@dataclass(frozen=True)
class Autoencoder:
    """Two layers down to the code and two up, trained to rebuild the row; it may bend where principal components are straight.

    Source:
        Hinton and Salakhutdinov (2006), "Reducing the dimensionality of data with neural networks".
    """

    name: ClassVar[str] = "autoencoder"
    kind: ClassVar[Literal["network"]] = "network"
    targetless: ClassVar[bool] = True
    stops_early: ClassVar[bool] = True
    steps_scale: ClassVar[bool] = False  # steps are passes over the rows
    in_memory: ClassVar[int | None] = 100_000
    recipe: ClassVar[Mapping[str, Any]] = {"media": "points"}

    components: int = setting(2, "numbers that are kept of each row [count]", capacity=1)
    d_hidden: int = setting(64, "width of the hidden layers [units]", capacity=1, space=Choice((32, 64, 128, 256)))
    n_epochs: int = setting(EPOCHS, "passes over the training rows [count], at most", capacity=1)

    def fit(self, train: Encoded, stop: Encoded | None, outputs: tuple[Any, ...], effort: Effort) -> Squeezed:
        """Train until the rows in `stop` are rebuilt no better."""
        space = Space.fit(train.batch, train.weights)
        held = None if stop is None else (space.of(stop.batch), stop.targets[0])
        code = train_autoencoder(
            space.of(train.batch), self.components, effort, d_hidden=self.d_hidden, target=train.targets[0], stop=held,
            weights=train.weights, n_epochs=self.n_epochs,
        )  # fmt: skip
        return Squeezed(Points("autoencoder", space, None, code), code.n_epochs, code.stopped, list(code.history))

    def load(self, folder: Path, data: Mapping[str, Any]) -> Squeezed:
        """Return what `save` wrote."""
        arrays = read(folder, "the autoencoder", "down_0", "up_3")
        return Squeezed(Points.from_arrays("autoencoder", arrays), data["n_steps"], data["stopped"])


@dataclass(frozen=True)
class Squeezed:
    """A trained autoencoder over encoded rows."""

    points: Points
    n_steps: int | None = None
    stopped: str = ""
    history: list[dict[str, Any]] = field(default_factory=list)

    def predict(self, batch: Batch) -> Predictions:
        """Return codes, then what is rebuilt. Shape: ((rows, c + e) float64,)."""
        placed = self.points.of(batch)
        assert self.points.code is not None
        return (np.concatenate([placed, self.points.code.decode(placed)], axis=1),)

    def save(self, folder: Path, draft: bool = False) -> dict[str, Any]:
        """Write the layers."""
        write(folder, self.points.arrays())
        return {"n_steps": self.n_steps, "stopped": self.stopped}
