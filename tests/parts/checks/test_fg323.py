"""FG323: drift of features along time."""

from __future__ import annotations

import numpy as np
import pytest
from along_cases import columns_of, given, needed, run

from fieldguide.parts.checks._along import binned, periods, stability, timelike
from fieldguide.parts.checks.fg323_drift import Drift
from fieldguide.testing import check_check

CHECK = Drift()


def test_a_column_that_moves_for_good_is_a_warning_with_its_date():
    columns = columns_of()
    moved = {**columns, "size": columns["size"] * np.where(np.arange(3000) > 2000, 2.0, 1.0)}
    (finding,) = check_check(CHECK, needed(CHECK, given(moved)), needed(CHECK, given(columns)))
    assert finding.severity == "warning"
    assert finding.columns == ("size",)
    assert "2024-07-1" < finding.evidence["drift"]["size"]["from"] < "2024-08-1"
    assert finding.sentence.startswith("1 column drifts along 'day': 'size' (index 1.")


def test_a_season_is_a_note():
    columns = columns_of()
    columns["heat"] = columns["heat"] + 12 * np.sin(4 * np.pi * np.arange(3000) / 3000 * 0.9)
    finding = run(CHECK, given(columns))
    assert (finding.severity, finding.columns) == ("info", ("heat",))


def test_a_counter_and_a_year_tell_the_time_and_do_not_drift():
    columns = columns_of()
    columns["counter"] = np.arange(3000.0)
    columns["year"] = np.repeat(["2023", "2024"], 1500)
    finding = run(CHECK, given(columns))
    assert finding.status == "passed"
    assert finding.evidence["tell_the_time"] == 2


def test_months_that_run_through_the_file_stand_in_for_a_date():
    columns = columns_of()
    columns["month"] = np.repeat(["may", "jun", "jul", "aug", "oct", "jan"], 500)
    columns["size"] = columns["size"] * np.where(np.arange(3000) > 2000, 2.0, 1.0)
    finding = run(CHECK, given(columns, timed=False))
    assert "in the file's order, which follows 'month': 'size' (index" in finding.sentence
    shuffled = {
        name: np.random.default_rng(0).permutation(np.asarray(cells))
        for name, cells in columns.items()
        if name != "holes"
    }
    assert run(CHECK, given(shuffled, timed=False)).sentence == "No column tells the time of a row."


def test_the_index_is_its_formula():
    rng = np.random.default_rng(0)
    one, two = rng.integers(0, 5, 4000), rng.choice(5, 4000, p=[0.4, 0.3, 0.1, 0.1, 0.1])
    p, q = (np.bincount(side, minlength=5) / 4000 for side in (one, two))
    assert stability(one, two, 5) == pytest.approx(float(((q - p) * np.log(q / p)).sum()), abs=0.004)
    alike = [stability(rng.integers(0, 10, 400), rng.integers(0, 10, 400), 10) for _ in range(50)]
    assert np.mean(alike) < 0.02


def test_bins_and_periods_keep_equal_values_together():
    rng = np.random.default_rng(0)
    values = rng.integers(0, 40, 1000).astype(float)
    codes, period = binned(values), periods(np.sort(values).astype(np.int64), 7)
    assert all(len(np.unique(codes[values == v])) == 1 for v in range(40))
    assert all(len(np.unique(period[np.sort(values) == v])) == 1 for v in range(40))
    assert timelike(np.sort(values), period) and not timelike(values, period)
