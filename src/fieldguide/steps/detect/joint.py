"""Detect label sets and vectors: targets of several columns, of lists, or of texts with marks between labels.

Sees the targets' cells, nothing else: no other column is at hand here.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

import polars as pl

from fieldguide.core.cell import texts_of
from fieldguide.core.documents.asked import JOINT_TASKS, Asked
from fieldguide.core.errors import DataError, listed
from fieldguide.core.table import MISSING, Column
from fieldguide.parts import find, modality
from fieldguide.parts.tasks._sets import sets_of
from fieldguide.steps.detect.task import MAX_CLASSES, TaskGuess, detect_task

SURE_MARKS = ("|", ";")
"""Marks that hardly stand inside a label."""
MARKS = (*SURE_MARKS, ",", "/", "+")
MARKED = 0.1
"""Share of cells with a mark above which labels are taken to stand between marks."""
SAMPLE = 20_000


def guess_of(one: Asked, raw: pl.DataFrame, columns: Mapping[str, Column]) -> TaskGuess:
    """Return what an output seems to ask for, from its raw cells.

    Raises:
        DataError: nothing can be predicted from them, or several columns fit no task of several columns.
    """
    cells = raw[one.columns[0]]
    if one.joint:
        return _of_columns(one, raw)
    held = held_in(cells)
    if one.task == "multilabel" or (one.task is None and held == "sets"):
        return _of_texts(one, cells)
    if one.task == "vector" or (one.task is None and held == "vectors"):
        n_missing = int(texts_of(cells)[0].is_in([*MISSING]).fill_null(True).sum())
        return TaskGuess("vector", "category", why="its cells hold several numbers each", n_missing=n_missing)
    marks = mark_of(cells) if one.task is None else ""
    if marks:
        return _of_texts(one, cells)
    return detect_task(cells, columns[one.columns[0]], one.task)


def held_in(cells: pl.Series) -> str:
    """Return what the lists of a column hold: `sets` of labels, `vectors` (as many numbers in each), or nothing for no lists.

    Examples:
        >>> held_in(pl.Series(['["a"]', "[]"])), held_in(pl.Series(["[1, 2]", "[3, 4.5]"])), held_in(pl.Series(["a", "b"]))
        ('sets', 'vectors', '')
    """
    if cells.dtype != pl.String:
        return ""
    known = cells.drop_nulls().head(SAMPLE)
    if not len(known) or not known.str.contains(r"^\s*[\[{]").all():
        return ""
    found = [_parsed(text) for text in known.to_list()]
    if any(cell is None for cell in found):
        return ""
    rows = [list(cell.values()) if isinstance(cell, dict) else cell for cell in found]
    numbers = all(isinstance(value, int | float) or value is None for row in rows for value in row)
    return "vectors" if numbers and len({len(row) for row in rows}) == 1 and len(rows[0]) > 1 else "sets"


def _parsed(text: str) -> Any:
    try:
        found = json.loads(text)
    except json.JSONDecodeError:
        return None
    return found if isinstance(found, list | dict) else None


def mark_of(cells: pl.Series) -> str:
    """Return the mark that surely stands between labels, or an empty text: few labels, many sets of them.

    Examples:
        >>> mark_of(pl.Series(["a|b", "b", "a|c", "b|c", "a", "c"])), mark_of(pl.Series(["a|b"] * 6))
        ('|', '')
    """
    if cells.dtype != pl.String:
        return ""
    known = cells.drop_nulls().head(SAMPLE)
    for mark in SURE_MARKS:
        if not len(known) or known.str.contains(mark, literal=True).mean() < MARKED:  # type: ignore[operator]
            continue
        counts = Counter(label for labels in sets_of(known, mark) for label in labels or ())
        alone = {labels[0] for labels in sets_of(known, mark) if labels and len(labels) == 1}
        repeats = counts and min(counts.values()) >= 2
        if repeats and 2 < len(counts) <= MAX_CLASSES and (alone or known.n_unique() > len(counts)):
            return mark
    return ""


def _of_texts(one: Asked, cells: pl.Series) -> TaskGuess:
    separator = one.separator or _likeliest_mark(cells)
    texts = texts_of(cells)[0]
    blank = texts.is_in([*MISSING] if one.blank == "missing" else [m for m in MISSING if m])
    blank = blank.fill_null(one.blank == "missing")
    known, n_missing = texts.filter(~blank), int(blank.sum())
    sets = sets_of(known, separator or "|")
    counts = Counter(label for labels in sets for label in labels or ())
    if not counts:
        raise DataError(
            f"the target {one.name!r} has no labels",
            rule="a label set has labels in some rows",
            found=f"{n_missing:,} missing cells, {len(known):,} others",
            do="look at the column in the file, or name another target",
        )
    target = pl.Series(one.name, [list(labels or ()) for labels in sets], dtype=pl.List(pl.String))
    labels = find("tasks", "multilabel")().labels(target, None)
    n = max(1, len(known))
    mean = sum(counts.values()) / n
    rare = [label for label in labels if counts[label] < 5]
    question = (f"{listed(map(repr, rare), 3)} of {one.name!r} stand in fewer than 5 rows: keep, merge or drop them?",)
    told = f" with {separator!r} between them" if separator else ""
    return TaskGuess(
        "multilabel", "category", labels, None, f"sets of {len(labels)} labels{told}, {mean:.3g} a row", n_missing,
        {label: counts[label] / n for label in labels}, question if rare else (), separator,
    )  # fmt: skip


def _likeliest_mark(cells: pl.Series) -> str:
    if cells.dtype != pl.String:
        return ""
    known = cells.drop_nulls().head(SAMPLE)
    if len(known) and known.str.starts_with("[").all():
        return ""
    shares = {mark: known.str.contains(mark, literal=True).mean() or 0.0 for mark in MARKS}
    best = max(MARKS, key=lambda mark: shares[mark])
    return best if shares[best] > 0 else ""  # type: ignore[operator]


def _of_columns(one: Asked, raw: pl.DataFrame) -> TaskGuess:
    kinds = {name: _kind(raw[name]) for name in one.columns}
    members = all(kind == "boolean" for kind in kinds.values())
    task = one.task or ("multilabel" if members else "vector")
    strange = {
        name: kind for name, kind in kinds.items() if kind != "boolean" and (task == "multilabel" or kind != "number")
    }
    if task not in JOINT_TASKS or strange:
        column = next(iter(strange), one.columns[0])
        raise DataError(
            f"the columns of the output {one.name!r} make no {task}",
            rule="a label set is made of columns of 0 and 1, a vector of columns of numbers",
            found=f"{column!r} holds {listed(map(repr, texts_of(raw[column])[0].drop_nulls().unique().head(3).to_list()))}",
            do="take the column out, or make outputs of one column each",
        )
    missing = raw.select(pl.all_horizontal(pl.col(name).is_null() for name in one.columns)).to_series()
    if task == "vector":
        return TaskGuess(
            task, "number", tuple(one.columns), why=f"{len(kinds)} columns of numbers", n_missing=int(missing.sum())
        )
    shares = {name: _share(raw[name]) for name in one.columns}
    constant = [name for name, share in shares.items() if share in (0.0, 1.0)]
    if constant:
        raise DataError(
            f"the label {constant[0]!r} of {one.name!r} is {shares[constant[0]]:.0f} in every row",
            rule="a label stands in some rows and not in others",
            found=f"{len(constant)} of {len(shares)} labels are the same in all rows: {listed(constant)}",
            do="take the column out of the output",
        )
    labels = find("tasks", "multilabel")().labels(pl.Series(one.name, [list(one.columns)]), None)
    return TaskGuess(
        task, "boolean", labels, None, f"{len(kinds)} columns of 0 and 1", int(missing.sum()),
        {label: shares[label] for label in labels},
    )  # fmt: skip


def _kind(cells: pl.Series) -> str:
    """Return `boolean`, `number` or `text`: as which a column can be read whole."""
    for kind in ("boolean", "number"):
        typed, broken = modality(kind).read(cells, Column(cells.name, kind))
        if not broken.any() and typed.drop_nulls().len():
            return kind
    return "text"


def _share(cells: pl.Series) -> float:
    return float(modality("boolean").read(cells, Column(cells.name, "boolean"))[0].mean() or 0.0)


def asked_columns(asked: Sequence[Asked]) -> dict[str, Asked]:
    """Return the output that each target column belongs to."""
    return {name: one for one in asked for name in one.columns}
