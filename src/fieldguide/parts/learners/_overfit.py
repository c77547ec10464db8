"""Can this network learn these rows at all? A small batch is driven towards zero loss, or the reason is sought.

Knows the experiment and its diagnoses; what happens to a learner that fails is the step's to decide.
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Callable
from typing import Any

import numpy as np

from fieldguide.core.batch import Batch, Block, Encoded
from fieldguide.core.contracts import Effort
from fieldguide.core.settings import with_values

ENOUGH = 0.05  # of the loss of the best constant answer: below it the rows count as learned
CONTRADICTION = 0.5  # of the same: where labels contradict each other so much, no network can learn them
NEAR = 0.2  # deviations: rows this near to each other in all inputs are told apart by noise alone
LARGE = 100.0  # encoded numbers beyond this are on no scale a network is made for
UNREGULARISED = {"dropout": 0.0, "weight_decay": 0.0, "l1": 0.0, "average": 0.0}
WIDTHS = ("d_hidden", "d_block")

SENTENCES = {
    "clock": "The clock ended the check when the loss of {rows} rows had come from {start:.3g} to {loss:.3g}.",
    "": "The network drives the loss of {rows} rows from {start:.3g} to {loss:.2g}.",
    "labels": "Rows with identical inputs differ in their labels: no loss below {floor:.3g} (of {start:.3g}) can be.",
    "scale": "The loss stays at {loss:.3g} (of {start:.3g}); with inputs scaled to unit variance it falls.",
    "learning rate": "The loss stays at {loss:.3g} (of {start:.3g}); with {detail} it falls.",
    "capacity": "The loss stays at {loss:.3g} (of {start:.3g}); with {detail} it falls.",
    "near": "The loss stays at {loss:.3g} (of {start:.3g}): rows that hardly differ in their inputs differ in their targets ({detail}).",
    "unknown": "The loss stays at {loss:.3g} (of {start:.3g}), also with other learning rates and more width.",
}


def overfit(
    learner: Any,
    train: Encoded,
    outputs: tuple[Any, ...],
    rows: int = 64,
    steps: int = 300,
    effort: Effort | None = None,
) -> dict[str, Any]:
    """Drive the loss of a few training rows towards zero, with regularisation off.

    Args:
        rows: how many rows; classes take equal turns.
        steps: gradient steps of one attempt, at most.
        effort: seed, threads and clock; an attempt that the clock cuts short counts as it stands.

    Returns:
        `reached`; `loss` at the end, `start` (the best constant answer) and `floor` (the least that identical inputs
        allow), per row; `curve`, the loss of every step; `diagnosis`, empty or one of "labels", "scale",
        "learning rate", "capacity", "near" (rows that nearly agree in few inputs), "clock" (cut short: nothing is known),
        "unknown"; `sentence`; `experiments`, the attempts behind the diagnosis.

    Source:
        "Overfit a single batch": Goodfellow, Bengio, Courville, "Deep Learning", section 11.5 (fit a tiny data set).
    """
    effort = effort or Effort()
    bare = with_values(learner, UNREGULARISED | {"batch_size": rows, "n_epochs": steps, "cooldown": 0.5})
    part = _unaltered(train.take(_drawn(train, outputs, min(rows, len(train)), effort.seed)))
    start, floor = _bounds(part, outputs)
    target = floor + ENOUGH * max(start - floor, 1e-3)

    def attempt(candidate: Any, data: Encoded) -> list[float | None]:
        return _curve(candidate, data, outputs, effort, steps, target)

    curve = attempt(bare, part)
    loss = _least(curve)
    result: dict[str, Any] = {
        "reached": loss < target and floor <= CONTRADICTION * start,
        "loss": loss if math.isfinite(loss) else None, "start": start, "floor": floor,
        "rows": len(part), "steps": len(curve), "curve": curve, "experiments": [],
    }  # fmt: skip
    diagnosis, detail = "", ""
    if not result["reached"] and effort.clock.over and floor <= CONTRADICTION * start:
        diagnosis = "clock"
    elif not result["reached"]:
        diagnosis, detail = _diagnose(bare, part, start, floor, target, attempt, result["experiments"])
        near = _of_near_rows(part, outputs) if diagnosis == "unknown" else floor
        if near > target:
            diagnosis, detail = "near", f"one answer for all within {NEAR:g} deviations leaves {near:.3g}"
    sentence = SENTENCES[diagnosis].format(detail=detail, rows=len(part), start=start, loss=loss, floor=floor)
    return result | {"diagnosis": diagnosis, "sentence": sentence}


def _unaltered(part: Encoded) -> Encoded:
    """Return rows whose blocks are not augmented: rows that differ in every epoch cannot be learned by heart."""
    arrays = {
        name: dataclasses.replace(array, augment=None) if isinstance(array, Block) else array
        for name, array in part.batch.arrays.items()
    }
    return dataclasses.replace(part, batch=Batch(part.batch.layout, arrays))


def _diagnose(
    bare: Any,
    part: Encoded,
    start: float,
    floor: float,
    target: float,
    attempt: Callable[[Any, Encoded], list[float | None]],
    experiments: list[dict[str, Any]],
) -> tuple[str, str]:
    """Return the first explanation under which the loss falls, cheapest first."""
    if floor > CONTRADICTION * start:
        return "labels", ""
    width = next((name for name in WIDTHS if hasattr(bare, name)), None)
    trials: list[tuple[str, str, Any, Encoded]] = []
    if len(part.batch.numbers) and np.abs(part.batch.numbers).max(initial=0.0) > LARGE:
        trials.append(("scale", "inputs scaled to unit variance", bare, _standardised(part)))
    for factor, words in ((10.0, "ten times"), (0.1, "a tenth of"), (100.0, "a hundred times")):
        faster = with_values(bare, {"learning_rate": bare.learning_rate * factor})
        trials.append(("learning rate", f"{words} the learning rate ({faster.learning_rate:.1g})", faster, part))
    if width is not None:
        wider = with_values(bare, {width: 8 * getattr(bare, width)})
        trials.append(("capacity", f"eight times the width ({width} {getattr(wider, width)})", wider, part))
    for key, detail, candidate, data in trials:
        loss = _least(attempt(candidate, data))
        experiments.append(
            {
                "diagnosis": key,
                "change": detail,
                "loss": loss if math.isfinite(loss) else None,
                "reached": loss < target,
            }
        )
        if loss < target:
            return key, detail
    return "unknown", ""


def _curve(
    learner: Any, data: Encoded, outputs: tuple[Any, ...], effort: Effort, steps: int, target: float
) -> list[float | None]:
    """Return the loss of each step until it is below `target`, no longer finite, or the steps or the clock are over."""
    from fieldguide.parts.learners import _network, _tensors, _training

    curve: list[float | None] = []
    with _tensors.computing(effort.threads, effort.seed):
        net, heads, tensors, _ = _network.prepared(learner, data, outputs)
        plan = dataclasses.replace(learner.plan(len(data)), n_steps=steps)
        for record in _training.epochs(net, heads, tensors, None, plan, seed=effort.seed, clock=effort.clock):
            curve.append(record["train"])
            if record["train"] is not None and record["train"] < target:
                break
    return curve


def _least(curve: list[float | None]) -> float:
    return min((loss for loss in curve if loss is not None), default=math.inf)


def _drawn(train: Encoded, outputs: tuple[Any, ...], rows: int, seed: int) -> np.ndarray:
    """Return row indices: random, and with classes the classes in turn, so that there is something to tell apart."""
    order = np.random.default_rng(seed).permutation(len(train))
    if outputs[0].task.family != "classes" or train.targets[0].ndim != 1:
        return order[:rows]
    codes = train.targets[0][order]
    turn = np.empty(len(order), np.int64)
    for code in np.unique(codes):
        of_class = codes == code
        turn[of_class] = np.arange(of_class.sum())
    return order[np.argsort(turn, kind="stable")[:rows]]


def _bounds(part: Encoded, outputs: tuple[Any, ...]) -> tuple[float, float]:
    """Return the loss of the best constant answer, and the loss of the best answer per distinct input."""
    _, same = np.unique(_input_bytes(part.batch), return_inverse=True)
    everyone = np.zeros(len(part), np.int64)
    start = sum(o.weight * _impurity(t, everyone, o) for o, t in zip(outputs, part.targets, strict=True))
    floor = sum(o.weight * _impurity(t, same, o) for o, t in zip(outputs, part.targets, strict=True))
    return start, floor


def _of_near_rows(part: Encoded, outputs: tuple[Any, ...]) -> float:
    """Return the loss of the best answer to each cell of a grid of numbers and levels; 0 where there are other inputs."""
    batch = part.batch
    if set(batch.arrays) - {"numbers", "codes"} or not batch.numbers.size:
        return 0.0
    cells = np.round(batch.numbers / (NEAR * np.maximum(batch.numbers.std(axis=0), 1e-12)))
    same = np.unique(np.concatenate([cells, batch.codes], axis=1), axis=0, return_inverse=True)[1].reshape(-1)
    return float(sum(o.weight * _impurity(t, same, o) for o, t in zip(outputs, part.targets, strict=True)))


def _impurity(target: np.ndarray, groups: np.ndarray, output: Any) -> float:
    """Return the mean loss when each group is answered by its own best constant: entropy, share of the variance, or by descent."""
    if getattr(output, "loss", None) is not None and output.loss.name != output.task.loss:
        return _least_loss(target, groups, output)
    if output.task.family == "classes" and target.ndim == 1:
        counts = np.zeros((groups.max() + 1, int(target.max()) + 1))
        np.add.at(counts, (groups, target), 1.0)
        shares = counts / counts.sum(1, keepdims=True)
        return float(-(counts * np.log(np.where(shares > 0, shares, 1.0))).sum() / len(target))
    if output.task.loss == "poisson":
        return _least_loss(target, groups, output)
    columns = np.asarray(target, np.float64).reshape(len(target), -1)
    sizes = np.bincount(groups)[:, None]
    means = np.stack([np.bincount(groups, column) for column in columns.T], 1) / np.maximum(sizes, 1)
    if output.task.family == "sets":  # the entropy of each label, averaged
        p = np.clip(means[groups], 1e-12, 1 - 1e-12)
        return float(-(columns * np.log(p) + (1 - columns) * np.log(1 - p)).mean())
    sd = columns.std(0)
    return float(np.mean(((columns - means[groups]) / np.where(sd > 0, sd, 1.0)) ** 2))


def _least_loss(target: np.ndarray, groups: np.ndarray, output: Any) -> float:
    """Return the mean of any loss when each group has its own best logits, found by descent from a few starts."""
    import torch
    from scipy.optimize import minimize

    from fieldguide.core.batch import Layout
    from fieldguide.parts.learners import _network, _tensors
    from fieldguide.parts.nets.heads import heads_of, member_losses

    nothing = Batch(
        Layout(), {"numbers": np.zeros((len(target), 0), np.float32), "codes": np.zeros((len(target), 0), np.int32)}
    )
    rows = Encoded(nothing, (target,))
    heads = _network.judged(heads_of([output]), rows, [output])
    (wanted,) = _tensors.targets_of(heads, rows, _network.scaling_of(heads, rows))
    places, shape = torch.from_numpy(groups), (int(groups.max()) + 1, heads[0].d_logits)

    def objective(point: np.ndarray) -> tuple[float, np.ndarray]:
        logits = torch.from_numpy(point.reshape(shape)).requires_grad_(True)
        loss = member_losses(
            heads[0], logits[places].unsqueeze(1), wanted.double() if wanted.is_floating_point() else wanted
        ).mean()
        (slope,) = torch.autograd.grad(loss, logits)
        return float(loss.detach()), slope.numpy().ravel()

    starts = (np.full(shape, start).ravel() for start in (0.0, 0.5))
    return min(float(minimize(objective, start, jac=True, method="L-BFGS-B").fun) for start in starts)


def _input_bytes(batch: Batch) -> np.ndarray:
    cells = np.concatenate([batch.numbers.astype(np.float64), batch.codes.astype(np.float64)], 1)
    if batch.blocks:
        alike = [np.array([[hash(row.tobytes())] for row in block.load()], np.float64) for block in batch.blocks]
        cells = np.concatenate([cells, *alike], 1)
    if not cells.shape[1]:
        return np.zeros(len(batch))
    return np.ascontiguousarray(cells + 0.0).view(np.dtype((np.void, cells.shape[1] * 8))).ravel()


def _standardised(part: Encoded) -> Encoded:
    numbers = part.batch.numbers.astype(np.float64)
    sd = numbers.std(0)
    scaled = ((numbers - numbers.mean(0)) / np.where(sd > 0, sd, 1.0)).astype(np.float32)
    return dataclasses.replace(part, batch=Batch(part.batch.layout, {**part.batch.arrays, "numbers": scaled}))
