"""Label smoothing: no label is believed entirely."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import ClassVar

import torch
from torch import Tensor
from torch.nn import functional as F

from fieldguide.core.settings import setting
from fieldguide.parts.losses._row import RowLoss


@dataclass(frozen=True)
class LabelSmoothing(RowLoss):
    """Divergence from labels of which a share `amount` is spread evenly over all labels.

    Formula:
        L = Σ q[c] log(q[c] / p[c]), q = (1 - ε) · one-hot + ε / labels

    It is the cross-entropy with q, less the entropy of q, which no prediction changes: 0 at p = q.

    Source:
        Szegedy et al., "Rethinking the Inception Architecture for Computer Vision", CVPR 2016, section 7.

    Examples:
        ε = 0.2 and two labels: q = 0.9, 0.1. At p = 1/2: 0.9 log 1.8 + 0.1 log 0.2 = 0.368.

        >>> LabelSmoothing(amount=0.2).compute(torch.zeros(1, 1), torch.ones(1, 1)).round(decimals=3)
        tensor([0.3680])
        >>> LabelSmoothing(amount=0.2).compute(torch.zeros(1, 2), torch.tensor([0])).round(decimals=3)
        tensor([0.3680])
    """

    name: ClassVar[str] = "label_smoothing"
    title: ClassVar[str] = "Cross-entropy with label smoothing"
    units: ClassVar[str] = "nats"
    tasks: ClassVar[tuple[str, ...]] = ("binary", "multiclass", "multilabel")

    amount: float = setting(0.1, "share of a label that is spread over all, in (0, 1)")

    def compute(self, logits: Tensor, target: Tensor) -> Tensor:
        n = 2 if target.is_floating_point() else logits.shape[1]
        high, low = 1.0 - self.amount + self.amount / n, self.amount / n
        entropy = -sum(q * math.log(q) for q in (high, *(low for _ in range(n - 1))) if q > 0)
        if target.is_floating_point():
            smooth = high * target + low * (1.0 - target)
            return (F.binary_cross_entropy_with_logits(logits, smooth, reduction="none") - entropy).mean(1)
        logs = torch.log_softmax(logits, 1)
        smooth = low + (high - low) * F.one_hot(target, n).to(logs.dtype)
        return -(smooth * logs).sum(1) - entropy

    def perfect(self, target: Tensor, d_logits: int) -> Tensor:
        n = 2 if target.is_floating_point() else d_logits
        apart = math.log((1.0 - self.amount + self.amount / n) / (self.amount / n))
        return apart * ((2.0 * target - 1.0) if target.is_floating_point() else F.one_hot(target, d_logits).float())
