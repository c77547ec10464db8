"""Gallery: what people look at. Images, sounds, texts and series class by class, and the answers that were most wrong with their
inputs.

Knows rows, truths and predictions; how small a file is made to be shown is its modality's. Development rows only.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, time
from typing import Any

import numpy as np
import polars as pl

from fieldguide.core.figures import number
from fieldguide.core.files.media import FILE_KINDS, told
from fieldguide.core.problem import Output, Problem
from fieldguide.core.seeds import generator
from fieldguide.core.table import MEDIA_KINDS, Column, Table
from fieldguide.parts import modality

GROUPS, EACH = 12, 6
TEXTS = 3  # of a class
MOST_CURVES = 2_000  # series of a class that are averaged
WORST = 12
MOST_COLUMNS = 4
MOST_CHARACTERS = 300


def gallery(table: Table, problem: Problem, truths: Sequence[np.ndarray], seed: int) -> list[dict[str, Any]]:
    """Return, for each media column, a few cells of each class of the first output (of each fifth of its values).

    Args:
        table: typed development rows.
        truths: coded targets of the same rows; of a vector the first entry divides.

    Returns:
        column, kind, and groups with name, n, and cells as `shown` gives them: texts are cut, of series there is the mean curve.
    """
    names, codes = _groups(problem.output, truths[0])
    found = []
    for column in table.features:
        if column.kind not in MEDIA_KINDS:
            continue
        cells, groups = table.frame[column.name], []
        known = cells.is_not_null().to_numpy()
        for code, name in list(enumerate(names))[:GROUPS]:
            rows = np.flatnonzero(known & (codes == code))
            groups.append({"name": name, "n": len(rows), **_of_group(cells, rows, column, seed, name)})
        found.append({"column": column.name, "kind": column.kind, "groups": groups, "n_groups": len(names)})
    return found


def _of_group(cells: pl.Series, rows: np.ndarray, column: Column, seed: int, name: str) -> dict[str, Any]:
    """Return what is shown of a class: a few cells, or of series the mean curve and its spread."""
    if column.kind == "series":
        curve = modality("series").describe(cells[rows[:MOST_CURVES]]).get("curve")
        return {"cells": [], "curve": curve}
    drawn = np.sort(generator(seed, "gallery", name).choice(rows, min(EACH, len(rows)), replace=False))
    if column.kind in FILE_KINDS:
        return {"cells": [shown(cells[int(row)], column) for row in drawn]}
    return {"cells": [_input(cells, int(row), column) for row in drawn[:TEXTS]]}


def worst_answers(
    table: Table, problem: Problem, truths: Sequence[np.ndarray], predictions: Sequence[np.ndarray]
) -> list[dict[str, Any]]:
    """Return the development rows whose answers were most wrong, with their inputs; none for a table of plain columns.

    The loss is -ln of the probability that the true class was given, or the squared error in deviations of the target.

    Args:
        predictions: of the same rows, by models that were not fitted on them, on the original scale.

    Returns:
        row, its key where the table has one, truth, answer, how wrong it was, and inputs by column: text, or what `shown` gives.
    """
    columns = [column for column in table.features if column.kind in MEDIA_KINDS]
    if not columns:
        return []
    columns += [column for column in table.features if column.kind not in (*MEDIA_KINDS, "window")][:MOST_COLUMNS]
    output, truth, prediction = problem.output, truths[0], predictions[0]
    loss, words = _losses(output, output.plain(truth), prediction)
    key = next((column.name for column in table.columns if column.role == "key"), None)
    return [
        {
            "row": int(row), **({} if key is None else {"key": str(table.frame[key][int(row)])}), **words(int(row)),
            "inputs": {column.name: _input(table.frame[column.name], int(row), column) for column in columns},
        }
        for row in np.argsort(-loss, kind="stable")[:WORST]
    ]  # fmt: skip


def shown(cell: str | None, column: Column, side: int = 72) -> dict[str, Any]:
    """Return a cell of files as a report shows it: a small `data:` URI and what it is called."""
    if cell is None:
        return {"kind": column.kind, "source": None, "name": "missing"}
    small, drawn = (getattr(modality(column.kind), name, None) for name in ("thumbnail", "picture"))
    found = {"kind": column.kind, "source": None if small is None else small(cell, side), "name": told(cell)}
    return found if drawn is None else {**found, "picture": drawn(cell)}


def _input(cells: pl.Series, row: int, column: Column) -> dict[str, Any]:
    value = cells[row]
    if column.kind in FILE_KINDS:
        return shown(value, column, 112)
    text = "–" if value is None else str(value)
    if isinstance(value, datetime) and value.time() == time():
        text = str(value.date())  # whole days were written as such
    elif isinstance(value, float) and value.is_integer():
        text = f"{value:.0f}"
    return {"kind": column.kind, "text": text if len(text) <= MOST_CHARACTERS else f"{text[:MOST_CHARACTERS]}…"}


def _groups(output: Output, truth: np.ndarray) -> tuple[list[str], np.ndarray]:
    if output.task.family == "classes":
        return list(output.labels), truth
    if output.task.family == "sets":
        return list(output.labels), np.where(truth.any(axis=1), truth.argmax(axis=1), -1)
    values = truth.reshape(len(truth), -1)[:, 0]
    edges = np.unique(np.quantile(values, np.linspace(0, 1, 6)))
    codes = np.clip(np.searchsorted(edges, values, "right") - 1, 0, max(len(edges) - 2, 0))
    name = output.labels[0] if output.labels else output.name
    return [f"{name} {number(low)} to {number(high)}" for low, high in zip(edges, edges[1:])] or [name], codes  # noqa: RUF007


def _losses(output: Output, truth: np.ndarray, prediction: np.ndarray) -> tuple[np.ndarray, Any]:
    """Return how wrong each row's answer is, (rows,), and what is told of a row."""
    if output.task.family == "classes":
        given = prediction[np.arange(len(truth)), truth]

        def of_class(row: int) -> dict[str, Any]:
            answer = int(prediction[row].argmax())
            said = {"truth": output.labels[int(truth[row])], "answer": output.labels[answer]}
            return {**said, "probability": float(prediction[row, answer]), "of_truth": float(given[row])}

        return -np.log(np.maximum(given, 1e-12)), of_class
    target, answers = truth.reshape(len(truth), -1).astype(np.float64), prediction.reshape(len(truth), -1)
    if output.task.family == "sets":

        def of_set(row: int) -> dict[str, Any]:
            chosen = [output.labels[i] for i in np.flatnonzero(answers[row] > 0.5)]
            true = [output.labels[i] for i in np.flatnonzero(target[row])]
            return {"truth": ", ".join(true) or "none", "answer": ", ".join(chosen) or "none"}

        right = np.where(target > 0, answers, 1 - answers)
        return -np.log(np.maximum(right, 1e-12)).sum(axis=1), of_set
    spread = np.maximum(target.std(axis=0), 1e-12)

    def of_values(row: int) -> dict[str, Any]:
        return {"truth": _listed(output, target[row]), "answer": _listed(output, answers[row])}

    return (((target - answers) / spread) ** 2).sum(axis=1), of_values


def _listed(output: Output, values: np.ndarray) -> str:
    if len(values) == 1:
        return number(values[0])
    return ", ".join(f"{name} {number(value)}" for name, value in zip(output.labels, values, strict=True))


def trimmed(samples: Sequence[Mapping[str, Any]], table: Table) -> list[dict[str, Any]]:
    """Return sampled rows with files as people read them, in place of whole paths or bytes."""
    files = {column.name for column in table.columns if column.kind in FILE_KINDS}
    return [{name: told(v) if name in files and v is not None else v for name, v in row.items()} for row in samples]
