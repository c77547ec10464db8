"""FG206: do the sealed rows look like the others?"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

from fieldguide.core.blocks import distinct
from fieldguide.core.contracts import Roles
from fieldguide.core.finding import Finding, Severity
from fieldguide.core.settings import setting
from fieldguide.core.split import Split
from fieldguide.parts.checks._answers import fire, names, number, passed, skipped, span


@dataclass(frozen=True)
class Representative:
    """Sealed rows that a model can tell from development rows by their features.

    Formula: the ROC AUC of a classifier (boosting, cross-fitted over whole blocks, without the time column) that
    guesses for each row whether it is sealed. 0.5: the two are alike. It fires when the whole interval lies above a
    bound.

    Why: a score holds for rows like those it was measured on. After a random draw the two must be alike. After a
    cut in time, or with a given test set, a difference is drift: the reason to cut in time, and the columns that
    moved.

    Remedy: look at the columns named. If they drift, expect the score to fall further with time, and watch them in
    use. If they tell how the test set was collected (a site, a batch), drop them or collect the test set anew.

    Source: Lopez-Paz and Oquab (2017), Revisiting Classifier Two-Sample Tests.

    Needs: split, roles (of all rows), discrimination: {auc, interval: [low, high], n, columns: [{column, share}]}
    or None when it was not computed.
    """

    name: ClassVar[str] = "fg206_representative"
    code: ClassVar[str] = "FG206"
    title: ClassVar[str] = "Sealed rows that differ from the others"
    step: ClassVar[str] = "split"
    severity: ClassVar[Severity] = "warning"

    bound: float = setting(0.55, "ROC AUC that the interval has to exceed")

    def run(self, *, split: Split, roles: Roles, discrimination: Mapping[str, Any] | None) -> list[Finding]:
        if discrimination is None:
            return [skipped(self, "Sealed and development rows were not compared: too few rows, or no features.")]
        auc, interval = float(discrimination["auc"]), discrimination["interval"]
        evidence = dict(discrimination)
        said = f"ROC AUC {number(auc)} {span(interval)} on {discrimination['n']:,} rows"
        if not interval[0] > self.bound:
            return [passed(self, f"Sealed rows cannot be told from development rows ({said}).", evidence=evidence)]
        columns = [entry["column"] for entry in discrimination.get("columns", ())][:3]
        behind = f", mostly by {names(columns)}" if columns else ""
        if split.scheme.startswith("given"):
            sentence = (
                f"The given test set differs from the development rows: a model tells them apart{behind} ({said})."
            )
            remedy = "Read the score as one for rows like the test set, and find out how it was collected."
            return [fire(self, sentence, remedy, columns=columns, evidence=evidence)]
        if "chronological" in split.scheme:
            sentence = f"The later, sealed rows differ from the earlier ones{behind} ({said}): the data drift."
            remedy = "Expect the score to change further with time, and watch these columns in use."
            return [fire(self, sentence, remedy, severity="info", columns=columns, evidence=evidence)]
        grouped = len(roles) / len(distinct(roles.blocks)) >= 2.0
        if grouped:
            sentence = f"The sealed groups differ from the others{behind} ({said}), as whole groups do."
            remedy = "Read the interval, which resamples groups: a few groups make it wide."
            return [fire(self, sentence, remedy, severity="info", columns=columns, evidence=evidence)]
        sentence = (
            f"Sealed rows can be told from development rows{behind} ({said}), which a random draw should not allow."
        )
        remedy = "Look whether rows are ordered or grouped in a way the study does not declare (data.time, data.group)."
        return [fire(self, sentence, remedy, columns=columns, evidence=evidence)]
