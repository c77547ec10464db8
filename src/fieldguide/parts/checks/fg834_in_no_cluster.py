"""FG834: rows that are in no cluster."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

from fieldguide.core.finding import Finding, Severity
from fieldguide.core.settings import setting
from fieldguide.parts.checks._answers import fire, not_applicable, passed, percent


@dataclass(frozen=True)
class InNoCluster:
    """Many sealed rows that the chosen clustering puts into no cluster.

    Formula: sealed rows without a cluster / all sealed rows. It fires above 0.3.

    Why: methods that know noise are right to leave rows out, and a silhouette counts them 0. What is then said of clusters is said of
    the rest only.

    Remedy: decide what happens to rows without a group, or ask for k-means (learners.use), which gives every row one.

    Source: standard.

    Needs: facts (structure: none, n_clusters).
    """

    name: ClassVar[str] = "fg834_in_no_cluster"
    code: ClassVar[str] = "FG834"
    title: ClassVar[str] = "Rows in no cluster"
    step: ClassVar[str] = "finalize"
    severity: ClassVar[Severity] = "warning"

    most: float = setting(0.3, "share of rows in no cluster from which it is told")

    def run(self, *, facts: Mapping[str, Any]) -> list[Finding]:
        structure = facts.get("structure") or {}
        if structure.get("task") != "clustering":
            return [not_applicable(self, "The task is no clustering.")]
        share = structure["none"]
        if share <= self.most:
            return [passed(self, f"{percent(share)} of the sealed rows are in no cluster.", evidence={"share": share})]
        remedy = "Say what happens to rows without a group, or use kmeans (learners.use), which gives every row one."
        return [
            fire(self, f"{percent(share)} of the sealed rows are in no cluster.", remedy, evidence={"share": share})
        ]
