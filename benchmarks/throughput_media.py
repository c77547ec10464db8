"""What an epoch on image files costs beside its two parts, and a training step beside a loop written by hand.

    taskset -c 0 python -m benchmarks.throughput_media [--files 256] [--rounds 3]

1. On 224-pixel JPEG files: CPU seconds of an epoch (files decoded, scaled and augmented by workers while the network trains),
   of decoding alone (the same batches, nothing trained), and of training alone (the same batches, decoded before). Nothing is
   kept between epochs. Goal: epoch / (decoding + training) at most 1.1.
2. On pixels in memory: CPU seconds of a step of our loop and of a plain PyTorch loop with the same network, batches and
   optimiser. Goal: at most 1.1. Rounds alternate; medians are printed.
"""

from __future__ import annotations

import argparse
import copy
import statistics
import tempfile
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import torch

from fieldguide.core.batch import Encoded
from fieldguide.core.problem import Output
from fieldguide.core.transform import Recipe
from fieldguide.parts import find, modality
from fieldguide.parts.learners import _network, _tensors, _training
from fieldguide.parts.modalities import _pictures

SIDE = 224


def write_files(folder: Path, n: int) -> np.ndarray:
    """Write JPEG files with detail, as photographs have it; return their paths as cells."""
    from PIL import Image

    rng = np.random.default_rng(0)
    cells = np.empty(n, object)
    for i in range(n):
        layers = [
            np.asarray(Image.fromarray(rng.integers(0, 255, (k, k, 3), np.uint8)).resize((SIDE, SIDE), 3), np.float32)
            for k in (5, 28, 112)
        ]
        cells[i] = str(folder / f"{i}.jpg")
        Image.fromarray((0.6 * layers[0] + 0.3 * layers[1] + 0.1 * layers[2]).astype(np.uint8)).save(
            cells[i], quality=90
        )
    return cells


def cpu(work: Callable[[], object]) -> float:
    """Return the CPU seconds of a piece of work, all threads."""
    begun = time.process_time()
    work()
    return time.process_time() - begun


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--files", type=int, default=256)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--batch", type=int, default=32)
    parser.add_argument("--width", type=int, default=64)
    options = parser.parse_args()
    torch.set_num_threads(1)
    with tempfile.TemporaryDirectory() as folder:
        cells = write_files(Path(folder), options.files)
        _pictures.DECODED.limit = 0  # nothing is kept: every epoch decodes
        encoder = modality("image").fit({"photo": cells}, Recipe(media="blocks", pixels=SIDE))
        none = {"numbers": np.zeros((len(cells), 0), np.float32), "codes": np.zeros((len(cells), 0), np.int32)}
        batch = find_batch(encoder, none, cells)
        task = find("tasks", "binary")()
        output = Output("y", task, ("no", "yes"))
        learner = find("learners", "fusion")(d_embedding=options.width, batch_size=options.batch, average=0.0)
        rows = Encoded(batch, (np.arange(len(cells)) % 2,))
        net, heads, tensors, _ = _network.prepared(learner, rows, (output,))
        report(net, heads, tensors, learner, options)


def find_batch(encoder: object, none: dict[str, np.ndarray], cells: np.ndarray) -> object:
    """Return the batch of all files, not decoded."""
    from fieldguide.core.batch import Batch

    return Batch(encoder.layout(), {**none, **encoder.encode({"photo": cells})})  # type: ignore[attr-defined]


def report(net: torch.nn.Module, heads: object, tensors: object, learner: object, options: argparse.Namespace) -> None:
    """Measure both ratios and print them."""
    plan = replace(learner.plan(options.files), n_steps=10**6, average=0.0)  # type: ignore[attr-defined]
    order = list(_tensors.batches(options.files, options.batch, torch.Generator().manual_seed(0)))
    ready = replace(tensors, blocks=tuple(torch.from_numpy(b.load(np.random.default_rng(0))) for b in tensors.blocks))  # type: ignore
    whole = _training.epochs(copy.deepcopy(net), heads, tensors, None, plan)  # type: ignore[arg-type]
    trained = _training.epochs(copy.deepcopy(net), heads, ready, None, plan)  # type: ignore[arg-type]
    hand = by_hand(copy.deepcopy(net), ready, order, plan)

    def decode() -> None:
        for part in order:
            tensors.take(part).loaded(np.random.default_rng(0))  # type: ignore[attr-defined]

    works = {"epoch": lambda: next(whole), "decoding": decode, "training": lambda: next(trained), "by hand": hand}
    for work in works.values():
        work()  # warm
    times = {name: [cpu(work) for _ in range(1)] for name, work in works.items()}
    for _ in range(options.rounds - 1):
        for name, work in works.items():
            times[name].append(cpu(work))
    middle = {name: statistics.median(found) for name, found in times.items()}
    parts = middle["decoding"] + middle["training"]
    print(
        f"{options.files} JPEG files of {SIDE} x {SIDE}, batches of {options.batch}, width {options.width}, {options.rounds} rounds, CPU seconds an epoch"
    )
    print("| epoch | decoding alone | training alone | epoch / (decoding + training) | by hand | ours / by hand |")
    print(
        f"| {middle['epoch']:.2f} | {middle['decoding']:.2f} | {middle['training']:.2f} | {middle['epoch'] / parts:.3f} | "
        f"{middle['by hand']:.2f} | {middle['training'] / middle['by hand']:.3f} |"
    )


def by_hand(net: torch.nn.Module, ready: object, order: list[torch.Tensor], plan: object) -> Callable[[], None]:
    """Return an epoch of a plain PyTorch loop on decoded pixels."""
    optimizer = torch.optim.AdamW(net.parameters(), lr=plan.learning_rate, weight_decay=plan.weight_decay)  # type: ignore[attr-defined]
    loss_function = torch.nn.BCEWithLogitsLoss()

    def epoch() -> None:
        net.train()
        for rows in order:
            part = ready.take(rows)  # type: ignore[attr-defined]
            optimizer.zero_grad(set_to_none=True)
            loss = loss_function(net(*part.inputs).flatten(1)[:, 0], part.targets[0].float().flatten())
            loss.backward()
            torch.nn.utils.clip_grad_norm_(net.parameters(), 1.0)
            optimizer.step()

    return epoch


if __name__ == "__main__":
    main()
