"""FG322: labels that have not arrived."""

from __future__ import annotations

import numpy as np
import polars as pl
import pytest
from along_cases import DAY, START, columns_of, given, needed, regression, run, target_of

from fieldguide.core.language.expression import parse
from fieldguide.parts.checks.fg322_late_labels import LateLabels, arrival
from fieldguide.testing import check_check

CHECK = LateLabels()
END = START + 300 * DAY


def late(n=8000, seed=0, tau=18.0):
    columns = columns_of(n, seed)
    day = columns["day"].to_physical().to_numpy()
    arrives = day + (np.random.default_rng(seed + 9).exponential(tau, n) * DAY).astype(np.int64)
    return columns, (target_of(columns, seed) == 1) & (arrives < END), arrives


def test_a_fall_in_the_shape_of_a_delay_is_named_with_the_rows_to_leave_out():
    columns, positive, _ = late()
    case = given(columns, positive.astype(np.int64))
    (finding,) = check_check(CHECK, needed(CHECK, case), needed(CHECK, given(columns)))
    assert finding.sentence.startswith("From 2024-") and "in the shape of a delay" in finding.sentence
    assert "2024-08-15" < finding.evidence["from"] < "2024-09-25"  # 95 % arrive in 54 days, by 2024-09-03
    text = finding.remedy.partition('"')[2].partition('"')[0]
    table = case["table"]
    kept = table.frame.with_columns(k=parse(text, {c.name: c.kind for c in table.columns}, "boolean").polars())["k"]
    assert int((~kept).sum()) == finding.evidence["n"]


def test_a_column_with_the_time_of_the_outcome_gives_the_delay_curve():
    columns, positive, arrives = late(3000)
    columns["paid"] = pl.Series([int(a) if p else None for a, p in zip(arrives, positive)]).cast(pl.Datetime("us"))
    finding = run(CHECK, given(columns, positive.astype(np.int64)))
    assert finding.sentence.startswith("'paid' tells when 'sold' became known: after ")
    assert finding.columns == ("sold", "paid")
    assert 9 < finding.evidence["median_days"] < 16  # 18 ln 2 = 12.5
    assert 40 < finding.evidence["wait_days"] < 75  # 18 ln 20 = 53.9
    truly = int(((target_of(columns) == 1) & ~positive).sum())
    assert finding.evidence["missing"] == pytest.approx(truly, rel=0.4)


def test_arrival_is_unbiased_where_young_rows_show_short_delays_only():
    rng = np.random.default_rng(0)
    age, delay = rng.uniform(0, 100, 40_000), rng.exponential(20, 40_000)
    seen = delay <= age
    ages, share = arrival((delay[seen] * 1000).astype(np.int64), (age[seen] * 1000).astype(np.int64))
    for days in (5, 20, 60):
        expected = (1 - np.exp(-days / 20)) / (1 - np.exp(-5))  # up to the longest delay that can be seen
        assert share[np.searchsorted(ages, days * 1000)] == pytest.approx(expected, abs=0.03)
    naive = (delay[seen] <= 20).mean()
    assert naive > (1 - np.exp(-1)) + 0.05  # what one would read without the correction


def test_values_have_no_positives():
    columns = columns_of()
    finding = run(CHECK, given(columns, np.asarray(columns["heat"]), regression()))
    assert finding.sentence == "No target has two classes."
