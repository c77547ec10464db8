"""The contract of a task: labels, codes, widths and decisions.

Knows `core.contracts.Task` only; what a particular task means is tested beside it.
"""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import polars as pl

from fieldguide.core.errors import DataError

LOSSES_OF = {
    "sigmoid": ("binary_cross_entropy",),
    "softmax": ("cross_entropy",),
    "exp": ("poisson", "interval"),
    "ordinal": ("ordinal",),
}


def check_task(task: Any, target: pl.Series, positive: str | None = None) -> None:
    """Assert that a task keeps the contract on a target it can learn.

    Args:
        task: an instance of the task.
        target: at least 4 rows without missing values; for classes, every class at least twice; for sets, at least two
            different ones; for vectors, two entries or more.
        positive: as in `problem.positive`.

    Raises:
        AssertionError: names the rule that does not hold.

    Examples:
        >>> from fieldguide import parts
        >>> check_task(parts.find("tasks", "binary")(), pl.Series("sold", ["no", "yes", "no", "yes"]))
    """
    assert is_frozen(type(task)), "a task is a frozen dataclass"
    families = ("classes", "sets", "values", "structure")
    assert task.family in families, f"family is one of {', '.join(families)}, not {task.family!r}"
    assert task.metrics and len(set(task.metrics)) == len(task.metrics), (
        "a task names its metrics once each, the default first"
    )
    assert task.loss in LOSSES_OF.get(task.activation, (task.loss,)), (
        f"the loss {task.loss} does not fit {task.activation}"
    )
    if task.family == "structure":
        _check_structure(task)
        return
    labels = task.labels(target, positive)
    assert isinstance(labels, tuple) and all(isinstance(label, str) for label in labels), "labels are a tuple of str"
    codes = task.encode(target, labels)
    joint = task.family == "sets" or (task.family == "values" and bool(labels))
    wanted = (len(target), len(labels)) if joint else (len(target),)
    assert codes.shape == wanted, f"codes have the shape {wanted}, not {codes.shape}"
    _check_rows(task, target, labels, codes)
    _check_missing(task, target, labels)
    if task.family == "classes":
        _check_classes(task, target, labels, codes, positive)
    elif task.family == "sets":
        _check_sets(task, target, labels, codes, positive)
    elif joint:
        _check_vectors(task, target, labels, codes)
    else:
        _check_values(task, target, labels, codes)


def _check_structure(task: Any) -> None:
    """A task without a target: rows are its truth, and answers are told in words and in columns."""
    points = np.random.default_rng(0).normal(size=(6, 3))
    axes = ("a", "b", "c")
    assert task.needs_target is False, "a task of the family structure says needs_target = False"
    assert task.labels(pl.Series("rows", [1.0]), None) == (), "nobody has named anything"
    assert np.array_equal(task.encode(points, axes), points), "the truth is the rows themselves"
    assert task.width(axes) == 3, "the width is that of the space"
    for rows in (6, 1, 0):
        prediction = np.abs(np.concatenate([points, points], axis=1))[:rows]
        words, told = task.words(prediction, axes), task.told(prediction, axes)
        assert len(words) == rows and all(len(cells) == rows for cells in told.values()), (
            "a word and a cell for every row"
        )
        assert any(name.startswith("prediction") for name in told), "answers have a column of predictions"
        assert task.score(prediction).shape == (rows,), "a number for every row"
    json.dumps(task.words(np.abs(np.concatenate([points, points], axis=1)), axes))


def is_frozen(part: Any) -> bool:
    """Return whether a class is a frozen dataclass."""
    parameters = getattr(part, "__dataclass_params__", None)
    return parameters is not None and parameters.frozen


def _check_rows(task: Any, target: pl.Series, labels: tuple[str, ...], codes: np.ndarray) -> None:
    order = np.arange(len(target))[::-1]
    turned = task.encode(target[order.tolist()], labels)
    assert np.array_equal(turned, codes[order]), "encode depends on the order of rows"
    one = np.concatenate([task.encode(target[row : row + 1], labels) for row in range(min(len(target), 20))])
    assert np.array_equal(one, codes[:20]), "a row encoded alone differs from the same row among others"
    assert len(task.encode(target[:0], labels)) == 0, "no rows give no codes"


def _check_missing(task: Any, target: pl.Series, labels: tuple[str, ...]) -> None:
    hole = pl.Series(target.name, [None, *target.to_list()[1:]], dtype=target.dtype)
    try:
        task.encode(hole, labels)
    except DataError as error:
        assert "1 row" in error.what, f"the message names the number of rows, not {error.what!r}"
    else:
        raise AssertionError("a missing target raises DataError; it was encoded")


