"""FG312: columns written after the outcome, and the honest strong columns that are not."""

from __future__ import annotations

import numpy as np
import pytest
from check_cases import only, problem_of
from leak_cases import events, explored, features, handed

from fieldguide.parts.checks._leaks import never, tie
from fieldguide.parts.checks.fg312_after_the_outcome import AfterTheOutcome
from fieldguide.testing import check_check

N = 2_000
RNG = np.random.default_rng(0)
X = features(N)
EVENT = events(X)
AMOUNT = RNG.gamma(2.0, 50.0, N).round(2) + 1
CHECK = AfterTheOutcome()


def case(truth, **columns):
    return handed(explored(truth, **columns), CHECK)


def found(truth, **columns):
    return only(CHECK.run(**case(truth, **columns)))


def test_an_amount_that_is_0_until_the_outcome_is_left_out():
    refund = np.where(EVENT & (RNG.random(N) < 0.8), AMOUNT, 0.0)
    finding = only(check_check(CHECK, case(EVENT, refund=refund, **X), case(EVENT, **X)))
    assert finding.sentence.startswith("Where 'refund' is not 0, 'sold' is 'yes' in 100 % of ")
    assert finding.sentence.endswith("'refund' is left out of every model.")
    assert finding.evidence["exclude"] == ["refund"]
    assert finding.remedy == "Nothing, unless it is known before the outcome; then set data.columns.refund: feature."


def test_a_date_that_is_filled_in_afterwards_is_left_out():
    days = np.datetime64("2024-01-01", "us") + RNG.integers(0, 300, N).astype("timedelta64[D]")
    finding = found(EVENT, closed=[day if event else None for day, event in zip(days.tolist(), EVENT)], **X)
    assert finding.sentence.startswith("Where 'closed' is filled in, 'sold' is 'yes' in 100 % of ")


def test_a_reason_that_only_one_class_has_is_left_out():
    reason = [str(RNG.choice(["price", "service"])) if event else "none" for event in EVENT]
    assert found(EVENT, reason=reason, **X).evidence["exclude"] == ["reason"]


def test_two_such_columns_do_not_excuse_each_other():
    columns = {name: np.where(EVENT & (RNG.random(N) < 0.97), AMOUNT, 0.0) for name in ("refund", "fee")}
    assert set(found(EVENT, **columns, **X).evidence["exclude"]) == {"refund", "fee"}


def test_a_column_filled_in_for_one_of_three_classes():
    truth = RNG.integers(0, 3, N)
    rows = explored(
        truth, problem_of("multiclass", "log_loss", ("a", "b", "c")),
        ward=[1.0 * RNG.random() if one == 2 else None for one in truth], **X,
    )  # fmt: skip
    finding = only(CHECK.run(**handed(rows, CHECK)))
    assert "'sold' is 'c' in 100 %" in finding.sentence and finding.evidence["exclude"] == ["ward"]


def test_a_value_that_is_0_exactly_when_the_target_is():
    paid = np.where(EVENT, AMOUNT, 0.0)
    finding = found(paid, approved=np.where(EVENT, 1.0 + RNG.integers(0, 4, N), 0.0), **X)
    assert "'sold' is not 0 in 100 %" in finding.sentence


def test_a_presence_that_goes_with_a_value():
    price = np.where(EVENT, 100.0, 10.0) + RNG.normal(0, 25, N)
    finding = found(price, sold_at=[float(i) if one else None for i, one in enumerate(EVENT)], **X)
    assert finding.sentence.startswith("Whether 'sold_at' is filled in explains 7")
    assert "exclude" not in finding.evidence


def test_too_good_beside_what_the_rest_explains_is_left_out():
    finding = found(EVENT, z=3.0 * EVENT + RNG.normal(0, 0.8, N), **X)
    assert "'z' alone explains" in finding.sentence.replace("Z", "z")
    assert finding.evidence["exclude"] == ["z"]


def test_a_strong_column_named_like_the_end_is_left_out_and_one_not_so_named_is_a_warning():
    z = 1.9 * EVENT + RNG.normal(0, 0.8, N)
    named, plain = found(EVENT, duration=z, **X), found(EVENT, z=z, **X)
    assert named.evidence["exclude"] == ["duration"] and "named like something known at the end" in named.sentence
    assert "named like" not in plain.sentence
    assert plain.evidence.get("exclude", ["z"]) == ["z"], (
        "left out where it rules a class out and carries eight times the rest"
    )


def test_the_only_column_that_tells_anything_stays():
    finding = found(X["x0"] * 4 + RNG.normal(size=N) > 0, **X)
    assert "exclude" not in finding.evidence and finding.severity == "warning"


def test_other_columns_named_alike_are_asked_about():
    refund = np.where(EVENT, AMOUNT, 0.0)
    finding = found(EVENT, refund=refund, length_of_stay=RNG.gamma(2.0, 3.0, N), **X)
    assert finding.remedy.endswith("Ask the same of 'length_of_stay', which the name puts at the end too.")


@pytest.mark.parametrize("seed", range(4))
def test_gaps_zeros_and_levels_that_have_nothing_to_do_with_the_class_pass(seed):
    rng = np.random.default_rng(seed)
    columns = {
        "gap": [None if r < 0.5 else float(v) for r, v in zip(rng.random(N), rng.normal(size=N))],
        "zero": np.where(rng.random(N) < 0.7, 0.0, rng.gamma(2.0, 10.0, N)),
        "level": rng.choice(["a", "b", "c"], N),
        "refund": rng.normal(size=N),
    }
    assert found(EVENT, **columns, **X).status == "passed"


def test_a_common_class_that_a_value_implies_is_no_tie():
    """No visit, no purchase: true of nearly all rows anyway."""
    rare = RNG.random(N) < 0.05
    visits = np.where(rare, 1.0 + RNG.poisson(2.0, N), RNG.poisson(1.0, N).astype(float))
    rows = explored(rare, visits=visits, **X)
    assert tie(rows["table"].frame["visits"], rows["truths"][0], rows["problem"].output) is None


def test_the_rows_where_the_rarest_class_is_never_seen():
    truth = np.repeat([1, 0, 0, 0], 500)
    rows = explored(truth, place=np.arange(N, dtype=float))
    share = never(rows["table"].frame["place"], truth, rows["problem"].output)
    assert share == pytest.approx(0.75, abs=0.01)
    seldom = np.where(np.arange(N) % 10 == 0, 1, truth * 0)
    assert never(rows["table"].frame["place"], seldom, rows["problem"].output) == 0


def test_a_value_that_only_some_of_one_class_have_is_no_tie():
    half = EVENT | (RNG.random(N) < 0.3)
    rows = explored(EVENT, zero=np.where(half, AMOUNT, 0.0), **X)
    assert tie(rows["table"].frame["zero"], rows["truths"][0], rows["problem"].output) is None
