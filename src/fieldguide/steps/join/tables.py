"""The tables of a join, brought to one form that SQL can scan: entities, times in microseconds, typed values.

Knows files, kinds and clocks; knows no units, windows or outcomes. Parquet whose columns have types of their own is
scanned where it lies; text (CSV, TSV), Arrow, and Parquet that holds times as text is read slice by slice by the same
code that reads any table of a study, and kept as typed Parquet in the work folder.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

import polars as pl

from fieldguide.core.documents.join_sections import UNITS, Clock
from fieldguide.core.errors import DataError, listed, nearest
from fieldguide.core.files.source import PARQUET, Source, open_source
from fieldguide.core.reading import Violation, read_frame
from fieldguide.core.table import Column
from fieldguide.parts import modality
from fieldguide.steps.detect.columns import detect_columns
from fieldguide.steps.join.sql import literal, name

Use = Literal["entity", "time", "number", "value"]
SLICE = 500_000
"""Raw rows read at a time while a table is made typed Parquet."""
FEW_BROKEN = 0.05
"""With a larger share of unreadable cells, a column is not what study.yaml takes it for."""
CLOCKS = {"seconds": 1.0, "minutes": 60.0, "hours": 3_600.0, "days": 86_400.0}
_ZONE = re.compile(r":\d{2}(?:\.\d+)?\s*(?:Z|UTC|GMT|[+-]\d{2}:?\d{2})$")
_WHOLE = r"^(?:0|-?[1-9][0-9]{0,17})$"
_ELAPSED = r"^(-?)([0-9]{1,6}):([0-5][0-9])(?::([0-5][0-9](?:\.[0-9]+)?))?$"


@dataclass(frozen=True)
class Scanned:
    """A table as SQL can scan it.

    Args:
        label: what messages call it.
        path: the file it was made of.
        sql: what stands after FROM.
        kinds: kind of each column that is used: number, boolean, datetime or category.
        spelled: how the entity columns are spelled: `whole` numbers, `text`, or `digits` (text that is whole numbers).
        zoned: whether each time column has a time zone.
        examples: a few cells of each entity column.
        n_broken: cells of each column that could not be read and count as missing.
        row: SQL of the number of a row in the file.
        floats: entity columns that are stored as floating-point numbers; one with a fraction is no entity.
    """

    label: str
    path: Path
    sql: str
    kinds: Mapping[str, str]
    spelled: Mapping[str, str]
    zoned: Mapping[str, bool]
    examples: Mapping[str, tuple[str, ...]]
    n_broken: Mapping[str, int] = field(default_factory=dict)
    row: str = "file_row_number"
    floats: frozenset[str] = frozenset()

    def time(self, column: str, clock: Clock) -> str:
        """Return the SQL of a time in microseconds."""
        if clock == "date":
            return f"epoch_us({name(column)})"
        return f"round({name(column)} * {CLOCKS[clock] * 1e6!r}::DOUBLE)::BIGINT"

    def entity(self, column: str, whole: bool) -> str:
        """Return the SQL of an entity, as a whole number or as text."""
        cell = name(column)
        if column in self.floats:
            return f"CASE WHEN {cell} = trunc({cell}) THEN {cell}::BIGINT END"
        return f"{cell}::BIGINT" if whole or self.spelled[column] == "whole" else f"nullif({cell}::VARCHAR, '')"

    def value(self, column: str) -> str:
        """Return the SQL of a value as its kind: DOUBLE, BOOLEAN, TIMESTAMP or VARCHAR."""
        cell = name(column)
        if self.kinds[column] == "number":
            return f"CASE WHEN isfinite({cell}::DOUBLE) THEN {cell}::DOUBLE END"
        if self.kinds[column] == "datetime":
            return f"make_timestamp(epoch_us({cell}))"
        return cell if self.kinds[column] == "boolean" else f"{cell}::VARCHAR"


def scan(label: str, path: Path, uses: Mapping[str, Use], clock: Clock, work: Path) -> Scanned:
    """Open a table for SQL.

    Args:
        label: what messages call it, such as `join.features[0]`.
        uses: the columns that are needed, and what for.
        clock: how times are told.
        work: folder for typed copies of tables that SQL cannot scan as they are.

    Raises:
        DataError: the file cannot be read, a column is missing, or holds something else than it is used for.
    """
    source = open_source(path)
    label = f"{label} ({path.name})"
    gone = [column for column in uses if column not in source.names]
    if gone:
        raise DataError(
            f"{label} has no column {gone[0]!r}{nearest(gone[0], source.names)}",
            rule="every column that join names is in its table",
            found=f"the columns are {listed(source.names)}"
            + (f"; also missing: {listed(map(repr, gone[1:]))}" if gone[1:] else ""),
            do="correct the name in study.yaml",
        )
    schema = {column: source.schema[column] for column in uses}
    for column, use in uses.items():
        if use == "time" and clock == "date" and schema[column].is_numeric():
            raise refuse_clock(label, column, "numbers", clock)
    suffix = path.suffix.lower()
    if suffix in PARQUET and all(_scannable(schema[column], use, clock) for column, use in uses.items()):
        return _direct(label, source, schema, uses)
    return _staged(label, source, schema, uses, clock, work)


def _scannable(dtype: pl.DataType, use: Use, clock: Clock) -> bool:
    if use == "time":
        return dtype.is_numeric() if clock != "date" else dtype == pl.Date or isinstance(dtype, pl.Datetime)
    if use == "entity":
        return dtype.is_numeric() or isinstance(dtype, pl.String | pl.Categorical | pl.Enum)
    if use == "number":
        return dtype.is_numeric() or dtype == pl.Boolean
    return not dtype.is_nested() and dtype not in (pl.Binary, pl.Time, pl.Duration, pl.Null)


def _direct(label: str, source: Source, schema: Mapping[str, pl.DataType], uses: Mapping[str, Use]) -> Scanned:
    head = source.frame.select(list(uses)).head(1_000).collect()
    path = re.sub(r"([*?\[])", r"[\1]", str(source.path))  # DuckDB reads these as patterns
    return Scanned(
        label, source.path or Path(), f"read_parquet({literal(path)}, file_row_number = true)",
        {column: _kind(dtype) for column, dtype in schema.items()},
        {c: "whole" if schema[c].is_numeric() else "text" for c, use in uses.items() if use == "entity"},
        {c: getattr(schema[c], "time_zone", None) is not None for c, use in uses.items() if use == "time"},
        {c: _examples(head[c]) for c, use in uses.items() if use == "entity"},
        floats=_floats(schema, uses),
    )  # fmt: skip


def _floats(schema: Mapping[str, pl.DataType], uses: Mapping[str, Use]) -> frozenset[str]:
    return frozenset(
        column
        for column, use in uses.items()
        if use == "entity" and not schema[column].is_integer() and schema[column].is_numeric()
    )


def _kind(dtype: pl.DataType) -> str:
    if dtype.is_numeric():
        return "number"
    if dtype == pl.Boolean:
        return "boolean"
    return "datetime" if dtype == pl.Date or isinstance(dtype, pl.Datetime) else "category"


def _examples(cells: pl.Series) -> tuple[str, ...]:
    return tuple(str(cell) for cell in cells.drop_nulls().unique(maintain_order=True).head(3))


def _staged(
    label: str, source: Source, schema: Mapping[str, pl.DataType], uses: Mapping[str, Use], clock: Clock, work: Path
) -> Scanned:
    """Read a table by the columns' kinds and keep it as typed Parquet."""
    columns = _columns(source, uses, clock)
    spelled = {c: "whole" if schema[c].is_numeric() else "digits" for c, use in uses.items() if use == "entity"}
    if source.path is not None and source.path.suffix.lower() in PARQUET:
        spelled = {column: "text" if how == "digits" else how for column, how in spelled.items()}
    zoned: dict[str, set[bool]] = {c: set() for c, use in uses.items() if use == "time"}
    known, broken = dict.fromkeys(uses, 0), {}  # type: tuple[dict[str, int], dict[str, Violation]]
    examples: dict[str, tuple[str, ...]] = {}
    work.mkdir(parents=True, exist_ok=True)
    n_rows = n_parts = 0
    for raw in source.slices(SLICE):
        raw = raw.select(list(uses))
        typed, bad = _typed(raw, columns, uses, clock)
        for violation in bad:
            before = broken.get(violation.column)
            broken[violation.column] = violation if before is None else _more(before, violation.n)
        for column in uses:
            known[column] += len(raw) - raw[column].null_count()
        for column in spelled:
            examples.setdefault(column, _examples(raw[column].cast(pl.String)))
            whole = typed[column].cast(pl.String).str.contains(_WHOLE)
            if spelled[column] == "digits" and not whole.fill_null(True).all():
                spelled[column] = "text"
        for column, seen in zoned.items():
            seen |= _zones(raw[column])
        rows = pl.Series("__row", range(n_rows, n_rows + len(raw)), pl.Int64)
        typed.with_columns(rows).write_parquet(work / f"{n_parts:05}.parquet")
        n_rows, n_parts = n_rows + len(raw), n_parts + 1
    _refuse_broken(label, uses, known, broken, clock)
    _refuse_mixed_zones(label, zoned)
    files = ", ".join(literal(re.sub(r"([*?\[])", r"[\1]", str(work / f"{i:05}.parquet"))) for i in range(n_parts))
    return Scanned(
        label, source.path or Path(), f"read_parquet([{files}])", {c.name: c.kind for c in columns}, spelled,
        {column: True in seen for column, seen in zoned.items()}, examples,
        {column: violation.n for column, violation in broken.items()}, "__row", _floats(schema, uses),
    )  # fmt: skip


