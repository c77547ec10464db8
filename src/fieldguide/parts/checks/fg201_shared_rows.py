"""FG201: no row stands on both sides of the seal."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from fieldguide.core.blocks import Duplicates
from fieldguide.core.finding import Finding, Severity
from fieldguide.core.settings import setting
from fieldguide.core.split import Split
from fieldguide.parts.checks._answers import count, fire, passed, percent, verb


@dataclass(frozen=True)
class SharedRows:
    """Rows that stand both in development and in the sealed test set.

    Formula: the intersection of the two sets of row indices, and of the features of the two sets of rows (the
    latter not where the columns tell so little that equal rows are expected, see FG203).

    Why: a model can learn such a row by heart, and the test score then measures memory, not generalisation.

    Remedy: ask how a given test set was drawn; the score of its rows that are no copies stands among the slices. Where the
    split is ours, equal rows are put into one part, so this is a bug to report.

    Needs: split, duplicates.
    """

    name: ClassVar[str] = "fg201_shared_rows"
    code: ClassVar[str] = "FG201"
    title: ClassVar[str] = "Rows shared between development and the sealed test set"
    step: ClassVar[str] = "split"
    severity: ClassVar[Severity] = "error"

    most_given: float = setting(0.01, "share of given test rows that may be copies before it is a warning")

    def run(self, *, split: Split, duplicates: Duplicates) -> list[Finding]:
        twice = int(np.intersect1d(split.development, split.test, assume_unique=True).size)
        # Where equal rows are natural, `exact` numbers the rows through, so that none counts as a copy.
        copied = np.isin(duplicates.exact[split.test], duplicates.exact[split.development])
        n, worst = len(split.test), max(twice, int(copied.sum()))
        evidence = {"shared_rows": twice, "copied_rows": int(copied.sum()), "n_test": n}
        if worst and not twice and split.scheme.startswith("given"):
            sentence = (
                f"{count(worst, 'row')} ({percent(worst / n)}) of the given test set {verb(worst, 'repeats', 'repeat')} a "
                "development row: the test score counts what a model can know by heart."
            )
            remedy = "Ask how the test set was drawn; the score of its other rows stands among the slices of finalize."
            severity: Severity = "warning" if worst / n > self.most_given else "info"
            return [fire(self, sentence, remedy, severity=severity, evidence=evidence)]
        if worst:
            return [
                fire(
                    self,
                    f"{count(worst, 'row')} of the {n:,} sealed {verb(worst, 'stands', 'stand')} in development as "
                    "well.",
                    "Do not trust any score of this study; report this as a bug.",
                    evidence=evidence,
                )
            ]
        return [passed(self, f"None of the {n:,} sealed rows stands in development.", evidence=evidence)]
