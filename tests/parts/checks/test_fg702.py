"""FG702: optimism of the search."""

from __future__ import annotations

import pytest
from check_cases import only

from fieldguide.parts.checks.fg702_optimism import Optimism
from fieldguide.testing import check_check


def case(value, gain, n=12):
    entries = [{"candidate": "trial 7", "difference": {"value": gain}}]
    return {
        "facts": {"optimism": {"value": value, "n": n, "metric": "roc_auc"}, "chosen": "trial 7", "entries": entries}
    }


def test_optimism_that_is_half_of_the_gain():
    finding = only(check_check(Optimism(), case(0.002, 0.004), case(0.0001, 0.004)))
    assert finding.sentence == (
        "Choosing the best of 12 candidates makes its validation roc_auc look better by about 0.002: 50 % of "
        "the gain of 0.004 over the best baseline."
    )
    assert finding.evidence["share"] == pytest.approx(0.5)


def test_optimism_above_the_gain():
    assert "more than the whole gain of 0.001" in only(Optimism().run(**case(0.002, 0.001))).sentence


def test_silences():
    assert only(Optimism().run(**case(0.0, 0.1, n=1))).status == "not_applicable"
    assert only(Optimism().run(**case(None, 0.1))).status == "skipped"
    assert only(Optimism().run(**case(0.01, -0.1))).status == "passed"
