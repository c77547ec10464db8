"""FG301: columns with missing cells."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

from fieldguide.core.errors import listed
from fieldguide.core.finding import Finding, Severity
from fieldguide.core.settings import setting
from fieldguide.parts.checks._answers import count, fire, passed, percent, verb


@dataclass(frozen=True)
class Missing:
    """Columns in which many cells are missing.

    Formula: missing cells / rows, per column. A column is named above 5 %, and called mostly missing above 50 %.

    Why: a missing cell becomes 0 after scaling, with an indicator beside it, so nothing breaks. But cells are
    rarely missing by chance: if the reason changes (a new form, another source), the model meets rows it has not
    seen.

    Remedy: find out why cells are missing, and whether they will be when the model is asked. A column that is
    filled in only after the outcome is known has to go (`data.columns.<name>: ignore`).

    Needs: profile (columns: {name: {n, missing}}).
    """

    name: ClassVar[str] = "fg301_missing"
    code: ClassVar[str] = "FG301"
    title: ClassVar[str] = "Missing cells"
    step: ClassVar[str] = "explore"
    severity: ClassVar[Severity] = "warning"

    named: float = setting(0.05, "share of missing cells from which a column is named")
    mostly: float = setting(0.5, "share of missing cells from which a column is mostly missing")

    def run(self, *, profile: Mapping[str, Any]) -> list[Finding]:
        columns = {name: facts["missing"] / facts["n"] for name, facts in profile["columns"].items() if facts.get("n")}
        holes = {name: share for name, share in sorted(columns.items(), key=lambda item: -item[1]) if share > 0}
        many = {name: share for name, share in holes.items() if share > self.named}
        if not many:
            n = len(holes)
            text = f"No column has more than {percent(self.named)} missing cells"
            return [
                passed(
                    self,
                    f"{text}; {count(n, 'column')} {verb(n, 'has', 'have')} some." if n else "No cell is missing.",
                    evidence={"shares": holes},
                )
            ]
        mostly = [name for name, share in many.items() if share > self.mostly]
        said = listed((f"{name!r} {percent(share)}" for name, share in many.items()), 4)
        rest = f", {len(mostly)} of them more than half" if mostly else ""
        sentence = (
            f"{count(len(many), 'column')} {verb(len(many), 'misses', 'miss')} more than "
            f"{percent(self.named)} of the cells{rest}: {said}."
        )
        remedy = "Find out why, and whether these cells will be missing in the same way when the model is asked."
        # Half of all columns mostly empty: the table, not a column, is incomplete.
        severity: Severity = "warning" if len(mostly) > len(columns) / 2 else "info"
        return [fire(self, sentence, remedy, severity=severity, columns=many, evidence={"shares": holes})]
