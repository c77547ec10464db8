"""The journal: an append-only record of a study, from which a killed run resumes.

Knows records, their chain of hashes and how a torn last line is recognised; what is recorded is the steps' business.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from fieldguide.core.errors import StudyError
from fieldguide.core.files.disk import disk_error


class Journal:
    """Records in a file of JSON lines; each carries the hash of the one before, so that none can vanish unnoticed.

    A record is on disk (fsync) before `append` returns. A line torn by a crash is dropped when the file is next opened;
    damage anywhere else is an error.

    Examples:
        >>> import tempfile
        >>> journal = Journal(Path(tempfile.mkdtemp()) / "journal.jsonl")
        >>> _ = journal.append("step", {"step": "split"})
        >>> [record["data"] for record in journal.records("step")]
        [{'step': 'split'}]
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._records: list[dict[str, Any]] = []
        self._size = 0  # of the file as it was last read or written
        if path.exists():
            self._read()

    def append(self, event: str, data: Mapping[str, Any]) -> dict[str, Any]:
        """Write one record and return it.

        Raises:
            StudyError: the disk is full or the file cannot be written; the journal stays readable.
        """
        if self.path.exists() and self.path.stat().st_size != self._size:
            self._read()  # Ctrl-C may have ended an append between the file and `_records`
        record = {
            "event": event,
            "time": datetime.now(UTC).isoformat(timespec="milliseconds"),
            "data": dict(data),
            "before": self._records[-1]["hash"] if self._records else "",
        }
        text = json.dumps(record, sort_keys=True, ensure_ascii=False, default=_plain)
        record = json.loads(text) | {"hash": _hash(text)}
        line = (json.dumps(record, sort_keys=True, ensure_ascii=False) + "\n").encode()
        try:
            with self.path.open("ab") as file:
                file.write(line)
                file.flush()
                os.fsync(file.fileno())
        except OSError as error:
            self._cut(self._size)
            raise disk_error(
                error, f"the journal {self.path}", "every step is recorded before its result is used"
            ) from error
        self._records.append(record)
        self._size += len(line)
        return record

    def records(self, event: str | None = None) -> Iterator[dict[str, Any]]:
        """Yield records in order, of one event or of all."""
        return (record for record in self._records if event is None or record["event"] == event)

    def last(self, event: str, **match: Any) -> dict[str, Any] | None:
        """Return the data of the last record of an event whose fields match, or None."""
        for record in reversed(self._records):
            if record["event"] == event and all(record["data"].get(name) == value for name, value in match.items()):
                return record["data"]
        return None

    def _read(self) -> None:
        raw = self.path.read_bytes()
        end = raw.rfind(b"\n") + 1
        if end < len(raw):
            self._cut(end)
        records: list[dict[str, Any]] = []
        before = ""
        for number, line in enumerate(raw[:end].splitlines(), 1):
            try:
                record = json.loads(line)
                seal = record.pop("hash")
                intact = (
                    record["before"] == before and _hash(json.dumps(record, sort_keys=True, ensure_ascii=False)) == seal
                )
            except (ValueError, KeyError, TypeError, AttributeError):
                intact = False
            if not intact:
                raise StudyError(
                    f"the journal {self.path} was altered",
                    rule="records are only ever appended; each carries the hash of the one before",
                    found=f"line {number} does not match its hash or its predecessor",
                    do="restore the file from a copy, or start a new study folder",
                )
            before = seal
            records.append(record | {"hash": seal})
        self._records, self._size = records, end

    def _cut(self, size: int) -> None:
        if self.path.exists() and self.path.stat().st_size > size:
            with self.path.open("r+b") as file:
                file.truncate(size)


def _hash(text: str) -> str:
    return hashlib.blake2b(text.encode(), digest_size=16).hexdigest()


def _plain(value: Any) -> Any:
    if hasattr(value, "tolist"):  # numbers of NumPy as well as its arrays
        return value.tolist()
    raise TypeError(f"{type(value).__name__} is not plain data")
