"""FG308: a target that is skewed, capped or heaped."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import ClassVar

import numpy as np

from fieldguide.core.finding import Finding, Severity
from fieldguide.core.problem import Output, Problem
from fieldguide.core.settings import setting
from fieldguide.parts.checks._answers import count, fire, not_applicable, number, passed, percent


@dataclass(frozen=True)
class TargetShape:
    """A number to predict that has a long tail, or stands suspiciously often at its largest or smallest value.

    Formula: skewness m3 / m2^1.5, as it is and after log1p and sqrt; a transform is proposed when the skewness
    exceeds 1 and the transform at least halves it. The target counts as capped when more than 1 % of the rows, and
    five times as many as at each of the ten values next to it (median), stand at the largest (or smallest) of at
    least 50 different values.

    Why: with a long tail a few rows rule the squared error, and the fit. A cap hides the truth: rows at the cap
    were "at least this much", so errors there mean little, and a model cannot learn to go beyond.

    Remedy: set `problem.transform: log1p` (or sqrt): learners then fit on that scale, metrics stay on yours. For a
    cap: say so in `problem.assumptions`, or leave the capped rows out of the population.

    Needs: problem, truths.
    """

    name: ClassVar[str] = "fg308_target_shape"
    code: ClassVar[str] = "FG308"
    title: ClassVar[str] = "Skewed, capped or heaped target"
    step: ClassVar[str] = "explore"
    severity: ClassVar[Severity] = "warning"

    skew: float = setting(1.0, "skewness from which a transform is proposed")
    heap: float = setting(0.01, "share of rows at an end of the range from which the target counts as capped")

    def run(self, *, problem: Problem, truths: Sequence[np.ndarray]) -> list[Finding]:
        findings = []
        for output, truth in zip(problem.outputs, truths):
            if output.task.family == "values":
                found = [*self._capped(output, truth), *self._skewed(output, truth)]
                fine = (
                    f"{output.name!r} is neither capped nor so skewed (skewness "
                    f"{number(skewness(output.to_fit(truth)))}) that a transform would help."
                )
                findings += found or [passed(self, fine)]
        return findings or [not_applicable(self, "The target is no number.")]

    def _skewed(self, output: Output, truth: np.ndarray) -> list[Finding]:
        if output.transform != "identity" or truth.min() < 0 or not skewness(truth) > self.skew:
            return []
        after = {name: skewness(replace(output, transform=name).to_fit(truth)) for name in ("log1p", "sqrt")}
        best = min(after, key=lambda name: abs(after[name]))
        before = skewness(truth)
        if not abs(after[best]) <= before / 2:
            return []
        sentence = (
            f"{output.name!r} has a long tail (skewness {number(before)}); as {best} it is {number(after[best])}."
        )
        remedy = f"Set problem.transform: {best} if errors matter in proportion rather than in absolute size."
        evidence = {"skewness": before, "after": after, "propose": {"transform": best}}
        return [fire(self, sentence, remedy, severity="info", columns=[output.name], evidence=evidence)]

    def _capped(self, output: Output, truth: np.ndarray) -> list[Finding]:
        values, counts = np.unique(truth, return_counts=True)
        found: list[Finding] = []
        if len(values) < 50:
            return found
        for place, word in ((-1, "largest"), (0, "smallest")):
            n, share = int(counts[place]), counts[place] / len(truth)
            nearby = counts[-11:-1] if place else counts[1:11]
            if share <= self.heap or n < 5 * np.median(nearby) or (place == 0 and values[0] == 0):
                continue  # zero is a natural floor: no sales, no rain
            sentence = (
                f"{count(n, 'row')} ({percent(share)}) of {output.name!r} stand at the {word} value, "
                f"{number(values[place])}: it looks capped."
            )
            remedy = "Ask whether values beyond were cut; if so, say it in problem.assumptions or leave these rows out."
            found.append(
                fire(
                    self,
                    sentence,
                    remedy,
                    columns=[output.name],
                    evidence={"value": values[place], "n": n, "share": share},
                )
            )
        return found


def skewness(values: np.ndarray) -> float:
    """Return the third standardised moment; 0 where nothing varies.

    Examples:
        >>> round(skewness(np.array([0.0, 0.0, 0.0, 4.0])), 3)
        1.155
    """
    centred = values - values.mean()
    spread = float(np.sqrt((centred**2).mean()))
    return float(((centred / spread) ** 3).mean()) if spread > 0 else 0.0
