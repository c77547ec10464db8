"""Times that no column of dates tells: quarters as text, a year beside a quarter or a month, times as names of columns."""

import datetime

import polars as pl
import pytest

from fieldguide.core.documents.config import Config, load_config
from fieldguide.core.errors import DataError
from fieldguide.core.files.source import open_source
from fieldguide.core.language.expression import parse
from fieldguide.core.series.ahead import ahead
from fieldguide.parts import modality
from fieldguide.steps.begin.begin import begin
from fieldguide.steps.begin.series import series_text
from fieldguide.steps.detect.columns import detect_columns
from fieldguide.steps.detect.roles import detect_roles
from fieldguide.steps.frame.frame import frame, look

QUARTERS = [(1959 + k // 4, 1 + k % 4) for k in range(60)]


@pytest.mark.parametrize(
    ("spelled", "form"),
    [
        ("{y}Q{q}", "%YQ%q"), ("{y} Q{q}", "%Y Q%q"), ("{y}-q{q}", "%Y-Q%q"), ("Q{q}/{y}", "Q%q/%Y"), ("Q{q} {y}", "Q%q %Y"),
    ],
)  # fmt: skip
def test_quarters_are_read_as_their_first_day_cell_by_cell_as_well(spelled, form):
    cells = [spelled.format(y=year, q=quarter) for year, quarter in QUARTERS]
    column = detect_columns(open_source({"period": cells}))[0]
    assert (column.kind, column.read["formats"]) == ("datetime", [form])
    typed, broken = modality("datetime").read(pl.Series(cells), column)
    assert not broken.any()
    assert typed.to_list()[:5] == [
        datetime.datetime(y, m, 1) for y, m in ((1959, 1), (1959, 4), (1959, 7), (1959, 10), (1960, 1))
    ]
    assert [modality("datetime").read_value(cell, column)[0] for cell in cells] == typed.to_list()


def test_a_fifth_quarter_is_no_date():
    column = detect_columns(open_source({"period": [f"{y} Q{q}" for y, q in QUARTERS]}))[0]
    assert modality("datetime").read_value("1960 Q5", column) == (None, True)


def test_a_date_is_made_of_its_parts_and_is_missing_where_there_is_no_such_day():
    rows = pl.DataFrame(
        {"y": [2024.0, 2023, 2023, 2023.5, None, 2023], "m": [2.0, 2, 13, 1, 1, 0], "d": [29.0, 29, 1, 1, 1, 1]}
    )
    whole = parse("date(y, m, d)", dict.fromkeys("ymd", "number"))
    assert whole.kind == "datetime"
    assert rows.select(whole.polars()).to_series().to_list() == [datetime.datetime(2024, 2, 29), *[None] * 5]
    months = parse("date(y, m)", dict.fromkeys("ymd", "number")).polars()
    assert rows.select(months).to_series().to_list()[1] == datetime.datetime(2023, 2, 1)


def economy():
    return pl.DataFrame({
        "year": [y for y, _ in QUARTERS], "quarter": [q for _, q in QUARTERS],
        "gdp": [100.0 + k + 5 * (k % 4) for k in range(60)], "rate": [k % 7 / 10 for k in range(60)],
    })  # fmt: skip


def test_a_forecast_makes_its_time_of_a_year_and_a_quarter_and_so_does_its_model(tmp_path):
    economy().write_csv(tmp_path / "macro.csv")
    folder = begin(tmp_path / "macro.csv", "gdp", tmp_path / "study", {"task": "forecast", "horizon": 2})
    text = (folder / "study.yaml").read_text()
    assert "derive: {date: 'date(year, 3 * quarter - 2)'}  # = year and quarter say when" in text
    assert "known for the coming steps: rate?" in text
    framed = frame(load_config(folder / "study.yaml"))
    assert framed.facts["series"]["frequency"]["words"] == "3 months"
    spec = next(column.read["ahead"] for column in framed.columns if "ahead" in column.read)
    asked = ahead(economy().select("gdp", "rate", "quarter", "year"), spec, modality)
    assert asked.times.astype("datetime64[us]").astype("datetime64[D]").astype(str).tolist() == [
        ["1974-01-01", "1974-04-01"]
    ]
    assert asked.rows[0]["date"].startswith("1973-10-01")


def test_what_has_no_time_or_has_times_as_names_says_what_to_do():
    wide = pl.DataFrame({"country": ["a", "b"], **{str(year): [1.0, 2.0] for year in range(1990, 2000)}})
    asked = {"task": "forecast", "horizon": 2}
    with pytest.raises(
        DataError, match=r"the table is wide: 10 of its columns are named like times \(1990, 1991"
    ) as told:
        series_text(
            open_source(wide), Config.from_dict({"problem": {"target": "1999", **asked}, "data": {"table": "a"}}), "a"
        )
    assert "unpivot" in str(told.value)
    plain = pl.DataFrame({"x": [1.5, 2.5, 3.5], "y": [1.0, 2.0, 4.0]})
    with pytest.raises(DataError, match="quarters such as 1974Q1, or whole years") as told:
        series_text(
            open_source(plain), Config.from_dict({"problem": {"target": "y", **asked}, "data": {"table": "a"}}), "a"
        )
    assert "'x' (number: 1.5, 2.5)" in str(told.value)


def roles_of(rows):
    source = open_source(rows)
    return detect_roles(source, detect_columns(source, targets=["y"]))


def test_years_in_order_are_proposed_as_the_time_and_act_where_they_are_declared():
    rows = pl.DataFrame({"YEAR": range(1900, 1960), "y": [k * 0.5 for k in range(60)]})
    (guess,) = roles_of(rows).time
    assert (guess.column, guess.sure, guess.step) == ("YEAR", False, "1 year")
    assert "its whole numbers are years" in guess.why
    assert roles_of(rows.sample(fraction=1.0, shuffle=True, seed=1)).time == ()
    (several,) = roles_of(pl.concat([rows, rows]).sort("YEAR")).time
    assert several.step == ""  # years that are met again are no series
    columns, _, _ = look(
        open_source(rows), Config.from_dict({"problem": {"target": "y"}, "data": {"table": "a", "time": "YEAR"}})
    )
    assert (columns[0].role, columns[0].kind, dict(columns[0].read)) == ("time", "datetime", {"formats": ["%Y"]})


def test_a_year_beside_a_quarter_is_proposed_with_the_line_that_makes_it_a_date(tmp_path):
    rows = economy().rename({"gdp": "y"})
    (guess,) = roles_of(rows).time
    assert (guess.column, guess.expression, guess.step) == ("date", "date(year, 3 * quarter - 2)", "3 months")
    assert roles_of(rows.sample(fraction=1.0, shuffle=True, seed=1)).time == ()
    text = (begin(rows, "y", tmp_path / "study", {}) / "study.yaml").read_text()
    assert "# time: date  # ? 'year' and 'quarter' tell it together" in text
    assert "# derive: {date: 'date(year, 3 * quarter - 2)'}  # goes with it" in text


def test_another_name_of_each_series_is_not_offered_and_what_several_share_is(tmp_path):
    rows = [
        {"year": year, "country": name, "code": name[:1], "region": "north" if name < "c" else "south", "births": year % 7 + len(name)}
        for name in ("albania", "belgium", "chile", "denmark") for year in range(1960, 2010)
    ]  # fmt: skip
    folder = begin(pl.DataFrame(rows), "births", tmp_path / "study", {"task": "forecast", "horizon": 2})
    text = (folder / "study.yaml").read_text()
    assert "series: country" in text
    assert "static: [region]" in text
    assert "code" not in text


def test_a_line_break_in_a_name_ends_no_comment(tmp_path):
    table = economy().rename({"rate": "bank\nrate"})
    folder = begin(table, "gdp", tmp_path / "study", {"task": "forecast", "horizon": 2})
    assert "known for the coming steps: bank rate?" in (folder / "study.yaml").read_text()
    levels = pl.DataFrame({"how,\nhigh": ["low", "medium", "high"] * 20, "x": range(60)})
    text = (begin(levels, "how,\nhigh", tmp_path / "levels", {}) / "study.yaml").read_text()
    assert r'Then problem.outputs: [{column: "how,\nhigh", task: ordinal' in text
