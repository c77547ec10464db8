"""Labels of classes: one spelling for each, found again whatever the target column's type.

Knows label texts and class counts; nothing of features.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence

import numpy as np
import polars as pl

from fieldguide.core.cell import text_of, texts_of
from fieldguide.core.errors import DataError, listed, nearest

# A file that spells booleans as numbers, and one that spells them as words, mean the same target.
_OTHER_SPELLING = {"true": "1", "false": "0", "1": "true", "0": "false"}


def key_of(label: object) -> str:
    """Return what two spellings of one label have in common.

    Examples:
        >>> key_of("1.0") == key_of(1) == key_of(" 1 "), key_of("True") == key_of(True)
        (True, True)
    """
    text = text_of(label) or ""
    return text.lower() if text.lower() in ("true", "false") else text


def counts_of(target: pl.Series) -> dict[str, int]:
    """Return the rows of each label, spelled as most rows spell it, in code order: numbers by size, else by name.

    Raises:
        DataError: the target holds what no label can be.
    """
    texts = _texts(target)
    counts = texts.drop_nulls().value_counts()
    spelled = Counter(dict(zip(counts.to_series(0).to_list(), counts.to_series(1).to_list(), strict=True)))
    merged: dict[str, tuple[str, int]] = {}
    for text, count in sorted(spelled.items(), key=lambda item: (-item[1], item[0])):
        spelling, so_far = merged.get(key_of(text), (text, 0))
        merged[key_of(text)] = (spelling, so_far + count)
    return dict(sorted(merged.values(), key=lambda item: order_of(item[0])))


def codes_of(target: pl.Series, labels: Sequence[str]) -> np.ndarray:
    """Return the code of each row's label.

    Shape:
        returns: (rows,) int64

    Raises:
        DataError: a target is missing or holds a label that is not in `labels`.
    """
    refuse_missing(target)
    texts = _texts(target)
    codes = {key_of(label): code for code, label in enumerate(labels)}
    levels = texts.unique().drop_nulls().to_list()
    found = {level: _code(key_of(level), codes) for level in levels}
    unknown = sorted(level for level in levels if found[level] is None)
    if unknown:
        raise _unknown(target.name, texts, unknown, labels)
    values = pl.Series([found[level] for level in levels], dtype=pl.Int64)
    return texts.replace_strict(pl.Series(levels, dtype=pl.String), values, return_dtype=pl.Int64).to_numpy(
        writable=True
    )


def refuse_missing(target: pl.Series) -> None:
    """Raise DataError when a target is missing: rows without one teach nothing and judge nothing."""
    missing = target.is_null()
    if target.dtype.is_float():
        missing |= target.is_nan().fill_null(False)
    if missing.any():
        raise DataError(
            f"the target {target.name!r} is missing in {rows_of(missing)}",
            rule="every row that is fitted or scored has its target",
            found=f"{int(missing.sum()):,} of {len(target):,} cells are empty",
            do="drop the rows whose target is missing",
        )


def find_label(wanted: str, labels: Sequence[str], target: str) -> str:
    """Return the label that `wanted` names.

    Raises:
        DataError: there is no such label; names the nearest.
    """
    codes = {key_of(label): code for code, label in enumerate(labels)}
    code = _code(key_of(wanted), codes)
    if code is None:
        raise DataError(
            f"the target {target!r} has no label {wanted!r}{nearest(wanted, labels)}",
            rule="a label that is named stands in some row",
            found=f"the labels are {listed(map(repr, labels))}",
            do="set problem.positive to one of them",
        )
    return labels[code]


def few_classes(target: pl.Series, labels: Sequence[str]) -> DataError:
    """Return the error of a target with fewer than two classes."""
    found = f"{len(target):,} rows, all of them {labels[0]!r}" if labels else f"{len(target):,} rows, none with a label"
    return DataError(
        f"the target {target.name!r} holds {len(labels)} {'class' if len(labels) == 1 else 'classes'}",
        rule="a classification needs at least two",
        found=found,
        do="choose another target, or rows of both classes",
    )


def _code(key: str, codes: dict[str, int]) -> int | None:
    code = codes.get(key)
    return codes.get(_OTHER_SPELLING.get(key, key)) if code is None else code


def _texts(target: pl.Series) -> pl.Series:
    texts, broken = texts_of(target)
    if broken.any():
        raise DataError(
            f"the target {target.name!r} is of type {target.dtype}",
            rule="a label is a text, a number, a boolean or a date",
            found=f"{int(broken.sum()):,} of {len(target):,} cells are none of these",
            do="choose another target, or turn it into a text",
        )
    return texts


def _unknown(name: str, texts: pl.Series, unknown: list[str], labels: Sequence[str]) -> DataError:
    word = min(unknown, key=lambda label: int((texts == label).arg_max() or 0))
    return DataError(
        f"the target {name!r} holds the unknown label {word!r}{nearest(word, labels)} in {rows_of(texts == word)}",
        rule=f"every label is one of {listed(map(repr, labels))}",
        found=f"{rows_with(int(texts.is_in(unknown).sum()))} {listed(map(repr, unknown), 3)}",
        do="correct the label, or start a new study with these classes",
    )


def rows_with(n: int) -> str:
    return "1 row with" if n == 1 else f"{n:,} rows with"


def rows_of(mask: pl.Series) -> str:
    """Return how many rows a mask marks, and the first of them, counted from 0."""
    n, first = int(mask.sum()), int(mask.arg_max() or 0)
    return f"1 row (row {first})" if n == 1 else f"{n:,} rows (the first is row {first})"


def order_of(label: str) -> tuple[int, float, str]:
    """Return what labels are ordered by: numbers by size, then words by name."""
    try:
        number = float(label)
    except ValueError:
        return 1, 0.0, label
    return (1, 0.0, label) if math.isnan(number) else (0, number, label)
