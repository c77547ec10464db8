"""FG702: optimism of the search."""

from __future__ import annotations

import pytest
from check_cases import bench_of, only, regression

from fieldguide.parts.checks.fg702_optimism import Optimism
from fieldguide.testing import check_check


def case(value, gain, n=12, problem=None, bar=0.9):
    sign = 1 if problem is None else -1
    only_boosting = {
        "candidate": "boosting",
        "kind": "boosting",
        "scores": [{"value": bar}],
        "difference": {"value": 0.0},
    }
    best = {
        "candidate": "ensemble",
        "kind": "ensemble",
        "scores": [{"value": bar + sign * gain}],
        "difference": {"value": 7.0},
    }
    found = {"value": value, "n": n, "metric": "roc_auc"}
    facts = {"optimism": found, "chosen": "ensemble", "entries": [best, only_boosting]}
    return {"bench": bench_of(problem), "facts": facts}


def test_optimism_that_is_half_of_the_gain():
    finding = only(check_check(Optimism(), case(0.002, 0.004), case(0.0001, 0.004)))
    assert finding.sentence == (
        "Choosing the best of 12 candidates makes its validation roc_auc look better by about 0.002: 50 % of "
        "the gain of 0.004 over the best baseline."
    )
    assert finding.evidence["share"] == pytest.approx(0.5)


def test_optimism_above_the_gain():
    assert "more than the whole gain of 0.001" in only(Optimism().run(**case(0.002, 0.001))).sentence


def test_smaller_may_be_better():
    assert only(Optimism().run(**case(0.002, 0.004, problem=regression()))).evidence["gain"] == pytest.approx(0.004)


def test_silences():
    assert only(Optimism().run(**case(0.0, 0.1, n=1))).status == "not_applicable"
    assert only(Optimism().run(**case(None, 0.1))).status == "skipped"
    assert only(Optimism().run(**case(0.01, -0.1))).status == "passed"
