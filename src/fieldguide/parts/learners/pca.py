"""Principal components: the few straight axes along which rows differ most. The bar of every reduction."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar, Literal

from fieldguide.core.batch import Encoded
from fieldguide.core.contracts import Effort
from fieldguide.core.figures import percent
from fieldguide.core.settings import setting
from fieldguide.core.space import Space
from fieldguide.parts.learners._points import Points, principal_axes
from fieldguide.parts.learners._projected import Projected, load_projected, padded, way_back


@dataclass(frozen=True)
class PrincipalComponents:
    """The axes that keep the most variance; rows are rebuilt from them with the least squared error that a straight map has.

    Source:
        Pearson (1901), "On lines and planes of closest fit to systems of points in space".
    """

    name: ClassVar[str] = "pca"
    kind: ClassVar[Literal["simple"]] = "simple"
    targetless: ClassVar[bool] = True
    stops_early: ClassVar[bool] = False
    steps_scale: ClassVar[bool] = False
    in_memory: ClassVar[int | None] = None
    recipe: ClassVar[Mapping[str, Any]] = {"media": "points"}

    components: int = setting(2, "numbers that are kept of each row [count]", capacity=1)

    def fit(self, train: Encoded, stop: Encoded | None, outputs: tuple[Any, ...], effort: Effort) -> Projected:
        """Find the axes; `stop` and `effort` are not used."""
        space = Space.fit(train.batch, train.weights)
        rows = space.of(train.batch)
        axes, shares = principal_axes(rows, train.weights)
        points = Points("pca", space, padded(axes, self.components))
        kept = float(shares[: self.components].sum())
        return Projected(
            points,
            way_back(points.of(train.batch), train),
            f"{percent(kept, 0)} of the training rows' variance lies along these axes",
        )

    def load(self, folder: Path, data: Mapping[str, Any]) -> Projected:
        return load_projected(folder, data)
