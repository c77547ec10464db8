"""Structure: how well rows fall into groups, and how well a map keeps their neighbours.

Knows coordinates, labels and maps as arrays. Distances are Euclidean in the space the rows are given in; which space that is, is
`core.space`'s. Of many rows, each is held against a stated sample of them: `MOST`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np

from fieldguide.core.seeds import generator

MOST = 2_000
"""Rows that each row is held against; of more, a fixed random sample of them: cost grows with rows, not with their square."""
NOISE = -1
"""The label of a row that is in no group."""
FEW, PARTS = 500, 20
"""Rows on which a jackknife is made, and how many halves of them are measured."""
CORE = 5
"""Neighbours that say how dense it is around a row."""
CHUNK = 2_000_000
Distances = Callable[[np.ndarray], np.ndarray]


def held_against(n_rows: int, most: int = MOST) -> np.ndarray:
    """Return the rows that each row is held against: all, or a sample that depends on their number only, ascending.

    Examples:
        >>> held_against(3).tolist(), len(held_against(9_000))
        ([0, 1, 2], 2000)
    """
    if n_rows <= most:
        return np.arange(n_rows)
    return np.sort(generator(0, "held against").permutation(n_rows)[:most])


def squared_distances(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """Return the squared distance of each row of `a` to each of `b`, never below 0.

    Shape:
        a: (n, d); b: (m, d); returns: (n, m) float64

    Examples:
        >>> squared_distances(np.array([[0.0, 0.0]]), np.array([[3.0, 4.0]])).tolist()
        [[25.0]]
    """
    a, b = np.asarray(a, np.float64), np.asarray(b, np.float64)
    centre = b.mean(axis=0) if len(b) else 0.0
    a, b = a - centre, b - centre  # large offsets would cancel
    found: np.ndarray = np.einsum("ij,ij->i", a, a)[:, None] + np.einsum("ij,ij->i", b, b) - 2.0 * (a @ b.T)
    return np.maximum(found, 0.0, out=found)


def nearest(a: np.ndarray, b: np.ndarray, k: int) -> tuple[np.ndarray, np.ndarray]:
    """Return the k nearest rows of `b` to each of `a`, and their distances, nearest first; a row does not depend on the others.

    Candidates are found by matrix products and measured again one by one, so that equal rows are 0 apart.

    Shape:
        a: (n, d); b: (m, d), m >= 1; returns: (n, k) int64, (n, k) float64, k at most m
    """
    k = min(k, len(b))
    able = min(len(b), k + 8)
    places, gaps = np.empty((len(a), k), np.int64), np.empty((len(a), k))
    for rows in _chunks(len(a), len(b) + able * max(1, np.shape(b)[1])):
        rough = squared_distances(a[rows], b)
        near = (
            np.argpartition(rough, able - 1, axis=1)[:, :able]
            if able < len(b)
            else np.tile(np.arange(len(b)), (len(rough), 1))
        )
        near = np.sort(near, axis=1)
        exact = np.sqrt(
            ((np.asarray(a[rows], np.float64)[:, None, :] - np.asarray(b, np.float64)[near]) ** 2).sum(axis=2)
        )
        order = np.argsort(exact, axis=1, kind="stable")[:, :k]
        places[rows], gaps[rows] = np.take_along_axis(near, order, 1), np.take_along_axis(exact, order, 1)
    return places, gaps


def silhouettes(points: np.ndarray, labels: np.ndarray, parts: bool = False) -> np.ndarray:
    """Return each row's silhouette: (b - a) / max(a, b), where a is its mean distance to its own group and b to the nearest other.

    0 where a row is in no group, alone in its group, or there is no other group.

    Args:
        parts: return what each row adds to the mean instead: its own silhouette, and what it does to those of others by being where
            it is. The mean is the same; its spread is that of the mean over other samples, which silhouettes alone understate.

    Shape:
        points: (rows, d); labels: (rows,) int64, `NOISE` for none; returns: (rows,) float64 in [-1, 1]

    Source:
        Rousseeuw (1987), "Silhouettes: a graphical aid to the interpretation and validation of cluster analysis".

    Examples:
        >>> silhouettes(np.array([[0.0], [1.0], [10.0], [11.0]]), np.array([0, 0, 1, 1])).round(3).tolist()
        [0.905, 0.895, 0.895, 0.905]
    """
    against = held_against(len(points))
    others = np.asarray(points, np.float64)[against]

    def distances(rows: np.ndarray) -> np.ndarray:
        found: np.ndarray = np.sqrt(squared_distances(points[rows], others))
        return found

    return _silhouettes(distances, labels, against)[int(parts)]


def density_silhouettes(points: np.ndarray, labels: np.ndarray, core: int = CORE, parts: bool = False) -> np.ndarray:
    """Return each row's silhouette along dense paths: how far it is to other groups if one may only step from row to row.

    The distance of two rows is the longest step of the path between them whose longest step is the shortest; a step is as long as the
    rows are apart, and no shorter than either's distance to its `core`-th neighbour. A group of any shape is close together so, two
    groups are as far apart as the gap between them, and a heap that is cut in two is cut through rows that are close: 0.

    A group of at most `core` rows has no density: it counts as none.

    Args:
        core: neighbours that say how dense it is around a row.
        parts: as `silhouettes` has it; what other rows do to the paths is measured by a jackknife.

    Shape:
        points: (rows, d); labels: (rows,) int64, `NOISE` for none; returns: (rows,) float64 in [-1, 1]

    Source:
        path distance: Fischer and Buhmann (2003), "Path-based clustering for grouping of smooth curves and texture segmentation";
        mutual reachability: Campello, Moulavi, Sander (2013), "Density-based clustering based on hierarchical density estimates".
    """
    against = held_against(len(points))
    labels = np.array(labels, np.int64)
    known, counts = np.unique(labels[against], return_counts=True)
    labels[~np.isin(labels, known[counts > core])] = NOISE
    others = np.asarray(points, np.float64)[against]
    gaps = np.sqrt(squared_distances(others, others))
    reach = np.partition(gaps, min(core, len(gaps) - 1), axis=1)[:, min(core, len(gaps) - 1)]
    steps = np.maximum(gaps, np.maximum(reach[:, None], reach[None, :]))
    paths = path_distances(steps)
    place = np.full(len(points), -1)
    place[against] = np.arange(len(against))

    def distances(rows: np.ndarray) -> np.ndarray:
        found = np.empty((len(rows), len(against)))
        inside = place[rows] >= 0
        found[inside] = paths[place[rows[inside]]]
        beside = rows[~inside]
        if len(beside):  # a row beside the sample steps to the row it reaches most easily, and goes on from there
            far = np.sqrt(squared_distances(points[beside], others))
            own = np.partition(far, min(core, far.shape[1]) - 1, axis=1)[:, min(core, far.shape[1]) - 1]
            first = np.maximum(far, np.maximum(own[:, None], reach[None, :]))
            at = first.argmin(axis=1)
            found[~inside] = np.maximum(first[np.arange(len(at)), at][:, None], paths[at])
        return found

    found, added = _silhouettes(distances, labels, against)
    return stretched(added, lambda rows: density_silhouettes(points[rows], labels[rows], core)) if parts else found


def path_distances(steps: np.ndarray) -> np.ndarray:
    """Return the longest step of the best path between each two rows: of all paths the one whose longest step is the shortest.

    Shape:
        steps: (n, n) symmetric; returns: (n, n) float64, 0 on the diagonal

    Examples:
        >>> path_distances(np.array([[0.0, 1.0, 9.0], [1.0, 0.0, 2.0], [9.0, 2.0, 0.0]])).tolist()
        [[0.0, 1.0, 2.0], [1.0, 0.0, 2.0], [2.0, 2.0, 0.0]]
    """
    n = len(steps)
    inside, best, source = np.zeros(n, bool), np.full(n, np.inf), np.zeros(n, np.int64)
    edges = []
    at = 0
    for _ in range(n - 1):  # the minimum spanning tree, by Prim
        inside[at] = True
        closer = ~inside & (steps[at] < best)
        best[closer], source[closer] = steps[at][closer], at
        at = int(np.where(inside, np.inf, best).argmin())
        edges.append((float(best[at]), int(source[at]), at))
    found = np.zeros((n, n))
    members = {i: np.array([i]) for i in range(n)}
    owner = np.arange(n)
    for length, a, b in sorted(edges):
        left, right = owner[a], owner[b]
        found[np.ix_(members[left], members[right])] = length
        found[np.ix_(members[right], members[left])] = length
        members[left] = np.concatenate([members[left], members.pop(right)])
        owner[members[left]] = left
    return found


def _silhouettes(distances: Distances, labels: np.ndarray, against: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return each row's silhouette, and how it moves the mean: the silhouette, and what the row does to those of others."""
    labels = np.asarray(labels, np.int64)
    names = np.unique(labels[labels != NOISE])
    found, moved = np.zeros(len(labels)), np.zeros(len(labels))
    if len(names) < 2:
        return found, moved
    place = {int(name): i for i, name in enumerate(names)}
    codes = np.array([place.get(int(label), -1) for label in labels])
    groups = (codes[against][:, None] == np.arange(len(names))).astype(np.float64)
    counts = groups.sum(axis=0)
    held = np.zeros(len(labels), bool)
    held[against] = True
    grouped = np.flatnonzero(codes >= 0)
    pulls = np.zeros(len(against))
    for part in _chunks(len(grouped), len(against)):
        rows = grouped[part]
        far = distances(rows)
        here = np.flatnonzero(held[rows])
        far[here, np.searchsorted(against, rows[here])] = 0.0  # products leave a row at some distance from itself
        sums, own, at = far @ groups, codes[rows], np.arange(len(rows))
        n_own = counts[own] - held[rows]
        alone = n_own <= 0
        a = sums[at, own] / np.where(alone, 1.0, n_own)
        means = sums / np.where(counts > 0, counts, 1.0)
        means[:, counts == 0] = np.inf
        means[at, own] = np.inf
        next_to = means.argmin(axis=1)
        b = means[at, next_to]
        widest = np.maximum(a, b)
        able = ~alone & np.isfinite(b) & (widest > 0)
        found[rows[able]] = (b[able] - a[able]) / widest[able]
        closer = a < b  # s = 1 - a / b, else b / a - 1
        by_a = np.where(able, np.where(closer, -1 / np.where(b > 0, b, 1.0), -b / np.where(a > 0, a, 1.0) ** 2), 0.0)
        by_b = np.where(able, np.where(closer, a / np.where(b > 0, b, 1.0) ** 2, 1 / np.where(a > 0, a, 1.0)), 0.0)
        by_a, by_b = np.where(np.isfinite(by_a), by_a, 0.0), np.where(np.isfinite(by_b) & able, by_b, 0.0)
        mine, theirs = groups.T[own], groups.T[next_to]
        share_a, share_b = (
            by_a / np.where(alone, 1.0, n_own),
            by_b / np.where(counts[next_to] > 0, counts[next_to], 1.0),
        )
        inside = mine * (far - np.where(able, a, 0.0)[:, None])
        inside[here, np.searchsorted(against, rows[here])] = 0.0  # nor does it pull itself
        pulls += share_a @ inside + share_b @ (theirs * (far - np.where(able, b, 0.0)[:, None]))
    moved[against] = pulls * len(against) / len(labels)  # each row beside the sample stands for one in it
    if len(against) < len(labels):
        moved = _spread(moved, codes, held)
    return found, found + moved


