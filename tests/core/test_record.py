"""What a study has done and how long it may take: once only, the refit's share by hand, and nothing half written."""

from __future__ import annotations

import errno
import math
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from fieldguide.core import store
from fieldguide.core.errors import StudyError
from fieldguide.core.finding import Finding
from fieldguide.core.journal import Journal
from fieldguide.core.record import Budget, Record
from fieldguide.core.result import Result
from fieldguide.core.store import Store

FOUND = Finding("FG203", "warning", "12 rows stand twice.", columns=("age",), evidence={"n": 12})


@pytest.fixture
def standing(monkeypatch: pytest.MonkeyPatch) -> None:
    """Time that stands still, so that what is left is exact."""
    monkeypatch.setattr("fieldguide.core.clock.time", SimpleNamespace(monotonic=lambda: 1_000.0))


def test_a_step_is_computed_once_for_each_scope_and_told_when_it_begins(tmp_path: Path) -> None:
    told: list[Any] = []
    record = Record(Journal(tmp_path / "j"), told.append)

    def compute() -> tuple[dict[str, int], tuple[Finding, ...]]:
        told.append("computed")
        return {"n": np.int64(7)}, (FOUND,)  # type: ignore[dict-item]

    assert not record.done("split") and record.result("split") is None
    first = record.once("split", "a", compute)
    assert told == [{"event": "step", "step": "split"}, "computed"]
    assert first.facts == {"n": 7} and first.findings == (FOUND,) and 0 <= first.seconds < 5
    again = Record(Journal(tmp_path / "j"), told.append)
    assert again.once("split", "a", compute) == first == again.result("split")
    assert len(told) == 2, "neither told nor computed again"
    other = again.once("split", "b", lambda: ({"n": 8}, ()))
    assert other["n"] == 8 == again.result("split")["n"]  # type: ignore[index]
    assert again.done("split") and not again.done("frame")
    again.keep(Result("frame", {"n": 9}), "b")
    assert again.result("split") == other and again.result("frame")["n"] == 9  # type: ignore[index]


def test_a_result_is_read_back_as_it_was_to_the_millisecond() -> None:
    result = Result("split", {"sentence": "60 rows"}, (FOUND, Finding("FG201", "info", "ok", status="passed")), 1.23456)
    data = result.to_dict()
    assert data["seconds"] == 1.235
    assert Result.from_dict(data) == Result("split", {"sentence": "60 rows"}, result.findings, 1.235)
    assert str(result) == "split: 60 rows (1.2 s)\n  FG203 warning: 12 rows stand twice."
    assert str(Result("split", {}, (FOUND,))).startswith("split: 1 findings (0.0 s)")


@pytest.mark.parametrize(
    ("minutes", "reserve", "refit", "kept"),
    [
        (10, 0.2, math.inf, 120 + 6), (10, 0.2, 50, 50 + 6), (10, 0.2, 10, 40 + 6),  # a fifth at most, a third of it at least
        (10, 0.01, math.inf, 13 + 6), (0.5, 0.2, math.inf, 12 + 2.4), (10, 0.0, math.inf, 0),
    ],
)  # fmt: skip
def test_what_a_budget_keeps_for_the_refit(minutes: float, reserve: float, refit: float, kept: float, standing: None, tmp_path: Path) -> None:  # fmt: skip
    budget = Budget.open(Journal(tmp_path / "j"), minutes, reserve)
    whole = 60 * minutes - kept
    assert budget.share(1.0, refit).left() == pytest.approx(whole)
    assert budget.share(0.25, refit).left() == pytest.approx(whole / 4)
    assert budget.refit_seconds() == pytest.approx(60 * minutes - min(6, 4.8 * minutes))


def test_sittings_with_the_same_limit_are_taken_off(standing: None, tmp_path: Path) -> None:
    journal = Journal(tmp_path / "j")
    for seconds, minutes in ((20.0, 2), (30.0, 2), (1000.0, 5), (50.0, None)):
        journal.append("spent", {"seconds": seconds, "minutes": minutes})
    assert Budget.open(journal, 2, 0.0).share(1.0).left() == pytest.approx(70)
    assert Budget.open(journal, 3, 0.0).share(1.0).left() == pytest.approx(180)
    assert math.isinf(Budget.open(journal, None, 0.2).share(0.1).left())
    assert math.isinf(Budget.open(journal, None, 0.2).refit_seconds())
    journal.append("spent", {"seconds": 500.0, "minutes": 2})
    assert Budget.open(journal, 2, 0.2).share(1.0).left() == 0.0
    with pytest.raises(RuntimeError), Budget.open(journal, 7, 0.0).sitting(journal):
        raise RuntimeError
    spent = journal.last("spent", minutes=7)
    assert spent is not None and 0 <= spent["seconds"] < 5


def test_a_trial_that_could_not_be_kept_leaves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    journal = Journal(tmp_path / "j")
    kept = Store(journal, tmp_path / "trials", "0123456789")
    kept.put("a", {"seconds": 1.5}, {"p": np.arange(3.0)})

    def full(arrays: object, path: Path) -> None:
        path.write_bytes(b"half")
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(store, "save_file", full)
    with pytest.raises(
        StudyError, match=r"the disk is full: .*01234567-b\.safetensors could not be written\. Rule: a trial is kept"
    ):
        kept.put("b", {"seconds": 9.0}, {"p": np.arange(3.0)})
    assert [path.name for path in (tmp_path / "trials").iterdir()] == ["01234567-a.safetensors"]
    kept.put("c", {}, {})  # facts alone
    again = Store(Journal(tmp_path / "j"), tmp_path / "trials", "0123456789")
    assert again.get("b") is None and again.get("c") == ({}, {}) and again.seconds == 1.5
    facts, arrays = again.get("a") or ({}, {})
    assert facts == {"seconds": 1.5} and arrays["p"].tolist() == [0.0, 1.0, 2.0]
    assert Store(Journal(tmp_path / "j"), tmp_path / "trials", "other").get("a") is None
