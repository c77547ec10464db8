"""FG337: groups whose rows all have the same target."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from fieldguide.core.finding import Finding, Severity
from fieldguide.core.problem import Problem
from fieldguide.core.settings import setting
from fieldguide.core.table import Table
from fieldguide.parts.checks._answers import count, fire, not_applicable, number, passed, percent

FEWEST_MIXED = 5.0  # groups that chance gives several targets, below which it may as well give none
FREQUENT = 100  # targets that may come twice in a group by chance; rarer ones hardly do


@dataclass(frozen=True)
class OneAnswerAGroup:
    """Rows that are parts of a case: the target is the same in all rows of a group, so that one answer a group is asked.

    Formula: the column that groups rows has 20 groups or more, of 5 rows or more on average; in at least 99 % of the groups of two rows
    or more all rows have one target, and a column that models see differs between the rows of most groups. Rows without a group are
    left out. Where one target is so frequent that chance alone makes groups of one, nothing follows: at least 5 groups must have
    several targets when rows are dealt at random, and ten times as many as have them.

    Why: steps of a recording, or visits of a patient with one diagnosis, are told apart by their course, which no single row
    shows. Judged row by row the score counts long groups more often than short ones, and there are as many cases as
    groups, not as many as rows. Nothing is wrong where an answer is wanted at each row: on each visit, say.

    Remedy: where one answer a group is asked, make one row of each: lists of numbers in cells are series, which are learned whole; or
    let `join` count and average what came before.

    Needs: media, problem, truths.
    """

    name: ClassVar[str] = "fg337_one_answer_a_group"
    code: ClassVar[str] = "FG337"
    title: ClassVar[str] = "One target a group"
    step: ClassVar[str] = "explore"
    severity: ClassVar[Severity] = "info"

    groups: int = setting(20, "groups from which this can be told")
    rows: float = setting(5.0, "rows a group, on average, from which it is a course")
    same: float = setting(0.99, "share of groups with one target")

    def run(self, *, media: Table, problem: Problem, truths: Sequence[np.ndarray]) -> list[Finding]:
        found = next((column.name for column in media.columns if column.role == "group"), None)
        if found is None:
            return [not_applicable(self, "No column groups rows.")]
        codes = media.frame[found].rank("dense").fill_null(0).to_numpy().astype(np.int64)
        sizes = np.bincount(codes)
        sizes[0] = 0  # ranks begin at 1: these have no group
        several = np.flatnonzero(sizes >= 2)
        n, mean = len(several), float(sizes[several].mean()) if len(several) else 0.0
        if n < self.groups or mean < self.rows:
            said = f"{found!r} makes {count(n, 'group')} of {number(mean, 2)} rows on average, too few to tell."
            return [not_applicable(self, said)]
        output, truth = problem.output, truths[0]
        share = float((_spans(codes, truth.astype(np.float64))[several] == 0).mean())
        evidence = {"group": found, "groups": n, "rows_each": mean, "same": share}
        by_chance = _mixed_by_chance(truth, sizes[several])
        told = share >= self.same and by_chance >= max(FEWEST_MIXED, 10 * n * (1 - share))
        if not told or not _varied(media, codes, several):
            return [
                passed(self, f"{output.name!r} is one in {percent(share)} of the {n:,} groups of {found!r}.", evidence)
            ]
        sentence = (
            f"{output.name!r} is the same in all rows of {'each' if share == 1 else percent(share)} of the {n:,} {found!r}, of {number(mean, 3)} rows "
            "each: a row is part of a case, and there are as many cases as groups."
        )
        remedy = (
            f"If one answer is asked for each {found!r}, make one row of it, with its numbers as lists in cells: they are read as "
            "series. If an answer is asked at each row, nothing is wrong."
        )
        return [fire(self, sentence, remedy, columns=[found], evidence=evidence)]


def _spans(codes: np.ndarray, values: np.ndarray) -> np.ndarray:
    """Return how far apart the values of each group are, its greatest less its least.

    Examples:
        >>> _spans(np.array([0, 0, 1, 1]), np.array([2.0, 2.0, 1.0, 4.0])).tolist()
        [0.0, 3.0]
    """
    low, high = np.full(codes.max() + 1, np.inf), np.full(codes.max() + 1, -np.inf)
    np.fmin.at(low, codes, values)
    np.fmax.at(high, codes, values)
    return high - low


def _mixed_by_chance(truth: np.ndarray, sizes: np.ndarray) -> float:
    """Return how many groups of these sizes would have several targets if rows were dealt to them at random.

    Examples:
        >>> _mixed_by_chance(np.array([0, 1, 0, 1]), np.array([2, 2, 3]))
        1.75
    """
    shares = np.sort(np.unique(truth, return_counts=True)[1])[-FREQUENT:] / len(truth)
    of_size, n = np.unique(sizes, return_counts=True)
    return float((n * (1 - (shares[None, :] ** of_size[:, None]).sum(axis=1))).sum())


def _varied(table: Table, codes: np.ndarray, groups: np.ndarray) -> bool:
    """Whether a column that models see differs between the rows of most groups."""
    for column in table.features:
        values = table.frame[column.name].rank("dense").fill_null(0).to_numpy().astype(np.float64)
        if (_spans(codes, values)[groups] > 0).mean() > 0.5:
            return True
    return False
