"""The contract of a learner: shapes, seeds, weights, clocks, folders, and that nothing is seen or changed by stealth.

Knows `core.contracts.Learner` only; how well a learner learns is measured in benchmarks.
"""

from __future__ import annotations

import dataclasses
import json
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from fieldguide import parts
from fieldguide.core.batch import Batch, Block, Encoded, Layout, Spec
from fieldguide.core.clock import Clock
from fieldguide.core.contracts import Effort
from fieldguide.core.problem import Output
from fieldguide.core.settings import capacity_of, space_of, values_of, with_values
from fieldguide.parts.modalities._words import FIRST_TOKEN
from fieldguide.parts.modalities.text import padded

TASKS = ("binary", "multiclass", "regression")
LABELS = {
    "binary": ("no", "yes"), "multiclass": ("a", "b", "c"), "ordinal": ("1", "2", "3"), "multilabel": ("p", "q", "r"),
    "vector": ("u", "v"),
}  # fmt: skip
SAID = Spec("said", "text", (12,), "int32", 20)
KINDS = ("trivial", "simple", "boosting", "forest", "network", "ensemble", "user")
SUFFIXES = (".safetensors", ".txt", ".json", ".arrow", ".onnx")
ODD_STARTS = (b"\x80", b"PK\x03\x04")  # pickle; zip, which torch.save writes
GRACE = 0.5  # seconds a fit may run over its clock on a busy machine


def check_learner(
    learner: Any, folder: Path, *, tasks: tuple[str, ...] = TASKS, tolerance: float = 1e-6, seconds: float = 0.5
) -> None:
    """Assert that a learner keeps the contract.

    Args:
        learner: an instance; hand it small settings if it is slow.
        folder: an empty folder to save into.
        tasks: the tasks it can learn; besides the usual three `multilabel`, `vector`, `count`, `ordinal` and `price`.
        tolerance: by how much a row alone may differ from the same row in a batch.
        seconds: the clock it is held to on 2,000 rows [s].

    Raises:
        AssertionError: names the rule that does not hold.

    Examples:
        >>> import pathlib, tempfile
        >>> check_learner(parts.find("learners", "prior")(), pathlib.Path(tempfile.mkdtemp()))
    """
    _check_declarations(learner)
    texts = learner.recipe.get("media") == "blocks"
    for task in tasks:
        for codes in (True, False):
            rows, outputs = example(task, 240, codes=codes, missing=_keeps_missing(learner), texts=texts)
            _check_task(learner, rows, outputs, folder / f"{task}_{'codes' if codes else 'numbers'}", tolerance)
        if parts.find("tasks", task).family != "structure":  # where nothing is to be hit, weights move no mean
            _check_weights(learner, task)
        _check_tiny(learner, task)
    _check_steps(learner, tasks[0])
    _check_clock(learner, tasks[0], seconds)


def example(
    task: str,
    n_rows: int,
    *,
    codes: bool = True,
    missing: bool = False,
    n_numbers: int = 4,
    seed: int = 0,
    texts: bool = False,
) -> tuple[Encoded, tuple[Output, ...]]:
    """Return rows with a signal in the first number and the first code, and the output they are for.

    Args:
        texts: add a block of tokens, the signal in one of them; rows end at different places, and some are empty.

    Examples:
        >>> rows, outputs = example("multiclass", 12)
        >>> rows.batch.numbers.shape, rows.batch.codes.shape, outputs[0].width
        ((12, 4), (12, 2), 3)
    """
    rng = np.random.default_rng(seed)
    numbers = rng.normal(size=(n_rows, n_numbers)).astype(np.float32)
    levels = np.stack([rng.integers(2, 6, n_rows), rng.integers(1, 12, n_rows)], axis=1)[:, : 2 * codes].astype(
        np.int32
    )
    signal = 2.0 * numbers[:, 0] + (1.5 * (levels[:, 0] % 2) if codes else 0.0) + 0.3 * rng.normal(size=n_rows)
    if missing:
        numbers[rng.random(numbers.shape) < 0.05] = np.nan
    part = parts.find("tasks", task)()
    labels = LABELS.get(task, ())
    target: np.ndarray
    if part.family == "structure":  # rows are their own truth: what is near in the first number is near
        target = np.column_stack([signal, numbers[:, 1:3]]).astype(np.float64)
        labels = tuple(f"axis {i}" for i in range(target.shape[1]))
    elif task == "multilabel":
        cuts = np.quantile(signal, [0.7, 0.5, 0.4])
        target = (signal[:, None] > cuts).astype(np.int64)
    elif task == "vector":
        target = np.stack([100.0 + 10.0 * signal, 0.01 * signal], axis=1).astype(np.float64)
    elif task == "price":  # booked where the offer is below what the row is worth
        worth = 100.0 * np.exp(0.2 * signal)
        offer = worth * np.exp(rng.normal(0, 0.3, n_rows))
        target = np.where(offer * rng.uniform(0.8, 1.25, n_rows) < worth, offer, -offer)
    elif task == "count":
        target = rng.poisson(np.exp(1.5 + 0.4 * signal)).astype(np.float64)
    elif labels:
        cuts = np.quantile(signal, [0.6] if len(labels) == 2 else [0.3, 0.7])
        target = np.searchsorted(cuts, signal).astype(np.int64)
    else:
        target = 100.0 + 10.0 * signal.astype(np.float64)
    layout = Layout(
        tuple(f"n{i}" for i in range(n_numbers)),
        (("c0", 6), ("c1", 12)) if codes else (),
        blocks=(SAID,) if texts else (),
    )
    blocks = {SAID.name: _said(signal, rng)} if texts else {}
    return Encoded(Batch(layout, {"numbers": numbers, "codes": levels, **blocks}), (target,)), (
        Output("y", part, labels),
    )


