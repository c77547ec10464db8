"""The one torch loop: a generator that trains, measures and yields; its caller decides when to stop.

Knows gradient steps, schedules and the clock; nothing of what the network is, of columns, or of files. How rows reach a device, and
in which order, is `_tensors`.
"""

from __future__ import annotations

import copy
import math
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

import torch
from torch import Tensor, nn

from fieldguide.core.clock import Clock
from fieldguide.core.contracts import Effort
from fieldguide.core.plain import finite
from fieldguide.parts import find
from fieldguide.parts.learners._tensors import Tensors, batches, fed, steps_per_epoch
from fieldguide.parts.nets.heads import Head, loss_of

STEPS_PER_CHECK = 8  # steps between looks at the clock and at the loss: a look waits for the device
ROWS_PER_CHUNK = 65_536  # rows predicted at once, fewer for wide networks
PRETRAINED_PACE = 0.02  # learning rate of pretrained layers, as a share of the others'
LEAST_HORIZON = 20.0  # steps that a running average of the weights looks back on, at least
CELLS_PER_CHUNK = 2**23  # activations of one layer at once: 32 MB


@dataclass(frozen=True)
class Plan:
    """How a network is trained: the numbers of the loop.

    Args:
        n_steps: gradient steps of the whole schedule.
        batch_size: rows per step.
        optimiser: name of a part in `parts/optimisers`.
        schedule: name of a part in `parts/schedules`.
        learning_rate: the highest of the schedule, after the warm-up.
        momentum: share of the running mean of gradients that a step keeps.
        weight_decay: on matrices only.
        l1: weight of the sum of absolute weights in the loss.
        clip: largest norm of the gradient; 0 does not clip.
        cooldown: share of the steps, at the end, over which the learning rate falls to 0.
        average: horizon of the running average of the weights [epochs]; 0 does not average.
        patience: epochs without a better validation loss until the training stops.
    """

    n_steps: int
    batch_size: int = 256
    learning_rate: float = 1e-3
    weight_decay: float = 0.0
    l1: float = 0.0
    clip: float = 1.0
    cooldown: float = 0.5
    average: float = 0.0
    patience: int = 16
    optimiser: str = "adamw"
    momentum: float = 0.9
    schedule: str = "cooldown"


@dataclass
class Trained:
    """What one training left behind: the network holds its best weights."""

    net: nn.Module
    n_steps: int
    stopped: str
    history: list[dict[str, Any]]


