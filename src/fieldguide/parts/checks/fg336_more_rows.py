"""FG336: more rows would make the answer better."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

from fieldguide.core.finding import Finding, Severity
from fieldguide.parts.checks._answers import count, fire, number, passed, skipped, span


@dataclass(frozen=True)
class MoreRows:
    """Twice the rows would buy a gain that is worth having: the second assumption of every study, enough data, does not hold.

    Formula: error(n) = a + b · n^(−c), fitted by least squares to a quick boosting model's error in the study's metric at five
    sizes, each half of the next, three draws each. The gain of doubling is b · (n^(−c) − (2n)^(−c)); its interval is the parametric
    bootstrap's, widened by Student's quantile over the normal one. Fires when the whole interval lies above `problem.success`,
    or, where that is not stated, above the smallest difference that these rows can resolve.

    Why: you hypothesise that the data are informative enough. If the curve is still falling, rows are worth more than another
    model; if it is flat, better features are.

    Remedy: collect more rows, or features that need fewer of them. The curve is a quick model's: a larger one may go on
    learning where it has stopped.

    Source: Cortes et al. (1993), Learning curves: asymptotic values and rate of convergence; Viering and Loog (2023), The
    shape of learning curves.

    Needs: assumptions (the facts of `explore`).
    """

    name: ClassVar[str] = "fg336_more_rows"
    code: ClassVar[str] = "FG336"
    title: ClassVar[str] = "More rows would help"
    step: ClassVar[str] = "explore"
    severity: ClassVar[Severity] = "info"

    def run(self, *, assumptions: Sequence[Mapping[str, Any]]) -> list[Finding]:
        tests = [test for test in assumptions if test.get("kind") == "enough"]
        found = [test for test in tests if test["holds"] is False]
        remedy = "Collect more rows, or features that need fewer of them."
        if found:
            return [
                fire(self, self._told(test), remedy, columns=[test["output"]], evidence=dict(test)) for test in found
            ]
        silent = [test["silence"] for test in tests if "silence" in test]
        if len(silent) == len(tests):
            return [skipped(self, f"No learning curve: {silent[0] if silent else 'nothing was tested'}.")]
        test = next(test for test in tests if test["holds"])
        sentence = f"Twice the rows would buy {test['output']!r} about {number(max(0.0, test['gain']))} {test['title']} {span(test['gain_interval'])}."
        return [passed(self, sentence, dict(test))]

    def _told(self, test: Mapping[str, Any]) -> str:
        worth = f", and {number(test['worth'])} is worth having" if test["worth"] else ""
        return (
            f"Twice the {count(test['n_rows'], 'row')} would buy {test['output']!r} about {number(test['gain'])} {test['title']} "
            f"{span(test['gain_interval'])}{worth}: the learning curve is not flat yet."
        )
