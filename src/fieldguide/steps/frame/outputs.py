"""Outputs of several columns, and label sets in one: how raw cells become the one column that a task codes.

A label set becomes a JSON list of its labels and a vector a JSON object of its entries, so that rows are hashed, kept and compared
as any text. Knows which columns belong together; what the texts mean is the tasks' business.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import polars as pl

from fieldguide.core.cell import texts_of
from fieldguide.core.documents.asked import Asked
from fieldguide.core.errors import DataError
from fieldguide.core.problem import Output, Problem
from fieldguide.core.table import MISSING, Column, Table
from fieldguide.parts import find
from fieldguide.parts.tasks._sets import set_text, sets_of, vector_text
from fieldguide.steps.detect.task import TaskGuess

MOST_VIEWS = 8
"""Labels or entries of one output that are looked at one by one before any model is fitted."""


def in_words(raw: pl.DataFrame, asked: Sequence[Asked], tasks: Mapping[str, TaskGuess]) -> pl.DataFrame:
    """Return raw rows whose label sets, where they stand in one column, are written in one way."""
    made = []
    for one in asked:
        task = one.task or tasks[one.name].task
        if one.joint or one.columns[0] not in raw.columns:  # several columns, or a proxy that is computed
            continue
        cells = raw[one.columns[0]]
        if task == "multilabel":
            made.append(_set_cells(cells, one, tasks[one.name].separator))
    return raw.with_columns(made) if made else raw


def _set_cells(cells: pl.Series, one: Asked, separator: str) -> pl.Series:
    texts, _ = texts_of(cells)
    tokens = texts.is_in([token for token in MISSING if token]).fill_null(False)
    cells = texts.fill_null("") if one.blank == "none" else texts.set((texts == "").fill_null(False), None)
    cells = cells.set(tokens, None)
    texts_made = [None if labels is None else set_text(labels) for labels in sets_of(cells, separator or "|")]
    return pl.Series(cells.name, texts_made, dtype=pl.String)


def made_columns(columns: Sequence[Column], asked: Sequence[Asked]) -> tuple[Column, ...]:
    """Return the columns that outputs add to a table: of several columns, or under a name of their own.

    Raises:
        DataError: such a name is that of another column.
    """
    names = {column.name for column in columns}
    for one in asked:
        if _is_made(one) and one.name in names:
            raise DataError(
                f"the output {one.name!r} has the name of a column",
                rule="an output that is made of other columns has a name of its own",
                found=f"it is made of {', '.join(one.columns)}",
                do="name it otherwise: problem.outputs[].name",
            )
    return tuple(Column(one.name, "category", "target", {"of": list(one.columns)}) for one in asked if _is_made(one))


def composed(
    table: Table, raw: pl.DataFrame, asked: Sequence[Asked], tasks: Mapping[str, TaskGuess], first_row: int = 0
) -> Table:
    """Return a typed table with a column for each output that several columns make.

    A row without any of the entries has no target; a row without one of them is an error.

    Args:
        table: typed rows; label columns are boolean, entries numbers.
        raw: the same rows as they were read, for messages.
        first_row: number of the first row in the file, for messages.

    Raises:
        DataError: a row lacks an entry; names row and entry.
    """
    frame, columns = table.frame, table.columns
    for one, column in zip([a for a in asked if _is_made(a)], made_columns(columns, asked)):
        if not one.joint:
            frame = frame.with_columns(pl.col(one.columns[0]).alias(one.name))
            columns = (*columns, Column(one.name, table.column(one.columns[0]).kind, "target", column.read))
            continue
        parts = frame.select(one.columns)
        known = np.column_stack([parts[name].is_not_null().to_numpy() for name in one.columns])
        _refuse_gaps(one, known, raw, first_row)
        members = (one.task or tasks[one.name].task) == "multilabel"
        texts = [
            None if row[0] is None else set_text(name for name, is_in in zip(one.columns, row) if is_in) if members
            else vector_text(dict(zip(one.columns, row)))
            for row in parts.rows()
        ]  # fmt: skip
        frame = frame.with_columns(pl.Series(one.name, texts, dtype=pl.String))
        columns = (*columns, column)
    return Table(frame, columns)


def _is_made(one: Asked) -> bool:
    return one.joint or one.name != one.columns[0]


def _refuse_gaps(one: Asked, known: np.ndarray, raw: pl.DataFrame, first_row: int) -> None:
    gaps = np.argwhere(~known & known.any(axis=1, keepdims=True))
    if not len(gaps):
        return
    row, place = (int(i) for i in gaps[0])
    n_rows = len(np.unique(gaps[:, 0]))
    where = f"row {first_row + row}" if n_rows == 1 else f"{n_rows:,} rows (the first is row {first_row + row})"
    raise DataError(
        f"the entry {one.columns[place]!r} of the target {one.name!r} is missing in {where}",
        rule="a row has all of its entries, or none: then it has no target and is left out",
        found=repr(raw[one.columns[place]][row]),
        do="fill the entry in, or drop the row",
    )


def simple(table: Table, problem: Problem) -> tuple[Table, Problem, list[dict[str, Any]]]:
    """Return a table and problem in which every output is one column: a label of a set is binary, an entry a regression, a price what was offered.

    What asks about one target at a time, leaks and drift and many more, is then asked of each. Of an output with more than
    `MOST_VIEWS` labels the most frequent are taken, of entries the first; what was taken is returned as plain data.
    """
    outputs: list[Output] = []
    told: list[dict[str, Any]] = []
    frame, columns = table.frame, list(table.columns)
    for output in problem.outputs:
        if not output.joint:
            if output.codes_more:
                frame = frame.with_columns(pl.Series(output.name, output.plain(output.code(frame[output.name]))))
            outputs.append(output.plainly())
            continue
        truth = output.code(table.frame[output.name])
        sets = output.family == "multilabel"
        order = np.argsort(-truth.sum(axis=0), kind="stable") if sets else np.arange(truth.shape[1])
        taken = sorted(int(i) for i in order[:MOST_VIEWS])
        parts = table.column(output.name).read.get("of", ())
        gone = {output.name, *parts}
        frame, columns = frame.drop(gone), [c for c in columns if c.name not in gone]
        names = [label if label in parts else f"{output.name}: {label}" for label in output.labels]
        for i in taken:
            cells = np.where(truth[:, i] == 1, "yes", "no") if sets else truth[:, i]
            frame = frame.with_columns(pl.Series(names[i], cells))
            columns.append(Column(names[i], "category" if sets else "number", "target"))
            task = find("tasks", "binary" if sets else "regression")()
            outputs.append(Output(names[i], task, ("no", "yes") if sets else ()))
        told.append({"output": output.name, "looked_at": [output.labels[i] for i in taken], "of": len(output.labels)})
    if tuple(outputs) == problem.outputs:
        return table, problem, []
    return (
        Table(frame.select([c.name for c in columns]), tuple(columns)),
        replace(problem, outputs=tuple(outputs)),
        told,
    )
