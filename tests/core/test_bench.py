"""The bench: a trial is made once, what is cut short is tried again, columns go, rungs are smaller, and differences have their sign."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import polars as pl
import pytest

from fieldguide import parts
from fieldguide.core.bench import Bench
from fieldguide.core.candidate import Blend, Candidate
from fieldguide.core.clock import Clock
from fieldguide.core.contracts import Roles
from fieldguide.core.errors import StudyError
from fieldguide.core.model import Model
from fieldguide.core.problem import Output, Problem
from fieldguide.core.reading import read_frame
from fieldguide.core.rows import Rows
from fieldguide.core.split import Fold
from fieldguide.core.table import Column

N = 90


class Kept:
    """A ledger in memory that tells what it was given."""

    def __init__(self) -> None:
        self.facts: dict[str, tuple[dict[str, Any], dict[str, np.ndarray]]] = {}

    def get(self, key: str) -> tuple[dict[str, Any], dict[str, np.ndarray]] | None:
        return self.facts.get(key)

    def put(self, key: str, facts: Mapping[str, Any], arrays: Mapping[str, np.ndarray]) -> None:
        self.facts[key] = (dict(facts), dict(arrays))


@dataclass(frozen=True)
class Late:
    """The prior, stopped by a clock where it says so: what it predicts is off by `off`."""

    off: float = 0.0
    stopped: str = ""
    name: ClassVar[str] = "late"
    kind: ClassVar[str] = "trivial"
    stops_early: ClassVar[bool] = False
    steps_scale: ClassVar[bool] = False
    in_memory: ClassVar[int | None] = None
    recipe: ClassVar[Mapping[str, Any]] = {}

    def fit(self, train: Any, stop: Any, outputs: Any, effort: Any) -> Any:
        found = parts.find("learners", "prior")().fit(train, stop, outputs, effort)
        return replace(found, rows=tuple(row + self.off for row in found.rows), stopped=self.stopped)

    def load(self, folder: Any, data: Any) -> Any:
        return parts.find("learners", "prior")().load(folder, data)


def find(kind: str, name: str) -> Any:
    return Late if (kind, name) == ("learners", "late") else parts.find(kind, name)


def bench(**changed: Any) -> Bench:
    rng = np.random.default_rng(0)
    frame = pl.DataFrame({"x": rng.normal(size=N), "z": rng.normal(size=N), "y": rng.normal(5, 2, N)})
    columns = (Column("x", "number"), Column("z", "number"), Column("y", "number", "target"))
    output = Output("y", parts.find("tasks", "regression")(), metric=parts.find("metrics", "rmse")())
    table, _ = read_frame(frame, columns, parts.modality)
    roles = Roles(np.arange(N, dtype=np.uint64), np.arange(N))
    splitter = parts.find("splitters", "random")()
    held = np.array_split(rng.permutation(N), 3)
    folds = tuple(Fold(np.setdiff1d(np.arange(N), some), some) for some in held)
    said: dict[str, Any] = {
        "problem": Problem((output,)), "rows": Rows.of(table, (output,), parts.modality), "roles": roles, "splitter": splitter,
        "folds": folds, "columns": columns[:2], "samples": frame.drop("y").to_dicts(),
        "find": find, "seed": 1, "threads": 1, "ledger": Kept(),
    }  # fmt: skip
    return Bench(**{**said, **changed})


def late(**settings: Any) -> Candidate:
    return Candidate.of("late", Late(**settings))  # type: ignore[arg-type]


def test_a_trial_is_made_once_and_what_was_seen_in_it_is_kept() -> None:
    told: list[dict[str, Any]] = []
    looked: list[Any] = []
    made = bench(watch=told.append, look=lambda fitted: looked.append(fitted) or {"words": [1, 2]})
    first = made.attempt(late(), Clock())
    assert told[0] == {"event": "trial", "candidate": "late", "learner": "late"}
    assert first.entry["whole"] and first.entry["n_folds"] == 3 and first.entry["megabytes"] > 0
    assert np.array_equal(first.rows, np.arange(N)) and len(first.raw[0]) == N
    assert made.inside(first.entry) == {"words": [1, 2]} and len(looked) == 1
    again = made.attempt(replace(late(), name="by another name"), Clock())
    assert len(looked) == 1 and sum(event["event"] == "trial" for event in told) == 1
    assert again.name == "by another name" and np.array_equal(again.raw[0], first.raw[0])
    some = made.attempt(late(), Clock(), folds=(1,))
    assert not some.entry["whole"] and "megabytes" not in some.entry and made.inside(some.entry) == {}
    assert np.array_equal(some.rows, np.sort(made.folds[1].validation)) and len(looked) == 1


def test_what_a_clock_cut_short_is_tried_again_under_another_limit_only() -> None:
    told: list[dict[str, Any]] = []
    made = bench(watch=told.append, limit=1.0)
    made.attempt(late(stopped="clock"), Clock(), folds=(0,))
    made.attempt(late(stopped="clock"), Clock(), folds=(0,))
    assert len(told) == 1
    replace(made, limit=2.0).attempt(late(stopped="clock"), Clock(), folds=(0,))
    assert len(told) == 2
    whole = late(off=1.0)
    made.attempt(whole, Clock(), folds=(0,))
    replace(made, limit=3.0).attempt(whole, Clock(), folds=(0,))
    assert len(told) == 3, "what was not cut is the same under every limit"


def test_a_rung_has_a_share_of_each_folds_training_rows() -> None:
    made = bench()
    third = made.attempt(late(), Clock(), folds=(0, 2), share=1 / 3)
    whole = made.attempt(late(), Clock(), folds=(0, 2))
    assert third.entry["n_fit"] == pytest.approx(20, abs=2) and whole.entry["n_fit"] == 60
    assert np.array_equal(third.rows, whole.rows) and not third.entry["whole"]
    part = made._fold(2, 1 / 3)
    assert np.isin(part.train, made.folds[2].train).all() and np.array_equal(part.validation, made.folds[2].validation)
    assert made._fold(2, 1.0) is made.folds[2]


def test_columns_that_go_are_gone_from_rows_contract_and_keys() -> None:
    made = bench()
    without = made.leaving(["z"])
    assert [column.name for column in without.rows.columns] == list(without.rows.cells) == ["x"]
    assert [column.name for column in without.columns] == ["x"] and without.gone == ("z",)
    assert without.leaving(["x"]).gone == ("x", "z")
    all_of_them, fewer = _fitted(made), _fitted(without)
    assert [names for _, names, _ in all_of_them.transform.parts] == [("x", "z")]
    assert [names for _, names, _ in fewer.transform.parts] == [("x",)], "nothing is taken from what others encoded"
    one, other = made.attempt(late(), Clock(), folds=(0,)), without.attempt(late(), Clock(), folds=(0,))
    assert one.entry["key"] != other.entry["key"]
    assert list(without.packaged(fewer, (None,), {}).golden["rows"][0]) == ["x"]


def _fitted(made: Bench) -> Any:
    kept: list[Any] = []
    replace(made, look=lambda fitted: kept.append(fitted) or {}).attempt(late(), Clock())
    return kept[0]


def test_a_difference_is_positive_where_the_first_is_better() -> None:
    made = bench()
    near, far = (made.attempt(late(off=off), Clock()) for off in (0.0, 3.0))
    found = made.compared(near, far)
    assert found["value"] == pytest.approx(far.entry["scores"][0]["value"] - near.entry["scores"][0]["value"])
    assert found["value"] > 1 and found["interval"][0] > 0
    assert made.compared(far, near)["value"] == pytest.approx(-found["value"])
    some = made.attempt(late(off=3.0), Clock(), folds=(0,))
    assert made.compared(near, some)["n"] == len(made.folds[0].validation), "on the rows that both were judged on"


def test_what_the_ledger_lost_is_named() -> None:
    made = bench()
    trial = made.attempt(late(), Clock(), folds=(0,))
    ledger: Any = made.ledger
    facts, arrays = ledger.facts[trial.entry["key"]]
    ledger.facts[trial.entry["key"]] = (facts, {name: a for name, a in arrays.items() if name != "rows"})
    with pytest.raises(
        StudyError, match=r"the predictions of 'late' are gone.*Do: restore the folder, or run the study again"
    ):
        made.remembered(trial.entry)
    assert (
        made.recall({"what": "blend"}, lambda: {"n": 1}) == made.recall({"what": "blend"}, lambda: {"n": 2}) == {"n": 1}
    )
    assert replace(made, limit=5.0).recall({"what": "blend"}, lambda: {"n": 3}) == {"n": 3}


def test_a_blend_that_was_written_answers_with_its_weights(tmp_path: Path) -> None:
    made = bench()
    one = _fitted(made)
    other = replace(one, estimator=replace(one.estimator, rows=tuple(row + 10 for row in one.estimator.rows)))
    model = made.packaged(Blend((one, other), (0.7, 0.3)), (None,), {"note": "made"})
    model.save(tmp_path / "model", draft=True)
    again = Model.load(tmp_path / "model", find)
    assert isinstance(again.predictor, Blend) and again.predictor.weights == (0.7, 0.3)
    answers = again.predict_rows(made.samples[:3])[0][0]
    assert answers == pytest.approx(np.full_like(answers, float(one.estimator.rows[0][0]) + 3.0))
    assert again.evidence == {"note": "made"} and len(again.golden["rows"]) == 8
