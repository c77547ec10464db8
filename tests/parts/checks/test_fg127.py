"""FG127: features used before they are available."""

from __future__ import annotations

import pytest
from check_cases import only
from contract_cases import held, people

from fieldguide.parts.checks.fg127_late_feature import LateFeature
from fieldguide.testing import check_check


@pytest.mark.parametrize(
    ("available", "spoken"), [("+2d", "2 days"), ("1w", "7 days"), ("+90m", "90 minutes"), ("+1s", "1 second")]
)
def test_a_late_column_that_reaches_a_model(available, spoken):
    said = {"pay": {"available": available}}
    quiet = held(said, table=people(roles={"pay": "ignore"}))
    finding = only(check_check(LateFeature(), {"contract": held(said)}, {"contract": quiet}))
    assert (
        finding.sentence
        == f"'pay' reaches a model and is available {available}, {spoken} after the prediction is made."
    )
    assert finding.evidence["exclude"] == ["pay"]


def test_earlier_is_in_time():
    assert only(LateFeature().run(contract=held({"pay": {"available": "-1d"}}))).status == "passed"
