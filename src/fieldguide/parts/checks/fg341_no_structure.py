"""FG341: do columns say anything together?"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

from fieldguide.core.finding import Finding, Severity
from fieldguide.parts.checks._answers import count, fire, not_applicable, passed, percent


@dataclass(frozen=True)
class NoStructure:
    """Of a task without a target: the columns have nothing to do with each other, so that there is little to group or to reduce.

    Formula: the share of the variance along the first principal axis of the development rows, against the 95 % quantile of the same
    share after each column was dealt anew by itself, twenty times. It fires where the share is not above it.

    Why: clusters and maps live on what columns say together. Where they say nothing together, any clustering cuts a heap, and any map
    loses all but its own columns.

    Remedy: look for columns that describe the same thing from several sides, or ask for something that has a target. Clusters that are
    not along straight axes are not seen here: `finalize` asks again, by stability.

    Source: Horn (1965), "A rationale and test for the number of factors in factor analysis" (parallel analysis).

    Needs: space (shares, dealt_95, beyond, n_columns).
    """

    name: ClassVar[str] = "fg341_no_structure"
    code: ClassVar[str] = "FG341"
    title: ClassVar[str] = "Columns that have nothing to do with each other"
    step: ClassVar[str] = "explore"
    severity: ClassVar[Severity] = "warning"

    def run(self, *, space: Mapping[str, Any]) -> list[Finding]:
        if space["n_columns"] < 2:
            return [not_applicable(self, "There is one column only.")]
        first, dealt, n = space["shares"][0], space["dealt_95"][0], space["beyond"]
        evidence = {"share": first, "dealt_95": dealt, "beyond": n}
        if n:
            return [
                passed(
                    self,
                    f"{count(n, 'principal axis', 'principal axes')} hold more variance than dealt columns would.",
                    evidence,
                )
            ]
        sentence = (
            f"The {space['n_columns']:,} columns have nothing to do with each other along straight axes: the first principal axis holds {percent(first)} of "
            f"the variance, and up to {percent(dealt)} after each column was dealt anew."
        )
        remedy = "Look for columns that describe the same thing from several sides; believe clusters only where finalize finds them stable."
        return [fire(self, sentence, remedy, evidence=evidence)]
