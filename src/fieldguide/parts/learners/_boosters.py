"""Fitted trees of several outputs: how scores become predictions, and a folder and back.

Knows links and the text that LightGBM writes; nothing of how trees are grown. Boosting's, a forest's and a strategy's are kept alike.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

import numpy as np

from fieldguide.core.batch import Batch
from fieldguide.core.contracts import Predictions
from fieldguide.core.errors import ModelError
from fieldguide.parts.learners._cumulative import probabilities
from fieldguide.parts.learners._lightgbm import Trees

Link = Literal["sigmoid", "softmax", "identity", "exp", "cumulative"]


@dataclass(frozen=True)
class Booster:
    """Trees and how their scores become predictions.

    Args:
        cuts: of a cumulative link: what is added to the score for the log-odds of lying above each level but the last.
    """

    trees: Trees
    link: Link
    centre: float = 0.0
    scale: float = 1.0
    cuts: tuple[float, ...] = ()

    def predict(self, x: np.ndarray) -> np.ndarray:
        scores = self.trees.scores(x)
        if self.link == "sigmoid":
            with np.errstate(over="ignore"):
                positive = 1.0 / (1.0 + np.exp(-scores[:, 0]))
            return np.stack([1.0 - positive, positive], axis=1)
        if self.link == "softmax":
            odds = np.exp(scores - scores.max(axis=1, keepdims=True))
            return odds / odds.sum(axis=1, keepdims=True)
        if self.link == "cumulative":
            return probabilities(scores + np.array(self.cuts))
        return np.exp(scores) if self.link == "exp" else self.centre + self.scale * scores


@dataclass(frozen=True)
class BoostingEstimator:
    """Fitted boosters, one per output."""

    boosters: tuple[Booster, ...]
    n_steps: int | None  # the best round; the median over outputs
    stopped: str
    history: list[dict[str, Any]] = field(default_factory=list)

    def predict(self, batch: Batch) -> Predictions:
        """Return one array per output.

        Shape:
            returns[i]: (rows, n_labels) float64 probabilities, or (rows, 1) float64 values
        """
        x = columns(batch)
        return tuple(booster.predict(x) for booster in self.boosters)

    def save(self, folder: Path, draft: bool = False) -> dict[str, Any]:
        """Write `trees_<output>.txt` in LightGBM's text format."""
        entries = []
        for i, booster in enumerate(self.boosters):
            (folder / f"trees_{i}.txt").write_text(booster.trees.text, "utf-8")
            entries.append({
                "file": f"trees_{i}.txt", "n_features": booster.trees.n_features, "link": booster.link,
                "centre": booster.centre, "scale": booster.scale, **({"cuts": list(booster.cuts)} if booster.cuts else {}),
            })  # fmt: skip
        return {"boosters": entries, "n_steps": self.n_steps, "stopped": self.stopped, "history": self.history}


def load_boosters(folder: Path, data: Mapping[str, Any]) -> BoostingEstimator:
    """Return what `BoostingEstimator.save` wrote. LightGBM's text holds numbers only; anything else is refused.

    Raises:
        ModelError: a file is missing or is not a LightGBM model of the stated number of columns.
    """
    boosters = []
    for entry in data["boosters"]:
        path = folder / Path(entry["file"]).name
        try:
            text = path.read_text("utf-8")
        except (OSError, UnicodeDecodeError) as reason:
            raise ModelError(
                "a boosting model cannot be read",
                rule="its trees are text in UTF-8",
                found=f"{path.name}: {reason}",
                do="restore the model folder",
            ) from reason
        trees, cuts = Trees(text, entry["n_features"]), tuple(map(float, entry.get("cuts", ())))
        boosters.append(Booster(trees, entry["link"], entry["centre"], entry["scale"], cuts))
    return BoostingEstimator(tuple(boosters), data["n_steps"], data["stopped"], list(data["history"]))


def columns(batch: Batch) -> np.ndarray:
    """Return numbers and codes side by side, (rows, n_numbers + n_codes) float32; every code fits float32 exactly."""
    if not batch.codes.shape[1]:
        return batch.numbers
    return np.concatenate([batch.numbers, batch.codes.astype(np.float32)], axis=1)
