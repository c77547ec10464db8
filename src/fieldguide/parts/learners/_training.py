"""The one torch loop: a generator that trains, measures and yields; its caller decides when to stop.

Knows tensors, gradient steps, schedules and the clock; nothing of what the network is, of columns, or of files.
"""

from __future__ import annotations

import contextlib
import copy
import math
import time
from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, replace
from functools import cache
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from fieldguide.core.batch import Batch, Block, Encoded
from fieldguide.core.clock import Clock
from fieldguide.core.contracts import Effort
from fieldguide.parts import find
from fieldguide.parts.nets.heads import Head, loss_of

STEPS_PER_CHECK = 8  # steps between looks at the clock and at the loss: a look waits for the device
ROWS_PER_CHUNK = 65_536  # rows predicted at once, fewer for wide networks
WORKERS = 2  # threads that decode media while the network computes: image libraries let go of the interpreter
PRETRAINED_PACE = 0.02  # learning rate of pretrained layers, as a share of the others'
WINDOWED_FROM = 5_000_000  # rows from which on an epoch goes from window to window
ROWS_PER_BLOCK, ROWS_PER_WINDOW = 1_024, 2_097_152
BATCHES_PER_POOL = 32  # batches among which rows are sorted by length
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


@dataclass(frozen=True)
class Tensors:
    """Encoded rows on a device; blocks stay where they are until a batch of them is loaded.

    Shape:
        numbers: (rows, n_numbers) float32
        codes: (rows, n_codes) int32
        targets[i]: (rows, d) float32, or (rows,) int64 for classes
        weights: (rows,) float32 with mean 1, or None
        blocks[i]: (rows, *shape of its spec), not decoded yet, or decoded and on the device
        lengths: (rows,) codes of all blocks together, where rows differ in length; None: they do not
    """

    numbers: Tensor
    codes: Tensor
    targets: tuple[Tensor, ...] = ()
    weights: Tensor | None = None
    blocks: tuple[Block | Tensor, ...] = ()
    lengths: np.ndarray | None = None

    def __len__(self) -> int:
        return len(self.numbers)

    def take(self, rows: Tensor | slice) -> Tensors:
        def pick(x: Tensor) -> Tensor:
            return x[rows] if isinstance(rows, slice) else x.index_select(0, rows)

        weights = None if self.weights is None else pick(self.weights)
        blocks: tuple[Block | Tensor, ...] = ()
        if self.blocks:
            places = rows if isinstance(rows, slice) else rows.cpu().numpy()
            blocks = tuple(pick(b) if isinstance(b, Tensor) else b[places] for b in self.blocks)
        return Tensors(pick(self.numbers), pick(self.codes), tuple(pick(t) for t in self.targets), weights, blocks)

    def loaded(self, rng: np.random.Generator | None = None) -> Tensors:
        """Return the same with its blocks decoded and on the device; augmented when a generator is given."""
        if not self.blocks:
            return self
        device = self.numbers.device
        blocks = (b if isinstance(b, Tensor) else torch.from_numpy(b.load(rng)).to(device) for b in self.blocks)
        return replace(self, blocks=tuple(blocks))

    @property
    def inputs(self) -> tuple[Tensor, ...]:
        """What a network takes: numbers, codes, and each block; loaded."""
        return (self.numbers, self.codes, *self.blocks)  # type: ignore[arg-type]


@dataclass
class Trained:
    """What one training left behind: the network holds its best weights."""

    net: nn.Module
    n_steps: int
    stopped: str
    history: list[dict[str, Any]]


def choose_device() -> torch.device:
    """Return the fastest device that is there: CUDA, then Apple's, then the processor."""
    if torch.cuda.is_available():
        return torch.device("cuda")
    return torch.device("mps" if torch.backends.mps.is_available() else "cpu")


@contextlib.contextmanager
def computing(threads: int, seed: int | None = None) -> Iterator[None]:
    """Compute with so many threads, and with torch's random state seeded; both are restored afterwards."""
    before = torch.get_num_threads()
    torch.set_num_threads(max(1, threads))
    try:
        if seed is None:
            yield
        else:
            with torch.random.fork_rng():
                torch.manual_seed(seed)
                yield
    finally:
        torch.set_num_threads(before)


