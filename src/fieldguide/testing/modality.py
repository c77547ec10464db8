"""The contract of a modality: one meaning for one cell, on every path, and nothing learned from rows it was not given.

Knows `core.contracts.Modality` and `core.transform.Recipe` only; what a particular modality reads is tested beside it.
"""

from __future__ import annotations

import dataclasses
import datetime
import json
from collections.abc import Iterable, Mapping
from decimal import Decimal
from typing import Any

import numpy as np
import polars as pl

from fieldguide.core.table import Column
from fieldguide.core.transform import Recipe
from fieldguide.testing.task import is_frozen

DTYPES = (pl.Float64, pl.String, pl.Boolean, pl.Datetime("us"))
ODD_VALUES: tuple[Any, ...] = (
    None, "", " ", " 3 ", "3", "3.0", 3, 3.0, -0.0, 2.5, "1e5", "inf", float("inf"), float("nan"), "NaN", "?", "nan",
    "-999", True, False, "TRUE", "no", "٣", "1,234", "1_000", "0x10", ".", "+5", "1e999", 10**19, "\u00a07\u00a0",
    "a" * 10_000, "é",
    "2024-01-31", "2024-02-30", "2024-01-31T23:30:00+01:00", "31/1/2024", datetime.date(2024, 2, 29),
    datetime.datetime(2024, 2, 29, 12, 30, 1, 5), Decimal("3.10"), [1, 2], {"a": 1}, b"3",
)  # fmt: skip
RECIPES = (
    Recipe(),
    Recipe(scaling="robust", min_count=1),
    Recipe(scaling="quantile", max_levels=2),
    Recipe(scaling="none", missing="keep", min_count=1),
    Recipe(scaling="none"),
    Recipe(missing="keep", dates="elapsed"),
    Recipe(media="sparse"),
    Recipe(media="blocks"),
    Recipe(media="blocks", tokeniser="bpe", max_tokens=8),
    Recipe(media="features"),
    Recipe(media="points"),
)


def check_modality(modality: Any, raw: pl.Series, column: Any = None, values: Iterable[Any] = ODD_VALUES) -> None:
    """Assert that a modality keeps the contract.

    Args:
        modality: an instance of the modality.
        raw: at least 8 raw cells, as a file gives them, most of which the modality can read.
        column: how they are read; by default a column without special reading.
        values: single values that are read on the scalar path and as a Series, which must agree.

    Raises:
        AssertionError: names the rule that does not hold.

    Examples:
        >>> from fieldguide import parts
        >>> check_modality(parts.modality("number"), pl.Series("x", ["1", "2", "", "4", "x", "6", "7", "8.5"]))
    """
    assert is_frozen(type(modality)), "a modality is a frozen dataclass"
    assert not dataclasses.fields(modality), "a modality has no fields: what it reads by is the column's"
    column = column or Column(raw.name or "x", modality.name)
    check_reading(modality, raw, column)
    check_scalar_path(modality, [*raw.to_list(), *values], column)
    typed, _ = modality.read(raw, column)
    check_description(modality, typed)
    for recipe in RECIPES:
        check_encoder(modality, typed, recipe)


