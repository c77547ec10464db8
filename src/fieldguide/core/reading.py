"""Raw cells to typed rows, by the columns' contract; the same for a training file, a new file and a single request.

Knows how each column's modality reads and which cells broke the contract; the modality knows what a cell may hold.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Any

import numpy as np
import polars as pl

from fieldguide.core.contracts import Modality
from fieldguide.core.errors import ContractError, listed, nearest
from fieldguide.core.figures import count, verb
from fieldguide.core.files.media import FILE_KINDS, rooted
from fieldguide.core.language.expression import Expression, parse
from fieldguide.core.table import ENCODED_KINDS, Column, Table

Modalities = Callable[[str], Modality]


@dataclass(frozen=True)
class Violation:
    """Cells of one column that break its contract.

    Args:
        column: the column.
        rule: what a cell must be.
        rows: the first rows it happened in, counted from 0.
        values: what stood there.
        n: how many cells in all.
    """

    column: str
    rule: str
    rows: tuple[int, ...]
    values: tuple[str, ...]
    n: int

    def sentence(self) -> str:
        cells = f"{count(self.n, 'cell')} {verb(self.n, 'is', 'are')}"
        return f"column {self.column!r}: {cells} not {self.rule}, such as row {self.rows[0]}: {self.values[0]!r}"

    def to_dict(self) -> dict[str, Any]:
        return {
            "column": self.column,
            "rule": self.rule,
            "rows": list(self.rows),
            "values": list(self.values),
            "n": self.n,
        }


def read_frame(
    raw: pl.DataFrame, columns: Sequence[Column], modalities: Modalities, *, first_row: int = 0
) -> tuple[Table, tuple[Violation, ...]]:
    """Read raw columns into a typed table; broken cells become missing and are returned as violations.

    Derived columns (`read["expression"]`) are computed from the typed ones.

    Raises:
        ContractError: a column is missing; names the nearest one there is.
    """
    stored = [column for column in columns if "expression" not in column.read]
    _present(stored, raw.columns)
    typed, violations = {}, []
    for column in stored:
        if column.kind not in ENCODED_KINDS:  # carried along, never computed with
            typed[column.name] = raw[column.name].cast(pl.String, strict=False)
            continue
        values, broken = modalities(column.modality).read(raw[column.name], column)
        typed[column.name] = values
        if broken.any():
            where = np.flatnonzero(broken.to_numpy())
            shown = tuple(_shown(raw[column.name][int(i)], column, modalities) for i in where[:5])
            violations.append(
                Violation(column.name, _rule(column), tuple(int(i) + first_row for i in where[:5]), shown, len(where))
            )
    frame = pl.DataFrame(typed)
    frame = derive(frame, columns)
    return Table(frame.select([column.name for column in columns]), tuple(columns)), tuple(violations)


def refuse_unread(raw: pl.DataFrame, columns: Sequence[Column], violations: Sequence[Violation]) -> None:
    """Raise a ContractError where none of the files that a column names can be read: a model of pictures saw none.

    Examples:
        >>> rows, lost = pl.DataFrame({"photo": ["a.png", None]}), Violation("photo", "an image", (0,), ("a.png (gone)",), 1)
        >>> refuse_unread(rows, (Column("photo", "image"),), (lost,))
        Traceback (most recent call last):
        fieldguide.core.errors.ContractError: none of the files that 'photo' names can be read. Rule: rows are answered by what is in their files. Found: row 0: a.png (gone). Do: write paths relative to the folder of the table, or leave the cells empty where there is no file.
    """
    named = {column.name: column for column in columns if column.kind in FILE_KINDS}
    for found in violations:
        column = named.get(found.column)  # only names of files are texts: a list of numbers cannot be looked at as one
        if column is None or found.n < raw[found.column].cast(pl.String).replace("", None).count():
            continue
        more = f"; and {found.n - 1:,} more" if found.n > 1 else ""
        place = f", put them in a folder {column.read['folder']!r} beside it" if column.read.get("folder") else ""
        raise ContractError(
            f"none of the files that {found.column!r} names can be read", rule="rows are answered by what is in their files",
            found=f"row {found.rows[0]}: {found.values[0]}{more}",
            do=f"write paths relative to the folder of the table{place}, or leave the cells empty where there is no file",
        )  # fmt: skip


def _rule(column: Column) -> str:
    return f"{'an' if column.kind[0] in 'aeio' else 'a'} {column.kind}"


def _shown(value: Any, column: Column, modalities: Modalities) -> str:
    """Return a broken cell as it is told, with the reason where the modality has one."""
    why = getattr(modalities(column.modality), "why", None)
    return str(value)[:60] if why is None else f"{str(value)[:60]} ({why(value, column)})"


def derive(frame: pl.DataFrame, columns: Sequence[Column]) -> pl.DataFrame:
    """Add derived columns to typed ones."""
    kinds = {column.name: column.kind for column in columns if "expression" not in column.read}
    added = [c for c in columns if "expression" in c.read]
    for column in added:
        expression = _parsed(column.read["expression"], tuple(kinds.items()))
        frame = frame.with_columns(expression.polars().alias(column.name))
        kinds[column.name] = column.kind
    return frame


def read_rows(
    rows: Sequence[Mapping[str, Any]], columns: Sequence[Column], modalities: Modalities
) -> tuple[dict[str, np.ndarray], tuple[Violation, ...]]:
    """Read a few rows given as mappings straight into cells, without a data frame: the way of a single request.

    Gives what `read_frame` and `Modality.cells` give together, bit for bit.
    """
    cells, violations = {}, []
    for column in columns:
        modality = modalities(column.modality)
        values, broken = [], []
        for number, row in enumerate(rows):
            if column.name not in row:
                _present([column], list(row))
            value, is_broken = modality.read_value(row[column.name], column)
            values.append(value)
            if is_broken:
                broken.append(number)
        cells[column.name] = (
            modality.cell(values[0]) if len(values) == 1 else np.concatenate([modality.cell(v) for v in values])
        )
        if broken:
            shown = tuple(_shown(rows[i][column.name], column, modalities) for i in broken[:5])
            violations.append(Violation(column.name, _rule(column), tuple(broken[:5]), shown, len(broken)))
    return cells, tuple(violations)


@lru_cache(maxsize=1024)
def _parsed(text: str, kinds: tuple[tuple[str, str], ...]) -> Expression:
    """Parsing takes longer than computing a row: once per model."""
    return parse(text, dict(kinds))


def contract_of(columns: Sequence[Column]) -> tuple[Column, ...]:
    """Return the columns a row must have to be answered: the features, and what derived ones are made of."""
    kinds = {column.name: column.kind for column in columns}
    needed = {column.name for column in columns if column.encoded}
    for column in columns:
        if column.encoded and "expression" in column.read:
            needed |= set(parse(column.read["expression"], kinds).columns)
    return rooted([replace(column, facts={}) for column in columns if column.name in needed], None)


def samples_of(
    table: Table, columns: Sequence[Column], n: int = 200, modalities: Modalities | None = None
) -> list[dict[str, Any]]:
    """Return evenly spaced rows as mappings, typed as a caller would send them: files as `data:` URIs."""
    frame = table.frame.select([column.name for column in columns if "expression" not in column.read])
    rows = np.linspace(0, frame.height - 1, min(n, frame.height)).astype(int)
    sent: dict[str, Any] = {}
    files = [c for c in columns if c.kind in FILE_KINDS and c.name in frame.columns]
    for column in files if modalities is not None else ():
        found: Any = modalities(column.modality)  # type: ignore[misc]
        sent[column.name] = found.portable
    return [
        {
            name: sent[name](v) if name in sent and v is not None else str(v) if hasattr(v, "isoformat") else v
            for name, v in row.items()
        }
        for row in frame[rows].to_dicts()
    ]


def _present(columns: Sequence[Column], names: Sequence[str]) -> None:
    missing = [column.name for column in columns if column.name not in names]
    if missing:
        raise ContractError(
            f"{count(len(missing), 'column')} {verb(len(missing), 'is', 'are')} missing: {listed(missing)}{nearest(missing[0], names)}",
            rule="a row has every column the contract names; a cell may be empty, a column may not be absent",
            found=f"the columns are {listed(names)}",
            do="add the column, or package a model that does not use it",
        )
