"""A loss of one's own: found by its import path, and tried before anything is trained with it.

Knows how a function or class of the user becomes a loss, and the rules every loss keeps. The path is read from study.yaml
only and imported from the user's own Python path; a model folder names the loss it was trained with, and nobody imports it.
"""

from __future__ import annotations

import hashlib
import importlib
import inspect
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import ModuleType
from typing import Any, ClassVar

import numpy as np
import torch
from torch import Tensor

from fieldguide.core.errors import ConfigError, nearest
from fieldguide.parts.losses._row import CERTAIN, RowLoss

RULE = "a loss takes logits (rows, d) and targets and returns the loss of each row, (rows,): finite, not negative, 0 at the truth"
ROWS = 24  # rows a loss is tried on
STEP = 1e-6  # of the finite differences, in float64
AGREE = 1e-4  # greatest distance of a gradient from the finite differences, as a share of the largest
AT_TRUTH = 1e-3  # the greatest loss at the truth


@dataclass(frozen=True)
class OwnLoss(RowLoss):
    """A function `loss(logits, target, **settings)` as a loss.

    The function may carry attributes of the contract: `tasks`, `scaling`, `activation`, `lowest`, `units`, `perfect`.

    Args:
        name: the import path.
        function: what was found there.
        settings: keyword arguments from study.yaml.
        state: a hash of the source it comes from: where it changes, steps run again.
    """

    name: str
    function: Callable[..., Any] = field(compare=False)
    settings: Mapping[str, Any] = field(default_factory=dict)
    state: str = ""

    title: ClassVar[str] = "a loss of your own"
    units: ClassVar[str] = "its own"

    def __getattribute__(self, name: str) -> Any:
        if name in ("tasks", "scaling", "activation", "lowest", "units"):
            return getattr(self.function, name, {"tasks": ()}.get(name, getattr(type(self), name, None)))
        return object.__getattribute__(self, name)

    def compute(self, logits: Tensor, target: Tensor) -> Tensor:
        losses: Tensor = self.function(logits, target, **self.settings)
        return losses

    def perfect(self, target: Tensor, d_logits: int) -> Tensor:
        given = getattr(self.function, "perfect", None)
        if given is not None:
            answer: Tensor = given(target, d_logits)
            return answer
        if target.is_floating_point() and self.activation in ("", "identity") and not _of_labels(target):
            return target.clone()
        return super().perfect(target, d_logits)


def _of_labels(target: Tensor) -> bool:
    return bool(((target == 0) | (target == 1)).all())


def own_loss(path: str, settings: Mapping[str, Any]) -> Any:
    """Return the loss at an import path, `package.module:name`: a function, or a class with the contract of a loss.

    Raises:
        ConfigError: the module cannot be imported, or has no such name.
    """
    module_name, _, attribute = path.partition(":")
    try:
        module = importlib.import_module(module_name)
    except Exception as reason:  # a user's module may fail in any way while it is imported
        raise ConfigError(
            f"the loss {path!r} cannot be imported", rule="problem.loss: package.module:name is importable from your Python path",
            found=f"{type(reason).__name__}: {reason}", do="install the package, or put its folder on PYTHONPATH",
        ) from reason  # fmt: skip
    found = getattr(module, attribute, None)
    if found is None or not callable(found):
        raise ConfigError(
            f"the module {module_name!r} has no loss named {attribute!r}{nearest(attribute, vars(module))}",
            rule="problem.loss names a function or a class", found=f"it was read from {_file(module) or 'memory'}",
            do="correct the name, or define it in the module",
        )  # fmt: skip
    if isinstance(found, type):
        return found(**settings)
    return OwnLoss(path, found, dict(settings), _state(module))


def _file(module: ModuleType) -> str:
    return str(getattr(module, "__file__", None) or "")


def _state(module: ModuleType) -> str:
    source = _file(module)
    return hashlib.blake2b(Path(source).read_bytes(), digest_size=8).hexdigest() if source else ""


def tried(loss: Any, output: Any, path: str) -> None:
    """Try a loss on made-up rows of an output: shape, finiteness, sign, the truth, and its gradient by finite differences.

    Args:
        output: with its task and labels.
        path: what messages call the loss.

    Raises:
        ConfigError: names the rule that does not hold, with the number found.
    """
    width = 1 if output.family == "binary" and output.task.activation == "sigmoid" else loss.d_logits(output.width)
    coded = output.task.family == "classes" and not (output.family == "binary" and output.task.activation == "sigmoid")
    target = made_up(output.family, output.width, width, coded, loss)
    logits = torch.from_numpy(np.random.default_rng(1).normal(size=(ROWS, width)))
    refuse = _Refusal(path, output)
    with torch.random.fork_rng(devices=[]):
        losses = _called(loss, logits, target, refuse)
        _check_values(loss, logits, target, losses, refuse)
        _check_truth(loss, target, width, refuse)
        _check_gradient(loss, logits, target, refuse)


