"""The contract of splitters: disjoint parts, whole blocks, shares kept, nothing that depends on row order."""

from __future__ import annotations

import numpy as np

from fieldguide.core.contracts import Roles, Splitter


def check_splitter(splitter: Splitter, roles: Roles) -> None:
    """Check a splitter on rows: every method of the contract, and what all splitters promise.

    Args:
        roles: at least 100 rows; blocks may hold several rows.
    """
    kept, held = splitter.hold_out(roles, 0.2, "test")
    assert not np.intersect1d(kept, held).size, "kept and held rows overlap"
    assert not np.intersect1d(roles.blocks[kept], roles.blocks[held]).size, "a block is cut"
    largest = np.bincount(np.unique(roles.blocks, return_inverse=True)[1]).max()
    assert abs(len(held) - 0.2 * len(roles)) <= 0.05 * len(roles) + largest, "the share is not kept"

    order = np.random.default_rng(0).permutation(len(roles))
    moved = splitter.hold_out(roles.take(order), 0.2, "test")[1]
    assert np.array_equal(np.sort(order[moved]), np.sort(held)), "the split depends on row order"

    folds = splitter.folds(roles, 4, 2, "test")
    assert folds, "there are no folds"
    for _, train, validation in folds:
        assert len(train) and len(validation), "a fold is empty"
        assert not np.intersect1d(roles.blocks[train], roles.blocks[validation]).size, "a fold cuts a block"
        if splitter.name == "chronological" and roles.times is not None:
            assert roles.times[train].max() < roles.times[validation].min(), "a fold looks into the future"