def _columns(source: Source, uses: Mapping[str, Use], clock: Clock) -> tuple[Column, ...]:
    """Return how each used column is read: as it is declared to be used, or as detection sees it."""
    given = {column: "number" for column, use in uses.items() if use == "number"}
    if clock == "date":
        given |= {column: "datetime" for column, use in uses.items() if use == "time"}
    # detect what is used only: a wide export has hundreds of columns that no feature reads
    part = Source(
        source.frame.select(list(uses)), source.path, source.origin,
        lambda n: (batch.select(list(uses)) for batch in source.batches(n)), source.count,
    )  # fmt: skip
    found = []
    for column in detect_columns(part, given=given):
        use, kind = uses[column.name], column.kind
        if use == "entity" or (use == "time" and clock != "date"):
            kind = "category"
        elif kind == "constant":
            kind = "number" if _reads_as_number(column, source) else "category"
        elif kind not in ("number", "boolean", "datetime"):
            kind = "category"
        found.append(Column(column.name, kind, "feature", column.read))
    return tuple(found)


def _reads_as_number(column: Column, source: Source) -> bool:
    cell = source.frame.select(column.name).drop_nulls().head(1).collect()[column.name]
    typed, broken = modality("number").read(cell, Column(column.name, "number"))
    return bool(len(typed) and typed.is_not_null().all() and not broken.any())


