"""Rows as networks take them: tensors on a device, batches in random order, media decoded a few batches ahead.

Knows devices, threads and the order of rows; nothing of layers, losses or gradients.
"""

from __future__ import annotations

import contextlib
import math
from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, replace

import numpy as np
import torch
from torch import Tensor

from fieldguide.core.batch import Batch, Block, Encoded
from fieldguide.parts.nets.heads import Head

WORKERS = 2  # threads that decode media while the network computes: image libraries let go of the interpreter
WINDOWED_FROM = 5_000_000  # rows from which on an epoch goes from window to window
ROWS_PER_BLOCK, ROWS_PER_WINDOW = 1_024, 2_097_152
BATCHES_PER_POOL = 32  # batches among which rows are sorted by length


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
