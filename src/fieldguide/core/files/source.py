"""Opening data and writing it: files and frames in, raw cells out.

Knows suffixes, paths, frames of other libraries and how their failures read. What a cell means is decided by detection
and by modalities; the bytes of CSV are `core.files.delimited`'s business.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import polars as pl
from polars.io.plugins import register_io_source

from fieldguide.core.errors import DataError, listed, nearest
from fieldguide.core.files.delimited import inspect_text
from fieldguide.core.files.folders import look_into
from fieldguide.core.files.foreign import frame_of_lists, frame_of_pandas, frame_of_rows
from fieldguide.core.files.header import check_names
from fieldguide.core.files.media import kind_of
from fieldguide.core.files.sink import write_frame, write_frames
from fieldguide.core.files.unpacking import media_columns, unpacked

__all__ = ["Source", "open_source", "write_frame", "write_frames"]

TEXT = {".csv": None, ".tsv": "\t", ".tab": "\t", ".txt": None}
PARQUET = (".parquet", ".pq")
ARROW = (".arrow", ".feather", ".ipc")
PACKED = (".gz", ".zst")
_OTHERS = {
    ".xlsx": "save the sheet as CSV", ".xls": "save the sheet as CSV", ".json": "convert it to CSV or Parquet",
    ".jsonl": "convert it to CSV or Parquet", ".zip": "unpack it first",
    ".pkl": "write a Parquet file instead: pickles can run code", ".data": "rename it to .csv",
}  # fmt: skip
_A = {"Parquet": "a Parquet", "Arrow": "an Arrow"}
_ENDLESS = {
    Path.is_fifo: "a pipe", Path.is_char_device: "a device", Path.is_block_device: "a device", Path.is_socket: "a socket",
}  # fmt: skip
_ROW = "a table has a header and at least one row"


@dataclass(frozen=True)
class Source:
    """Rows of raw cells: strings from CSV and TSV, the file's or frame's own types otherwise.

    Args:
        frame: the raw cells, lazily.
        path: the file, or None for a frame in memory.
        origin: what to call it in messages.
        batches: yields the rows as frames of any size, in row order, in bounded memory.
        notes: what was decided while opening, one sentence each.
        count: the number of rows.
        parts: the parts (train, validation, test) that its column `split` names, where its folders give them.

    Examples:
        >>> source = open_source({"age": [31, 40, 58], "city": ["Rome", None, "Oslo"]})
        >>> source.n_rows(), source.names
        (3, ('age', 'city'))
        >>> [part.height for part in source.slices(2)]
        [2, 1]
    """

    frame: pl.LazyFrame
    path: Path | None
    origin: str
    batches: Callable[[int], Iterator[pl.DataFrame]]
    count: int
    notes: tuple[str, ...] = ()
    parts: tuple[str, ...] = ()

    @property
    def root(self) -> Path:
        """The folder that paths in its cells are relative to."""
        if self.path is None:
            return Path.cwd()
        return self.path if self.path.is_dir() else self.path.resolve().parent

    @property
    def stamp(self) -> tuple[str, int, int] | None:
        """What tells one state of a file from another: path, bytes, time of the last change [ns]; None for anything else."""
        if self.path is None or not self.path.is_file():
            return None
        state = self.path.stat()
        return str(self.path.resolve()), state.st_size, state.st_mtime_ns

    def n_rows(self) -> int:
        return self.count

    @property
    def names(self) -> tuple[str, ...]:
        return tuple(self.schema)

    @property
    def schema(self) -> pl.Schema:
        return self.frame.collect_schema()

    def collect(self, columns: Sequence[str] | None = None) -> pl.DataFrame:
        """Return all rows, of all or some columns.

        Raises:
            DataError: a column is not there, or the file is damaged.
        """
        if columns is not None and (gone := [name for name in columns if name not in self.schema]):
            raise DataError(
                f"{self.origin} has no column {gone[0]!r}{nearest(gone[0], self.names)}", rule="a column that is named is there",
                found=f"the columns are {listed(self.names)}", do="name one of them",
            )  # fmt: skip
        with _readable(self.origin):
            return (self.frame if columns is None else self.frame.select(columns)).collect()

    def slices(self, n: int) -> Iterator[pl.DataFrame]:
        """Yield the rows in order as frames of n rows (the last one fewer), in memory bounded by n and a block."""
        kept: list[pl.DataFrame] = []
        n_kept = 0
        with _readable(self.origin):
            for batch in self.batches(n):
                while n_kept + batch.height >= n:
                    yield pl.concat([*kept, batch.head(n - n_kept)])
                    batch = batch.slice(n - n_kept)
                    kept, n_kept = [], 0
                if batch.height:
                    kept.append(batch)
                    n_kept += batch.height
        if kept:
            yield pl.concat(kept)


def open_source(data: Any) -> Source:
    """Open a file or a frame as raw cells.

    Args:
        data: path of a CSV, TSV (also `.gz`, `.zst`), Parquet or Arrow file; a Polars or pandas frame; a dict of lists;
            a list of dicts; a folder of images or sounds (see `core.files.folders`), or one of them; or a Source, which is
            returned as it is.

    Raises:
        DataError: it cannot be read as a table; the message names the place.

    Examples:
        >>> open_source([{"x": 1, "y": "a"}, {"x": 2}]).collect().rows()
        [(1, 'a'), (2, None)]
    """
    if isinstance(data, Source):
        return data
    if isinstance(data, (str, Path)):
        return _open_path(Path(data).expanduser())
    if isinstance(data, pl.LazyFrame):
        return _open_lazy(data, None, "the Polars frame")
    if isinstance(data, pl.DataFrame):
        return _open_frame(data, "the Polars frame")
    if type(data).__module__.split(".")[0] == "pandas":
        return _open_frame(frame_of_pandas(data), "the pandas frame")
    if type(data).__module__.split(".")[0] == "pyarrow":
        return _open_frame(pl.DataFrame(data), "the Arrow table")
    if isinstance(data, Mapping):
        return _open_frame(frame_of_lists(data, "the dict"), "the dict")
    if isinstance(data, (list, tuple)):
        return _open_frame(frame_of_rows(data), "the list of rows")
    raise DataError(
        f"data of type {type(data).__name__} is not a table",
        rule="data is a path, a pandas or Polars frame, a dict of lists or a list of dicts",
        found=f"{type(data).__module__}.{type(data).__qualname__}", do="hand over one of these",
    )  # fmt: skip


def _open_path(path: Path) -> Source:
    if path.is_dir():
        return _open_folder(path)
    if not path.exists():
        near = nearest(path.name, [p.name for p in path.parent.iterdir()]) if path.parent.is_dir() else ""
        found = "" if path.parent.is_dir() else f"the folder {path.parent} does not exist either"
        raise DataError(
            f"there is no file {path}{near}", rule="data is a file, or a folder of them",
            found=found or f"the folder {path.parent.resolve()} has no file of that name", do="check the path; it is relative to the current folder",
        )  # fmt: skip
    if not path.is_file():
        raise DataError(
            f"{path} is no file", rule="data is a file of a known size: pipes and devices may have no end",
            found=next((word for is_so, word in _ENDLESS.items() if is_so(path)), "neither a file nor a folder"),
            do="write what comes out of it into a file first",
        )  # fmt: skip
    if (medium := kind_of(path.name)) is not None:
        return _open_frame(pl.DataFrame({medium: [path.name]}), str(path), path)
    suffixes = [suffix.lower() for suffix in path.suffixes]
    packed = suffixes[-1:] and suffixes[-1] in PACKED
    kind = (suffixes[-2:-1] if packed else suffixes[-1:]) or [""]
    try:
        if kind[0] in TEXT:
            return _open_text(path, TEXT[kind[0]])
        if not packed and kind[0] in PARQUET + ARROW:
            return _open_binary(path, kind[0])
    except PermissionError:
        raise DataError(
            f"{path} may not be read", rule="the file is readable", found="permission denied", do=f"chmod u+r {path}"
        ) from None
    raise DataError(
        f"{path} has an unknown suffix",
        rule="data is .csv, .tsv, .txt (also .gz or .zst), .parquet, .arrow or .feather",
        found=repr("".join(path.suffixes[-2:]) or "no suffix"),
        do=_OTHERS.get(path.suffix.lower(), "convert it to one of these"),
    )  # fmt: skip


def _open_folder(folder: Path) -> Source:
    """Open a folder of media files, or of one table beside them."""
    found = look_into(folder, (*TEXT, *PARQUET, *ARROW, ".jsonl"))
    if isinstance(found, Path):
        return replace(_open_path(found) if found.suffix.lower() != ".jsonl" else _open_lines(found), path=found)
    frame, parts, notes = found
    return replace(_open_lazy(frame, folder, str(folder)), parts=parts, notes=notes)


def _open_lines(path: Path) -> Source:
    """Open a JSON-lines file of rows, such as the metadata.jsonl of a folder of images."""
    with _readable(str(path)):
        frame = pl.read_ndjson(path)
    return _open_frame(frame, str(path), path)


def _open_text(path: Path, separator: str | None) -> Source:
    file = inspect_text(path, separator)
    if separator is not None and len(file.names) == 1:
        file = inspect_text(path)  # called .tsv, divided by something else

    def source(
        columns: list[str] | None, predicate: pl.Expr | None, n_rows: int | None, batch_size: int | None
    ) -> Iterator[pl.DataFrame]:
        left = file.n_rows if n_rows is None else n_rows
        for frame in file.frames(columns if predicate is None else None):
            # Rows are counted before the predicate filters them, as scan_csv does.
            frame = frame.head(left)
            left -= frame.height
            if predicate is not None:
                frame = frame.filter(predicate)
                frame = frame if columns is None else frame.select(columns)
            yield frame
            if left <= 0:
                return

    schema = pl.Schema(dict.fromkeys(file.names, pl.String()))
    lazy = register_io_source(source, schema=schema, is_pure=True)
    return Source(lazy, path, str(path), lambda n: file.frames(), file.n_rows, file.notes)


def _open_binary(path: Path, suffix: str) -> Source:
    what, scan = ("Parquet", pl.scan_parquet) if suffix in PARQUET else ("Arrow", pl.scan_ipc)
    if path.stat().st_size == 0:
        raise DataError(f"{path} is empty", rule=_ROW, found="0 bytes", do="check the export")
    try:
        lazy = scan(path)
        lazy.collect_schema()
    except (pl.exceptions.PolarsError, OSError) as error:
        if what == "Arrow" and (stream := _arrow_stream(path)) is not None:
            return _open_frame(stream, str(path), path)
        raise DataError(
            f"{path} cannot be read as {what}", rule=f"{_A[what]} file ends in its footer",
            found=f"{path.stat().st_size:,} bytes, {str(error).splitlines()[0]}; it is truncated or of another format",
            do="copy or write it again",
        ) from None  # fmt: skip
    return _open_lazy(lazy, path, str(path))


def _arrow_stream(path: Path) -> pl.DataFrame | None:
    try:
        return pl.read_ipc_stream(path)
    except (pl.exceptions.PolarsError, OSError):
        return None


def _open_lazy(lazy: pl.LazyFrame, path: Path | None, origin: str) -> Source:
    with _readable(origin):
        media = media_columns(lazy)
        lazy = _plain(unpacked(lazy, media) if media else lazy)
        count = int(lazy.select(pl.len()).collect().item())
        names = lazy.collect_schema().names()
    _check_shape(names, count, origin)

    def batches(n: int) -> Iterator[pl.DataFrame]:
        if hasattr(lazy, "collect_batches"):
            return iter(lazy.collect_batches(chunk_size=min(n, 50_000), maintain_order=True))
        return (lazy.slice(start, n).collect() for start in range(0, count, n))

    return Source(lazy, path, origin, batches, count)


def _open_frame(frame: pl.DataFrame, origin: str, path: Path | None = None) -> Source:
    if media_columns(frame.lazy()):
        return _open_lazy(frame.lazy(), path, origin)
    frame = _plain(frame.lazy()).collect()
    _check_shape(frame.columns, frame.height, origin)
    return Source(frame.lazy(), path, origin, lambda n: frame.iter_slices(n), frame.height)


def _check_shape(names: Sequence[str], count: int, origin: str) -> None:
    if not names:
        raise DataError(
            f"{origin} has no columns", rule="a table has at least one column", found=f"{count:,} rows of no cells",
            do="check the export",
        )  # fmt: skip
    check_names([name.strip() for name in names], origin)
    if count == 0:
        raise DataError(
            f"{origin} has no rows", rule=_ROW, found=f"{len(names)} columns ({listed(names)})", do="check the export"
        )


def _plain(lazy: pl.LazyFrame) -> pl.LazyFrame:
    """Turn types that no modality reads (nested, binary, durations, times of day) into JSON, strings and seconds."""
    changes = []
    for name, dtype in lazy.collect_schema().items():
        cell = pl.col(name)
        if dtype == pl.Null:
            changes.append(cell.cast(pl.String))
        elif dtype == pl.Duration:
            changes.append(cell.dt.total_microseconds() / 1e6)
        elif dtype == pl.Time:
            changes.append(cell.cast(pl.Int64) / 1e9)
        elif dtype.is_nested() or dtype in (pl.Binary, pl.Object):
            changes.append(cell.map_elements(_as_text, return_dtype=pl.String))
    return lazy.with_columns(changes) if changes else lazy


def _as_text(cell: Any) -> str:
    """Lists and structs as JSON: label sets, vectors and series are read from it; anything else as Python prints it."""
    plain = cell.to_list() if isinstance(cell, pl.Series) else cell
    return json.dumps(plain, ensure_ascii=False, default=str) if isinstance(plain, list | dict) else str(plain)


class _readable:
    """Turn what Polars raises while reading into one DataError."""

    def __init__(self, origin: str) -> None:
        self.origin = origin

    def __enter__(self) -> None: ...

    def __exit__(self, kind: type | None, error: BaseException | None, trace: Any) -> None:
        if isinstance(error, (pl.exceptions.PolarsError, pl.exceptions.PanicException)) or (
            isinstance(error, OSError) and not isinstance(error, PermissionError)
        ):
            raise DataError(
                f"{self.origin} cannot be read to its end", rule="a file is whole and does not change while it is read",
                found=str(error).splitlines()[0], do="copy or write the file again",
            ) from None  # fmt: skip
