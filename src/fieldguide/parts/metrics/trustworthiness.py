"""Trustworthiness: is what lies near on the map near in truth?"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from fieldguide.core.settings import setting
from fieldguide.parts.metrics._structure import OfNeighbours


@dataclass(frozen=True)
class Trustworthiness(OfNeighbours):
    """A mean over rows of how little their nearest rows on the map were strangers in truth, by rank: 1 where none was.

    Of more than 2,000 rows each is held against a fixed sample of 2,000. Resamples weight what each row adds, stretched by how the mean
    differs when rows come and go.

    Source:
        Venna and Kaski (2001), "Neighborhood preservation in nonlinear projection methods: an experimental study".

    Examples:
        >>> rows = np.random.default_rng(0).normal(size=(60, 2))
        >>> Trustworthiness().score(rows, np.concatenate([rows, rows], axis=1))
        1.0
    """

    name: ClassVar[str] = "trustworthiness"
    title: ClassVar[str] = "trustworthiness"

    n_neighbours: int = setting(
        0, "neighbours that are asked for [rows], fewer than half of the rows; 0: 5 % of them, 5 at least"
    )

    def spaces(self, truth: np.ndarray, placed: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        return truth, placed
