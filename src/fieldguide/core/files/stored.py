"""Frames on disk: past a stated size, typed rows are written once and read a column, or a slice of rows, at a time.

Nothing needs all columns of all rows at once: hashes, roles and statistics take a column (10 million numbers are 80 MB),
encoding takes a slice of rows, and whoever wants whole rows wants some of them. So a `Stored` answers what the steps ask a
Polars frame of all rows; what else it is asked, it answers as the frame it is, read for that one question. Columns as
memory-mapped arrays were the other way: texts would have needed codes and a dictionary of our own, and every page that was
touched would have counted as memory. Parquet holds dictionaries, and 10 million numbers are read in a tenth of a second.
"""

from __future__ import annotations

import os
import platform
import shutil
import tempfile
import weakref
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, cast

import numpy as np
import polars as pl

from fieldguide.core.files.disk import writing

LARGEST = 12_000_000
"""Cells (rows × columns) that are held in memory; a table of more is written to disk."""
PREFIX = "rows-"


class Stored:
    """Rows of a table on disk, as files of consecutive rows.

    Args:
        files: Parquet files in row order.
        ends: row number behind the last of each file.
        names: the columns that are looked at.
        rows: ascending row numbers that are looked at; None: all.
        keeper: whose end removes the files.

    Examples:
        >>> parts = Parts(Path(tempfile.mkdtemp()), n_cells=LARGEST + 1)
        >>> parts.add(pl.DataFrame({"x": [1.0, 2.0], "y": ["a", "b"]}))
        >>> parts.add(pl.DataFrame({"x": [3.0], "y": ["c"]}))
        >>> frame = parts.whole()
        >>> frame.height, frame["x"].to_list(), frame[np.array([0, 2])].rows()
        (3, [1.0, 2.0, 3.0], [(1.0, 'a'), (3.0, 'c')])
    """

    def __init__(
        self, files: Sequence[Path], ends: Sequence[int], names: Sequence[str], rows: np.ndarray | None = None, keeper: Any = None
    ) -> None:  # fmt: skip
        self._files, self._ends, self._names, self._rows, self._keeper = (
            tuple(files),
            tuple(ends),
            list(names),
            rows,
            keeper,
        )

    @property
    def folder(self) -> Path:
        """The folder that its files' folder is in: where more of the kind may be kept."""
        return self._files[0].parent.parent

    @property
    def height(self) -> int:
        return self._ends[-1] if self._rows is None else len(self._rows)

    @property
    def columns(self) -> list[str]:
        return list(self._names)

    @property
    def width(self) -> int:
        return len(self._names)

    @property
    def schema(self) -> pl.Schema:
        types = pl.read_parquet_schema(self._files[0])
        return pl.Schema({name: types[name] for name in self._names})

    def __len__(self) -> int:
        return self.height

    def __getitem__(self, which: Any) -> Any:
        """Return one column as a Series, or rows by index: on disk again where they are many and ascend, else in memory."""
        if isinstance(which, str):
            if which not in self._names:
                raise pl.exceptions.ColumnNotFoundError(which)
            values = pl.scan_parquet(list(self._files)).select(which).collect().to_series()
            return values if self._rows is None else values[self._rows]
        if not isinstance(which, np.ndarray) or which.ndim != 1:
            return self.read()[which]
        chosen = np.flatnonzero(which) if which.dtype == bool else which
        rows = chosen if self._rows is None else self._rows[chosen]
        if len(rows) * self.width > LARGEST and bool((rows[1:] > rows[:-1]).all()):
            return Stored(self._files, self._ends, self._names, rows, self._keeper)
        return pl.DataFrame({name: self._whole()[name][rows] for name in self._names})

    def select(self, *wanted: Any, **named: pl.Expr) -> Any:
        """Return some columns, on disk still, or what expressions give, of the columns that they read."""
        listed = list(wanted[0] if len(wanted) == 1 and not isinstance(wanted[0], str | pl.Expr) else wanted)
        listed += [expression.alias(name) for name, expression in named.items()]
        if all(isinstance(one, str) for one in listed):
            return Stored(self._files, self._ends, listed, self._rows, self._keeper)
        read = {name for one in listed for name in ([one] if isinstance(one, str) else one.meta.root_names())}
        if not read or not read <= set(self._names):
            return self.read().select(listed)
        return pl.DataFrame({name: self[name] for name in self._names if name in read}).select(listed)

    def drop(self, *names: Any) -> Stored:
        gone = {name for one in names for name in ([one] if isinstance(one, str) else one)}
        return Stored(
            self._files, self._ends, [name for name in self._names if name not in gone], self._rows, self._keeper
        )

    def slices(self) -> Iterator[pl.DataFrame]:
        """Yield the rows in order, a file at a time."""
        begin = 0
        for file, end in zip(self._files, self._ends, strict=True):
            part = pl.scan_parquet(file).select(self._names)
            if self._rows is None:
                yield part.collect()
            else:
                low, high = np.searchsorted(self._rows, (begin, end))
                if high > low:
                    yield part.collect()[self._rows[low:high] - begin]
            begin = end

    def read(self) -> pl.DataFrame:
        """Return all rows in memory."""
        return pl.concat(list(self.slices()))

    def with_more(self, other: pl.DataFrame | Stored) -> Stored:
        """Return these rows and others below them; all rows of both."""
        if not isinstance(other, Stored):
            other = _written(self._files[0].parent, len(self._files), other, self._keeper)
        ends = [self._ends[-1] + end for end in other._ends]
        return Stored(
            [*self._files, *other._files], [*self._ends, *ends], self._names, None, (self._keeper, other._keeper)
        )

    def _whole(self) -> Stored:
        return Stored(self._files, self._ends, self._names, None, self._keeper)

    def __getattr__(self, name: str) -> Any:
        if name.startswith("_"):
            raise AttributeError(name)
        return getattr(self.read(), name)


