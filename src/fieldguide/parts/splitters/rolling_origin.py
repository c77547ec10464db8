"""Division of forecasts: an origin that is held out is later than the last target of every one that is kept.

Knows the times of origins and how long a target lasts. Inputs may reach over a cut, as they do in use: what lies before an
origin is known there. No target does.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from typing import ClassVar

import numpy as np

from fieldguide.core.contracts import Roles
from fieldguide.core.errors import SplitError
from fieldguide.core.settings import setting


@dataclass(frozen=True)
class RollingOrigin:
    """Hold out the latest origins; origins whose targets reach past the first of them are purged.

    Every series is cut at the same moment, so that no series tells of another's future.

    Examples:
        >>> roles = Roles(keys=np.arange(10, dtype=np.uint64), blocks=np.arange(10), times=np.arange(10))
        >>> kept, held = RollingOrigin(span=3).hold_out(roles, 0.2, "seal")
        >>> kept.tolist(), held.tolist()
        ([0, 1, 2, 3, 4, 5], [8, 9])
    """

    name: ClassVar[str] = "rolling_origin"

    span: int = setting(0, "time from an origin to the last step of its target [microseconds]")

    def hold_out(self, roles: Roles, share: float, salt: str) -> tuple[np.ndarray, np.ndarray]:
        times = times_of(roles)
        held = times >= _cut(times, share)
        return np.flatnonzero(self._before(roles, times, held)), np.flatnonzero(held)

    def folds(self, roles: Roles, k: int, repeats: int, salt: str) -> list[tuple[int, np.ndarray, np.ndarray]]:
        """Forward chaining: cut time into k + 1 stretches; learn from all that is over before a stretch, validate on it.

        Source:
            rolling forecasting origin: Hyndman & Athanasopoulos, "Forecasting: Principles and Practice", section 5.10.
        """
        times = times_of(roles)
        cuts = [_cut(times, 1 - i / (k + 1)) for i in range(1, k + 1)] + [np.iinfo(np.int64).max]
        folds = []
        for start, end in pairwise(cuts):
            held = (times >= start) & (times < end)
            train = self._before(roles, times, held)
            if held.any() and train.any():
                folds.append((0, np.flatnonzero(train), np.flatnonzero(held)))
        if not folds:
            raise SplitError(
                "the series cannot be cut into folds",
                rule="what is learned from is over before the first origin that is judged",
                found=f"{len(np.unique(times)):,} different origins, targets of {self.span / 3.6e9:,.4g} hours",
                do="take a shorter horizon or window, set split.validation, or bring more steps",
            )
        return folds

    def _before(self, roles: Roles, times: np.ndarray, held: np.ndarray) -> np.ndarray:
        """Return which rows are over, target and all, before the first held origin, and of no block with a held row."""
        if not held.any():
            return np.ones(len(times), bool)
        over: np.ndarray = (times + self.span <= times[held].min()) & ~held
        return over & ~np.isin(roles.blocks, roles.blocks[held])


def times_of(roles: Roles) -> np.ndarray:
    """Return the times of origins. Raises SplitError where there are none."""
    if roles.times is None:
        raise SplitError(
            "there is no time column",
            rule="forecasts are divided along time",
            found="the rows have no times",
            do="set data.time to the column of steps",
        )
    return roles.times


def _cut(times: np.ndarray, share: float) -> int:
    """The first origin of the late part: the distinct time whose late share is nearest to `share`."""
    distinct, first = np.unique(np.sort(times), return_index=True)
    if len(distinct) == 1:
        return int(distinct[0])
    late = 1 - first / len(times)
    return int(distinct[1:][np.abs(late[1:] - share).argmin()])
