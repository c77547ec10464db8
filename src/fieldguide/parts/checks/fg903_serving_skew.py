"""FG903: features distributed otherwise in serving than in training, from the first."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import polars as pl

from fieldguide.core.finding import Finding, Severity
from fieldguide.core.online.served import Moved, Traffic, moved
from fieldguide.core.settings import setting
from fieldguide.parts.checks._answers import count, fire, names, not_applicable, number, passed

FEWEST = 200
"""Served rows, and units behind them, that are needed."""


@dataclass(frozen=True)
class ServingSkew:
    """Features whose served values are distributed otherwise than in training, from the first window on.

    Formula: population stability index between training rows and the first window of served rows, over the training deciles
    (levels for categories), known cells only, less what chance gives. A column is named from 0.1 on when the chi-squared test
    has p < 0.001 after Bonferroni's correction for the columns; rows of one unit count once. A warning from 0.25 on. Dates
    are left out: they move on by themselves.

    Why: what differs from the first answer on is no drift. The feature is computed otherwise online, or other people are served
    than the training rows tell of; either way the offline score is not theirs.

    Remedy: find out which: compare cells of the same units (`fieldguide replay --offline`); if the population differs, state it
    in `population` and train on those who are served.

    Source: Siddiqi (2006), Credit Risk Scorecards, for the bounds of the index.

    Needs: traffic.
    """

    name: ClassVar[str] = "fg903_serving_skew"
    code: ClassVar[str] = "FG903"
    title: ClassVar[str] = "Serving differs from training"
    step: ClassVar[str] = "replay"
    severity: ClassVar[Severity] = "warning"

    named: float = setting(0.1, "population stability index from which a column is named")
    large: float = setting(0.25, "population stability index from which it is a warning")

    def run(self, *, traffic: Traffic) -> list[Finding]:
        if traffic.served.height * min(1.0, traffic.weight) < FEWEST or traffic.training.height < FEWEST:
            return [
                not_applicable(
                    self,
                    f"{count(traffic.served.height, 'served row')} of {count(traffic.n_units, 'unit')} are too few.",
                )
            ]
        first = traffic.served.filter(pl.Series(traffic.window == 0))
        return judged(self, traffic.training, first, traffic, "in the first window of serving than in training", (
            "Compare the cells of the same units by fieldguide replay --offline; if other people are served, train on those."
        ), self.named, self.large, 1)  # fmt: skip


def judged(
    check: ServingSkew, before: pl.DataFrame, after: pl.DataFrame, traffic: Traffic, where: str, remedy: str, named: float,
    large: float, n_looks: int,
) -> list[Finding]:  # fmt: skip
    """Return the finding on columns that are distributed otherwise in `after` than in `before`.

    Args:
        n_looks: how many pairs of windows were looked at, corrected for together with the columns.
    """
    columns = [column.name for column in traffic.compared()]
    found: dict[str, Moved] = {}
    for name in columns:
        one = moved(before[name], after[name], traffic.weight)
        if one.index >= named and one.p * len(columns) * n_looks < 1e-3:
            found[name] = one
    evidence = {
        "columns": {name: {"index": one.index, "p": one.p, **_middle(before[name], after[name])} for name, one in found.items()},
        "n_columns": len(columns), "n": after.height,
    }  # fmt: skip
    if not found:
        return [
            passed(
                check, f"None of {count(len(columns), 'column')} is distributed otherwise {where}.", evidence=evidence
            )
        ]
    order = sorted(found, key=lambda name: -found[name].index)
    worst = evidence["columns"][order[0]]  # type: ignore[index]
    middle = (
        ""
        if worst["before"] is None
        else f", {worst['what']} {number(worst['before'])} before and {number(worst['after'])} now"
    )
    sentence = (
        f"{names(order)} {'is' if len(order) == 1 else 'are'} distributed otherwise {where}: {order[0]!r} most, with an index of "
        f"{number(found[order[0]].index)}{middle}."
    )
    severity: Severity = "warning" if found[order[0]].index >= large else "info"
    return [fire(check, sentence, remedy, severity=severity, columns=order, evidence=evidence)]


def _middle(before: pl.Series, after: pl.Series) -> dict[str, float | str | None]:
    """Return what a sentence says of a column: means of numbers and flags, nothing of categories."""
    if before.dtype == pl.String:
        return {"what": None, "before": None, "after": None}
    one, two = before.cast(pl.Float64).mean(), after.cast(pl.Float64).mean()
    return {"what": "mean", "before": one, "after": two}  # type: ignore[dict-item]