def _said(signal: np.ndarray, rng: np.random.Generator) -> Block:
    """Return texts as codes: noise, and among it one of four words that tells how large the signal is."""
    told = FIRST_TOKEN + np.searchsorted([-2.0, 0.0, 2.0], signal)
    cells = np.empty(len(signal), object)
    for row, word in enumerate(told):
        noise = rng.integers(FIRST_TOKEN + 4, SAID.size, int(rng.integers(0, SAID.shape[0] - 1)))
        cells[row] = np.array([*noise, word][: 0 if row % 29 == 7 else None], np.int32)
    return Block(cells, padded)


def _check_declarations(learner: Any) -> None:
    kind = type(learner)
    assert dataclasses.is_dataclass(kind) and vars(kind)["__dataclass_params__"].frozen, (
        "a learner is a frozen dataclass"
    )
    assert learner.kind in KINDS, f"kind is one of {', '.join(KINDS)}, not {learner.kind!r}"
    for name in ("stops_early", "steps_scale"):
        assert isinstance(getattr(learner, name), bool), f"{name} is True or False"
    assert learner.in_memory is None or learner.in_memory > 0, "in_memory is a number of rows or None"
    values = json.loads(json.dumps(values_of(learner)))
    assert with_values(kind(), values) == learner, "settings come back from plain data"
    assert set(capacity_of(learner).values()) <= {-1, 0, 1}, "capacity is -1, 0 or 1"
    for field in dataclasses.fields(learner):
        assert field.metadata.get("doc"), f"the setting {field.name} says what it means (core.settings.setting)"
    rng = np.random.default_rng(0)
    drawn = {name: space.draw(rng) for name, space in space_of(learner).items()}
    assert values_of(with_values(learner, drawn)) == values_of(learner) | json.loads(json.dumps(drawn)), (
        "drawn settings are plain data"
    )


def _check_task(learner: Any, rows: Encoded, outputs: tuple[Output, ...], folder: Path, tolerance: float) -> None:
    train, stop, fresh = (
        rows.take(slice(*ends)) for ends in ((0, 150), (150, 190), (190, 240))
    )  # views of the same arrays
    before = [array.copy() for array in _arrays(rows)]
    fitted = _fit(learner, train, stop, outputs)
    predictions = fitted.predict(fresh.batch)
    after = _arrays(rows)
    assert all(np.array_equal(a, b, equal_nan=a.dtype.kind == "f") for a, b in zip(before, after)), (
        "fit and predict change no array"
    )
    _check_shapes(predictions, fresh, outputs)
    _check_history(fitted)
    again = _fit(learner, train, stop, outputs).predict(fresh.batch)
    assert _equal(predictions, again), "the same rows and the same seed give the same predictions"
    _check_poison(learner, rows, outputs, predictions)
    _check_rows(fitted, fresh.batch, predictions, tolerance)
    _check_signal(learner, fresh, outputs, predictions)
    _check_folder(learner, fitted, fresh.batch, predictions, folder)