def tensors_of(
    batch: Batch, device: torch.device, targets: Sequence[Tensor] = (), weights: np.ndarray | None = None
) -> Tensors:
    """Return a batch as contiguous tensors on a device; weights are scaled to mean 1."""
    scaled = None
    if weights is not None:
        scaled = torch.from_numpy(np.asarray(weights / max(weights.mean(), 1e-12), np.float32)).to(device)
    return Tensors(
        torch.from_numpy(np.ascontiguousarray(batch.numbers, np.float32)).to(device),
        torch.from_numpy(np.ascontiguousarray(batch.codes, np.int32)).to(device),
        tuple(target.to(device) for target in targets),
        scaled,
        batch.blocks,
        lengths_of(batch),
    )


def lengths_of(batch: Batch) -> np.ndarray | None:
    """Return how many codes each row has, over all blocks that hold codes; None where there is no such block."""
    ragged = [batch.arrays[spec.name] for spec in batch.layout.blocks if spec.size]
    if not ragged:
        return None
    return np.sum([[len(cell) for cell in block.cells] for block in ragged], axis=0)


def targets_of(
    heads: Sequence[Head], data: Encoded, scaling: Sequence[tuple[list[float], list[float]] | None]
) -> list[Tensor]:
    """Return coded targets as the losses take them; values are centred and scaled.

    Shape:
        scaling[i]: mean and standard deviation of each column of a value target, None for classes
    """
    tensors = []
    for head, target, scale in zip(heads, data.targets, scaling, strict=True):
        if head.is_code:
            tensors.append(torch.from_numpy(np.asarray(target, np.int64)))
            continue
        columns = np.asarray(target, np.float64).reshape(len(target), -1)
        if scale is not None:
            columns = (columns - np.array(scale[0])) / np.array(scale[1])
        tensors.append(torch.from_numpy(np.asarray(columns, np.float32)))
    return tensors


