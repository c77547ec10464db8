"""FG343: what do derived columns save in rows?"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

from fieldguide.core.errors import listed
from fieldguide.core.finding import Finding, Severity
from fieldguide.parts.checks._answers import count, fire, not_applicable, passed, percent
from fieldguide.parts.checks._facts import ends, real


@dataclass(frozen=True)
class DerivedWorth:
    """A derived column spares rows: with it, fewer of them reach the same score.

    Formula: learning curves of a quick boosting at an eighth, a quarter, a half and all of the training rows, with the
    column and without it. `saved = 1 - exp(mean over repeats of ln(rows with / rows without))` at the same score; it
    counts where its 95 % interval (Student's t over six repeats, their variance corrected for shared rows) lies above 0.

    Why: a good feature is knowledge that need not be learned from rows. Told in rows, its worth can be weighed against
    the cost of collecting them.

    Remedy: keep what saves rows. What saves none only lengthens the feature contract: leave it out, unless it reads well.

    Source: Nadeau & Bengio (2003), Inference for the Generalization Error.

    Needs: profile (derived: {columns: [{column, saves, interval, rows_with, rows_without}]}; absent without derived columns).
    """

    name: ClassVar[str] = "fg343_derived_worth"
    code: ClassVar[str] = "FG343"
    title: ClassVar[str] = "What derived columns save"
    step: ClassVar[str] = "explore"
    severity: ClassVar[Severity] = "info"

    def run(self, *, profile: Mapping[str, Any]) -> list[Finding]:
        found = [c for c in (profile.get("derived") or {}).get("columns", ()) if c.get("saves") is not None]
        if not found:
            return [not_applicable(self, "No column is derived (data.derive), or there are too few rows.")]
        saving = [c for c in found if ends(c["interval"])[0] > 0]
        rest = [c["column"] for c in found if c not in saving]
        evidence = {"saves": {c["column"]: [c["saves"], *c["interval"]] for c in found}}
        if not saving:
            said = (
                f"None of {count(len(found), 'derived column')} is shown to save rows: {listed(map(_told, found), 3)}."
            )
            return [passed(self, said, evidence=evidence)]
        return [
            fire(
                self,
                _capital(f"{listed(map(_told, saving), 5)}."),
                "Keep what saves rows" + (f"; {listed(rest)} is not shown to." if rest else "."),
                columns=[c["column"] for c in saving],
                evidence=evidence,
            )
        ]


def _told(c: Mapping[str, Any]) -> str:
    low, high = ends(c["interval"])
    return (
        f"with {c['column']}, {c['rows_with']:,} rows reach what {c['rows_without']:,} rows reach without: it saves "
        f"{percent(real(c['saves']))} [{percent(low)}, {percent(high)}]"
    )


def _capital(words: str) -> str:
    return words[0].upper() + words[1:]
