"""Sameness: levels that may be one and the same, and a last row that sums up the others.

Sees cells as they are written; nothing is changed by what is found. What a person does about it is said by FG112 and FG113.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import polars as pl

from fieldguide.core.cell import texts_of
from fieldguide.core.table import Column
from fieldguide.parts import modality
from fieldguide.parts.modalities.category import folded
from fieldguide.steps.detect.sample import Cells, Sample

MOST_LEVELS = 2_000  # a category of more is not looked through
SHOWN = 10
FEWEST_ROWS = 10  # of fewer, one may well be the sum of the others
SUMMED_COLUMNS = 30  # numbers that are added up; one row in them is enough to tell
TOTALS = {
    "total", "totals", "grand total", "subtotal", "sub-total", "sum", "all", "overall", "mean", "average", "avg", "summe", "gesamt", "gesamtsumme",
    "insgesamt", "mittelwert", "durchschnitt", "somme", "moyenne", "suma", "totale", "totaal", "totalt",
}  # fmt: skip


def spellings(cells: Cells) -> list[list[str]]:
    """Return levels that differ in case and spaces alone, the most frequent spelling of each first.

    Examples:
        >>> from fieldguide.core.files.source import open_source
        >>> from fieldguide.steps.detect.sample import cells_of, sample_of
        >>> sample = sample_of(open_source({"won": ["yes", "Yes", "no", "yes", "NO ", "no"]}))
        >>> spellings(cells_of(sample, "won", {}))
        [['yes', 'Yes'], ['no', 'NO']]
    """
    if not cells.is_text or len(cells.levels) > MOST_LEVELS:
        return []
    groups: dict[str, list[str]] = {}
    for level in cells.levels.to_list():
        groups.setdefault(folded(level), []).append(level)
    return [group for group in groups.values() if len(group) > 1][:SHOWN]


def with_totals(columns: Sequence[Column], sample: Sample) -> tuple[Column, ...]:
    """Return columns whose facts say where the last row of the table sums up the others: `total`, its cell and by what it is known."""
    if not sample.whole or sample.n_rows < FEWEST_ROWS:
        return tuple(columns)
    found: dict[str, dict[str, Any]] = {}
    for column in columns:
        raw = sample.frame[column.name]
        if raw.dtype == pl.String and raw[-1] is not None and str(raw[-1]).strip().rstrip(":").lower() in TOTALS:
            texts = texts_of(raw)[0]
            if int((texts == texts[-1]).sum()) == 1:
                found[column.name] = {"cell": str(raw[-1]).strip(), "by": "word"}
    for column in [c for c in columns if c.kind == "number"][:SUMMED_COLUMNS]:
        values = modality("number").read(sample.frame[column.name], column)[0]
        last, rest = values[-1], values.head(sample.n_rows - 1).drop_nulls()
        if last is None or rest.n_unique() < 2:
            continue
        total, size = float(rest.sum()), float(rest.abs().max() or 0.0)
        # Written with few digits, the sum of many rows is off by half a unit of each; numbers below such a unit have more digits.
        digits = min(0.005 * len(rest) ** 0.5, 0.1 * abs(total))
        if abs(last - total) <= 1e-6 * abs(total) + digits and abs(last) > 2 * size:
            found[column.name] = {"cell": str(sample.frame[column.name][-1]).strip(), "by": "sum"}
    sums = [name for name, one in found.items() if one["by"] == "sum"]
    if len(sums) < 2 and len(found) == len(sums):  # one number may be the sum of others by chance
        return tuple(columns)
    return tuple(
        replace(c, facts={**c.facts, "total": {**found[c.name], "row": sample.n_rows - 1}}) if c.name in found else c
        for c in columns
    )
