"""Sticky assignment: shares as planned, the same for ever, only the boundary moves."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fieldguide.core.errors import ConfigError
from fieldguide.core.online.assignment import Allocation, explores, point
from fieldguide.core.statistics.sample_ratio import sample_ratio


def test_shares_are_dealt_as_planned():
    shares = {"control": 0.7, "candidate": 0.2, "explore": 0.1}
    dealt = Allocation("spring", shares).deal(range(30_000))
    counts = {arm: dealt.count(arm) for arm in shares}
    assert sum(counts.values()) == 30_000
    assert sample_ratio(counts, shares).p > 0.001


@given(st.one_of(st.text(), st.integers()), st.text())
def test_a_unit_stays_where_it_is(unit, salt):
    deal = Allocation(salt, {"control": 0.5, "candidate": 0.5})
    assert deal(unit) == deal(unit) == Allocation(salt, {"control": 0.5, "candidate": 0.5})(str(unit))
    assert 0 <= point(unit, salt) < 1


def test_from_forward_to_back_only_the_boundary_moves():
    forward = Allocation("s", {"control": 0.99, "candidate": 0.01}).deal(range(20_000))
    back = Allocation("s", {"control": 0.01, "candidate": 0.99}).deal(range(20_000))
    assert {b for f, b in zip(forward, back) if f == "candidate"} == {"candidate"}
    assert {f for f, b in zip(forward, back) if b == "control"} == {"control"}


def test_another_salt_deals_anew():
    one, other = (np.array(Allocation(salt, {"a": 0.5, "b": 0.5}).deal(range(4_000))) == "a" for salt in "xy")
    assert abs(np.corrcoef(one, other)[0, 1]) < 0.05


def test_what_shares_leave_is_in_no_arm_and_thirds_leave_nothing():
    dealt = Allocation("s", {"a": 0.1, "b": 0.1}).deal(range(2_000))
    assert 0.7 < dealt.count(None) / 2_000 < 0.9
    assert None not in Allocation("s", dict.fromkeys("abc", 1 / 3)).deal(range(5_000))


def test_a_share_ends_before_its_end():
    at = point("u", "s")
    assert Allocation("s", {"a": at, "b": 1 - at})("u") == "b"
    assert Allocation("s", {"a": np.nextafter(at, 1), "b": 0.1})("u") == "a"


def test_exploring_says_nothing_of_the_arm():
    arm = np.array(Allocation("s", {"a": 0.5, "b": 0.5}).deal(range(20_000))) == "a"
    drawn = np.array([explores(i, "s", 0.1) for i in range(20_000)])
    assert drawn.mean() == pytest.approx(0.1, abs=0.01)
    assert arm[drawn].mean() == pytest.approx(0.5, abs=0.05)


@pytest.mark.parametrize("shares", [{}, {"a": 0.0}, {"a": 0.7, "b": 0.7}, {"a": float("nan")}, {"a": -0.1}])
def test_shares_that_cannot_be_dealt_are_refused(shares):
    with pytest.raises(ConfigError, match="cannot be dealt"):
        Allocation("s", shares)
