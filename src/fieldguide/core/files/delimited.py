"""Delimited text (CSV, TSV) as blocks of whole rows, checked byte by byte.

Knows bytes: delimiters, quotes, lines, encodings, compression. Every cell comes out as a string, untouched; what a cell
means is the business of modalities. Nothing here holds more than one block of the file in memory.
"""

from __future__ import annotations

import gzip
import io
import shlex
import zlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import IO

import numpy as np
import polars as pl

from fieldguide.core.errors import DataError, listed
from fieldguide.core.files.header import SEPARATORS, SINGLE_QUOTES, read_header, refuse_data_as_header, sniff

BLOCK = 4 << 20  # bytes read at a time
MAX_CELL = 1_000_000  # bytes; a longer cell is a broken export, not data
BOMB_BYTES, BOMB_RATIO = 128 << 20, 1_000
_BOM = b"\xef\xbb\xbf"
_QUOTE, _LF, _CR = 34, 10, 13


@dataclass(frozen=True)
class Delimited:
    """A delimited text file that has been read through once and found whole.

    Args:
        path: the file; `.gz` and `.zst` are decompressed while reading.
        separator: one of `SEPARATORS`.
        quoted: True when double quotes enclose cells, False when they are ordinary characters.
        names: column names, stripped of surrounding spaces.
        n_rows: rows below the header.
        notes: what was decided while reading, one sentence each.
        single: True when single quotes enclose names and cells; they are taken off.

    Examples:
        >>> import tempfile
        >>> path = Path(tempfile.mkdtemp()) / "a.csv"
        >>> _ = path.write_text("age;fare\\n31;7,25\\n40;8,05\\n")
        >>> file = inspect_text(path)
        >>> file.separator, file.names, file.n_rows
        (';', ('age', 'fare'), 2)
        >>> next(file.frames()).shape
        (2, 2)
    """

    path: Path
    separator: str
    quoted: bool
    names: tuple[str, ...]
    n_rows: int
    notes: tuple[str, ...] = ()
    single: bool = False

    def frames(self, columns: Sequence[str] | None = None) -> Iterator[pl.DataFrame]:
        """Yield the rows as frames of strings, one block of the file at a time, in row order."""
        for number, block in enumerate(_blocks(self.path, self.separator, self.quoted)):
            body = block.without_header() if number == 0 else block.data
            body = body if len(self.names) == 1 else _without_blank_lines(body, self.quoted)
            if body:
                frame = parse(body, self.names, self.separator, self.quoted)
                if self.single:
                    frame = frame.with_columns(pl.all().str.replace(r"^\s*'(.*)'\s*$", "${1}"))
                yield frame if columns is None else frame.select(columns)


def parse(body: bytes, names: Sequence[str], separator: str, quoted: bool) -> pl.DataFrame:
    """Return whole rows of text as a frame of strings; an empty cell without quotes is null."""
    return pl.read_csv(
        body, has_header=False, schema=dict.fromkeys(names, pl.String), infer_schema=False, separator=separator,
        quote_char='"' if quoted else None,
    )  # fmt: skip


def inspect_text(path: Path, separator: str | None = None) -> Delimited:
    """Read a delimited text file through once and return how to read it.

    Double quotes enclose cells if the whole file is consistent that way; otherwise they are ordinary characters, if the
    whole file is consistent that way (tab-separated exports often are).

    Args:
        separator: the delimiter; None decides from the first lines.

    Raises:
        DataError: empty, binary, not UTF-8, ragged, duplicate or empty names, an unclosed quote, a cell over 1 MB.
    """
    head = _head(path)
    if separator is None:
        separator = sniff(head)
    try:
        return _inspect(path, separator, quoted=True)
    except _Malformed as error:
        # Without this second reading, a stray inch mark (5" pipe) would make a good file unreadable.
        try:
            file = _inspect(path, separator, quoted=False)
        except (_Malformed, DataError):
            raise error.error from None
        note = "double quotes do not enclose cells in this file: they are read as ordinary characters"
        return replace(file, notes=(*file.notes, note))


class _Malformed(Exception):
    """Rows do not fit one reading of the quotes; another may do."""

    def __init__(self, error: DataError) -> None:
        super().__init__(str(error))
        self.error = error


