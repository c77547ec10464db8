"""FG831: there are no clusters here."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

from fieldguide.core.finding import Finding, Severity
from fieldguide.parts.checks._answers import fire, not_applicable, number, passed, span


@dataclass(frozen=True)
class NoClusters:
    """Clusters that are no more stable, and no farther apart, than one heap without any would be cut into.

    Formula: eight times the development rows are halved, each half is grouped by itself, and both groupings of the sealed rows are
    compared by the adjusted Rand index; the metric is taken of each. The same is done with normal rows of the same covariance. It fires
    unless real rows are above those by 0.03 and by 2.58 standard errors of the eight, in one of the two.

    Why: every method returns clusters, from noise as well. Those of one heap are an accident of the sample, or its longest side cut
    through.

    Remedy: do not act on these groups. Look for columns that part rows, or treat the rows as one population.

    Source: Lange, Roth, Braun, Buhmann (2004), "Stability-based validation of clustering solutions"; one heap as the rival: Tibshirani,
    Walther, Hastie (2001), "Estimating the number of clusters in a data set via the gap statistic".

    Needs: facts (structure: stability).
    """

    name: ClassVar[str] = "fg831_no_clusters"
    code: ClassVar[str] = "FG831"
    title: ClassVar[str] = "No clusters"
    step: ClassVar[str] = "finalize"
    severity: ClassVar[Severity] = "error"

    def run(self, *, facts: Mapping[str, Any]) -> list[Finding]:
        steady = (facts.get("structure") or {}).get("stability")
        if steady is None:
            return [not_applicable(self, "The task is no clustering.")]
        real, heap = steady["real"], steady["heap"]
        said = (
            f"two fits agree on {steady['n_judged']:,} sealed rows to {number(real['value'])} {span(real['interval'])}, on one heap to "
            f"{number(heap['value'])} {span(heap['interval'])}; {steady['title']} {number(real['score'])}, of one heap {number(heap['score'])}"
        )
        if steady["verdict"] != "none":
            return [passed(self, f"Rows are grouped as one heap would not be: {said}.", evidence=steady)]
        remedy = "Do not act on these groups: look for columns that part rows, or treat them as one population."
        return [fire(self, f"There are no clusters here: {said}.", remedy, evidence=steady)]
