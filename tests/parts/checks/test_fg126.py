"""FG126: deprecated features in use."""

from __future__ import annotations

from check_cases import only
from contract_cases import held, people

from fieldguide.parts.checks.fg126_deprecated_feature import DeprecatedFeature
from fieldguide.testing import check_check

SAID = {"age": {"deprecated": {"since": "2024-06-01", "replaced_by": "pay"}}, "pay": {}}


def test_a_deprecated_column_that_reaches_a_model():
    ignored = people(roles={"age": "ignore"})
    finding = only(check_check(DeprecatedFeature(), {"contract": held(SAID)}, {"contract": held(SAID, table=ignored)}))
    assert finding.sentence == (
        "'age' (version 1) is deprecated since 2024-06-01 and reaches a model; 'pay' replaces it and is in the table."
    )
    assert finding.remedy == "Set data.columns.age: ignore and use pay."
