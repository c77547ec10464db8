"""FG402: more encoded columns than the rows can bear."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from fieldguide.core.batch import Batch, Layout
from fieldguide.core.finding import Finding, Severity
from fieldguide.core.settings import setting
from fieldguide.parts.checks._answers import count, fire, number, passed


@dataclass(frozen=True)
class Wide:
    """An encoding with many inputs for the number of rows.

    Formula: training rows / inputs, where inputs are the encoded numbers and one per level of each category.

    Why: with fewer rows than inputs even a linear model can reproduce the training rows exactly, noise included.
    Below ten rows an input, regularisation decides what is learned.

    Remedy: drop columns that nobody believes in, raise `min_count` so that rare levels are merged, and expect
    strong regularisation to win.

    Source: Harrell (2015), Regression Modeling Strategies, section 4.4 (ten to twenty rows per candidate
    parameter).

    Needs: layout, arrays (the encoded training rows).
    """

    name: ClassVar[str] = "fg402_wide"
    code: ClassVar[str] = "FG402"
    title: ClassVar[str] = "A wide encoding"
    step: ClassVar[str] = "prepare"
    severity: ClassVar[Severity] = "warning"

    enough: float = setting(10.0, "rows per input [rows] that are enough")

    def run(self, *, layout: Layout, arrays: Batch) -> list[Finding]:
        n_levels = sum(cardinality for _, cardinality in layout.codes)
        width, n = len(layout.numbers) + n_levels, len(arrays)
        evidence = {"n_rows": n, "inputs": width, "numbers": len(layout.numbers), "levels": n_levels}
        if not width or n >= self.enough * width:
            return [passed(self, f"{count(width, 'input')} for {n:,} training rows.", evidence=evidence)]
        widest = sorted(layout.codes, key=lambda code: -code[1])[:2]
        behind = "".join(
            f", {cardinality:,} of them levels of {name!r}"
            for name, cardinality in widest[:1]
            if cardinality > width / 4
        )
        sentence = f"There are {count(width, 'input')} for {n:,} training rows ({number(n / width)} rows each){behind}."
        remedy = "Drop columns nobody believes in, merge rare levels (min_count), and expect regularisation to matter."
        columns = [name for name, cardinality in widest if cardinality > width / 4]
        return [
            fire(
                self, sentence, remedy, severity="warning" if n < width else "info", columns=columns, evidence=evidence
            )
        ]
