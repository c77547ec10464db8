"""FG316: windows that look into the future, and aggregates made of a group's own rows."""

from __future__ import annotations

import numpy as np
import pytest
from check_cases import only, problem_of, regression, roles_of, table_of

from fieldguide.parts.checks._windows import overlap
from fieldguide.parts.checks.fg316_future_windows import FutureWindows
from fieldguide.testing import check_check

N = 900
RNG = np.random.default_rng(0)
LEVEL = np.convolve(RNG.normal(size=N + 30), np.ones(12) / 3, "same")[15:-15]
SALES = 20 + 3 * LEVEL + RNG.normal(size=N)
X = RNG.normal(size=N)


def mean_of(y, before, after):
    """The mean over `before` earlier and `after` later rows, with the row itself where `after` is 0 or more."""
    found = np.full(len(y), np.nan)
    for i in range(len(y)):
        window = y[max(0, i - before) : max(0, i + after + 1)]
        found[i] = window.mean() if len(window) else np.nan
    return found


def case(truth, problem=None, times=True, groups=None, **columns):
    roles = {} if groups is None else {"shop": "group"}
    if groups is not None:
        columns = {"shop": [f"s{g}" for g in groups], **columns}
    return {
        "table": table_of(roles, **columns), "problem": problem or regression(), "truths": (np.asarray(truth),),
        "roles": roles_of(len(truth), groups, np.arange(len(truth)) * 10**9 if times else None),
    }  # fmt: skip


def found(truth, **columns):
    return only(FutureWindows().run(**case(truth, **columns)))


def test_a_centred_mean_is_left_out_and_a_trailing_one_stays():
    centred, trailing = mean_of(SALES, 3, 3), mean_of(SALES, 7, -1)
    finding = only(check_check(FutureWindows(), case(SALES, week=centred, x=X), case(SALES, week=trailing, x=X)))
    assert finding.sentence.startswith(
        "100 % of 'week' is a weighted sum of the target around its row, and earlier rows"
    )
    assert finding.evidence["exclude"] == ["week"]
    assert finding.remedy.startswith("Compute it from earlier rows only")


@pytest.mark.parametrize(("before", "after"), [(6, 0), (0, 4), (14, 15), (10, 10), (25, 25), (-1, 7)])
def test_windows_of_many_kinds(before, after):
    assert found(SALES, window=mean_of(SALES, before, after)).evidence["exclude"] == ["window"]


@pytest.mark.parametrize(("before", "after"), [(1, -1), (3, -1), (7, -1), (7, -7), (28, -1), (45, -1)])
def test_windows_that_end_before_the_row_stay(before, after):
    assert found(SALES, window=mean_of(SALES, before, after)).status == "passed"


def test_a_noisy_centred_mean_is_named():
    clear = found(SALES, window=mean_of(SALES, 3, 3) + RNG.normal(0, 0.4, N))
    assert clear.evidence["exclude"] == ["window"]
    blurred = found(SALES, window=mean_of(SALES, 3, 3) + RNG.normal(0, 0.6, N))
    assert blurred.fired and "exclude" not in blurred.evidence


def test_what_drives_the_target_stays():
    assert found(SALES, weather=LEVEL, ahead=np.roll(LEVEL, 3), noisy=LEVEL + RNG.normal(0, 0.5, N)).status == "passed"


def test_windows_within_groups():
    groups = np.arange(N) % 9
    y = SALES + 5 * groups
    window = np.zeros(N)
    for g in range(9):
        window[groups == g] = mean_of(y[groups == g], 2, 2)
    assert found(y, groups=groups, window=window).evidence["exclude"] == ["window"]


def test_a_window_of_a_binary_target():
    truth = (RNG.random(N) < 0.3).astype(int)
    assert found(truth, problem=problem_of(), rate=mean_of(truth.astype(float), 3, 3)).evidence["exclude"] == ["rate"]


def grouped(n_groups=120, per_group=8, seed=1):
    rng = np.random.default_rng(seed)
    groups = np.repeat(np.arange(n_groups), per_group)
    true = rng.normal(0, 0.5, n_groups)
    return rng, groups, true, true[groups] + rng.normal(size=len(groups))


def means(y, groups):
    return (np.bincount(groups, y) / np.bincount(groups))[groups]


@pytest.mark.parametrize("seed", range(5))
def test_a_mean_over_a_group_s_own_rows_is_left_out_and_its_true_mean_stays(seed):
    rng, groups, true, y = grouped(seed=seed)
    sealed = rng.random(len(y)) < 0.15  # the mean was made of rows that are not here, too
    kept = ~sealed
    encoded = means(y, groups)
    finding = found(y[kept], times=False, groups=groups[kept], shop_mean=encoded[kept])
    assert finding.evidence["exclude"] == ["shop_mean"]
    earlier = means(true[groups] + rng.normal(size=len(y)), groups)
    honest = found(y[kept], times=False, groups=groups[kept], true=true[groups][kept], earlier=earlier[kept])
    assert honest.status == "passed"


def test_a_target_encoding_of_a_category_is_left_out():
    _, groups, _, y = grouped(n_groups=200, per_group=5)
    rows = case(y, times=False, city=[f"c{g}" for g in groups], city_mean=2 * means(y, groups) + 1, x=y * 0 + 1)
    finding = only(FutureWindows().run(**rows))
    assert finding.evidence["exclude"] == ["city_mean"]
    assert finding.sentence.startswith(
        "'city_mean', the same in all rows of a 'city', follows the chance in these rows'"
    )


def test_the_ratio_of_a_true_mean_is_one():
    _, groups, true, y = grouped(n_groups=2_000, per_group=6)
    assert overlap(true[groups], y, groups).ratio == pytest.approx(1, abs=0.1)
    assert overlap(means(y, groups), y, groups).ratio < 1e-9
    assert overlap(y, y, groups) is None


def test_targets_of_several_classes_are_not_judged():
    problem = problem_of("multiclass", "log_loss", ("a", "b", "c"))
    assert found(RNG.integers(0, 3, N), problem=problem, x=X).status == "not_applicable"


def test_a_mean_of_groups_that_are_gone_is_found_by_its_own_values():
    rng = np.random.default_rng(3)
    groups = rng.integers(0, 150, 1500)
    y = (rng.random(1500) < rng.beta(2, 4, 150)[groups]).astype(float)
    own = np.bincount(groups, weights=y, minlength=150) / np.bincount(groups, minlength=150)
    kept = rng.random(1500) < 0.85  # explore sees the development rows of the file the mean was made from
    check = FutureWindows()
    found = check._of_itself(own[groups][kept], y[kept], 1e-6)
    assert found is not None and found.ratio < 0.4
    before = np.random.default_rng(4).beta(2, 4, 150)[groups][kept]
    assert check._of_itself(before, y[kept], 1e-6) is None
    assert check._of_itself(np.round(rng.normal(40, 12, kept.sum())), y[kept], 1e-6) is None
    twice, both = np.repeat(rng.normal(size=400), 2), np.tile([0.0, 1.0], 400)
    assert check._of_itself(twice, both, 1e-6) is None, "rows that stand twice with both labels have equal means"


def test_a_quota_in_every_group_is_followed_by_no_column():
    groups = np.repeat(np.arange(120), 4)
    chosen = np.tile([1.0, 0.0, 0.0, 0.0], 120)  # one of four, in each group: all means are alike
    income = np.random.default_rng(2).normal(size=120)[groups]
    assert overlap(income, chosen, groups) is None
    assert found(chosen, problem=problem_of(), times=False, groups=groups, income=income).status == "passed"
