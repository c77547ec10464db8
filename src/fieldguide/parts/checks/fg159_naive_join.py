"""FG159: a join that reads the future."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

from fieldguide.core.finding import Finding, Severity
from fieldguide.parts.checks._answers import fire, passed


@dataclass(frozen=True)
class NaiveJoin:
    """A join whose filter by time was turned off.

    Formula: `join.known_only: false`.

    Why: features then read what happened, or was known, after the prediction time; often the outcome itself. No score of
    such a table holds after deployment. It is there to show what a naive join would have promised.

    Remedy: remove `join.known_only`.

    Needs: joined.
    """

    name: ClassVar[str] = "fg159_naive_join"
    code: ClassVar[str] = "FG159"
    title: ClassVar[str] = "Features that read the future"
    step: ClassVar[str] = "join"
    severity: ClassVar[Severity] = "error"

    def run(self, *, joined: Mapping[str, Any]) -> list[Finding]:
        if joined["known_only"]:
            return [passed(self, "Features read only what was known before the prediction time.")]
        after = sum(table["n_after"] for table in joined["tables"])
        sentence = (
            f"join.known_only is off: features read all events of an entity, {after:,} of them at or after its last prediction "
            "time. No score of this table holds after deployment."
        )
        return [fire(self, sentence, "Remove join.known_only.", evidence={"n_after": after})]
