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
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from conftest import Command
from fieldguide.core.errors import DataError
from fieldguide.core.online.log import LogStore, Outcome, Prediction, Query, Served
from fieldguide.core.table import Column
from fieldguide.parts.stores import open_log
from fieldguide.steps.join.log import Wanted, table
from fieldguide.steps.online.outcome_values import Expected
from fieldguide.steps.online.outcomes import (
    Taken,
    corrected,
    delay,
    joined,
    judged_until,
    outcomes_of,
    take_file,
    taken,
)

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
        ({"id": "r", "value": [[]]}, "value", "value is"), ({"id": "r", "value": 1, "when": 2}, "'when'", "an outcome has"),
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


def test_where_every_prediction_has_its_outcome_nobody_is_waited_for(store: LogStore) -> None:
    rows, now = list(predicted(40, minutes=1)), START + timedelta(minutes=50)
    told = [Outcome(now, 1.0, id=one.id, recorded=now) for one in rows]
    store.append([*rows, *told[:-1]])
    until = judged_until(joined(store), now)
    assert until is not None and until < rows[0].time + timedelta(minutes=5), (
        "one is open: the others are the quick ones"
    )
    store.append(told[-1:])
    assert judged_until(joined(store), now) == now


def test_without_outcomes_nobody_is_judged(store: LogStore) -> None:
    assert delay(joined(store), START) is None
    store.append(list(predicted(3)))
    assert judged_until(joined(store), START + timedelta(days=1)) is None


def test_a_file_of_outcomes_is_written_and_a_wrong_row_is_named(
    store: LogStore, tmp_path: Path, command: Command
) -> None:
    store.append(list(predicted(3)))
    (tmp_path / "good.csv").write_text("id,value,time\nr0-0,1,2024-05-02\nr1-0,0,2024-05-02T10:00:00+02:00\n")
    assert take_file(store, tmp_path / "good.csv") == Taken(2, 0, 0)
    assert take_file(store, tmp_path / "good.csv") == Taken(0, 2, 0)
    assert store.outcomes()["time"].to_list() == [datetime(2024, 5, 2), datetime(2024, 5, 2, 8)]
    assert joined(store)["label"].to_list() == ["1", "0", None]
    pl.DataFrame({"unit": ["u2"], "value": [True], "time": [datetime(2024, 5, 3)]}).write_parquet(
        tmp_path / "good.parquet"
    )
    done = command("outcomes", tmp_path / "good.parquet", "--log", f"sqlite:///{tmp_path}/log.db", "--json")
    assert json.loads(done.out)["written"] == 1
    again = command("outcomes", tmp_path / "good.parquet", "--log", f"sqlite:///{tmp_path}/log.db")
    assert "Wrote 0 outcomes" in again.out and "1 were there already" in again.out
    (tmp_path / "bad.csv").write_text("id,value\nr0-0,1\n,0\n")
    with pytest.raises(DataError, match="row 2, column id"):
        take_file(store, tmp_path / "bad.csv")
    assert store.counts()["outcomes"] == 3


# --- at least once ---------------------------------------------------------------------------------------------------------


def test_a_file_is_taken_again_where_it_was_broken_off(store: LogStore, tmp_path: Path) -> None:
    """Outcomes of units without a time or a key: only the file they stand in tells them apart."""
    lines = ["unit,value", *(f"u{i % 3},1" for i in range(40))]
    (tmp_path / "file.csv").write_text("\n".join(lines) + "\n")
    append, n = store.append, 0

    def breaks(entries: list[Outcome]) -> None:
        append(entries)
        raise KeyboardInterrupt  # written, and nobody knows

    store.append = breaks  # type: ignore[method-assign]
    with pytest.raises(KeyboardInterrupt):
        take_file(store, tmp_path / "file.csv")
    store.append = append  # type: ignore[method-assign]
    n = store.counts()["outcomes"]
    assert n == 40
    assert take_file(store, tmp_path / "file.csv") == Taken(0, 40, 0)
    (tmp_path / "other.csv").write_text("\n".join(lines[:3]) + "\n")
    assert take_file(store, tmp_path / "other.csv") == Taken(2, 0, 0), "another file holds other events"


