"""Migration: two versions of one feature side by side, how they relate, and whether the old one can be retired.

Knows contracts and typed columns; compares cells of the same rows, so that nothing has to be assumed about distributions.
"""

from __future__ import annotations

from collections.abc import Mapping
from itertools import pairwise
from typing import Any

import numpy as np
import polars as pl

from fieldguide.core.documents.data_contract import Contract
from fieldguide.core.figures import percent
from fieldguide.core.meaning.fingerprint import level_texts
from fieldguide.core.table import Table

AGREE = 0.99
"""Share of the rows with both versions in which a relation must hold."""
LEAST = 20
COVERED = 0.99
"""Share of the old one's rows that the new one must have before the old one can go."""


def migrations(contract: Contract, table: Table) -> list[dict[str, Any]]:
    """Return one report for every version of a feature that stands beside the next one.

    Examples:
        >>> from fieldguide.core.table import Column
        >>> said = {"km": {"version_of": "way"}, "miles": {"version_of": "way", "version": 2}}
        >>> cells = pl.DataFrame({"km": [1.609344 * i for i in range(40)], "miles": [float(i) for i in range(40)]})
        >>> table = Table(cells, (Column("km", "number"), Column("miles", "number")))
        >>> found = migrations(Contract.from_dict({"features": said}), table)[0]
        >>> found["relation"], round(found["scale"], 4), found["retire"]
        ('affine', 0.6214, True)
    """
    versions: dict[str, list[tuple[int, str]]] = {}
    for column in contract.features:
        feature, version = contract.feature_of(column)
        if column in table.names:
            versions.setdefault(feature, []).append((version, column))
    found = []
    for feature, columns in sorted(versions.items()):
        ordered = sorted(columns)
        for (old_version, old), (new_version, new) in pairwise(ordered):
            report = related(table.frame[old], table.frame[new])
            retire = report["covers"] >= COVERED and report["relation"] != "none"
            both = all(table.column(name).encoded for name in (old, new))
            found.append(
                {
                    "feature": feature,
                    "old": old,
                    "new": new,
                    "old_version": old_version,
                    "new_version": new_version,
                    "both_used": both,
                    "retire": retire,
                    **report,
                }
            )
    return found


def related(old: pl.Series, new: pl.Series) -> dict[str, Any]:
    """Return how two versions relate where both are known: identity, affine, recoding or none, with shares of rows."""
    n = max(1, len(old))
    has_old, has_new = old.is_not_null().to_numpy(), new.is_not_null().to_numpy()
    both = has_old & has_new
    shares: dict[str, Any] = {
        "n_both": int(both.sum()), "old_share": float(has_old.sum() / n), "new_share": float(has_new.sum() / n),
        "both_share": float(both.sum() / n), "covers": float(both.sum() / max(1, has_old.sum())),
    }  # fmt: skip
    if both.sum() < LEAST:
        return {"relation": "none", "why": f"only {int(both.sum())} rows have both", **shares}
    a, b = old.filter(pl.Series(both)), new.filter(pl.Series(both))
    if a.dtype.is_numeric() and b.dtype.is_numeric():
        return {**_numbers(a.to_numpy().astype(float), b.to_numpy().astype(float)), **shares}
    return {**_levels(level_texts(a), level_texts(b)), **shares}


def _numbers(a: np.ndarray, b: np.ndarray) -> dict[str, Any]:
    same = float(np.mean(np.isclose(a, b, rtol=1e-9, atol=1e-12)))
    if same >= AGREE:
        return {"relation": "identity", "agree": same}
    scale, offset = _line(a, b)
    spread = float(np.subtract(*np.quantile(b, (0.95, 0.05)))) or 1.0
    near = float(np.mean(np.abs(scale * a + offset - b) <= 0.005 * spread + 1e-12))
    if near >= AGREE and scale != 0:
        return {"relation": "affine", "agree": near, "scale": scale, "offset": offset}
    if min(len(np.unique(a)), len(np.unique(b))) <= 30:
        return _levels(level_texts(pl.Series(a)), level_texts(pl.Series(b)))
    return {
        "relation": "none",
        "agree": max(same, near),
        "why": f"the best line holds in {percent(near, 1)} of the rows",
    }


def _line(a: np.ndarray, b: np.ndarray) -> tuple[float, float]:
    """The line through the middles of the outer thirds (Tukey's resistant line): a few odd rows do not tilt it."""
    order = np.argsort(a, kind="stable")
    third = max(1, len(a) // 3)
    low, high = order[:third], order[-third:]
    width = np.median(a[high]) - np.median(a[low])
    if width == 0:
        return 0.0, float(np.median(b))
    scale = float((np.median(b[high]) - np.median(b[low])) / width)
    return scale, float(np.median(b - scale * a))


def _levels(a: pl.Series, b: pl.Series) -> dict[str, Any]:
    same = float((a == b).mean() or 0.0)  # type: ignore[arg-type]
    if same >= AGREE:
        return {"relation": "identity", "agree": same}
    pairs = (
        pl.DataFrame({"a": a, "b": b}).group_by("a", "b").len().sort(["len", "a", "b"], descending=[True, False, False])
    )
    first = pairs.unique("a", keep="first", maintain_order=True)
    agree = float(first["len"].sum() / len(a))
    few = first.height <= max(2, len(a) // 5)
    if agree >= AGREE and few and first["b"].n_unique() > 1:
        mapping: Mapping[str, str] = dict(zip(first["a"].to_list()[:50], first["b"].to_list()[:50]))
        return {
            "relation": "recoding",
            "agree": agree,
            "mapping": dict(mapping),
            "one_to_one": first["b"].n_unique() == first.height,
        }
    return {"relation": "none", "agree": same, "why": f"the best recoding holds in {percent(agree, 1)} of the rows"}
