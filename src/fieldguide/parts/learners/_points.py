"""Points: encoded rows as what distances are measured on, raw or as features that were learned from them.

Knows the space of the training rows (`core.space`), principal axes and the code of an autoencoder; plain arrays, nothing that needs
more than numpy to predict.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from safetensors import SafetensorError
from safetensors.numpy import load_file, save_file

from fieldguide.core.batch import Batch, Encoded
from fieldguide.core.contracts import Effort
from fieldguide.core.errors import ConfigError, ModelError, listed, nearest
from fieldguide.core.space import Space
from fieldguide.parts.learners._autoencoder import Autoencoded, train_autoencoder

FEATURES = ("raw", "pca", "autoencoder")
KEPT_VARIANCE = 0.9
CODE = 8
"""Numbers that an autoencoder's code has, where clusters are looked for in it."""
FILE = "points.safetensors"


@dataclass(frozen=True)
class Points:
    """Where encoded rows become points: the space of the training rows, and what was learned on top of it.

    Args:
        features: raw, pca or autoencoder.
        axes: (d, c) principal axes, of pca.
        code: the encoder, of an autoencoder.
    """

    features: str
    space: Space
    axes: np.ndarray | None = None
    code: Autoencoded | None = None

    def of(self, batch: Batch) -> np.ndarray:
        """Return encoded rows as points. Shape: (rows, c) float64."""
        points = self.space.of(batch)
        if self.axes is not None:
            projected: np.ndarray = points @ self.axes
            return projected
        return points if self.code is None else self.code.encode(points)

    def arrays(self) -> dict[str, np.ndarray]:
        """Return what `save_file` takes."""
        found = self.space.arrays()
        if self.axes is not None:
            found["axes"] = np.ascontiguousarray(self.axes)
        return found | ({} if self.code is None else self.code.arrays())

    @staticmethod
    def from_arrays(features: str, arrays: Mapping[str, np.ndarray]) -> Points:
        code = Autoencoded.from_arrays(arrays) if features == "autoencoder" else None
        return Points(features, Space.from_arrays(arrays), arrays.get("axes"), code)


def fit_points(features: str, train: Encoded, effort: Effort, n_axes: int | None = None) -> tuple[Points, np.ndarray]:
    """Return where training rows become points, and the points they are.

    Args:
        features: raw; pca: the leading axes, as many as keep 90 % of the variance; autoencoder: its code.
        n_axes: principal axes; None: by the variance.

    Raises:
        ConfigError: `features` is none of these words.
    """
    if features not in FEATURES:
        raise ConfigError(
            f"the setting features is {features!r}{nearest(features, FEATURES)}", rule=f"it is one of {listed(FEATURES)}",
            found=f"features: {features}", do="change it under learners.settings, or leave it out",
        )  # fmt: skip
    space = Space.fit(train.batch, train.weights)
    rows = space.of(train.batch)
    if features == "pca":
        axes, shares = principal_axes(rows, train.weights)
        n = n_axes or int(np.searchsorted(np.cumsum(shares), KEPT_VARIANCE)) + 1
        points = Points(features, space, axes[:, : min(n, axes.shape[1])])
    elif features == "autoencoder":
        code = train_autoencoder(rows, min(CODE, rows.shape[1]), effort)
        points = Points(features, space, None, code)
    else:
        points = Points("raw", space)
    return points, points.of(train.batch)


def principal_axes(rows: np.ndarray, weights: np.ndarray | None = None) -> tuple[np.ndarray, np.ndarray]:
    """Return orthonormal axes of centred rows, the most variance first, and the share of the variance along each.

    An axis points the way in which its largest entry is positive, so that equal rows give equal maps. Of rows that are all the same
    the first column is the axis.

    Shape:
        rows: (n, d); returns: (d, r), (r,); r the rank

    Examples:
        >>> axes, shares = principal_axes(np.array([[-3.0, 0.0], [3.0, 0.0], [0.0, -1.0], [0.0, 1.0]]))
        >>> axes.tolist(), shares.tolist()
        ([[1.0, 0.0], [0.0, 1.0]], [0.9, 0.1])
    """
    scale = np.ones(len(rows)) if weights is None else np.sqrt(weights / weights.mean())
    values, axes = np.linalg.eigh((rows * scale[:, None]).T @ (rows * scale[:, None]))
    order = np.argsort(values)[::-1]
    values, axes = values[order], axes[:, order]
    if not values[0] > 0:
        return np.eye(rows.shape[1])[:, :1], np.ones(1)
    kept = values > 1e-10 * values[0]
    values, axes = values[kept], axes[:, kept]
    largest = np.abs(axes).argmax(axis=0)
    signs = np.where(axes[largest, np.arange(axes.shape[1])] < 0, -1.0, 1.0)
    return axes * signs + 0.0, values / values.sum()


def write(folder: Path, arrays: Mapping[str, np.ndarray]) -> None:
    """Write arrays into a model folder."""
    save_file({name: np.ascontiguousarray(array) for name, array in arrays.items()}, folder / FILE)


def read(folder: Path, what: str, *names: str) -> dict[str, np.ndarray]:
    """Return what `write` wrote.

    Raises:
        ModelError: it is missing or damaged, or lacks one of the names.
    """
    try:
        arrays: dict[str, np.ndarray] = load_file(folder / FILE)
        for name in ("centre", "scale", *names):
            arrays[name]
    except (OSError, KeyError, SafetensorError) as reason:
        raise ModelError(
            f"{what} cannot be read",
            rule="the arrays of a member stand whole in its file",
            found=str(reason),
            do="restore the model folder",
        ) from reason
    return arrays
