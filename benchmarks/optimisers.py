"""Compare the optimisers by name on real rows, each at the rates its own range test suggests; print tables and curves.

    python -m benchmarks.optimisers [--tables adult california] [--epochs 12] [--threads 1] [--seeds 3] [--out FILE]

The network, the rows, the batches and the schedule are the same for all; only the optimiser and its rate differ. Of the training
rows a fifth is held out for the validation loss; the test rows are not read. The rates tried are what the range test suggests, times
√10, 1 and powers of 1/√10 down to a hundredth, as many for every optimiser. Nothing stops early: the curve of every epoch is kept. Peers: `torch.optim` of the same name, same network, batches and rate, for the time of an epoch.
"""

from __future__ import annotations

import argparse
import copy
import json
import math
import statistics
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import torch

from benchmarks import datasets
from fieldguide.core.batch import Encoded
from fieldguide.core.candidate import encode
from fieldguide.core.contracts import Effort
from fieldguide.core.rows import Rows
from fieldguide.core.settings import with_values
from fieldguide.core.transform import Recipe, Transform
from fieldguide.parts import find, modality
from fieldguide.parts.learners import _network, _tensors, _training
from fieldguide.parts.learners._range import BELOW, rate_range
from fieldguide.parts.nets.heads import loss_of
from fieldguide.workflow import Study

OPTIMISERS = ("sgd", "momentum", "rmsprop", "adam", "adamw")
FACTORS = (0.01, math.sqrt(0.001), 0.1, math.sqrt(0.1), 1.0, math.sqrt(10))
TABLES = {"adult": datasets.adult, "california": datasets.california}