def _inspect(path: Path, separator: str, quoted: bool) -> Delimited:
    names: tuple[str, ...] = ()
    notes: list[str] = []
    n_rows, single = 0, False
    for number, block in enumerate(_blocks(path, separator, quoted)):
        block.check_bytes(path)
        if number == 0:
            names, notes = read_header(path, block.header().decode("utf-8"), separator, quoted)
            single = SINGLE_QUOTES in notes
        n_rows += block.count_rows(path, len(names)) - (number == 0)
        if number == 0 and n_rows:
            body = _without_blank_lines(block.without_header(), quoted)
            first = parse(body[: _end_of_rows(body, separator, quoted, 1000)], names, separator, quoted)
            refuse_data_as_header(path, names, first)
    if not names:
        raise DataError(
            f"{path} is empty", rule="a table has a header and at least one row", found="nothing but blank lines",
            do="check the export",
        )  # fmt: skip
    if n_rows == 0:
        raise DataError(
            f"{path} has a header and no rows", rule="a table has a header and at least one row",
            found=f"a header with {len(names)} columns ({listed(names)})", do="check the export",
        )  # fmt: skip
    return Delimited(path, separator, quoted, names, n_rows, tuple(notes), single)


@dataclass(frozen=True)
class _Block:
    """Bytes of whole rows, ending in a line feed."""

    data: bytes
    line: int  # number of the first line in the file, from 1
    offset: int  # bytes of the (decompressed) file before this block
    separator: str
    quoted: bool

    def without_header(self) -> bytes:
        return self.data[self._header_end() :]

    def header(self) -> bytes:
        return self.data[: self._header_end()]

    def _header_end(self) -> int:
        start = len(self.data) - len(self.data.lstrip(b"\r\n"))
        return start + _end_of_rows(self.data[start:], self.separator, self.quoted, 1)

    def check_bytes(self, path: Path) -> None:
        """Raise DataError where the bytes are not UTF-8 text."""
        if b"\0" in self.data:
            at = self.data.index(b"\0")
            raise DataError(
                f"{path} is not a text file", rule="CSV and TSV files hold text, without NUL bytes",
                found=f"a NUL byte in line {self._line(at):,} (byte {self.offset + at:,})",
                do="check the export; a Parquet or Arrow file needs its own suffix",
            )  # fmt: skip
        try:
            self.data.decode("utf-8")
        except UnicodeDecodeError as error:
            at = error.start
            raise DataError(
                f"{path} is not UTF-8 text", rule="text files are read as UTF-8",
                found=f"byte 0x{self.data[at]:02x} in line {self._line(at):,} (byte {self.offset + at:,})",
                do="save the file again as UTF-8; it is probably Latin-1: "
                f"iconv -f LATIN1 -t UTF-8 {shlex.quote(str(path))} > utf8.csv (in Excel: save as CSV UTF-8)",
            ) from None  # fmt: skip

    def count_rows(self, path: Path, n_columns: int) -> int:
        """Return the number of rows; raise where one has too many or too few cells."""
        data = np.frombuffer(self.data, np.uint8)
        inside = _inside(data) if self.quoted else None
        marks = _marks(data, self.separator, inside)
        ends = np.flatnonzero(data[marks] == _LF)
        n_cells = np.diff(ends, prepend=-1)
        line_ends = marks[ends]
        lengths = np.diff(line_ends, prepend=-1) - 1
        before = np.concatenate([data[:1], data])[line_ends]  # the byte before each line feed
        blank = (lengths == 0) | ((lengths == 1) & (before == _CR))
        if inside is not None:
            self.check_quotes(path, data)
        wrong = np.flatnonzero((n_cells != n_columns) & ~blank)
        if wrong.size:
            row = int(wrong[0])
            at = int(line_ends[row - 1]) + 1 if row else 0
            raise _Malformed(DataError(
                f"{path} is ragged: its rows do not have the same number of cells",
                rule="every row has as many cells as the header",
                found=f"line {self._line(at):,} has {int(n_cells[row])} cells where the header has {n_columns}"
                + (f", and {wrong.size - 1:,} more such lines" if wrong.size > 1 else ""),
                do=f"check line {self._line(at):,}: "
                f"a {SEPARATORS[self.separator]} inside a cell must stand in double quotes",
            ))  # fmt: skip
        cells = np.diff(marks, prepend=-1) - 1
        if cells.size and cells.max() > MAX_CELL:
            which = int(cells.argmax())
            row = int(np.searchsorted(ends, which))
            column = which - (int(ends[row - 1]) + 1 if row else 0)
            at = int(line_ends[row - 1]) + 1 if row else 0
            raise _enormous(path, f"line {self._line(at):,}, column {column + 1}", int(cells.max()))
        return int((~blank).sum()) if n_columns > 1 else len(blank)

    def check_quotes(self, path: Path, data: np.ndarray) -> None:
        """Raise where a quote opens or closes in the middle of a cell, across cells."""
        quotes = np.flatnonzero(data == _QUOTE)
        if len(quotes) < 2:
            return
        closing = quotes[1::2]
        opening = quotes[0::2][: len(closing)]
        before = data[np.maximum(opening - 1, 0)]
        after = data[np.minimum(closing + 1, len(data) - 1)]
        starts = _edges(before, self.separator) | (opening == 0)
        late = ~starts & (before != _QUOTE)
        early = starts & ~_edges(after, self.separator) & (after != _QUOTE)
        if late.any():
            # A pair of quotes inside a cell that starts otherwise (say "hi") is harmless; one that spans cells is not.
            pairs = np.flatnonzero(late)
            crossed = np.cumsum(_edges(data, self.separator))
            late[pairs] = crossed[closing[pairs]] > crossed[opening[pairs]]
        wrong = np.flatnonzero(late | early)
        if wrong.size:
            at = int(opening[wrong[0]])
            raise _Malformed(DataError(
                f"{path} has a stray double quote",
                rule="a double quote encloses a whole cell, and inside it is doubled",
                found=f"line {self._line(at):,}: {_excerpt(self.data, at)}",
                do="write the file again with a CSV library, or double the quote",
            ))  # fmt: skip

    def _line(self, at: int) -> int:
        return self.line + self.data.count(b"\n", 0, at)