def _typed(
    raw: pl.DataFrame, columns: Sequence[Column], uses: Mapping[str, Use], clock: Clock
) -> tuple[pl.DataFrame, list[Violation]]:
    plain = [column for column in columns if uses[column.name] not in ("entity", "time") or (
        uses[column.name] == "time" and clock == "date"
    )]  # fmt: skip
    table, violations = read_frame(raw, plain, modality)
    typed, bad = {column.name: table.frame[column.name] for column in plain}, list(violations)
    for column, use in uses.items():
        if use == "entity":
            cells = raw[column]
            typed[column] = cells if cells.dtype.is_numeric() else cells.cast(pl.String).str.strip_chars()
        elif use == "time" and clock != "date":
            typed[column] = elapsed(raw[column], clock)
            wrong = raw[column].is_not_null() & typed[column].is_null()
            if wrong.any():
                cell = str(raw[column].filter(wrong)[0])
                bad.append(Violation(column, "an elapsed time", (0,), (cell,), int(wrong.sum())))
    return pl.DataFrame([typed[column].alias(column) for column in uses]), bad


def elapsed(cells: pl.Series, clock: Clock) -> pl.Series:
    """Return elapsed times in units of the clock: numbers as they are, `12:30` and `12:30:05` as hours, minutes, seconds.

    Examples:
        >>> elapsed(pl.Series(["00:30", "2.5", "48:00", "x"]), "hours").to_list()
        [0.5, 2.5, 48.0, None]
    """
    if cells.dtype.is_numeric():
        return cells.cast(pl.Float64)
    texts = cells.cast(pl.String).str.strip_chars()
    parts = texts.str.extract_groups(_ELAPSED).struct.unnest()
    hours, minutes, seconds = (parts.to_series(i).cast(pl.Float64, strict=False) for i in (1, 2, 3))
    total = (hours * 3_600 + minutes * 60 + seconds.fill_null(0.0)) / CLOCKS[clock]
    total = pl.select(pl.when(parts.to_series(0) == "-").then(-total).otherwise(total)).to_series()
    return total.fill_null(texts.cast(pl.Float64, strict=False)).alias(cells.name)


