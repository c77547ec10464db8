"""Entities: rows that describe the same unit, told by attributes that repeat jointly where no column names the unit.

Knows typed feature columns; nothing of targets, names, groups or splits. A pure function from a frame to ids, or to None.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import product

import numpy as np
import polars as pl

from fieldguide.core.seeds import generator

FEWEST_LEVELS = 20
"""Different values from which a number may describe a unit: fewer say too little."""
MOST_LEVELS = 0.6
"""Different values per row above which a number hardly repeats."""
FEWEST_ENTITIES = 20
MOST_ROWS_EACH = 60
"""Rows per unit (mean) above which equal attributes are those of a place or a day that all rows share."""
COVERED = 0.9
"""Share of rows whose combination is met again."""
SPIKED = 2.5
"""Rows that share a combination per row in the cells next to it: along a curve half a row, on a surface an eighth."""
HELD = 0.95
COURSE = 0.5
"""Autocorrelation of the values from run to run in the file, from which they follow a course of time."""
MOST_OF_ONE = 10
"""Times the mean size that one unit may have: what more rows share is a default value."""
MOST_ANCHORS = 12
PAIRS = 20_000
MANY_ROWS = 1_000_000
"""Rows among which pairs are looked for; of more a share is drawn: of the ids where there are many, else of the rows."""
MANY_IDS = 10_000


@dataclass(frozen=True)
class Entities:
    """Units that no column names.

    Shape:
        ids: (rows,) int64, one per unit; a row whose attributes are met once has an id of its own

    Args:
        columns: whose joint values mark a unit.
        n_entities: units with two rows or more.
        why: the evidence in one sentence.
    """

    columns: tuple[str, ...]
    ids: np.ndarray
    n_entities: int
    why: str


def find_entities(frame: pl.DataFrame) -> Entities | None:
    """Return units that attributes imply, or None where that is not sure.

    Two numbers or more, each with many levels, mark units where (1) nine rows of ten have a combination that is met
    again, (2) rows that share a combination outnumber 2.5 times those in the cells next to it (a step of one level in any
    of the numbers), (3) a unit has at most 60 rows in the mean, and none ten times as many, (4) another column varies within
    units (else the rows are copies), and (5) the values do not follow the order of the file, as rates and prices of the day
    do. The second condition needs no independence: rounded, binned or dependent numbers fill neighbouring cells as densely as any.

    Args:
        frame: typed feature columns, without ids, groups and times.

    Examples:
        >>> rng = np.random.default_rng(0)
        >>> unit = rng.permutation(np.repeat(np.arange(100), 6))
        >>> height, pay = rng.normal(170, 9, 100).round(1)[unit], rng.gamma(2, 900, 100).round()[unit]
        >>> found = find_entities(pl.DataFrame({"height": height, "pay": pay, "pulse": rng.normal(size=600)}))
        >>> found.columns, found.n_entities, found.ids.shape
        (('height', 'pay'), 100, (600,))
    """
    n = frame.height
    if n < 2 * FEWEST_ENTITIES or frame.width < 3:
        return None
    codes: dict[str, np.ndarray] = {}
    counts: dict[str, int] = {}
    for name in frame.columns:
        values = frame[name]
        if values.dtype.is_numeric() or values.dtype.is_temporal():
            levels = _levels(values)
            n_levels = int(levels.max()) + 1
            if FEWEST_LEVELS <= n_levels <= MOST_LEVELS * n:  # others mark no unit: of a large table they are not held
                codes[name], counts[name] = levels, n_levels
    numbers = list(codes)
    chosen: list[str] = []
    ids = np.arange(n)
    for anchor in sorted(numbers, key=lambda name: -counts[name])[:MOST_ANCHORS]:
        joined, found = _joined(anchor, numbers, codes)
        if len(joined) > max(1, len(chosen)) and float((np.bincount(found)[found] > 1).mean()) >= COVERED:
            chosen, ids = joined, found
    if not chosen:
        return None
    sizes = np.bincount(ids)
    n_entities = int((sizes > 1).sum())
    each = float(sizes[sizes > 1].mean()) if n_entities else 0.0
    if n_entities < FEWEST_ENTITIES or each > MOST_ROWS_EACH or sizes.max() > MOST_OF_ONE * each:
        return None
    if _spiked(chosen, codes, counts, ids) < SPIKED or _follows_the_file(ids, chosen, codes):
        return None
    if not _others_vary(ids, frame.drop(chosen)):
        return None
    columns = tuple(name for name in frame.columns if name in chosen)
    why = (
        f"{n_entities:,} combinations of their values stand in {each:.1f} rows each, "
        f"and few rows lie next to one of them"
    )
    return Entities(columns, ids, n_entities, why)


def _levels(series: pl.Series) -> np.ndarray:
    """Return (rows,) ranks of the values, 0 for the missing."""
    return series.rank("dense").fill_null(0).to_numpy().astype(np.int32)


def _joined(anchor: str, numbers: list[str], codes: Mapping[str, np.ndarray]) -> tuple[list[str], np.ndarray]:
    """Return the numbers that are constant together with the anchor, and the ids of their combinations."""
    ids, chosen = codes[anchor].astype(np.int64), [anchor]
    rest = [name for name in numbers if name != anchor]
    within = _pairs_within(ids, 0)
    if within is None:
        return chosen, ids
    agreeing = {name: _agreement(codes[name], *within) for name in rest}
    # A level of the anchor may be shared by a few units: half of the pairs then differ in the other attributes.
    likely = [name for name in rest if agreeing[name] >= 0.25]
    if not likely:
        return chosen, ids
    first = max(likely, key=lambda name: agreeing[name])
    chosen, ids = [anchor, first], _refined(ids, codes[first])
    within = _pairs_within(ids, 1)
    for name in rest if within is not None else ():
        if name != first and _agreement(codes[name], *within) >= HELD:  # type: ignore[misc]
            chosen.append(name)
    for name in chosen[2:]:
        ids = _refined(ids, codes[name])
    unknown = np.flatnonzero(np.any([codes[name] == 0 for name in chosen], axis=0))
    ids[unknown] = int(ids.max()) + 1 + np.arange(len(unknown))  # what is missing is not shared
    return chosen, np.unique(ids, return_inverse=True)[1].astype(np.int64)


def _refined(ids: np.ndarray, levels: np.ndarray) -> np.ndarray:
    return np.unique(ids * (int(levels.max()) + 1) + levels, return_inverse=True)[1].astype(np.int64)


def _pairs_within(ids: np.ndarray, draw: int) -> tuple[np.ndarray, np.ndarray] | None:
    """Return pairs of rows with the same id, drawn at random, or None where there are too few."""
    rng = generator(0, "entities", draw)
    if len(ids) > MANY_ROWS:
        share, n_ids = MANY_ROWS / len(ids), int(ids.max()) + 1
        drawn = (rng.random(n_ids) < share)[ids] if n_ids > MANY_IDS else rng.random(len(ids)) < share
        some = np.flatnonzero(drawn)
    else:
        some = np.arange(len(ids))
    ids = ids[some]
    order = np.lexsort((rng.random(len(ids)), ids))
    right = 1 + np.flatnonzero(ids[order][1:] == ids[order][:-1])
    if len(right) < FEWEST_ENTITIES:
        return None
    if len(right) > PAIRS:
        right = rng.choice(right, PAIRS, replace=False)
    return some[order[right - 1]], some[order[right]]


def _agreement(levels: np.ndarray, one: np.ndarray, two: np.ndarray) -> float:
    return float(np.mean(levels[one] == levels[two]))


def _spiked(chosen: list[str], codes: Mapping[str, np.ndarray], counts: Mapping[str, int], ids: np.ndarray) -> float:
    """Return how many rows share a row's combination, over how many stand one level beside it, means over the rows.

    Looked at in the four numbers with most levels; a cell next to another differs by one level at most in each of them.
    """
    looked = sorted(chosen, key=lambda name: -counts[name])[:4]
    first = np.unique(ids, return_index=True)[1]
    sizes = np.bincount(ids)
    cells = np.stack([codes[name][first] for name in looked], axis=1)
    radix = np.cumprod([1, *[counts[name] + 2 for name in looked[:-1]]]).astype(np.float64)  # exact below 2**53
    if radix[-1] * (counts[looked[-1]] + 2) > 2**53:
        looked, cells, radix = looked[:3], cells[:, :3], radix[:3]
    keys = (cells + 1) @ radix
    order = np.argsort(keys)
    ordered, rows = keys[order], np.append(0, np.cumsum(sizes[order]))
    beside = np.zeros(len(keys))
    for offset in product((-1, 0, 1), repeat=len(looked)):
        if any(offset):
            moved = keys + np.array(offset) @ radix
            beside += rows[np.searchsorted(ordered, moved, "right")] - rows[np.searchsorted(ordered, moved, "left")]
    return float(((sizes - 1) * sizes).sum() / max(float((beside * sizes).sum()), 1.0))


def _others_vary(ids: np.ndarray, others: pl.DataFrame) -> bool:
    """Whether a column changes within units: else their rows are copies of one row."""
    within = _pairs_within(ids, 2)
    assert within is not None, "units that are told have rows enough"
    one, two = (others[rows] for rows in within)
    return any(float(one[name].eq_missing(two[name]).mean() or 0.0) < HELD for name in others.columns)  # type: ignore[arg-type]


def _follows_the_file(ids: np.ndarray, chosen: list[str], codes: Mapping[str, np.ndarray]) -> bool:
    """Whether most of the numbers go step by step along the file, other than by a sort by one of them."""
    runs = np.append(0, 1 + np.flatnonzero(ids[1:] != ids[:-1]))
    if len(runs) < FEWEST_ENTITIES:
        return True
    follow = []
    for name in chosen:
        values = codes[name][runs].astype(np.float64)
        steps = np.diff(values)
        in_order = max((steps >= 0).mean(), (steps <= 0).mean()) > 0.99
        spread = values.std()
        if not in_order and spread > 0:
            follow.append(float(np.corrcoef(values[1:], values[:-1])[0, 1]) > COURSE)
    return bool(follow) and sum(follow) >= 0.5 * len(follow)
