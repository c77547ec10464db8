"""The rows that detection looks at, and what it counts in a column before it decides anything.

Knows samples, missing cells and distinct texts; knows no kinds.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import Any

import numpy as np
import polars as pl

from fieldguide.core.cell import texts_of
from fieldguide.core.files.source import Source
from fieldguide.core.seeds import generator
from fieldguide.core.table import MISSING

ALL_ROWS = 1_000_000  # up to this many rows all are looked at
HEAD = 200_000
RANDOM = 300_000
FEW_CELLS = 5_000
_SLICE = 100_000


@dataclass(frozen=True)
class Sample:
    """Raw rows in row order: all of them, or the head and a random draw of the rest.

    Shape:
        rows: (sampled rows,) int64 row numbers in the source
    """

    frame: pl.DataFrame
    rows: np.ndarray
    n_rows: int

    @property
    def whole(self) -> bool:
        return len(self.rows) == self.n_rows


def sample_of(source: Source) -> Sample:
    """Return the rows that detection looks at.

    Examples:
        >>> from fieldguide.core.files.source import open_source
        >>> sample_of(open_source({"x": [1, 2, 3]})).whole
        True
    """
    n = source.n_rows()
    if n <= ALL_ROWS:
        return Sample(source.collect(), np.arange(n), n)
    drawn = HEAD + np.sort(generator(0, "detect", n).choice(n - HEAD, RANDOM, replace=False))
    rows = np.concatenate([np.arange(HEAD), drawn])
    kept, start = [], 0
    for part in source.slices(_SLICE):
        low, high = np.searchsorted(rows, (start, start + part.height))
        kept.append(part[rows[low:high] - start])
        start += part.height
    return Sample(pl.concat(kept), rows, n)


@dataclass(frozen=True)
class Cells:
    """One column of a sample, counted.

    Args:
        raw: the sampled cells as they are.
        texts: their canonical texts, null where missing.
        levels: the distinct texts, the most frequent first, equally frequent ones as they come.
        counts: (levels,) sampled rows of each.
        rows: (sampled rows,) row numbers in the source.
        n_rows: rows of the source.
        n_missing, n_unique: of the whole column; `n_unique` is approximate beyond `ALL_ROWS` rows.
    """

    name: str
    raw: pl.Series
    texts: pl.Series
    levels: pl.Series
    counts: np.ndarray
    rows: np.ndarray
    n_rows: int
    n_missing: int
    n_unique: int

    @property
    def n_known(self) -> int:
        """Sampled cells that are not missing."""
        return int(self.counts.sum())

    @property
    def is_text(self) -> bool:
        return self.raw.dtype == pl.String

    @property
    def unique_rate(self) -> float:
        """Distinct texts per known cell of the sample."""
        return len(self.levels) / max(self.n_known, 1)

    def share(self, chosen: pl.Series) -> float:
        """Return the share of known cells whose level is chosen, (levels,) Boolean."""
        return float(self.counts[chosen.fill_null(False).to_numpy()].sum() / max(self.n_known, 1))


def cells_of(sample: Sample, name: str, totals: dict[str, Any]) -> Cells:
    """Count one column of a sample; `totals` holds whole-column counts beyond `ALL_ROWS` rows, else nothing."""
    raw = sample.frame[name]
    texts, _ = texts_of(raw)
    texts = texts.set(texts.is_in(list(MISSING)).fill_null(False), None).alias(name)
    levels, counts = _counted(texts.drop_nulls())
    n_missing, n_unique = texts.null_count(), len(levels)
    if f"{name}/missing" in totals:
        n_missing = int(totals[f"{name}/missing"])
        if n_unique > 0.1 * len(sample.rows):  # few levels are all in the sample; the estimate is off by some percent
            n_unique = max(n_unique, min(int(totals[f"{name}/unique"]), sample.n_rows))
    return Cells(name, raw, texts, levels, counts, sample.rows, sample.n_rows, n_missing, n_unique)


def _counted(texts: pl.Series) -> tuple[pl.Series, np.ndarray]:
    """Return the distinct texts, the most frequent first, equally frequent ones as they come, and how often each is there."""
    if len(texts) <= FEW_CELLS:  # a wide table has many short columns, of which the calls take longer than the counting
        ranked = Counter(texts.to_list()).most_common()
        found = pl.Series(texts.name, [text for text, _ in ranked], dtype=pl.String)
        return found, np.array([count for _, count in ranked], np.int64)
    times = f"{texts.name} times"  # whatever the column is called, another name
    known = texts.to_frame().group_by(texts.name, maintain_order=True).len(times)
    counted = known.sort(times, descending=True, maintain_order=True)
    return counted[texts.name], counted[times].to_numpy().astype(np.int64)


def totals_of(source: Source, sample: Sample) -> dict[str, Any]:
    """Return missing and distinct cells of whole columns in one streaming pass; nothing where the sample is whole."""
    if sample.whole:
        return {}
    wanted = []
    for name, dtype in source.schema.items():
        cell = pl.col(name)
        gone = cell.is_null()
        if dtype == pl.String:
            gone = gone | cell.str.strip_chars().is_in(list(MISSING))
        elif dtype.is_float():
            gone = gone | cell.is_nan()
        distinct = cell.cast(pl.String) if isinstance(dtype, pl.Categorical | pl.Enum | pl.Decimal) else cell
        wanted += [gone.sum().alias(f"{name}/missing"), distinct.approx_n_unique().alias(f"{name}/unique")]
    return source.frame.select(wanted).collect(engine="streaming").row(0, named=True)