def check_reading(modality: Any, raw: pl.Series, column: Any) -> None:
    """Assert that reading is typed, row by row, and that broken cells are null."""
    typed, broken = modality.read(raw, column)
    assert typed.dtype in DTYPES, f"typed values are one of {DTYPES}, not {typed.dtype}"
    assert broken.dtype == pl.Boolean and not broken.null_count(), "broken is Boolean without nulls"
    assert typed.len() == broken.len() == raw.len(), "reading keeps the number of rows"
    assert typed.filter(broken).is_null().all(), "a broken cell is null"
    assert not broken.filter(raw.is_null()).any(), "a null cell is missing, not broken"
    for cut in (0, 1, raw.len() // 2, raw.len()):
        pieces = [modality.read(piece, column) for piece in (raw[:cut], raw[cut:])]
        assert _same(pl.concat([piece[0] for piece in pieces]), typed), "a cell's value depends on other rows"
        assert pl.concat([piece[1] for piece in pieces]).equals(broken), (
            "whether a cell is broken depends on other rows"
        )
    nothing, unbroken = modality.read(pl.Series(raw.name, [None, None], dtype=pl.String), column)
    assert nothing.dtype == typed.dtype and nothing.null_count() == 2 and not unbroken.any(), (
        "a column of nulls can be read"
    )
    plain = Column(column.name, column.kind, read={"missing": []})
    again, broken_again = modality.read(typed, plain)
    assert _same(again, typed) and not broken_again.any(), "typed values read as themselves"


def check_scalar_path(modality: Any, values: Iterable[Any], column: Any) -> None:
    """Assert that `read_value` and `cell` give what `read` and `cells` give for a Series of that one value."""
    for value in values:
        try:
            raw = pl.Series(column.name, [value])
        except (TypeError, OverflowError, pl.exceptions.PolarsError):
            continue  # nothing a table could hold
        typed, broken = modality.read(raw, column)
        one, is_broken = modality.read_value(value, column)
        assert is_broken == broken[0], (
            f"{value!r:.60} is broken on one path only: alone {is_broken}, in a Series {broken[0]}"
        )
        assert one == typed[0], f"{value!r:.60} is {one!r:.60} alone and {typed[0]!r:.60} in a Series"
        cell, cells = modality.cell(one), modality.cells(typed)
        assert cell.shape == cells.shape == (1,) and cell.dtype == cells.dtype, (
            f"cell {cell!r} is not like cells {cells!r}"
        )
        assert _identical(cell, cells), f"{value!r:.60} has the cell {cell!r} alone and {cells!r} in a Series"


def check_description(modality: Any, typed: pl.Series) -> None:
    """Assert that facts are plain data, for no rows and for missing values as well."""
    for series in (typed, typed[:0], typed[:1], pl.Series(typed.name, [None] * 3, dtype=typed.dtype)):
        facts = modality.describe(series)
        json.dumps(facts, allow_nan=False)
        assert facts["n"] == series.len() and facts["missing"] == series.null_count(), (
            "facts count rows and missing values"
        )


def check_encoder(modality: Any, typed: pl.Series, recipe: Any) -> None:
    """Assert that encoding is fitted on its rows only, row by row, finite where promised, and survives JSON."""
    half, first = typed.len() // 2, typed.drop_nulls()[:1]
    cells = {name: modality.cells(series) for name, series in _columns(typed, first).items()}
    before = {name: array.copy() for name, array in cells.items()}
    train = {name: array[:half] for name, array in cells.items()}
    encoder = modality.fit(train, recipe)
    described = json.dumps(encoder.to_dict(), allow_nan=False)
    arrays = loaded_arrays(encoder.layout(), encoder.encode(cells))
    _check_arrays(encoder.layout(), arrays, typed.len(), finite=recipe.missing == "indicator")
    assert all(_identical(cells[name], before[name]) for name in cells), "encoding changes the cells it is given"
    loaded = modality.load(json.loads(described))
    assert loaded.layout() == encoder.layout(), "a loaded encoder has the same layout"
    again = loaded_arrays(loaded.layout(), loaded.encode(cells))
    assert _same_arrays(again, arrays), "a loaded encoder encodes the same, bit for bit"
    assert json.dumps(loaded.to_dict(), allow_nan=False) == described, "a loaded encoder describes itself the same"
    _check_rows(encoder, cells, arrays, typed.len())
    # Poison: what is not a training row may be anything, and nothing fitted moves.
    held = pl.concat([typed[:half], typed[half:].reverse(), pl.Series(typed.name, [None] * 3, dtype=typed.dtype)])
    altered = {name: modality.cells(series)[:half] for name, series in _columns(held, first).items()}
    refitted = json.dumps(modality.fit(altered, recipe).to_dict(), allow_nan=False)
    assert refitted == described, "rows outside the training rows move fitted values"
    empty = {name: modality.cells(series[:0]) for name, series in _columns(typed, first).items()}
    missing = {name: modality.cells(pl.Series(name, [None] * 4, dtype=typed.dtype)) for name in cells}
    for extreme in (missing, empty):
        fitted = modality.fit(extreme, recipe)
        _check_arrays(
            fitted.layout(),
            loaded_arrays(fitted.layout(), fitted.encode(cells)),
            typed.len(),
            finite=recipe.missing == "indicator",
        )


def loaded_arrays(layout: Any, arrays: Mapping[str, Any]) -> dict[str, np.ndarray]:
    """Return encoded arrays as plain ones: blocks decoded and filled up to their shape, sparse ones written out."""
    specs = {spec.name: spec for spec in layout.blocks}
    plain: dict[str, np.ndarray] = {}
    for name, array in arrays.items():
        if name in specs:
            array = array.load()
            if specs[name].size and array.shape[1] < specs[name].shape[0]:  # codes are as long as their longest row
                array = np.pad(array, ((0, 0), (0, specs[name].shape[0] - array.shape[1])))
        plain[name] = array if isinstance(array, np.ndarray) else array.toarray()
    return plain


def _columns(typed: pl.Series, first: pl.Series) -> dict[str, pl.Series]:
    """Three columns: the data as they are, with `first` in place of missing values, and nothing but `first`."""
    full = typed.zip_with(typed.is_not_null(), first.new_from_index(0, typed.len()))
    return {"as is": typed, "full": full, "constant": first.new_from_index(0, typed.len())}


def _check_arrays(layout: Any, arrays: Mapping[str, np.ndarray], n_rows: int, finite: bool) -> None:
    blocks = {spec.name: spec for spec in layout.blocks}
    for name, array in arrays.items():
        assert array.shape[0] == n_rows, f"{name} has {array.shape[0]} rows of {n_rows}"
        if name == "numbers":
            assert array.dtype == np.float32 and array.shape == (n_rows, len(layout.numbers)), (
                f"numbers are {array.shape}"
            )
            assert not np.isinf(array).any(), "numbers are never infinite"
            assert not (finite and np.isnan(array).any()), "numbers are never NaN where the recipe adds indicators"
        elif name == "codes":
            assert array.dtype == np.int32 and array.shape == (n_rows, len(layout.codes)), f"codes are {array.shape}"
            sizes = np.array([size for _, size in layout.codes])
            assert (array >= 0).all() and (array < sizes).all(), "codes are within their cardinality"
        elif name == "terms":
            assert array.dtype == np.float32 and array.shape == (n_rows, layout.n_terms), f"terms are {array.shape}"
        else:
            spec = blocks[name]
            assert array.dtype == np.dtype(spec.dtype), f"{name} is {array.dtype}, its layout says {spec.dtype}"
            assert array.shape[1:] == spec.shape, f"{name} is {array.shape[1:]}, its layout says {spec.shape}"
            assert np.isfinite(array).all(), f"{name} is finite everywhere"
            assert not spec.size or ((array >= 0) & (array < spec.size)).all(), f"codes of {name} are within its size"
    held = (layout.numbers, "numbers"), (layout.codes, "codes"), (layout.blocks, "a block")
    assert all(not names or key == "a block" or key in arrays for names, key in held), (
        "the layout names arrays that are not there"
    )
    assert len(set(layout.numbers)) == len(layout.numbers), "names of number columns differ"


def _check_rows(encoder: Any, cells: Mapping[str, np.ndarray], arrays: Mapping[str, np.ndarray], n_rows: int) -> None:
    for rows in (
        slice(0, 0),
        slice(0, n_rows // 2),
        slice(None, None, -1),
        *(slice(row, row + 1) for row in range(n_rows)),
    ):
        part = loaded_arrays(encoder.layout(), encoder.encode({name: array[rows] for name, array in cells.items()}))
        expected = {name: array[rows] for name, array in arrays.items()}
        assert _same_arrays(part, expected), f"rows {rows} encoded alone differ from the same rows among all"


def _same(left: pl.Series, right: pl.Series) -> bool:
    return left.dtype == right.dtype and left.equals(right, null_equal=True)


def _same_arrays(left: Mapping[str, np.ndarray], right: Mapping[str, np.ndarray]) -> bool:
    return left.keys() == right.keys() and all(_identical(left[name], right[name]) for name in left)


def _identical(left: np.ndarray, right: np.ndarray) -> bool:
    if left.dtype != right.dtype or left.shape != right.shape:
        return False
    if left.dtype == object:
        return all(_alike(a, b) for a, b in zip(left.tolist(), right.tolist(), strict=True))
    return np.ascontiguousarray(left).tobytes() == np.ascontiguousarray(right).tobytes()


def _alike(left: Any, right: Any) -> bool:
    """Whether two cells are one: texts and the like by value, arrays to the last bit."""
    if isinstance(left, np.ndarray) and isinstance(right, np.ndarray):
        return _identical(left, right)
    return type(left) is type(right) and bool(left == right)
