"""Time an epoch of ours beside an epoch of a loop written by hand, on the same network, rows and batch size.

    python -m benchmarks.epoch [--rows 20000] [--rounds 7] [--threads 1] [--learners mlp tabm]

The hand-written loop is what a PyTorch user writes without us: a permutation, indexed batches, `torch.optim.AdamW`, the
loss, one pass over the validation rows. Ours does the same through the generator, and adds gradient clipping, the running
average of weights, the schedule and looks at the clock. Rounds alternate, so that a busy machine slows both; medians and
their ratio are printed. Goal: at most 1.1.
"""

from __future__ import annotations

import argparse
import copy
import json
import statistics
import time
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import torch
from torch import nn

from fieldguide import parts
from fieldguide.core.batch import Encoded
from fieldguide.parts.learners import _network, _tensors, _training
from fieldguide.testing.learner import example


def ours(
    learner: Any, net: nn.Module, heads: Any, train: _tensors.Tensors, stop: _tensors.Tensors
) -> Callable[[], None]:
    """Return a function that trains one epoch with our loop."""
    steps = _tensors.steps_per_epoch(len(train), learner.batch_size)
    plan = replace(learner.plan(len(train)), n_steps=1000 * steps)
    average = copy.deepcopy(net) if plan.average else None
    loop = _training.epochs(net, heads, train, stop, plan, average=average)

    def epoch() -> None:
        next(loop)

    return epoch


def by_hand(learner: Any, net: nn.Module, train: _tensors.Tensors, stop: _tensors.Tensors) -> Callable[[], None]:
    """Return a function that trains one epoch with a plain PyTorch loop (binary target)."""
    optimizer = torch.optim.AdamW(net.parameters(), lr=learner.learning_rate, weight_decay=learner.weight_decay)
    loss_function = nn.BCEWithLogitsLoss()

    def loss_of(rows: _tensors.Tensors) -> torch.Tensor:
        logits = net(rows.numbers, rows.codes)
        return loss_function(logits, rows.targets[0].unsqueeze(1).expand_as(logits))

    def epoch() -> None:
        net.train()
        order, total = torch.randperm(len(train)), 0.0
        for start in range(0, len(order), learner.batch_size):
            rows = order[start : start + learner.batch_size]
            part = _tensors.Tensors(train.numbers[rows], train.codes[rows], (train.targets[0][rows],))
            optimizer.zero_grad()
            loss = loss_of(part)
            loss.backward()
            optimizer.step()
            total += loss.item()
        net.eval()
        with torch.no_grad():
            float(loss_of(stop))

    return epoch


def measure(learner: Any, data: Encoded, outputs: Any, rounds: int, threads: int) -> dict[str, float]:
    """Return median seconds of both loops and their ratio, rounds alternating."""
    n_stop = len(data) // 10
    with _tensors.computing(threads, 0):
        net, heads, train, description = _network.prepared(learner, data.take(slice(n_stop, None)), outputs)
        stop = _network.tensors_of(data.take(slice(0, n_stop)), heads, description.scaling)
        epochs = {
            "ours": ours(learner, net, heads, train, stop),
            "by hand": by_hand(learner, copy.deepcopy(net), train, stop),
        }
        seconds: dict[str, list[float]] = {name: [] for name in epochs}
        for number in range(rounds + 1):
            for name in epochs if number % 2 else reversed(epochs):
                began = time.perf_counter()
                epochs[name]()
                seconds[name].append(time.perf_counter() - began)
    medians = {name: statistics.median(times[1:]) for name, times in seconds.items()}  # the first round warms up
    return medians | {"ratio": medians["ours"] / medians["by hand"]}


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--rows", type=int, default=20_000)
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--learners", nargs="+", default=["mlp", "tabm"])
    arguments = parser.parse_args()
    data, outputs = example("binary", arguments.rows, n_numbers=12)
    for name in arguments.learners:
        found = measure(parts.find("learners", name)(), data, outputs, arguments.rounds, arguments.threads)
        print(json.dumps({"learner": name} | {key: round(value, 4) for key, value in found.items()}), flush=True)


if __name__ == "__main__":
    main()
