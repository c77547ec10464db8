"""What a bad input is: who makes it, who is handed it, and the words of the refusal. Knows no input of its own."""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import polars as pl

from conftest import Command, Done, people
from fieldguide.core.errors import FieldguideError

N = 80
PEOPLE = people(N)
PARTS = ("what", "rule", "found", "do")


@dataclass(frozen=True)
class Room:
    """Where a bad input is made: a folder of its own, and what was made once for all of them.

    Args:
        folder: empty before the input is made.
        fresh: a study folder of PEOPLE on which nothing was run; its table lies beside it.
        finished: a study folder that was finalized, with the models `model`, `linear` and `boosting` in it; never to be
            written to.
        client: a client of a served model.
        command: the command line, in this process.
    """

    folder: Path
    fresh: Path
    finished: Path
    client: Any
    command: Command

    def write(self, name: str, content: bytes | str) -> Path:
        path = self.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content.encode() if isinstance(content, str) else content)
        return path

    def study(self, change: Callable[[str], str], table: pl.DataFrame = PEOPLE) -> Path:
        """Return a study folder whose study.yaml is changed."""
        study = Path(shutil.copytree(self.fresh, self.folder / "study"))
        table.write_csv(self.folder / "t.csv")
        settings = study / "study.yaml"
        text = settings.read_text()
        changed = change(text)
        assert changed != text or table is not PEOPLE
        settings.write_bytes(changed.encode("utf-8", "surrogateescape"))
        return study

    def model(self, name: str = "linear") -> Path:
        """Return a copy of the model folder of a candidate of the finished study."""
        return Path(shutil.copytree(self.finished / name, self.folder / "model"))


@dataclass(frozen=True)
class Bad:
    """One bad input.

    Args:
        name: the input in words.
        make: makes it in a room and returns what is to be handed over.
        words: what the message must say, a regular expression.
        call: is handed it, where the group has no call of its own.
        status: the exit status of a command.
    """

    name: str
    make: Callable[[Room], Any]
    words: str
    call: Callable[[Room, Any], object] | None = None
    status: int = 2


def told(outcome: Any, case: Bad) -> dict[str, str]:
    """Return the four parts of a refusal: of an error, of a command, or of an answer over HTTP."""
    if isinstance(outcome, FieldguideError):
        return outcome.to_dict()
    if isinstance(outcome, Done):
        assert outcome.status == case.status, outcome
        assert "Traceback" not in outcome.err
        assert not outcome.out, "a refusal stands on standard error"
        head, *rest = re.split(r"\n  (Rule|Found|Do):", outcome.err.strip())
        assert len(set(rest[::2])) == len(rest[::2]) and ": " in head.splitlines()[0], outcome.err
        parts = {label.lower(): text.strip() for label, text in zip(rest[::2], rest[1::2])}
        return {"what": head.partition(": ")[2], **parts}
    assert 400 <= outcome.status_code < 500, outcome.text
    body = outcome.json()
    problem = body["problems"][0]
    return {"what": body["what"], "rule": problem["rule"], "found": problem["value"], "do": problem["send"]}


def kept(folder: Path) -> dict[str, bytes | str]:
    """Return every file of a folder with its content, links and folders by their kind."""
    return {
        str(p.relative_to(folder)): p.read_bytes() if p.is_file() and not p.is_symlink() else "link or folder"
        for p in sorted(folder.rglob("*"))
    }


def csv(frame: pl.DataFrame, separator: str = ",") -> bytes:
    return frame.write_csv(separator=separator).encode()


def altered(row: int, column: str, cell: str | None, frame: pl.DataFrame = PEOPLE) -> pl.DataFrame:
    """Return the table with one cell altered, its column as text."""
    here = pl.int_range(frame.height) == row
    return frame.with_columns(pl.when(here).then(pl.lit(cell)).otherwise(pl.col(column).cast(pl.String)).alias(column))


def replaced(old: str, new: str) -> Callable[[str], str]:
    """Return a change of a text: the first `old` becomes `new`."""

    def change(text: str) -> str:
        assert old in text, old
        return text.replace(old, new, 1)

    return change


def added(text: str) -> Callable[[str], str]:
    """Return a change of a text: more at its end."""
    return lambda before: before + text


def rewritten(path: Path, change: Callable[[Any], Any]) -> None:
    """Change a JSON file."""
    path.write_text(json.dumps(change(json.loads(path.read_text()))))
