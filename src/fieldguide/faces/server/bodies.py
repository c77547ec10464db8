"""What a request may hold: JSON rows, or a batch as Arrow or Parquet. Read by hand: a library that checks costs more than a model.

Knows the shape of a request; what a row's cells must be is the model's contract, checked when it is answered.
"""

from __future__ import annotations

import io
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import polars as pl

from fieldguide.core.answering import SHOWN, Problem
from fieldguide.faces.server.answers import ARROW, JSON, PARQUET, Refused

KEYS = ("rows", "unit", "units", "arm")
EXAMPLE = '{"rows": [{"column": value}], "unit": "who it is about"}'
MOST_ROWS = 10_000
"""Rows of a JSON request; more of them come as Arrow or Parquet."""
MOST_TABLE_ROWS = 1_000_000
"""Rows of a batch: ten kilobytes of Parquet can hold millions of equal rows, so that a limit of bytes is none."""
LONGEST = 200
"""Characters of a unit."""
TYPES = {
    JSON: JSON, "": JSON, "text/json": JSON, ARROW: ARROW, "application/vnd.apache.arrow.stream": ARROW, PARQUET: PARQUET,
    "application/x-parquet": PARQUET,
}  # fmt: skip


@dataclass(frozen=True)
class Asked:
    """A request that has the right shape.

    Args:
        rows: rows as mappings, or a data frame.
        units: whom each row is about, one for all rows, or None.
        arm: the arm that shall answer; None: whoever is dealt.
    """

    rows: list[dict[str, Any]] | pl.DataFrame
    units: tuple[str, ...] | str | None = None
    arm: str | None = None

    @property
    def n_rows(self) -> int:
        return len(self.rows)


def media_type(header: str) -> str:
    """Return JSON, ARROW or PARQUET from a Content-Type header.

    Raises:
        Refused: 415, another type.
    """
    name = header.partition(";")[0].strip().lower()
    if name not in TYPES:
        raise Refused(415, "the body is of a type that is not read", [
            Problem("Content-Type is JSON, Arrow or Parquet", value=ascii(name)[:SHOWN], send=f"{JSON}, {ARROW} or {PARQUET}")
        ])  # fmt: skip
    return TYPES[name]


def read_json(body: bytes) -> Asked:
    """Read a JSON request.

    Raises:
        Refused: 400 where it is no JSON, 422 where it is not the JSON that is asked for.
    """
    data = parsed(body)
    if not isinstance(data, dict):
        raise _misshapen(Problem("the body is an object", value=_short(data), send=EXAMPLE))
    unknown = [name for name in data if name not in KEYS]
    if unknown:
        raise _misshapen(
            Problem(f"the entries of a request are {', '.join(KEYS)}", value=_short(unknown[0]), send=EXAMPLE)
        )
    rows = data.get("rows")
    if not isinstance(rows, list) or not rows:
        raise _misshapen(Problem("rows is a list of at least one row", value=_short(rows), send=EXAMPLE))
    if len(rows) > MOST_ROWS:
        raise _misshapen(Problem(
            f"a JSON request has at most {MOST_ROWS:,} rows", value=f"{len(rows)} rows", send=f"a batch as {ARROW} or {PARQUET}"
        ))  # fmt: skip
    wrong = [
        Problem("a row is an object of columns", number, value=_short(row), send='{"column": value}')
        for number, row in enumerate(rows)
        if not isinstance(row, dict)
    ]
    if wrong:
        raise _misshapen(*wrong)
    return Asked(rows, _units(data, len(rows)), _arm(data.get("arm")))


def read_table(body: bytes, kind: str, parameters: Mapping[str, str]) -> Asked:
    """Read an Arrow or Parquet batch; `unit` names the column that says whom a row is about, `arm` who shall answer.

    Raises:
        Refused: 400 where it cannot be read, 413 where it has too many rows, 422 where it has none or no such column.
    """
    try:
        frame = _frame(body, kind)
    except Refused:
        raise
    except (Exception, pl.exceptions.PanicException) as error:  # a damaged file fails in many ways, some of them panics
        raise Refused(400, "the body cannot be read", [
            Problem(f"the body is what Content-Type says, {kind}", value=str(error).splitlines()[0][:SHOWN] if str(error) else "", send="a complete file")
        ]) from None  # fmt: skip
    if not frame.height:
        raise _misshapen(Problem("a batch has at least one row", value="0 rows", send="rows"))
    units: tuple[str, ...] | None = None
    named = parameters.get("unit")
    if named is not None:
        if named not in frame.columns:
            raise _misshapen(
                Problem("the parameter unit names a column of the batch", value=_short(named), send="?unit=COLUMN")
            )
        column = frame[named].cast(pl.String, strict=False)
        if column.null_count() or column.str.len_chars().max() > LONGEST:  # type: ignore[operator]
            raise _misshapen(
                Problem(f"a unit is a text of at most {LONGEST} characters", column=named, send="no empty units")
            )
        units = tuple(column.to_list())
    return Asked(frame, units, _arm(parameters.get("arm")))