def _blocks(path: Path, separator: str, quoted: bool) -> Iterator[_Block]:
    """Yield the file as blocks of whole rows; a row never spans two blocks."""
    with _opened(path) as stream:
        carry, line, offset, first, mac = b"", 1, 0, True, False
        while True:
            chunk = _read(stream, path)
            if first:
                head = chunk
                chunk = chunk.removeprefix(_BOM)
                offset += len(head) - len(chunk)
                mac = b"\r" in chunk and b"\n" not in chunk  # lines end as on old Macs
            first = False
            if mac:
                chunk = chunk.replace(b"\r", b"\n")
            data = carry + chunk
            if not data:
                return
            if not chunk and not data.endswith(b"\n"):
                data += b"\n"
            array = np.frombuffer(data, np.uint8)
            inside = _inside(array) if quoted else None
            marks = _marks(array, separator, inside)
            last = int(marks[-1]) if marks.size else -1
            if len(data) - last - 1 > MAX_CELL or (not chunk and last != len(data) - 1):
                raise _unended(path, _Block(data, line, offset, separator, quoted), last, inside, bool(chunk))
            ends = marks[array[marks] == _LF]
            cut = int(ends[-1]) + 1 if ends.size else 0
            if cut:
                yield _Block(data[:cut], line, offset, separator, quoted)
                line += data.count(b"\n", 0, cut)
                offset += cut
            carry = data[cut:]
            if not chunk:
                return


def _unended(path: Path, block: _Block, last: int, inside: np.ndarray | None, more: bool) -> Exception:
    """Return the error for a cell that does not end: an unclosed quote, or an enormous cell."""
    data, line = block.data, block.line
    number = line + data.count(b"\n", 0, last + 1)
    opening = data.find(b'"', last + 1)
    if inside is not None and inside[-1] and opening >= 0 and (not more or b"\n" in data[opening:]):
        try:
            # An earlier quote that closes in the wrong place is where the trouble began.
            block.check_quotes(path, np.frombuffer(data, np.uint8))
        except _Malformed as error:
            return error
        number = line + data.count(b"\n", 0, opening)
        return _Malformed(DataError(
            f"{path} has a quote that is never closed", rule="a double quote that opens a cell also closes it",
            found=f"the quote opened in line {number:,} ({_excerpt(data, opening)}) is not closed within "
            + (f"{MAX_CELL // 1_000_000} MB" if more else "the file"),
            do=f"close or double the quote in line {number:,}",
        ))  # fmt: skip
    row_start = data.rfind(b"\n", 0, max(last, 0) + 1) + 1
    return _enormous(path, f"line {number:,}, after byte {last + 1 - row_start:,} of the line", len(data) - last - 1)


def _enormous(path: Path, where: str, size: int) -> DataError:
    return DataError(
        f"{path} has an enormous cell", rule=f"a cell holds at most {MAX_CELL // 1_000_000} MB of text",
        found=f"{where}: {size / 1e6:.1f} MB or more",
        do="check the export; store long documents as files and keep their paths",
    )  # fmt: skip


def _inside(data: np.ndarray) -> np.ndarray:
    """Return (bytes,) bool: True between an odd and an even quote. A doubled quote toggles twice: no change."""
    quotes = data == _QUOTE
    if not quotes.any():
        return np.zeros(len(data), bool)
    return np.logical_xor.accumulate(quotes)


def _edges(data: np.ndarray, separator: str) -> np.ndarray:
    """Return (bytes,) bool: True where a byte ends a cell."""
    return (data == ord(separator)) | (data == _LF) | (data == _CR)


def _marks(data: np.ndarray, separator: str, inside: np.ndarray | None) -> np.ndarray:
    """Return the positions of separators and line feeds outside quotes."""
    marks = (data == ord(separator)) | (data == _LF)
    if inside is not None:
        marks &= ~inside
    return np.flatnonzero(marks)


