"""Random projection: a few straight axes that look at no row. The trivial reduction."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar, Literal

import numpy as np

from fieldguide.core.batch import Encoded
from fieldguide.core.contracts import Effort
from fieldguide.core.seeds import generator
from fieldguide.core.settings import setting
from fieldguide.core.space import Space
from fieldguide.parts.learners._points import Points
from fieldguide.parts.learners._projected import Projected, load_projected, padded, way_back


@dataclass(frozen=True)
class RandomProjection:
    """Orthonormal axes drawn at random; rows are rebuilt from them by least squares.

    Source:
        Johnson and Lindenstrauss (1984); Bingham and Mannila (2001), "Random projection in dimensionality reduction".
    """

    name: ClassVar[str] = "random_projection"
    kind: ClassVar[Literal["trivial"]] = "trivial"
    targetless: ClassVar[bool] = True
    stops_early: ClassVar[bool] = False
    steps_scale: ClassVar[bool] = False
    in_memory: ClassVar[int | None] = None
    recipe: ClassVar[Mapping[str, Any]] = {"media": "points"}

    components: int = setting(2, "numbers that are kept of each row [count]", capacity=1)

    def fit(self, train: Encoded, stop: Encoded | None, outputs: tuple[Any, ...], effort: Effort) -> Projected:
        """Draw the axes; `stop` is not used."""
        space = Space.fit(train.batch, train.weights)
        d = len(space.centre)
        drawn = generator(effort.seed, "random projection").normal(size=(d, min(self.components, d)))
        points = Points("pca", space, padded(np.linalg.qr(drawn)[0], self.components))
        return Projected(points, way_back(points.of(train.batch), train))

    def load(self, folder: Path, data: Mapping[str, Any]) -> Projected:
        return load_projected(folder, data)
