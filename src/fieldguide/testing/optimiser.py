"""The contract of an optimiser: it lowers a loss, decays matrices only, drops gradients, leaves what has none alone.

Knows `core.contracts.Optimiser` only; whether its formula is the right one is tested beside it.
"""

from __future__ import annotations

import copy
from typing import Any

import torch
from torch import nn


def check_optimiser(optimiser: Any, learning_rate: float = 0.01) -> None:
    """Assert that an optimiser keeps the contract.

    Args:
        optimiser: an instance.
        learning_rate: one at which it learns a line of three numbers.

    Raises:
        AssertionError: names the rule that does not hold.

    Examples:
        >>> from fieldguide import parts
        >>> check_optimiser(parts.find("optimisers", "adamw")())
    """
    settled = getattr(type(optimiser), "__dataclass_params__", None)
    assert settled is not None and settled.frozen, "an optimiser is a frozen dataclass"
    generator = torch.Generator().manual_seed(0)
    x = torch.randn(64, 3, generator=generator)
    y = x @ torch.tensor([[1.0], [-2.0], [0.5]]) + 1.0
    net = nn.Linear(3, 1)
    with torch.no_grad():
        net.weight.zero_(), net.bias.zero_()
    start, runs = copy.deepcopy(net), []
    for _ in range(2):
        net.load_state_dict(start.state_dict())
        moving = optimiser.start(net.named_parameters(), weight_decay=0.0, momentum=0.9)
        losses = []
        for _ in range(200):
            loss = (net(x) - y).square().mean()
            losses.append(float(loss.detach()))
            loss.backward()
            moving.step(learning_rate)
            assert net.weight.grad is None, "a step drops the gradients"
        runs.append(losses)
    assert runs[0] == runs[1], "the same start gives the same steps"
    assert runs[0][-1] < 0.5 * runs[0][0], f"steps lower the loss; it went from {runs[0][0]:.3g} to {runs[0][-1]:.3g}"
    before = net.weight.detach().clone()
    moving.step(learning_rate)
    assert torch.equal(before, net.weight.detach()), "without gradients nothing moves"
    _check_decay(optimiser, learning_rate)


def _check_decay(optimiser: Any, learning_rate: float) -> None:
    net = nn.Linear(2, 2)
    with torch.no_grad():
        net.weight.fill_(1.0), net.bias.fill_(1.0)
    moving = optimiser.start(net.named_parameters(), weight_decay=0.1, momentum=0.0)
    for _ in range(5):
        (0.0 * (net.weight.sum() + net.bias.sum())).backward()  # gradients of 0: only decay moves
        moving.step(learning_rate)
    assert float(net.weight.detach().max()) < 1.0, "weight decay shrinks matrices"
    assert torch.equal(net.bias.detach(), torch.ones(2)), "weight decay leaves biases alone"
