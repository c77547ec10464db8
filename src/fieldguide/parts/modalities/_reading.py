"""What the modalities share when they read: missing tokens and the frame of an answer.

Knows which texts stand for nothing; what other texts mean is each modality's.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import polars as pl

from fieldguide.core.cell import WHITESPACE
from fieldguide.core.table import MISSING

DEFAULT_MISSING = frozenset(MISSING)


def missing_tokens(read: Mapping[str, Any]) -> frozenset[str]:
    """Return the texts that stand for a missing value: those declared, or the usual ones.

    An empty cell is missing whatever is declared, because a CSV file cannot say otherwise.
    """
    declared = read.get("missing")
    return DEFAULT_MISSING if declared is None else frozenset(str(token).strip(WHITESPACE) for token in declared) | {""}


def without_missing(texts: pl.Series, tokens: frozenset[str]) -> pl.Series:
    """Return texts with null in place of missing tokens."""
    return texts.set(texts.is_in(sorted(tokens)).fill_null(False), None)


def nulls(raw: pl.Series, dtype: Any) -> pl.Series:
    """Return as many nulls of a type as `raw` has rows."""
    return pl.Series(raw.name, [None], dtype=dtype).new_from_index(0, raw.len())
