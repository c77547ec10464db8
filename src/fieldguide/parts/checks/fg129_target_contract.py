"""FG129: the definition of the target, and the rows a new one makes stale."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

from fieldguide.core.finding import Finding, Severity
from fieldguide.parts.checks._answers import count, fire, not_applicable, passed, percent
from fieldguide.parts.checks._contract import Held, held, moved


@dataclass(frozen=True)
class TargetContract:
    """A definition of the target that changed, with or without a new version, and the rows it makes stale.

    Formula: definition, expression and grouping, and what the study makes of them (task, positive label, labels,
    transform), against the last acceptance. Stale are rows whose label is not what the expression or the grouping
    gives; where neither can be computed, rows before `since`, rows of the groups whose members changed, or all.
    Each label is compared with its own definition; nothing is related to it.

    Why: a model trained on two definitions at once learns neither, and the score mixes them.

    Remedy: raise `version` when the definition changes; relabel or leave out the stale rows, which
    `stale_rows.parquet` names when there are more than 1,000; then run `fieldguide features --accept`.

    Needs: contract.
    """

    name: ClassVar[str] = "fg129_target_contract"
    code: ClassVar[str] = "FG129"
    title: ClassVar[str] = "The definition of the target"
    step: ClassVar[str] = "frame"
    severity: ClassVar[Severity] = "error"

    @held
    def run(self, *, contract: Held) -> list[Finding]:
        if not contract["targets"]:
            return [not_applicable(self, "The contract does not define the target.")]
        findings = [finding for target in contract["targets"] for finding in self._of(target)]
        n = len(contract["targets"])
        return findings or [
            passed(self, f"{count(n, 'target')} {'is' if n == 1 else 'are'} labelled as the contract defines.")
        ]

    def _of(self, target: Mapping[str, Any]) -> list[Finding]:
        name, version, stale, n = target["name"], target["version"], target["stale"], max(1, target["n_rows"])
        evidence = {"stale": dict(stale), "changed": target["changed"] or target["changed_since"], **target["kept"]}
        rows = f"{count(stale['n'], 'row')} of {n:,} ({percent(stale['n'] / n)})"
        keeps = "; ".join(target["kept"].get("keep", ()))
        kept = f" Kept: {keeps}." if keeps else ""
        if target["changed"]:
            sentence = f"The definition of {name!r} changed within version {version}: {moved(target['changed'])}."
            if stale["n"]:
                sentence = f"{sentence[:-1]}; {rows} are stale, because {stale['why']}."
            remedy = f"Set version: {version + 1} in contract.yaml, or undo the change."
            return [fire(self, sentence, remedy, columns=[name], evidence=evidence)]
        if target["changed_since"] and not target["accepted"]:
            what = f"{name!r} has a new definition, version {version} after {target['earlier']}"
            about = f"{rows} are stale, because {stale['why']}" if stale["n"] else f"0 of {n:,} rows are stale"
            remedy = (
                "Relabel or leave out the stale rows, then accept the version." if stale["n"] else "Accept the version."
            )
            return [
                fire(self, f"{what}: {about}.{kept}", remedy, severity="warning", columns=[name], evidence=evidence)
            ]
        if stale["n"]:
            known = " They were accepted so." if stale["known"] else ""
            sentence = f"{rows} are labelled against version {version} of {name!r}, because {stale['why']}.{known}"
            remedy = "Relabel or leave out these rows, or correct the definition."
            return [
                fire(self, sentence, remedy, severity="info" if known else "warning", columns=[name], evidence=evidence)
            ]
        return []
