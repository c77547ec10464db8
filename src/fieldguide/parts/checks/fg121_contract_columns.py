"""FG121: columns and the contract that names them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from fieldguide.core.errors import nearest
from fieldguide.core.finding import Finding, Severity
from fieldguide.parts.checks._answers import count, fire, names, passed
from fieldguide.parts.checks._contract import Held, held


@dataclass(frozen=True)
class ContractColumns:
    """Features that contract.yaml promises and the table does not have, and columns that reach a model without a contract.

    Formula: the names under `features` against the columns of the table and those that reach a model.

    Why: a promised column that is gone is a feature that serving will miss; a column nobody wrote down has no owner,
    no unit and no version, so nobody notices when it changes.

    Remedy: rename or remove the entry, ask the source for the column, or add what the column means to contract.yaml.

    Needs: contract: what `fieldguide features` found, or None.
    """

    name: ClassVar[str] = "fg121_contract_columns"
    code: ClassVar[str] = "FG121"
    title: ClassVar[str] = "Columns without a contract, contracts without a column"
    step: ClassVar[str] = "frame"
    severity: ClassVar[Severity] = "error"

    @held
    def run(self, *, contract: Held) -> list[Finding]:
        gone = [feature["column"] for feature in contract["features"] if not feature["present"]]
        spare = list(contract["uncontracted"])
        findings = []
        if gone:
            hint = nearest(gone[0], spare) if len(gone) == 1 else ""
            sentence = f"contract.yaml promises {count(len(gone), 'feature')} that the table does not have: {names(gone)}{hint}."
            remedy = "Ask the source for the column, or correct its name in contract.yaml, or remove it there."
            findings.append(fire(self, sentence, remedy, columns=gone, evidence={"missing": gone}))
        if spare:
            sentence = f"{count(len(spare), 'column')} that {'reaches' if len(spare) == 1 else 'reach'} a model {'stands' if len(spare) == 1 else 'stand'} in no contract: {names(spare)}."
            remedy = "Say in contract.yaml what they mean, or leave them out by data.columns.<name>: ignore."
            findings.append(fire(self, sentence, remedy, severity="info", columns=spare, evidence={"spare": spare}))
        n = len(contract["features"])
        return findings or [
            passed(self, f"Each of the {count(n, 'feature')} of the contract is a column, and none is left over.")
        ]
