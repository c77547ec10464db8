"""FG303: outliers and heavy tails."""

from __future__ import annotations

import numpy as np
from check_cases import only, profile_of, table_of

from fieldguide.parts.checks.fg303_heavy_tails import HeavyTails
from fieldguide.testing import check_check

RNG = np.random.default_rng(0)
NORMAL = table_of(x=RNG.normal(size=2_000), kind=["a", "b"] * 1_000)


def test_a_heavy_tail_is_named():
    tail = table_of(pay=np.exp(2 * RNG.normal(size=2_000)), x=RNG.normal(size=2_000))
    finding = only(check_check(HeavyTails(), {"profile": profile_of(tail)}, {"profile": profile_of(NORMAL)}))
    assert finding.columns == ("pay",)
    assert "1 column of numbers has a heavy tail: 'pay'" in finding.sentence


def test_one_far_value_is_named():
    far = table_of(x=[*RNG.normal(size=1_999), 9_999.0])
    assert "up to 9,999" in only(HeavyTails().run(profile=profile_of(far))).sentence


def test_few_outliers_that_are_not_very_far_pass():
    few = table_of(x=[*RNG.normal(size=1_999), 14.0])
    assert only(HeavyTails().run(profile=profile_of(few))).status == "passed"


def test_a_flag_has_no_tail():
    flag = table_of(x=[0.0] * 900 + [1.0] * 100)
    assert only(HeavyTails().run(profile=profile_of(flag))).status == "passed"


def test_categories_have_no_tails():
    assert only(HeavyTails().run(profile=profile_of(table_of(kind=["a", "b"])))).status == "not_applicable"
