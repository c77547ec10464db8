"""FG921: does one system give the same scores through both paths?"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

from fieldguide.core.finding import Finding, Severity
from fieldguide.parts.checks._answers import count, fire, not_applicable, number, passed, percent


@dataclass(frozen=True)
class ScoresDiffer:
    """In an A/A test the same requests get different scores through the two paths, though the system is one.

    Formula: |s - s'| / (1 + |s|) above 1e-6, for every request that was asked of both paths; and scores that only one path gives.

    Why: a new code path that alters a score would be taken for a better or worse model. Equality is certain knowledge and needs
    no statistics, which is why it comes first.

    Remedy: mend the path before any model is compared. Where the unequal requests share a level of one column, begin with how that
    column is read there.

    Needs: judged (identity: {n, n_unequal, largest, where, example}, or None).
    """

    name: ClassVar[str] = "fg921_scores_differ"
    code: ClassVar[str] = "FG921"
    title: ClassVar[str] = "Two paths give different scores"
    step: ClassVar[str] = "experiment"
    severity: ClassVar[Severity] = "error"

    def run(self, *, judged: Mapping[str, Any]) -> list[Finding]:
        found = judged.get("identity")
        if not found:
            return [not_applicable(self, "No request was asked of both paths.")]
        if not found["n_unequal"]:
            return [passed(self, f"All {count(found['n'], 'score')} are equal through both paths.", {"n": found["n"]})]
        where = found["where"]
        lies = ""
        if where is not None:
            lies = f"; {percent(where['share_of_unequal'])} of them lie where {where['column']!r} is {where['level']}"
        sentence = f"{found['n_unequal']:,} of {found['n']:,} scores differ between the paths, by {number(found['largest'])} at most{lies}."
        columns = () if where is None else (where["column"],)
        remedy = "Mend the new path before any model is compared: this is a fault of engineering."
        return [fire(self, sentence, remedy, columns=columns, evidence={**found, "example": found["example"]})]
