"""FG401: encoded values that a network cannot take."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from fieldguide.core.batch import Batch, Layout
from fieldguide.core.errors import listed
from fieldguide.core.finding import Finding, Severity
from fieldguide.core.settings import setting
from fieldguide.core.table import Table
from fieldguide.core.transform import Recipe
from fieldguide.parts.checks._answers import count, fire, names, not_applicable, number, passed, verb


@dataclass(frozen=True)
class OutOfRange:
    """Encoded values that are not finite, or far larger than the others after scaling.

    Formula: NaN and infinity, and |x| > 50, in the encoded numbers of the training rows.

    Why: one NaN turns every weight of a network into NaN. A value of 50 standard deviations makes a gradient step
    fifty times too large, and training jumps about or stalls.

    Remedy: for far values, check them, and set `data.columns.<name>` or `recipe.scaling: quantile`. A value that is
    not finite is a bug in an encoder: report it.

    Needs: table, recipe, layout, arrays (the encoded training rows).
    """

    name: ClassVar[str] = "fg401_out_of_range"
    code: ClassVar[str] = "FG401"
    title: ClassVar[str] = "Encoded values out of range"
    step: ClassVar[str] = "prepare"
    severity: ClassVar[Severity] = "error"

    bound: float = setting(50.0, "largest encoded size that is usual after scaling")
    most: float = setting(0.001, "share of a column's values beyond the bound from which it is a warning")

    def run(self, *, table: Table, recipe: Recipe, layout: Layout, arrays: Batch) -> list[Finding]:
        numbers = arrays.numbers
        if not numbers.size:
            return [not_applicable(self, "Nothing is encoded as a number.")]
        absent = np.isnan(numbers) if recipe.missing != "keep" else np.zeros(numbers.shape, bool)
        bad = (absent | np.isinf(numbers)).sum(axis=0)
        if bad.any():
            which = [layout.numbers[i] for i in np.flatnonzero(bad)]
            n = int(bad.sum())
            sentence = f"{count(n, 'encoded value')} {verb(n, 'is', 'are')} not finite, in {names(which)}."
            return [
                fire(
                    self,
                    sentence,
                    "Report this as a bug.",
                    columns=_columns(table, which),
                    evidence={"encoded": which, "n": n},
                )
            ]
        if recipe.scaling == "none":
            return [not_applicable(self, f"The {numbers.shape[1]} encoded numbers are not scaled; all are finite.")]
        largest = np.abs(np.nan_to_num(numbers)).max(axis=0)
        far = {layout.numbers[i]: float(largest[i]) for i in np.argsort(-largest) if largest[i] > self.bound}
        if not far:
            return [
                passed(
                    self,
                    f"All {numbers.shape[1]} encoded numbers lie within {number(float(largest.max()))} of 0.",
                    evidence={"largest": float(largest.max())},
                )
            ]
        said = listed((f"{name!r} up to {number(value)}" for name, value in far.items()), 4)
        sentence = (
            f"{count(len(far), 'encoded number')} {verb(len(far), 'reaches', 'reach')} beyond "
            f"{number(self.bound)} after scaling: {said}."
        )
        remedy = "Check the extreme cells; quantile scaling, which refine tries, brings them in."
        share = float((np.abs(np.nan_to_num(numbers)) > self.bound).mean(axis=0).max())
        severity: Severity = "warning" if share > self.most else "info"
        evidence = {"largest": far, "share": share}
        return [fire(self, sentence, remedy, severity=severity, columns=_columns(table, far), evidence=evidence)]


def _columns(table: Table, encoded: Iterable[str]) -> list[str]:
    """Return the columns behind encoded names such as 'sold_at days' or 'age missing'."""
    wanted = list(encoded)
    return [c.name for c in table.features if any(name == c.name or name.startswith(c.name + " ") for name in wanted)]
