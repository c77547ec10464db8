"""Served beside training: the index and its test against references, windows, levels that were never seen."""

from __future__ import annotations

from datetime import datetime, timedelta

import numpy as np
import polars as pl
import pytest
from scipy.stats import chi2, chi2_contingency

from fieldguide.core.online.served import LEVELS, Traffic, moved, unseen, windows_of
from fieldguide.core.table import Column


def test_index_and_p_are_those_of_the_references() -> None:
    before, after = (
        pl.Series(["a"] * 500 + ["b"] * 300 + ["c"] * 200),
        pl.Series(["a"] * 120 + ["b"] * 150 + ["c"] * 30),
    )
    counts = np.array([[500, 300, 200], [120, 150, 30]], float)
    one = moved(before, after)
    assert one.p == pytest.approx(chi2_contingency(counts, correction=False).pvalue, rel=1e-9)
    p, q = ((row + 0.5) / (row + 0.5).sum() for row in counts)
    assert one.index == pytest.approx(float(((q - p) * np.log(q / p)).sum()) - 2 * (1 / 1000 + 1 / 300))
    assert one.n == 300


def test_rows_count_for_the_units_behind_them() -> None:
    before, after = pl.Series([0.0, 1.0] * 500), pl.Series([0.0] * 240 + [1.0] * 160)
    one, few = moved(before, after), moved(before, after, weight=0.1)
    statistic = chi2_contingency(np.array([[500, 500], [24, 16]], float), correction=False).statistic
    assert few.p == pytest.approx(chi2.sf(statistic, 1)) and one.p < 0.001 < few.p
    assert few.index < one.index


def test_numbers_are_binned_by_training_and_missing_cells_left_out() -> None:
    rng = np.random.default_rng(5)
    before = pl.Series(rng.normal(size=2_000))
    same = moved(before, pl.Series([*rng.normal(size=500), None, None]))
    assert same.index < 0.01 and same.p > 1e-3 and same.n == 500
    assert moved(before, pl.Series(rng.normal(1.0, 1.0, 500))).index > 0.7
    assert moved(before, pl.Series([None, None], dtype=pl.Float64)).p == 1.0
    assert moved(pl.Series([True, False]), pl.Series([True, True])).n == 2


def test_levels_training_never_saw_are_left_out_of_the_index_and_counted_apart() -> None:
    before, after = pl.Series(["a", "b"] * 200), pl.Series(["a", "b", "new"] * 100)
    assert moved(before, after).index == 0.0 and moved(before, after).p > 0.99
    assert unseen(before, after).to_list() == ["new"] * 100
    assert unseen(before, pl.Series([None, "a"])).to_list() == []


def test_windows_hold_about_equally_many_rows_and_no_fewer_than_said() -> None:
    at = [datetime(2024, 1, 1) + timedelta(hours=i) for i in range(1_000)]
    window, windows = windows_of(at)
    assert np.bincount(window).tolist() == [200] * 5
    assert windows[0] == (at[0], at[199]) and windows[-1] == (at[800], at[999])
    assert windows_of(at[:150])[1] == ((at[0], at[149]),)
    assert windows_of([])[1] == ()
    assert len(windows_of([at[0] + timedelta(minutes=i) for i in range(20_000)])[1]) == 8, (
        "no more than a reader looks at"
    )


def test_levels_beyond_the_commonest_share_one_bin() -> None:
    levels = [f"l{i:02}" for i in range(LEVELS + 10)]
    before = pl.Series(levels * 20 + levels[:LEVELS] * 5)
    rare = pl.Series(levels[LEVELS:] * 20)
    swapped = pl.Series([levels[LEVELS]] * 200)
    assert moved(before, rare).index == pytest.approx(moved(before, swapped).index)
    assert moved(before, pl.Series([levels[0]] * 200)).index != pytest.approx(moved(before, swapped).index)


def test_dates_are_not_compared_and_a_busy_unit_counts_once() -> None:
    kinds = {"n": "number", "b": "boolean", "c": "category", "d": "datetime", "t": "text"}
    nothing = pl.DataFrame({"n": [1.0] * 8})
    traffic = Traffic(tuple(Column(name, kind) for name, kind in kinds.items()), nothing, nothing, np.zeros(8), (), 2)
    assert [column.name for column in traffic.compared()] == ["n", "b", "c"]
    assert traffic.weight == 0.25
