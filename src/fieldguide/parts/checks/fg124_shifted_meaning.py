"""FG124: a column that means something else than when its version was accepted."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from fieldguide.core.finding import Finding, Severity
from fieldguide.parts.checks._answers import count, fire, passed, skipped
from fieldguide.parts.checks._contract import Held, features, held


@dataclass(frozen=True)
class ShiftedMeaning:
    """A column whose values are of another unit, another default or another code than when its version was accepted.

    Formula: against the fingerprint that `fieldguide features --accept` kept of the same version. Unit: the largest
    distance D between the two distribution functions is beyond 0.12 and beyond chance (1 in 10,000), and D falls to a
    third, and to what chance explains, after a change of unit (x·a, x·a + b, a logarithm …). Default: a value that at
    least 2 % of the known cells have, that hardly any had, and that stands apart from the others or is a spike among
    them, or that took the place of missing cells. Coding: levels that went pair with levels that came by their share
    and by the means of other columns beside them, or the same levels changed places. Rounding: 99 % of the values
    need fewer decimals than half of them did. A change that no cause explains is drift, and not told here.

    Why: nothing fails when a unit changes. The model answers as before, and every answer is wrong.

    Remedy: raise `version` in contract.yaml and run `fieldguide features --accept` once the change is meant; else
    repair the source. While both are needed, keep both columns with `version_of`.

    Source: Kolmogorov 1933 and Smirnov 1948 (two samples); Kuhn 1955 (assignment).

    Needs: contract.
    """

    name: ClassVar[str] = "fg124_shifted_meaning"
    code: ClassVar[str] = "FG124"
    title: ClassVar[str] = "A shifted meaning without a new version"
    step: ClassVar[str] = "frame"
    severity: ClassVar[Severity] = "error"

    @held
    def run(self, *, contract: Held) -> list[Finding]:
        compared = [feature for feature in features(contract) if "shifts" in feature]
        if not compared:
            return [
                skipped(self, "No version was accepted yet: fieldguide features FOLDER --accept keeps its fingerprint.")
            ]
        findings = []
        for feature in compared:
            for shift in feature["shifts"]:
                name, version = feature["column"], feature["version"]
                sentence = f"{name!r} changed its {shift['what']} within version {version}: {shift['sentence']}."
                remedy = f"Repair the source of {name}, or raise its version in contract.yaml and accept it."
                severity: Severity = "error" if shift["sure"] else "warning"
                evidence = {"what": shift["what"], "version": version, **shift["evidence"]}
                findings.append(fire(self, sentence, remedy, severity=severity, columns=[name], evidence=evidence))
        return findings or [
            passed(self, f"{count(len(compared), 'feature')} mean what they meant when they were accepted.")
        ]
