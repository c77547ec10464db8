"""FG313: columns from which the target can be computed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import ClassVar

import numpy as np

from fieldguide.core.finding import Finding, Severity
from fieldguide.core.problem import Output, Problem
from fieldguide.core.table import Table
from fieldguide.parts.checks._answers import count, fire, names, passed, percent, verb
from fieldguide.parts.checks._identities import Identity, pairs, recoded, unlogged


@dataclass(frozen=True)
class FunctionOfTarget:
    """A column, or two together, that are the target in other words or from which it can be computed exactly.

    Formula: of classes, a column with one level for each label and no other (also as numbers). Of values, a column in
    which the target never falls, or never rises, and the reverse; and two columns a, b with target = p a + q b + r, or
    target = p a b, p a / b. The pairs are screened by the share of variance that a plane explains on 2,000 rows (in
    logarithms for products and ratios), and confirmed on all rows: it has to hold in 99.5 % of those where it is
    defined, up to the rounding of the target.

    Why: whoever knows the column knows the answer already, so it is not there when the model is asked. With it every
    model is perfect and has learned arithmetic; parts of a sum (casual and registered riders) look like honest features.

    Remedy: nothing: the columns are left out of every model. If a column is really known before the outcome, say so with
    `data.columns.<name>: feature`; then the formula is the answer, and no model is needed.

    Source: Kaufman, Rosset, Perlich and Stitelman (2012), Leakage in Data Mining.

    Needs: table, problem, truths.
    """

    name: ClassVar[str] = "fg313_function_of_target"
    code: ClassVar[str] = "FG313"
    title: ClassVar[str] = "Columns that hold the target"
    step: ClassVar[str] = "explore"
    excludes: ClassVar[bool] = True
    severity: ClassVar[Severity] = "warning"

    def run(self, *, table: Table, problem: Problem, truths: Sequence[np.ndarray]) -> list[Finding]:
        findings = []
        for output, truth in zip(problem.outputs, truths):
            alone = [recoded(table.frame[column.name], truth, output) for column in table.features]
            found = [identity for identity in alone if identity is not None]
            gone = {name for identity in found for name in identity.columns}
            found += pairs(table, output, truth, gone) or _of_logarithm(table, output, truth, gone)
            if found:
                findings.append(self._fired(output.name, found))
        return findings or [passed(self, f"No column, and no two of the {len(table.features)}, hold the target.")]

    def _fired(self, target: str, found: Sequence[Identity]) -> Finding:
        columns = list(dict.fromkeys(name for identity in found for name in identity.columns))
        said = "; ".join(self._said(target, identity) for identity in found[:3])
        sentence = f"{said}. {names(columns)} {verb(len(columns), 'is', 'are')} left out of every model."
        overrule = f"set data.columns.{columns[0]}: feature"
        remedy = f"Nothing, unless {verb(len(columns), 'it is', 'they are')} known before the outcome; then {overrule}."
        evidence = {
            "output": target,
            "identities": [
                {
                    "columns": identity.columns,
                    "formula": identity.formula,
                    "rows": identity.n,
                    "holds": identity.n_holds,
                }
                for identity in found[:20]
            ],
            "exclude": columns,
        }
        return fire(self, sentence, remedy, columns=columns, evidence=evidence)

    def _said(self, target: str, identity: Identity) -> str:
        where = f"in {percent(identity.n_holds / identity.n)} of {count(identity.n, 'row')}"
        if identity.formula.startswith("one "):
            return f"There is {identity.formula}, {where}"
        return f"{target!r} is {identity.formula}, {where}"


def _of_logarithm(table: Table, output: Output, truth: np.ndarray, gone: set[str]) -> list[Identity]:
    """Return the pairs of columns that hold what the target is the logarithm of."""
    if output.task.family != "values":
        return []
    for name, values in unlogged(truth):
        found = pairs(table, output, values, gone)
        if found:
            return [replace(identity, formula=f"{name}({identity.formula})") for identity in found]
    return []
