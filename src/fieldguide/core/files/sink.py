"""Writing tables: whole or not at all.

Knows suffixes and disks. A table is written beside its place and then moved there, so that a killed run or a full disk
never leaves half a file under the name that was asked for.
"""

from __future__ import annotations

import io
import os
import shutil
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

import polars as pl
from polars.io.plugins import register_io_source

from fieldguide.core.errors import DataError
from fieldguide.core.files.disk import is_full

SET_SEPARATOR = "|"
"""What stands between the members of a list in files of text; Parquet and Arrow hold lists as lists."""
_TEXT = {".csv": ",", ".tsv": "\t", ".tab": "\t", ".txt": ","}


def write_frame(frame: pl.DataFrame, path: str | Path) -> Path:
    """Write a table as CSV, TSV, Parquet or Arrow, by suffix; atomic.

    Raises:
        DataError: the suffix is unknown, the folder is missing, or the disk is full.

    Examples:
        >>> import tempfile
        >>> path = write_frame(pl.DataFrame({"x": [1, 2]}), Path(tempfile.mkdtemp()) / "x.csv")
        >>> path.read_text()
        'x\\n1\\n2\\n'
    """
    return write_frames([frame], path, frame.schema, needed=lambda: _bytes_of(frame, Path(path)))


def write_frames(
    frames: Iterable[pl.DataFrame],
    path: str | Path,
    schema: pl.Schema | None = None,
    needed: Callable[[], int] | None = None,
) -> Path:
    """Write a stream of frames of one schema as one table, in memory bounded by one frame; atomic.

    Args:
        schema: of the frames; None takes it from the first one.
        needed: tells how many bytes the whole takes, asked only when the disk is full.

    Raises:
        DataError: as `write_frame`; also when there is no frame and no schema.
    """
    path = Path(path)
    stream = iter(frames)
    if schema is None:
        first = next(stream, None)
        if first is None:
            raise DataError(
                f"there is nothing to write to {path}", rule="a table has columns", found="no rows and no columns",
                do="check what is to be written",
            )  # fmt: skip
        schema, stream = first.schema, _chain(first, stream)
    write = _writer(path)
    if not path.parent.is_dir():
        raise DataError(
            f"there is no folder {path.parent}",
            rule=f"{path.name} is written into an existing folder",
            found=f"{path.parent.parent} has no {path.parent.name!r}"
            if path.parent.parent.is_dir()
            else "nothing there",
            do=f"mkdir -p {path.parent}",
        )
    part = path.with_name(f".{path.name}.{os.getpid()}.part")
    try:
        write(stream, schema, part)
        part.replace(path)
    except (OSError, pl.exceptions.PolarsError) as error:
        raise _explained(error, path, _size(part), needed) from None
    finally:
        part.unlink(missing_ok=True)
    return path


def _writer(path: Path) -> Callable[[Iterator[pl.DataFrame], pl.Schema, Path], None]:
    suffix = path.suffix.lower()
    if suffix in _TEXT:
        return lambda frames, schema, part: _write_text(frames, schema, part, _TEXT[suffix])
    if suffix in (".parquet", ".pq"):
        return lambda frames, schema, part: _lazy(frames, schema).sink_parquet(part)
    if suffix in (".arrow", ".feather", ".ipc"):
        return lambda frames, schema, part: _lazy(frames, schema).sink_ipc(part)
    raise DataError(
        f"{path} has an unknown suffix",
        rule="a table is written as .csv, .tsv, .parquet or .arrow",
        found=repr(suffix or "no suffix"),
        do="name it with one of these suffixes",
    )


def _write_text(frames: Iterator[pl.DataFrame], schema: pl.Schema, part: Path, separator: str) -> None:
    with part.open("wb") as file:
        _in_text(pl.DataFrame(schema=schema)).write_csv(file, separator=separator)
        for frame in frames:
            _in_text(frame).write_csv(file, include_header=False, separator=separator)


def _in_text(frame: pl.DataFrame) -> pl.DataFrame:
    """Return the frame with lists as texts; an empty list is an empty text."""
    lists = [name for name, dtype in frame.schema.items() if isinstance(dtype, pl.List)]
    return frame.with_columns(pl.col(name).cast(pl.List(pl.String)).list.join(SET_SEPARATOR) for name in lists)


def _lazy(frames: Iterator[pl.DataFrame], schema: pl.Schema) -> pl.LazyFrame:
    def source(
        columns: list[str] | None, predicate: pl.Expr | None, n_rows: int | None, batch_size: int | None
    ) -> Iterator[pl.DataFrame]:
        return frames

    return register_io_source(source, schema=schema)


def _chain(first: pl.DataFrame, rest: Iterator[pl.DataFrame]) -> Iterator[pl.DataFrame]:
    yield first
    yield from rest


class _Count(io.RawIOBase):
    """A file that keeps nothing and counts what it was given."""

    n_bytes = 0

    def writable(self) -> bool:
        return True

    def write(self, data: object) -> int:
        size = len(memoryview(data))  # type: ignore[arg-type]
        self.n_bytes += size
        return size


def _bytes_of(frame: pl.DataFrame, path: Path) -> int:
    """Return the size of a table once written [bytes]; exact for text, close for the packed formats."""
    if path.suffix.lower() not in _TEXT:
        return int(frame.estimated_size())
    count = _Count()
    _in_text(frame).write_csv(count, separator=_TEXT[path.suffix.lower()])  # type: ignore[call-overload]
    return count.n_bytes


def _size(part: Path) -> int:
    return part.stat().st_size if part.exists() else 0


def _explained(error: Exception, path: Path, written: int, needed: Callable[[], int] | None) -> DataError:
    text = str(error).splitlines()[0]
    if is_full(error):
        free = shutil.disk_usage(path.parent).free
        takes = f"it needs {needed():,} bytes" if needed else f"it needs more than {written:,} bytes"
        return DataError(
            f"the disk is full: {path} could not be written", rule="the whole table is written, or nothing",
            found=f"{takes}; {free:,} bytes are free", do="free some space or write to another disk",
        )  # fmt: skip
    return DataError(
        f"{path} could not be written", rule="the folder is writable", found=text, do=f"check {path.parent}"
    )
