"""FG121: columns without a contract, contracts without a column."""

from __future__ import annotations

from check_cases import only
from contract_cases import FULL, held

from fieldguide.parts.checks.fg121_contract_columns import ContractColumns
from fieldguide.testing import check_check


def test_a_promised_column_that_is_not_there():
    spelled = {"aeg": {}, "pay": {}, "city": {}}
    gone, spare = check_check(ContractColumns(), {"contract": held(spelled)}, {"contract": held()})
    assert (
        gone.sentence == "contract.yaml promises 1 feature that the table does not have: 'aeg' (did you mean 'age'?)."
    )
    assert gone.severity == "error" and gone.columns == ("aeg",)
    assert spare.sentence == "1 column that reaches a model stands in no contract: 'age'." and spare.severity == "info"


def test_columns_nobody_wrote_down():
    finding = only(ContractColumns().run(contract=held({"age": {}})))
    assert finding.sentence == "2 columns that reach a model stand in no contract: 'pay', 'city'."


def test_without_a_contract_there_is_nothing_to_say():
    finding = only(ContractColumns().run(contract=None))
    assert finding.status == "not_applicable"
    assert finding.sentence == "There is no contract.yaml: nothing is promised of the columns."
    assert only(ContractColumns().run(contract=held(FULL))).status == "passed"
