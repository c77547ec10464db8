"""FG313: columns that hold the target, alone or two together."""

from __future__ import annotations

import time

import numpy as np
import pytest
from check_cases import only, problem_of, regression, table_of

from fieldguide.parts.checks.fg313_function_of_target import FunctionOfTarget
from fieldguide.testing import check_check

RNG = np.random.default_rng(0)
N = 400
A, B, C = RNG.normal(10, 3, (3, N))
LABEL = RNG.integers(0, 2, N)


def values(truth, **columns):
    return {"table": table_of(**columns), "problem": regression(), "truths": (np.asarray(truth, np.float64),)}


def classes(truth, labels=("no", "yes"), **columns):
    task = "binary" if len(labels) == 2 else "multiclass"
    problem = problem_of(task, "log_loss", labels)
    return {"table": table_of(**columns), "problem": problem, "truths": (np.asarray(truth),)}


def test_the_sum_of_two_columns_is_named_and_both_are_left_out():
    casual, registered = RNG.poisson(30, N).astype(float), RNG.poisson(120, N).astype(float)
    total = casual + registered
    case = values(total, casual=casual, registered=registered, temp=A)
    noisy = values(total + RNG.normal(0, 5, N), casual=casual, registered=registered, temp=A)
    finding = only(check_check(FunctionOfTarget(), case, noisy))
    assert finding.sentence == (
        "'sold' is casual + registered, in 100 % of 400 rows. 'casual', 'registered' are left out of every model."
    )
    assert finding.evidence["exclude"] == ["casual", "registered"]
    assert finding.remedy.endswith("then set data.columns.casual: feature.")


@pytest.mark.parametrize(
    ("truth", "formula"),
    [
        (A - B, "a - b"),
        (2 * A - 0.5 * B + 7, "2 × a - 0.5 × b + 7"),
        (A * B, "a × b"),
        (A / B, "a / b"),
        (3 * B / A, "3 × b / a"),
        (-A - B, "-a - b"),
        (np.round(A * B), "a × b"),
    ],
)
def test_arithmetic_of_two_columns(truth, formula):
    finding = only(FunctionOfTarget().run(**values(truth, a=A, b=B, c=C)))
    assert finding.evidence["identities"][0]["formula"] == formula
    assert finding.columns == ("a", "b")


def test_a_product_is_found_where_some_rows_are_zero_or_missing():
    nights = np.where(RNG.random(N) < 0.4, 0.0, RNG.integers(1, 200, N))
    price = np.round(np.exp(RNG.normal(5, 1, N)), 2)
    revenue = [None if r < 0.1 else v for r, v in zip(RNG.random(N), nights * price)]
    finding = only(FunctionOfTarget().run(**values(price, nights=nights, revenue=revenue, beds=A)))
    assert finding.evidence["identities"][0]["formula"] == "revenue / nights"


def test_the_time_between_two_dates():
    start = np.datetime64("2024-01-01", "us") + RNG.integers(0, 10**12, N).astype("timedelta64[us]")
    hours = np.round(RNG.gamma(2.0, 5.0, N), 3)
    end = start + (hours * 3.6e9).astype("timedelta64[us]")
    finding = only(FunctionOfTarget().run(**values(hours, start=start, end=end, x=A)))
    assert set(finding.columns) == {"start", "end"}


@pytest.mark.parametrize("column", [3 * A - 4, np.log(A - A.min() + 1), -np.exp(A / 5)])
def test_a_monotone_transform_is_named_alone(column):
    finding = only(FunctionOfTarget().run(**values(A, copy=column, b=B)))
    assert finding.evidence["exclude"] == ["copy"]


@pytest.mark.parametrize(
    "column", [[["dead", "alive"][i] for i in LABEL], LABEL.astype(float), [bool(i) for i in 1 - LABEL]]
)
def test_a_recoding_of_the_label(column):
    finding = only(FunctionOfTarget().run(**classes(LABEL, alive=column, x=A)))
    assert finding.sentence.startswith("There is one 'alive' for each 'sold', in 100 % of 400 rows.")


def test_a_recoding_of_many_labels_with_a_few_typing_errors():
    truth = RNG.integers(0, 4, 2_000)
    code = truth.astype(float) * 10
    code[:4] += 10
    labels = ("a", "b", "c", "d")
    assert only(FunctionOfTarget().run(**classes(truth, labels, code=code))).fired
    code[:200] = RNG.integers(0, 4, 200) * 10
    assert only(FunctionOfTarget().run(**classes(truth, labels, code=code))).status == "passed"


def test_a_column_that_merges_two_labels_is_no_copy():
    truth = RNG.integers(0, 3, N)
    found = FunctionOfTarget().run(**classes(truth, ("a", "b", "c"), half=(truth > 0).astype(float)))
    assert only(found).status == "passed"


def test_a_column_of_several_levels_for_each_label_is_no_copy():
    reason = LABEL * 2.0 + RNG.integers(0, 2, N)
    assert only(FunctionOfTarget().run(**classes(LABEL, reason=reason))).status == "passed"


def test_near_functions_and_constants_pass():
    y = A + B
    truth = y + RNG.normal(0, 0.05, N)
    assert only(FunctionOfTarget().run(**values(truth, a=A, b=B, one=np.ones(N), gap=[None] * N))).status == "passed"


def test_a_target_of_few_small_numbers_is_not_fitted_by_rounding():
    truth = RNG.integers(0, 4, N).astype(float)
    assert only(FunctionOfTarget().run(**values(truth, a=truth + A / 50, b=B))).status == "passed"


def test_the_search_is_fast_on_many_columns_and_rows():
    n = 20_000
    columns = {f"x{i}": RNG.normal(size=n) for i in range(60)}
    case = values(columns["x3"] - columns["x40"], **columns)
    begun = time.process_time()
    finding = only(FunctionOfTarget().run(**case))
    assert finding.columns == ("x3", "x40")
    assert time.process_time() - begun < 2


def test_a_logarithm_of_two_columns_is_seen_through():
    rng = np.random.default_rng(5)
    nights, price = rng.integers(1, 60, 500).astype(float), rng.integers(30, 400, 500).astype(float)
    finding = only(FunctionOfTarget().run(
        table=table_of(revenue=nights * price, nights=nights, beds=rng.integers(1, 6, 500).astype(float)),
        problem=regression(), truths=(np.log10(price).round(4),),
    ))  # fmt: skip
    assert finding.evidence["exclude"] == ["revenue", "nights"] and "log10(revenue / nights)" in finding.sentence