def rate(plan: Plan, progress: float, step: int) -> float:
    """Return the learning rate: a short warm-up, then as the schedule says (see `parts/schedules`).

    Args:
        progress: share of the schedule that is done, by steps or by the clock, whichever is further.
        step: gradient steps done.

    Examples:
        >>> plan = Plan(n_steps=100, learning_rate=1.0, cooldown=0.5)
        >>> rate(plan, 0.2, 50), rate(plan, 0.75, 50), rate(plan, 1.0, 50)
        (1.0, 0.5, 0.0)
    """
    warm_up = max(1, min(20, plan.n_steps // 10))
    factor = schedule_of(plan.schedule, plan.cooldown).factor(progress)
    return plan.learning_rate * max(0.0, min(1.0, factor, (step + 1) / warm_up))


@cache
def schedule_of(name: str, cooldown: float) -> Any:
    """Return the schedule of a plan; only the cooldown has a length that learners set."""
    return find("schedules", name)(**({"share": cooldown} if name == "cooldown" else {}))


class Descent:
    """Gradient steps on a network, one batch at a time, with all that they keep in mind."""

    def __init__(self, net: nn.Module, heads: Sequence[Head], plan: Plan) -> None:
        optimiser = find("optimisers", plan.optimiser)()
        self.net, self.heads, self.plan = net, heads, plan
        self.device = next(net.parameters()).device
        self.moving = [
            (optimiser.start(named, weight_decay=plan.weight_decay, momentum=plan.momentum), pace)
            for named, pace in paces(net)
        ]
        self.parameters = [p for p in net.parameters() if p.requires_grad]
        self.matrices = [p for p in self.parameters if p.ndim > 1]

    def step(self, part: Tensors, learning_rate: float) -> Tensor:
        """Move the weights once; return the batch's mean loss before the move, penalties left out."""
        with torch.autocast("cuda", torch.bfloat16, enabled=self.device.type == "cuda"):
            logits = self.net(*part.inputs)
        losses = loss_of(self.heads, logits, part.targets)
        loss = (losses if part.weights is None else losses * part.weights).mean()
        found = loss.detach()
        if self.plan.l1:
            loss = loss + self.plan.l1 * torch.stack([m.abs().sum() for m in self.matrices]).sum()
        loss.backward()
        if self.plan.clip:
            nn.utils.clip_grad_norm_(self.parameters, self.plan.clip, foreach=True)
        for moving, pace in self.moving:
            moving.step(pace * learning_rate)
        return found


def epochs(
    net: nn.Module,
    heads: Sequence[Head],
    train: Tensors,
    stop: Tensors | None,
    plan: Plan,
    *,
    seed: int = 0,
    clock: Clock | None = None,
    average: nn.Module | None = None,
) -> Iterator[dict[str, Any]]:
    """Train, and yield after each epoch what it brought: epoch, step, train, validation, seconds.

    The iteration ends after `plan.n_steps`, at a loss that is not finite (`failed` says so) or when the clock is about
    to end (`stopped` is "clock"); whoever iterates may stop at any time. Losses are per row; `train` is the mean over
    the epoch's batches, dropout on; `validation` is None without rows to stop on, and so is a loss that is not finite.

    Args:
        net: trained in place.
        stop: rows to measure after each epoch, never to learn from.
        clock: when to end; near its end the learning rate falls as it does near the last step.
        average: a copy of `net` that follows as the running average of its weights; when given, it is what is measured.
    """
    clock, descent = clock or Clock(), Descent(net, heads, plan)
    generator = torch.Generator().manual_seed(seed)
    per_epoch = steps_per_epoch(len(train), plan.batch_size)
    decay = math.exp(-1.0 / max(LEAST_HORIZON, plan.average * per_epoch))
    started, budget = time.monotonic(), clock.left()
    step, epoch, measuring = 0, 0, 0.0
    while step < plan.n_steps:
        net.train()
        total, seen, ended = torch.zeros((), device=descent.device), 0, ""
        for part in fed(train, batches(len(train), plan.batch_size, generator, train.lengths), (seed, epoch)):
            spent = 0.0 if math.isinf(budget) else (time.monotonic() - started + measuring) / max(budget, 1e-9)
            total += descent.step(part, rate(plan, max(step / plan.n_steps, spent), step)) * len(part)
            step, seen = step + 1, seen + len(part)
            if average is not None:
                follow(average, net, min(decay, step / (step + 10.0)))
            if step % STEPS_PER_CHECK == 0:
                ended = _ended(total, clock.left() <= measuring)
            if ended or step >= plan.n_steps:
                break
        epoch += 1
        ended = ended or _ended(total, clock.left() <= measuring)
        begun = time.monotonic()
        measured = measure(average if average is not None else net, heads, stop) if stop is not None else math.nan
        measuring = time.monotonic() - begun
        if stop is not None and not math.isfinite(measured) and not ended:
            ended = "the validation loss is not finite"
        record = {"epoch": epoch, "step": step, "train": finite(float(total) / seen), "validation": finite(measured)}
        yield record | {"seconds": time.monotonic() - started} | _reason(ended)
        if ended:
            return


def paces(net: nn.Module) -> list[tuple[list[tuple[str, nn.Parameter]], float]]:
    """Return the parameters that learn, by their pace: weights that were learned elsewhere move in small steps."""
    learning = [(name, p) for name, p in net.named_parameters() if p.requires_grad]
    fresh = [(name, p) for name, p in learning if ".pretrained." not in name]
    pretrained = [(name, p) for name, p in learning if ".pretrained." in name]
    return [(fresh, 1.0), *([(pretrained, PRETRAINED_PACE)] if pretrained else [])]


def _ended(total: Tensor, out_of_time: bool) -> str:
    if not math.isfinite(float(total)):
        return "the training loss is not finite"
    return "clock" if out_of_time else ""


def _reason(ended: str) -> dict[str, str]:
    if not ended:
        return {}
    return {"stopped": "clock"} if ended == "clock" else {"failed": ended}


@torch.no_grad()
def follow(average: nn.Module, net: nn.Module, decay: float) -> None:
    """Move the running average towards the network's weights; statistics of normalisations are averages already."""
    torch._foreach_lerp_(list(average.parameters()), list(net.parameters()), 1.0 - decay)
    for mine, theirs in zip(average.buffers(), net.buffers(), strict=True):
        mine.copy_(theirs)


@torch.inference_mode()
def measure(net: nn.Module, heads: Sequence[Head], rows: Tensors) -> float:
    """Return the mean loss per row, dropout off."""
    net.eval()
    total, weight, size = 0.0, 0.0, chunk_rows(net)
    for start in range(0, len(rows), size):
        part = rows.take(slice(start, start + size)).loaded()
        losses = loss_of(heads, net(*part.inputs), part.targets)
        total += float((losses if part.weights is None else losses * part.weights).double().sum())
        weight += len(part) if part.weights is None else float(part.weights.double().sum())
    return total / max(weight, 1e-12)


def chunk_rows(net: nn.Module) -> int:
    """Return how many rows go through a network at once, so that one layer's activations stay in memory."""
    return max(1, min(ROWS_PER_CHUNK, CELLS_PER_CHUNK // int(getattr(net, "width", 512))))


def train_network(
    net: nn.Module, heads: Sequence[Head], train: Tensors, stop: Tensors | None, plan: Plan, effort: Effort
) -> Trained:
    """Drive the loop: keep the best weights by validation loss, stop when they have not improved for `patience` epochs.

    With `effort.n_steps` (a refit) or without rows to stop on, all steps are done and the last weights are kept.
    """
    fixed = effort.n_steps is not None or stop is None
    average = copy.deepcopy(net) if plan.average else None
    judged = average if average is not None else net
    best, best_step, since, stopped, kept = math.inf, 0, 0, "steps", None
    history: list[dict[str, Any]] = []
    initial = snapshot(net)
    loop = epochs(net, heads, train, stop, plan, seed=effort.seed, clock=effort.clock, average=average)
    for record in loop:
        history.append(record)
        if effort.watch is not None:
            effort.watch(record)
        failed = "failed" in record
        state = snapshot(judged) if not failed and (fixed or record["validation"] < best) else None
        if state is not None:
            kept, best_step, since = state, record["step"], 0
            best = best if fixed else record["validation"]
        else:
            since += 1
        stopped = record.get("stopped", stopped)
        if failed or (not fixed and since >= plan.patience):
            stopped = "early"
            break
    judged.load_state_dict(kept or initial or {})  # nothing finite was ever reached: untrained, it predicts at least
    judged.eval()
    return Trained(judged, max(best_step, 1), stopped, history)


def snapshot(net: nn.Module) -> dict[str, Tensor] | None:
    """Return a copy of a network's weights, or None when one of them is not finite."""
    state = {name: value.clone() for name, value in net.state_dict().items()}
    return state if all(bool(value.isfinite().all()) for value in state.values()) else None
