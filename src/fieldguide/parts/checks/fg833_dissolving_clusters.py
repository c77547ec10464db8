"""FG833: clusters that other rows do not find again."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

from fieldguide.core.finding import Finding, Severity
from fieldguide.core.settings import setting
from fieldguide.parts.checks._answers import count, fire, not_applicable, number, passed, skipped


@dataclass(frozen=True)
class DissolvingClusters:
    """Clusters that fits on half of the rows do not find again.

    Formula: for each cluster the Jaccard index (rows in both / rows in either) of the likest cluster of a fit on half of the development
    rows, over the sealed rows, averaged over sixteen fits. It fires below 0.6.

    Why: a clustering may be stable on the whole while one of its groups is an accident. Nobody should be treated as its member.

    Remedy: join it with a neighbour by asking for fewer clusters, or use the stable ones only.

    Source: Hennig (2007), "Cluster-wise assessment of cluster stability": below 0.6 a cluster is not to be trusted, from 0.75 on valid.

    Needs: facts (structure: clusters, stability).
    """

    name: ClassVar[str] = "fg833_dissolving_clusters"
    code: ClassVar[str] = "FG833"
    title: ClassVar[str] = "Clusters that dissolve"
    step: ClassVar[str] = "finalize"
    severity: ClassVar[Severity] = "warning"

    least: float = setting(0.6, "Jaccard index below which a cluster dissolves")

    def run(self, *, facts: Mapping[str, Any]) -> list[Finding]:
        steady = (facts.get("structure") or {}).get("stability")
        if steady is None:
            return [not_applicable(self, "The task is no clustering.")]
        if steady["verdict"] == "none":
            return [skipped(self, "There are no clusters to ask about.")]
        found = steady["jaccard"]
        weak = {name: value for name, value in found.items() if value < self.least}
        if not weak:
            return [
                passed(
                    self,
                    f"Each of {count(len(found), 'cluster')} is found again by fits on half of the rows.",
                    evidence=found,
                )
            ]
        said = ", ".join(f"cluster {name} ({number(value)})" for name, value in weak.items())
        sentence = f"{count(len(weak), 'cluster')} of {len(found):,} dissolve{'s' if len(weak) == 1 else ''} in fits on half of the rows: {said}; 1 is found again fully."
        return [fire(self, sentence, "Ask for fewer clusters, or act on the stable ones only.", evidence=found)]
