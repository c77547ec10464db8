"""FG309: equal rows with different labels."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from fieldguide.core.files.media import by_content
from fieldguide.core.finding import Finding, Severity
from fieldguide.core.problem import Output, Problem
from fieldguide.core.settings import setting
from fieldguide.core.table import Table, known_keys
from fieldguide.parts.checks._answers import count, fire, not_applicable, passed, percent, verb


@dataclass(frozen=True)
class ConflictingLabels:
    """Rows that are equal in every feature and have different targets.

    Formula: rows that share their features with another row of another label (for values: with a spread above 1 %
    of the target's); and the errors no model can avoid on them: for each set of equal rows, those outside its most
    frequent label.

    Rows of which every feature is missing are left out: nothing is known of them.

    Beyond chance: two draws of the same label at random differ in at most 1 - sum(q_k^2) of the cases, whatever the
    features tell (q_k: shares of the labels). Where pairs of equal rows differ more often than that (binomial, p < 0.001),
    no chance explains it: one of the two labels is wrong. `finalize` then scores the rows without such pairs as well,
    and the reported interval spans both.

    Why: the features cannot tell such rows apart, so the best possible accuracy is below 100 %. Among rows with
    many columns it rather means that labels are wrong.

    Remedy: look at some of these rows. Correct the labels, or add the column that tells the cases apart.

    Needs: media, problem, truths.
    """

    name: ClassVar[str] = "fg309_conflicting_labels"
    code: ClassVar[str] = "FG309"
    title: ClassVar[str] = "Equal rows with conflicting labels"
    step: ClassVar[str] = "explore"
    severity: ClassVar[Severity] = "warning"

    most: float = setting(
        0.02, "share of unavoidable errors from which it is a warning, where rows are mostly distinct"
    )

    def run(self, *, media: Table, problem: Problem, truths: Sequence[np.ndarray]) -> list[Finding]:
        table, names = (
            media,
            [column.name for column in media.features],
        )  # a text or a picture tells cases apart as well
        if not names:
            return [not_applicable(self, "There are no features.")]
        cells = by_content(table.frame.select(names), table.features)
        groups = np.unique(known_keys(cells), return_inverse=True)[1]
        sizes = np.bincount(groups)
        shared = int((sizes[groups] > 1).sum())
        if not shared:
            return [passed(self, f"No two of the {table.n_rows:,} rows are equal in every feature.")]
        findings = []
        for output, truth in zip(problem.outputs, truths):
            rows, errors = _conflicts(groups, sizes, truth, output)
            evidence = {
                "output": output.name, "equal_rows": shared, "conflicting_rows": rows, "unavoidable_errors": errors,
                "beyond_chance": output.task.family == "classes" and beyond_chance(groups, truth),
            }  # fmt: skip
            if not rows:
                findings.append(
                    passed(self, f"The {shared:,} rows that equal another agree in {output.name!r}.", evidence=evidence)
                )
                continue
            told = (
                f"{count(rows, 'row')} ({percent(rows / len(truth))}) {verb(rows, 'equals', 'equal')} another in "
                f"every feature and {verb(rows, 'differs', 'differ')} in {output.name!r}"
            )
            floor = f": at least {count(errors, 'error')} cannot be avoided" if output.task.family == "classes" else ""
            distinct = len(sizes) > 0.5 * len(truth)
            serious = distinct and max(errors, rows / 2 if output.task.family == "values" else 0) > self.most * len(
                truth
            )
            remedy = "Look at some of them: correct wrong labels, or add the column that tells the cases apart."
            findings.append(
                fire(
                    self,
                    told + floor + ".",
                    remedy,
                    severity="warning" if serious else "info",
                    columns=[output.name],
                    evidence=evidence,
                )
            )
        return findings


def _conflicts(groups: np.ndarray, sizes: np.ndarray, truth: np.ndarray, output: Output) -> tuple[int, int]:
    """Return (rows in sets of equal rows that disagree, errors that cannot be avoided)."""
    if output.task.family == "classes":
        width = len(output.labels)
        cells, counts = np.unique(groups.astype(np.int64) * width + truth, return_counts=True)
        most = np.zeros(len(sizes), np.int64)
        np.maximum.at(most, cells // width, counts)
        return int(sizes[most < sizes].sum()), int((sizes - most).sum())
    low, high = np.full(len(sizes), np.inf), np.full(len(sizes), -np.inf)
    np.minimum.at(low, groups, truth)
    np.maximum.at(high, groups, truth)
    return int(sizes[high - low > 0.01 * truth.std()].sum()), 0


def beyond_chance(groups: np.ndarray, truth: np.ndarray) -> bool:
    """Return whether equal rows differ in their labels more often than labels drawn at random would.

    One pair of each set of equal rows is looked at, so that pairs do not depend on each other.

    Shape:
        groups: (rows,) set of equal rows each belongs to
        truth: (rows,) int64 codes

    Examples:
        >>> groups = np.repeat(np.arange(40), 2)
        >>> beyond_chance(groups, np.tile([0, 1], 40)), beyond_chance(groups, np.repeat(np.arange(40) % 2, 2))
        (True, False)
    """
    from scipy.special import bdtrc

    order = np.argsort(groups, kind="stable")
    follows = np.flatnonzero(np.diff(groups[order]) == 0)
    _, once = np.unique(groups[order][follows], return_index=True)
    left, right = order[follows[once]], order[follows[once] + 1]
    n, differ = len(left), int((truth[left] != truth[right]).sum())
    shares = np.bincount(truth[np.concatenate([left, right])]) / (2 * n) if n else np.ones(1)
    return n > 0 and differ > 0 and float(bdtrc(differ - 1, n, 1 - float((shares**2).sum()))) < 1e-3
