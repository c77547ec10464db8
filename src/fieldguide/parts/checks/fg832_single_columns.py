"""FG832: clusters that single columns show."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

from fieldguide.core.finding import Finding, Severity
from fieldguide.parts.checks._answers import fire, not_applicable, number, passed, skipped, span


@dataclass(frozen=True)
class SingleColumns:
    """Clusters that are no more stable, and no farther apart, than those of the same columns dealt anew, each by itself.

    Formula: as FG831, with each column of the table dealt anew over the rows in place of one heap.

    Why: two values of one column make two groups, and there is nothing to discover in them: a table of that column says the same. What
    columns say together is lost when they are dealt; where nothing changes, it was nothing.

    Remedy: name the groups by the columns that make them, and ask for a clustering without these columns.

    Source: reference data of independent columns: Tibshirani, Walther, Hastie (2001), "Estimating the number of clusters in a data set
    via the gap statistic".

    Needs: facts (structure: stability).
    """

    name: ClassVar[str] = "fg832_single_columns"
    code: ClassVar[str] = "FG832"
    title: ClassVar[str] = "Clusters that single columns show"
    step: ClassVar[str] = "finalize"
    severity: ClassVar[Severity] = "warning"

    def run(self, *, facts: Mapping[str, Any]) -> list[Finding]:
        steady = (facts.get("structure") or {}).get("stability")
        if steady is None:
            return [not_applicable(self, "The task is no clustering.")]
        if steady["verdict"] == "none":
            return [skipped(self, "There are no clusters to ask about.")]
        if "dealt" not in steady:
            return [not_applicable(self, "The table has one column: there is nothing that others could add.")]
        real, dealt = steady["real"], steady["dealt"]
        said = (
            f"two fits agree to {number(real['value'])} {span(real['interval'])}, with columns dealt anew to {number(dealt['value'])} "
            f"{span(dealt['interval'])}; {steady['title']} {number(real['score'])} and {number(dealt['score'])}"
        )
        if steady["verdict"] == "clusters":
            return [passed(self, f"Columns group rows together as none does alone: {said}.", evidence=steady)]
        remedy = "Name the groups by the columns that make them, and cluster without these columns if anything else is looked for."
        return [fire(self, f"The clusters are those of single columns: {said}.", remedy, evidence=steady)]
