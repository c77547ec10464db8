"""FG302: classes with few rows."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from fieldguide.core.errors import listed
from fieldguide.core.finding import Finding, Severity
from fieldguide.core.problem import Problem
from fieldguide.core.settings import setting
from fieldguide.parts.checks._answers import count, fire, not_applicable, passed, percent, verb


@dataclass(frozen=True)
class RareClasses:
    """Classes with so few rows, or so small a share, that scores mislead.

    Formula: rows per class, and their share. Under 30 rows a class can hardly be judged (its recall then has an
    interval at least a third wide); under 5 % it weighs little in a mean over rows. Where each such class has half of an
    equal share at least, the table has few rows and no rare class: a note.

    Why: accuracy looks good for a model that never names a rare class. With few rows of it, validation sets hold a
    handful.

    Remedy: judge by a metric that sees rare classes (average_precision, f1_macro, expected_cost with
    `problem.costs`), collect more rows of the rare class, or merge classes that lead to the same decision.

    Needs: problem, truths.
    """

    name: ClassVar[str] = "fg302_rare_classes"
    code: ClassVar[str] = "FG302"
    title: ClassVar[str] = "Imbalance and rare classes"
    step: ClassVar[str] = "explore"
    severity: ClassVar[Severity] = "warning"

    fewest: int = setting(30, "rows of a class [rows] below which it is a warning")
    share: float = setting(0.05, "share of the rows below which a class is rare")

    def run(self, *, problem: Problem, truths: Sequence[np.ndarray]) -> list[Finding]:
        found = []
        for output, truth in zip(problem.outputs, truths):
            if output.task.family != "classes":
                continue
            counts = dict(zip(output.labels, np.bincount(truth, minlength=len(output.labels)).tolist()))
            n = len(truth)
            few = {label: c for label, c in counts.items() if c < self.fewest}
            # Among many classes each has a small share; a class is rare against an equal share.
            rare = {label: c for label, c in counts.items() if c < min(self.share, 0.5 / len(counts)) * n} | few
            if not rare:
                found.append(
                    passed(
                        self,
                        f"The rarest of {len(counts)} classes of {output.name!r} has {min(counts.values()):,} of {n:,} "
                        "rows.",
                        evidence={"counts": counts},
                    )
                )
                continue
            # A table of few rows has few of every class, and its frequent ones are not rare: they are named where none is.
            uneven = {label: c for label, c in rare.items() if c < 0.5 / len(counts) * n}
            even, rare = not uneven, uneven or rare
            order = sorted(rare.items(), key=lambda item: item[1])
            said = listed((f"{label!r} {c:,} ({percent(c / n)})" for label, c in order), 4)
            what = (
                f"{verb(len(rare), 'has', 'have')} fewer than {self.fewest} rows, too few to be judged alone,"
                if even
                else f"{verb(len(rare), 'is', 'are')} rare"
            )
            sentence = f"{count(len(rare), 'class', 'classes')} of {output.name!r} {what} among {n:,} rows: {said}."
            remedy = "Judge by a metric that sees rare classes, and collect more rows of them or merge them."
            remedy = "Collect more rows." if even else remedy
            found.append(
                fire(
                    self,
                    sentence,
                    remedy,
                    severity="warning" if few and not even else "info",
                    columns=[output.name],
                    evidence={"counts": counts},
                )
            )
        return found or [not_applicable(self, "The target is no class.")]
