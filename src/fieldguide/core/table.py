"""Tables: rows with typed columns, and the content hash of a row.

Knows column kinds, roles and keys. How raw cells become typed values is each modality's `read`; how files are opened is
`core.files.source`.
"""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Literal

import numpy as np
import polars as pl

from fieldguide.core.errors import DataError, listed, nearest
from fieldguide.core.files.stored import Stored
from fieldguide.core.statistics.weighting import mean_one

MEDIA_KINDS = ("text", "image", "audio", "series")
ENCODED_KINDS = ("number", "category", "boolean", "datetime", *MEDIA_KINDS, "window")
KINDS = (*ENCODED_KINDS, "id", "constant", "empty")
WEIGHTS = ("weight", "learn_weight", "judge_weight")
"""Roles of a column of row weights: counted in learning and in scores, in learning alone, in scores alone."""
ROLES = ("feature", "target", "time", "group", "key", *WEIGHTS, "ignore")
MISSING = ("", "?", "NA", "N/A", "n/a", "NaN", "nan", "NULL", "null", "None", "none", "-", "#N/A", "<NA>")


@dataclass(frozen=True)
class Column:
    """One column: its name, its kind, its role, and how its raw cells are read.

    Args:
        name: as in the file.
        kind: one of `KINDS`; decides the modality.
        role: one of `ROLES`; only features reach a model.
        read: how raw cells become values, as plain data (missing tokens, decimal and thousands marks, date format,
            true and false words); the same for training, files and serving.
        facts: what detection saw (n_missing, n_unique, why), as plain data; never used to compute.
    """

    name: str
    kind: str
    role: str = "feature"
    read: Mapping[str, Any] = field(default_factory=dict)
    facts: Mapping[str, Any] = field(default_factory=dict)

    @property
    def encoded(self) -> bool:
        """True when the column reaches a model. The time column does so by its calendar parts only: never by its date."""
        return self.kind in ENCODED_KINDS and self.role in ("feature", "time")

    @property
    def modality(self) -> str:
        """The modality that reads, describes and encodes the column."""
        return "calendar" if self.role == "time" else self.kind

    def to_dict(self) -> dict[str, Any]:
        return {
            "name": self.name,
            "kind": self.kind,
            "role": self.role,
            "read": dict(self.read),
            "facts": dict(self.facts),
        }

    @staticmethod
    def from_dict(data: Mapping[str, Any]) -> Column:
        return Column(data["name"], data["kind"], data["role"], data.get("read", {}), data.get("facts", {}))


@dataclass(frozen=True)
class Table:
    """Typed rows. The frame holds exactly `columns`, in order: Float64, String, Boolean or Datetime("us").

    A large table's frame stays on disk (`core.files.stored`): a column, some rows or an expression is read when it is asked for.

    Examples:
        >>> table = Table(pl.DataFrame({"age": [31.0, 40.0]}), (Column("age", "number"),))
        >>> table.take(np.array([1])).n_rows
        1
    """

    frame: pl.DataFrame
    columns: tuple[Column, ...]

    @property
    def n_rows(self) -> int:
        return self.frame.height

    @property
    def names(self) -> tuple[str, ...]:
        return tuple(column.name for column in self.columns)

    @property
    def features(self) -> tuple[Column, ...]:
        """The columns that reach a model."""
        return tuple(column for column in self.columns if column.encoded)

    @property
    def tabular(self) -> Table:
        """The table without the columns that are encoded whole: what can be studied a column at a time."""
        return self.ignoring({column.name for column in self.features if column.kind in MEDIA_KINDS})

    def column(self, name: str) -> Column:
        for column in self.columns:
            if column.name == name:
                return column
        raise DataError(
            f"there is no column {name!r}{nearest(name, self.names)}",
            rule="a column is named as the table names it",
            found=f"the columns are {listed(self.names)}",
            do="correct the name",
        )

    def weights(self, what: Literal["learn", "judge"]) -> np.ndarray | None:
        """Return what rows weigh in learning or in scores, (rows,) float64 with mean 1; None where all count alike."""
        held = [column for column in self.columns if column.role in ("weight", f"{what}_weight")]
        return mean_one(self.frame[held[0].name].to_numpy()) if held else None

    def role(self, role: str) -> tuple[Column, ...]:
        return tuple(column for column in self.columns if column.role == role)

    def take(self, rows: np.ndarray) -> Table:
        return Table(self.frame[rows], self.columns)

    @property
    def loaded(self) -> Table:
        """The table with all of its rows in memory."""
        return Table(self.frame.read(), self.columns) if isinstance(self.frame, Stored) else self

    def ignoring(self, names: Collection[str]) -> Table:
        """Return the table with some columns out of every model's sight: they stay, with the role `ignore`."""
        return Table(self.frame, ignoring(self.columns, names))

    def without(self, names: Iterable[str]) -> Table:
        """Return the table without some columns."""
        gone = set(names)
        kept = tuple(column for column in self.columns if column.name not in gone)
        return Table(self.frame.select([column.name for column in kept]), kept)


