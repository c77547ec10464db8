"""Random clusters: the trivial answer, which looks at a row only to give equal rows the same one.

Knows a hash of the encoded row; nothing is fitted.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, ClassVar, Literal

import numpy as np

from fieldguide.core.batch import Batch, Encoded
from fieldguide.core.contracts import Effort, Predictions
from fieldguide.core.settings import setting
from fieldguide.core.space import dense


@dataclass(frozen=True)
class RandomClusters:
    """Deal rows to k clusters at random; equal rows always get the same one.

    Examples:
        >>> RandomClusters().kind
        'trivial'
    """

    name: ClassVar[str] = "random_clusters"
    kind: ClassVar[Literal["trivial"]] = "trivial"
    targetless: ClassVar[bool] = True
    stops_early: ClassVar[bool] = False
    steps_scale: ClassVar[bool] = False
    in_memory: ClassVar[int | None] = None
    recipe: ClassVar[Mapping[str, Any]] = {"media": "points"}

    k: int = setting(3, "clusters [count]")
    exactly: int = setting(0, "clusters the study asks for [count], whatever k is; 0: k")

    def fit(self, train: Encoded, stop: Encoded | None, outputs: tuple[Any, ...], effort: Effort) -> RandomEstimator:
        """Return how rows are dealt; no row is looked at."""
        return RandomEstimator(self.exactly or self.k, effort.seed)

    def load(self, folder: Path, data: Mapping[str, Any]) -> RandomEstimator:
        return RandomEstimator(int(data["k"]), int(data["seed"]))


@dataclass(frozen=True)
class RandomEstimator:
    """How rows are dealt."""

    k: int
    seed: int
    n_steps: int | None = None
    stopped: str = ""
    history: list[dict[str, Any]] = field(default_factory=list)

    def predict(self, batch: Batch) -> Predictions:
        """Return a membership of 1 in one cluster. Shape: ((rows, k) float64,)."""
        salt = str(self.seed).encode()
        codes = [
            int.from_bytes(hashlib.blake2b(row.tobytes(), digest_size=8, key=salt[:64]).digest(), "little") % self.k
            for row in dense(batch)
        ]
        return (np.eye(self.k)[np.array(codes, np.int64)],)

    def save(self, folder: Path, draft: bool = False) -> dict[str, Any]:
        return {"k": self.k, "seed": self.seed}
