"""FG125: a definition that was rewritten under the same version."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from fieldguide.core.finding import Finding, Severity
from fieldguide.parts.checks._answers import count, fire, passed, skipped
from fieldguide.parts.checks._contract import Held, features, held, moved


@dataclass(frozen=True)
class ChangedDefinition:
    """A feature whose definition in contract.yaml is another one than was accepted under the same version.

    Formula: meaning, unit, kind, default, availability, source and the expression of `data.derive`, against the last
    acceptance of that version. Case, spaces and a final full stop do not count, nor does an entry that was blank.
    An error where the unit, the kind, the default or the expression changed; a warning where only words did.

    Why: a model that was trained under one definition is served under another, and nothing says so.

    Remedy: raise `version`, and run `fieldguide features --accept`; or undo the change.

    Needs: contract.
    """

    name: ClassVar[str] = "fg125_changed_definition"
    code: ClassVar[str] = "FG125"
    title: ClassVar[str] = "A changed definition without a new version"
    step: ClassVar[str] = "frame"
    severity: ClassVar[Severity] = "error"

    @held
    def run(self, *, contract: Held) -> list[Finding]:
        accepted = [feature for feature in features(contract) if feature["accepted"]]
        if not accepted:
            return [
                skipped(self, "No version was accepted yet: fieldguide features FOLDER --accept keeps its definition.")
            ]
        findings = []
        for feature in accepted:
            if feature["changed"]:
                name, version = feature["column"], feature["version"]
                sentence = f"The definition of {name!r} changed within version {version}: {moved(feature['changed'])}."
                remedy = f"Set version: {version + 1} in contract.yaml and accept it, or undo the change."
                severity: Severity = "warning" if feature["only_words"] else "error"
                findings.append(
                    fire(
                        self,
                        sentence,
                        remedy,
                        severity=severity,
                        columns=[name],
                        evidence={"changed": dict(feature["changed"])},
                    )
                )
        return findings or [passed(self, f"{count(len(accepted), 'feature')} are defined as they were accepted.")]
