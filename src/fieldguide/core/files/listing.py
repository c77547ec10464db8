"""Listings: the rows of a folder of files, or of one file, as a model takes them and as its answers name them.

Knows columns of files and their names. A listing has no key and no order that people know: its rows are told by their files.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import polars as pl

from fieldguide.core.files.media import FILE_KINDS, kind_of
from fieldguide.core.files.source import Source
from fieldguide.core.table import Column


def is_listing(source: Source) -> bool:
    """Whether the rows of a source are files that were listed, rather than rows that somebody wrote."""
    return source.path is not None and (source.path.is_dir() or kind_of(source.path.name) is not None)


def as_named(raw: pl.DataFrame, columns: Sequence[Column]) -> pl.DataFrame:
    """Return listed rows with the column of files called as the model calls it, where it has one of that kind.

    Examples:
        >>> as_named(pl.DataFrame({"image": ["a.png"]}), (Column("photo", "image"), Column("age", "number"))).columns
        ['photo']
    """
    for kind in FILE_KINDS:
        asked = [column.name for column in columns if column.kind == kind]
        if kind in raw.columns and len(asked) == 1 and asked[0] not in raw.columns:
            raw = raw.rename({kind: asked[0]})
    return raw


def with_files(answers: pl.DataFrame, raw: pl.DataFrame, columns: Sequence[Column]) -> pl.DataFrame:
    """Return answers with the names of the files they are about, behind the key; files out of a table's bytes have none.

    Examples:
        >>> raw, columns = pl.DataFrame({"photo": ["a.png"]}), (Column("photo", "image"),)
        >>> with_files(pl.DataFrame({"row": [0], "prediction": ["cat"]}), raw, columns).columns
        ['row', 'photo', 'prediction']
    """
    named = [column.name for column in columns if column.kind in FILE_KINDS and column.name in raw.columns]
    fresh = [raw[name] for name in named if name not in answers.columns and not Path(raw[name][0] or "").is_absolute()]
    return answers.select(answers.columns[:1]).hstack(fresh).hstack(answers.select(answers.columns[1:]))
