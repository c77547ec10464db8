"""FG372: does a rule read what is not known when it must decide?"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

from fieldguide.core.finding import Finding, Severity
from fieldguide.parts.checks._answers import count, fire, passed


@dataclass(frozen=True)
class LateRule:
    """A rule reads a column that is not known at prediction time.

    Formula: the columns the rules read, and those that derived ones among them are computed from, held against what the study
    knows to come later: columns that explore found to give a target away, events under `proxies`, `data.known_at`, and the
    column of the true decision.

    Why: such a rule is judged on rows where the cell is filled, and decides on rows where it is not. The score is that of
    another rule than the one in use.

    Remedy: decide by the predicted signal in its place, or say `feature` for the column under data.columns where it is known
    in time after all.

    Source: Kaufman, Rosset, Perlich & Stitelman (2012), Leakage in Data Mining, ACM TKDD 6(4).

    Needs: facts (later: [{column, why}], rules).
    """

    name: ClassVar[str] = "fg372_late_rule"
    code: ClassVar[str] = "FG372"
    title: ClassVar[str] = "Rules that read the future"
    step: ClassVar[str] = "rules"
    severity: ClassVar[Severity] = "error"

    def run(self, *, facts: Mapping[str, Any]) -> list[Finding]:
        if not facts["later"]:
            return [passed(self, "No rule reads a column that is known to come later.")]
        told = "; ".join(f"{entry['column']!r}: {entry['why']}" for entry in facts["later"])
        columns = [entry["column"] for entry in facts["later"]]
        return [
            fire(
                self, f"The rules read {count(len(columns), 'column')} that cannot be known at prediction time ({told}).",
                "Decide by the predicted signal in its place, or say `feature` for it under data.columns if it is known in time.",
                columns=columns, evidence={"later": facts["later"]},
            )
        ]  # fmt: skip