def ignoring(columns: Sequence[Column], names: Collection[str]) -> tuple[Column, ...]:
    """Return columns, those that are named with the role `ignore`."""
    return tuple(replace(column, role="ignore") if column.name in names else column for column in columns)


def row_keys(frame: pl.DataFrame) -> np.ndarray:
    """Return the content hash of each row, the same on every machine and for every file format.

    Columns are taken in name order, so that moving a column moves no key. Numbers, and texts that read as numbers, are hashed by
    their float64 bits (-0.0 as 0.0, every NaN and null alike), other texts by blake2b of their UTF-8 bytes.

    Shape:
        returns: (rows,) uint64

    Examples:
        >>> bool((row_keys(pl.DataFrame({"a": [1, 2], "b": ["x", "y"]})) == row_keys(pl.DataFrame({"b": ["x", "y"], "a": [1.0, 2.0]}))).all())
        True
    """
    if isinstance(frame, Stored):
        return np.concatenate([row_keys(part) for part in frame.slices()])
    keys = np.full(frame.height, 0x9E3779B97F4A7C15, np.uint64)
    for name in sorted(frame.columns):
        keys = _mix(keys ^ _mix(_cell_hashes(frame[name]) + _text_hash(name)))
    return keys


def known_keys(frame: pl.DataFrame) -> np.ndarray:
    """Return the content hash of each row, and for a row of nothing but missing cells one that no other row has.

    Two rows of which nothing is known are not the same row twice.

    Shape:
        returns: (rows,) uint64

    Examples:
        >>> len(set(known_keys(pl.DataFrame({"photo": ["a.png", "a.png", None, None]}))))
        3
    """
    keys = row_keys(frame)
    unknown = (
        frame.select(pl.all_horizontal(pl.all().is_null())).to_series().to_numpy()
        if frame.width
        else np.ones(len(keys), bool)
    )
    keys[unknown] = np.uint64(0x632BE59BD9B4E019) + np.flatnonzero(unknown).astype(np.uint64)
    return keys


def data_hash(keys: np.ndarray) -> str:
    """Return the hash of a set of rows, whatever their order.

    Examples:
        >>> data_hash(np.array([1, 2], np.uint64)) == data_hash(np.array([2, 1], np.uint64))
        True
    """
    return hashlib.blake2b(np.sort(keys).tobytes(), digest_size=16).hexdigest()


def _cell_hashes(values: pl.Series) -> np.ndarray:
    if values.dtype == pl.String:
        texts = values.str.strip_chars()
        numbers = texts.cast(pl.Float64, strict=False)
        words = texts.set(numbers.is_not_null(), None) if numbers.null_count() < len(numbers) else texts
        levels = words.unique().drop_nulls().sort()
        hashes = np.array([0, *(_text_hash(level) for level in levels.to_list())], np.uint64)
        codes = words.rank("dense").fill_null(0).to_numpy().astype(np.int64)
        return np.where(codes > 0, hashes[codes], _bits(numbers))
    if values.dtype.is_temporal():
        values = values.cast(pl.Datetime("us")).to_physical()
    if not (values.dtype.is_numeric() or values.dtype == pl.Boolean):
        return _cell_hashes(values.cast(pl.String, strict=False))
    return _bits(values.cast(pl.Float64))


def _bits(numbers: pl.Series) -> np.ndarray:
    array = numbers.fill_null(float("nan")).to_numpy() + 0.0  # -0.0 becomes 0.0
    bits = array.view(np.uint64).copy()
    bits[np.isnan(array)] = 0x7FF8000000000000
    return bits


def _text_hash(text: str) -> np.uint64:
    return np.uint64(
        int.from_bytes(hashlib.blake2b(text.encode("utf-8", "surrogatepass"), digest_size=8).digest(), "little")
    )


def _mix(x: np.ndarray) -> np.ndarray:
    """splitmix64's finaliser (Steele, Lea, Flood 2014): every input bit moves about half of the output bits."""
    with np.errstate(over="ignore"):
        x = (x ^ (x >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
        x = (x ^ (x >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
        return x ^ (x >> np.uint64(31))