def made_up(family: str, n_labels: int, width: int, coded: bool, loss: Any) -> Tensor:
    """Return targets as an output of this family hands them to its loss, float64 where they are columns.

    Shape:
        returns: (rows,) int64 codes, or (rows, width) float64
    """
    rng = np.random.default_rng(0)
    if coded:
        return torch.from_numpy(np.arange(ROWS) % n_labels)
    if family in ("binary", "multilabel"):
        return torch.from_numpy(np.arange(ROWS * width).reshape(ROWS, width) // 2 % 2).double()
    if loss.lowest is not None:
        return torch.from_numpy(loss.lowest + rng.poisson(1.5, (ROWS, width)) / 1.5)
    return torch.from_numpy(rng.normal(size=(ROWS, width)))


@dataclass(frozen=True)
class _Refusal:
    path: str
    output: Any

    def __call__(self, what: str, found: str, do: str) -> ConfigError:
        return ConfigError(
            f"the loss {self.path!r} {what}", rule=RULE, found=f"{found} (output {self.output.name!r}, {self.output.task.name})", do=do
        )  # fmt: skip


def _called(loss: Any, logits: Tensor, target: Tensor, refuse: _Refusal) -> Tensor:
    try:
        losses = loss.compute(logits, target)
    except Exception as reason:  # the user's code may fail in any way
        raise refuse(
            "fails", f"{type(reason).__name__}: {reason}",
            f"logits have the shape {tuple(logits.shape)} and targets {tuple(target.shape)}, {target.dtype}",
        ) from reason  # fmt: skip
    if not isinstance(losses, Tensor) or losses.shape != (len(logits),):
        shape = tuple(losses.shape) if isinstance(losses, Tensor) else type(losses).__name__
        raise refuse(
            f"has the wrong shape for {len(logits)} rows",
            f"it returns {shape}",
            "return one number a row; take no mean over rows",
        )
    return losses


def _check_values(loss: Any, logits: Tensor, target: Tensor, losses: Tensor, refuse: _Refusal) -> None:
    for factor in (1.0, 10.0):
        found = (
            losses
            if factor == 1.0
            else loss.compute((factor * logits).float(), target.float() if target.is_floating_point() else target)
        )
        bad = ~torch.isfinite(found)
        if bad.any():
            row = int(bad.nonzero()[0])
            raise refuse(
                "is not finite", f"{float(found[row].detach())} at logits {_shown(factor * logits[row])}, target {_shown(target[row])}",
                "guard logarithms, roots and quotients against 0",
            )  # fmt: skip
        if (found < -1e-6).any():
            raise refuse("is negative", f"the least is {float(found.min().detach()):.4g}", "subtract its least value")
    alone = loss.compute(logits[3:4], target[3:4])
    if alone.shape != (1,) or not torch.allclose(alone, losses[3:4], rtol=1e-5, atol=1e-7):
        raise refuse(
            "depends on the other rows of its batch", f"row 3 alone costs {float(alone.detach().mean()):.4g}, in the batch {float(losses[3].detach()):.4g}",
            "compute each row from its own logits and target",
        )  # fmt: skip


def _check_truth(loss: Any, target: Tensor, width: int, refuse: _Refusal) -> None:
    best = loss.compute(loss.perfect(target, width).to(torch.float64), target)
    worst = float(best.max().detach())
    if not worst <= AT_TRUTH:
        raise refuse(
            "is not 0 at the truth", f"it is up to {worst:.4g} where the prediction is the truth",
            "subtract what a perfect prediction costs, or give the function `perfect(target, d_logits)`, the logits that say the truth",
        )  # fmt: skip


def _check_gradient(loss: Any, logits: Tensor, target: Tensor, refuse: _Refusal) -> None:
    exact = analytic(loss, logits, target)
    if exact is None:
        raise refuse(
            "carries no gradient",
            "its result does not depend on the logits for torch",
            "use torch functions on the logits; no .item(), .numpy() or .detach()",
        )
    close = differences(loss, logits, target)
    scale = max(1.0, float(close.abs().max()))
    gap = (exact - close).abs()
    if not float(gap.max()) <= AGREE * scale:
        row, column = divmod(int(gap.argmax()), gap.shape[1])
        raise refuse(
            "has a gradient that is not its slope", f"at row {row}, logit {column} the gradient is {float(exact[row, column]):.4g}, finite differences say {float(close[row, column]):.4g}",
            "let torch derive it, or correct the backward function",
        )  # fmt: skip


def analytic(loss: Any, logits: Tensor, target: Tensor) -> Tensor | None:
    """Return the gradient of each row's loss by its logits as torch derives it; None where there is none.

    Shape:
        logits, returns: (rows, d)
    """
    point = logits.clone().requires_grad_(True)
    total = loss.compute(point, target).sum()
    if not total.requires_grad:
        return None
    (gradient,) = torch.autograd.grad(total, point, allow_unused=True)
    return gradient


def differences(loss: Any, logits: Tensor, target: Tensor, step: float = STEP) -> Tensor:
    """Return the gradient of each row's loss by its logits from finite differences, in float64.

    Shape:
        logits, returns: (rows, d)
    """
    columns = []
    with torch.no_grad():
        for column in range(logits.shape[1]):
            moved = torch.zeros_like(logits)
            moved[:, column] = step
            columns.append((loss.compute(logits + moved, target) - loss.compute(logits - moved, target)) / (2 * step))
    return torch.stack(columns, 1)


def _shown(cells: Tensor) -> str:
    values = np.atleast_1d(cells.detach().numpy())
    return "(" + ", ".join(f"{float(value):.3g}" for value in values[:4]) + (" …)" if len(values) > 4 else ")")


def signature(loss: Any) -> str:
    """Return how a loss is written in study.yaml, with the settings that differ from its own."""
    settings = getattr(loss, "settings", None)
    if settings is None:
        defaults = {name: p.default for name, p in inspect.signature(type(loss)).parameters.items()}
        settings = {k: v for k, v in vars(loss).items() if k in defaults and v != defaults[k] and k != "factors"}
    return str(loss.name) + (f" ({', '.join(f'{k} {v}' for k, v in settings.items())})" if settings else "")


__all__ = ["CERTAIN", "OwnLoss", "analytic", "differences", "made_up", "own_loss", "signature", "tried"]
