"""Kinds, roles and tasks from raw cells: what is recognised, what is left to a person, and what is refused."""

import datetime
import gzip
import os
import zipfile
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from fieldguide.core.errors import ConfigError, DataError
from fieldguide.core.files.source import open_source
from fieldguide.core.table import MISSING
from fieldguide.parts import modality
from fieldguide.steps.begin.begin import begin
from fieldguide.steps.detect import sample
from fieldguide.steps.detect.columns import detect_columns, id_like
from fieldguide.steps.detect.roles import RolesGuess, detect_roles
from fieldguide.steps.detect.task import detect_task, questions

DATA = Path(os.environ.get("FIELDGUIDE_DATA", Path(__file__).parents[3] / "shared" / "data"))


def column_of(cells, name="x", **options):
    return detect_columns(open_source({name: cells}), **options)[0]


def values_of(cells, name="x", **options):
    column = column_of(cells, name, **options)
    return column, modality(column.kind).read(pl.Series(name, cells), column)[0].to_list()


def many(*cells, n=60):
    return (list(cells) * n)[:n]


# Numbers


@pytest.mark.parametrize(
    ("cells", "read", "values"),
    [
        (["1", "2.5", "-3e2"], {}, [1, 2.5, -300]),
        (["1.5e-07", "2E+5", "-3e2"], {}, [1.5e-7, 2e5, -300]),
        ([1.5e-7, 2.25e-5, 3e-9], {}, [1.5e-7, 2.25e-5, 3e-9]),
        ([" 1", " ? ", "2 ", ""], {}, [1, None, 2, None]),
        (["1,234.5", "12", "1,000,000"], {"thousands": ","}, [1234.5, 12, 1e6]),
        (["3,14", "2,5", "10"], {"decimal": ","}, [3.14, 2.5, 10]),
        (["1.234,5", "2,25", "1.000.000"], {"decimal": ",", "thousands": "."}, [1234.5, 2.25, 1e6]),
        (["1 234,5", "2,25"], {"decimal": ",", "thousands": " "}, [1234.5, 2.25]),
        (["1'234.5", "2.25"], {"thousands": "'"}, [1234.5, 2.25]),
        (["$1,200.50", "$15.00", "$7"], {"strip": "$", "thousands": ","}, [1200.5, 15, 7]),
        (["€ 12", "13 €", "14"], {"strip": "€"}, [12, 13, 14]),
        (["12%", "7.5%"], {"strip": "%"}, [12, 7.5]),
        (["-0.5", "inf", "2.0", *["1.5"] * 40], {}, [-0.5, None, 2.0, *[1.5] * 40]),
    ],
)
def test_numbers_stored_as_text(cells, read, values):
    column, typed = values_of(cells)
    assert column.kind == "number"
    assert dict(column.read) == read
    assert typed == values


def test_a_common_unit_is_taken_off_and_a_name_with_a_number_is_not():
    column, typed = values_of([f"{i} kg" for i in range(40)])
    assert column.kind == "number" and typed[:3] == [0, 1, 2]
    assert column_of(many("gate_30", "gate_40")).kind == "category"


def test_thousands_or_decimal_comma_is_asked_and_other_columns_answer():
    cells = ["1,234", "2,500", "7,125"]
    column, typed = values_of(cells)
    assert typed == [1234, 2500, 7125]
    assert "thousands (read so), or with a decimal comma" in column.facts["questions"][0]
    both = detect_columns(open_source({"x": cells, "y": ["3,14", "2,7", "1,5"]}))
    assert dict(both[0].read) == {"decimal": ","} and "questions" not in both[0].facts
    assert "as in other columns" in both[0].facts["why"]


def test_words_for_missing_among_numbers_become_missing_tokens():
    column, typed = values_of([*map(str, range(40)), "unknown", "N.A.", "not available"], "mass")
    assert column.kind == "number"
    assert set(column.read["missing"]) == {*MISSING, "unknown", "N.A.", "not available"}
    assert typed[-3:] == [None] * 3 and "broken" not in column.facts


