"""Random division by content: blocks are drawn by the hash of their rows, within strata.

Knows hashes, blocks and classes; time is the chronological splitter's.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from fieldguide.core.contracts import Roles


@dataclass(frozen=True)
class Random:
    """Draw blocks at random by content, stratified by class where strata are given.

    The draw depends on the rows, not on their order or on a global seed: the same rows always fall in the same part. A block
    counts for the class most of its rows have.

    Examples:
        >>> roles = Roles(keys=np.arange(100, dtype=np.uint64), blocks=np.arange(100))
        >>> kept, held = Random().hold_out(roles, 0.15, "seal")
        >>> len(kept), len(held)
        (85, 15)
    """

    name: ClassVar[str] = "random"

    def hold_out(self, roles: Roles, share: float, salt: str) -> tuple[np.ndarray, np.ndarray]:
        blocks = _Blocks.of(roles, salt)
        held = np.zeros(len(blocks.sizes), bool)
        for stratum in np.unique(blocks.strata):
            members = blocks.order[blocks.strata[blocks.order] == stratum]
            quota = share * blocks.sizes[members].sum()
            filled = np.cumsum(blocks.sizes[members])
            held[members] = filled - blocks.sizes[members] / 2 <= quota  # a block goes where more than half of it fits
        return np.flatnonzero(~held[blocks.of_row]), np.flatnonzero(held[blocks.of_row])

    def folds(self, roles: Roles, k: int, repeats: int, salt: str) -> list[tuple[int, np.ndarray, np.ndarray]]:
        folds = []
        for repeat in range(repeats):
            blocks = _Blocks.of(roles, f"{salt}/{repeat}")
            fold_of = np.zeros(len(blocks.sizes), np.int64)
            filled = np.zeros(k)
            for stratum in np.unique(blocks.strata):
                in_stratum = np.zeros(k)
                for block in blocks.order[blocks.strata[blocks.order] == stratum]:
                    fold = int(np.lexsort((filled, in_stratum))[0])  # least of this class first, then least of all
                    fold_of[block] = fold
                    in_stratum[fold] += blocks.sizes[block]
                    filled[fold] += blocks.sizes[block]
            row_fold = fold_of[blocks.of_row]
            folds += [(repeat, np.flatnonzero(row_fold != fold), np.flatnonzero(row_fold == fold)) for fold in range(k)]
        return folds


@dataclass(frozen=True)
class _Blocks:
    of_row: np.ndarray
    sizes: np.ndarray
    strata: np.ndarray
    order: np.ndarray  # block ids by hash

    @staticmethod
    def of(roles: Roles, salt: str) -> _Blocks:
        of_row = np.unique(roles.blocks, return_inverse=True)[1]
        n_blocks = int(of_row.max()) + 1 if len(of_row) else 0
        sizes = np.bincount(of_row, minlength=n_blocks)
        content = block_hashes(roles.keys, of_row, n_blocks, salt)
        strata = np.zeros(n_blocks, np.int64)
        if roles.strata is not None and n_blocks:
            counts = np.zeros((n_blocks, int(roles.strata.max()) + 1), np.int64)
            np.add.at(counts, (of_row, roles.strata), 1)
            strata = counts.argmax(axis=1)
        return _Blocks(of_row, sizes, strata, np.argsort(content, kind="stable"))


def block_hashes(keys: np.ndarray, of_row: np.ndarray, n_blocks: int, salt: str) -> np.ndarray:
    """Return a hash of each block: (n_blocks,) uint64, uniform whatever the block's size.

    The least key names a block whatever its rows' order; it is hashed once more, because the least of many keys is small and
    large blocks would come first.
    """
    least = np.full(n_blocks, np.iinfo(np.uint64).max, np.uint64)
    np.minimum.at(least, of_row, keys)
    return salted(least, salt)


def salted(keys: np.ndarray, salt: str) -> np.ndarray:
    """Return keys hashed anew under a salt: (rows,) uint64."""
    shift = np.uint64(int.from_bytes(hashlib.blake2b(salt.encode(), digest_size=8).digest(), "little"))
    with np.errstate(over="ignore"):
        x = (keys ^ shift) * np.uint64(0xBF58476D1CE4E5B9)
        x = (x ^ (x >> np.uint64(29))) * np.uint64(0x94D049BB133111EB)
        return x ^ (x >> np.uint64(32))
