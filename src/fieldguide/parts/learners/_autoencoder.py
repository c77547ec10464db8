"""An autoencoder: a network that squeezes a row through a few numbers and rebuilds it; trained by torch, run by numpy.

Knows points and their reconstruction. Its weights are plain matrices, so that a model folder needs no torch.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from fieldguide.core.contracts import Effort

PATIENCE = 12
BATCH = 256
EPOCHS = 120
RATE = 2e-3
HELD = 0.1
"""Share of the training rows that say when to stop."""


@dataclass(frozen=True)
class Autoencoded:
    """A trained autoencoder: two layers down to the code, two up; a ramp (ReLU) between.

    Shape:
        down, up: weights (in, out) and biases (out,), alternating

    Args:
        n_epochs: passes over the rows that were best.
        stopped: "early", "steps" or "clock".
        history: per epoch step, train and validation: mean squared error a row.
    """

    down: tuple[np.ndarray, ...]
    up: tuple[np.ndarray, ...]
    n_epochs: int = 0
    stopped: str = ""
    history: list[dict[str, Any]] = field(default_factory=list)

    def encode(self, points: np.ndarray) -> np.ndarray:
        """Return codes. Shape: (rows, d) to (rows, c) float64."""
        return _through(points, self.down)

    def decode(self, codes: np.ndarray) -> np.ndarray:
        """Return points rebuilt from codes. Shape: (rows, c) to (rows, d) float64."""
        return _through(codes, self.up)

    def arrays(self) -> dict[str, np.ndarray]:
        return {
            f"{name}_{i}": array
            for name, side in (("down", self.down), ("up", self.up))
            for i, array in enumerate(side)
        }

    @staticmethod
    def from_arrays(arrays: Mapping[str, np.ndarray]) -> Autoencoded:
        sides = [tuple(arrays[f"{name}_{i}"] for i in range(4)) for name in ("down", "up")]
        return Autoencoded(sides[0], sides[1])


def train_autoencoder(
    rows: np.ndarray, d_code: int, effort: Effort, *, d_hidden: int = 64, target: np.ndarray | None = None,
    stop: tuple[np.ndarray, np.ndarray] | None = None, weights: np.ndarray | None = None, n_epochs: int = EPOCHS,
) -> Autoencoded:  # fmt: skip
    """Train an autoencoder until rows held out of the training rows are rebuilt no better.

    Args:
        rows: points to rebuild.
        d_code: numbers in the code.
        target: what is rebuilt; None: the rows themselves.
        stop: rows and their targets that say when to stop; None: a tenth of the training rows.
        weights: how much each row counts.
        n_epochs: most passes over the rows; `effort.n_steps` asks for exactly so many instead.

    Shape:
        rows: (n, d); target: (n, e)
    """
    import torch

    from fieldguide.parts.learners._tensors import computing

    target = rows if target is None else target
    generator = torch.Generator().manual_seed(effort.seed % 2**31)
    if effort.n_steps is not None:
        stop = None  # exactly so many are asked for
    elif stop is None and len(rows) >= 50:
        order = torch.randperm(len(rows), generator=generator).numpy()
        held, kept = np.split(order, [int(HELD * len(rows))])
        stop, rows, target = (rows[held], target[held]), rows[kept], target[kept]
        weights = None if weights is None else weights[kept]
    x, y = (torch.from_numpy(np.ascontiguousarray(a, dtype=np.float32)) for a in (rows, target))
    w = torch.ones(len(x)) if weights is None else torch.from_numpy((weights / weights.mean()).astype(np.float32))
    sizes = ((x.shape[1], d_hidden), (d_hidden, d_code), (d_code, d_hidden), (d_hidden, y.shape[1]))
    parameters = [p for size in sizes for p in _layer(torch, size, generator)]
    optimiser = torch.optim.Adam(parameters, lr=RATE)
    watched = None if stop is None else [torch.from_numpy(np.ascontiguousarray(a, dtype=np.float32)) for a in stop]
    best, kept_weights, best_epoch, history, stopped = np.inf, parameters, 0, [], "steps"
    with computing(effort.threads):
        for epoch in range(1, (effort.n_steps or n_epochs) + 1):
            if epoch > 1 and effort.clock.over:
                stopped = "clock"
                break
            total = 0.0
            for rows_of in torch.randperm(len(x), generator=generator).split(BATCH):
                loss = (_errors(torch, x[rows_of], y[rows_of], parameters) * w[rows_of]).mean()
                optimiser.zero_grad()
                loss.backward()
                optimiser.step()
                total += float(loss.detach()) * len(rows_of)
            seen = None
            if watched is not None:
                with torch.no_grad():
                    seen = float(_errors(torch, watched[0], watched[1], parameters).mean())
            history.append({"step": epoch, "train": total / len(x), "validation": seen})
            if effort.watch is not None:
                effort.watch(history[-1])
            if seen is None or seen < best:
                best, best_epoch = np.inf if seen is None else seen, epoch
                kept_weights = [p.detach().clone() for p in parameters]
            elif effort.n_steps is None and epoch - best_epoch >= PATIENCE:
                stopped = "early"
                break
    arrays = [p.detach().numpy().astype(np.float64) for p in kept_weights]
    return Autoencoded(tuple(arrays[:4]), tuple(arrays[4:]), max(1, best_epoch), stopped, history)


def _layer(torch: Any, size: tuple[int, int], generator: Any) -> list[Any]:
    """Return weights drawn by He's rule, and zero biases."""
    weight = torch.randn(size, generator=generator) * (2.0 / size[0]) ** 0.5
    return [weight.requires_grad_(), torch.zeros(size[1]).requires_grad_()]


def _errors(torch: Any, x: Any, y: Any, parameters: list[Any]) -> Any:
    """Return the squared error of each row, summed over its entries. Shape: (rows,)."""
    return ((_forward(torch, x, parameters) - y) ** 2).sum(dim=1)


def _forward(torch: Any, x: Any, parameters: list[Any]) -> Any:
    for i in range(0, len(parameters), 2):
        x = x @ parameters[i] + parameters[i + 1]
        if i in (0, 4):
            x = torch.relu(x)
    return x


def _through(x: np.ndarray, side: tuple[np.ndarray, ...]) -> np.ndarray:
    hidden = np.maximum(np.asarray(x, np.float64) @ side[0] + side[1], 0.0)
    out: np.ndarray = hidden @ side[2] + side[3]
    return out
