"""Cross-entropy: the surprise at which label it was."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from torch import Tensor

from fieldguide.parts.losses._row import RowLoss, surprise


@dataclass(frozen=True)
class CrossEntropy(RowLoss):
    """Minus the logarithm of the probability given to the true label; of two labels it is the binary cross-entropy.

    Formula:
        L = -log p[y], p = softmax(z)

    Source:
        Good, "Rational Decisions", Journal of the Royal Statistical Society B 14(1), 1952 (the logarithmic score).

    Examples:
        Logits 1, 0, 0 give the first label e / (e + 2) = 0.576, and -log 0.576 = 0.551.

        >>> import torch
        >>> CrossEntropy().compute(torch.tensor([[1.0, 0.0, 0.0]]), torch.tensor([0])).round(decimals=3)
        tensor([0.5510])
    """

    name: ClassVar[str] = "cross_entropy"
    title: ClassVar[str] = "Cross-entropy"
    units: ClassVar[str] = "nats"
    tasks: ClassVar[tuple[str, ...]] = ("multiclass", "binary", "ordinal")
    activation: ClassVar[str] = "softmax"

    def compute(self, logits: Tensor, target: Tensor) -> Tensor:
        return surprise(logits, target).mean(1)
