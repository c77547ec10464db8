"""FG304: zeros that mean something, beside cells that mean nothing."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

from fieldguide.core.errors import listed
from fieldguide.core.finding import Finding, Severity
from fieldguide.core.settings import setting
from fieldguide.parts.checks._answers import count, fire, passed, verb


@dataclass(frozen=True)
class MeaningfulZero:
    """Columns of numbers in which 0 is a value and other cells are missing.

    Formula: columns with missing cells in which at least 1 % of the known cells are 0.

    Why: "missing becomes 0" is safe only where 0 is not already a meaningful value. Here the 0 is put in after
    scaling, where it means the average, and an indicator column says that the cell was missing: zero and missing
    stay apart. Sometimes, though, the zeros themselves are missing values that somebody filled in.

    Remedy: nothing, if 0 is a true value. If it stands for "unknown", add it: `data.columns.<name>.read.missing:
    ["0"]`.

    Source: the workflow guide, "Handle Missing values".

    Needs: profile (columns: {name: {n, missing, zeros}}).
    """

    name: ClassVar[str] = "fg304_meaningful_zero"
    code: ClassVar[str] = "FG304"
    title: ClassVar[str] = "Zero as a value beside missing cells"
    step: ClassVar[str] = "explore"
    severity: ClassVar[Severity] = "info"

    share: float = setting(0.01, "share of zeros among the known cells from which 0 counts as meaningful")

    def run(self, *, profile: Mapping[str, Any]) -> list[Finding]:
        numbers = {name: facts for name, facts in profile["columns"].items() if facts.get("zeros") is not None}
        both = {
            name: {"zeros": facts["zeros"], "missing": facts["missing"]}
            for name, facts in numbers.items()
            if facts["missing"] and facts["zeros"] > self.share * (facts["n"] - facts["missing"])
        }
        if not both:
            return [
                passed(self, f"None of {count(len(numbers), 'column')} of numbers has both zeros and missing cells.")
            ]
        said = listed(
            (f"{name!r} ({facts['zeros']:,} zeros, {facts['missing']:,} missing)" for name, facts in both.items()), 3
        )
        sentence = (
            f"In {count(len(both), 'column')} 0 is a value and other cells are missing: {said}; an indicator "
            "column keeps them apart."
        )
        remedy = (
            f"If 0 means unknown in {verb(len(both), 'it', 'one of them')}, add it under data.columns as a "
            "word for missing."
        )
        return [fire(self, sentence, remedy, columns=both, evidence={"counts": both})]
