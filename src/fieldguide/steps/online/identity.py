"""Identity: is one system the same through two code paths? Every score first, then what each path sees, how long, and what comes of it.

Takes scores of the same requests from both paths, and units of both arms. Compares no models: whatever differs here is a fault of
engineering, and is named with the column in which it lies where one can be found.
"""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import numpy as np
import polars as pl

from fieldguide.core.figures import number, percent
from fieldguide.core.statistics.multiplicity import holm

TOLERANCE = 1e-6
"""Relative difference of two scores up to which they count as equal: rounding of float32 through JSON."""
SLOWER = 1.25
"""Ratio of median times to answer from which a path counts as slower; less depends on what else a machine does."""
FEWEST = 30
ALPHA = 0.001
"""Level of all tests of what two paths see together: a fault of engineering is gross, and an A/A test must not cry wolf."""


def equality(rows: pl.DataFrame, one: np.ndarray, other: np.ndarray, tolerance: float = TOLERANCE) -> dict[str, Any]:
    """Compare two paths' scores of the same requests, every one.

    Args:
        rows: id and cells of the requests, to say where unequal ones lie.
        one: scores as logged.
        other: scores of the other path; NaN where it gave none.
        tolerance: relative difference that counts as none.

    Shape:
        one, other: (requests,)

    Returns:
        n, n_unequal, n_missing, largest, and `where`: the column and its level in which the unequal ones lie, with shares;
        None where they lie everywhere or nowhere.
    """
    one, other = np.asarray(one, dtype=float), np.asarray(other, dtype=float)
    missing = np.isnan(one) != np.isnan(other)
    both = ~np.isnan(one) & ~np.isnan(other)
    gap = np.where(both, np.abs(one - other) / (1 + np.abs(one)), 0.0)
    unequal = missing | (gap > tolerance)
    first = np.flatnonzero(unequal)[:1]
    return {
        "n": len(one), "n_unequal": int(unequal.sum()), "n_missing": int(missing.sum()), "largest": float(gap.max(initial=0.0)),
        "tolerance": tolerance, "where": _where(rows.drop("id", strict=False), unequal),
        "example": None if not len(first) or "id" not in rows.columns else {
            "id": str(rows["id"][int(first[0])]), "one": _plain(one[first[0]]), "other": _plain(other[first[0]]),
        },
    }  # fmt: skip


def _where(cells: pl.DataFrame, unequal: np.ndarray) -> dict[str, Any] | None:
    """Return the level of a column (or its missing cells, or a quarter of its range) that holds the unequal requests."""
    total = int(unequal.sum())
    if total < 5 or total == len(unequal):
        return None
    best: tuple[float, dict[str, Any]] | None = None
    for name in cells.columns:
        for level, mask in _levels(cells[name]):
            inside, size = int((mask & unequal).sum()), int(mask.sum())
            if inside < 0.9 * total or not size:
                continue
            # The one level in which nearly all unequal requests lie, and in which nearly nothing else does.
            sharp = inside / size
            base = total / len(unequal)
            if sharp > base + 0.3 * (1 - base) and (best is None or sharp > best[0]):
                best = (
                    sharp,
                    {"column": name, "level": level, "share_of_unequal": inside / total, "share_unequal": sharp},
                )
    return None if best is None else best[1]


def _levels(values: pl.Series) -> list[tuple[str, np.ndarray]]:
    gone = values.is_null().to_numpy()
    found = [("missing", gone)] if gone.any() else []
    if values.dtype.is_numeric() and values.n_unique() > 12:
        numbers = values.cast(pl.Float64).fill_null(np.nan).to_numpy()
        edges = np.unique(np.nanquantile(numbers, [0, 0.25, 0.5, 0.75, 1])) if not gone.all() else np.empty(0)
        for low, high in pairwise(edges):
            found.append((f"{number(low)} to {number(high)}", (numbers >= low) & (numbers <= high)))
        return found
    for level in values.drop_nulls().unique().sort().head(50):
        found.append((f"= {level}", (values == level).fill_null(False).to_numpy()))
    return found