def _check_shapes(predictions: Any, rows: Encoded, outputs: tuple[Output, ...]) -> None:
    assert isinstance(predictions, tuple) and len(predictions) == len(outputs), (
        "predictions are a tuple, one array per output"
    )
    for prediction, output in zip(predictions, outputs):
        wanted = (len(rows), prediction.shape[1] if output.targetless else output.width)
        assert prediction.shape == wanted, f"a prediction is {wanted}, not {prediction.shape}"
        assert prediction.dtype == np.float64 and np.isfinite(prediction).all(), "predictions are finite float64"
        if output.task.family == "classes":
            assert (prediction >= 0).all(), "no probability is below 0"
            assert np.abs(prediction.sum(axis=1) - 1).max() < 1e-9, "probabilities of a row sum to 1"
        if output.task.family == "sets":
            assert (prediction >= 0).all() and (prediction <= 1).all(), "each label has a probability"
        if output.task.name == "count":
            assert (prediction >= 0).all(), "no rate is below 0"


def _check_history(fitted: Any) -> None:
    assert fitted.stopped in ("early", "steps", "clock", ""), (
        f"stopped is early, steps, clock or empty, not {fitted.stopped!r}"
    )
    assert fitted.n_steps is None or (isinstance(fitted.n_steps, int) and fitted.n_steps >= 1), (
        "n_steps is None or at least 1"
    )
    assert json.loads(json.dumps(fitted.history)) == fitted.history, "the learning curve is plain data"
    assert all({"step", "train", "validation"} <= set(point) for point in fitted.history), (
        "a point has step, train, validation"
    )


def _check_poison(learner: Any, rows: Encoded, outputs: tuple[Output, ...], predictions: Any) -> None:
    numbers, codes, targets = (
        rows.batch.numbers.copy(),
        rows.batch.codes.copy(),
        [target.copy() for target in rows.targets],
    )
    numbers[190:], codes[190:] = 1e6, 0
    for target in targets:
        target[190:] = target[0]
    blocks = {name: _poisoned(array) for name, array in rows.batch.arrays.items() if isinstance(array, Block)}
    altered = Encoded(Batch(rows.batch.layout, {"numbers": numbers, "codes": codes, **blocks}), tuple(targets))
    fitted = _fit(learner, altered.take(slice(0, 150)), altered.take(slice(150, 190)), outputs)
    assert _equal(fitted.predict(rows.batch.take(slice(190, 240))), predictions), (
        "rows that were not handed over change nothing"
    )


def _poisoned(block: Block) -> Block:
    cells = block.cells.copy()
    for row in range(190, len(cells)):
        cells[row] = np.full(3, SAID.size - 1, np.int32)
    return dataclasses.replace(block, cells=cells)


def _check_rows(fitted: Any, batch: Batch, predictions: Any, tolerance: float) -> None:
    assert all(len(p) == 0 for p in fitted.predict(batch.take(slice(0, 0)))), "no rows give no predictions"
    for row in range(len(batch)):
        alone = fitted.predict(batch.take(slice(row, row + 1)))
        for one, many in zip(alone, predictions):
            gap = np.abs(one[0] - many[row]).max() / max(1.0, np.abs(many[row]).max())
            assert gap <= tolerance, f"row {row} alone differs from the same row in a batch by {gap:.1e}"
    turned = fitted.predict(batch.take(np.arange(len(batch))[::-1]))
    assert all(np.allclose(t[::-1], p, rtol=tolerance, atol=tolerance) for t, p in zip(turned, predictions)), (
        "rows keep their order"
    )


def _check_signal(learner: Any, rows: Encoded, outputs: tuple[Output, ...], predictions: Any) -> None:
    if learner.kind == "trivial" or outputs[0].targetless:
        return
    truth, prediction = rows.targets[0], predictions[0]
    if outputs[0].task.family == "classes":
        share = np.mean(np.argmax(prediction, axis=1) == truth)
        assert share > np.bincount(truth).max() / len(truth) + 0.05, (
            f"a plain signal is learned; {share:.0%} of fresh rows were right"
        )
    else:  # values, and memberships as values: every column is learned
        truth = outputs[0].plain(truth)
        truth = truth.reshape(len(truth), -1)
        rate = np.max(np.mean((truth - prediction) ** 2, axis=0) / np.var(truth, axis=0))
        assert rate < 0.8, f"a plain signal is learned; {rate:.0%} of the variance of fresh rows remained"


