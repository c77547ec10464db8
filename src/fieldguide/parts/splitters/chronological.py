"""Division along time: what is held out is later than everything kept; blocks are never cut.

Knows times and blocks. Rows of a block that straddles a cut are purged on one side, so both rules hold at once.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from typing import ClassVar

import numpy as np

from fieldguide.core.contracts import Roles
from fieldguide.core.errors import SplitError
from fieldguide.parts.splitters.random import block_hashes


@dataclass(frozen=True)
class Chronological:
    """Hold out the latest rows; with blocks larger than a row this is grouped and chronological.

    Rows with equal times stay on one side. A block on both sides of the cut keeps the side with more of its rows and loses
    the others; where that would empty a part (every group spans the cut), such blocks are dealt by content hash instead.

    Examples:
        >>> times = np.arange(10)
        >>> roles = Roles(keys=np.arange(10, dtype=np.uint64), blocks=np.arange(10), times=times)
        >>> Chronological().hold_out(roles, 0.2, "seal")[1].tolist()
        [8, 9]
    """

    name: ClassVar[str] = "chronological"

    def hold_out(self, roles: Roles, share: float, salt: str) -> tuple[np.ndarray, np.ndarray]:
        times = _times(roles)
        late = times >= _cut(times, share)
        side = self._sides(roles, late, share, salt)
        return np.flatnonzero(~late & ~side), np.flatnonzero(late & side)

    def folds(self, roles: Roles, k: int, repeats: int, salt: str) -> list[tuple[int, np.ndarray, np.ndarray]]:
        """Forward chaining: cut time into k + 1 stretches; train on all before a stretch, validate on it."""
        times = _times(roles)
        cuts = [_cut(times, 1 - i / (k + 1)) for i in range(1, k + 1)] + [np.iinfo(np.int64).max]
        folds = []
        for start, end in pairwise(cuts):
            held = (times >= start) & (times < end)
            train = (times < start) & ~np.isin(roles.blocks, roles.blocks[held])
            if held.any() and train.any():
                folds.append((0, np.flatnonzero(train), np.flatnonzero(held)))
        if not folds:
            raise SplitError(
                "time cannot be cut into folds",
                rule="forward chaining needs at least two distinct times, with different blocks on both sides",
                found=f"{len(np.unique(times)):,} distinct times in {len(times):,} rows",
                do="set split.by: random, or declare another time column",
            )
        return folds

    def _sides(self, roles: Roles, late: np.ndarray, share: float, salt: str) -> np.ndarray:
        """Return, per row, whether its block belongs to the late side."""
        of_row = np.unique(roles.blocks, return_inverse=True)[1]
        n_late = np.bincount(of_row, weights=late)
        n_all = np.bincount(of_row)
        side = n_late > n_all / 2
        kept, held = (~late & ~side[of_row]).sum(), (late & side[of_row]).sum()
        if held < late.sum() / 2 or kept < (~late).sum() / 2:
            content = block_hashes(roles.keys, of_row, len(n_all), salt)
            straddles = (n_late > 0) & (n_late < n_all)
            dealt = content / np.float64(2**64) < max(share, 0.3)
            side = np.where(straddles, dealt, n_late == n_all)
        return side[of_row]


def _times(roles: Roles) -> np.ndarray:
    if roles.times is None:
        raise SplitError(
            "there is no time column",
            rule="a chronological split orders rows by time",
            found="no column is declared as time, and none is surely one",
            do="set data.time, or split.by: random",
        )
    return roles.times


def _cut(times: np.ndarray, share: float) -> int:
    """The first time of the late part: the distinct time whose late share is nearest to `share`."""
    distinct, first = np.unique(np.sort(times), return_index=True)
    late = 1 - first / len(times)
    if len(distinct) == 1:
        return int(distinct[0])
    return int(distinct[1:][np.abs(late[1:] - share).argmin()])
