"""FG314: the target depends on the place of a row in the file."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import polars as pl

from fieldguide.core.contracts import Roles
from fieldguide.core.finding import Finding, Severity
from fieldguide.core.problem import Output, Problem
from fieldguide.core.settings import setting
from fieldguide.core.table import MEDIA_KINDS, Table
from fieldguide.parts.checks._answers import fire, names, not_applicable, number, passed, percent, verb

NEIGHBOURS = 5
"""Rows before and after a row whose mean is compared with it."""
FEWEST = 60


@dataclass(frozen=True)
class RowOrder:
    """A file sorted by the target, or in blocks of it, and columns that number its rows.

    Formula: the share of the target's variance (for classes: of the Brier variance) that the mean of a row's five
    neighbours on either side explains, its own value left out; without order it is below 0. It counts when it exceeds
    25 % and the standardised serial correlation of neighbours (von Neumann) exceeds 8. A column is a place when
    its whole numbers are all different and grow evenly with the file (correlation above .99), or fill six tenths of
    their range evenly: the numbers of another order, by which the rows are then sorted and judged again. Folders of classes
    are in order of their label by nature: where there is no column besides texts and files, nothing can hold a place.

    Why: a row number in a sorted file is the answer, written as a number: any model reads it off, and new rows have none.
    The order alone harms nobody here, as rows are divided by their content; elsewhere, a tool that takes the last rows
    for its test set takes one class.

    Remedy: nothing for the order. A column that numbers the rows is left out where the file is in order of the target;
    overrule it with `data.columns.<name>: feature`. Rows in order of time may drift, which is no fault: declare the time
    column under `data.time`, and this check is silent.

    Source: von Neumann (1941), Distribution of the Ratio of the Mean Square Successive Difference to the Variance.

    Needs: table, problem, roles, truths, order.
    """

    name: ClassVar[str] = "fg314_row_order"
    code: ClassVar[str] = "FG314"
    title: ClassVar[str] = "Rows in order of the target"
    step: ClassVar[str] = "explore"
    excludes: ClassVar[bool] = True
    severity: ClassVar[Severity] = "warning"

    explained: float = setting(0.25, "share that a row's neighbours have to explain")
    deviations: float = setting(8.0, "standardised serial correlation that has to be exceeded")
    place: float = setting(0.99, "correlation with the place in the file, from which a number is a place")

    def run(
        self, *, table: Table, problem: Problem, roles: Roles, truths: Sequence[np.ndarray], order: np.ndarray
    ) -> list[Finding]:
        if table.n_rows < FEWEST:
            return [not_applicable(self, f"{table.n_rows} rows are too few to see an order.")]
        timed = roles.times is not None and abs(_spearman(roles.times.astype(np.float64), order)) > 0.9
        findings = []
        for output, truth in zip(problem.outputs, truths):
            goal = _goal(output, truth)
            findings.append(self._judge(table, output.name, goal, order, timed))
        return findings

    def _judge(self, table: Table, target: str, goal: np.ndarray, order: np.ndarray, timed: bool) -> Finding:
        places = {
            c.name: self._place(table.frame[c.name].to_numpy(), order) for c in table.features if c.kind == "number"
        }
        in_file, z_file = _locality(goal, order)
        alone = all(
            c.role == "target" or c.kind in MEDIA_KINDS or (c.kind, c.role) == ("category", "ignore")
            for c in table.columns
        )
        sorted_file = in_file > self.explained and z_file > self.deviations and not alone
        evidence = {"output": target, "explained_by_neighbours": in_file, "deviations": z_file}
        found = {}
        for name, kind in places.items():
            if kind == "rows" and sorted_file and not timed:
                found[name] = in_file
            elif kind == "numbering" and not timed:
                share, z = _locality(goal, table.frame[name].to_numpy())
                if share > self.explained and z > self.deviations:
                    found[name] = share
        if found:
            columns = sorted(found, key=lambda name: -found[name])
            said = percent(found[columns[0]])
            sentence = (
                f"{names(columns)} {verb(len(columns), 'numbers', 'number')} the rows, and the rows are in order of "
                f"{target!r}: a row's neighbours in that order explain {said} of it. "
                f"{verb(len(columns), 'It is', 'They are')} left out of every model."
            )
            remedy = f"Nothing, unless new rows are numbered the same way; then set data.columns.{columns[0]}: feature."
            return fire(self, sentence, remedy, columns=columns, evidence={**evidence, "exclude": columns})
        if alone and in_file > self.explained:
            sentence = f"The rows are listed in order of {target!r}, and there is no column besides texts and files that could tell the place of one."
            return passed(self, sentence, evidence=evidence)
        if sorted_file and timed:
            sentence = f"Rows near each other are alike in {target!r} ({percent(in_file)} explained), and the time column orders them."
            return passed(self, sentence, evidence=evidence)
        unseen = {} if timed else self._unseen(table, goal, order)
        if unseen:
            columns = sorted(unseen, key=lambda name: -unseen[name])
            sentence = (
                f"{names(columns)} {verb(len(columns), 'numbers', 'number')} the rows in order of {target!r}: a row's neighbours by it explain "
                f"{percent(unseen[columns[0]])} of it. No model sees {verb(len(columns), 'it', 'them')}."
            )
            remedy = "Nothing here. Ask how rows were numbered: another tool may read the answer off."
            return fire(self, sentence, remedy, columns=columns, evidence=evidence)
        if sorted_file:
            sentence = (
                f"The file is in order of {target!r}: a row's neighbours explain {percent(in_file)} of it "
                f"({number(z_file)} deviations from no order). No column tells the place of a row."
            )
            remedy = "Nothing here: rows are divided by their content. If the rows are in order of time, set data.time."
            return fire(self, sentence, remedy, severity="info", evidence=evidence)
        sentence = f"Neighbours in the file tell {percent(max(0.0, in_file))} of {target!r}, less than {percent(self.explained)}."
        return passed(self, sentence, evidence=evidence)

    def _unseen(self, table: Table, goal: np.ndarray, order: np.ndarray) -> dict[str, float]:
        """Return the columns that no model sees and that number the rows in order of the target: ids, kept as text."""
        found = {}
        for column in table.columns:
            if column.encoded or column.role == "target":
                continue
            numbers = table.frame[column.name].cast(pl.Float64, strict=False).to_numpy()
            if np.isnan(numbers).any() or len(np.unique(numbers)) < 0.95 * len(numbers):
                continue
            share, z = _locality(goal, numbers)
            if share > self.explained and z > self.deviations:
                found[column.name] = share
        return found

    def _place(self, values: np.ndarray, order: np.ndarray) -> str:
        """Return "rows" for a number that counts along the file, "numbering" for one that counts otherwise, else nothing."""
        values = values.astype(np.float64)
        if np.isnan(values).any() or not (values == np.round(values)).all() or len(np.unique(values)) < len(values):
            return ""
        # A measurement by which the file is sorted rises too, but seldom evenly.
        if abs(float(np.corrcoef(values, order)[0, 1])) > self.place:
            return "rows"
        counts = np.histogram(values, 20)[0]
        dense = len(values) / (values.max() - values.min() + 1)
        return "numbering" if dense > 0.6 and counts.min() > 0.6 * counts.max() else ""


def _goal(output: Output, truth: np.ndarray) -> np.ndarray:
    """Return the target as columns: class indicators, or ranks of values, so that outliers do not hide an order."""
    if output.task.family == "classes":
        return np.eye(len(output.labels))[truth]
    ranks = np.unique(truth, return_inverse=True)[1].astype(np.float64)
    return ranks.reshape(len(truth), -1)


def _locality(goal: np.ndarray, places: np.ndarray) -> tuple[float, float]:
    """Return the share that a row's neighbours explain of it, and the standardised serial correlation.

    Shape:
        goal: (rows, columns)
        places: (rows,) numbers by which rows are neighbours

    Examples:
        >>> share, z = _locality(np.repeat([[1.0], [0.0]], 500, axis=0), np.arange(1_000))
        >>> share > 0.98, z > 30
        (True, True)
    """
    y = goal[np.argsort(places, kind="stable")]
    y = y - y.mean(axis=0)
    total = (y**2).sum()
    if total <= 0:
        return 0.0, 0.0
    serial = float((y[1:] * y[:-1]).sum() / total) * np.sqrt(len(y))
    sums = np.concatenate([np.zeros((1, y.shape[1])), np.cumsum(y, axis=0)])
    at = np.arange(len(y))
    low, high = np.maximum(at - NEIGHBOURS, 0), np.minimum(at + NEIGHBOURS + 1, len(y))
    near = (sums[high] - sums[low] - y) / (high - low - 1)[:, None]
    return float(1 - ((y - near) ** 2).sum() / total), float(serial)


def _spearman(a: np.ndarray, b: np.ndarray) -> float:
    one, two = (np.unique(side, return_inverse=True)[1].astype(np.float64) for side in (a, b))
    return float(np.corrcoef(one, two)[0, 1]) if min(one.std(), two.std()) > 0 else 0.0
