"""FG601: the overfit check."""

from __future__ import annotations

import pytest
from check_cases import only

from fieldguide.parts.checks.fg601_overfit import OverfitCheck
from fieldguide.testing import check_check

REACHED = {
    "reached": True,
    "loss": 0.01,
    "start": 0.69,
    "floor": 0.0,
    "rows": 64,
    "diagnosis": "",
    "sentence": "The network drives the loss of 64 rows from 0.69 to 0.01.",
}
STUCK = {
    **REACHED,
    "reached": False,
    "loss": 0.6,
    "diagnosis": "learning rate",
    "sentence": "The loss stays at 0.6 (of 0.69); with 10 times less it falls.",
}


def test_a_network_that_cannot_overfit_is_marked_failed():
    finding = only(
        check_check(OverfitCheck(), {"facts": {"overfit": {"mlp": STUCK}}}, {"facts": {"overfit": {"mlp": REACHED}}})
    )
    assert finding.sentence == (
        "mlp failed the overfit check (learning rate). The loss stays at 0.6 (of 0.69); with 10 times less it falls."
    )
    assert finding.severity == "warning"
    assert "learning rate" in finding.remedy


def test_each_network_is_judged():
    findings = OverfitCheck().run(facts={"overfit": {"mlp": REACHED, "tabm": STUCK}})
    assert [finding.status for finding in findings] == ["passed", "fired"]


@pytest.mark.parametrize(
    "diagnosis, words",
    [
        ("labels", "different targets"),
        ("scale", "Scale the inputs"),
        ("capacity", "width"),
        ("near", "Nothing is wrong with the network"),
        ("unknown", "no single cause"),
    ],
)
def test_remedies_follow_the_diagnosis(diagnosis, words):
    finding = only(OverfitCheck().run(facts={"overfit": {"mlp": {**STUCK, "diagnosis": diagnosis}}}))
    assert words in finding.remedy


def test_labels_that_no_network_can_tell_apart_are_a_note():
    tied = {**STUCK, "diagnosis": "labels", "floor": 0.5}
    assert only(OverfitCheck().run(facts={"overfit": {"mlp": tied}})).severity == "info"
    near = {**STUCK, "diagnosis": "near"}
    assert only(OverfitCheck().run(facts={"overfit": {"mlp": near}})).severity == "info"


def test_without_a_network_there_is_nothing_to_check():
    assert only(OverfitCheck().run(facts={"overfit": {}})).status == "not_applicable"
