"""FG316: columns that look into the future: computed from the target's own or later rows."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import polars as pl

from fieldguide.core.contracts import Roles
from fieldguide.core.finding import Finding, Severity
from fieldguide.core.problem import Output, Problem
from fieldguide.core.seeds import generator
from fieldguide.core.settings import setting
from fieldguide.core.table import Table
from fieldguide.parts.checks._answers import count, fire, names, not_applicable, number, passed, percent, verb
from fieldguide.parts.checks._windows import Overlap, neighbours, overlap, rates_of_few, shares

FEWEST_LEVELS = 30
MOST_KEYS = 12
SCREENED_ROWS = 2_000
OWN = 0.99
"""Share of a column that the own row explains, from which it is a copy of the target and not a window."""
FOLLOWS = 0.8
"""Correlation of a column with the means of the target among its equal values, from which it is made of them."""


@dataclass(frozen=True)
class Sight:
    """A column that holds rows of the target it should not: why, and whether it is sure."""

    column: str
    why: str
    sure: bool


@dataclass(frozen=True)
class FutureWindows:
    """Aggregates of the target over a window that has the row itself, or later ones, in it.

    Formula: three tests. *Windows*, where there is a time: the share of a column's variance that the target explains by
    least squares, within its group, from earlier rows (eight lags and means over usual lengths), and from earlier, own
    and later rows. It fires when all together explain 90 % and leave a quarter of what the past, or the own
    row, leaves; the column is left out when they explain 95 % and leave a fifth. *Groups*: a column that is the same in all rows of a group (or category)
    can know the group's true mean of the target, not the chance in the rows at hand. Q = sum n_g (mean_g - line(x_g))^2
    over the sum of the groups' variances is 1 at least for honest columns, and chi-squared; below one half, with a chance
    under 1e-6 shared among the columns, the column was computed from these very rows and is left out. Where no column names the
    groups, the rows that share a value of the column stand for them. *Rates of a few*: simple fractions, of which 0 and 1 have
    no exception, in so many rows that chance is out of the question.

    Why: a centred moving average, "mean sales of the shop" over all years, a target encoding made before the split: each
    holds a piece of the answer that is not there yet when the model is asked. The fewer rows a group has, the greater
    the piece.

    Remedy: compute the column from rows before the prediction time only (`fieldguide join` does). If it is known in time,
    overrule with `data.columns.<name>: feature`. A column that the later target merely follows, as sales follow
    advertising, is not found: only what is made of the target is.

    Source: Kaufman, Rosset, Perlich and Stitelman (2012), Leakage in Data Mining; Micci-Barreca (2001) for encodings.

    Needs: table, problem, roles, truths.
    """

    name: ClassVar[str] = "fg316_future_windows"
    code: ClassVar[str] = "FG316"
    title: ClassVar[str] = "Windows that look into the future"
    step: ClassVar[str] = "explore"
    excludes: ClassVar[bool] = True
    severity: ClassVar[Severity] = "warning"

    share: float = setting(0.9, "share of a column explained by rows around it, from which it is named")
    sure_share: float = setting(0.95, "share of a column explained by rows around it, from which it is left out")
    times: float = setting(4.0, "times as much that earlier rows leave unexplained, from which it is named")
    sure_times: float = setting(5.0, "times as much that earlier rows leave unexplained, from which it is left out")
    ratio: float = setting(0.5, "ratio Q below which a column is made of the group's own rows")
    chance: float = setting(1e-6, "probability of so small a Q, shared among all columns and groups")

    def run(self, *, table: Table, problem: Problem, roles: Roles, truths: Sequence[np.ndarray]) -> list[Finding]:
        columns = {c.name: table.frame[c.name].to_numpy() for c in table.features if c.kind == "number"}
        outputs = [(o, t) for o, t in zip(problem.outputs, truths) if o.family != "multiclass"]
        if not columns or not outputs:
            why = "There is no number." if not columns else "Targets of several classes have no mean."
            return [not_applicable(self, why)]
        findings = []
        for output, truth in outputs:
            y = truth.astype(np.float64)
            found = {sight.column: sight for sight in self._in_groups(table, y, columns)}
            found |= {sight.column: sight for sight in self._in_time(table, y, columns, roles)}
            findings.append(self._judge(output, list(found.values()), len(columns)))
        return findings

    def _judge(self, output: Output, found: Sequence[Sight], n_columns: int) -> Finding:
        if not found:
            return passed(
                self, f"None of {count(n_columns, 'number')} is made of own or later rows of {output.name!r}."
            )
        sure = [sight.column for sight in found if sight.sure]
        columns = [sight.column for sight in found]
        text = "; ".join(sight.why for sight in found[:3])
        text = text[0].upper() + text[1:]
        evidence = {"output": output.name, "columns": {sight.column: sight.why for sight in found}}
        sentence = f"{text}."
        if sure:
            sentence += f" {names(sure)} {verb(len(sure), 'is', 'are')} left out of every model."
            remedy = (
                f"Compute {verb(len(sure), 'it', 'them')} from earlier rows only; if {verb(len(sure), 'it is', 'they are')} "
                f"known in time, set data.columns.{sure[0]}: feature."
            )
            return fire(self, sentence, remedy, columns=columns, evidence={**evidence, "exclude": sure})
        remedy = f"Ask how {names(columns)} {verb(len(columns), 'is', 'are')} computed; if from later rows, set data.columns.{columns[0]}: ignore."
        return fire(self, sentence, remedy, columns=columns, evidence=evidence)

    def _in_time(self, table: Table, y: np.ndarray, columns: dict[str, np.ndarray], roles: Roles) -> Iterator[Sight]:
        if roles.times is None:
            return
        groups = (
            _ids(table.frame[c.name]) if (c := next(iter(table.role("group")), None)) else np.zeros(len(y), np.int64)
        )
        seen = neighbours(y, roles.times, groups, generator(0, "windows"))
        if seen is None:
            return
        for name, values in columns.items():
            found = shares(values, seen)
            if found is None or found.own > OWN or found.whole < self.share:
                continue
            left = 1 - max(found.past, found.own)
            times = left / max(1 - found.whole, 1e-9)
            if times < self.times:
                continue
            sure = found.whole >= self.sure_share and times >= self.sure_times
            why = (
                f"{percent(found.whole)} of {name!r} is a weighted sum of the target around its row, and earlier rows "
                f"alone give {percent(max(0.0, found.past))}"
            )
            yield Sight(name, why, sure)

    def _in_groups(self, table: Table, y: np.ndarray, columns: dict[str, np.ndarray]) -> Iterator[Sight]:
        keys = _keys(table)
        chance = self.chance / ((len(keys) + 1) * len(columns))
        some = np.sort(generator(0, "groups").permutation(len(y))[:SCREENED_ROWS])
        firsts = {key: np.unique(ids, return_index=True)[1][ids[some]] for key, ids in keys.items()}
        for name, values in columns.items():
            for key, ids in keys.items():
                if (np.abs(values[some] - values[firsts[key]]) > 1e-6 * np.abs(values[some])).mean() > 0.001:
                    continue  # most columns differ within groups and end here
                found = overlap(values, y, ids)
                if found is not None and found.ratio < self.ratio and found.p < chance:
                    why = (
                        f"{name!r}, the same in all rows of a {key!r}, follows the chance in these rows' mean of the target: "
                        f"it lies {number(found.ratio)} times as far off as a column that knows only the true mean would"
                    )
                    yield Sight(name, why, True)
                    break
            else:
                if (found := self._of_itself(values, y, chance)) is not None:
                    why = (
                        f"rows with the same {name!r} have a mean of the target that follows it: it lies {number(found.ratio)} times "
                        "as far off as a column that knows only the true mean would"
                    )
                    yield Sight(name, why, True)
                elif rates_of_few(values, y):
                    yield Sight(
                        name,
                        f"{name!r} holds rates of the target in groups of a few rows, the row's own among them",
                        True,
                    )

    def _of_itself(self, values: np.ndarray, y: np.ndarray, chance: float) -> Overlap | None:
        """Return the overlap of a column whose groups are gone from the table and live on in its own values."""
        ids = np.unique(values, return_inverse=True)[1]
        found = overlap(values, y, ids)
        if found is None or found.ratio >= self.ratio or found.p >= chance:
            return None
        sizes = np.bincount(ids)
        means = (np.bincount(ids, weights=y) / sizes)[ids]
        known = np.isfinite(values) & (sizes[ids] >= 2)
        if means[known].std() == 0 or values[known].std() == 0:
            return None  # equal means follow nothing: copies of a row with both labels have them
        follows = float(np.corrcoef(values[known], means[known])[0, 1])
        return found if follows >= FOLLOWS else None


def _keys(table: Table) -> dict[str, np.ndarray]:
    """Return ids of the groups, and of categories with many levels of few rows."""
    found = {}
    for column in table.columns:
        if column.role == "group" or (
            column.role in ("feature", "ignore", "key") and column.kind in ("category", "id")
        ):
            ids = _ids(table.frame[column.name])
            sizes = np.bincount(ids)
            if (sizes >= 2).sum() >= FEWEST_LEVELS:
                found[column.name] = ids
        if len(found) == MOST_KEYS:
            break
    return found


def _ids(values: pl.Series) -> np.ndarray:
    """Return (rows,) numbers of the levels; missing cells are levels of their own."""
    ids = np.unique(values.hash(seed=0).to_numpy(), return_inverse=True)[1]
    missing = np.flatnonzero(values.is_null().to_numpy())
    ids[missing] = ids.max() + 1 + np.arange(len(missing))
    return np.asarray(np.unique(ids, return_inverse=True)[1])