def _zones(cells: pl.Series) -> set[bool]:
    """Return whether times have a zone; both where some do and some do not."""
    if isinstance(cells.dtype, pl.Datetime):
        return {cells.dtype.time_zone is not None}
    if cells.dtype != pl.String:
        return set()
    known = cells.drop_nulls().str.strip_chars()
    found = known.filter(known != "").str.contains(_ZONE.pattern)
    return set(found.unique().to_list())


def _more(violation: Violation, n: int) -> Violation:
    return Violation(violation.column, violation.rule, violation.rows, violation.values, violation.n + n)


def _refuse_broken(
    label: str, uses: Mapping[str, Use], known: Mapping[str, int], broken: Mapping[str, Violation], clock: Clock
) -> None:
    for column, violation in broken.items():
        if uses[column] in ("time", "number") and violation.n > FEW_BROKEN * max(known[column], 1):
            wanted = "times" if uses[column] == "time" else "numbers"
            do = "name a column of numbers, or count its rows" if wanted == "numbers" else (
                "name a column of dates, or say with join.clock that times are elapsed (seconds, minutes, hours, days)"
                if clock == "date" else f"times are {clock}, or texts such as 12:30"
            )  # fmt: skip
            raise DataError(
                f"column {column!r} of {label} does not hold {wanted}",
                rule=f"at least {1 - FEW_BROKEN:.0%} of its cells can be read as {wanted}",
                found=f"{violation.n:,} of {known[column]:,} cannot, such as {violation.values[0]!r}", do=do,
            )  # fmt: skip


def _refuse_mixed_zones(label: str, zoned: Mapping[str, set[bool]]) -> None:
    for column, seen in zoned.items():
        if len(seen) > 1:
            raise DataError(
                f"column {column!r} of {label} has times with a time zone and times without one",
                rule="times are compared only when all have a time zone, or none has",
                found=f"both in one column of {label}",
                do="write all times with their zone, or all in one zone without it",
            )


def refuse_clock(label: str, column: str, dtype: str, clock: Clock) -> DataError:
    """Return the error of a time column whose type the clock does not read."""
    return DataError(
        f"column {column!r} of {label} holds {dtype}",
        rule="times are dates" if clock == "date" else f"times are {clock} since a start of the unit's own",
        found=f"join.clock is {clock}",
        do="set join.clock: seconds, minutes, hours or days" if clock == "date" else "remove join.clock",
    )


def moment(text: str, clock: Clock, key: str) -> int:
    """Return a stated time in microseconds: a date, or with an elapsed clock a length such as 48h or 12:30.

    Raises:
        DataError: it is neither.

    Examples:
        >>> moment("1970-01-02", "date", "at"), moment("48h", "hours", "at"), moment("48", "hours", "at")
        (86400000000, 172800000000, 172800000000)
    """
    if clock == "date":
        value, broken = modality("datetime").read_value(text, Column(key, "datetime"))
        if value is None or broken:
            raise DataError(
                f"join.{key} is not a date", rule="a date is written 2024-05-31 or 2024-05-31 12:00", found=repr(text), do="write it so",
            )  # fmt: skip
        micros: int = pl.Series([value], dtype=pl.Datetime("us")).to_physical()[0]
        return micros
    match = re.fullmatch(r"\s*(\d+(?:\.\d+)?)\s*(s|min|h|d|w)\s*", text)
    if match:
        return round(float(match[1]) * UNITS[match[2]] * 1e6)
    found = elapsed(pl.Series([text]), clock)[0]
    if found is None:
        raise DataError(
            f"join.{key} is not an elapsed time",
            rule="it is written 48h, 12:30 or 48",
            found=repr(text),
            do="write it so",
        )
    return round(found * CLOCKS[clock] * 1e6)


def has_zone(text: str) -> bool:
    """Return whether a stated time names its zone.

    Examples:
        >>> has_zone("2024-05-31T12:00:00Z"), has_zone("2024-05-31 12:00")
        (True, False)
    """
    return _ZONE.search(text.strip()) is not None