def steps_per_epoch(n_rows: int, batch_size: int) -> int:
    """Return how many batches an epoch has; a remainder of one row joins the last batch (BatchNorm needs two).

    Examples:
        >>> steps_per_epoch(513, 256), steps_per_epoch(514, 256), steps_per_epoch(1, 256)
        (2, 3, 1)
    """
    return max(1, n_rows // batch_size + (n_rows % batch_size > 1))


def batches(
    n_rows: int, batch_size: int, generator: torch.Generator, lengths: np.ndarray | None = None
) -> Iterator[Tensor]:
    """Yield the row indices of one epoch's batches, from one permutation.

    Where rows differ in length, rows of like length share a batch, since a batch is as long as its longest row: the
    permutation is cut into pools, each pool is sorted, and its batches are dealt in random order.
    """
    if n_rows == 1:
        yield torch.zeros(2, dtype=torch.int64)  # BatchNorm cannot train on one row; twice the same row has no spread
        return
    order = shuffled(n_rows, generator)
    n = steps_per_epoch(n_rows, batch_size)
    turns: Sequence[int] = range(n)
    if lengths is not None:
        pool = BATCHES_PER_POOL * batch_size
        order = torch.cat([part[np.argsort(lengths[part.numpy()], kind="stable")] for part in order.split(pool)])
        turns = torch.randperm(n, generator=generator).tolist()
    for i in turns:
        yield order[i * batch_size : n_rows if i == n - 1 else (i + 1) * batch_size]


def shuffled(n_rows: int, generator: torch.Generator) -> Tensor:
    """Return the rows in random order.

    Many rows lie on disk, where each batch would read pages from everywhere: blocks of consecutive rows are shuffled, and then the
    rows within a window of blocks, so that an epoch reads about as much as there is.

    Shape:
        returns: (rows,) int64
    """
    if n_rows <= WINDOWED_FROM:
        return torch.randperm(n_rows, generator=generator)
    blocks = torch.randperm(math.ceil(n_rows / ROWS_PER_BLOCK), generator=generator)
    order = (blocks[:, None] * ROWS_PER_BLOCK + torch.arange(ROWS_PER_BLOCK)).reshape(-1)
    windows = order[order < n_rows].split(ROWS_PER_WINDOW)
    return torch.cat([window[torch.randperm(len(window), generator=generator)] for window in windows])


def fed(train: Tensors, batches: Iterable[Tensor], salt: tuple[int, int]) -> Iterator[Tensors]:
    """Yield batches ready to be learned from; media are decoded and augmented by workers, a few batches ahead.

    Args:
        batches: the rows of each batch.
        salt: seed and epoch; with the batch's number they fix its augmentation, whichever worker makes it.
    """
    device = train.numbers.device
    if not train.blocks:
        for rows in batches:
            yield train.take(rows.to(device))
        return

    def made(number: int, rows: Tensor) -> Tensors:
        return train.take(rows.to(device)).loaded(np.random.default_rng((*salt, number)))

    with ThreadPoolExecutor(WORKERS) as pool:
        ahead: deque[Future[Tensors]] = deque()
        try:
            for number, rows in enumerate(batches):
                ahead.append(pool.submit(made, number, rows))
                if len(ahead) > 2 * WORKERS:
                    yield ahead.popleft().result()
            while ahead:
                yield ahead.popleft().result()
        finally:  # whoever iterates may stop at any time
            for future in ahead:
                future.cancel()


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
    clock, device = clock or Clock(), next(net.parameters()).device
    optimiser = find("optimisers", plan.optimiser)()
    moving = [
        (optimiser.start(named, weight_decay=plan.weight_decay, momentum=plan.momentum), pace)
        for named, pace in paces(net)
    ]
    parameters = [p for p in net.parameters() if p.requires_grad]
    matrices = [p for p in parameters if p.ndim > 1]
    generator = torch.Generator().manual_seed(seed)
    per_epoch = steps_per_epoch(len(train), plan.batch_size)
    decay = math.exp(-1.0 / max(LEAST_HORIZON, plan.average * per_epoch))
    started, budget = time.monotonic(), clock.left()
    step, epoch, measuring = 0, 0, 0.0
    while step < plan.n_steps:
        net.train()
        total, seen, ended = torch.zeros((), device=device), 0, ""
        for part in fed(train, batches(len(train), plan.batch_size, generator, train.lengths), (seed, epoch)):
            spent = 0.0 if math.isinf(budget) else (time.monotonic() - started + measuring) / max(budget, 1e-9)
            with torch.autocast("cuda", torch.bfloat16, enabled=device.type == "cuda"):
                logits = net(*part.inputs)
            losses = loss_of(heads, logits, part.targets)
            loss = (losses if part.weights is None else losses * part.weights).mean()
            total += loss.detach() * len(part)
            if plan.l1:
                loss = loss + plan.l1 * torch.stack([m.abs().sum() for m in matrices]).sum()
            loss.backward()
            if plan.clip:
                nn.utils.clip_grad_norm_(parameters, plan.clip, foreach=True)
            learning_rate = rate(plan, max(step / plan.n_steps, spent), step)
            for part_moving, pace in moving:
                part_moving.step(pace * learning_rate)
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
        record = {"epoch": epoch, "step": step, "train": _finite(float(total) / seen), "validation": _finite(measured)}
        yield record | {"seconds": time.monotonic() - started} | _reason(ended)
        if ended:
            return


def paces(net: nn.Module) -> list[tuple[list[tuple[str, nn.Parameter]], float]]:
    """Return the parameters that learn, by their pace: weights that were learned elsewhere move in small steps."""
    learning = [(name, p) for name, p in net.named_parameters() if p.requires_grad]
    fresh = [(name, p) for name, p in learning if ".pretrained." not in name]
    pretrained = [(name, p) for name, p in learning if ".pretrained." in name]
    return [(fresh, 1.0), *([(pretrained, PRETRAINED_PACE)] if pretrained else [])]


def _finite(loss: float) -> float | None:
    return loss if math.isfinite(loss) else None


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