def _spread(moved: np.ndarray, codes: np.ndarray, held: np.ndarray) -> np.ndarray:
    """Return what rows do to others where only a sample was measured: rows beside it are given values of sampled rows of their group."""
    given = moved.copy()
    for code in np.unique(codes):
        here, beside = np.flatnonzero(held & (codes == code)), np.flatnonzero(~held & (codes == code))
        if len(here) and len(beside):
            given[beside] = moved[here[np.arange(len(beside)) % len(here)]]
    return given - given.mean() + moved.mean()


def intruders(before: np.ndarray, after: np.ndarray, k: int) -> np.ndarray:
    """Return for each row how little its k nearest rows `after` were strangers `before`: 1 none was, 0 all were as far as can be.

    Its mean is the trustworthiness of a map (`after` is the map), and with both exchanged its continuity.

    Shape:
        before: (rows, d); after: (rows, c); returns: (rows,) float64

    Args:
        k: neighbours; 0: a twentieth of the rows, so that numbers of rows compare.

    Formula:
        1 - 2 / (k (2n - 3k - 1)) sum of (r - k) over the k nearest rows in the map, r their rank before where it is above k.

    Source:
        Venna and Kaski (2001), "Neighborhood preservation in nonlinear projection methods".
    """
    against = held_against(len(before))
    n, k = len(against), neighbours_of(len(against), k)
    if k < 1:
        return np.full(len(before), np.nan)
    place = np.full(len(before), -1)
    place[against] = np.arange(n)
    found = np.empty(len(before))
    for rows in _chunks(len(before), 4 * n):
        far, mapped = squared_distances(before[rows], before[against]), squared_distances(after[rows], after[against])
        own = place[rows]
        held = own >= 0
        far[np.flatnonzero(held), own[held]] = np.inf
        mapped[np.flatnonzero(held), own[held]] = np.inf
        order = np.argsort(far, axis=1, kind="stable")
        ranks = np.empty_like(order)
        np.put_along_axis(ranks, order, np.arange(1, n + 1)[None, :], axis=1)
        near = np.argsort(mapped, axis=1, kind="stable")[:, :k]
        strange = np.maximum(np.take_along_axis(ranks, near, 1) - k, 0).sum(axis=1)
        size = n + (~held)  # a row beside the sample is one more
        found[rows] = 1.0 - 2.0 * strange / (k * (2 * size - 3 * k - 1))
    return found


