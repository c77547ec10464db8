"""FG315: codes written as numbers, and categories that stand for a group."""

from __future__ import annotations

import numpy as np
import pytest
from check_cases import only, problem_of, roles_of, table_of

from fieldguide.parts.checks.fg315_memorising_ids import MemorisingIds
from fieldguide.testing import check_check

N = 600
RNG = np.random.default_rng(0)
TRUTH = RNG.integers(0, 2, N)
GROUP = np.repeat(np.arange(60), 10)
OF_GROUP = (RNG.random(60) < 0.5)[GROUP]
GROUPED = np.where(RNG.random(N) < 0.85, OF_GROUP, ~OF_GROUP).astype(int)


def case(truth=TRUTH, groups=None, **columns):
    roles = {} if groups is None else {"group": "group"}
    if groups is not None:
        columns["group"] = [f"g{g}" for g in groups]
    n = len(truth)
    return {
        "table": table_of(roles, **columns), "problem": problem_of(), "roles": roles_of(n, groups), "truths": (truth,),
    }  # fmt: skip


PHONE = RNG.integers(600_000_000, 700_000_000, N).astype(float)


def test_a_phone_number_is_named():
    finding = only(check_check(MemorisingIds(), case(phone=PHONE), case(size=RNG.lognormal(10, 1, N).round())))
    assert finding.sentence == (
        "'phone' is a code written as a number: whole, of one length, and different in 95 % of 600 rows or more."
    )
    assert finding.remedy == "Set data.columns.phone: ignore, or put in its place what it stands for."
    assert finding.evidence["propose"] == {"phone": "ignore"}


@pytest.mark.parametrize(
    "values",
    [
        PHONE + 0.5,  # a measurement
        PHONE.round(-1),  # rounded to tens
        RNG.integers(1_600_000_000, 1_700_000_000, N).astype(float),  # seconds since 1970
        RNG.integers(1_000, 100_000, N).astype(float),  # of several lengths
        RNG.choice(PHONE[:50], N),  # few and often
        RNG.integers(1_000, 2_000, N).astype(float),  # short
    ],
)
def test_other_numbers_are_no_codes(values):
    assert only(MemorisingIds().run(**case(x=values))).status == "passed"


def test_a_category_that_stands_for_the_group_is_named():
    shop = [f"shop {g}" for g in GROUP]
    finding = only(MemorisingIds().run(**case(GROUPED, GROUP, shop=shop)))
    assert finding.columns == ("shop",)
    assert finding.sentence.startswith("'shop' stands for the group: 'shop' (60 levels) explains ")
    assert finding.sentence.endswith("0 % in new ones.")
    assert finding.evidence["groups"]["shop"]["inside"] > 0.3


def test_a_category_of_groups_that_tells_nothing_of_the_target_passes():
    assert only(MemorisingIds().run(**case(TRUTH, GROUP, shop=[f"shop {g}" for g in GROUP]))).status == "passed"


def test_a_category_that_many_groups_share_passes():
    kind = [f"kind {g % 25}" for g in GROUP]
    assert only(MemorisingIds().run(**case(GROUPED, GROUP, kind=kind))).status == "passed"


def test_without_groups_a_category_is_left_to_other_checks():
    assert only(MemorisingIds().run(**case(GROUPED, shop=[f"shop {g}" for g in GROUP]))).status == "passed"


def test_few_rows_are_not_judged():
    assert only(MemorisingIds().run(**case(TRUTH[:50], x=PHONE[:50]))).status == "not_applicable"