class Parts:
    """Frames of consecutive rows that become one: in memory, or on disk where they are many.

    Args:
        folder: where a folder of files is made; it goes with the last `Stored` that looks at it, and at the latest when the
            process ends. What a killed process left there is removed first. None: memory, however many there are.
        n_cells: how many cells there will be at most.
    """

    def __init__(self, folder: Path | None, n_cells: int) -> None:
        self._frames: list[pl.DataFrame] = []
        self._stored: Stored | None = None
        self._folder = None if folder is None or n_cells <= LARGEST else _made(folder)

    def add(self, frame: pl.DataFrame) -> None:
        """Add rows below those that are there."""
        if self._folder is None or not frame.height:
            self._frames.append(frame)
        elif self._stored is None:
            self._stored = _written(self._folder, 0, frame, _Keeper(self._folder))
        else:
            self._stored = self._stored.with_more(frame)

    @property
    def height(self) -> int:
        return sum(frame.height for frame in self._frames) + (0 if self._stored is None else self._stored.height)

    def __iter__(self) -> Iterator[pl.DataFrame]:
        """Yield the rows in order as frames."""
        return iter(self._frames) if self._stored is None else self._stored.slices()

    def whole(self) -> pl.DataFrame:
        """Return all rows as one frame, or as what answers like one."""
        return pl.concat(self._frames) if self._stored is None else cast(pl.DataFrame, self._stored)


def joined(above: pl.DataFrame, below: pl.DataFrame) -> pl.DataFrame:
    """Return the rows of two frames of the same columns, on disk where one of them is."""
    if isinstance(above, Stored):
        return cast(pl.DataFrame, above.with_more(below))
    if isinstance(below, Stored):
        first = _written(below._files[0].parent, len(below._files), above, below._keeper)
        return cast(pl.DataFrame, first.with_more(below))
    return pl.concat([above, below])


class _Keeper:
    """Removes a folder when nobody looks at it any more."""

    def __init__(self, folder: Path) -> None:
        weakref.finalize(self, shutil.rmtree, folder, True)


def _written(folder: Path, number: int, frame: pl.DataFrame, keeper: Any) -> Stored:
    path = folder / f"{number:06}.parquet"
    with writing(path, "the typed rows of a large table are written once"):
        frame.write_parquet(path, compression="uncompressed", statistics=False)
    return Stored([path], [frame.height], frame.columns, None, keeper)


def _made(folder: Path) -> Path:
    """Return a new folder for files of rows, named after this process; those of processes that are gone are removed."""
    mine = f"{PREFIX}{platform.node()}-"
    with writing(folder, "the typed rows of a large table are written once"):
        folder.mkdir(parents=True, exist_ok=True)
        for left in folder.glob(f"{mine}*"):
            if os.name == "posix" and _gone(left.name.removeprefix(mine).partition("-")[0]):
                shutil.rmtree(left, ignore_errors=True)
        return Path(tempfile.mkdtemp(prefix=f"{mine}{os.getpid()}-", dir=folder))


def _gone(process: str) -> bool:
    try:
        os.kill(int(process), 0)  # asks whether it is there, and does nothing to it
    except ProcessLookupError:
        return True
    except (ValueError, PermissionError):
        return False
    return False
