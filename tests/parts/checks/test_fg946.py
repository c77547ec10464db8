"""FG946: logged propensities are not those that were used."""

from __future__ import annotations

from check_cases import only

from fieldguide.parts.checks.fg946_propensities_wrong import PropensitiesWrong
from fieldguide.testing import check_check


def case(mean, error=0.005):
    return {"off_policy": {"mean_weight": mean, "mean_weight_error": error}}


def test_weights_that_do_not_average_one_fire():
    finding = only(check_check(PropensitiesWrong(), case(0.8), case(1.01)))
    assert (
        finding.sentence
        == "The weights average 0.8 instead of 1 (standard error 0.005): the logged propensities are wrong."
    )


def test_noise_is_no_proof():
    assert only(PropensitiesWrong().run(**case(0.8, 0.1))).status == "passed"
