"""join: expressions in SQL say what they say in polars; input that cannot be joined is refused with a message; resuming."""

from __future__ import annotations

import builtins
import random
import sys
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from fieldguide.core.documents.config import Config, parse_config
from fieldguide.core.documents.join_sections import duration
from fieldguide.core.errors import ConfigError, DataError, FieldguideError, MissingExtra
from fieldguide.core.language.expression import parse
from fieldguide.steps.join import outcome as outcome_queries
from fieldguide.steps.join.join import join
from fieldguide.steps.join.sql import condition
from fieldguide.workflow import Study

duckdb = pytest.importorskip("duckdb")

NUMBERS = [None, -2.5, -1.0, 0.0, 0.5, 1.0, 2.0, 2.5, 3.0, 1e200]
FRAME = pl.DataFrame({
    "a b": NUMBERS, "c": NUMBERS[::-1], "s": [None, "x", "X y", "it's", "", "xx", "ab", "é", "x", "z"],
    "f": [True, False, None, True, False, True, None, False, True, False],
    "d": [None, *[datetime(2024, m, 2 * m, m) for m in range(1, 10)]],
})  # fmt: skip
KINDS = {"a b": "number", "c": "number", "s": "category", "f": "boolean", "d": "datetime"}


@pytest.mark.parametrize("text", [
    "`a b` > 1", "1 < `a b` <= 2.5", "`a b` = c or f", "not f and `a b` != 0", "`a b` / c > 1", "`a b` // c = -2",
    "`a b` % c >= 1", "-`a b` ** 2 < -1", "`a b` ** c > 1", "`a b` ** 0.5 > 1", "`a b` * 1e300 * 1e300 > 0", "log(`a b`) > 0",
    "log1p(`a b`) > 0.5", "exp(`a b`) > 2", "sqrt(`a b`) < 1.5", "abs(`a b`) in [1, 2.5]", "floor(`a b`) = 2", "ceil(c) = -2",
    "round(`a b`) = 2", "round(`a b` / 3, 1) = 0.8", "clip(`a b`, 0, 2) = 2", "clip(`a b`, 2, 0) = 0", "min(`a b`, c) = 1",
    "max(`a b`, c, 2) = 2", "if(f, `a b`, c) > 1", "is_missing(`a b`) or is_missing(s)", "coalesce(`a b`, c, 0) < 1",
    "contains(s, 'x')", "lower(s) = 'x y'", "length(s) > 1", "s in ['x', \"it's\"]", "s not in ['x']", "s = 'é'", "f = true",
    "d > '2024-03-06'", "'2024-03-06 03:00' = d", "d in ['2024-03-06T03:00']", "year(d) = 2024 and month(d) > 3", "day(d) = 6",
    "weekday(d) = 3", "hour(d) > 4", "days_between(d, '2024-03-01') > 10", "max(d, '2024-05-01') > '2024-05-10'",
    "if(is_missing(d), '2024-01-01', d) < '2024-03-01'",
])  # fmt: skip
def test_a_condition_says_in_sql_what_it_says_in_polars(text):
    wanted = FRAME.with_row_index().filter(parse(text, KINDS, "boolean").polars())["index"].to_list()
    with duckdb.connect() as con:
        con.execute("CREATE TABLE t (i INTEGER, a DOUBLE, c DOUBLE, s VARCHAR, f BOOLEAN, d TIMESTAMP)")
        con.executemany("INSERT INTO t VALUES (?, ?, ?, ?, ?, ?)", [(i, *row) for i, row in enumerate(FRAME.rows())])
        sql = condition(text, {name: (column, KINDS[name]) for name, column in zip(KINDS, "acsfd")})
        found = [i for (i,) in con.execute(f"SELECT i FROM t WHERE {sql} ORDER BY i").fetchall()]
    assert found == wanted


def test_a_text_that_looks_like_sql_is_a_text():
    with duckdb.connect() as con:
        con.execute("CREATE TABLE t AS SELECT 'x'' OR 1=1 --' AS s")
        sql = condition('s = "x\' OR 1=1 --"', {"s": ("s", "category")})
        assert con.execute(f"SELECT count(*) FROM t WHERE {sql}").fetchone() == (1,)