def _check_classes(
    task: Any, target: pl.Series, labels: tuple[str, ...], codes: np.ndarray, positive: str | None
) -> None:
    assert len(labels) >= 2 and len(set(labels)) == len(labels), f"labels are two or more and differ: {labels}"
    assert codes.dtype == np.int64, f"codes are int64, not {codes.dtype}"
    assert set(codes.tolist()) == set(range(len(labels))), "every label that stands in the target has its code"
    assert task.labels(target[::-1], positive) == labels, "labels depend on the order of rows"
    again = task.encode(pl.Series(target.name, [labels[code] for code in codes]), labels)
    assert np.array_equal(again, codes), "labels written as text are the same labels"
    assert task.width(labels) == len(labels), "a prediction has a column per label"
    sure = np.eye(len(labels))[codes]
    decided = task.decide(sure, None)
    assert decided.dtype == np.int64 and np.array_equal(decided, codes), "a sure prediction is decided as it says"
    try:
        task.encode(pl.Series(target.name, ["no such label, surely"]), labels)
    except DataError as error:
        assert "no such label, surely" in error.what, f"the message names the unknown label, not {error.what!r}"
    else:
        raise AssertionError("an unknown label raises DataError; it was encoded")
    try:
        task.labels(target[:1], None)
    except DataError:
        pass
    else:
        raise AssertionError("a target with one class raises DataError; it got labels")


def _check_sets(task: Any, target: pl.Series, labels: tuple[str, ...], codes: np.ndarray, positive: str | None) -> None:
    assert len(labels) >= 2 and len(set(labels)) == len(labels), f"labels are two or more and differ: {labels}"
    assert codes.dtype == np.int64 and set(np.unique(codes).tolist()) <= {0, 1}, "memberships are int64, 0 or 1"
    assert codes.any(axis=0).all(), "every label stands in a set"
    assert task.labels(target[::-1], positive) == labels, "labels depend on the order of rows"
    again = [[label for label, member in zip(labels, row) if member] for row in codes]
    assert np.array_equal(task.encode(pl.Series(target.name, again, dtype=pl.List(pl.String)), labels), codes), (
        "sets written as lists are the same sets"
    )
    assert task.width(labels) == len(labels), "a prediction has a column per label"
    sure = codes.astype(np.float64)
    assert np.array_equal(task.decide(sure, None), codes), "a sure prediction is decided as it says"
    half = np.full((1, len(labels)), 0.5)
    cuts = [0.4 if place % 2 else 0.6 for place in range(len(labels))]
    assert task.decide(half, cuts).tolist() == [[place % 2 for place in range(len(labels))]], (
        "a label has its own threshold"
    )
    try:
        task.encode(pl.Series(target.name, [["no such label, surely"]]), labels)
    except DataError as error:
        assert "no such label, surely" in error.what, f"the message names the unknown label, not {error.what!r}"
    else:
        raise AssertionError("an unknown label raises DataError; it was encoded")


def _check_vectors(task: Any, target: pl.Series, labels: tuple[str, ...], codes: np.ndarray) -> None:
    assert codes.dtype == np.float64 and np.isfinite(codes).all(), "values are finite float64"
    assert task.width(labels) == len(labels) >= 2, "a prediction has a column per entry, two at least"
    assert np.array_equal(task.decide(codes, None), codes), "values are decided as they are predicted"
    rows = [dict(zip(labels, row)) for row in codes.tolist()]
    for wrong, said in ((None, "missing"), (float("inf"), "infinite"), ("a word", "no number")):
        broken = [json.dumps(row) if row is not rows[1] else json.dumps({**row, labels[1]: wrong}) for row in rows]
        try:
            task.encode(pl.Series(target.name, broken), labels)
        except DataError as error:
            named = repr(labels[1]) in error.what and "row 1" in error.what and said in error.what
            assert named, f"the message names entry, row and fault ({said}), not {error.what!r}"
            continue
        raise AssertionError(f"an entry that is {wrong!r} raises DataError; it was encoded")


def _check_values(task: Any, target: pl.Series, labels: tuple[str, ...], codes: np.ndarray) -> None:
    assert labels == (), "values have no labels"
    assert codes.dtype == np.float64 and np.isfinite(codes).all(), "values are finite float64"
    assert task.width(labels) == 1, "a scalar prediction has one column"
    decided = task.decide(codes.reshape(-1, 1), None)
    assert decided.shape == codes.shape and np.array_equal(decided, codes), "a value is decided as it is predicted"
    for wrong in (pl.Series(target.name, [float("inf")]), pl.Series(target.name, ["a word"])):
        try:
            task.encode(wrong, labels)
        except DataError:
            continue
        raise AssertionError(f"a target of {wrong.to_list()} raises DataError; it was encoded")
