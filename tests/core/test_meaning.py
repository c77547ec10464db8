"""Shifted meaning: every planted change is caught and named; samples of one population and a drifting world stay quiet."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import polars as pl
import pytest

from fieldguide.core.meaning.fingerprint import fingerprint, grid_of, of_column
from fieldguide.core.meaning.meaning import shifts, table_shifts
from fieldguide.core.meaning.shift import Shift
from fieldguide.core.meaning.units import FACTORS, distance
from fieldguide.core.table import Column, Table

KINDS = {
    "age": "number", "temperature": "number", "income": "number", "balance": "number", "visits": "number",
    "rating": "number", "trip": "number", "city": "category", "sex": "category", "shop": "category", "member": "boolean",
}  # fmt: skip
COLUMNS = tuple(Column(name, kind) for name, kind in KINDS.items())
Change = Callable[[pl.DataFrame], pl.DataFrame]


def rows(seed: int, n: int) -> pl.DataFrame:
    """Return a sample of one population: whole ages, decimals, heavy tails, zeros, codes, balanced levels."""
    rng = np.random.default_rng(seed)
    age, temperature = rng.integers(18, 90, n).astype(float), rng.normal(15, 9, n).round(1)
    income = np.where(rng.random(n) < 0.12, np.nan, np.exp(rng.normal(10, 0.8, n)).round(2))
    balance = np.where(rng.random(n) < 0.3, 0.0, rng.gamma(2, 50, n))
    shares = np.arange(1, 61) / 1830
    return pl.DataFrame({
        "age": age, "temperature": temperature, "income": pl.Series(income).fill_nan(None), "balance": balance,
        "visits": rng.poisson(3, n).astype(float), "rating": rng.choice([1.0, 2, 3, 4, 5], n, p=[0.1, 0.1, 0.2, 0.3, 0.3]),
        "trip": rng.exponential(100, n), "city": rng.choice(["Lima", "Oslo", "Quito", "Turin"], n, p=[0.4, 0.3, 0.2, 0.1]),
        "sex": np.where(rng.random(n) < 0.35 + 0.3 * (temperature > 15), "m", "f"),
        "shop": rng.choice([f"l{i}" for i in range(60)], n, p=shares),
        "member": rng.random(n) < 1 / (1 + np.exp(-(age - 50) / 8)),
    })  # fmt: skip


def compared(before: pl.DataFrame, now: pl.DataFrame) -> dict[str, list[Shift]]:
    accepted = fingerprint(Table(before, COLUMNS))
    return {name: told for name, told in table_shifts(accepted, Table(now, COLUMNS), {}).items() if told}


def swapped(column: str, **levels: str) -> Change:
    return lambda frame: frame.with_columns(pl.col(column).replace(levels))


PLANTED: dict[str, tuple[Change, str, str, str]] = {
    "Fahrenheit": (lambda f: f.with_columns((pl.col("temperature") * 1.8 + 32).round(1)), "temperature", "unit", "degrees Celsius to degrees Fahrenheit"),
    "months": (lambda f: f.with_columns(pl.col("age") * 12), "age", "unit", "12 times what it was, as from years to months"),
    "cents": (lambda f: f.with_columns(pl.col("income") * 100), "income", "unit", "100 times what it was"),
    "cents beside zeros": (lambda f: f.with_columns(pl.col("balance") * 100), "balance", "unit", "100 times what it was"),
    "no usual factor": (lambda f: f.with_columns(pl.col("trip") * 5.5), "trip", "unit", "no usual conversion is by that factor"),
    "thousands": (lambda f: f.with_columns((pl.col("income") / 1000).round(0)), "income", "unit", "0.001 times what it was"),
    "logarithm": (lambda f: f.with_columns(pl.col("income").log()), "income", "unit", "from values to their natural logarithms"),
    "sign": (lambda f: f.with_columns(-pl.col("temperature")), "temperature", "unit", "from values to their negatives"),
    "minus one": (lambda f: f.with_columns(age=pl.when(pl.col("age") < 30).then(-1.0).otherwise("age")), "age", "default", "the value -1 stands in"),
    "999": (lambda f: f.with_columns(age=pl.when(pl.col("age") > 80).then(999.0).otherwise("age")), "age", "default", "the value 999 stands in"),
    "zero for missing": (lambda f: f.with_columns(pl.col("income").fill_null(0.0)), "income", "default", "the value 0 stands in"),
    "median for missing": (lambda f: f.with_columns(pl.col("income").fill_null(pl.col("income").median())), "income", "default", "stands in"),
    "other names": (swapped("city", Lima="A", Oslo="B", Quito="C", Turin="D"), "city", "coding", "'Lima' to 'A'"),
    "upper case": (lambda f: f.with_columns(pl.col("city").str.to_uppercase()), "city", "coding", "levels are spelled another way"),
    "many names": (lambda f: f.with_columns(pl.col("shop").str.replace("l", "c")), "shop", "coding", "as unevenly frequent"),
    "merged": (swapped("city", Quito="other", Turin="other"), "city", "coding", "became one, 'other'"),
    "balanced levels change places": (swapped("sex", m="f", f="m"), "sex", "coding", "levels changed places"),
    "a boolean is turned round": (lambda f: f.with_columns(~pl.col("member")), "member", "coding", "'true' to 'false'"),
    "codes from 0": (lambda f: f.with_columns(pl.col("rating") - 1), "rating", "coding", "the codes 1 to 5 became 0 to 4"),
    "a scale is turned round": (lambda f: f.with_columns(rating=6 - pl.col("rating")), "rating", "coding", "levels changed places"),
    "no cents": (lambda f: f.with_columns(pl.col("income").round(0)), "income", "rounding", "at most 0 decimals"),
}  # fmt: skip


@pytest.mark.parametrize("name", PLANTED)
@pytest.mark.parametrize("seed", range(3))
def test_a_planted_change_is_caught_and_named(name: str, seed: int) -> None:
    change, column, what, words = PLANTED[name]
    found = compared(rows(seed, 1500), change(rows(seed + 100, 800)))
    assert list(found) == [column]
    assert found[column][0].what == what and words in found[column][0].sentence


def test_samples_of_one_population_are_quiet() -> None:
    n_columns = loud = 0
    for seed in range(30):
        for n_before, n_now in ((40, 60), (400, 300)):
            n_columns += len(COLUMNS)
            loud += len(compared(rows(seed, n_before), rows(seed + 1000, n_now)))
    assert loud <= 0.01 * n_columns


def test_a_drifting_world_changes_no_meaning() -> None:
    def older(f: pl.DataFrame) -> pl.DataFrame:
        return f.with_columns(
            pl.col("age") + 12, pl.col("temperature") + 6, pl.col("income") * 1.2, pl.col("visits") + pl.col("rating")
        )

    def fewer(f: pl.DataFrame) -> pl.DataFrame:
        return f.filter((pl.col("city") != "Lima") | (pl.col("age") > 60))

    for change in (older, fewer):
        assert [compared(rows(seed, 1500), change(rows(seed + 50, 1500))) for seed in range(3)] == [{}] * 3


def test_years_that_go_on_are_no_new_coding() -> None:
    rng = np.random.default_rng(0)
    before = of_column(pl.Series("year", rng.integers(2015, 2020, 900).astype(float)), "number", {})
    now = of_column(pl.Series("year", rng.integers(2016, 2021, 900).astype(float)), "number", {})
    assert shifts(before, now) == []


def test_a_conversion_of_the_declared_unit_is_named_first() -> None:
    values = pl.Series("x", np.random.default_rng(1).gamma(5, 10, 3000))
    before, now = (of_column(v, "number", {}) for v in (values, values * 12))
    assert "from years to months" in shifts(before, now)[0].sentence
    assert "from feet to inches" in shifts(before, now, "feet")[0].sentence


def test_dates_that_lost_their_time() -> None:
    times = pl.Series("t", pl.datetime_range(pl.datetime(2024, 1, 1), pl.datetime(2024, 1, 9), "1h", eager=True))
    before, now = (of_column(t, "datetime", {}) for t in (times, times.dt.truncate("1d")))
    assert shifts(before, now)[0].sentence == "100 % of the values are at midnight, 4.66 % before"


@pytest.mark.parametrize(("cells", "told"), [(20, 0), (29, 0), (30, 1)])
def test_too_few_cells_tell_nothing(cells: int, told: int) -> None:
    few = of_column(pl.Series("x", [*np.linspace(1.0, 2000.0, cells), None, None]), "number", {})
    many = of_column(pl.Series("x", np.arange(2000.0) * 1000), "number", {})
    assert len(shifts(few, many)) == len(shifts(many, few)) == told


@pytest.mark.parametrize("make", [
    lambda rng: 12 * rng.gamma(3, 14, 5000), lambda rng: rng.uniform(0, 1200, 5000), lambda rng: 12 * np.exp(rng.normal(3.7, 0.7, 5000)),
    lambda rng: 12 * np.where(rng.random(5000) < 0.12, rng.normal(150, 5, 5000), rng.gamma(5, 10, 5000)),
])  # fmt: skip
def test_another_distribution_at_another_scale_is_no_other_unit(
    make: Callable[[np.random.Generator], np.ndarray],
) -> None:
    rng = np.random.default_rng(0)
    before, now = (of_column(pl.Series("x", x), "number", {}) for x in (rng.gamma(5, 10, 5000), make(rng)))
    assert distance(np.array(before["grid"]), np.array(now["grid"])) > 0.8
    assert shifts(before, now) == []


@pytest.mark.parametrize(
    ("name", "sure"),
    [("upper case", True), ("other names", True), ("merged", False), ("many names", False), ("codes from 0", True), ("no cents", False)],
)  # fmt: skip
def test_a_cause_is_sure_where_nothing_else_explains_it(name: str, sure: bool) -> None:
    change, column, _, _ = PLANTED[name]
    found = compared(rows(0, 1500), change(rows(100, 800)))[column][0]
    assert found.sure is sure and found.to_dict()["sure"] is sure
    assert found.evidence, "numbers, always"


def test_of_many_levels_the_most_frequent_are_kept_and_all_are_counted() -> None:
    names = [f"l{i:03}" for i in range(300)]
    found = of_column(
        pl.Series("x", [name for i, name in enumerate(names) for _ in range(1 + (i < 200))]), "category", {}
    )
    assert (len(found["levels"]), found["n_levels"], found["n"]) == (200, 300, 500)
    assert list(found["levels"]) == names[:200]
    assert sum(found["levels"].values()) == pytest.approx(400 / 500)


def test_the_distance_is_that_of_kolmogorov_and_smirnov() -> None:
    rng = np.random.default_rng(2)
    a, b = rng.normal(0, 1, 4000), rng.normal(0.5, 1.3, 3000)
    both = np.sort(np.concatenate([a, b]))
    shares = [np.searchsorted(np.sort(x), both, "right") / len(x) for x in (a, b)]
    found = distance(np.array(grid_of(a)), np.array(grid_of(b)))
    assert found == pytest.approx(np.abs(shares[0] - shares[1]).max(), abs=0.01)
    assert distance(np.array(grid_of(-a)), np.array(grid_of(a)), lambda x: -x) == pytest.approx(0, abs=0.002)


def test_many_values_that_gained_are_the_world_and_no_default() -> None:
    rng = np.random.default_rng(4)
    values = rng.gamma(3, 5, 900)
    before = of_column(pl.Series("calls", values), "number", {})
    two, three = values.copy(), values.copy()
    two[:100], two[100:200] = 999.0, 9999.0
    three[:100], three[100:200], three[200:300] = 999.0, 9999.0, 99.0
    assert len(shifts(before, of_column(pl.Series("calls", two), "number", {}))) == 2
    assert shifts(before, of_column(pl.Series("calls", three), "number", {})) == []


@pytest.mark.parametrize(
    ("value", "share", "sure"), [(-9.0, 0.05, True), (999.0, 0.3, True), (321.0, 0.2, False), (321.0, 0.05, None)]
)
def test_a_usual_default_is_sure_with_few_cells_and_another_needs_a_tenth(
    value: float, share: float, sure: bool | None
) -> None:
    values = np.random.default_rng(7).gamma(3, 5, 2000)
    before = of_column(pl.Series("calls", values), "number", {})
    now = values.copy()
    now[: int(2000 * share)] = value
    found = shifts(before, of_column(pl.Series("calls", now), "number", {}))
    assert [(one.what, one.sure, one.evidence["value"]) for one in found] == (
        [] if sure is None else [("default", sure, value)]
    )


def test_shares_that_another_order_fits_only_roughly_are_drift() -> None:
    rng = np.random.default_rng(6)
    before, now = (
        of_column(pl.Series("x", rng.choice(["a", "b", "c"], 6000, p=shares)), "category", {})
        for shares in ([0.5, 0.3, 0.2], [0.2, 0.42, 0.38])
    )
    assert shifts(before, now) == []


def test_a_level_that_came_is_drift() -> None:
    rng = np.random.default_rng(5)
    before = of_column(pl.Series("city", rng.choice(["Lima", "Oslo"], 900)), "category", {})
    now = of_column(pl.Series("city", rng.choice(["Lima", "Oslo", "Bonn"], 900)), "category", {})
    assert shifts(before, now) == []


SIZES = {
    "units": 1, "tenths": 0.1, "hundredths (percent, cents)": 0.01, "thousandths": 1e-3, "ten thousandths": 1e-4,
    "millionths": 1e-6, "billionths": 1e-9, "dozens": 12,
    "seconds": 1, "minutes": 60, "hours": 60 * 60, "days": 24 * 60 * 60, "weeks": 7 * 24 * 60 * 60,
    "months": 365.25 / 12 * 24 * 60 * 60, "years": 365.25 * 24 * 60 * 60,
    "metres": 1, "kilometres": 1000, "centimetres": 0.01, "inches": 0.0254, "feet": 12 * 0.0254, "miles": 1760 * 3 * 12 * 0.0254,
    "square metres": 1, "square feet": (12 * 0.0254) ** 2, "m/s": 1, "km/h": 1000 / (60 * 60),
    "grams": 1, "kilograms": 1000, "pounds": 453.59237, "ounces": 453.59237 / 16,
    "litres": 1, "gallons": 231 * 2.54**3 / 1000, "kilojoules": 1, "kilocalories": 4.184,
    "mmHg": 133.322387415, "kilopascals": 1000, "gibibytes": 2**30, "mebibytes": 2**20, "kibibytes": 2**10, "gigabytes": 10**9,
    "mmol/l of glucose": 180.156 / 1000, "mg/dl": 0.01,  # [g/l]; a mol weighs 180.156 g
    "mg/dl of creatinine": 0.01, "µmol/l": 113.12 * 1e-6,
}  # fmt: skip
"""What each unit is in one that all of its kind share (yard and pound of 1959, US gallon, thermochemical calorie)."""


def test_every_factor_is_the_ratio_of_its_units() -> None:
    factors = {(before, now): factor for before, now, factor in FACTORS}
    assert factors == pytest.approx({(before, now): SIZES[before] / SIZES[now] for before, now in factors}, rel=3e-4)
    assert len(factors) == len(FACTORS)