def _frame(body: bytes, kind: str) -> pl.DataFrame:
    """Read a table whose number of rows is known before its cells are unpacked. Raises Refused: 413, too many rows."""
    if kind != PARQUET and body[:6] != b"ARROW1":  # a stream tells no number of rows: it is read up to one too many
        frame = pl.read_ipc_stream(io.BytesIO(body), n_rows=MOST_TABLE_ROWS + 1)
        n_rows = frame.height
    else:
        lazy = (pl.scan_parquet if kind == PARQUET else pl.scan_ipc)(io.BytesIO(body))
        n_rows = lazy.select(pl.len()).collect().item()
        frame = lazy.collect() if n_rows <= MOST_TABLE_ROWS else pl.DataFrame()
    if n_rows > MOST_TABLE_ROWS:
        raise Refused(413, "the batch has too many rows", [
            Problem(f"a batch has at most {MOST_TABLE_ROWS:,} rows", value=f"more than {MOST_TABLE_ROWS:,} rows", send="fewer rows at a time")
        ])  # fmt: skip
    return frame


def parsed(body: bytes) -> Any:
    """Read JSON strictly: UTF-8, no NaN, no half characters. Raises Refused: 400."""
    try:
        text = body.decode()
        data = _DECODE(text)
        if "\\u" in text and not _whole(data):
            raise ValueError("a lone surrogate is no character")
        return data
    except RecursionError:
        raise _no_json("it is nested too deeply") from None
    except ValueError as error:
        raise _no_json(str(error)) from None


def _refuse_constant(name: str) -> Any:
    raise ValueError(f"{name} is no JSON number")


_DECODE = json.JSONDecoder(parse_constant=_refuse_constant).decode


def _whole(data: Any) -> bool:
    """Whether every text can be written as UTF-8: an escaped half of a surrogate pair cannot."""
    try:
        json.dumps(data, ensure_ascii=False).encode()
    except UnicodeEncodeError:
        return False
    return True


def _no_json(why: str) -> Refused:
    return Refused(400, "the body is no JSON", [Problem("the body is JSON in UTF-8", value=why[:SHOWN], send=EXAMPLE)])


def _misshapen(*problems: Problem) -> Refused:
    return Refused(422, "the request does not have the shape that is asked for", problems)


def _units(data: Mapping[str, Any], n_rows: int) -> tuple[str, ...] | str | None:
    one, many = data.get("unit"), data.get("units")
    if many is None:
        return None if one is None else _unit(one, None)
    if one is not None or not isinstance(many, list) or len(many) != n_rows:
        raise _misshapen(Problem(
            "units is a list of one unit per row, and stands alone", value=_short(many), send=f'"units": [… {n_rows} of them]'
        ))  # fmt: skip
    return tuple(_unit(unit, number) for number, unit in enumerate(many))


def _unit(unit: Any, row: int | None) -> str:
    if isinstance(unit, bool) or not isinstance(unit, (str, int)) or not 0 < len(str(unit)) <= LONGEST:
        raise _misshapen(Problem(
            f"a unit is a text of 1 to {LONGEST} characters, or a whole number", row, value=_short(unit), send='"unit": "user 17"'
        ))  # fmt: skip
    return str(unit)


def _arm(arm: Any) -> str | None:
    if arm is not None and not isinstance(arm, str):
        raise _misshapen(Problem("arm is the name of an arm", value=_short(arm), send='"arm": "name"'))
    return arm


def _short(value: Any) -> str:
    return (
        ascii(value)[:SHOWN]
        if isinstance(value, (str, int, float, bool, type(None)))
        else f"{type(value).__name__} of {len(value)}"
    )
