"""The seal: which rows are test rows, by content, and every time somebody looked at them.

Knows assignments and looks. The data file stays readable: the seal binds our code path, and says so. The only way to the
sealed rows is `open`, which writes the look into the journal before it returns.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

from fieldguide.core.errors import GateError, StudyError
from fieldguide.core.figures import count
from fieldguide.core.files.disk import writing
from fieldguide.core.journal import Journal
from fieldguide.core.split import Split

PARTS = ("development", "test", "purged")


@dataclass(frozen=True)
class Seal:
    """The assignment of a study's rows to parts, on disk.

    Args:
        folder: of the study; the assignment stands in `seal/`.
        journal: where looks are recorded.
    """

    folder: Path
    journal: Journal

    @property
    def path(self) -> Path:
        return self.folder / "seal"

    @property
    def exists(self) -> bool:
        return (self.path / "seal.json").exists()

    def keep(self, split: Split, keys: np.ndarray, *, made_before: bool) -> None:
        """Seal the test rows, or prove that they are the ones that were sealed: the assignment is never redrawn.

        Shape:
            keys: (rows,) uint64 content hash of all rows

        Raises:
            StudyError: the seal is gone, the data has changed, or study.yaml asks for another split.
        """
        if not self.exists:
            if made_before:
                raise StudyError(
                    f"the seal of {self.folder} is gone",
                    rule="the seal is made once",
                    found=f"{self.path} is not there, and the journal says that it was made",
                    do=f"restore the folder {self.path}",
                )
            self._close(split, keys)
        moved = np.setxor1d(np.flatnonzero(self.parts(keys, split.data_hash) == 1), split.test)
        if len(moved):
            raise StudyError(
                "study.yaml asks for another split than the one that was sealed",
                rule="the test set is sealed once and never redrawn",
                found=f"{len(moved):,} rows would change sides",
                do="undo the change of split, time or group, or start a new study",
            )

    def _close(self, split: Split, keys: np.ndarray) -> None:
        parts = np.zeros(len(keys), np.int8)
        parts[split.test], parts[split.purged] = 1, 2
        facts = {"data_hash": split.data_hash, "scheme": split.scheme, "n_test": len(split.test)}
        with writing(self.path, "the seal is on disk before anything is learned"):
            self.path.mkdir(exist_ok=True)
            pl.DataFrame({"key": keys, "part": pl.Series(parts)}).write_parquet(self.path / "assignment.parquet")
            draft = self.path / "seal.writing"
            draft.write_text(json.dumps(facts, indent=1), encoding="utf-8")
            draft.replace(self.path / "seal.json")

    def parts(self, keys: np.ndarray, data_hash: str) -> np.ndarray:
        """Return each row's part: (rows,) 0 development, 1 test, 2 purged.

        Raises:
            StudyError: the data is not the data that was sealed.
        """
        facts = self.facts()
        if facts["data_hash"] != data_hash:
            raise StudyError(
                "the data has changed since the test set was sealed",
                rule="a study answers one table; its test rows are sealed by content and never redrawn",
                found=f"the hash of the feature cells was {facts['data_hash'][:12]}… and is {data_hash[:12]}…",
                do="restore the table, or start a new study on the new one (equal rows fall in the same part again)",
            )
        try:
            frame = pl.read_parquet(self.path / "assignment.parquet")
        except (OSError, pl.exceptions.PolarsError) as error:
            raise self._damaged("assignment.parquet", error) from None
        order = np.argsort(frame["key"].to_numpy(), kind="stable")
        place = np.empty(len(keys), np.int64)
        place[np.argsort(keys, kind="stable")] = order  # equal contents are interchangeable: they are in one part
        return frame["part"].to_numpy()[place]

    def facts(self) -> dict[str, Any]:
        try:
            facts: dict[str, Any] = json.loads((self.path / "seal.json").read_text(encoding="utf-8"))
        except (OSError, ValueError) as error:
            raise self._damaged("seal.json", error) from None
        return facts

    def _damaged(self, name: str, error: Exception) -> StudyError:
        return StudyError(
            f"the seal of {self.folder} is damaged", rule="the seal is made once and never redrawn",
            found=f"{self.path / name}: {str(error).splitlines()[0]}", do=f"restore the folder {self.path} from a copy, or start a new study",
        )  # fmt: skip

    @property
    def looks(self) -> list[dict[str, Any]]:
        """Every time the sealed rows were opened: {time, by, reason}."""
        return [{"time": r["time"], **r["data"]} for r in self.journal.records("look")]

    def admit(self, reason: str | None) -> None:
        """Refuse a look that is not the first and has no reason; nothing is opened yet.

        Raises:
            GateError: names the first look.
        """
        looks = self.looks
        if looks and not reason:
            raise GateError(
                f"the test set was already opened by {looks[0]['by']} at {looks[0]['time']}",
                rule="the seal is opened once; a second look makes the number too good and is shown in the report for ever",
                found=f"{count(len(looks), 'look')} so far",
                do='give --reason "why another look is worth it"',
            )

    def open(self, by: str, reason: str | None) -> None:
        """Record a look at the sealed rows, before anybody is handed them.

        Args:
            by: who opens: "finalize", or the file of predictions that is judged.
            reason: why once more; needed from the second look on.
        """
        self.admit(reason)
        self.journal.append("look", {"by": by, "reason": reason or ""})
