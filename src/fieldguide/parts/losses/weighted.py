"""Weighted cross-entropy: some labels count more than others."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, ClassVar, Self

import numpy as np
import torch
from torch import Tensor

from fieldguide.core.errors import ConfigError, listed, nearest
from fieldguide.core.settings import setting
from fieldguide.parts.losses._row import RowLoss, surprise


@dataclass(frozen=True)
class Weighted(RowLoss):
    """Cross-entropy times the weight of the true label; weights have mean 1 over the training rows.

    Formula:
        L = w[y] · (-log p[y]); balanced: w[c] = rows / (labels · rows of c)

    Weights move the probabilities: with balanced weights they are those of a world in which every label is as frequent.
    `problem.calibrate` brings them back, or the threshold takes the place of the weights.

    Source:
        King and Zeng, "Logistic Regression in Rare Events Data", Political Analysis 9(2), 2001, section 4.2.

    Examples:
        Of four rows one is positive: balanced weights are 4 / (2 · 3) = 2/3 and 4 / (2 · 1) = 2; log 2 = 0.693 becomes
        0.462 and 1.386.

        >>> from types import SimpleNamespace
        >>> loss = Weighted().fitted(np.array([0, 0, 0, 1]), SimpleNamespace(name="y", labels=("no", "yes")))
        >>> loss.compute(torch.zeros(2, 1), torch.tensor([[0.0], [1.0]])).round(decimals=3)
        tensor([0.4620, 1.3860])
    """

    name: ClassVar[str] = "weighted"
    title: ClassVar[str] = "Weighted cross-entropy"
    units: ClassVar[str] = "nats"
    tasks: ClassVar[tuple[str, ...]] = ("binary", "multiclass")

    weights: str | Mapping[str, float] = setting(
        "balanced", "balanced, costs (of problem.costs), or a weight per label, such as {yes: 5, no: 1}"
    )
    factors: tuple[float, ...] = setting((), "weight of each label, learned on the training rows")

    def fitted(self, target: np.ndarray, output: Any) -> Self:
        """Return itself with the weight of each label.

        Raises:
            ConfigError: a weight is of no label, is missing or not above 0, or costs were never stated.
        """
        labels = tuple(output.labels)
        counts = np.bincount(np.asarray(target, np.int64), minlength=len(labels)).astype(np.float64)
        raw = np.ones(len(labels))
        if self.weights == "balanced":
            raw = 1.0 / np.maximum(counts, 1.0)
        elif isinstance(self.weights, Mapping):
            raw = np.array([float(self.weights.get(label, 0.0)) for label in labels])
            _refuse(self.weights, labels, output.name)
        else:
            raise ConfigError(
                f"the weights of the loss of {output.name!r} are {self.weights!r}",
                rule="weights are balanced, costs (with problem.costs), or a number for each label",
                found=repr(self.weights),
                do="write problem.loss: {weighted: {weights: balanced}}",
            )
        return replace(self, factors=tuple((raw * counts.sum() / (raw @ counts)).tolist()))

    def compute(self, logits: Tensor, target: Tensor) -> Tensor:
        factors = torch.tensor(
            self.factors or (1.0,) * max(2, logits.shape[1]), dtype=logits.dtype, device=logits.device
        )
        of_row = factors[target.long()] if target.is_floating_point() else factors[target].unsqueeze(1)
        return (surprise(logits, target) * of_row).mean(1)


def _refuse(weights: Mapping[str, Any], labels: tuple[str, ...], name: str) -> None:
    for label, weight in weights.items():
        if label not in labels:
            raise ConfigError(
                f"the loss weighs the label {label!r}{nearest(label, labels)}, which {name!r} does not have",
                rule="every weight is of a label", found=f"labels are {listed(labels)}",
                do="correct the label under problem.loss, or take it out",
            )  # fmt: skip
        if not isinstance(weight, int | float) or not weight > 0:
            raise ConfigError(
                f"the weight of {label!r} is {weight!r}",
                rule="a weight is a number above 0",
                found=repr(weight),
                do=f"write a number for {label!r} under problem.loss, such as 1",
            )
    missing = [label for label in labels if label not in weights]
    if missing:
        raise ConfigError(
            f"the loss has no weight for {listed(missing)}",
            rule="every label of the target has a weight",
            found=f"weights of {listed(weights)}",
            do="add a weight for each, such as 1",
        )
