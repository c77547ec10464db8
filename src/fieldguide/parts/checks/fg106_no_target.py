"""FG106: rows whose target is not known."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

from fieldguide.core.finding import Finding, Severity
from fieldguide.core.problem import Problem
from fieldguide.core.settings import setting
from fieldguide.core.table import Column
from fieldguide.parts.checks._answers import count, fire, names, passed, percent, verb


@dataclass(frozen=True)
class NoTarget:
    """Rows that were left out because their target is missing.

    Formula: rows without a target / all rows.

    Why: they can neither teach nor judge. If targets are missing for a reason (the outcome is not known yet, only
    some cases were followed up), the rows left are another population than the one the model will meet.

    Remedy: find out why the target is missing. An empty cell of label sets may mean that none holds: then say so, with
    `blank: none`. If the truth only needs time, leave out the latest rows until it has arrived.

    Needs: problem, columns, n_rows (those with a target), n_without_target.
    """

    name: ClassVar[str] = "fg106_no_target"
    code: ClassVar[str] = "FG106"
    title: ClassVar[str] = "Rows without a target"
    step: ClassVar[str] = "frame"
    severity: ClassVar[Severity] = "warning"

    most: float = setting(0.05, "share of rows without a target before it is a warning")

    def run(self, *, problem: Problem, columns: Sequence[Column], n_rows: int, n_without_target: int) -> list[Finding]:
        if not n_without_target:
            return [passed(self, f"Each of the {n_rows:,} rows has a target.")]
        n, total = n_without_target, n_rows + n_without_target
        share = n / total
        sentence = (
            f"{count(n, 'row')} of {total:,} ({percent(share)}) {verb(n, 'was', 'were')} left out: "
            f"{names(problem.targets)} is missing."
        )
        remedy = "Find out why: if it is missing for a reason, the rows left are not those the model will meet."
        made = {column.name for column in columns if "of" in column.read}  # a flag a label: no cell holds a set
        sets = [o.name for o in problem.outputs if o.family == "multilabel" and o.name not in made]
        if sets:
            said = f"problem: {{outputs: [{{column: {sets[0]}, blank: none}}]}}"
            remedy = f"If an empty cell means that no label holds, write {said} in place of the target. If not: {remedy[0].lower()}{remedy[1:]}"
        severity: Severity = "warning" if share > self.most else "info"
        return [
            fire(self, sentence, remedy, severity=severity, columns=problem.targets, evidence={"n": n, "share": share})
        ]
