"""FG808: are the sealed rows of a piece, and like the rows before them?"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

from fieldguide.core.finding import Finding, Severity
from fieldguide.core.problem import Problem
from fieldguide.core.settings import setting
from fieldguide.parts.checks._answers import fire, names, not_applicable, number, passed, span
from fieldguide.parts.checks._facts import ends, real


@dataclass(frozen=True)
class SealedInTime:
    """Sealed rows that are unlike the rows before them, or whose score changes within them.

    Formula: the score of the first and of the second half of the sealed rows in time, and their difference with its interval at
    99 %; a warning when it excludes no difference. A note when the ROC AUC of a classifier that tells sealed from development
    rows by their features (FG206) has an interval wholly above 0.6.

    Why: the score is that of a stretch of time. Where features have drifted, or one is out, it is the score under those
    conditions; before and after it may be another. A score that changes within the stretch is not one number.

    Remedy: look at the columns named (FG321, FG323, FG327). If they come back, expect the validation score's neighbourhood; if they
    go on, expect the second half's.

    Source: Lopez-Paz and Oquab (2017), Revisiting Classifier Two-Sample Tests.

    Needs: problem, facts (in_time: {halves: [{value, interval, from, to}], change, interval}, or absent; discrimination: {auc,
    interval, columns: [{column, share}]} or None).
    """

    name: ClassVar[str] = "fg808_sealed_in_time"
    code: ClassVar[str] = "FG808"
    title: ClassVar[str] = "The sealed rows along time"
    step: ClassVar[str] = "finalize"
    severity: ClassVar[Severity] = "warning"

    bound: float = setting(0.6, "ROC AUC of sealed against development rows that the interval has to exceed")

    def run(self, *, problem: Problem, facts: Mapping[str, Any]) -> list[Finding]:
        metric = problem.output.metric
        if "in_time" not in facts or metric is None:
            return [not_applicable(self, "The study is not divided along time.")]
        found, apart = facts["in_time"], facts.get("discrimination")
        unlike = apart is not None and real(apart["interval"][0]) > self.bound
        columns = [entry["column"] for entry in apart.get("columns", ())][:3] if apart is not None and unlike else []
        evidence = {"in_time": found, "discrimination": apart}
        told, changes = "Too few sealed rows to judge halves", False
        if found:
            first, second = found["halves"]
            low, high = ends(found["interval"])
            changes = low > 0 or high < 0
            told = (
                f"{metric.title} {number(real(first['value']))} {span(ends(first['interval']))} until {first['to']} and "
                f"{number(real(second['value']))} {span(ends(second['interval']))} from {second['from']} on"
            )
        differ = (
            f"features of the sealed rows differ from those before, mostly {names(columns)} (ROC AUC {number(real(apart['auc']))} "
            f"{span(ends(apart['interval']))})"
            if unlike and apart
            else ""
        )
        remedy = "Read the score as that of the sealed stretch of time: if the columns go back, so may the score."
        if changes:
            sentence = f"The score changes within the sealed rows: {told}{'; ' + differ if differ else ''}."
            return [fire(self, sentence, remedy, columns=columns, evidence=evidence)]
        if differ:
            sentence = f"{differ[0].upper()}{differ[1:]}; {told}."
            return [fire(self, sentence, remedy, severity="info", columns=columns, evidence=evidence)]
        return [passed(self, f"The sealed rows are of a piece: {told}.", evidence=evidence)]
