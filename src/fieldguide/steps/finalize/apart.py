"""What sets each cluster apart: its size, the columns in which its rows differ from all others, and a few typical rows.

Takes sealed rows, their points and their clusters. Clusters were made from these columns, so that differences are no surprise: p-values
say which are more than a random group of that size would show, and effects how large they are.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from typing import Any

import numpy as np

from fieldguide.core.files.media import FILE_KINDS, told
from fieldguide.core.rows import Rows
from fieldguide.core.statistics.bootstrap import NORMAL
from fieldguide.core.statistics.multiplicity import holm
from fieldguide.core.table import Column
from fieldguide.parts.modalities._words import words_of
from fieldguide.steps.explore.gallery import shown

TYPICAL, PICTURED = 3, 8
"""Rows that are told as texts, and as pictures."""
SHOWN = 6
MOST_LEVELS = 12
MOST_CLUSTERS = 30
FEWEST = 5
SURE = 0.05
LARGE, WIDE = 0.3, 0.08
"""The smallest differences that are told: of means in standard deviations, of shares."""
MOST_CHARACTERS, MOST_OF_TEXT = 60, 240
MOST_WORDS = 400
"""Words of a text column that are compared, those of the most rows first."""
SIDE = 72
"""Pixels of a typical row's picture."""


def apart(rows: Rows, points: np.ndarray, groups: np.ndarray) -> list[dict[str, Any]]:
    """Return the clusters by number: size, what sets them apart, typical rows.

    Shape:
        points: (rows, d); groups: (rows,) int64, -1 for none

    Returns:
        {cluster, n, share, apart: [{column, level, inside, outside, effect, p}], typical: [row as texts], pictures: {column: [cell as
        shown]} of columns of files}; p is Holm's, over all clusters, columns and levels together; the levels of a text are its words.
    """
    codes = [int(code) for code in np.unique(groups[groups >= 0])][:MOST_CLUSTERS]
    compared = [(code, line) for code in codes for line in _compared(rows, groups == code)]
    adjusted = holm(np.array([line["p"] for _, line in compared])) if compared else np.zeros(0)
    found = []
    for code in codes:
        inside = groups == code
        lines = [{**line, "p": float(p)} for (own, line), p in zip(compared, adjusted) if own == code]
        lines = [
            line
            for line in lines
            if line["p"] < SURE
            and abs(line["effect"]) >= (WIDE if line["level"] is not None else LARGE)
            and (line["kind"] != "text" or line["effect"] > 0)  # the words of other clusters are told there
        ]
        lines.sort(key=lambda line: -abs(line["effect"]) / (WIDE if line["level"] is not None else LARGE))
        found.append({
            "cluster": str(code + 1), "n": int(inside.sum()), "share": float(inside.mean()), "apart": lines[:SHOWN], "n_apart": len(lines),
            **_typical(rows, points, inside),
        })  # fmt: skip
    return found


def _compared(rows: Rows, inside: np.ndarray) -> Iterator[dict[str, Any]]:
    for column in rows.columns:
        cells = rows.cells[column.name]
        if cells.dtype == object:
            if column.kind == "category":
                yield from _levels(column, cells, inside)
            elif column.kind == "text":
                yield from _said(column, cells, inside)
            continue
        if cells.ndim == 1:
            known = np.isfinite(cells)
            if column.kind == "boolean":
                yield from _share(column, "true", cells == 1, inside)
            else:
                yield from _means(column, cells, known, inside)
            if not known.all():
                yield from _share(column, "missing", ~known, inside)


def _means(column: Column, cells: np.ndarray, known: np.ndarray, inside: np.ndarray) -> Iterator[dict[str, Any]]:
    a, b = cells[known & inside], cells[known & ~inside]
    if min(len(a), len(b)) < FEWEST:
        return
    spread = float(cells[known].std())
    error = float(np.sqrt(a.var(ddof=1) / len(a) + b.var(ddof=1) / len(b)))
    if spread == 0:
        return
    gap = float(a.mean() - b.mean())
    p = 0.0 if error == 0 else 2 * (1 - NORMAL.cdf(abs(gap) / error))
    yield {
        "column": column.name, "kind": column.kind, "level": None, "inside": float(a.mean()), "outside": float(b.mean()), "effect": gap / spread, "p": p,
    }  # fmt: skip


def _levels(column: Column, cells: np.ndarray, inside: np.ndarray) -> Iterator[dict[str, Any]]:
    texts = np.array(["" if value is None else str(value) for value in cells], object)
    names, counts = np.unique(texts.astype(str), return_counts=True)
    for i in np.argsort(-counts, kind="stable")[:MOST_LEVELS]:
        if FEWEST <= counts[i] <= len(texts) - FEWEST:
            yield from _share(column, names[i] or "missing", texts == names[i], inside)


def _said(column: Column, cells: np.ndarray, inside: np.ndarray) -> Iterator[dict[str, Any]]:
    """Compare how many rows have each word, whatever how often."""
    said = [set(words_of(text)) if text else set() for text in cells.tolist()]
    counts = Counter(word for words in said for word in words)
    able = [word for word, n in counts.items() if FEWEST <= n <= len(said) - FEWEST and len(word) > 1]
    for word in sorted(able, key=lambda word: (-counts[word], word))[:MOST_WORDS]:
        yield from _share(column, word, np.array([word in words for words in said]), inside)
    missing = np.array([text is None for text in cells.tolist()])
    if missing.any():
        yield from _share(column, "missing", missing, inside)


def _share(column: Column, level: str, holds: np.ndarray, inside: np.ndarray) -> Iterator[dict[str, Any]]:
    n, m = int(inside.sum()), int((~inside).sum())
    if min(n, m) < FEWEST:
        return
    a, b, pooled = float(holds[inside].mean()), float(holds[~inside].mean()), float(holds.mean())
    error = np.sqrt(pooled * (1 - pooled) * (1 / n + 1 / m))
    p = 1.0 if error == 0 else 2 * (1 - NORMAL.cdf(abs(a - b) / float(error)))
    yield {
        "column": column.name,
        "kind": column.kind,
        "level": str(level),
        "inside": a,
        "outside": b,
        "effect": a - b,
        "p": p,
    }


def _typical(rows: Rows, points: np.ndarray, inside: np.ndarray) -> dict[str, Any]:
    """Return the rows nearest to the middle of a cluster, as texts, and what is in their files."""
    places = np.flatnonzero(inside)
    middle = points[places].mean(axis=0)
    order = places[np.argsort(((points[places] - middle) ** 2).sum(axis=1), kind="stable")]
    near = [
        {column.name: _text(rows.cells[column.name][row], column) for column in rows.columns} for row in order[:TYPICAL]
    ]
    files = [column for column in rows.columns if column.kind in FILE_KINDS]
    pictures = {c.name: [shown(rows.cells[c.name][row], c, SIDE) for row in order[:PICTURED]] for c in files}
    return {"typical": near, **({"pictures": pictures} if pictures else {})}


def _text(value: Any, column: Column) -> str:
    if value is None or (isinstance(value, float | np.floating) and not np.isfinite(value)):
        return ""
    if column.kind == "datetime" and isinstance(value, float | np.floating):
        return str(np.datetime64(int(value), "s")).removesuffix("T00:00:00")
    if column.kind == "boolean":
        return "true" if value else "false"
    if column.kind in FILE_KINDS:
        return told(value)
    text = f"{value:.4g}" if isinstance(value, float | np.floating) else str(value)
    most = MOST_OF_TEXT if column.kind == "text" else MOST_CHARACTERS
    return text if len(text) <= most else text[:most] + "…"