def _check_folder(learner: Any, fitted: Any, batch: Batch, predictions: Any, folder: Path) -> None:
    folder.mkdir(parents=True)
    data = json.loads(json.dumps(fitted.save(folder)))
    for path in _files(folder):
        assert path.suffix in SUFFIXES, (
            f"{path.name} is of no format that loads without executing anything: {', '.join(SUFFIXES)}"
        )
        content = path.read_bytes()
        plain = path.suffix == ".safetensors" and content[8:9] == b"{"  # its first bytes are a length, which may be any
        assert plain or not content.startswith(ODD_STARTS), f"{path.name} looks like a pickle or an archive"
    loaded = type(learner)().load(folder, data)
    assert _equal(loaded.predict(batch), predictions, 1e-6), "a loaded model predicts a batch as the fitted one"
    one = batch.take(slice(0, 1))
    assert _equal(loaded.predict(one), fitted.predict(one), 1e-6), "a loaded model predicts one row as the fitted one"


def _check_weights(learner: Any, task: str) -> None:
    rows, outputs = example(task, 240, missing=_keeps_missing(learner))
    target = rows.targets[0].reshape(len(rows), -1)[:, -1]
    high = target >= np.quantile(target, 0.7)
    heavy = dataclasses.replace(rows, weights=np.where(high, 8.0, 1.0))
    level = [_level(_fit(learner, each, None, outputs).predict(rows.batch)[0]) for each in (rows, heavy)]
    least = 0.01 * (1.0 if outputs[0].task.family == "classes" else float(target.std()))
    assert level[1] > level[0] + least, f"weights count: the mean prediction went from {level[0]:.4g} to {level[1]:.4g}"


def _check_tiny(learner: Any, task: str) -> None:
    for n_rows in (10, 3):
        rows, outputs = example(task, n_rows, codes=False, n_numbers=1)
        for stop in (None, example(task, 4, codes=False, n_numbers=1, seed=1)[0]):
            _check_shapes(_fit(learner, rows, stop, outputs).predict(rows.batch), rows, outputs)
    rows, outputs = example(task, 30, codes=False, n_numbers=1)
    rows.batch.numbers[:] = 0.0
    _check_shapes(_fit(learner, rows, None, outputs).predict(rows.batch), rows, outputs)


def _check_steps(learner: Any, task: str) -> None:
    rows, outputs = example(task, 240, missing=_keeps_missing(learner))
    watched: list[dict[str, Any]] = []
    fitted = learner.fit(rows, None, outputs, Effort(n_steps=5, watch=watched.append))
    assert fitted.n_steps in (None, 5), f"5 steps were asked for, {fitted.n_steps} were made"
    assert fitted.n_steps is None or fitted.stopped == "steps", (
        f"a given number of steps ends in 'steps', not {fitted.stopped!r}"
    )
    assert not fitted.history or watched == fitted.history, "watch is called with each point of the learning curve"


def _check_clock(learner: Any, task: str, seconds: float) -> None:
    rows, outputs = example(task, 2_000, missing=_keeps_missing(learner), n_numbers=12)
    train, stop = rows.take(slice(0, 1_700)), rows.take(slice(1_700, 2_000))
    for allowed in (seconds, 0.0):  # a clock that is over still gives an answer
        began = time.process_time()  # what others do on the machine takes no time of this process
        fitted = learner.fit(train, stop, outputs, Effort(clock=Clock.of(allowed)))
        took = time.process_time() - began
        assert took <= 1.05 * allowed + GRACE, f"the clock gave {allowed:.2f} s, the fit computed for {took:.2f} s"
        _check_shapes(fitted.predict(stop.batch), stop, outputs)


def _fit(learner: Any, train: Encoded, stop: Encoded | None, outputs: tuple[Output, ...]) -> Any:
    return learner.fit(train, stop, outputs, Effort(seed=7))


def _keeps_missing(learner: Any) -> bool:
    return bool(learner.recipe.get("missing") == "keep")


def _arrays(rows: Encoded) -> list[np.ndarray]:
    arrays = (array.load() if isinstance(array, Block) else array for array in rows.batch.arrays.values())
    return [*arrays, *rows.targets]


def _files(folder: Path) -> list[Path]:
    return sorted(path for path in folder.rglob("*") if path.is_file())


def _level(prediction: np.ndarray) -> float:
    return float(prediction[:, -1].mean())


def _equal(left: Any, right: Any, tolerance: float = 0.0) -> bool:
    pairs: Iterator[tuple[np.ndarray, np.ndarray]] = zip(left, right)
    return all(np.allclose(a, b, rtol=tolerance, atol=tolerance) for a, b in pairs)
