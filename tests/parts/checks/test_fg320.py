"""FG320: missing not at random."""

from __future__ import annotations

import numpy as np
import pytest
from along_cases import columns_of, given, needed, run, target_of
from scipy import stats

from fieldguide.parts.checks._along import chi_square, explained
from fieldguide.parts.checks.fg320_missing_not_at_random import MissingNotAtRandom
from fieldguide.testing import check_check

CHECK = MissingNotAtRandom()


def holes(chance: np.ndarray, seed: int = 5) -> list[float | None]:
    gone = np.random.default_rng(seed).random(len(chance)) < chance
    return [None if g else 1.0 for g in gone]


def test_cells_missing_with_the_target_are_named():
    columns = columns_of()
    truth = target_of(columns)
    case = given({**columns, "holes": holes(np.where(truth == 1, 0.4, 0.15))}, truth)
    (finding,) = check_check(CHECK, needed(CHECK, case), needed(CHECK, given(columns, truth)))
    assert finding.severity == "info"
    assert finding.sentence.startswith("1 column is missing for a reason: 'holes' with the target 'sold' (")
    assert "'yes' where it is missing" in finding.sentence
    assert finding.evidence["tests"][0]["with"] == "target"


def test_a_strong_tie_to_the_target_is_a_warning():
    columns = columns_of()
    truth = target_of(columns)
    case = given({**columns, "holes": holes(np.where(truth == 1, 0.7, 0.1))}, truth)
    assert run(CHECK, case).severity == "warning"


def test_cells_missing_in_one_segment_are_named():
    columns = columns_of()
    case = given({**columns, "holes": holes(np.where(np.asarray(columns["client"]) == "B", 0.7, 0.05))})
    finding = run(CHECK, case)
    assert "'holes' with 'client' (" in finding.sentence and "where it is 'B'" in finding.sentence


def test_cells_missing_along_time_are_named():
    columns = columns_of()
    case = given({**columns, "holes": holes(np.linspace(0, 0.6, 3000))})
    assert "'holes' along 'day' (between" in run(CHECK, case).sentence


def test_a_table_without_holes_has_nothing_to_test():
    columns = columns_of()
    columns.pop("holes")
    assert run(CHECK, given(columns)).sentence == "No column has 30 missing and 30 known cells."


def test_the_numbers_are_those_of_the_references():
    rng = np.random.default_rng(3)
    one, two = rng.integers(0, 2, 500), rng.integers(0, 4, 500)
    one = np.where(rng.random(500) < 0.2, two % 2, one)
    counts = np.zeros((2, 4))
    np.add.at(counts, (one, two), 1)
    reference = stats.chi2_contingency(counts, correction=False)
    p, v = chi_square(one, two)
    assert p == pytest.approx(reference.pvalue)
    excess = reference.statistic / 500 - 3 / 499  # (2 - 1) (4 - 1) degrees of freedom
    assert v == pytest.approx(np.sqrt(max(0, excess)))
    y = rng.normal(size=500) + one
    f = stats.f_oneway(*(y[one == k] for k in (0, 1))).statistic
    assert explained(one, y[:, None]) == pytest.approx((f - 1) / (f + 498))  # Kelley's epsilon squared