def _end_of_rows(data: bytes, separator: str, quoted: bool, n: int) -> int:
    """Return where the first n rows end [bytes]."""
    array = np.frombuffer(data, np.uint8)
    marks = _marks(array, separator, _inside(array) if quoted else None)
    ends = marks[array[marks] == _LF][:n]
    return int(ends[-1]) + 1 if ends.size else len(data)


def _without_blank_lines(data: bytes, quoted: bool) -> bytes:
    if b"\n\n" not in data and b"\n\r\n" not in data and not data.startswith((b"\n", b"\r\n")):
        return data
    array = np.frombuffer(data, np.uint8)
    ends = np.flatnonzero((array == _LF) & ~_inside(array)) if quoted else np.flatnonzero(array == _LF)
    starts = np.concatenate([[0], ends[:-1] + 1])
    lines = (data[start : end + 1] for start, end in zip(starts.tolist(), ends.tolist()))
    return b"".join(line for line in lines if line not in (b"\n", b"\r\n"))


def _head(path: Path) -> bytes:
    """Return the first 64 kB, decompressed; raise where they are no UTF-8 text at all."""
    with _opened(path) as stream:
        head = _read(stream, path, 1 << 16)
    if not head.strip(_BOM + b" \r\n\t"):
        raise DataError(
            f"{path} is empty",
            rule="a table has a header and at least one row",
            found=f"{len(head)} bytes",
            do="check the export",
        )
    for bom, name in (
        (b"\xff\xfe\0\0", "UTF-32"),
        (b"\0\0\xfe\xff", "UTF-32"),
        (b"\xff\xfe", "UTF-16"),
        (b"\xfe\xff", "UTF-16"),
    ):
        if head.startswith(bom):
            raise DataError(
                f"{path} is {name} text", rule="text files are read as UTF-8", found=f"a {name} byte order mark",
                do=f'save it again as UTF-8 (Excel: "CSV UTF-8"): iconv -f {name} -t UTF-8 {shlex.quote(str(path))} > utf8.csv',
            )  # fmt: skip
    return head.removeprefix(_BOM)


def _opened(path: Path) -> IO[bytes]:
    if path.suffix.lower() == ".gz":
        return gzip.open(path, "rb")  # type: ignore[return-value]
    if path.suffix.lower() == ".zst":
        _refuse_bomb(path)
        return io.BufferedReader(_Lines(path))
    return path.open("rb")


def _refuse_bomb(path: Path) -> None:
    """Raise where a zstandard file says that it holds far more than a table of its size can: a line is unpacked as a whole."""
    with path.open("rb") as file:
        head = file.read(14)
    if len(head) < 14 or head[:4] != b"\x28\xb5\x2f\xfd":
        return
    single, flag = head[4] >> 5 & 1, head[4] >> 6
    width = (single, 2, 4, 8)[flag]
    at = 5 + (not single) + (0, 1, 2, 4)[head[4] & 3]
    size = int.from_bytes(head[at : at + width], "little") + (256 if width == 2 else 0)
    if size > max(BOMB_BYTES, BOMB_RATIO * path.stat().st_size):
        raise DataError(
            f"{path} unpacks to far more than it holds", rule=f"a compressed table is at most {BOMB_RATIO:,} times smaller than what it holds",
            found=f"{path.stat().st_size:,} bytes that unpack to {size:,}", do="unpack it by hand if you trust it",
        )  # fmt: skip


class _Lines(io.RawIOBase):
    """A zstandard file as a stream of bytes; polars decompresses, so that no other package is needed."""

    def __init__(self, path: Path) -> None:
        self._batches = iter(pl.scan_lines(path).collect_batches(chunk_size=20_000, maintain_order=True))
        self._rest = memoryview(b"")

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: memoryview) -> int:  # type: ignore[override]
        while not self._rest:
            batch = next(self._batches, None)
            if batch is None:
                return 0
            self._rest = memoryview(("\n".join(batch.to_series()) + "\n").encode() if batch.height else b"")
        n = min(len(buffer), len(self._rest))
        buffer[:n] = self._rest[:n]
        self._rest = self._rest[n:]
        return n


def _read(stream: IO[bytes], path: Path, size: int = BLOCK) -> bytes:
    try:
        return stream.read(size)
    except PermissionError:
        raise
    except (EOFError, OSError, zlib.error, pl.exceptions.PolarsError) as error:
        raise DataError(
            f"{path} is damaged", rule="a compressed file decompresses to its end",
            found=str(error).split("\n")[0], do="copy or download it again",
        ) from None  # fmt: skip


def _excerpt(data: bytes, at: int) -> str:
    return data[max(0, at - 15) : at + 25].decode("utf-8", "replace").replace("\n", "⏎").replace("\r", "")
