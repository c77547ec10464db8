"""FG924: more than one change at a time."""

from __future__ import annotations

from check_cases import only

from fieldguide.parts.checks.fg924_several_changes import SeveralChanges
from fieldguide.testing import check_check


def case(changes, identical=False):
    return {"plan": {"arms": {"control": {"changes": []}, "candidate": {"changes": changes}}, "identical": identical}}


def test_a_new_model_on_new_features_is_two_changes():
    finding = only(check_check(SeveralChanges(), case(["model", "features"]), case(["model"])))
    assert finding.sentence == "The arm 'candidate' changes 2 things at a time: model, features (2 changes)."
    assert finding.severity == "warning"


def test_an_identity_test_changes_nothing_at_all():
    finding = only(SeveralChanges().run(**case(["model"], identical=True)))
    assert "must be the control itself" in finding.sentence
    assert only(SeveralChanges().run(**case([], identical=True))).status == "passed"
