"""FG314: rows in order of the target, and columns that number them."""

from __future__ import annotations

import numpy as np
import polars as pl
import pytest
from check_cases import only, problem_of, regression, roles_of, table_of

from fieldguide.core.table import Column, Table
from fieldguide.parts.checks.fg314_row_order import RowOrder, _locality
from fieldguide.testing import check_check

N = 600
RNG = np.random.default_rng(0)
SORTED = np.repeat([0, 1], [400, 200])
X = RNG.normal(size=N)
PLACES = np.arange(N) * 3 // 2 + 7  # a numbering with gaps, as development rows leave them
MIXED = RNG.permutation(N)


def case(truth, problem=None, times=None, order=None, **columns):
    order = np.arange(N) if order is None else order
    return {
        "table": table_of(**columns), "problem": problem or problem_of(), "roles": roles_of(N, times=times),
        "truths": (truth,), "order": order,
    }  # fmt: skip


def test_a_row_number_in_a_sorted_file_is_left_out():
    finding = only(check_check(RowOrder(), case(SORTED, row=PLACES, x=X), case(SORTED[MIXED], row=PLACES, x=X)))
    assert finding.sentence == (
        "'row' numbers the rows, and the rows are in order of 'sold': a row's neighbours in that order explain 99 % of "
        "it. It is left out of every model."
    )
    assert finding.evidence["exclude"] == ["row"]


def test_a_sorted_file_without_a_row_number_is_a_note():
    finding = only(RowOrder().run(**case(SORTED, x=X)))
    assert finding.severity == "info" and "exclude" not in finding.evidence
    assert finding.sentence.startswith("The file is in order of 'sold': a row's neighbours explain 99 % of it")


def test_a_numbering_of_a_file_that_was_mixed_afterwards_is_left_out():
    finding = only(RowOrder().run(**case(SORTED[MIXED], row=PLACES[MIXED], x=X)))
    assert finding.evidence["exclude"] == ["row"]


def test_the_place_in_the_file_counts_and_not_the_place_in_the_table():
    assert only(RowOrder().run(**case(SORTED[MIXED], x=X, order=MIXED))).fired
    assert only(RowOrder().run(**case(SORTED, x=X, order=MIXED))).status == "passed"


def test_values_in_order_with_noise():
    value = np.sort(RNG.normal(size=N)) + RNG.normal(0, 0.3, N)
    assert only(RowOrder().run(**case(value, regression(), row=PLACES))).evidence["exclude"] == ["row"]


def test_blocks_of_a_class_are_an_order():
    blocks = np.repeat(RNG.integers(0, 2, 30), 20)
    assert only(RowOrder().run(**case(blocks, row=PLACES))).evidence["exclude"] == ["row"]


def test_a_slow_drift_is_no_order():
    drift = (RNG.random(N) < np.linspace(0.1, 0.5, N)).astype(int)
    assert only(RowOrder().run(**case(drift, row=PLACES))).status == "passed"


def test_the_time_explains_the_order():
    wave = np.sin(np.arange(N) / 30) + RNG.normal(0, 0.1, N)
    finding = only(RowOrder().run(**case(wave, regression(), times=np.arange(N) * 10**9, row=PLACES)))
    assert finding.status == "passed" and "the time column orders them" in finding.sentence


def test_a_measurement_by_which_the_file_is_sorted_stays():
    size = np.sort(np.round(RNG.lognormal(10, 1, N)) + np.arange(N) / 10)
    value = np.log(size) + RNG.normal(0, 0.2, N)
    finding = only(RowOrder().run(**case(value, regression(), size=size)))
    assert finding.severity == "info" and not finding.columns


def test_an_even_measurement_by_which_the_file_is_sorted_stays():
    depth = np.linspace(0, 90, N)
    finding = only(RowOrder().run(**case(depth + RNG.normal(size=N), regression(), depth=depth)))
    assert finding.severity == "info" and not finding.columns


@pytest.mark.parametrize("seed", range(10))
def test_rows_in_no_order_pass(seed):
    rng = np.random.default_rng(seed)
    share, z = _locality(rng.normal(size=(N, 1)), np.arange(N))
    assert share < 0 and abs(z) < 4


def test_few_rows_are_not_judged():
    values = case(SORTED[:40], row=PLACES[:40], order=np.arange(40))
    values["roles"] = roles_of(40)
    assert only(RowOrder().run(**values)).status == "not_applicable"


def test_a_row_number_that_no_model_sees_is_named() -> None:
    table = table_of(x=X)
    frame = table.frame.with_columns(pl.Series("row", [str(place) for place in PLACES]))
    numbered = Table(frame, (*table.columns, Column("row", "id", "ignore")))
    finding = only(RowOrder().run(**{**case(SORTED, x=X), "table": numbered}))
    assert finding.severity == "warning" and finding.columns == ("row",)
    assert (
        finding.sentence.startswith("'row' numbers the rows in order of 'sold'")
        and "No model sees it." in finding.sentence
    )
    mixed = Table(frame[MIXED], numbered.columns)
    finding = only(RowOrder().run(**{**case(SORTED[MIXED], x=X[MIXED]), "table": mixed}))
    assert finding.columns == ("row",), "also where the file was shuffled after it was numbered"


def test_folders_of_classes_are_in_order_by_nature():
    frame = pl.DataFrame({"photo": [f"{k}.png" for k in range(N)], "split": ["train", "test"] * (N // 2)})
    photos = Table(frame, (Column("photo", "image", "ignore"), Column("split", "category", "ignore")))
    finding = only(RowOrder().run(**{**case(SORTED), "table": photos}))
    assert finding.status == "passed" and finding.sentence.startswith(
        "The rows are listed in order of 'sold', and there is no"
    )
