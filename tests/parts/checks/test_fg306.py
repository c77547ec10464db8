"""FG306: a column that gives the target away."""

from __future__ import annotations

import numpy as np
from check_cases import only, problem_of, regression, table_of

from fieldguide.parts.checks.fg306_giveaway import Giveaway
from fieldguide.testing import check_check

RNG = np.random.default_rng(0)
TRUTH = RNG.integers(0, 2, 400)
NOISE = RNG.normal(size=400)


def case(strengths, problem=None, truth=TRUTH, **columns):
    profile = {"associations": {"sold": [{"column": name, "explained": value} for name, value in strengths.items()]}}
    table = table_of(**columns) if columns else table_of(**dict.fromkeys(strengths, NOISE))
    return {"table": table, "problem": problem or problem_of(), "truths": (truth,), "profile": profile}


def test_a_column_that_tells_nearly_all_is_proposed_to_be_ignored():
    finding = only(check_check(Giveaway(), case({"paid": 0.99, "x": 0.2}), case({"x": 0.3, "y": 0.2})))
    assert finding.sentence == "'paid' alone explains 99 % of 'sold'."
    assert finding.severity == "warning"
    assert finding.evidence["propose"] == {"paid": "ignore"}
    assert finding.remedy == "If it is not known before the outcome, set data.columns.paid: ignore."


def test_a_column_filled_in_after_the_outcome_is_named():
    boat = [float(i) if one else None for i, one in enumerate(TRUTH)]
    finding = only(Giveaway().run(**case({"boat": 0.9, "x": 0.2}, boat=boat, x=NOISE)))
    assert finding.sentence == "Whether 'boat' is filled in explains 100 % of 'sold'."


def test_a_presence_that_goes_with_a_value_is_named():
    price = np.where(TRUTH == 1, 100.0, 10.0) + NOISE
    sold_at = [float(i) if one else None for i, one in enumerate(TRUTH)]
    strengths = {"sold_at": 0.9, "x": 0.2}
    finding = only(Giveaway().run(**case(strengths, regression(), price, sold_at=sold_at, x=NOISE)))
    assert finding.sentence == "Whether 'sold_at' is filled in explains 99.9 % of 'sold'."


def test_several_columns_are_named():
    finding = only(Giveaway().run(**case({"paid": 0.99, "refund": 0.98})))
    assert finding.sentence == "'paid' alone explains 99 % of 'sold'; 'refund' alone explains 98 % of 'sold'."
    assert finding.remedy.startswith("If they are not known before the outcome")


def test_the_target_in_another_unit_is_named():
    price = np.exp(RNG.normal(size=400))
    finding = only(Giveaway().run(**case({"log": 0.8, "x": 0.2}, regression(), price, log=np.log(price), x=NOISE)))
    assert finding.sentence == "'log' has the same order as 'sold' (rank correlation 1.0000)."


def test_a_column_that_stands_out_is_a_hint():
    finding = only(Giveaway().run(**case({"hour": 0.7, "x": 0.1})))
    assert finding.severity == "info"
    assert finding.sentence == "'hour' alone explains 70 % of 'sold', and the next column, 'x', 10 %."


def test_an_only_column_is_no_hint():
    assert only(Giveaway().run(**case({"hour": 0.7}))).status == "passed"