def test_few_words_among_numbers_are_broken_cells_and_many_make_a_category():
    few = column_of([*(f"{i}.5" for i in range(99)), "high"])
    assert few.kind == "number"
    assert few.facts["broken"] == {"n": 1, "examples": ["high"]}
    assert "99.0% of its cells" in few.facts["why"]
    much = column_of([*(f"{i % 7}.5" for i in range(60)), *["high", "low"] * 20])
    assert much.kind == "category"
    assert "40% of its cells are words (high, low), too many for a number" in much.facts["why"]


def test_leading_zeros_and_zip_codes_are_categories():
    assert column_of(many("00501", "10001", "94110"), "area").kind == "category"
    assert column_of(many("20501", "10001", "94110"), "ZipCode").kind == "category"
    assert column_of(many("0.5", "0", "10")).kind == "number"


# Booleans, categories, text, constants


@pytest.mark.parametrize("pair", [("yes", "no"), ("True", "False"), ("t", "f"), ("Y", "N")])
def test_two_words_for_yes_and_no_are_boolean(pair):
    column, typed = values_of(many(*pair, ""))
    assert column.kind == "boolean"
    assert typed[:3] == [True, False, None]


def test_zero_and_one_stay_a_number_and_other_pairs_a_category():
    assert column_of(many("0", "1")).kind == "number"
    assert column_of(many("male", "female")).kind == "category"
    assert column_of([True, None, False]).kind == "boolean"


def test_constant_and_empty():
    assert column_of(["a"] * 5).kind == "constant"
    assert column_of([3.0] * 5).kind == "constant"
    assert column_of(["", "?", None, "NA"]).kind == "empty"
    assert column_of(many("open", "")).kind == "category"  # being there or not may tell something


def test_categories_keep_their_levels_and_facts_are_counted():
    column = column_of(many(" a", "a", "b", "?", n=100))
    assert column.kind == "category"
    assert (column.facts["n_missing"], column.facts["n_unique"], column.facts["examples"]) == (25, 2, ["a", "b"])
    many_levels = column_of([f"city {i % 400}" for i in range(2000)])
    assert many_levels.kind == "category" and "many levels" in many_levels.facts["why"]
    assert (
        detect_columns(open_source(pl.DataFrame({"c": pl.Series(many("1", "2"), dtype=pl.Categorical)})))[0].kind
        == "category"
    )


def test_free_text():
    words = np.array(["the", "room", "was", "clean", "noisy", "great", "view", "bad", "host", "kind"])
    draw = np.random.default_rng(0)
    column = column_of([" ".join(draw.choice(words, 8)) for _ in range(200)])
    assert column.kind == "text" and "8 words" in column.facts["why"]
    assert column.encoded


# Identifiers


def test_identifiers_by_order_name_and_uniqueness():
    draw = np.random.default_rng(0)
    n = 500
    source = open_source({
        "instant": np.arange(1, n + 1), "PassengerId": draw.permutation(n) + 70_000,
        "hash": [f"{value:016x}" for value in draw.integers(0, 2**62, n)], "salary": draw.permutation(n) * 10 + 20_000,
        "fnlwgt": draw.integers(10_000, 900_000, n), "store_id": draw.integers(0, 30, n), "humid": draw.permutation(n),
        "price": draw.random(n), "name": [f"Braund, Mr. Owen {i}" for i in range(n)],
    })  # fmt: skip
    columns = {column.name: column for column in detect_columns(source)}
    kinds = {name: column.kind for name, column in columns.items()}
    assert kinds == {
        "instant": "id", "PassengerId": "id", "hash": "id", "salary": "number", "fnlwgt": "number",
        "store_id": "category", "humid": "number", "price": "number", "name": "text",
    }  # fmt: skip
    assert columns["instant"].facts["row_numbers"] and "counts the rows from 1" in columns["instant"].facts["why"]


def test_names_that_say_identifier():
    yes = [
        "id",
        "ID",
        "customerID",
        "userid",
        "user_id",
        "order no",
        "subject#",
        "PatientKey",
        "row_number",
        "uuid",
        "idx",
    ]
    no = ["paid", "humid", "grid", "valid", "covid", "bid", "width", "number_of_rooms", "education-num", "no", "age"]
    assert [name for name in yes if not id_like(name)] == []
    assert [name for name in no if id_like(name)] == []


# Dates


START = datetime.datetime(2023, 1, 1)


def days(text, n=200, step=1.37):
    return [(START + datetime.timedelta(days=i * step)).strftime(text) for i in range(n)]


