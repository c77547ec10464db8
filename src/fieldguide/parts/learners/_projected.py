"""Projected: rows on a few straight axes, and rebuilt from them by a straight map; what linear reductions answer.

Knows axes and least squares.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from fieldguide.core.batch import Batch, Encoded
from fieldguide.core.contracts import Predictions
from fieldguide.parts.learners._points import Points, read, write


@dataclass(frozen=True)
class Projected:
    """Coordinates along axes, and the row rebuilt from them.

    Shape:
        points.axes: (d, c); back: (c + 1, e), the last row a constant
    """

    points: Points
    back: np.ndarray
    words: str = ""
    n_steps: int | None = None
    stopped: str = ""
    history: list[dict[str, Any]] = field(default_factory=list)

    def predict(self, batch: Batch) -> Predictions:
        """Return coordinates, then what is rebuilt. Shape: ((rows, c + e) float64,)."""
        placed = self.points.of(batch)
        return (np.concatenate([placed, placed @ self.back[:-1] + self.back[-1]], axis=1),)

    def save(self, folder: Path, draft: bool = False) -> dict[str, Any]:
        """Write the axes and the way back."""
        write(folder, {**self.points.arrays(), "back": self.back})
        return {"words": self.words}


def load_projected(folder: Path, data: Any) -> Projected:
    """Return what `Projected.save` wrote."""
    arrays = read(folder, "the axes", "axes", "back")
    return Projected(Points.from_arrays("pca", arrays), arrays["back"], data["words"])


def way_back(placed: np.ndarray, train: Encoded) -> np.ndarray:
    """Return the straight map from coordinates to rows with the least squared error over training rows.

    Shape:
        placed: (rows, c); returns: (c + 1, e)
    """
    scale = np.ones(len(placed)) if train.weights is None else np.sqrt(train.weights)
    wide = np.column_stack([placed, np.ones(len(placed))])
    return np.asarray(np.linalg.lstsq(wide * scale[:, None], train.targets[0] * scale[:, None], rcond=None)[0])


def padded(axes: np.ndarray, components: int) -> np.ndarray:
    """Return as many axes as are asked for; where rows have fewer, the others are 0: nothing lies along them.

    Examples:
        >>> padded(np.array([[1.0], [0.0]]), 2).tolist()
        [[1.0, 0.0], [0.0, 0.0]]
    """
    taken = axes[:, :components]
    return np.pad(taken, ((0, 0), (0, components - taken.shape[1])))
