"""FG312: columns that look as if they were written after the outcome."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from fieldguide.core.finding import Finding, Severity
from fieldguide.core.problem import Output, Problem
from fieldguide.core.settings import setting
from fieldguide.core.table import Table
from fieldguide.parts.checks._answers import fire, names, not_applicable, passed, percent, verb
from fieldguide.parts.checks._leaks import Suspects, Tie, explained_by_presence, late, never, suspected

MOST_TIES = 5


@dataclass(frozen=True)
class Sign:
    """One column under suspicion: why, and whether it is sure."""

    column: str
    why: str
    sure: bool
    severity: Severity = "warning"


@dataclass(frozen=True)
class AfterTheOutcome:
    """A column that is filled in, or changed from its default, only once the outcome is there; or too good to be true.

    Formula: three signs, each weighed against what the other columns explain (a quick boosting model, fitted again
    without the suspects; shares of the variance, for classes of the Brier variance). A *tie*: where a column is filled
    in, or differs from its most frequent value, 97 % of the rows or more are of one class (Wilson's bound, three
    deviations, beyond half way from the base rate to one). It is left out when it covers half of the class and adds a
    third of all that is explained. *Too good*: a column that explains 70 % of the classes alone, and twice as much as the
    others; it is left out when these explain something, 2 % (else the choice is a person's). *Carries the rest*: one
    column adds 40 % of all that is explained, and either rules the rarest class out in 10 % of the rows, or is named
    like something known at the end (duration, refund, length of stay): a warning; with neither, a note. A column so
    named is left out when it does both, or explains half alone and four times as much as the others; whatever its name, when it
    rules the rarest class out in 30 % of the rows and explains eight times as much as the others.

    Why: a refund that is 0 until the customer cancels, a date that is set when the case is closed, the length of a call
    that ends with the sale. The model is brilliant in the table and blind in use, where the cell is still empty.

    Remedy: ask when the cell is written. If after the prediction, set `data.columns.<name>: ignore`; if a column was
    left out and is known in time, `data.columns.<name>: feature`. What statistics cannot know: an honest measurement can
    be as strong as a leak, and a weak leak looks like an honest feature.

    Source: Kaufman, Rosset, Perlich and Stitelman (2012), Leakage in Data Mining, section 4.

    Needs: table, problem, truths, profile (associations), probe (explained, importance, without).
    """

    name: ClassVar[str] = "fg312_after_the_outcome"
    code: ClassVar[str] = "FG312"
    title: ClassVar[str] = "Columns written after the outcome"
    step: ClassVar[str] = "explore"
    excludes: ClassVar[bool] = True
    severity: ClassVar[Severity] = "warning"

    least: float = setting(0.1, "explained share that a column has to add before it matters")
    third: float = setting(1 / 3, "part of all that is explained, from which a tied column is left out")
    carries: float = setting(0.4, "part of all that is explained, from which one column is named")
    too_good: float = setting(0.7, "share of the classes explained alone from which a column is too good")
    something: float = setting(0.02, "share that the others have to explain, for a strong column to be left out")
    fewest: int = setting(200, "rows below which a column that carries the rest is not looked for")

    def run(
        self, *, table: Table, problem: Problem, truths: Sequence[np.ndarray], profile: Mapping[str, Any], probe: Any
    ) -> list[Finding]:
        findings = [
            self._judge(table, output, truth, found, probe)
            for output, truth, found in suspected(table, problem, truths, profile)
        ]
        return findings or [not_applicable(self, "No association was computed.")]

    def _judge(self, table: Table, output: Output, truth: np.ndarray, found: Suspects, probe: Any) -> Finding:
        signs = list(self._ties(table, output, truth, found, probe))
        gone = {*found.names}
        too_good = self._too_good(output, found, gone, probe)
        signs += too_good
        gone |= {sign.column for sign in too_good}
        signs += self._carries(table, output, truth, found, gone, probe)
        evidence = {"output": output.name, "explained": probe.explained[output.name]}
        if not signs:
            sentence = (
                f"No column shows signs of being written after {output.name!r} is known ({len(found.alone)} looked at)."
            )
            return passed(self, sentence, evidence=evidence)
        sure = [sign.column for sign in signs if sign.sure]
        evidence["signs"] = {sign.column: sign.why for sign in signs}
        columns = [sign.column for sign in signs]
        alike = [name for name in found.alone if late(name) and name not in columns and name not in found.copies]
        text = "; ".join(sign.why for sign in signs[:3])
        sentence = f"{text[0].upper()}{text[1:]}."
        if sure:
            evidence["exclude"] = sure
            sentence += f" {names(sure)} {verb(len(sure), 'is', 'are')} left out of every model."
            remedy = (
                f"Nothing, unless {verb(len(sure), 'it is', 'they are')} known before the outcome; then set "
                f"data.columns.{sure[0]}: feature."
            )
        else:
            remedy = f"Ask when {names(columns)} {verb(len(columns), 'is', 'are')} known; if not before the outcome, set data.columns.{columns[0]}: ignore."
        severity: Severity = "warning" if any(sign.severity == "warning" for sign in signs) else "info"
        if alike and severity == "warning":
            evidence["named_alike"] = alike
            remedy += f" Ask the same of {names(alike)}, which the name puts at the end too."
        return fire(self, sentence, remedy, severity=severity, columns=columns, evidence=evidence)

    def _ties(self, table: Table, output: Output, truth: np.ndarray, found: Suspects, probe: Any) -> Iterator[Sign]:
        rest = probe.without(found.names)[output.name] if found.ties else 0.0
        strongest = sorted(found.ties, key=lambda name: -found.alone[name])[:MOST_TIES]
        for name in strongest:
            full = probe.without(set(found.names) - {name})[output.name]
            tied, gain = found.ties[name], full - rest
            both_ways = tied.coverage >= 0.9 and gain >= self.least / 2
            sure = both_ways or (tied.coverage >= 0.5 and gain >= max(self.least, self.third * full))
            if sure or gain >= self.least / 2:
                yield Sign(name, _said(name, tied, rest, full), sure)
        if output.family == "values":
            for name in found.alone:
                share = explained_by_presence(table.frame[name], truth, output)
                if name not in found.names and share > 0.5:
                    why = f"whether {name!r} is filled in explains {percent(share)} of {output.name!r}"
                    yield Sign(name, why, sure=share > 0.8)

    def _too_good(self, output: Output, found: Suspects, gone: set[str], probe: Any) -> list[Sign]:
        if output.family == "values":
            return []
        group = [name for name, share in found.alone.items() if share >= self.too_good and name not in gone]
        if not group:
            return []
        rest = probe.without(gone | set(group))[output.name]
        weakest = min(found.alone[name] for name in group)
        if rest > weakest / 2:
            return []
        return [
            Sign(
                name,
                f"{name!r} alone explains {percent(found.alone[name])} of {output.name!r}, all the others {percent(rest)}",
                sure=rest >= self.something,
            )
            for name in group
        ]

    def _carries(
        self, table: Table, output: Output, truth: np.ndarray, found: Suspects, gone: set[str], probe: Any
    ) -> Iterator[Sign]:
        if len(truth) < self.fewest or len(found.alone) - len(gone) < 2:
            return
        left = [name for name in found.alone if name not in gone]
        important = max(left, key=lambda name: probe.importance[output.name].get(name, 0.0))
        full = probe.without(gone)[output.name]
        for name in dict.fromkeys((important, max(left, key=lambda name: found.alone[name]))):
            if full < self.least or found.alone[name] < self.least / 2:
                continue
            rest = probe.without({*gone, name})[output.name]
            if full - rest < max(self.least, self.carries * full):
                continue
            ruled_out = never(table.frame[name], truth, output)
            alone = found.alone[name]
            strong = output.family != "values" and alone >= 0.5 and self.something <= rest <= alone / 2
            sure = strong and late(name) and (ruled_out >= 0.3 or rest <= alone / 4)
            sure = sure or (strong and ruled_out >= 0.3 and rest <= alone / 8)
            sure = sure or (output.family != "values" and late(name) and ruled_out >= 0.1 and rest >= self.something)
            why = f"{name!r} carries {percent((full - rest) / full)} of what all columns explain of {output.name!r} ({percent(full)} with it, {percent(rest)} without)"
            if ruled_out >= 0.1:
                why += f", and rules a class out in {percent(ruled_out)} of the rows"
            if late(name):
                why += ", and is named like something known at the end"
            loud = ruled_out >= 0.1 or late(name)
            yield Sign(name, why, sure, "warning" if loud else "info")


def _said(name: str, tied: Tie, rest: float, full: float) -> str:
    where = f"where {name!r} is filled in" if tied.usual is None else f"where {name!r} is not {tied.usual}"
    return (
        f"{where}, {tied.label} in {percent(tied.precision)} of {tied.n:,} rows ({percent(tied.coverage)} of all such "
        f"rows; the others explain {percent(rest)}, with it {percent(full)})"
    )