def neighbours_of(n_rows: int, k: int) -> int:
    """Return how many neighbours are asked of n rows: k (0: a twentieth, 5 at least), and fewer than half of them.

    Examples:
        >>> neighbours_of(100, 10), neighbours_of(8, 10), neighbours_of(2, 10)
        (10, 3, 0)
        >>> neighbours_of(400, 0), neighbours_of(40, 0)
        (20, 5)
    """
    return max(0, min(k or max(5, n_rows // 20), (n_rows - 1) // 2))


def stretched(each: np.ndarray, again: Callable[[np.ndarray], np.ndarray]) -> np.ndarray:
    """Return rows' values about the same mean, spread so that their mean is as unsure as it is when rows come and go.

    A row's value depends on the rows around it; to weight values as they stand understates how the mean would differ over other samples.
    By how much, a jackknife says that leaves out a random half at a time and measures again, twenty times, on a few hundred of the rows.

    Args:
        each: (rows,) values.
        again: measures anew among some of the rows: places to their values.

    Source:
        the delete-d jackknife: Shao and Wu (1989), "A general theory for jackknife variance estimation".
    """
    rows = held_against(len(each), FEW)
    if len(rows) < 2 * PARTS:
        return each
    halves = [np.sort(generator(0, "stretched", number).permutation(rows)[: len(rows) // 2]) for number in range(PARTS)]
    error = float(
        np.std([again(half).mean() for half in halves], ddof=1)
    )  # the spread of half the rows within these is that of all of them
    as_they_stand = float(each[rows].std() / np.sqrt(len(rows)))
    factor = max(1.0, error / as_they_stand) if as_they_stand > 1e-9 else 1.0
    found: np.ndarray = each.mean() + factor * (each - each.mean())
    return found


def adjusted_rand(a: np.ndarray, b: np.ndarray, weights: np.ndarray | None = None) -> float:
    """Return how far two groupings of the same rows agree beyond chance: 1 the same, 0 as good as chance; names do not matter.

    Rows in no group are one group of their own. 0 where either has one group only: nothing is told apart.

    Shape:
        a, b: (rows,) int64; weights: (rows,) how often each row counts

    Source:
        Hubert and Arabie (1985), "Comparing partitions".

    Examples:
        >>> adjusted_rand(np.array([0, 0, 1, 1]), np.array([5, 5, 3, 3]))
        1.0
        >>> adjusted_rand(np.array([0, 0, 1, 1]), np.array([0, 0, 0, 0]))
        0.0
    """
    left, right = (np.unique(labels, return_inverse=True)[1] for labels in (a, b))
    shape = (int(left.max(initial=0)) + 1, int(right.max(initial=0)) + 1)
    if min(shape) < 2:
        return 0.0
    table = np.bincount(left * shape[1] + right, weights, minlength=shape[0] * shape[1]).reshape(shape)

    def pairs(counts: np.ndarray) -> float:
        return float((counts * (counts - 1) / 2).sum())

    both, rows, columns, total = pairs(table), pairs(table.sum(1)), pairs(table.sum(0)), pairs(np.array([table.sum()]))
    if total <= 0:
        return 0.0
    expected = rows * columns / total
    most = (rows + columns) / 2
    return (both - expected) / (most - expected) if most != expected else 0.0


def _chunks(n_rows: int, width: int) -> Iterator[np.ndarray]:
    step = max(1, CHUNK // max(1, width))
    for start in range(0, n_rows, step):
        yield np.arange(start, min(start + step, n_rows))