def paths_compared(
    control: pl.DataFrame, candidate: pl.DataFrame, alpha: float = ALPHA, times: str = "seconds"
) -> dict[str, Any]:
    """Compare what two paths of one system saw and gave, column by column, one row per unit.

    Numbers by the two-sample Kolmogorov–Smirnov test and by their missing cells, categories by the chi-square test of their levels,
    all corrected together by Holm; times to answer by the ratio of medians, because two paths are never equally fast.

    Args:
        control, candidate: first request of each unit: cells, score, `requests` and the like.
        times: the column of times to answer [s].

    Returns:
        columns: [{column, p, adjusted_p, sentence}], the surest difference first; `different`: those below alpha; `slower`.
    """
    found: list[dict[str, Any]] = []
    if min(control.height, candidate.height) >= FEWEST:
        for name in control.columns:
            if name in candidate.columns and name != times:
                found += _compared(name, control[name], candidate[name])
    adjusted = holm(np.array([one["p"] for one in found])) if found else np.empty(0)
    columns = [{**one, "adjusted_p": float(p)} for one, p in zip(found, adjusted)]
    columns.sort(key=lambda one: one["adjusted_p"])
    return {
        "columns": columns, "different": [one for one in columns if one["adjusted_p"] <= alpha], "n_tests": len(columns),
        "n_control": control.height, "n_candidate": candidate.height, "slower": _slower(control, candidate, times),
    }  # fmt: skip


def _compared(name: str, one: pl.Series, other: pl.Series) -> list[dict[str, Any]]:
    from scipy.stats import chi2_contingency, ks_2samp

    gone = np.array([[s.is_null().sum(), len(s) - s.is_null().sum()] for s in (one, other)])
    found = []
    if gone[:, 0].sum() >= 5 and gone[:, 1].sum() >= 5:
        shares = gone[:, 0] / gone.sum(1)
        said = f"{name} is missing in {percent(shares[0], 2)} and {percent(shares[1], 2)}"
        found.append({"column": name, "what": "missing", "p": float(chi2_contingency(gone).pvalue), "sentence": said})
    one, other = one.drop_nulls(), other.drop_nulls()
    if min(len(one), len(other)) < FEWEST:
        return found
    if one.dtype.is_numeric() and pl.concat([one.cast(pl.Float64), other.cast(pl.Float64)]).n_unique() > 12:
        a, b = one.cast(pl.Float64).to_numpy(), other.cast(pl.Float64).to_numpy()
        p = float(ks_2samp(a, b, method="asymp").pvalue)
        said = f"{name} has median {number(np.median(a))} and {number(np.median(b))}, mean {number(a.mean())} and {number(b.mean())}"
        return [*found, {"column": name, "what": "values", "p": p, "sentence": said}]
    counts = _counts(one.cast(pl.String), other.cast(pl.String))
    if counts is not None:
        table, levels = counts
        shares = table / table.sum(1, keepdims=True)
        worst = int(np.abs(shares[0] - shares[1]).argmax())
        said = f"{name} is {levels[worst]} in {percent(shares[0, worst], 2)} and {percent(shares[1, worst], 2)}"
        found.append({"column": name, "what": "levels", "p": float(chi2_contingency(table).pvalue), "sentence": said})
    return found


def _counts(one: pl.Series, other: pl.Series) -> tuple[np.ndarray, list[str]] | None:
    """Return a table of the commoner levels by arm, the rest as one; None where there is only one level."""
    total = pl.concat([one, other]).value_counts(sort=True, name="n")
    common = [level for level, n in total.iter_rows() if n >= 10][:30]
    table = np.array([[int((s == level).sum()) for level in common] for s in (one, other)], dtype=float).reshape(2, -1)
    rest = np.array([len(one), len(other)]) - table.sum(1)
    if rest.sum() >= 10:
        table, common = np.column_stack([table, rest]), [*common, "another level"]
    return None if table.shape[1] < 2 else (table, common)


def _slower(control: pl.DataFrame, candidate: pl.DataFrame, times: str) -> dict[str, Any] | None:
    """Return the medians of the times to answer where one path is surely and noticeably slower than the other."""
    if times not in control.columns or min(control.height, candidate.height) < FEWEST:
        return None
    from scipy.stats import mannwhitneyu

    a, b = (frame[times].drop_nulls().to_numpy() for frame in (control, candidate))
    if min(len(a), len(b)) < FEWEST or float(np.median(a)) <= 0:
        return None
    ratio = float(np.median(b) / np.median(a))
    p = float(mannwhitneyu(a, b).pvalue)
    facts = {"ratio": ratio, "p": p, "control": float(np.median(a)), "candidate": float(np.median(b))}
    return {**facts, "different": p <= 0.001 and not 1 / SLOWER < ratio < SLOWER}


def _plain(value: Any) -> float | None:
    return None if np.isnan(value) else float(value)
