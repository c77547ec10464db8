"""FG125: a changed definition without a new version."""

from __future__ import annotations

from check_cases import only
from contract_cases import FULL, accepted, held

from fieldguide.parts.checks.fg125_changed_definition import ChangedDefinition
from fieldguide.testing import check_check


def test_a_unit_that_was_rewritten():
    agreed = accepted()
    new = {**FULL, "age": {"unit": "months", "version": 2}}
    finding = only(check_check(
        ChangedDefinition(), {"contract": held({**FULL, "age": {"unit": "months"}}, agreed=agreed)},
        {"contract": held({**new, "pay": {"version": 1}}, agreed=accepted({**FULL, "age": {"unit": "months", "version": 2}}))},
    ))  # fmt: skip
    assert finding.sentence == "The definition of 'age' changed within version 1: unit ('years' before, 'months' now)."
    assert finding.remedy == "Set version: 2 in contract.yaml and accept it, or undo the change."
    assert finding.severity == "error"


def test_other_words_are_a_warning_and_better_spelling_nothing():
    agreed = accepted({"age": {"meaning": "age at application"}})
    run = ChangedDefinition().run
    finding = only(run(contract=held({"age": {"meaning": "age today"}}, agreed=agreed)))
    assert finding.severity == "warning"
    assert only(run(contract=held({"age": {"meaning": "Age at  application."}}, agreed=agreed))).status == "passed"
