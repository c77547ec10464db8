"""FG906: categories in serving that training never saw."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

from fieldguide.core.finding import Finding, Severity
from fieldguide.core.online.served import Traffic, unseen
from fieldguide.core.settings import setting
from fieldguide.parts.checks._answers import count, fire, names, not_applicable, passed, percent


@dataclass(frozen=True)
class NewLevels:
    """Levels of categories that are served and that training never saw.

    Formula: share of known served cells whose level is in no training row. Training itself says how often a new level is to be
    expected: the share of its cells whose level stands there once (Good and Turing's estimate). A column is named when the share
    is 1 % or more, twice what is expected or more, and at least 10 cells; a warning from 5 % on.

    Why: all levels a model never saw are one level to it, "unknown". A new product, a new spelling or another coding of the same
    thing disappears in it.

    Remedy: if it is a spelling, mend it where rows are sent. If it is new, train again once there are labelled rows of it.

    Source: Good (1953), The population frequencies of species and the estimation of population parameters.

    Needs: traffic.
    """

    name: ClassVar[str] = "fg906_new_levels"
    code: ClassVar[str] = "FG906"
    title: ClassVar[str] = "Categories training never saw"
    step: ClassVar[str] = "replay"
    severity: ClassVar[Severity] = "warning"

    least: float = setting(0.01, "share of cells from which a column is named")
    large: float = setting(0.05, "share of cells from which it is a warning")

    def run(self, *, traffic: Traffic) -> list[Finding]:
        columns = [column.name for column in traffic.columns if column.kind == "category"]
        if not columns or not traffic.served.height:
            return [not_applicable(self, "No category was served.")]
        found: dict[str, dict[str, Any]] = {}
        for name in columns:
            new = unseen(traffic.training[name], traffic.served[name])
            known, trained = traffic.served[name].drop_nulls().len(), traffic.training[name].drop_nulls()
            expected = int((trained.value_counts()["count"] == 1).sum()) / max(1, trained.len())
            share = new.len() / max(1, known)
            if new.len() >= 10 and share >= self.least and share >= 2 * expected:
                top = new.value_counts(sort=True)
                found[name] = {
                    "share": share,
                    "expected": expected,
                    "n": new.len(),
                    "levels": top[name].head(5).to_list(),
                }
        evidence = {"columns": found, "n_columns": len(columns)}
        if not found:
            return [
                passed(
                    self,
                    f"{count(len(columns), 'category', 'categories')} served the levels training saw.",
                    evidence=evidence,
                )
            ]
        order = sorted(found, key=lambda name: -found[name]["share"])
        worst = found[order[0]]
        sentence = (
            f"{names(order)} {'has' if len(order) == 1 else 'have'} levels in serving that training never saw: {order[0]!r} in "
            f"{percent(worst['share'])} of its cells, such as {worst['levels'][0]!r}; {percent(worst['expected'])} would be expected."
        )
        severity: Severity = "warning" if worst["share"] >= self.large else "info"
        remedy = "Mend the spelling where rows are sent, or train again once there are labelled rows of the new levels."
        return [fire(self, sentence, remedy, severity=severity, columns=order, evidence=evidence)]
