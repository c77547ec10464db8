"""Outcomes: how they are read, to which prediction they belong, and who has waited long enough to be judged."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from conftest import Command
from fieldguide.core.errors import DataError
from fieldguide.core.online.log import LogStore, Outcome, Prediction, Served
from fieldguide.core.table import Column
from fieldguide.parts.stores import open_log
from fieldguide.steps.join.log import Wanted, table
from fieldguide.steps.online.outcomes import delay, joined, judged_until, outcomes_of, take_file

START = datetime(2024, 5, 1)
COLUMNS = (Column("age", "number"), Column("double", "number", read={"expression": "age * 2"}))


@pytest.fixture
def store(tmp_path: Path) -> Iterator[LogStore]:
    opened = open_log(f"{tmp_path}/log.db")
    yield opened
    opened.close()


def predicted(n: int, *, unit: str = "u{}", minutes: float = 60.0) -> list[Prediction]:
    return [
        Prediction(
            f"r{i}-0", f"r{i}", unit.format(i), START + timedelta(minutes=minutes * i), "now", "m", "c", (float(i), 2.0 * i), "1", 0.5,
            (0.5, 0.5),
        )
        for i in range(n)
    ]  # fmt: skip


def served() -> Served:
    return Served("m", "c", COLUMNS, ({"name": "clicked", "task": "binary", "labels": ["0", "1"]},), "now", START)


@pytest.mark.parametrize(
    ("record", "column", "rule"),
    [
        (3, None, "an outcome is an object"), ({"id": "r", "unit": "u", "value": 1}, "id", "not both"), ({"value": 1}, "id", "not both"),
        ({"id": "r", "value": None}, "value", "value is"), ({"id": "r", "value": float("inf")}, "value", "value is"),
        ({"id": "r", "value": []}, "value", "value is"), ({"id": "r", "value": 1, "when": 2}, "'when'", "an outcome has"),
        ({"id": "r", "value": 1, "time": "yesterday"}, "time", "ISO 8601"), ({"id": 7, "value": 1}, "id", "id is a text"),
        ({"id": "r", "value": 1, "name": ""}, "name", "name is a text"), ({"unit": "u" * 300, "value": 1}, "unit", "unit is a text"),
    ],
)  # fmt: skip
def test_what_is_no_outcome_is_told(record: object, column: str | None, rule: str) -> None:
    found, problems = outcomes_of([{"id": "r", "value": 1}, record], START)
    assert len(found) == 1 and problems[0].row == 1 and problems[0].column == column and rule in problems[0].rule


def test_an_outcome_belongs_to_its_prediction_or_to_the_units_last_before_it(store: LogStore) -> None:
    at = {i: START + timedelta(hours=i) for i in range(12)}
    store.append([*predicted(3, unit="u"), *[
        Outcome(at[10], 1.0, id="r0-0"), Outcome(at[11], 0.0, id="r0-0"),  # the first one counts
        Outcome(at[1] + timedelta(minutes=30), 7.0, unit="u"),
        Outcome(at[0], 9.0, unit="u", name="revenue"),
    ]])  # fmt: skip
    found = joined(store)
    assert found["id"].to_list() == ["r0-0", "r1-0", "r2-0"]
    assert found["number"].to_list() == [1.0, 7.0, None], (
        "by id; by unit, at or after the prediction; none came after r2"
    )
    assert joined(store, name="revenue")["number"].to_list() == [9.0, None, None]


def test_outcomes_of_another_unit_or_before_the_prediction_are_nobodys(store: LogStore) -> None:
    store.append([*predicted(2), Outcome(START - timedelta(hours=1), 1.0, unit="u0"), Outcome(START, 1.0, unit="u7")])
    assert joined(store)["number"].null_count() == 2


def test_recent_predictions_are_not_judged_early(store: LogStore) -> None:
    rng = np.random.default_rng(3)
    n, now = 2_000, START + timedelta(days=30)
    rows, outcomes = [], []
    for one in predicted(n, minutes=30 * 24 * 60 / n):
        rows.append(one)
        arrives = one.time + timedelta(days=float(rng.exponential(2.0)))
        if rng.random() < 0.3 and arrives <= now:
            outcomes.append(Outcome(arrives, 1.0, id=one.id, recorded=arrives))
    store.append([*rows, *outcomes])
    found = joined(store)
    curve = delay(found, now)
    assert curve is not None and curve.arrived[-1] == pytest.approx(0.3, abs=0.04)
    until = judged_until(found, now)
    assert until is not None
    wait = (now - until).total_seconds() / 86_400
    assert wait == pytest.approx(2.0 * np.log(20), rel=0.25), "95 % of an exponential delay of two days"
    judged, early = found.filter(pl.col("time") <= until), found.filter(pl.col("time") > until)
    assert judged["number"].fill_null(0).mean() == pytest.approx(0.3, abs=0.03)
    assert float(early["number"].fill_null(0).mean() or 0) < 0.25, "the young look worse than they are"  # type: ignore[arg-type]


def test_without_outcomes_nobody_is_judged(store: LogStore) -> None:
    assert delay(joined(store), START) is None
    store.append(list(predicted(3)))
    assert judged_until(joined(store), START + timedelta(days=1)) is None


def test_a_file_of_outcomes_is_written_and_a_wrong_row_is_named(
    store: LogStore, tmp_path: Path, command: Command
) -> None:
    store.append(list(predicted(3)))
    (tmp_path / "good.csv").write_text("id,value,time\nr0-0,1,2024-05-02\nr1-0,0,2024-05-02T10:00:00+02:00\n")
    assert take_file(store, tmp_path / "good.csv") == 2
    assert store.outcomes()["time"].to_list() == [datetime(2024, 5, 2), datetime(2024, 5, 2, 8)]
    assert joined(store)["label"].to_list() == ["1", "0", None]
    pl.DataFrame({"unit": ["u2"], "value": [True], "time": [datetime(2024, 5, 3)]}).write_parquet(
        tmp_path / "good.parquet"
    )
    done = command("outcomes", tmp_path / "good.parquet", "--log", f"sqlite:///{tmp_path}/log.db", "--json")
    assert json.loads(done.out)["written"] == 1
    (tmp_path / "bad.csv").write_text("id,value\nr0-0,1\n,0\n")
    with pytest.raises(DataError, match="row 2, column id"):
        take_file(store, tmp_path / "bad.csv")
    assert store.counts()["outcomes"] == 3


# --- the log as a training table -------------------------------------------------------------------------------------------


def test_the_log_becomes_a_training_table_of_what_was_served(store: LogStore, tmp_path: Path, command: Command) -> None:
    day = timedelta(days=1)
    clicks = [
        Outcome(START + i * timedelta(hours=1) + day, 1.0, id=f"r{i}-0", recorded=START + i * timedelta(hours=1) + day)
        for i in range(0, 100, 4)
    ]
    store.append([served(), *predicted(100), *clicks])
    at = START + timedelta(hours=99)
    frame, facts = table(store, Wanted(at, absent="0"))
    assert facts == {
        "model": "m", "target": "clicked", "n_logged": 100, "n_immature": 24, "n_without_outcome": 0, "n_rows": 76,
        "wait": 86_400.0, "judged_until": str(at - day),
    }  # fmt: skip
    assert frame.columns == ["unit", "prediction_time", "age", "clicked"], "what is derived is made again by the study"
    assert frame["age"].to_list() == [float(i) for i in range(76)], "the features as served, the young rows left out"
    assert frame["clicked"].to_list() == ["1.0" if i % 4 == 0 else "0" for i in range(76)]
    only, less = table(store, Wanted(at))
    assert only.height == 19 and less["n_without_outcome"] == 57
    url = f"sqlite:///{tmp_path}/log.db"
    done = command(
        "join", tmp_path / "study", "--from-log", url, "--absent", "0", "--as-of", at.isoformat(), "--target", "y"
    )
    assert done.status == 0 and "Wrote 76 of 100 answered rows" in done.out
    assert pl.read_parquet(tmp_path / "study" / "from_log.parquet").columns[-1] == "y"


def test_features_may_bear_the_names_of_the_logs_own_columns(store: LogStore) -> None:
    names = ("id", "time", "label", "recorded")
    columns = tuple(Column(name, "number") for name in names)
    store.append([replace(served(), columns=columns)])
    rows = [replace(one, cells=(float(i), 2.0, 3.0, 4.0)) for i, one in enumerate(predicted(3))]
    store.append([*rows, *(Outcome(one.time, 1.0, id=one.id, recorded=one.time) for one in rows)])
    frame, _ = table(store, Wanted(START + timedelta(days=9)))
    assert frame.columns == ["unit", "prediction_time", *names, "clicked"]
    assert frame["id"].to_list() == [0.0, 1.0, 2.0] and frame["label"].to_list() == [3.0] * 3


def test_a_log_without_rows_to_learn_from_says_why(store: LogStore) -> None:
    store.append([served(), *predicted(5)])
    with pytest.raises(DataError, match="5 answered rows, 0 too young, 5 without an outcome 'outcome'"):
        table(store, Wanted(START + timedelta(days=9)))
    with pytest.raises(DataError, match="a feature has the name of a column of the table"):
        table(store, Wanted(START, target="age"))


def test_the_log_is_exported_shown_and_forgotten(store: LogStore, tmp_path: Path, command: Command) -> None:
    store.append([served(), *predicted(5)])
    url = f"sqlite:///{tmp_path}/log.db"
    assert json.loads(command("log", "show", "--log", url, "--json").out)["predictions"] == 5
    done = command(
        "log", "export", "--log", url, "--model", "m", "-o", tmp_path / "out.parquet", "--since", "2024-05-01T01:00:00"
    )
    assert done.status == 0
    frame = pl.read_parquet(tmp_path / "out.parquet")
    assert frame["feature.age"].to_list() == [1.0, 2.0, 3.0, 4.0] and frame["outputs"].to_list()[0] == [0.5, 0.5]
    assert command("log", "export", "--log", url, "-o", tmp_path / "out.csv").status == 0
    assert pl.read_csv(tmp_path / "out.csv")["outputs"][0] == "[0.5, 0.5]"
    assert command("log", "export", "--log", url, "-o", tmp_path / "none.parquet", "--since", "2025-01-01").status == 0
    assert pl.read_parquet(tmp_path / "none.parquet").shape[0] == 0
    gone = json.loads(command("log", "forget", "--log", url, "--before", "2024-05-01T02:00:00Z", "--json").out)
    assert gone["predictions"] == 2 and store.counts()["predictions"] == 3
    assert json.loads(command("log", "forget", "--log", url, "--before", "1", "--json").out)["predictions"] == 3
    assert command("log", "show", "--log", f"sqlite:///{tmp_path}/no.db").status == 2
    for odd in ("1e9", "nan", "inf"):
        assert "no number of days" in command("log", "forget", "--log", url, f"--before={odd}").err
    assert "no number of days" in command("log", "forget", "--log", url, "--before=-3").err, "not everything, by a slip"
