"""FG305: categories with very many levels."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

from fieldguide.core.errors import listed
from fieldguide.core.finding import Finding, Severity
from fieldguide.core.settings import setting
from fieldguide.core.table import Table
from fieldguide.parts.checks._answers import count, fire, not_applicable, passed, percent, verb


@dataclass(frozen=True)
class ManyLevels:
    """Categories with so many levels that most are seen too rarely to learn from.

    Formula: levels / known cells, and the share of rows whose level is seen only once.

    Why: a level that is seen once teaches nothing about new rows, and new rows will bring levels never seen. Both
    are read as "rare or unknown". A column of nearly as many levels as rows is an identifier in disguise.

    Remedy: replace the column by what it stands for (a region for a postcode, a maker for a model), or set it to
    `ignore`.

    Needs: table, profile (columns: {name: {n, missing, n_levels}}).
    """

    name: ClassVar[str] = "fg305_many_levels"
    code: ClassVar[str] = "FG305"
    title: ClassVar[str] = "Categories of many levels"
    step: ClassVar[str] = "explore"
    severity: ClassVar[Severity] = "warning"

    levels: int = setting(50, "levels below which a column is not looked at")
    once: float = setting(0.05, "share of rows whose level is seen once, from which a column is named")
    identifier: float = setting(0.5, "levels per known cell from which it is a warning")

    def run(self, *, table: Table, profile: Mapping[str, Any]) -> list[Finding]:
        categories = {name: facts for name, facts in profile["columns"].items() if "n_levels" in facts}
        if not categories:
            return [not_applicable(self, "There is no category.")]
        found = {}
        for name, facts in categories.items():
            known = facts["n"] - facts["missing"]
            if facts["n_levels"] <= self.levels or not known:
                continue
            counts = table.frame[name].drop_nulls().value_counts()["count"]
            once = int((counts == 1).sum())
            if once > self.once * known:
                found[name] = {
                    "levels": facts["n_levels"],
                    "once": once,
                    "share_once": once / known,
                    "per_row": facts["n_levels"] / known,
                }
        if not found:
            most = max(facts["n_levels"] for facts in categories.values())
            return [
                passed(
                    self,
                    f"The {count(len(categories), 'category', 'categories')} have at most {most:,} levels, few of "
                    "them seen once.",
                )
            ]
        order = sorted(found, key=lambda name: -found[name]["share_once"])
        said = listed(
            (
                (
                    f"{name!r} ({found[name]['levels']:,} levels, {percent(found[name]['share_once'])} of rows have "
                    "one of their own)"
                )
                for name in order
            ),
            3,
        )
        sentence = (
            f"{count(len(found), 'category', 'categories')} {verb(len(found), 'has', 'have')} many levels: {said}."
        )
        remedy = "Replace them by what they stand for (a region for a postcode), or set them to ignore."
        worst = max(facts["per_row"] for facts in found.values())
        return [
            fire(
                self,
                sentence,
                remedy,
                severity="warning" if worst > self.identifier else "info",
                columns=order,
                evidence={"levels": found},
            )
        ]