@pytest.mark.parametrize(
    "text",
    [
        "%Y-%m-%d", "%Y/%m/%d", "%d.%m.%Y", "%d/%m/%Y", "%m/%d/%Y", "%d-%m-%Y", "%Y-%m-%dT%H:%M:%S",
        "%Y-%m-%dT%H:%M:%SZ",
        "%Y-%m-%d %H:%M:%S.%f", "%b %d, %Y", "%B %d, %Y", "%d %b %Y", "%d-%b-%y", "%m/%d/%y", "%d/%m/%y",
        "%m/%d/%Y %I:%M:%S %p", "%d/%m/%Y %H:%M", "%a %b %d %H:%M:%S %Y", "%Y-%m-%dT%H:%M:%S+00:00", "%A, %d %b %Y",
    ],
)  # fmt: skip
def test_dates_in_common_formats(text):
    cells = days(text)
    column, typed = values_of(cells, "x")
    assert column.kind == "datetime", column
    assert "questions" not in column.facts
    exact = text.replace("Z", "").replace("+00:00", "")
    plain = [datetime.datetime.strptime(cell.replace("Z", "").replace("+00:00", ""), exact) for cell in cells]
    assert typed == plain


def test_months_without_days():
    column, typed = values_of([f"{1949 + i // 12}-{i % 12 + 1:02}" for i in range(60)])
    assert column.kind == "datetime" and typed[13] == datetime.datetime(1950, 2, 1)


def test_several_formats_in_one_column():
    cells = days("%Y-%m-%d", 50) + days("%d %b %Y", 50) + days("%b %d, %Y", 20)
    column, typed = values_of(cells)
    assert column.kind == "datetime" and None not in typed
    assert set(column.read["formats"]) == {"%Y-%m-%d", "%d %b %Y", "%b %d, %Y"}


def test_day_or_month_first_is_asked_where_nothing_decides():
    cells = ["03/04/2023", "05/01/2023", "02/11/2023", "07/08/2023"] * 5
    column, typed = values_of(cells)
    assert column.kind == "datetime" and column.read["dayfirst"] is False
    assert typed[0] == datetime.datetime(2023, 3, 4)
    assert "month first (read so) or day first" in column.facts["questions"][0]


def test_day_first_is_decided_by_the_order_of_the_rows_or_by_another_column():
    cells = [f"{day:02}/{month:02}/2023" for month in range(1, 13) for day in range(1, 13)]
    column, typed = values_of(cells)
    assert "questions" not in column.facts and typed == sorted(typed)
    shuffled = list(np.random.default_rng(1).permutation(cells))
    both = detect_columns(open_source({"x": shuffled, "y": ["25/12/2023"] * 72 + ["31/01/2023"] * 72}))
    assert both[0].read["dayfirst"] is True and "questions" not in both[0].facts


def test_epochs_and_digits_are_dates_only_by_name():
    seconds = [1_600_000_000 + i * 3_600 for i in range(0, 400, 3)]
    assert column_of(seconds, "created_at").kind == "datetime"
    assert dict(column_of(seconds, "created_at").read) == {"unit": "s"}
    assert dict(column_of([1000 * s for s in seconds], "timestamp").read) == {"unit": "ms"}
    assert column_of(seconds, "weight").kind == "number"
    compact = [int(text) for text in days("%Y%m%d")]
    assert values_of(compact, "date")[1][0] == START
    assert column_of(compact, "amount").kind == "number"


def test_few_broken_dates_are_named():
    column = column_of([*days("%Y-%m-%d", 99), "soon"], "sold")
    assert column.kind == "datetime" and column.facts["broken"] == {"n": 1, "examples": ["soon"]}


def test_what_only_looks_like_a_date():
    for cells in (
        ["1-2", "3-4", "10-12"],
        ["12:30", "13:45", "09:10"],
        ["555-1234-99", "555-9876-01"],
        ["v1.2.3", "v1.2.4"],
    ):
        assert column_of(cells * 20).kind != "datetime", cells


# What a person declares


