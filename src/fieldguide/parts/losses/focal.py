"""Focal loss: rows that are nearly right already count less."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import torch
from torch import Tensor

from fieldguide.core.settings import setting
from fieldguide.parts.losses._row import RowLoss, surprise


@dataclass(frozen=True)
class Focal(RowLoss):
    """Cross-entropy times a power of the probability that was withheld from the truth.

    Formula:
        L = -α[y] (1 - p[y])^γ log p[y]; γ = 0 is the cross-entropy

    Probabilities that minimise it are drawn to the middle: it is no proper score. `problem.calibrate` corrects that.

    Source:
        Lin, Goyal, Girshick, He, Dollár, "Focal Loss for Dense Object Detection", ICCV 2017, equation 5.

    Examples:
        At p = 1/2 and γ = 2: (1/2)² log 2 = 0.173. At p = 0.8808 (z = 2): 0.1192² · 0.127 = 0.0018.

        >>> Focal(gamma=2.0).compute(torch.tensor([[0.0], [2.0]]), torch.tensor([[1.0], [1.0]])).round(decimals=4)
        tensor([0.1733, 0.0018])
    """

    name: ClassVar[str] = "focal"
    title: ClassVar[str] = "Focal loss"
    units: ClassVar[str] = "nats"
    tasks: ClassVar[tuple[str, ...]] = ("binary", "multiclass", "multilabel")

    gamma: float = setting(2.0, "power; a greater one looks away from easy rows sooner")
    alpha: float = setting(
        0.0, "weight of what is true, 1 - alpha of what is not (yes-or-no labels only); 0: no weights"
    )

    def compute(self, logits: Tensor, target: Tensor) -> Tensor:
        losses = surprise(logits, target)
        focused = (-torch.expm1(-losses)).clamp(min=1e-12) ** self.gamma * losses
        if self.alpha and target.is_floating_point():
            focused = focused * (self.alpha * target + (1.0 - self.alpha) * (1.0 - target))
        return focused.mean(1)
