"""The split: which rows may be seen by whom, and the seal on the test rows.

Knows parts, folds and proofs of disjointness as frozen values; the ways to divide are splitters.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from fieldguide.core.contracts import Roles, Splitter

SMALL, LARGE = 20_000, 2_000_000
CROSS_VALIDATE_UP_TO = 5_000


@dataclass(frozen=True)
class Fold:
    """Rows to fit on and rows to judge on, as indices into the development table."""

    train: np.ndarray
    validation: np.ndarray
    repeat: int = 0


@dataclass(frozen=True)
class Split:
    """Who may see which row.

    Shape:
        development, test, purged: indices into the whole table, disjoint; purged rows are used by nobody
        work: the development rows that explore to refine work on; all of them up to a stated size, else a sample
        folds: indices into `work`
        learned: the development rows that may be learned from; None: all of them

    Args:
        scheme: "random" or "chronological" (with or without blocks), or "given".
        roles: of the work rows.
        splitter: the object that makes early-stopping rows by the same rules.
        data_hash: of the features of all rows.
        n_outside: purged rows that are in no population, as study.yaml says or because their outcomes are still arriving.
    """

    scheme: str
    development: np.ndarray
    work: np.ndarray
    test: np.ndarray
    purged: np.ndarray
    folds: tuple[Fold, ...]
    roles: Roles
    splitter: Splitter
    data_hash: str
    learned: np.ndarray | None = None
    n_outside: int = 0

    @property
    def sampled(self) -> bool:
        """Whether only a sample of the development rows is worked on."""
        return len(self.work) < len(self.development)

    @property
    def n_repeats(self) -> int:
        return 1 + max(fold.repeat for fold in self.folds)

    @property
    def cross_validated(self) -> bool:
        return len(self.folds) > 1


def held_share(n_rows: int) -> float:
    """Return the share of rows to hold out: 15 % up to 20,000 rows, sliding to 1 % from 2,000,000 (log-log between).

    Source:
        the guide's 70/15/15 for small and 98/1/1 for large data.

    Examples:
        >>> held_share(1_000), round(held_share(200_000), 3), held_share(10_000_000)
        (0.15, 0.039, 0.01)
    """
    if n_rows <= SMALL:
        return 0.15
    slope = math.log(0.15 / 0.01) / math.log(LARGE / SMALL)
    return max(0.01, 0.15 * (n_rows / SMALL) ** -slope)


def repeats_for(n_rows: int) -> int:
    """Return how often 5-fold cross-validation is repeated: more for fewer rows.

    Examples:
        >>> [repeats_for(n) for n in (100, 600, 2_000, 5_000)]
        [3, 2, 2, 2]
    """
    return 3 if n_rows <= 500 else 2
