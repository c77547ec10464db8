"""FG328: a column that groups rows and was not declared."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
import polars as pl

from fieldguide.core.contracts import Roles
from fieldguide.core.finding import Finding, Severity
from fieldguide.core.problem import Output, Problem
from fieldguide.core.seeds import generator
from fieldguide.core.settings import setting
from fieldguide.core.statistics.association import binned, explained_by_levels, indicators
from fieldguide.core.table import Column, Table
from fieldguide.parts.checks._answers import count, fire, names, not_applicable, passed, percent

FEWEST_ROWS = 200
MOST_STRATA = 20


@dataclass(frozen=True)
class UndeclaredGroup:
    """A column by whose values rows resemble each other, so that a model is good for values it knows and for no others.

    Formula: candidates are categories, ids and whole numbers of 10 levels or more whose level means (numbers: beyond those of
    20 quantile bins) explain a tenth of the target in rows they were not made of, the four strongest. For each the quick
    model is cross-fitted again with all rows of a level on one side, against whole blocks at random with what is left of each level's
    mean in other rows added. It is named when what the model explains falls by more than
    30 % and by 5 points of the variance, and the rows' errors grow beyond chance: a one-sided t-test over levels, p below .01 over the number of
    candidates. A *stratum* is a category of 4 to 20 levels that alone explains half of the target, while within its
    levels the model explains less than 15 % of what is left: the score then is that of knowing the level. Where another
    column tells the levels apart as well (a scanner's setting, the place), and within them nothing is explained (5 %), both are left out.

    Why: rows of one school, customer or clinic share what no column says. With rows of a level on both sides of a split
    the score tells how well known levels are remembered; new ones are met without that memory. And where clinics
    were sent cases or controls, knowing the clinic is the score, until each clinic sees both.

    Remedy: set `data.group` to the column if the model will meet new values of it. If all its values are known, nothing is
    wrong. For a stratum: set `data.columns.<name>: ignore`, with the columns that give it away, unless its levels
    will differ in the same way.

    Source: Roberts et al. (2017), Cross-validation strategies for data with temporal, spatial, hierarchical, or phylogenetic
    structure; Saeb et al. (2017), The need to approximate the use-case in clinical machine learning.

    Needs: table, problem, roles, truths, probe.
    """

    name: ClassVar[str] = "fg328_undeclared_group"
    code: ClassVar[str] = "FG328"
    title: ClassVar[str] = "A column that groups rows and was not declared"
    step: ClassVar[str] = "explore"
    excludes: ClassVar[bool] = True
    severity: ClassVar[Severity] = "warning"

    levels: int = setting(10, "levels from which a column may name groups")
    alone: float = setting(0.1, "share of the target that level means explain, from which a column is looked at")
    loss: float = setting(0.3, "share of what is explained that is lost on new levels, from which a column is named")
    points: float = setting(0.05, "share of the target's variance that is lost, from which a column is named")
    most: int = setting(4, "candidates looked at, each for one quick fit")
    stratum: float = setting(0.5, "share of the target that one category explains, from which the score may be its own")
    nothing: float = setting(0.05, "share explained within levels, up to which a stratum that others tell is left out")
    within: float = setting(0.15, "share explained within levels, from which the score is more than that of levels")

    def run(
        self, *, table: Table, problem: Problem, roles: Roles, truths: Sequence[np.ndarray], probe: Any
    ) -> list[Finding]:
        if len(probe.rows) < FEWEST_ROWS:
            return [not_applicable(self, f"{len(probe.rows)} rows are too few to compare known levels with new ones.")]
        if roles.times is not None:
            return [not_applicable(self, "Rows are divided by time: what is known by then is met again.")]
        blocks = roles.blocks[probe.rows]
        found: list[dict[str, Any]] = []
        strata: list[dict[str, Any]] = []
        looked = 0
        for i, (output, truth) in enumerate(zip(problem.outputs, truths)):
            goal = indicators(output, truth[probe.rows])
            candidates = sorted(self._candidates(table, probe.rows, blocks, goal), key=lambda c: -c[1])[: self.most]
            looked += len(candidates)
            for name, alone, ids in candidates:
                bar = 0.01 / len(candidates)
                known = _remembering(goal, probe.predictions[i], ids, _dealt(blocks, name))
                told = self._told(goal, known, probe.apart(ids)[i], ids, bar)
                if told is not None:
                    found.append({"column": name, "output": output.name, "alone": alone, **told})
            strata += self._strata(table, probe, output, goal, probe.predictions[i])
        findings = [self._group(found)] if found else []
        findings += [self._stratum(entry) for entry in strata]
        return findings or [passed(self, f"None of {count(looked, 'candidate')} hides groups of rows.")]

    def _group(self, found: Sequence[dict[str, Any]]) -> Finding:
        first = max(found, key=lambda entry: (entry["known"] - entry["new"], entry["levels"]))
        name, others = first["column"], {entry["column"] for entry in found} - {first["column"]}
        sentence = (
            f"{name!r} groups the rows, and no group is declared: a quick model explains {percent(first['known'])} of "
            f"{first['output']!r} where it knows the values of {name!r}, {percent(first['new'])} for new ones "
            f"({first['levels']:,} values)." + (f" So do {names(sorted(others))}." if others else "")
        )
        remedy = (
            f"If the model will meet new values of it, set data.group: {name}, in a new study. If all its values are "
            "known, nothing is wrong."
        )
        return fire(self, sentence, remedy, columns=[name, *sorted(others)], evidence={"columns": list(found)})

    def _stratum(self, found: dict[str, Any]) -> Finding:
        name = found["column"]
        sentence = (
            f"{name!r} alone explains {percent(found['alone'])} of {found['output']!r}, and within its "
            f"{found['levels']:,} values a quick model explains {percent(found['within'])} of the rest: the score is mostly that of "
            f"telling them apart."
        )
        columns = [name, *found["telling"]]
        if found["telling"] and found["within"] <= self.nothing:
            sentence += f" {names(columns)}, which tell the same, are left out of every model."
            remedy = f"Nothing, unless the values of {name!r} will differ in the same way; then set data.columns.{name}: feature."
            return fire(self, sentence, remedy, columns=columns, evidence={**found, "exclude": columns})
        told = f" {names(found['telling'])} tell it, too." if found["telling"] else ""
        remedy = f"If rows were chosen so (cases from one place, controls from another), set data.columns.{name}: ignore.{told}"
        return fire(self, sentence, remedy, columns=columns, evidence=found)

    def _candidates(
        self, table: Table, rows: np.ndarray, blocks: np.ndarray, goal: np.ndarray
    ) -> Iterator[tuple[str, float, np.ndarray]]:
        for column in table.columns:
            if column.role != "feature" or column.kind not in ("category", "id", "number"):
                continue
            values = table.frame[column.name].gather(rows)
            if column.kind == "number" and not _whole(values):
                continue
            ids = _ids(values)
            n_levels = len(np.unique(ids))
            if not self.levels <= n_levels <= 0.6 * len(ids):
                continue
            half = _dealt(blocks, column.name)
            alone = explained_by_levels(ids, goal, half)
            if column.kind == "number":
                alone -= max(0.0, explained_by_levels(binned(values), goal, half))
            if alone >= self.alone:
                yield column.name, alone, ids

    def _told(
        self, goal: np.ndarray, known: np.ndarray, new: np.ndarray, ids: np.ndarray, bar: float
    ) -> dict[str, Any] | None:
        """Return what is explained of known and of new levels, where the difference is great and beyond chance."""
        from scipy.special import stdtr

        lost = ((goal - new) ** 2).sum(axis=1) - ((goal - known) ** 2).sum(axis=1)
        spread = ((goal - goal.mean(axis=0)) ** 2).sum()
        if spread <= 0:
            return None
        shares = [max(0.0, float(1 - ((goal - p) ** 2).sum() / spread)) for p in (known, new)]
        if shares[0] - shares[1] < max(self.points, self.loss * shares[0]):
            return None
        sums = np.bincount(np.unique(ids, return_inverse=True)[1], lost)
        n = len(sums)
        error = float(np.sqrt(n / (n - 1) * ((sums - sums.mean()) ** 2).sum()))
        p = float(stdtr(n - 1, -sums.sum() / error)) if error > 0 else 1.0
        return {"known": shares[0], "new": shares[1], "levels": n, "p": p} if p < bar else None

    def _strata(
        self, table: Table, probe: Any, output: Output, goal: np.ndarray, predicted: np.ndarray
    ) -> Iterator[dict[str, Any]]:
        for column in table.features:
            if column.kind != "category":
                continue
            ids = _ids(table.frame[column.name].gather(probe.rows))
            n_levels = len(np.unique(ids))
            half = generator(0, "groups", column.name).permutation(len(ids)) % 2
            if (
                not 4 <= n_levels <= min(MOST_STRATA, len(ids) / 20)
                or explained_by_levels(ids, goal, half) < self.stratum
            ):
                continue
            counts = np.bincount(ids)
            means = np.stack([np.bincount(ids, y) / np.maximum(counts, 1) for y in goal.T], axis=1)
            left = ((goal - means[ids]) ** 2).sum()
            within = float(1 - ((goal - predicted) ** 2).sum() / left) if left > 0 else 0.0
            if within < self.within:
                yield {
                    "column": column.name, "output": output.name, "alone": explained_by_levels(ids, goal, half),
                    "within": max(0.0, within), "levels": n_levels, "telling": list(_telling(table, column, probe.rows, means[ids], half)),
                }  # fmt: skip


def _telling(table: Table, column: Column, rows: np.ndarray, means: np.ndarray, half: np.ndarray) -> Iterator[str]:
    """Yield the columns that tell what the levels of a column differ in: half of it, alone."""
    for other in table.features:
        if other.name != column.name and other.kind in ("number", "category"):
            values = table.frame[other.name].gather(rows)
            if explained_by_levels(binned(values) if other.kind == "number" else _ids(values), means, half) > 0.5:
                yield other.name


def _whole(values: pl.Series) -> bool:
    known = values.drop_nulls().drop_nans().to_numpy()
    return len(known) > 0 and bool((known == np.round(known)).all())


def _ids(values: pl.Series) -> np.ndarray:
    """Return (rows,) codes of levels; a missing one is a level of its own."""
    codes: np.ndarray = values.rank("dense").fill_null(0).to_numpy().astype(np.int64)
    return codes


def _dealt(blocks: np.ndarray, name: str) -> np.ndarray:
    """Return (rows,) 0 or 1, whole blocks on one side: copies of a row say nothing of its level."""
    ids = np.unique(blocks, return_inverse=True)[1]
    half: np.ndarray = (generator(0, "groups", name).permutation(int(ids.max()) + 1) % 2)[ids]
    return half


def _remembering(goal: np.ndarray, predicted: np.ndarray, ids: np.ndarray, half: np.ndarray) -> np.ndarray:
    """Return predictions with what is left of each level's mean in the other half added, where that is better.

    The quick model lumps rare levels together; others that a study tries do not.
    """
    added = predicted.copy()
    left = goal - predicted
    for fit in (half == 0, half == 1):
        n = np.bincount(ids[fit], minlength=int(ids.max()) + 1)[:, None]
        sums = np.stack([np.bincount(ids[fit], weights=y, minlength=len(n)) for y in left[fit].T], axis=1)
        added[~fit] += (sums / (n + 1))[ids[~fit]]
    return added if ((goal - added) ** 2).sum() < (left**2).sum() else predicted
