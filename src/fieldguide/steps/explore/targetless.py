"""Explore a table without a target: look at the columns and at how they hang together, and recommend the metric before any model is fitted.

Takes development rows and the space that candidates are judged in. How much structure there is, is read from principal axes, held
against the same columns dealt anew each by itself.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from fieldguide.core.contracts import Roles
from fieldguide.core.errors import ConfigError, DataError
from fieldguide.core.finding import Finding
from fieldguide.core.problem import Output, Problem
from fieldguide.core.resolution import smallest_difference
from fieldguide.core.seeds import generator
from fieldguide.core.settings import values_of
from fieldguide.core.space import Reference
from fieldguide.core.table import Table
from fieldguide.parts import find, modality
from fieldguide.parts.learners._points import principal_axes
from fieldguide.steps.checking import checked, ordered, without_target
from fieldguide.steps.explore.explore import samples
from fieldguide.steps.explore.gallery import trimmed

MOST_ROWS = 5_000
SHOWN_AXES = 12
DEALT = 20
"""How often columns are dealt anew."""
WHY = {
    "silhouette": "It asks whether rows are nearer to their own cluster than to the next, in units of distance. It favours round clusters; choose "
    "density_silhouette where clusters may have any shape and are parted by gaps.",
    "trustworthiness": "It asks whether neighbours on the map are neighbours in truth, so that what looks near may be believed. Choose continuity if no "
    "true neighbour may be torn away, reconstruction if rows are to be rebuilt from their numbers.",
}  # fmt: skip


def explore_targetless(
    table: Table, problem: Problem, roles: Roles, reference: Reference, points: np.ndarray, metrics_before: Sequence[str], *, seed: int
) -> tuple[dict[str, Any], tuple[Finding, ...]]:  # fmt: skip
    """Describe development rows and recommend a metric.

    Args:
        table: typed development rows.
        roles: blocks of the same rows.
        reference: the space that candidates are judged in.
        points: the same rows as points of it.
        metrics_before: metrics by which models of this study were judged before.

    Returns:
        facts (columns, samples, metric, space: axes and the share of the variance along each beside that of dealt columns) and findings.

    Raises:
        DataError: no column varies over the development rows.
    """
    if not reference.space.scale.any():
        raise DataError(
            "all rows are the same point", rule="rows are near and far by columns that vary",
            found=f"{len(reference.names):,} encoded columns, none of which varies over {len(points):,} development rows", do="add columns that vary, or rows",
        )  # fmt: skip
    space = described(reference, points, seed)
    metric = recommend(problem.output, points, roles.blocks, seed)
    columns = {
        column.name: {"kind": column.kind, "role": column.role, **modality(column.kind).describe(table.frame[column.name])}
        for column in table.columns if column.encoded
    }  # fmt: skip
    facts = {
        "sentence": f"{table.n_rows:,} rows, {len(columns)} columns; judged by {metric['title']}", "n_rows": table.n_rows, "excluded": [],
        "columns": columns, "targets": [], "associations": {}, "metrics": [metric], "samples": trimmed(samples(table, seed), table), "gallery": [],
        "views": [], "proxies": None, "assumptions": [], "derived": None, "space": space,
    }  # fmt: skip
    found = checked(
        "explore",
        problem=problem,
        roles=roles,
        table=table.tabular,
        media=table,
        profile=facts,
        metrics_before=metrics_before,
        space=space,
    )
    return facts, ordered(without_target(finding) for finding in found)


def check_components(n: int, reference: Reference) -> None:
    """Refuse a reduction that keeps as many numbers as there are.

    Raises:
        ConfigError: names both numbers.
    """
    able = int((reference.space.scale > 0).sum())
    if n >= able:
        raise ConfigError(
            f"rows are to be reduced to {n:,} number{'s' if n > 1 else ''}, and they have {able:,}", rule="a reduction keeps fewer numbers than a row has",
            found=f"{len(set(reference.columns)):,} columns become {able:,} axes that vary", do="ask for fewer problem.components, or add columns",
        )  # fmt: skip


def described(reference: Reference, points: np.ndarray, seed: int) -> dict[str, Any]:
    """Return how the variance of rows lies along principal axes, and how it would if columns had nothing to do with each other.

    Source:
        parallel analysis: Horn (1965), "A rationale and test for the number of factors in factor analysis".
    """
    rows = points[generator(seed, "space").permutation(len(points))[:MOST_ROWS]]
    rows = rows - rows.mean(axis=0)
    axes, shares = principal_axes(rows)
    dealt = np.stack(
        [_padded(principal_axes(dealt_anew(rows, reference.columns, seed, i))[1], len(shares)) for i in range(DEALT)]
    )
    beyond = np.quantile(dealt, 0.95, axis=0)
    above = shares > beyond
    return {
        "n_axes": int((reference.space.scale > 0).sum()), "n_columns": len(set(reference.columns)), "n_rows": len(rows),
        "shares": shares[:SHOWN_AXES].tolist(), "dealt": dealt.mean(axis=0)[:SHOWN_AXES].tolist(), "dealt_95": beyond[:SHOWN_AXES].tolist(),
        "beyond": int(np.argmin(above)) if not above.all() else len(above),
        "leading": [_leading(axes[:, i], reference) for i in range(min(3, axes.shape[1]))],
        "alike": alike(rows, reference),
    }  # fmt: skip


def dealt_anew(points: np.ndarray, columns: Sequence[str], seed: int, number: int = 0) -> np.ndarray:
    """Return points whose columns of the table are each dealt anew over the rows: what each column says stays, what they say together goes."""
    names = np.array(columns)
    dealt = points.copy()
    rng = generator(seed, "dealt", number)
    for name in dict.fromkeys(columns):
        mine = np.flatnonzero(names == name)
        dealt[:, mine] = points[rng.permutation(len(points))][:, mine]
    return dealt


def alike(rows: np.ndarray, reference: Reference, least: float = 0.95, most: int = 5) -> list[dict[str, Any]]:
    """Return pairs of columns that lie along one axis each and nearly say the same, the most alike first."""
    names = np.array(reference.columns)
    single = [
        i for i, name in enumerate(reference.names) if name == names[i]
    ]  # the number itself, not a flag or a level
    if len(single) < 2:
        return []
    part = rows[:, single]
    spread = part.std(axis=0)
    kept = [i for i, s in zip(single, spread) if s > 0]
    correlation = np.corrcoef(rows[:, kept].T) if len(kept) > 1 else np.eye(1)
    pairs = [
        (abs(correlation[a, b]), a, b) for a in range(len(kept)) for b in range(a) if abs(correlation[a, b]) >= least
    ]
    return [
        {"columns": [reference.names[kept[b]], reference.names[kept[a]]], "correlation": float(correlation[a, b])}
        for _, a, b in sorted(pairs, reverse=True)[:most]
    ]


def _leading(axis: np.ndarray, reference: Reference) -> list[dict[str, Any]]:
    """Return the three encoded columns with the largest part in an axis."""
    order = np.argsort(-np.abs(axis))[:3]
    return [{"axis": reference.names[i], "weight": float(axis[i])} for i in order]


def _padded(shares: np.ndarray, n: int) -> np.ndarray:
    return np.pad(shares, (0, max(0, n - len(shares))))[:n]


def recommend(output: Output, points: np.ndarray, blocks: np.ndarray, seed: int) -> dict[str, Any]:
    """Return the metric of a task without a target: the declared one, else the task's first, with the reason."""
    metric = output.metric or find("metrics", output.task.metrics[0])()
    why = "You chose it." if output.metric is not None else WHY[metric.name]
    chosen = np.linspace(0, len(points) - 1, min(2000, len(points))).astype(int)
    return {
        "output": output.name, "metric": metric.name, "title": metric.title, "why": why, "declared": output.metric is not None,
        "settings": values_of(metric),
        "smallest_difference": smallest_difference(
            metric, output, points[chosen], blocks[chosen], seed=seed, prediction=first_guess(output, points[chosen])
        ),
    }  # fmt: skip


def first_guess(output: Output, points: np.ndarray) -> np.ndarray:
    """Return the plainest answer there is, for planning: rows cut in two along the first principal axis, or that axis as a map."""
    rows = points - points.mean(axis=0)
    axes, _ = principal_axes(rows)
    along = rows @ axes[:, :1]
    if output.task.name == "clustering":
        return np.eye(2)[(along[:, 0] > 0).astype(int)]
    return np.concatenate([along, along @ axes[:, :1].T], axis=1)
