"""FG306: a column that alone gives the target away."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from fieldguide.core.finding import Finding, Severity
from fieldguide.core.problem import Output, Problem
from fieldguide.core.settings import setting
from fieldguide.core.table import Table
from fieldguide.parts.checks._answers import fire, names, not_applicable, passed, percent, verb
from fieldguide.parts.checks._leaks import Suspects, explained_by_lines, suspected


@dataclass(frozen=True)
class Giveaway:
    """A column that alone tells nearly all about the target: a copy with a little noise.

    Formula: the share of the target's variance (for classes: of the Brier variance) that the means of 20 bins, or
    of the levels, of one half of the rows explain in the other half; it fires above 95 %, and when a number has the
    same order as the target (rank correlation above .999). The column is left out when it has the target's order, or
    when the others, without any such column, leave five times as much unexplained (of a value: and explain something,
    2 %). Exact copies are FG313's, columns tied to one class FG312's.

    Why: the usual reason is a leak: a column filled in after the outcome, or computed from it. The model then looks
    brilliant until it is asked about rows whose outcome is not known yet. A law of nature looks the same; statistics
    cannot tell when a cell was written.

    Remedy: ask when the column is known. If not before the prediction, set `data.columns.<name>: ignore`; if it was
    left out and is known, `data.columns.<name>: feature`.

    Source: the workflow guide, "Data Leakage"; Kaufman, Rosset, Perlich and Stitelman (2012), Leakage in Data Mining.

    Needs: table, problem, truths, profile (associations: {output: [{column, explained}]}), probe (explained, without).
    """

    name: ClassVar[str] = "fg306_giveaway"
    code: ClassVar[str] = "FG306"
    title: ClassVar[str] = "A column that gives the target away"
    step: ClassVar[str] = "explore"
    excludes: ClassVar[bool] = True
    severity: ClassVar[Severity] = "warning"

    times: float = setting(5.0, "times as much that the others leave unexplained, from which a column is left out")
    something: float = setting(0.02, "share of a value that the others have to explain, for a column to be left out")

    def run(
        self, *, table: Table, problem: Problem, truths: Sequence[np.ndarray], profile: Mapping[str, Any], probe: Any
    ) -> list[Finding]:
        findings = [
            self._judge(table, output, truth, found, probe)
            for output, truth, found in suspected(table, problem, truths, profile)
        ]
        return findings or [not_applicable(self, "No association was computed.")]

    def _judge(self, table: Table, output: Output, truth: np.ndarray, found: Suspects, probe: Any) -> Finding:
        alone = found.alone
        ranked = sorted(alone, key=lambda name: -alone[name])
        evidence = {"output": output.name, "explained": {name: alone[name] for name in ranked[:10]}}
        if not found.near:
            others = [name for name in ranked if name not in found.names]
            strongest = f": the strongest, {others[0]!r}, explains {percent(alone[others[0]])}" if others else ""
            sentence = f"No column nearly copies {output.name!r}{strongest}."
            return passed(self, sentence, evidence=evidence)
        rest = probe.without(found.names)[output.name]
        sure = [
            name
            for name in found.near
            if self._sure(output, self._alone(table, name, output, truth, alone), rest, bool(found.near[name]))
        ]
        said = "; ".join(
            found.near[name] or f"{name!r} alone explains {percent(alone[name])} of {output.name!r}"
            for name in list(found.near)[:3]
        )
        sentence = f"{said[0].upper()}{said[1:]}; without {verb(len(found.names), 'it', 'such columns')} the others explain {percent(rest)}."
        evidence |= {"rest": rest, "propose": dict.fromkeys(found.near, "ignore")}
        if sure:
            evidence["exclude"] = sure
            sentence += f" {names(sure)} {verb(len(sure), 'is', 'are')} left out of every model."
            remedy = (
                f"Nothing, unless {verb(len(sure), 'it is', 'they are')} known before the outcome; then set "
                f"data.columns.{sure[0]}: feature."
            )
            return fire(self, sentence, remedy, columns=found.near, evidence=evidence)
        remedy = (
            f"If {verb(len(found.near), 'it is', 'they are')} not known before the outcome, set "
            f"data.columns.{next(iter(found.near))}: ignore."
        )
        legitimate = 1 - rest < 2 * (1 - max(alone[name] for name in found.near))
        severity: Severity = "info" if legitimate else "warning"
        return fire(self, sentence, remedy, severity=severity, columns=found.near, evidence=evidence)

    def _alone(self, table: Table, name: str, output: Output, truth: np.ndarray, alone: Mapping[str, float]) -> float:
        """Return what a column explains alone; of a value, by lines within its bins: their means blur a near-copy."""
        if output.family != "values" or not table.frame[name].dtype.is_numeric():
            return alone[name]
        return max(alone[name], explained_by_lines(table.frame[name].to_numpy(), truth))

    def _sure(self, output: Output, alone: float, rest: float, same_order: bool) -> bool:
        """A law of nature that one column states, with nothing beside it to learn from, is for a person to decide."""
        if output.family == "values" and rest < self.something:
            return same_order
        return same_order or 1 - rest >= self.times * (1 - alone)
