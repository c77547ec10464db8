"""Where the bins of a number begin and end: at quantiles, or where a decision tree on the target splits.

Knows columns as arrays; nothing of networks. scikit-learn's tree would do the same, and loading it takes longer than torch.
"""

from __future__ import annotations

import heapq

import numpy as np

MAX_ROWS = 200_000  # rows that bins are found on: more do not move them
LEAST_GAIN = 1e-4  # of the target's impurity; a split that gains less is not made


def bin_edges(
    numbers: np.ndarray, n_bins: int, target: np.ndarray | None = None, classes: bool = False
) -> list[list[float]]:
    """Return bin edges of each column, an empty list for columns with fewer than three values.

    Args:
        n_bins: the most bins of a column.
        target: place the edges where a decision tree on this target splits; None places them at quantiles.
        classes: whether the target holds class codes.

    Shape:
        numbers: (rows, n_numbers) float32
        target: (rows,), or (rows, d) for label sets and vectors
        returns: n_numbers lists of at most n_bins + 1 ascending floats

    Source:
        Gorishniy, Rubachev, Babenko, "On Embeddings for Numerical Features in Tabular Deep Learning", NeurIPS 2022.

    Examples:
        >>> bin_edges(np.array([[0, 1], [1, 0], [2, 1], [3, 0]], np.float32), n_bins=2)
        [[0.0, 1.5, 3.0], []]
        >>> bin_edges(np.array([[0], [1], [2], [9]], np.float32), 2, target=np.array([0, 0, 0, 1]))
        [[0.0, 5.5, 9.0]]
    """
    if len(numbers) > MAX_ROWS:
        rows = np.linspace(0, len(numbers) - 1, MAX_ROWS).astype(np.int64)
        numbers, target = numbers[rows], None if target is None else target[rows]
    n_bins = min(n_bins, len(numbers) - 1)
    if n_bins < 2:
        return [[] for _ in range(numbers.shape[1])]
    if target is not None:
        goal = np.eye(int(target.max()) + 1)[target.astype(np.int64)] if classes else _columns(target)
    edges: list[list[float]] = []
    for column in numbers.T:
        if len(np.unique(column[:1000])) < 3 and len(np.unique(column)) < 3:
            edges.append([])
        elif target is None:
            # Two ends may meet in float32.
            ends = np.quantile(column, np.linspace(0, 1, n_bins + 1)).astype(np.float32)
            edges.append(np.unique(ends).tolist())
        else:
            inner = tree_thresholds(column, goal, n_bins, max(1, min(64, len(numbers) // 20)))
            edges.append(np.unique(np.asarray([column.min(), *inner, column.max()], np.float32)).tolist())
    return edges


def _columns(target: np.ndarray) -> np.ndarray:
    """Return values as columns; of several, each with a spread of 1, so that units do not matter."""
    goal: np.ndarray = target.astype(float).reshape(len(target), -1)
    if goal.shape[1] == 1:
        return goal
    spread = goal.std(axis=0)
    scaled: np.ndarray = goal / np.where(spread > 0, spread, 1.0) / np.sqrt(goal.shape[1])
    return scaled


def tree_thresholds(column: np.ndarray, goal: np.ndarray, n_leaves: int, min_rows: int) -> list[float]:
    """Return the thresholds of a decision tree on one column, grown best split first.

    Args:
        n_leaves: the most leaves.
        min_rows: the fewest rows of a leaf.

    Shape:
        column: (rows,) float
        goal: (rows, d) float: a value, or classes one-hot; impurity is their variance (for classes: Gini)
    """
    order = np.argsort(column, kind="stable")
    values, n = column[order].astype(np.float64), len(column)
    sums = np.concatenate([np.zeros((1, goal.shape[1])), np.cumsum(goal[order], axis=0)])
    cuts = np.flatnonzero(values[1:] > values[:-1]) + 1  # a cut at i: rows before i go left
    thresholds: list[float] = []
    heap: list[tuple[float, int, int, int]] = []

    def consider(start: int, stop: int) -> None:
        inside = cuts[np.searchsorted(cuts, start + min_rows) : np.searchsorted(cuts, stop - min_rows, side="right")]
        if not len(inside):
            return
        left, whole = sums[inside] - sums[start], sums[stop] - sums[start]
        n_left, n_right = (inside - start)[:, None], (stop - inside)[:, None]
        gain = (left**2 / n_left + (whole - left) ** 2 / n_right).sum(axis=1) - (whole**2).sum() / (stop - start)
        best = int(np.argmax(gain))
        if gain[best] / n >= LEAST_GAIN:
            heapq.heappush(heap, (-float(gain[best]), start, int(inside[best]), stop))

    consider(0, n)
    while heap and len(thresholds) < n_leaves - 1:
        _, start, cut, stop = heapq.heappop(heap)
        thresholds.append((values[cut - 1] + values[cut]) / 2)
        consider(start, cut)
        consider(cut, stop)
    return thresholds
