"""The tail probabilities of the checks are those of scipy.stats, which they do not import."""

from __future__ import annotations

import sys

import numpy as np
import pytest

from fieldguide.parts.checks import _along, fg320_missing_not_at_random, fg324_relation_drift, fg326_label_noise

stats = pytest.importorskip("scipy.stats")


def test_chi_square_has_the_p_value_of_the_contingency_test() -> None:
    rng = np.random.default_rng(0)
    for strength in (0.0, 0.1, 0.6):
        one = rng.integers(0, 3, 400)
        two = np.where(rng.random(400) < strength, one, rng.integers(0, 4, 400))
        p, v = _along.chi_square(one, two)
        expected = stats.chi2_contingency(np.histogram2d(one, two, (3, 4))[0], correction=False)
        assert p == pytest.approx(expected.pvalue, rel=1e-9)
        assert 0 <= v <= 1


def test_a_difference_of_means_has_the_p_value_of_a_chi_squared_z() -> None:
    rng = np.random.default_rng(1)
    groups = rng.random(300) < 0.3
    y = rng.normal(size=(300, 1)) + 0.3 * groups[:, None]
    inside, outside = y[groups, 0], y[~groups, 0]
    within = (inside.var() * len(inside) + outside.var() * len(outside)) / 298
    z2 = (inside.mean() - outside.mean()) ** 2 / (within * (1 / len(inside) + 1 / len(outside)))
    assert fg320_missing_not_at_random._f_test(groups, y, 1.0) == pytest.approx(stats.chi2.sf(z2, 1), rel=1e-9)


@pytest.mark.parametrize("n", [2, 5, 24])
def test_the_width_of_an_interval_is_students(n: int) -> None:
    assert fg324_relation_drift._t(n) == pytest.approx(stats.t.ppf(0.975, n - 1), rel=1e-12)


@pytest.mark.parametrize(("k", "n"), [(0, 50), (1, 50), (7, 300), (50, 50)])
def test_the_lower_bound_of_a_share_is_clopper_and_pearsons(k: int, n: int) -> None:
    found = fg326_label_noise._lower(k, n)
    assert found == pytest.approx(stats.binomtest(k, n).proportion_ci(0.998, "exact").low, rel=1e-9)


@pytest.mark.parametrize(("expected", "contradicted"), [(1.0, True), (3.0, False)])
def test_errors_of_sure_predictions_are_counted_against_poisson(expected: float, contradicted: bool) -> None:
    sure = np.full(100, 1 - expected / 100)
    wrong = np.arange(100) < 11
    assert (stats.poisson.sf(10, expected) < 1e-6) == contradicted
    assert fg326_label_noise._contradicted(wrong, sure, 1.0) == contradicted


def test_no_check_of_explore_imports_scipy_stats_by_name() -> None:
    import re
    from pathlib import Path

    folder = Path(sys.modules[_along.__name__].__file__ or "").parent
    named = [
        file.name for file in folder.glob("*.py") if re.search(r"from scipy import stats|scipy\.stats", _code(file))
    ]
    assert named == []


def _code(file) -> str:
    return "\n".join(line.partition("#")[0] for line in file.read_text().splitlines())
