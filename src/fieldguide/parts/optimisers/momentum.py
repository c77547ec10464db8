"""SGD with momentum: steps against a running sum of the gradients.

Knows the sum and Nesterov's look ahead; the step itself is SGD's.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import ClassVar

from torch import nn

from fieldguide.core.settings import setting
from fieldguide.parts.optimisers._groups import Moving, grouped
from fieldguide.parts.optimisers.sgd import Descent


@dataclass(frozen=True)
class Momentum:
    """A heavy ball: what was a good direction stays one for a while.

    Formula:
        u ← μ u + g + λ w;  w ← w - η u  (with Nesterov: w ← w - η (g + λ w + μ u))

    Source:
        Sutskever, Martens, Dahl, Hinton, "On the importance of initialization and momentum in deep learning", ICML 2013.

    Examples:
        >>> import torch
        >>> net = nn.Linear(1, 1, bias=False)
        >>> moving = Momentum(nesterov=False).start(net.named_parameters(), weight_decay=0.0, momentum=0.9)
        >>> before = float(net.weight.detach())
        >>> for _ in range(2):
        ...     net(torch.ones(1, 1)).sum().backward()
        ...     moving.step(0.1)
        >>> round(before - float(net.weight.detach()), 4)
        0.29
    """

    name: ClassVar[str] = "momentum"

    nesterov: bool = setting(True, "take the gradient's step from where the sum already leads")

    def start(self, named: Iterable[tuple[str, nn.Parameter]], weight_decay: float, momentum: float) -> Moving:
        """Return the optimiser over a network's parameters."""
        decayed, free = grouped(named)
        pairs = ((decayed, weight_decay), (free, 0.0))
        return Moving(Descent(group, decay, momentum, self.nesterov and momentum > 0) for group, decay in pairs)
