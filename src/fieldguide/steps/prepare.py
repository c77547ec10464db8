"""Prepare: show what the transform of every fit will do to the columns, on ten rows, before and after."""

from __future__ import annotations

from typing import Any

import numpy as np

from fieldguide.core.batch import Block
from fieldguide.core.files.media import FILE_KINDS, told
from fieldguide.core.finding import Finding
from fieldguide.core.rows import Rows
from fieldguide.core.table import Column, Table
from fieldguide.core.transform import Recipe, Transform
from fieldguide.parts import modality
from fieldguide.steps.checking import checked

N_SHOWN = 10
LOADED = 64  # rows of a block that are decoded to show their shape and range


def prepare(
    table: Table, rows: Rows, train: np.ndarray, profile: dict[str, Any], recipe: Recipe
) -> tuple[dict[str, Any], tuple[Finding, ...]]:
    """Fit the transform on the first fold's training rows and show ten of them before and after.

    Args:
        table, rows: the same development rows, as a table and as cells.
        train: training rows of the first fold.
        recipe: the recipe to describe.
    """
    fitted = Transform.fit(recipe, rows.take(train), modality)
    shown = train[:N_SHOWN]
    batch = fitted.encode(rows.take(shown).cells, len(shown))
    whole = fitted.encode(rows.take(train).cells, len(train))
    arrays = [
        {
            "array": name, "dtype": str(array.dtype), "shape": [len(whole), *array.shape[1:]],
            "range": [float(np.nanmin(array)), float(np.nanmax(array))] if array.size else None,
        }
        for name, array in ((name, _array(cells)) for name, cells in whole.arrays.items())
    ]  # fmt: skip
    names = [column.name for column in table.features]
    facts = {
        "sentence": f"{len(names)} {'column becomes' if len(names) == 1 else 'columns become'} {len(fitted.layout.numbers)} numbers and {len(fitted.layout.codes)} codes",
        "recipe": fitted.to_dict()["recipe"], "arrays": arrays,
        "before": {name: [None if v is None else _told(v, table.column(name)) for v in table.frame[name][shown].to_list()] for name in names},
        "before_dtypes": {name: str(table.frame[name].dtype) for name in names},
        "after": {
            "numbers": {n: np.round(batch.numbers[:, i].astype(float), 4).tolist() for i, n in enumerate(batch.layout.numbers)},
            "codes": {n: batch.codes[:, i].tolist() for i, (n, _) in enumerate(batch.layout.codes)},
        },
        "cardinalities": dict(batch.layout.codes),
    }  # fmt: skip
    return facts, checked("prepare", table=table, profile=profile, recipe=recipe, layout=fitted.layout, arrays=whole)


def _told(value: Any, column: Column) -> str:
    return told(value) if column.kind in FILE_KINDS else str(value)


def _array(cells: Any) -> np.ndarray:
    """Return what can be measured of an array: a block's first rows, the stored values of a sparse one."""
    if isinstance(cells, Block):
        return cells[:LOADED].load()
    return cells if isinstance(cells, np.ndarray) else np.asarray(cells.data).reshape(-1, 1)
