"""The contract of a loss: a number a row, never negative, 0 at the truth, with the gradient that finite differences see.

Knows `core.contracts.Loss` only; whether the formula is the right one is tested beside the loss.
"""

from __future__ import annotations

import dataclasses
from types import SimpleNamespace
from typing import Any

import numpy as np
import torch
from torch import Tensor

from fieldguide.parts.losses._own import analytic, differences

N_ROWS = 40
LABELS = ("a", "b", "c", "d", "e")
KINDS = ("binary", "multiclass", "multilabel", "ordinal", "regression", "vector", "count", "forecast", "price")


def check_loss(loss: Any, seed: int = 0) -> None:
    """Assert that a loss keeps the contract, for every task it suits.

    Args:
        loss: an instance of the loss.
        seed: of the rows it is tried on.

    Raises:
        AssertionError: names the rule that does not hold.

    Examples:
        >>> from fieldguide import parts
        >>> check_loss(parts.find("losses", "focal")())
    """
    settled = getattr(type(loss), "__dataclass_params__", None)
    assert settled is not None and settled.frozen, "a loss is a frozen dataclass"
    assert loss.title and loss.units, "a loss has a title and units"
    assert loss.tasks, "a loss names the tasks it suits"
    assert loss.scaling in ("standard", "mean", "size", "none"), f"scaling has no meaning {loss.scaling!r}"
    for field in dataclasses.fields(loss):
        assert field.metadata.get("doc"), f"the setting {field.name} says what it means (core.settings.setting)"
    for task in loss.tasks:
        if task in KINDS:
            _check_task(loss, task, seed)


def targets(loss: Any, task: str, seed: int = 0) -> tuple[Any, Tensor, int]:
    """Return the loss fitted to made-up rows of a task, their targets in float64, and how many logits it takes.

    Examples:
        >>> from fieldguide import parts
        >>> _, target, d_logits = targets(parts.find("losses", "cross_entropy")(), "multiclass")
        >>> target.shape, d_logits
        (torch.Size([40]), 5)
    """
    rng = np.random.default_rng(seed)
    n_labels = 2 if task == "binary" else len(LABELS)
    if task in ("binary", "multiclass", "ordinal"):
        codes = rng.permutation(np.arange(N_ROWS) % n_labels)
        fitted = loss.fitted(codes, SimpleNamespace(name="y", labels=LABELS[:n_labels]))
        if task == "binary":
            return fitted, torch.from_numpy(codes).double().unsqueeze(1), 1
        return fitted, torch.from_numpy(codes), loss.d_logits(n_labels)
    width = {"multilabel": 4, "vector": 3}.get(task, 1)
    values = {
        "multilabel": rng.integers(0, 2, (N_ROWS, width)), "count": rng.poisson(2.0, (N_ROWS, width)) / 2.0,
        "price": rng.choice([-1.0, 1.0], (N_ROWS, width)) * rng.gamma(4.0, 0.5, (N_ROWS, width)),  # the sign says whether it was booked
    }  # fmt: skip
    made = values.get(
        task, rng.normal(size=(N_ROWS, width)) if loss.lowest is None else rng.gamma(2.0, 0.5, (N_ROWS, width))
    )
    fitted = loss.fitted(made, SimpleNamespace(name="y", labels=()))
    return fitted, torch.from_numpy(np.asarray(made, np.float64)), loss.d_logits(width)


def _check_task(loss: Any, task: str, seed: int) -> None:
    fitted, target, d_logits = targets(loss, task, seed)
    logits = torch.from_numpy(np.random.default_rng(seed + 1).normal(0, 1.5, (N_ROWS, d_logits)))
    losses = fitted.compute(logits, target)
    assert losses.shape == (N_ROWS,), f"{task}: a loss is one number a row, {(N_ROWS,)}, not {tuple(losses.shape)}"
    assert torch.isfinite(losses).all(), f"{task}: a loss is finite"
    assert float(losses.min()) >= -1e-9, f"{task}: a loss is not negative; the least is {float(losses.min()):.3g}"
    small = target.float() if target.is_floating_point() else target
    for far in (20.0, -20.0):
        found = fitted.compute(torch.full((N_ROWS, d_logits), far), small)
        assert torch.isfinite(found).all(), f"{task}: a loss is finite in float32 at logits of {far:g}"
    perfect = fitted.perfect(target, d_logits).double()
    assert perfect.shape == (N_ROWS, d_logits), f"{task}: perfect logits are {(N_ROWS, d_logits)}"
    best = float(fitted.compute(perfect, target).abs().max())
    assert best <= 1e-6, f"{task}: at the truth a loss is 0, not {best:.3g}"
    order = torch.from_numpy(np.random.default_rng(2).permutation(N_ROWS))
    turned = fitted.compute(logits[order], target[order])
    assert torch.allclose(turned, losses[order]), f"{task}: rows do not depend on each other, nor on their order"
    assert torch.allclose(fitted.compute(logits[:1], target[:1]), losses[:1]), f"{task}: a row alone costs the same"
    exact, close = analytic(fitted, logits, target), differences(fitted, logits, target)
    assert exact is not None, f"{task}: a loss has a gradient"
    gap = float((exact - close).abs().max())
    assert gap <= 1e-5 * max(1.0, float(close.abs().max())), (
        f"{task}: the gradient differs from finite differences by {gap:.3g}"
    )
    _check_descent(fitted, task, target, d_logits)


def _check_descent(loss: Any, task: str, target: Tensor, d_logits: int) -> None:
    logits = torch.zeros(N_ROWS, d_logits, dtype=torch.float64)
    begin = float(loss.compute(logits, target).mean())
    for _ in range(60):
        gradient = analytic(loss, logits, target)
        assert gradient is not None
        logits = logits - 0.3 * gradient
    end = float(loss.compute(logits, target).mean())
    assert end < 0.9 * begin, (
        f"{task}: steps against the gradient lower the loss; it went from {begin:.3g} to {end:.3g}"
    )
