"""FG602: does the network earn its place?"""

from __future__ import annotations

import pytest
from check_cases import bench_of, only, problem_of

from fieldguide.parts.checks.fg602_earns_its_place import EarnsItsPlace
from fieldguide.testing import check_check


def case(low, high, success=0.01):
    found = {"network": "tabm", "bar": "boosting", "value": (low + high) / 2, "interval": [low, high]}
    return {"bench": bench_of(problem_of(success=success)), "facts": {"difference": found}}


def test_a_network_that_is_worse_does_not_earn_its_place():
    finding = only(check_check(EarnsItsPlace(), case(-0.03, -0.01), case(0.02, 0.04)))
    assert finding.sentence == (
        "The network does not earn its place: tabm is worse than boosting by 0.02 (difference [−0.03, −0.01]), "
        "and 0.01 is worth shipping."
    )
    assert finding.remedy == "Ship the baseline (boosting), unless refine finds more."


@pytest.mark.parametrize(
    "low, high, success, verdict",
    [
        (0.02, 0.04, 0.01, "yes"),
        (0.001, 0.04, 0.01, "cannot tell"),
        (0.001, 0.009, 0.01, "no"),
        (0.001, 0.04, 0.0, "yes"),
        (-0.01, 0.04, 0.0, "cannot tell"),
        (-0.04, 0.0, 0.0, "no"),
        (None, None, 0.0, "cannot tell"),
    ],
)
def test_verdicts(low, high, success, verdict):
    found = {"network": "tabm", "bar": "boosting", "value": 0.01, "interval": [low, high]}
    finding = only(EarnsItsPlace().run(bench=bench_of(problem_of(success=success)), facts={"difference": found}))
    assert finding.evidence["verdict"] == verdict
    assert finding.fired == (verdict != "yes")


def test_without_a_network_there_is_no_verdict():
    assert only(EarnsItsPlace().run(bench=bench_of(), facts={"difference": None})).status == "not_applicable"
