"""Nearest neighbours: predict what the most similar training rows turned out to be.

Knows distances between encoded rows; keeps the training rows themselves, so it is bounded in rows. Finds neighbours
exactly: a prediction depends on its row and the training rows, never on their order or on the other rows of a batch.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar, Literal

import numpy as np
from safetensors import SafetensorError
from safetensors.numpy import load_file, save_file

from fieldguide.core.batch import Batch, Encoded
from fieldguide.core.contracts import Effort, Predictions
from fieldguide.core.errors import ModelError
from fieldguide.core.settings import Choice, Range, setting
from fieldguide.parts.learners.prior import class_shares

IN_MEMORY = 20_000  # training rows kept [rows]; one prediction then takes about 0.2 ms
TIE = 1e-4  # relative slack of float32 distances within which candidates are measured again in float64


@dataclass(frozen=True)
class Neighbours:
    """The mean, or the class shares, of the k nearest training rows, drawn to the prior by one pseudo row for classes.

    The squared distance is that of the scaled numbers plus 1 for each category that differs (one-hot codes scaled by
    1/√2). Rows tied at the k-th distance share the remaining votes.

    Source:
        Cover and Hart, "Nearest neighbor pattern classification", IEEE Transactions on Information Theory 13(1), 1967.
    """

    name: ClassVar[str] = "neighbours"
    kind: ClassVar[Literal["simple"]] = "simple"
    stops_early: ClassVar[bool] = False
    steps_scale: ClassVar[bool] = False
    in_memory: ClassVar[int | None] = IN_MEMORY
    recipe: ClassVar[Mapping[str, Any]] = {}

    n_neighbours: int = setting(
        25, "training rows that vote [rows]", capacity=-1, space=Range(3, 200, log=True, integer=True)
    )
    weighting: str = setting(
        "uniform", "votes: uniform, or distance (1 / distance)", space=Choice(("uniform", "distance"))
    )

    def fit(
        self, train: Encoded, stop: Encoded | None, outputs: tuple[Any, ...], effort: Effort
    ) -> NeighboursEstimator:
        """Keep the training rows; whoever fits hands over a sample of more than `in_memory`."""
        weights = np.ones(len(train)) if train.weights is None else train.weights.astype(np.float64)
        votes, priors = [], []
        for target, output in zip(train.targets, outputs):
            classes = output.task.family == "classes"
            votes.append(
                np.eye(output.width)[target] if classes else target.reshape(len(target), -1).astype(np.float64)
            )
            priors.append(class_shares(target, output.width, train.weights) if classes else None)
        kept = NeighbourRows(
            train.batch.numbers.astype(np.float32), train.batch.codes.astype(np.int32), weights, tuple(votes)
        )
        return NeighboursEstimator(self.n_neighbours, self.weighting, kept, tuple(priors))

    def load(self, folder: Path, data: Mapping[str, Any]) -> NeighboursEstimator:
        """Return what `save` wrote.

        Raises:
            ModelError: the rows are missing or damaged.
        """
        try:
            arrays = load_file(folder / "neighbours.safetensors")
            votes = tuple(arrays[f"votes_{i}"] for i in range(len(data["priors"])))
            rows = NeighbourRows(arrays["numbers"], arrays["codes"], arrays["weights"], votes)
        except (OSError, KeyError, SafetensorError) as reason:
            raise ModelError(
                "the neighbours cannot be read",
                rule="they are the numbers that `save` wrote",
                found=str(reason),
                do="restore the model folder",
            ) from reason
        priors = tuple(None if prior is None else np.array(prior) for prior in data["priors"])
        return NeighboursEstimator(data["n_neighbours"], data["weighting"], rows, priors)


@dataclass(frozen=True)
class NeighbourRows:
    """The rows that vote.

    Shape:
        numbers: (rows, n_numbers) float32
        codes: (rows, n_codes) int32
        weights: (rows,) float64
        votes[i]: (rows, width) float64, one-hot classes or values
    """

    numbers: np.ndarray
    codes: np.ndarray
    weights: np.ndarray
    votes: tuple[np.ndarray, ...]


class NeighboursEstimator:
    """Training rows, ready to be compared with."""

    def __init__(
        self, n_neighbours: int, weighting: str, rows: NeighbourRows, priors: tuple[np.ndarray | None, ...]
    ) -> None:
        self.n_neighbours, self.weighting, self.rows, self.priors = n_neighbours, weighting, rows, priors
        self.n_steps: int | None = None
        self.stopped = ""
        self.history: list[dict[str, Any]] = []
        self._columns = np.ascontiguousarray(rows.numbers.T)
        self._levels = [np.ascontiguousarray(column) for column in rows.codes.T]
        self._squares = np.einsum("ij,ij->i", rows.numbers, rows.numbers)

    def predict(self, batch: Batch) -> Predictions:
        """Return one array per output.

        Shape:
            returns[i]: (rows, n_labels) float64 probabilities, or (rows, d) float64 values
        """
        found = [self._row(numbers, codes) for numbers, codes in zip(batch.numbers, batch.codes)]
        empty = [np.empty((0, votes.shape[1])) for votes in self.rows.votes]
        return tuple(np.stack([row[i] for row in found]) if found else empty[i] for i in range(len(self.priors)))

    def save(self, folder: Path, draft: bool = False) -> dict[str, Any]:
        """Write the training rows to `neighbours.safetensors`."""
        votes = {f"votes_{i}": np.ascontiguousarray(vote) for i, vote in enumerate(self.rows.votes)}
        arrays = {"numbers": self.rows.numbers, "codes": self.rows.codes, "weights": self.rows.weights}
        save_file(
            {name: np.ascontiguousarray(array) for name, array in (arrays | votes).items()},
            folder / "neighbours.safetensors",
        )
        return {
            "n_neighbours": self.n_neighbours, "weighting": self.weighting,
            "priors": [None if prior is None else prior.tolist() for prior in self.priors],
        }  # fmt: skip

    def _row(self, numbers: np.ndarray, codes: np.ndarray) -> list[np.ndarray]:
        """Return one row's predictions, each (width,)."""
        near, distances = self._nearest(numbers, codes)
        weights = self.rows.weights[near] * self._shares(distances)
        if self.weighting == "distance":
            weights = weights / np.maximum(np.sqrt(distances), 1e-3)
        answers = []
        for votes, prior in zip(self.rows.votes, self.priors):
            total = weights @ votes[near]
            if prior is None:
                answers.append(total / weights.sum())
            else:
                pseudo = weights.sum() / min(self.n_neighbours, len(self._squares))  # one neighbour of mean weight
                answers.append((total + pseudo * prior) / (weights.sum() + pseudo))
        return answers

    def _nearest(self, numbers: np.ndarray, codes: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Return the rows at most as far as the k-th nearest, and their squared distances in float64, nearest first."""
        rough = self._squares - 2.0 * (numbers @ self._columns)
        for level, code in zip(self._levels, codes):
            rough += level != code
        k = min(self.n_neighbours, len(rough))
        edge = np.partition(rough, k - 1)[k - 1]
        # float32 cancellation grows with the squares: whatever may belong to the k nearest is measured again
        slack = TIE * (1.0 + float(np.dot(numbers, numbers)) + abs(float(edge)))
        near = np.flatnonzero(rough <= edge + slack)
        gaps = self.rows.numbers[near].astype(np.float64) - numbers
        distances = (gaps * gaps).sum(axis=1) + (self.rows.codes[near] != codes).sum(axis=1)
        order = np.argsort(distances, kind="stable")
        near, distances = near[order], distances[order]
        within = distances <= distances[k - 1] * (1 + 1e-9) + 1e-12
        return near[within], distances[within]

    def _shares(self, distances: np.ndarray) -> np.ndarray:
        """Return each row's vote: 1 inside the k-th distance, an equal share of what remains on it."""
        k = min(self.n_neighbours, len(self._squares))
        on_edge = distances >= distances[-1] * (1 - 1e-9) - 1e-12
        return np.where(on_edge, (k - (~on_edge).sum()) / on_edge.sum(), 1.0)
