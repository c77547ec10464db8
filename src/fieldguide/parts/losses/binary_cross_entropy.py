"""Binary cross-entropy: the surprise at each yes or no."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from torch import Tensor
from torch.nn import functional as F

from fieldguide.parts.losses._row import RowLoss


@dataclass(frozen=True)
class BinaryCrossEntropy(RowLoss):
    """Mean over the columns of minus the logarithm of the probability given to what happened.

    Formula:
        L = -y log p - (1 - y) log(1 - p), p = 1 / (1 + exp(-z))

    Source:
        Good, "Rational Decisions", Journal of the Royal Statistical Society B 14(1), 1952 (the logarithmic score).

    Examples:
        A logit of 0 is p = 1/2, and log 2 = 0.693; for z = 2, p = 0.8808, and -log 0.8808 = 0.127.

        >>> import torch
        >>> BinaryCrossEntropy().compute(torch.tensor([[0.0], [2.0]]), torch.tensor([[1.0], [1.0]])).round(decimals=3)
        tensor([0.6930, 0.1270])
    """

    name: ClassVar[str] = "binary_cross_entropy"
    title: ClassVar[str] = "Binary cross-entropy"
    units: ClassVar[str] = "nats per label"
    tasks: ClassVar[tuple[str, ...]] = ("binary", "multilabel")

    def compute(self, logits: Tensor, target: Tensor) -> Tensor:
        return F.binary_cross_entropy_with_logits(logits, target, reduction="none").mean(1)
