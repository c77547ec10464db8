"""FG815: so few sealed rows that their score says little."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

from fieldguide.core.finding import Finding, Severity
from fieldguide.core.problem import Problem
from fieldguide.core.settings import setting
from fieldguide.parts.checks._answers import count, fire, not_applicable, number, passed, span, verb
from fieldguide.parts.checks._facts import ends, real


@dataclass(frozen=True)
class FewSealed:
    """A test score on a handful of rows, which validation rows tell more about.

    Formula: fewer than 10 sealed rows; or fewer than 30 (of a table of less than 200 rows no more are sealed), where the
    interval of the test score is more than 1.5 times as wide as that of the validation score.

    Why: on 11 rows one answer moves the accuracy by nine points, and a ROC AUC of 0.96 is no rare luck. The interval says
    so; whoever reads the number alone does not see it.

    Remedy: quote the validation score and its interval beside it, less the luck of the search (FG702). More rows tell
    more; in a new study `split: {test: 0.3}` seals more of them.

    Needs: problem, facts (scores: [{value, interval, n}], validation: [{value, interval, n}]).
    """

    name: ClassVar[str] = "fg815_few_sealed"
    code: ClassVar[str] = "FG815"
    title: ClassVar[str] = "Few sealed rows"
    step: ClassVar[str] = "finalize"
    severity: ClassVar[Severity] = "warning"

    fewest: int = setting(30, "sealed rows that are enough [count]")
    least: int = setting(10, "sealed rows below which no interval helps [count]")
    wider: float = setting(1.5, "widths of the validation interval that make the test interval a wide one")

    def run(self, *, problem: Problem, facts: Mapping[str, Any]) -> list[Finding]:
        output, test = problem.output, facts["scores"][0]
        if output.task.name == "forecast" or output.targetless or output.metric is None:
            return [
                not_applicable(
                    self, "FG365 counts the targets of forecasts; without a target nothing is right or wrong."
                )
            ]
        n, evidence = int(test["n"]), {"n": int(test["n"])}
        validation = facts.get("validation")
        told = validation[0] if isinstance(validation, Sequence) and validation else None
        wide = told is None or _width(test) > self.wider * _width(told)
        if n >= self.fewest or (n >= self.least and not wide):
            return [passed(self, f"The score rests on {n:,} sealed rows.", evidence=evidence)]
        said = f"{output.metric.title} {number(real(test['value']))} {span(ends(test['interval']))}"
        sentence = f"{count(n, 'sealed row')} {verb(n, 'says', 'say')} little: {said}."
        if told is not None:
            before = f"{number(real(told['value']))} {span(ends(told['interval']))}"
            sentence = f"{sentence[:-1]}; {count(int(told['n']), 'validation row')} say {before}."
        remedy = "Quote both with their intervals. More rows tell more; a new study may seal a larger share of them (split: {test: 0.3})."
        return [fire(self, sentence, remedy, evidence=evidence)]


def _width(score: Mapping[str, Any]) -> float:
    low, high = ends(score["interval"])
    return high - low
