"""FG315: columns that name rows or groups, kept as features."""

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
from fieldguide.core.statistics.association import explained_by_levels, indicators
from fieldguide.core.table import Table
from fieldguide.parts.checks._answers import count, fire, names, not_applicable, passed, percent, verb

FEWEST_ROWS = 100
EPOCHS = ((946_684_800, 2_082_758_400), (946_684_800_000, 2_082_758_400_000))
"""Seconds and milliseconds since 1970 of the years 2000 to 2035: numbers that are dates, not names."""


@dataclass(frozen=True)
class MemorisingIds:
    """Columns that name rows or groups and describe nothing: codes written as numbers, categories that stand for a group.

    Formula: a *code* is a number that is whole in every row, different in 95 % of them, of the same count of digits (five
    at least) in 99 %, and whose last digit is as even as chance. A *name of groups* is a category most of whose levels
    (95 % of those with two rows or more) stand in one declared group only; it is named when the means of its levels in one
    half of a group's rows explain 5 % more of the target in the other half than in other groups, where its levels are
    new. Categories nearly all of whose levels stand once are FG305's.

    Why: a tree can learn the target of each phone number and of each shop name. It is right about the rows it saw, and
    about nothing else; with rows of one group on both sides of a split the score is a memory test.

    Remedy: set the column to `ignore`, or put in its place what it stands for (the region of a postcode, the size of the
    shop). The study's own score is not flattered: whole groups are held out.

    Source: Kaufman, Rosset, Perlich and Stitelman (2012), Leakage in Data Mining.

    Needs: table, problem, roles, truths.
    """

    name: ClassVar[str] = "fg315_memorising_ids"
    code: ClassVar[str] = "FG315"
    title: ClassVar[str] = "Columns that name rows or groups"
    step: ClassVar[str] = "explore"
    severity: ClassVar[Severity] = "warning"

    distinct: float = setting(0.95, "share of rows with a number of their own, from which it is a code")
    digits: int = setting(5, "digits from which a number of constant length is a code")
    nested: float = setting(0.95, "share of levels that stand in one group only, from which a category names groups")
    gap: float = setting(
        0.05, "share of the target explained within groups and not in new ones, from which it is named"
    )

    def run(self, *, table: Table, problem: Problem, roles: Roles, truths: Sequence[np.ndarray]) -> list[Finding]:
        if table.n_rows < FEWEST_ROWS:
            return [not_applicable(self, f"{table.n_rows} rows are too few to tell a name from a property.")]
        codes = [c.name for c in table.features if c.kind == "number" and self._is_code(table.frame[c.name].to_numpy())]
        named: dict[str, tuple[float, float, int]] = {}
        for output, truth in zip(problem.outputs, truths):
            for name, found in self._group_names(table, roles, output, truth):
                named[name] = max(named.get(name, found), found)
        if not codes and not named:
            return [passed(self, f"None of {count(len(table.features), 'column')} names rows or groups.")]
        findings = []
        if codes:
            sentence = (
                f"{names(codes)} {verb(len(codes), 'is a code', 'are codes')} written as "
                f"{verb(len(codes), 'a number', 'numbers')}: "
                f"whole, of one length, and different in {percent(self.distinct)} of {table.n_rows:,} rows or more."
            )
            remedy = f"Set data.columns.{codes[0]}: ignore, or put in its place what it stands for."
            findings.append(
                fire(
                    self,
                    sentence,
                    remedy,
                    columns=codes,
                    evidence={"codes": codes, "propose": dict.fromkeys(codes, "ignore")},
                )
            )
        if named:
            said = "; ".join(
                f"{name!r} ({levels:,} levels) explains {percent(inside)} in groups it knows, {percent(max(0.0, across))} in new ones"
                for name, (inside, across, levels) in list(named.items())[:3]
            )
            sentence = f"{names(named)} {verb(len(named), 'stands for the group', 'stand for the group')}: {said}."
            remedy = f"Set data.columns.{next(iter(named))}: ignore, or put in its place what describes the group."
            evidence = {
                "groups": {
                    name: {"inside": inside, "across": across, "levels": levels}
                    for name, (inside, across, levels) in named.items()
                },
                "propose": dict.fromkeys(named, "ignore"),
            }
            findings.append(fire(self, sentence, remedy, columns=named, evidence=evidence))
        return findings

    def _is_code(self, values: np.ndarray) -> bool:
        known = values[np.isfinite(values)]
        if len(known) < FEWEST_ROWS or (known != np.round(known)).any() or known.min() < 0:
            return False
        if len(np.unique(known)) < self.distinct * len(known) or any(
            low <= known.min() and known.max() <= high for low, high in EPOCHS
        ):
            return False
        lengths = np.floor(np.log10(np.maximum(known, 1))).astype(np.int64) + 1
        if lengths.max() < self.digits or np.mean(lengths == np.bincount(lengths).argmax()) < 0.99:
            return False
        last = np.bincount((known % 10).astype(np.int64), minlength=10)
        expected = len(known) / 10
        return bool(((last - expected) ** 2 / expected).sum() < 30)  # chi-squared of 9 degrees: p above .0004

    def _group_names(
        self, table: Table, roles: Roles, output: Output, truth: np.ndarray
    ) -> Iterator[tuple[str, tuple[float, float, int]]]:
        if not table.role("group"):
            return
        n_groups = len(np.unique(roles.blocks))
        goal = indicators(output, truth)
        for column in table.features:
            if column.kind != "category":
                continue
            levels = table.frame[column.name].rank("dense").fill_null(0).to_numpy().astype(np.int64)
            n_levels = len(np.unique(levels))
            if n_levels < max(20, 0.5 * n_groups) or not self._is_nested(levels, roles.blocks):
                continue
            rng = generator(0, "memory", column.name)
            inside = explained_by_levels(levels, goal, rng.permutation(len(goal)) % 2)
            sides = rng.permutation(n_groups) % 2
            across = explained_by_levels(levels, goal, sides[np.unique(roles.blocks, return_inverse=True)[1]])
            if inside - max(0.0, across) >= self.gap:
                yield column.name, (inside, across, n_levels)

    def _is_nested(self, levels: np.ndarray, blocks: np.ndarray) -> bool:
        rows = pl.DataFrame({"level": levels, "block": blocks}).filter(pl.col("level") > 0)
        seen = rows.group_by("level").agg(pl.len().alias("n"), pl.col("block").n_unique()).filter(pl.col("n") >= 2)
        return seen.height >= 10 and float((seen["block"] == 1).mean() or 0.0) >= self.nested  # type: ignore[arg-type]