def test_what_is_corrected_is_kept_with_its_time_and_told(store: LogStore) -> None:
    day = timedelta(days=1)
    store.append([*predicted(2), Outcome(START + day, 0, id="r0-0", recorded=START + day)])
    before = joined(store)
    change = Outcome(START + day, 1, id="r0-0", recorded=START + 4 * day)
    assert taken(store, [change, change]) == Taken(1, 1, 1)
    store.append([change])
    assert joined(store)["number"].to_list() == [1.0, None]
    assert joined(store, Query(known=START + 3 * day)).equals(before), "what was known before stays askable"
    told = corrected(store)
    assert (told["n"], told["n_outcomes"]) == (1, 1)
    assert told["names"][0]["example"]["from"] == "0" and told["names"][0]["example"]["to"] == "1"
    assert told["names"][0]["days"] == 3.0
    keyed = [{"id": "r1-0", "value": 5, "key": 17}, {"id": "r1-0", "value": 6, "key": 17, "time": "2024-05-02"}]
    found, problems = outcomes_of(keyed, START + day)
    assert not problems
    store.append(found)
    assert joined(store)["number"].to_list() == [1.0, 6.0], "under a key even the time may change"


VALUES = st.sampled_from([0, 1, True, "yes", 2.5])
SENT = st.lists(
    st.tuples(st.sampled_from(["r0-0", "r1-0", "u0", "u1"]), st.sampled_from([None, 1.0, 2.0]), VALUES, st.sampled_from([None, "a", "b"])),
    min_size=1, max_size=8,
)  # fmt: skip


@settings(max_examples=12, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(records=SENT, data=st.data())
def test_whatever_is_sent_again_gives_the_same_joined_table(tmp_path: Path, records: list, data: st.DataObject) -> None:
    """Every outcome is sent once in order; then any of those sent so far again, at any moment, in any order."""
    plain = []
    for number, (who, hours, value, key) in enumerate(records):
        record = {"id" if who.startswith("r") else "unit": who, "value": value}
        record |= {} if hours is None else {"time": (START + timedelta(hours=hours)).isoformat()}
        record |= {} if key is None else {"key": key}
        plain.append((number, record))
    sent = [part for number, record in plain for part in ((number, record), *_again(data, plain[: number + 1]))]
    tables = []
    for order in (plain, sent):
        name = tmp_path / f"{len(list(tmp_path.iterdir()))}.db"
        log = open_log(f"{name}?synchronous=normal")
        log.append([served(), *predicted(2)])
        for moment, (number, record) in enumerate(order):
            # A request that is sent again has its name again; it is received later.
            found, _ = outcomes_of([record], START + timedelta(days=1, seconds=moment), f"request {number}")
            log.append([replace(one, recorded=START + timedelta(days=2)) for one in found])
        tables.append((joined(log).drop("happened"), log.outcomes().height, log.counts()["outcomes"]))
        log.close()
    (one, n_one, all_one), (other, n_other, all_other) = tables
    assert one.equals(other) and n_one == n_other and all_one == all_other


def _again(data: st.DataObject, seen: list) -> list:
    return data.draw(st.lists(st.sampled_from(seen), max_size=3))


def test_a_label_is_logged_in_the_spelling_of_the_model() -> None:
    of = {"name": "clicked", "task": "binary", "labels": ["no", "yes"]}
    expected = Expected.of([replace(served(), outputs=(of,))])
    sent = [{"id": f"r{i}", "value": value} for i, value in enumerate(["YES", "no", "maybe", 1, True])]
    found, problems = outcomes_of([*sent, {"id": "r", "value": "No", "name": "mood"}], START, expected=expected)
    assert not problems
    assert [one.value for one in found] == ["yes", "no", "maybe", 1, True, "No"], (
        "a further measure stays as it was sent"
    )


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
