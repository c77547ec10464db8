"""FG836: a map that hides most of the rows."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

from fieldguide.core.finding import Finding, Severity
from fieldguide.core.settings import setting
from fieldguide.parts.checks._answers import fire, not_applicable, number, passed, percent


@dataclass(frozen=True)
class MapHides:
    """Few numbers that neither rebuild the rows nor keep their neighbours.

    Formula: on the sealed rows, the share of the variance that is rebuilt is below 0.5, and trustworthiness or continuity below 0.85.

    Why: a map is looked at as if it were the rows. Where most of them is lost, groups and gaps on it may be its own.

    Remedy: keep more numbers (problem.components), or do not read the map.

    Source: Venna and Kaski (2001), "Neighborhood preservation in nonlinear projection methods".

    Needs: facts (structure: kept, n_components, n_axes).
    """

    name: ClassVar[str] = "fg836_map_hides"
    code: ClassVar[str] = "FG836"
    title: ClassVar[str] = "A map that hides most"
    step: ClassVar[str] = "finalize"
    severity: ClassVar[Severity] = "warning"

    rebuilt: float = setting(0.5, "share of the variance below which rows are not rebuilt")
    near: float = setting(0.85, "trustworthiness and continuity below which neighbours are not kept")

    def run(self, *, facts: Mapping[str, Any]) -> list[Finding]:
        structure = facts.get("structure") or {}
        if structure.get("task") != "reduction":
            return [not_applicable(self, "The task is no reduction.")]
        kept = {line["metric"]: line["value"] for line in structure["kept"]}
        said = (
            f"{structure['n_components']:,} of {structure['n_axes']:,} numbers rebuild {percent(kept['reconstruction'])} of the sealed rows' variance; "
            f"trustworthiness {number(kept['trustworthiness'])}, continuity {number(kept['continuity'])}"
        )
        lost = kept["reconstruction"] < self.rebuilt and min(kept["trustworthiness"], kept["continuity"]) < self.near
        if not lost:
            return [passed(self, f"{said}.", evidence=kept)]
        remedy = f"Keep more than {structure['n_components']:,} numbers (problem.components), or do not read groups and gaps off the map."
        return [fire(self, f"The map hides most of the rows: {said}.", remedy, evidence=kept)]
