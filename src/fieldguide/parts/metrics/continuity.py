"""Continuity: does what is near in truth stay near on the map?"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from fieldguide.core.settings import setting
from fieldguide.parts.metrics._structure import OfNeighbours


@dataclass(frozen=True)
class Continuity(OfNeighbours):
    """A mean over rows of how little their true neighbours became strangers on the map, by rank: 1 where none did.

    Of more than 2,000 rows each is held against a fixed sample of 2,000. Resamples weight what each row adds, stretched by how the mean
    differs when rows come and go.

    Source:
        Venna and Kaski (2001), "Neighborhood preservation in nonlinear projection methods: an experimental study".

    Examples:
        >>> rows = np.random.default_rng(0).normal(size=(60, 2))
        >>> Continuity().score(rows, np.concatenate([rows, rows], axis=1))
        1.0
    """

    name: ClassVar[str] = "continuity"
    title: ClassVar[str] = "continuity"

    n_neighbours: int = setting(
        0, "neighbours that are asked for [rows], fewer than half of the rows; 0: 5 % of them, 5 at least"
    )

    def spaces(self, truth: np.ndarray, placed: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        return placed, truth