def test_declared_kinds_win_and_ignored_columns_keep_their_kind():
    source = open_source({"a": ["1", "2", "3"], "b": ["1,5", "2,5", "x"], "c": ["ja", "nein", "ja"], "d": [1, 2, 3]})
    given = {"a": "category", "b": "number", "c": "boolean", "d": "ignore"}
    a, b, c, d = detect_columns(source, given=given)
    assert (a.kind, b.kind, c.kind, d.kind, d.role) == ("category", "number", "boolean", "number", "ignore")
    assert b.read["decimal"] == ","
    assert (c.read["true"], c.read["false"]) == (["nein"], ["ja"])


def test_unknown_names_and_kinds_are_refused():
    source = open_source({"income": [1, 2]})
    with pytest.raises(ConfigError, match=r"no column 'incme' \(did you mean 'income'\?\)"):
        detect_columns(source, targets=["incme"])
    with pytest.raises(ConfigError, match=r"unknown kind 'nummber' \(did you mean 'number'\?\)"):
        detect_columns(source, given={"income": "nummber"})


def test_more_rows_than_are_looked_at(monkeypatch):
    monkeypatch.setattr(sample, "ALL_ROWS", 1000)
    monkeypatch.setattr(sample, "HEAD", 200)
    monkeypatch.setattr(sample, "RANDOM", 300)
    n = 5000
    source = open_source(
        {"row": np.arange(n), "key": [f"k{i:05}" for i in range(n)], "x": ["1", "", "2", "3", "NA"] * (n // 5)}
    )
    row, key, x = detect_columns(source)
    assert row.facts["row_numbers"] and row.facts["n_looked_at"] == 500
    assert key.kind == "id" and abs(key.facts["n_unique"] / n - 1) < 0.05
    assert (x.kind, x.facts["n_missing"]) == ("number", 2000)


# Roles


def roles_of(frame, target=None):
    source = open_source(frame)
    return detect_roles(source, detect_columns(source, targets=[target] if target else []))


def noise(n, seed=0):
    return np.random.default_rng(seed).random(n)


def test_rows_in_order_make_time_sure():
    days_twice = [f"2011-{i // 28 + 1:02}-{i % 28 + 1:02}" for i in range(200) for _ in (0, 1)]
    roles = roles_of({"instant": range(1, 401), "dteday": days_twice, "x": noise(400)})
    assert roles.sure == {"dteday": "time", "instant": "ignore"}
    assert "rows are ordered by it (100.0% of neighbouring rows)" in roles.time[0].why


def test_shuffled_event_dates_that_span_the_collection_are_sure_and_lives_are_not():
    draw = np.random.default_rng(0)
    collected = [START + datetime.timedelta(hours=int(h)) for h in draw.integers(0, 24 * 700, 1000)]
    born = [datetime.datetime(1940, 1, 1) + datetime.timedelta(days=int(d)) for d in draw.integers(0, 25_000, 1000)]
    hired = [START + datetime.timedelta(days=int(d)) for d in draw.integers(0, 700, 1000)]
    roles = roles_of(
        {"birth_date": born, "order_date": collected, "hire_date": hired, "opened": hired, "x": noise(1000)}
    )
    assert roles.sure == {"order_date": "time"}
    assert {guess.column for guess in roles.time} == {"birth_date", "order_date", "hire_date", "opened"}
    assert roles_of({"birth_date": sorted(born), "x": noise(1000)}).sure == {}
    assert roles_of({"whatever": draw.permutation(collected), "x": noise(1000)}).sure == {}


def test_the_first_of_two_ordered_dates_is_the_time():
    start = [START + datetime.timedelta(hours=i) for i in range(300)]
    end = [time + datetime.timedelta(minutes=20) for time in start]
    roles = roles_of({"dropoff_datetime": end, "pickup_datetime": start, "x": noise(300)})
    assert roles.sure == {"pickup_datetime": "time"}


def test_day_and_month_without_year_are_told_and_not_used():
    roles = roles_of(
        {"day": [i % 28 + 1 for i in range(300)], "month": many("jan", "feb", "mar", n=300), "x": noise(300)}
    )
    assert roles.sure == {} and roles.time == ()
    assert "date without a year: no time column" in roles.notes[0]


def test_a_repeated_patient_groups_rows():
    draw = np.random.default_rng(0)
    patient = draw.integers(0, 100, 600)
    age, sex = draw.integers(20, 80, 100), draw.choice(["f", "m"], 100)
    frame = {
        "patient_id": patient,
        "age": age[patient],
        "sex": sex[patient],
        "pressure": noise(600),
        "pulse": noise(600, 1),
    }
    roles = roles_of(frame)
    assert roles.sure == {"patient_id": "group"}
    assert "100 values stand in 6.0 rows each, and 2 of 4 other columns are (nearly) constant" in roles.group[0].why


def test_a_repeated_id_whose_rows_differ_is_a_proposal_and_a_domain_category_nothing():
    draw = np.random.default_rng(0)
    countries = [f"c{i}" for i in draw.integers(0, 30, 2000)]
    frame = {
        "store_id": draw.integers(0, 40, 2000),
        "country": countries,
        "sales": noise(2000),
        "visits": noise(2000, 1),
        "rain": draw.choice(["little", "much"], 2000),
    }
    roles = roles_of(frame)
    assert roles.sure == {}
    assert [(guess.column, guess.sure) for guess in roles.group] == [("store_id", False)]


def test_codes_of_units_group_rows_without_a_telling_name():
    draw = np.random.default_rng(0)
    school = draw.permutation(np.repeat(np.arange(50), 30))
    frame = {
        "school": [f"S-{i:04d}" for i in school], "size": draw.integers(100, 999, 50)[school],
        "funding": draw.normal(50, 8, 50).round(2)[school], "hours": noise(1500), "siblings": draw.integers(0, 5, 1500),
        "parents": draw.choice(["none", "college"], 1500),
    }  # fmt: skip
    roles = roles_of(frame)
    assert roles.sure == {"school": "group"}
    assert roles.group[0].why.endswith("(size, funding), and its values are codes")
    words = [f"{a}{b}{c}" for a in "BCDFG" for b in "aeiou" for c in ("ham", "ton")]
    assert roles_of(frame | {"school": [words[i] for i in school]}).sure == {}


def test_a_reference_to_customers_groups_rows_that_have_nothing_in_common():
    draw = np.random.default_rng(0)
    frame = {
        "customer_ref": draw.integers(10_000, 10_260, 1800),
        "price": noise(1800),
        "items": draw.integers(1, 9, 1800),
    }
    assert roles_of(frame).sure == {"customer_ref": "group"}
    codes = {"zz": [f"K{i}" for i in frame["customer_ref"]]} | {k: frame[k] for k in ("price", "items")}
    assert roles_of(codes).sure == {"zz": "group"}
    when = [START + datetime.timedelta(hours=i) for i in range(1800)]
    assert roles_of({**codes, "when": when}).sure == {"when": "time"}


def test_counts_and_amounts_named_after_people_are_no_units():
    draw = np.random.default_rng(0)
    frame = {"x": noise(2000), "y": noise(2000, 1), "z": noise(2000, 2)}
    assert (
        roles_of(frame | {"client": draw.negative_binomial(1, 0.02, 2000) // 4 * draw.integers(0, 2, 2000)}).sure == {}
    )
    assert roles_of(frame | {"account": draw.gamma(2, 1, 2000).round(2)}).sure == {}


def test_numbered_steps_of_a_scale_are_no_units():
    draw = np.random.default_rng(0)
    week = draw.integers(0, 52, 1500)
    frame = {"week": [f"W{i:02d}" for i in week], "rain": draw.normal(size=52).round(3)[week]}
    frame |= {"price": draw.normal(size=52).round(3)[week], "x": noise(1500), "y": noise(1500, 1), "z": noise(1500, 2)}
    assert roles_of(frame).sure == {}


def test_order_in_the_file_does_not_pass_for_a_group():
    # Rows of one item stand close in time only because neighbours in the file do.
    draw = np.random.default_rng(0)
    hours = [START + datetime.timedelta(hours=i) for i in range(2000)]
    frame = {"customer_id": draw.integers(0, 200, 2000), "when": hours, "amount": noise(2000)}
    frame["trend"] = np.arange(2000) + noise(2000)
    assert roles_of(frame).sure == {"when": "time"}


def test_the_key_is_a_unique_id():
    n = 200
    frame = {"PassengerId": range(1, n + 1), "ticket": [f"A/5 {i * 7}" for i in range(n)], "fare": noise(n)}
    roles = roles_of(frame)
    assert roles.key is not None and roles.key.column == "PassengerId"
    assert roles.sure == {"PassengerId": "key"}
    assert roles_of({"unnamed_1": range(n), "fare": noise(n)}).sure == {"unnamed_1": "ignore"}


def test_roles_never_look_at_the_target():
    frame = {"date": [START + datetime.timedelta(days=i) for i in range(100)], "x": noise(100)}
    assert roles_of(frame, target="date").time == ()


# Tasks


def task_of(cells, name="y"):
    source = open_source({name: cells})
    return detect_task(source.collect()[name], detect_columns(source, targets=[name])[0])


@pytest.mark.parametrize(
    ("cells", "positive"),
    [
        (["no"] * 8 + ["yes"] * 2, "yes"), (["0"] * 3 + ["1"] * 7, "1"), (["<=50K"] * 7 + [">50K"] * 3, ">50K"),
        ([False] * 3 + [True] * 7, "true"), (["ham"] * 8 + ["spam"] * 2, "spam"), (["a"] * 8 + ["b"] * 2, "b"),
        ([1, 2, 2, 2, None], "2"), ([0.0, 1.0, 1.0], "1"),
    ],
)  # fmt: skip
def test_two_values_are_binary(cells, positive):
    guess = task_of(cells)
    assert (guess.task, guess.positive, guess.labels[1]) == ("binary", positive, positive)
    assert sum(guess.shares.values()) == pytest.approx(1.0)
    assert guess.n_missing == cells.count(None)
    assert repr(positive) in guess.questions[0]


def test_text_classes_are_multiclass():
    guess = task_of(["setosa", "virginica", "versicolor", ""] * 10 + ["rare"])
    assert (guess.task, guess.kind, guess.n_missing) == ("multiclass", "category", 10)
    assert set(guess.labels) == {"setosa", "virginica", "versicolor", "rare"}
    assert "'rare' of 'y' stand in fewer than 5 rows" in guess.questions[0]


@pytest.mark.parametrize(
    ("name", "values", "task"),
    [
        ("digit", range(10), "multiclass"), ("y", [0, 1, 2], "multiclass"), ("Cover_Type", range(1, 8), "multiclass"),
        ("quality", range(3, 9), "regression"), ("y", range(3, 9), "regression"), ("rings", range(1, 16), "regression"),
        ("stars", range(1, 6), "regression"),
        ("y", range(100), "regression"), ("y", [0.5, 1.5, 2.0], "regression"), ("class", [3, 5, 7], "multiclass"),
    ],
)  # fmt: skip
def test_whole_numbers_are_classes_or_amounts(name, values, task):
    guess = task_of(list(values) * 50, name)
    assert guess.task == task
    assert guess.kind == ("category" if task == "multiclass" else "number")
    few_whole = len(values) <= 20 and all(float(value).is_integer() for value in values)
    assert bool(guess.questions) == few_whole


def test_counts_are_amounts():
    counts = np.minimum(np.random.default_rng(0).poisson(1.0, 5000), 8)
    guess = task_of(counts)
    assert guess.task == "regression" and "spread as counts are" in guess.why


def test_numbers_as_text_are_regression():
    guess = task_of([f"${1000 + 7 * i:,}.00" for i in range(100)])
    assert (guess.task, guess.kind) == ("regression", "number")


@pytest.mark.parametrize(
    ("cells", "message"),
    [
        (["yes"] * 5 + [None], r"target 'y' has one value only.*'yes' in all 5 rows, 1 rows without it"),
        ([3] * 5, "one value only"),
        (["", None, "?"], "target 'y' has no values.*3 missing cells"),
        ([f"name {i}" for i in range(50)], "too many different texts to be classes.*50 different texts in 50 rows"),
        (days("%Y-%m-%d", 50), "target 'y' is a date.*Do: predict a duration"),
        ([*map(str, range(40)), *["low", "high", "none at all", "much"] * 2], "not numbers|too many different texts"),
    ],
)
def test_targets_that_cannot_be_predicted(cells, message):
    with pytest.raises(DataError, match=message):
        task_of(cells)


def test_questions_hold_what_only_a_person_can_answer():
    n = 300
    stores = [i * 7 % 40 for i in range(n)]
    frame = {"birth_date": days("%Y-%m-%d", n, 40), "shop": many("a", "b", n=n), "store_id": stores,
             "x": many("1,234", "2,500", "3,125", n=n), "z": many("4", "5", "7", "9", n=n), "y": many("yes", "no", "no", n=n)}  # fmt: skip
    source = open_source(frame)
    columns = detect_columns(source, targets=["y"])
    task = detect_task(source.collect()["y"], columns[-1])
    asked = questions(columns, detect_roles(source, columns), task)
    keys = [entry["key"] for entry in asked]
    assert keys[:6] == [
        f"problem.{name}" for name in ("goal", "unit", "decision", "prediction_time", "success", "costs")
    ]
    assert {"data.columns", "problem.positive", "data.columns.x", "data.time"} <= set(keys)
    assert all(set(entry) == {"key", "question", "guess"} for entry in asked)
    assert len(questions((), RolesGuess(), task)) < len(asked)


# Real sets


def real(path):
    file = DATA / path
    if not file.exists():
        pytest.skip(f"{file} is not here (set FIELDGUIDE_DATA)")
    return file


def study_of(source, target):
    columns = detect_columns(source, targets=[target])
    column = next(column for column in columns if column.name == target)
    return (
        {c.name: c.kind for c in columns},
        detect_roles(source, columns),
        detect_task(source.collect()[target], column),
    )


def test_adult(tmp_path):
    names = (
        "age,workclass,fnlwgt,education,education-num,marital-status,occupation,relationship,race,sex,capital-gain,"
        "capital-loss,hours-per-week,native-country,income\n"
    )
    bare = tmp_path / "bare.csv.gz"
    bare.write_bytes(real("adult/adult.data.gz").read_bytes())
    (tmp_path / "adult.csv").write_bytes(names.encode() + gzip.decompress(bare.read_bytes()))
    source = open_source(tmp_path / "adult.csv")
    kinds, roles, task = study_of(source, "income")
    numbers = {"age", "fnlwgt", "education-num", "capital-gain", "capital-loss", "hours-per-week"}
    assert {name for name, kind in kinds.items() if kind == "number"} == numbers
    assert {kind for name, kind in kinds.items() if name not in numbers} == {"category"}
    assert (roles.sure, roles.time, roles.group) == ({}, (), ())
    assert (task.labels, round(task.shares[">50K"], 3)) == (("<=50K", ">50K"), 0.241)
    with pytest.raises(DataError, match="no header"):
        open_source(bare)


def test_titanic_bank_and_california_have_no_time_or_group():
    for path, target, task in (
        ("titanic/titanic.csv", "survived", "binary"), ("bank_marketing/bank.csv.gz", "deposit", "binary"),
        ("california_housing/housing.csv.gz", "median_house_value", "regression"),
    ):  # fmt: skip
        kinds, roles, guess = study_of(open_source(real(path)), target)
        assert (roles.sure, guess.task) == ({}, task)
        assert "id" not in kinds.values()


def test_bike_sharing_is_in_time_order(tmp_path):
    with zipfile.ZipFile(real("bike_sharing/Bike-Sharing-Dataset.zip")) as archive:
        archive.extract("hour.csv", tmp_path)
    kinds, roles, task = study_of(open_source(tmp_path / "hour.csv"), "cnt")
    assert roles.sure == {"dteday": "time", "instant": "ignore"}
    assert (kinds["instant"], kinds["dteday"], kinds["hr"], task.task) == ("id", "datetime", "number", "regression")


def asked_of_target(cells, name="y"):
    return detect_task(pl.Series(name, cells), column_of(cells, name, targets=[name])).questions


def test_labels_whose_words_are_levels_are_asked_about():
    (asked,) = asked_of_target(many("sehr gut", "gut", "schlecht"))
    assert "task: ordinal, labels: [lowest, …, highest]" in asked
    assert asked_of_target(many("oak", "ash", "good tree")) == ()


def test_small_whole_numbers_from_0_may_be_counts_whatever_they_are_called():
    (asked,) = asked_of_target([str(k % 31 % (1 + k % 40)) for k in range(400)], "mdvis")
    assert "(task: count)" in asked
    assert asked_of_target([str(1000 * (k % 41)) for k in range(400)], "mdvis") == ()


def test_what_is_asked_of_the_task_stands_below_it_in_study_yaml(tmp_path):
    rows = {"x": [k * 0.5 for k in range(70)], "party": [str(k % 7) for k in range(70)]}
    text = (begin(rows, "party", tmp_path / "study", {}) / "study.yaml").read_text()
    assert "  # ? are the 7 whole numbers of 'party' classes without order (task: multiclass), levels in order" in text


@pytest.mark.parametrize("between", [" ", ", ", ";", "\t"])
def test_numbers_in_a_row_are_a_series_without_brackets_too(between):
    cells = [between.join(str(round(k / 7 + step / 3, 2)) for step in range(9 + k % 3)) for k in range(40)]
    (column,) = detect_columns(open_source({"signal": cells}))
    assert column.kind == "series" and column.facts["why"] == "its cells are lists of 9 to 11 numbers"


@pytest.mark.parametrize(
    "cells",
    [
        [f"{k % 3} {k % 4} {k % 5}" for k in range(40)],  # a few numbers: sizes, or labels
        [" ".join(str((k + step) % 2) for step in range(9)) for k in range(40)],  # two patterns that come again
        [f"2024 {k} 1 2 3 4 5 6 things in a row" for k in range(40)],
    ],
)
def test_other_numbers_in_a_row_are_none(cells):
    (column,) = detect_columns(open_source({"signal": cells}))
    assert column.kind != "series"


def test_more_classes_than_are_guessed_are_taken_where_a_person_says_so():
    cells = pl.Series("sku", [f"SKU{k % 250}" for k in range(2_500)])
    column = column_of(cells, "sku", targets=["sku"])
    with pytest.raises(DataError, match="if they are 250 classes all the same, say task: multiclass"):
        detect_task(cells, column)
    assert len(detect_task(cells, column, "multiclass").labels) == 250
    rare = pl.Series("sku", [f"SKU{k % 250}" for k in range(400)])
    with pytest.raises(DataError, match=r"clean the cells that are not\.$"):
        detect_task(rare, column_of(rare, "sku", targets=["sku"]), "multiclass")


def test_few_and_many_cells_are_counted_alike(monkeypatch):
    cells = [f"level {k % 7}" if k % 3 else "ä" for k in range(300)] + ["", "?", "Z", "a"]

    def counted():
        found = sample.cells_of(sample.sample_of(open_source({"x": cells})), "x", {})
        return found.levels.to_list(), found.counts.tolist(), found.n_missing, found.n_unique

    few = counted()
    monkeypatch.setattr(sample, "FEW_CELLS", 0)
    assert counted() == few
    assert few[2:] == (2, 10)


def test_a_point_in_other_columns_says_that_a_comma_marks_thousands():
    rows = {"students": ["1,029", "2,310", "8,001"] * 10, "share": ["34.4%", "7.5%", "12%"] * 10}
    students = {column.name: column for column in detect_columns(open_source(rows))}["students"]
    assert students.read["thousands"] == "," and "questions" not in students.facts
    assert "decimals stand after '.' in other columns" in students.facts["why"]
    unsure = detect_columns(open_source({**rows, "share": ["1.234", "2.345", "12"] * 10}))[0]
    assert "questions" in unsure.facts  # 1.234 may be a thousand as well


def test_whole_numbers_that_name_whom_a_row_is_about_are_an_id():
    numbers = [str(3 * k + k % 2) for k in range(60)]
    assert column_of(numbers, "individual").kind == column_of(numbers, "Patient ").kind == "id"
    assert column_of(numbers, "visits").kind == "number"
    assert column_of(["1", *numbers[1:], "1"], "individual").kind == "number"


def test_columns_called_by_a_later_year_than_the_target_are_named_in_the_question():
    rows = {str(year): [f"{k}.{year % 10}" for k in range(30)] for year in (2006, 2007, 2008, 2009, 2010)}
    columns = detect_columns(open_source(rows), targets=["2008"])
    task = detect_task(pl.Series("2008", rows["2008"]), columns[2])
    asked = {entry["key"]: entry["question"] for entry in questions(columns, RolesGuess(), task)}["data.columns"]
    assert asked.endswith("Mark them ignore. By their names '2009', '2010' are later than the target.")
    plain = detect_columns(open_source({"x": rows["2006"], "y": rows["2007"]}), targets=["y"])
    assert {e["key"]: e["question"] for e in questions(plain, RolesGuess(), task)}["data.columns"].endswith(
        "Mark them ignore."
    )
