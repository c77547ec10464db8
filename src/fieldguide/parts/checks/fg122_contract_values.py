"""FG122: cells outside the range, the categories or the kind that the contract promises."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from fieldguide.core.finding import Finding, Severity
from fieldguide.parts.checks._answers import count, fire, number, passed, percent
from fieldguide.parts.checks._contract import Held, features, held


@dataclass(frozen=True)
class ContractValues:
    """Cells that the contract rules out: beyond `range`, not among `categories`, or a column of another `kind`.

    Formula: known cells below the lowest or above the highest value, or whose text is no category; the declared
    default is allowed. A column whose kind was detected as another one is read as the declared kind first.

    Why: an impossible value is an error of the source or a changed meaning; a model extrapolates from it without a word.

    Remedy: correct the cells at the source, or widen the promise under a new version.

    Needs: contract.
    """

    name: ClassVar[str] = "fg122_contract_values"
    code: ClassVar[str] = "FG122"
    title: ClassVar[str] = "Values that the contract rules out"
    step: ClassVar[str] = "frame"
    severity: ClassVar[Severity] = "warning"

    @held
    def run(self, *, contract: Held) -> list[Finding]:
        findings = []
        for feature in features(contract):
            name, outside, unknown = feature["column"], feature["outside"], feature["unknown"]
            if (
                feature["declared_kind"] not in (None, feature["kind"])
                and feature["kind"] not in ("constant", "empty")
                and feature["role"] != "key"
            ):
                sentence = f"{name!r} is a {feature['kind']} in the table's {contract['n_rows']:,} rows, and a {feature['declared_kind']} in the contract."
                remedy = f"Declare how it is read under data.columns.{name}, or correct its kind in contract.yaml."
                findings.append(fire(self, sentence, remedy, columns=[name], evidence={"kind": feature["kind"]}))
            if outside is not None and outside["n"]:
                low, high = (number(end) if isinstance(end, float) else end or "open" for end in feature["range"])
                where = ", ".join(f"row {row}: {value}" for row, value in zip(outside["rows"][:3], outside["values"]))
                sentence = f"{count(outside['n'], 'cell')} of {name!r} ({percent(outside['n'] / max(1, contract['n_rows']))}) lie outside [{low}, {high}] ({where})."
                remedy = "Correct them at the source, or widen the range in contract.yaml."
                findings.append(fire(self, sentence, remedy, columns=[name], evidence=dict(outside)))
            if unknown is not None and unknown["n"]:
                levels = ", ".join(map(repr, unknown["levels"][:4])) + (" …" if unknown["n_levels"] > 4 else "")
                sentence = f"{count(unknown['n'], 'cell')} of {name!r} ({percent(unknown['n'] / max(1, contract['n_rows']))}) hold no category of the contract: {levels}."
                remedy = "Correct them at the source, or add the category to contract.yaml."
                findings.append(fire(self, sentence, remedy, columns=[name], evidence=dict(unknown)))
        told = sum(f["outside"] is not None or f["unknown"] is not None for f in features(contract))
        return findings or [
            passed(self, f"Every cell of the {count(told, 'feature')} with a range or categories is within them.")
        ]
