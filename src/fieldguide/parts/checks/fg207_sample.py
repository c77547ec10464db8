"""FG207: does the sample that is worked on look like the rows it stands for?"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

from fieldguide.core.finding import Finding, Severity
from fieldguide.core.settings import setting
from fieldguide.core.split import Split
from fieldguide.parts.checks._answers import fire, names, not_applicable, number, passed, skipped, span


@dataclass(frozen=True)
class WorkingSample:
    """A working sample that a model can tell from the other development rows by its features.

    Formula: the ROC AUC of a classifier (boosting, cross-fitted over whole blocks) that guesses for each development row whether
    it is in the sample. It fires when the whole interval lies above a bound.

    Why: on large tables explore, baseline, train and refine work on a sample; what they find holds for the whole only when the
    sample is like it. The final fit uses all development rows.

    Remedy: raise `data.sample`, or leave out the columns named if they only number or order the rows.

    Source: the project workflow, "Data scale"; Lopez-Paz and Oquab (2017), Revisiting Classifier Two-Sample Tests.

    Needs: split, sample: {auc, interval, n, columns} or None.
    """

    name: ClassVar[str] = "fg207_sample"
    code: ClassVar[str] = "FG207"
    title: ClassVar[str] = "The working sample"
    step: ClassVar[str] = "split"
    severity: ClassVar[Severity] = "warning"

    bound: float = setting(0.55, "ROC AUC that the interval has to exceed")

    def run(self, *, split: Split, sample: Mapping[str, Any] | None) -> list[Finding]:
        if not split.sampled:
            return [not_applicable(self, f"All {len(split.development):,} development rows are worked on.")]
        size = f"{len(split.work):,} of {len(split.development):,} development rows"
        if sample is None:
            return [skipped(self, f"The sample ({size}) was not compared with the rest: too few rows, or no features.")]
        said = f"ROC AUC {number(float(sample['auc']))} {span(sample['interval'])} on {sample['n']:,} rows"
        if not sample["interval"][0] > self.bound:
            return [passed(self, f"The sample ({size}) cannot be told from the rest ({said}).", evidence=dict(sample))]
        columns = [entry["column"] for entry in sample.get("columns", ())][:3]
        sentence = f"The sample ({size}) differs from the rest, mostly by {names(columns)} ({said})."
        return [
            fire(
                self, sentence, "Raise data.sample, or leave out these columns.", columns=columns, evidence=dict(sample)
            )
        ]
