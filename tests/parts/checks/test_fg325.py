"""FG325: a break of unit or scale."""

from __future__ import annotations

import numpy as np
import pytest
from along_cases import columns_of, given, needed, run
from scipy import stats

from fieldguide.parts.checks.fg325_unit_break import UnitBreak, distance
from fieldguide.testing import check_check

CHECK = UnitBreak()
LATE = np.arange(3000) > 2000


@pytest.mark.parametrize(
    "factor, words", [(1000, "1,000 times larger"), (0.01, "100 times smaller"), (2.54, "2.54 times larger")]
)
def test_a_factor_from_a_date_on_is_named(factor, words):
    columns = columns_of()
    broken = {**columns, "size": columns["size"] * np.where(LATE, factor, 1.0)}
    (finding,) = check_check(CHECK, needed(CHECK, given(broken)), needed(CHECK, given(columns)))
    assert finding.severity == "warning"
    assert f"1 column seems to change its unit: 'size' is {words} from 2024-07-" in finding.sentence
    assert abs(finding.evidence["breaks"]["size"]["n"] - LATE.sum()) < 15


def test_fahrenheit_in_a_stretch_of_time_is_named():
    columns = columns_of()
    middle = (np.arange(3000) > 1000) & (np.arange(3000) < 1500)
    columns["heat"] = np.where(middle, 1.8 * columns["heat"] + 32, columns["heat"])
    assert "'heat' is in °F where the others are in °C from 2024-04-" in run(CHECK, given(columns)).sentence


def test_a_segment_in_another_unit_is_named():
    columns = columns_of()
    columns["size"] = columns["size"] * np.where(np.asarray(columns["client"]) == "B", 1000.0, 1.0)
    finding = run(CHECK, given(columns, timed=False))
    assert "'size' is 1,000 times larger where 'client' is 'B'" in finding.sentence
    assert finding.evidence["breaks"]["size"]["value"] == "B"


def test_some_rows_in_another_unit_are_named():
    columns = columns_of()
    odd = np.random.default_rng(0).random(3000) < 0.1
    columns["size"] = columns["size"] * np.where(odd, 0.001, 1.0)
    finding = run(CHECK, given(columns, timed=False))
    assert "'size' is 1,000 times smaller in some rows (below " in finding.sentence
    assert finding.evidence["breaks"]["size"]["n"] == odd.sum()


def test_another_shape_at_ten_times_the_size_is_no_unit():
    columns = columns_of()
    rng = np.random.default_rng(0)
    columns["size"] = np.where(LATE, rng.uniform(150, 250, 3000), columns["size"])
    assert run(CHECK, given(columns)).status == "passed"


def test_segments_that_differ_by_about_a_pound_are_no_unit():
    columns = columns_of()
    young = np.asarray(columns["client"]) == "A"
    rng = np.random.default_rng(0)
    columns["age"] = np.where(young, rng.gamma(20, 1.2, 3000), rng.gamma(12, 4.3, 3000))
    assert run(CHECK, given(columns)).status == "passed"


@pytest.mark.parametrize(("digits", "status"), [(3, "fired"), (0, "passed")])
def test_whole_numbers_of_segments_differ_by_whole_factors(digits: int, status: str) -> None:
    columns = columns_of()
    miles = np.asarray(columns["client"]) == "A"
    size = np.random.default_rng(0).gamma(12, 8.0, 3000)
    columns["size"] = np.round(np.where(miles, size / 1.609344, size), digits)
    assert run(CHECK, given(columns, timed=False)).status == status


def test_the_distance_is_that_of_kolmogorov_and_smirnov():
    rng = np.random.default_rng(0)
    one, two = rng.integers(0, 50, 300) * 1.0, rng.integers(10, 60, 200) * 1.0
    assert distance(one, two) == pytest.approx(stats.ks_2samp(one, two).statistic)
