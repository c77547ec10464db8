"""Frames of other libraries as Polars frames, without importing those libraries and without pyarrow.

Knows how pandas stores cells; a missing cell of any kind becomes null.
"""

from __future__ import annotations

import datetime
import decimal
import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import polars as pl

from fieldguide.core.errors import DataError, listed
from fieldguide.core.files.header import check_names


def frame_of_pandas(data: Any) -> pl.DataFrame:
    """Return a pandas DataFrame as a Polars frame; the index is dropped.

    Raises:
        DataError: it is a Series, or column names repeat.
    """
    if not hasattr(data, "columns"):
        raise DataError(
            f"a pandas {type(data).__name__} is not a table", rule="data has named columns",
            found=f"{len(data):,} values without columns" if hasattr(data, "__len__") else repr(type(data)), do="use .to_frame()",
        )  # fmt: skip
    names = [str(name) for name in data.columns]
    check_names(names, "the pandas frame")
    return pl.DataFrame([_pandas_column(name, data.iloc[:, i]) for i, name in enumerate(names)])


def frame_of_lists(data: Mapping[str, Any], origin: str) -> pl.DataFrame:
    """Return a dict of equally long lists as a frame.

    Examples:
        >>> frame_of_lists({"a": [1, None], "b": [1, "x"]}, "the dict").dtypes
        [Int64, String]
    """
    columns = {str(name): _series(str(name), values) for name, values in data.items()}
    sizes = {name: len(column) for name, column in columns.items()}
    if len(set(sizes.values())) > 1:
        raise DataError(
            f"{origin} has columns of different lengths", rule="every column has one cell per row",
            found=listed(f"{name!r} has {size:,}" for name, size in sizes.items()), do="give a cell, or None, for every row",
        )  # fmt: skip
    return pl.DataFrame(list(columns.values()))


def frame_of_rows(rows: Sequence[Any]) -> pl.DataFrame:
    """Return a list of dicts as a frame; a key that a row lacks is missing there."""
    wrong = next((i for i, row in enumerate(rows) if not isinstance(row, Mapping)), None)
    if wrong is not None:
        raise DataError(
            "the list is not a list of rows",
            rule="every row is a dict",
            found=f"item {wrong} is a {type(rows[wrong]).__name__}",
            do="give a dict of column and cell for every row",
        )
    names = list(dict.fromkeys(name for row in rows for name in row))
    return frame_of_lists({name: [row.get(name) for row in rows] for name in names}, "the list of rows")


def _series(name: str, values: Any) -> pl.Series:
    if isinstance(values, pl.Series):
        return values.alias(name)
    if isinstance(values, np.ndarray) and values.ndim == 1 and values.dtype.kind in "biuf":
        return pl.Series(name, values, nan_to_null=True)
    if isinstance(values, (str, bytes)) or not hasattr(values, "__iter__"):
        raise DataError(
            f"column {name!r} is not a list of cells",
            rule="data is a dict of lists",
            found=f"a {type(values).__name__}",
            do="give a list of cells, or a list of dicts",
        )
    return _of_objects(name, values.tolist() if isinstance(values, np.ndarray) else list(values))


def _pandas_column(name: str, column: Any) -> pl.Series:
    dtype = str(column.dtype)
    if dtype == "category":
        levels = _pandas_column(name, column.cat.categories.to_series())
        codes = column.cat.codes.to_numpy().astype(np.int64)
        values = (
            levels.gather(pl.Series(np.where(codes < 0, 0, codes))).to_list() if len(levels) else [None] * len(codes)
        )
        cells = [None if code < 0 else value for code, value in zip(codes.tolist(), values)]
        # Levels the user declared stay levels, even where they look like numbers.
        return pl.Series(name, [None if cell is None else str(cell) for cell in cells], dtype=pl.String).cast(
            pl.Categorical
        )
    if dtype.startswith(("datetime64", "timestamp")):
        zone = getattr(column.dt, "tz", None)
        plain = column.dt.tz_convert("UTC").dt.tz_localize(None) if zone is not None else column
        series = pl.Series(name, plain.to_numpy().astype("datetime64[us]"))
        return series.dt.replace_time_zone("UTC") if zone is not None else series
    if dtype.startswith("timedelta"):
        return pl.Series(name, column.to_numpy().astype("timedelta64[us]"))
    kind = getattr(column.dtype, "kind", "O")
    if isinstance(column.dtype, np.dtype) and kind in "biuf":
        return pl.Series(name, np.ascontiguousarray(column.to_numpy()), nan_to_null=kind == "f")
    # Nullable, Arrow-backed, string and object columns: cells one by one, with every missing marker as None.
    missing = column.isna().to_numpy().astype(bool)
    cells = [None if gone else value for value, gone in zip(column.astype(object).tolist(), missing.tolist())]
    return _of_objects(name, cells)


def _of_objects(name: str, cells: list[Any]) -> pl.Series:
    """Return cells of any Python types: one type if they share it, else their words."""
    cells = [None if cell is None or (isinstance(cell, float) and cell != cell) else _python(cell) for cell in cells]
    types = {type(cell) for cell in cells if cell is not None}
    if types <= {bool}:
        return pl.Series(name, cells, dtype=pl.Boolean if types else pl.String)
    if types == {int}:
        try:
            return pl.Series(name, cells, dtype=pl.Int64)
        except (OverflowError, TypeError, pl.exceptions.PolarsError):
            return pl.Series(name, [None if cell is None else str(cell) for cell in cells], dtype=pl.String)
    if types <= {int, float, decimal.Decimal}:
        return pl.Series(name, [None if cell is None else _float(cell) for cell in cells], dtype=pl.Float64)
    if types == {datetime.date}:
        return pl.Series(name, cells, dtype=pl.Date)
    if types <= {datetime.datetime, datetime.date}:
        return pl.Series(name, [None if cell is None else _instant(cell) for cell in cells], dtype=pl.Datetime("us"))
    return pl.Series(name, [None if cell is None else str(cell) for cell in cells], dtype=pl.String)


def _python(cell: Any) -> Any:
    """Return numpy scalars and pandas timestamps as plain Python values."""
    if isinstance(cell, np.generic):
        return cell.item()
    if hasattr(cell, "to_pydatetime"):
        return None if str(cell) == "NaT" else cell.to_pydatetime(warn=False)
    return None if isinstance(cell, decimal.Decimal) and cell.is_nan() else cell


def _float(cell: Any) -> float:
    try:
        return float(cell)
    except OverflowError:  # a whole number of more than 308 digits
        return math.inf if cell > 0 else -math.inf


def _instant(cell: datetime.date) -> datetime.datetime:
    if not isinstance(cell, datetime.datetime):
        return datetime.datetime(cell.year, cell.month, cell.day)
    return cell.astimezone(datetime.UTC).replace(tzinfo=None) if cell.tzinfo else cell