@pytest.mark.parametrize(("text", "message"), [
    ("30", "must be a length of time such as 90min"), ("3m", "write min or d"), ("1 year", "months and years differ"),
    ("0d", "longer than nothing"), ("-3d", "must be a length"),
])  # fmt: skip
def test_a_length_that_does_not_parse_is_refused(text, message):
    with pytest.raises(ValueError, match=message):
        duration(text)


# --- input that cannot be joined ----------------------------------------------------------------------------------------

UNITS = "customer,asked\n1,2024-02-01\n2,2024-02-01\n3,2024-03-01\n"
ORDERS = "customer,day,amount,booked\n1,2024-01-05,3,2024-01-06\n2,2024-01-20,4,2024-01-20\n1,2024-02-10,5,2024-02-11\n3,2024-05-01,1,2024-05-02\n"
STUDY = """
problem: {target: buys}
join:
  units: {table: units.csv, entity: customer, time: asked}
  features:
    - table: orders.csv
      time: day
      columns:
        n: {aggregate: count}
        spend: {aggregate: sum, column: amount, window: 30d}
  outcome: {table: orders.csv, time: day, horizon: 30d}
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "units.csv").write_text(UNITS)
    (tmp_path / "orders.csv").write_text(ORDERS)
    return tmp_path


def run(folder: Path, text: str = STUDY) -> tuple[pl.DataFrame, dict[str, Any]]:
    facts, _ = join(parse_config(text, folder), folder / "joined.parquet", folder / "work")
    return pl.read_parquet(folder / "joined.parquet"), facts


def test_the_example_is_what_one_would_count(folder):
    table, facts = run(folder)
    assert table.select("customer", "n", "spend", "buys").rows() == [
        (1, 1.0, 3.0, 1),
        (2, 1.0, 4.0, 0),
        (3, 0.0, 0.0, 0),
    ]
    assert table["outcome_known_at"][0] == datetime(2024, 3, 2)
    assert facts["sentence"] == "3 units with 2 features" and not (folder / "work").exists()


@pytest.mark.parametrize(("before", "after", "message"), [
    ("time: day\n", "time: dya\n", r"join\.features\[0\] \(orders\.csv\) has no column 'dya' \(did you mean 'day'\?\)"),
    ("column: amount", "column: amuont", "has no column 'amuont'"),
    ("entity: customer", "entity: custmer", r"join\.units \(units\.csv\) has no column 'custmer'"),
    ("time: day\n", "time: amount\n", "column 'amount' of .* (is its time|does not hold times)"),
    ("sum, column: amount", "sum, column: booked", "does not hold numbers"),
    ("window: 30d}\n  outcome", "window: 30x}\n  outcome", "must be a length of time"),
    ("spend: {", "n: {", "stands twice|twice"), ("spend: {", "buys: {", "two columns 'buys'"),
    ("spend: {", "customer: {", "two columns 'customer'"),
    ("horizon: 30d", "horizon: 300d", "no unit has an outcome yet"),
    ("orders.csv\n", "oders.csv\n", r"there is no file .*oders\.csv \(did you mean 'orders\.csv'\?\)"),
    ("aggregate: count}", "aggregate: count, where: \"amout > 1\"}", "has no column 'amout'"),
    ("aggregate: count}", "aggregate: count, where: \"amount + 1\"}", "does not give true or false"),
    ("aggregate: count}", "aggregate: count, where: \"amount > 1000\"}", None),
    ("table: units.csv, entity: customer, time: asked", "table: units.csv, entity: customer, at: soon", "join.units.at is not a date"),
    ("time: asked", "time: asked, at: 2024-01-01", "no entity is known before a prediction time"),
    ("target: buys", "target: [buys, b]", "a joined table has one target"),
])  # fmt: skip
def test_what_cannot_be_joined_is_refused_by_name(folder, before, after, message):
    text = STUDY.replace(before, after, 1)
    assert text != STUDY
    if message is None:
        run(folder, text)
        return
    with pytest.raises(FieldguideError, match=message):
        run(folder, text)
    assert not (folder / "joined.parquet").exists()


def test_entities_of_different_types_are_not_compared(folder):
    (folder / "units.csv").write_text(UNITS.replace("\n1,", "\n001,"))
    pl.read_csv(folder / "orders.csv", try_parse_dates=True).write_parquet(folder / "orders.parquet")
    message = r"'customer' of join\.features\[0\] \(orders\.parquet\) holds whole numbers such as 1, 2, 3; .*holds text such as 001, 2, 3"
    with pytest.raises(DataError, match=message):
        run(folder, STUDY.replace("orders.csv", "orders.parquet"))


def test_whole_numbers_in_text_and_in_parquet_are_compared(folder):
    pl.read_csv(folder / "orders.csv", try_parse_dates=True).write_parquet(folder / "orders.parquet")
    wanted, _ = run(folder)
    found, _ = run(folder, STUDY.replace("orders.csv", "orders.parquet"))
    assert found.equals(wanted)


def test_other_entities_are_told_with_examples(folder):
    (folder / "units.csv").write_text("customer,asked\n7,2024-02-01\n8,2024-02-01\n")
    with pytest.raises(
        DataError, match=r"no entity of .*orders.csv.* is an entity of units.*it holds 1, 2, 3; units hold 7, 8"
    ):
        run(folder)


def test_times_with_and_without_zone_are_not_compared(folder):
    (folder / "units.csv").write_text("customer,asked\n1,2024-02-01T00:00:00Z\n2,2024-02-01T00:00:00Z\n")
    with pytest.raises(
        DataError, match=r"some times have a time zone.*with: 'asked' of join\.units.*without: 'day' of join"
    ):
        run(folder)
    (folder / "units.csv").write_text("customer,asked\n1,2024-02-01T00:00:00Z\n2,2024-02-01T00:00:00\n")
    with pytest.raises(DataError, match="has times with a time zone and times without one"):
        run(folder)


def test_numbers_as_times_need_a_clock(folder):
    pl.DataFrame({"customer": [1, 2], "asked": [3.0, 4.0]}).write_parquet(folder / "u.parquet")
    with pytest.raises(
        DataError,
        match=r"'asked' of join\.units \(u\.parquet\) holds numbers. Rule: times are dates. Found: join.clock is date. Do: set join\.clock",
    ):
        run(folder, STUDY.replace("units.csv", "u.parquet"))


def test_an_empty_table_is_refused(folder):
    (folder / "orders.csv").write_text("customer,day,amount,booked\n")
    with pytest.raises(DataError, match="has a header and no rows"):
        run(folder)


def test_a_fixed_outcome_has_one_value_an_entity(folder):
    text = STUDY.replace("{table: orders.csv, time: day, horizon: 30d}", "{table: orders.csv, column: amount}")
    with pytest.raises(DataError, match=r"gives two different outcomes for one entity.*such as 1"):
        run(folder, text)


def test_kept_columns_have_one_value_a_unit(folder):
    (folder / "units.csv").write_text("customer,asked,city\n1,2024-02-01,Rome\n1,2024-02-01,Oslo\n")
    with pytest.raises(DataError, match="several rows for one unit that differ"):
        run(folder, STUDY.replace("time: asked", "time: asked, keep: city"))


def test_without_duckdb_the_message_names_the_extra(folder, monkeypatch):
    real = builtins.__import__

    def refuse(name: str, *more: Any, **named: Any) -> Any:
        if name == "duckdb":
            raise ImportError(name)
        return real(name, *more, **named)

    monkeypatch.setattr(builtins, "__import__", refuse)
    with pytest.raises(MissingExtra, match=r'pip install "fieldguide\[sql\]"'):
        run(folder)


def test_the_delay_of_many_units_is_taken_from_a_sample_of_whole_entities(tmp_path, monkeypatch):
    rng = random.Random(0)
    units = [(customer, f"2024-0{month}-01") for customer in range(600) for month in (2, 3)]
    (tmp_path / "units.csv").write_text("customer,asked\n" + "".join(f"{c},{t}\n" for c, t in units))
    days = [datetime(2024, 1, 1) + timedelta(days=rng.uniform(0, 200)) for _ in range(3_000)]
    orders = "".join(f"{rng.randrange(600)},{day:%Y-%m-%d %H:%M:%S},1,{day:%Y-%m-%d}\n" for day in days)
    (tmp_path / "orders.csv").write_text("customer,day,amount,booked\n" + orders)
    table, whole = run(tmp_path)
    monkeypatch.setattr(outcome_queries, "CURVE_UNITS", 300)
    same_table, part = run(tmp_path)
    assert table.equals(same_table)
    assert (whole["delay"]["sampled"], whole["delay"]["n"]) == (False, 1_200)
    assert part["delay"]["sampled"] and 150 < part["delay"]["n"] < 450 and part["delay"]["n"] % 2 == 0
    for name in ("median", "wait"):
        assert part["delay"][name] == pytest.approx(whole["delay"][name], rel=0.2)


def test_a_file_named_by_several_tables_is_read_for_its_hash_once(folder, monkeypatch):
    step = sys.modules["fieldguide.steps.join.join"]
    read, once = [], step.file_hash
    monkeypatch.setattr(step, "file_hash", lambda path: read.append(path.name) or once(path))
    said = step._stated(parse_config(STUDY, folder).join)
    assert sorted(read) == ["orders.csv", "units.csv"]
    assert said["features"][0]["table"] == said["outcome"]["table"] == once(folder / "orders.csv")


def test_names_with_quotes_are_names(folder):
    frame = pl.read_csv(folder / "orders.csv").rename({"amount": 'am"ount; DROP', "day": "the day's"})
    frame.write_csv(folder / "orders.csv")
    text = STUDY.replace("column: amount", "column: 'am\"ount; DROP'").replace("time: day", 'time: "the day\'s"')
    assert run(folder, text)[0]["spend"].to_list() == [3.0, 4.0, 0.0]


# --- the section and the study --------------------------------------------------------------------------------------------


def test_a_joined_table_brings_its_time_and_entity():
    def config(units: dict[str, Any], **more: Any) -> Config:
        outcome = {"table": "o.csv", "time": "t", "horizon": "3d"}
        section = {"units": {"table": "u.csv", "entity": "e", **units}, "outcome": outcome}
        return Config.from_dict({"problem": {"target": "y"}, "join": section, **more}, "/x")

    asked = config({"time": "t"})
    assert (asked.data.table.name, asked.data.entity, asked.data.time) == ("joined.parquet", "e", "prediction_time")
    assert asked.data.known_at == "outcome_known_at"
    once = config({"at": "2024-01-01"})
    assert (once.data.entity, once.data.time) == ("e", None)
    grid = config({"every": "7d", "start": "2024-01-01", "stop": "2024-03-01"})
    assert (grid.data.entity, grid.data.time, grid.split.by) == (None, "prediction_time", "chronological")
    assert grid.data.columns["e"].role == "ignore"
    said = config({"time": "t"}, data={"entity": "other", "columns": {"z": "ignore"}})
    assert (said.data.entity, said.data.time) == ("other", "prediction_time")
    assert Config.from_dict(grid.to_dict()) == grid


def test_mistakes_of_the_section_are_told_with_their_lines():
    text = STUDY.replace("aggregate: count}", "agregate: count}").replace("horizon: 30d", "horizn: 30d")
    with pytest.raises(ConfigError) as caught:
        parse_config(text, Path("/x"))
    assert "line 9, join.features[0].columns.n.agregate: unknown key (did you mean 'aggregate'?)" in str(caught.value)
    assert "line 11, join.outcome.horizn: unknown key (did you mean 'horizon'?)" in str(caught.value)


def test_a_study_joins_once_and_again_when_a_file_changes(folder):
    study = folder / "study"
    study.mkdir()
    (study / "study.yaml").write_text(STUDY.replace("table: ", "table: ../"))

    def times() -> int:
        return sum(1 for r in Study(study).journal.records("done") if r["data"]["step"] == "join")

    first = Study(study).join()
    assert Study(study).join().to_dict() == first.to_dict() and times() == 1
    (study / "joined.parquet").unlink()
    assert Study(study).join()["hash"] == first["hash"] and times() == 2  # made again, and the same
    (folder / "orders.csv").write_text(ORDERS + "2,2024-02-20,9,2024-02-20\n")
    assert Study(study).join()["hash"] != first["hash"] and times() == 3
    assert pl.read_parquet(study / "joined.parquet")["buys"].to_list() == [1, 1, 0]


def test_join_and_a_table_of_ones_own_exclude_each_other(folder):
    (folder / "study.yaml").write_text(STUDY + "data: {table: units.csv}\n")
    with pytest.raises(ConfigError, match=r"both data\.table and join"):
        Study(folder).join()
    (folder / "study.yaml").write_text("problem: {target: y}\ndata: {table: units.csv}\n")
    with pytest.raises(ConfigError, match="no section join"):
        Study(folder).join()
