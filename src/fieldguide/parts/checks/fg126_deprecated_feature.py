"""FG126: a deprecated feature that still reaches a model."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from fieldguide.core.finding import Finding, Severity
from fieldguide.parts.checks._answers import count, fire, passed
from fieldguide.parts.checks._contract import Held, features, held


@dataclass(frozen=True)
class DeprecatedFeature:
    """A feature that the contract deprecates and that still reaches a model.

    Formula: columns with `deprecated` that are used as features.

    Why: a deprecated column will stop; a model that leans on it stops with it.

    Remedy: use what replaces it and set `data.columns.<name>: ignore`.

    Needs: contract.
    """

    name: ClassVar[str] = "fg126_deprecated_feature"
    code: ClassVar[str] = "FG126"
    title: ClassVar[str] = "Deprecated features in use"
    step: ClassVar[str] = "frame"
    severity: ClassVar[Severity] = "warning"

    @held
    def run(self, *, contract: Held) -> list[Finding]:
        findings = []
        there = {feature["column"] for feature in features(contract)}
        for feature in features(contract):
            deprecated, name = feature["deprecated"], feature["column"]
            if deprecated is None or not feature["used"]:
                continue
            since = f" since {deprecated['since']}" if deprecated["since"] else ""
            instead = deprecated["replaced_by"]
            ready = (
                ""
                if instead is None
                else f"; {instead!r} replaces it and {'is in the table' if instead in there else 'is not in the table yet'}"
            )
            sentence = f"{name!r} (version {feature['version']}) is deprecated{since} and reaches a model{ready}."
            remedy = f"Set data.columns.{name}: ignore" + (
                f" and use {instead}." if instead in there else " before it stops."
            )
            findings.append(fire(self, sentence, remedy, columns=[name], evidence=dict(deprecated)))
        n = sum(feature["deprecated"] is not None for feature in contract["features"])
        return findings or [passed(self, f"None of {count(n, 'deprecated feature')} reaches a model.")]
