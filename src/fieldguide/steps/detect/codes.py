"""Codes for "unknown" among numbers, such as -999: which of them `init` declares as missing in study.yaml.

Reads columns of numbers alone, before the seal; nothing here relates one to the target. What counts as a code, and when it is
sure, is `core.meaning.sentinel`'s; study.yaml says what is done, and one line there overrules it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import polars as pl

from fieldguide.core.cell import texts_of
from fieldguide.core.files.source import Source
from fieldguide.core.meaning.sentinel import Sentinel, sentinel
from fieldguide.core.reading import read_frame
from fieldguide.core.table import MISSING, Column
from fieldguide.parts import modality
from fieldguide.steps.detect.sample import sample_of


@dataclass(frozen=True)
class Coded:
    """A column whose code for "unknown" is sure.

    Args:
        tokens: what is to be read as missing: the words for nothing that stand in it, and the code.
    """

    column: str
    found: Sentinel
    tokens: tuple[str, ...]

    @property
    def why(self) -> str:
        """What was seen, in words for study.yaml."""
        one = self.found
        return f"{one.code:.0f} in {one.n:,} rows, all others from {one.low:g} to {one.high:g}: read as missing"


def sure_codes(source: Source, columns: Sequence[Column]) -> list[Coded]:
    """Return the features of numbers in which a code surely stands for "unknown", in file order.

    Examples:
        >>> from fieldguide.core.files.source import open_source
        >>> source = open_source({"size": [*range(40, 140), *[-999] * 12], "rooms": [*range(112)]})
        >>> columns = (Column("size", "number"), Column("rooms", "number"))
        >>> [(one.column, one.tokens) for one in sure_codes(source, columns)]
        [('size', ('-999',))]
    """
    stored = {*source.names}
    numbers = [c for c in columns if c.kind == "number" and c.role == "feature" and c.name in stored]
    numbers = [column for column in numbers if "expression" not in column.read and _repeats(column)]
    if not numbers:
        return []
    names = [column.name for column in numbers]
    raw = sample_of(_only(source, names)).frame
    typed = read_frame(raw, numbers, modality)[0].frame
    found = []
    for column in numbers:
        code = sentinel(typed[column.name].fill_null(float("nan")).to_numpy())
        if code is not None and code.sure:
            found.append(Coded(column.name, code, (*_nothing(raw[column.name], column), f"{code.code:.0f}")))
    return found


def _repeats(column: Column) -> bool:
    """Return whether some value may stand in ten rows, as a code that is sure does; where nothing was counted, it may."""
    known = column.facts.get("n_rows", 0) - column.facts.get("n_missing", 0)
    return not known or known - column.facts.get("n_unique", 0) >= 9


def _only(source: Source, names: Sequence[str]) -> Source:
    """Return a source of some of the columns."""
    return Source(
        source.frame.select(names), source.path, source.origin,
        lambda n: (batch.select(names) for batch in source.batches(n)), source.count,
    )  # fmt: skip


def _nothing(raw: pl.Series, column: Column) -> list[str]:
    """Return the words for nothing that stand in a column: a declaration takes the place of the usual ones."""
    if raw.dtype != pl.String:
        return []
    words = {*MISSING, *map(str, column.read.get("missing") or ())} - {""}
    texts = texts_of(raw)[0].drop_nulls().unique()
    return sorted(texts.filter(texts.is_in(sorted(words))).to_list())
