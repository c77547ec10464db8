"""FG809: do the weak slices that were found stay weak on the sealed rows?"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

from fieldguide.core.errors import listed
from fieldguide.core.finding import Finding, Severity
from fieldguide.core.problem import Problem
from fieldguide.parts.checks._answers import count, fire, not_applicable, passed
from fieldguide.parts.checks._weak import told_slice


@dataclass(frozen=True)
class SlicesHold:
    """Slices found weak on validation rows, judged once more on sealed rows by the model that ships.

    Formula: for each slice found (FG706) the gap `score of the rest - score of the slice` on sealed rows, with its 95 %
    bootstrap interval over blocks; it holds where the interval lies above 0. A slice found for its bias holds where
    the interval of its mean error lies on the same side of 0. Nothing is searched here.

    Why: these rows took no part in finding the slices, and the model that answers is the refitted one.

    Remedy: treat slices that hold as known limits of the model: write them on its card, and watch them.

    Needs: problem, facts (weak_slices: [{name, output, why, n, holds, value, interval, gap, bias, ratio, ratio_interval}]).
    """

    name: ClassVar[str] = "fg809_slices_hold"
    code: ClassVar[str] = "FG809"
    title: ClassVar[str] = "Weak slices on sealed rows"
    step: ClassVar[str] = "finalize"
    severity: ClassVar[Severity] = "info"

    def run(self, *, problem: Problem, facts: Mapping[str, Any]) -> list[Finding]:
        found = facts.get("weak_slices") or []
        if not found or problem.output.metric is None:
            return [not_applicable(self, "No weak slice was found on validation rows.")]
        holds = [part for part in found if part["holds"]]
        unsure = sum(part["holds"] is None for part in found)
        said = f"{count(len(found), 'weak slice')} found on validation rows"
        evidence: dict[str, Any] = {"holds": [p["name"] for p in holds], "n_found": len(found), "n_unsure": unsure}
        if not holds:
            return [passed(self, f"None of {said} is clearly weak on sealed rows.", evidence=evidence)]
        told = [told_slice({**part, "as_promised": False}, problem) for part in holds]
        if len(problem.outputs) > 1:
            evidence["outputs"] = [part.get("output") for part in holds]
        return [
            fire(
                self,
                f"{len(holds)} of {said} {'is' if len(holds) == 1 else 'are'} weak on sealed rows too: {listed(told, 3)}.",
                "Write them on the model's card, watch them after deployment, and decide whether the model may answer there.",
                evidence=evidence,
            )
        ]