def rows_of(name: str, folder: Path) -> tuple[Encoded, Encoded, Any, Any]:
    """Return encoded rows to fit on and to watch, the outputs, and the learner, of one real table."""
    task = TABLES[name](0)
    study = Study.create(task.train, target=task.target, out=folder / name)
    framed = study.material.framed
    rows = Rows.of(framed.table, framed.problem.outputs, modality)
    order = np.random.default_rng(0).permutation(len(rows))
    held, kept = order[: len(rows) // 5], order[len(rows) // 5 :]
    learner = find("learners", "mlp")()
    recipe = with_values(Recipe(), learner.recipe)
    transform = Transform.fit(recipe, rows.take(kept), modality)
    outputs = framed.problem.outputs

    def encoded(part: np.ndarray) -> Encoded:
        chosen = rows.take(part)
        return encode(transform.encode(chosen.cells, len(chosen)), chosen, outputs, learner)

    return encoded(kept), encoded(held), outputs, learner


def trained(learner: Any, train: Encoded, stop: Encoded, outputs: Any, threads: int, seed: int) -> list[dict[str, Any]]:
    """Return the learning curve of a whole schedule: step, train, validation, seconds, of each epoch."""
    with _tensors.computing(threads, seed):
        net, heads, rows, description = _network.prepared(learner, train, outputs)
        watched = _network.tensors_of(stop, heads, description.scaling)
        average = copy.deepcopy(net) if learner.average else None
        return list(_training.epochs(net, heads, rows, watched, learner.plan(len(train)), seed=seed, average=average))


def peer_seconds(learner: Any, train: Encoded, outputs: Any, threads: int) -> dict[str, float]:
    """Return seconds of one epoch: our loop's, and of a plain loop with `torch.optim` of the same name, alternating."""
    kinds: dict[str, Any] = {
        "sgd": lambda p: torch.optim.SGD(p, lr=1e-3), "momentum": lambda p: torch.optim.SGD(p, lr=1e-3, momentum=0.9, nesterov=True),
        "rmsprop": lambda p: torch.optim.RMSprop(p, lr=1e-3), "adam": lambda p: torch.optim.Adam(p, lr=1e-3), "adamw": lambda p: torch.optim.AdamW(p, lr=1e-3),
    }  # fmt: skip
    with _tensors.computing(threads, 0):
        net, heads, rows, _ = _network.prepared(learner, train, outputs)
        plan = replace(learner.plan(len(train)), n_steps=10**6, average=0.0)
        ours, plain = _training.epochs(net, heads, rows, None, plan), copy.deepcopy(net)
        optimiser = kinds[learner.optimiser](plain.parameters())
        seconds: dict[str, list[float]] = {"ours": [], "torch": []}
        for _ in range(4):
            began = time.perf_counter()
            next(ours)
            seconds["ours"].append(time.perf_counter() - began)
            began = time.perf_counter()
            plain.train()
            for part in torch.randperm(len(rows)).split(learner.batch_size):
                batch = rows.take(part)
                optimiser.zero_grad()
                loss_of(heads, plain(*batch.inputs), batch.targets).mean().backward()
                torch.nn.utils.clip_grad_norm_(plain.parameters(), 1.0)
                optimiser.step()
            seconds["torch"].append(time.perf_counter() - began)
    return {name: statistics.median(times[1:]) for name, times in seconds.items()}


def compared(name: str, folder: Path, epochs: int, threads: int, seeds: int) -> list[dict[str, Any]]:
    """Return one entry per optimiser: rates tried, validation loss of each, the curve of the best, seconds an epoch."""
    train, stop, outputs, learner = rows_of(name, folder)
    learner = replace(learner, n_epochs=epochs)
    found = []
    for optimiser in OPTIMISERS:
        one = replace(learner, optimiser=optimiser)
        test = rate_range(one, train, outputs, Effort(0, threads))
        start = test["suggested"]
        tried: dict[float, list[list[dict[str, Any]]]] = {}
        for factor in FACTORS:
            at = replace(one, learning_rate=start * factor)
            tried[start * factor] = [trained(at, train, stop, outputs, threads, seed) for seed in range(seeds)]
        losses = {rate: [_last(curve) for curve in curves] for rate, curves in tried.items()}
        best = min(losses, key=lambda rate: statistics.mean(losses[rate]))
        entry = {
            "table": name, "optimiser": optimiser, "steepest": start, "lowest": test["lowest"], "diverged": test["diverged"], "suggested": test["suggested"],
            "losses": {f"{rate:.3g}": [round(loss, 5) for loss in values] for rate, values in losses.items()}, "best": best,
            "curve": [[round(point["validation"] or math.nan, 5) for point in curve] for curve in tried[best]],
            "seconds": {key: round(value, 3) for key, value in peer_seconds(one, train, outputs, threads).items()},
        }  # fmt: skip
        print(json.dumps(entry), flush=True)
        found.append(entry)
    return found


def _last(curve: list[dict[str, Any]]) -> float:
    last = curve[-1]["validation"]
    return math.inf if last is None else float(last)


def table(entries: list[dict[str, Any]]) -> str:
    """Return the comparison as Markdown."""
    lines = [
        "| table | optimiser | lowest of the range test | suggested | best of six rates | validation loss there, last epoch | after the first epoch | at the rate nearest to the suggested |",
        "|---|---|---|---|---|---|---|---|",
    ]
    for e in entries:
        losses = {float(rate): statistics.mean(values) for rate, values in e["losses"].items()}
        suggested = e["lowest"] / BELOW[e["optimiser"]]
        near = min(losses, key=lambda rate: abs(math.log(rate / suggested)))
        last = e["losses"][f"{e['best']:.3g}"]
        spread = f" ± {statistics.stdev(last):.4f}" if len(last) > 1 else ""
        first = statistics.mean(curve[0] for curve in e["curve"])
        edge = " (the edge)" if e["best"] == max(losses) or f"{e['best']:.3g}" == f"{max(losses):.3g}" else ""
        lines.append(
            f"| {e['table']} | {e['optimiser']} | {e['lowest']:.2g} | {suggested:.2g} | {e['best']:.2g}{edge} | {statistics.mean(last):.4f}{spread} | {first:.4f} "
            f"| {losses[near]:.4f} (at {near:.2g}) |"
        )
    return "\n".join(lines)


def drawn(entries: list[dict[str, Any]], path: Path) -> None:
    """Write the learning curves at each optimiser's best rate as an SVG: a panel a table."""
    import vl_convert

    rows = [
        {"table": e["table"], "optimiser": e["optimiser"], "epoch": epoch + 1, "loss": statistics.mean(c[epoch] for c in e["curve"])}
        for e in entries
        for epoch in range(len(e["curve"][0]))
    ]  # fmt: skip
    line = {"mark": {"type": "line", "point": True}, "width": 300, "height": 220, "encoding": {
        "x": {"field": "epoch", "type": "quantitative", "axis": {"tickMinStep": 1}}, "y": {"field": "loss", "type": "quantitative", "scale": {"zero": False}, "title": "validation loss"},
        "color": {"field": "optimiser", "type": "nominal", "sort": list(OPTIMISERS)}, "strokeDash": {"field": "optimiser", "type": "nominal", "sort": list(OPTIMISERS)},
    }}  # fmt: skip
    spec = {
        "$schema": "https://vega.github.io/schema/vega-lite/v6.json", "data": {"values": rows}, "background": "white", "spec": line,
        "facet": {"field": "table", "type": "nominal", "title": None}, "resolve": {"scale": {"y": "independent"}},
    }  # fmt: skip
    path.write_text(vl_convert.vegalite_to_svg(spec), encoding="utf-8")


def main() -> None:
    import tempfile

    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--tables", nargs="+", default=list(TABLES), choices=list(TABLES))
    parser.add_argument("--epochs", type=int, default=12)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--out", type=Path, help="write the entries as JSON lines")
    parser.add_argument("--read", type=Path, help="run nothing: read the entries of an earlier run")
    parser.add_argument("--chart", type=Path, help="write the curves as SVG")
    arguments = parser.parse_args()
    entries: list[dict[str, Any]] = []
    if arguments.read:
        entries = [json.loads(line) for line in arguments.read.read_text().splitlines() if line.startswith("{")]
        arguments.tables = []
    with tempfile.TemporaryDirectory() as folder:
        for name in arguments.tables:
            entries += compared(name, Path(folder), arguments.epochs, arguments.threads, arguments.seeds)
    if arguments.out:
        arguments.out.write_text("".join(json.dumps(entry) + "\n" for entry in entries))
    if arguments.chart:
        drawn(entries, arguments.chart)
    print(table(entries))


if __name__ == "__main__":
    main()
