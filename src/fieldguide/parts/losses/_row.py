"""What losses share: the parts of the contract that most answer alike, and cross-entropies of codes and of columns.

Knows how targets reach a loss: int64 codes where one of several labels is true, float columns in [0, 1] where each is
true or not, float columns for values. Which loss is chosen is the problem's.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import Any, ClassVar, Literal, Self

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

CERTAIN = 30.0  # a logit as sure as float32 can tell: exp(-30) is 1e-13


class RowLoss(ABC):
    """A loss whose last layer is the task's own and whose logits are as many as predictions have columns."""

    scaling: ClassVar[Literal["standard", "mean", "size", "none"]] = "standard"
    activation: ClassVar[str] = ""
    lowest: ClassVar[float | None] = None

    def d_logits(self, width: int) -> int:
        """Return the logits for a prediction of `width` columns; a binary output asks for one."""
        return width

    def fitted(self, target: np.ndarray, output: Any) -> Self:
        """Return itself with what it takes from the training rows' targets."""
        return self

    @abstractmethod
    def compute(self, logits: Tensor, target: Tensor) -> Tensor:
        """Return the loss of each row.

        Shape:
            logits: (rows, d_logits) float32
            target: (rows,) int64 codes, or (rows, d_logits) float32 columns
            returns: (rows,)
        """

    def perfect(self, target: Tensor, d_logits: int) -> Tensor:
        """Return logits that say the truth as surely as float32 can: their loss is 0."""
        if not target.is_floating_point():
            return CERTAIN * (2.0 * F.one_hot(target, d_logits) - 1.0)
        return CERTAIN * (2.0 * target - 1.0)


class ValueLoss(RowLoss):
    """A loss of values: the last layer is the value itself, and the truth is the perfect answer."""

    activation: ClassVar[str] = "identity"

    def perfect(self, target: Tensor, d_logits: int) -> Tensor:
        return target.clone()


def surprise(logits: Tensor, target: Tensor) -> Tensor:
    """Return -log of the probability given to what is true [nats].

    Shape:
        logits: (rows, d)
        target: (rows,) int64 gives (rows, 1), softmax over d; (rows, d) float gives (rows, d), a sigmoid each
    """
    if target.is_floating_point():
        return F.binary_cross_entropy_with_logits(logits, target, reduction="none")
    return F.cross_entropy(logits, target, reduction="none").unsqueeze(1)


def margins(logits: Tensor, target: Tensor) -> Tensor:
    """Return by how much the true label leads: ±logit for columns, its lead over the best other label for codes.

    Shape:
        logits: (rows, d)
        target: (rows,) int64 gives (rows, 1); (rows, d) float gives (rows, d)
    """
    if target.is_floating_point():
        return (2.0 * target - 1.0) * logits
    true = logits.gather(1, target.unsqueeze(1))
    others = logits.masked_fill(F.one_hot(target, logits.shape[1]).bool(), -torch.inf)
    return true - others.max(1, keepdim=True).values
