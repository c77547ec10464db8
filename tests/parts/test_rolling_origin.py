"""Rolling origins: no target straddles a cut."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fieldguide.core.contracts import Roles
from fieldguide.core.errors import SplitError
from fieldguide.parts.splitters.rolling_origin import RollingOrigin
from fieldguide.testing import check_splitter


def roles_of(times: np.ndarray, blocks: np.ndarray | None = None) -> Roles:
    keys = np.random.default_rng(0).integers(0, 2**63, len(times)).astype(np.uint64)
    return Roles(keys, np.arange(len(times)) if blocks is None else blocks, times)


@pytest.mark.parametrize("block", [1, 7])
def test_contract(block):
    check_splitter(RollingOrigin(), roles_of(np.arange(600) * 10, np.arange(600) // block))


@given(st.integers(30, 200), st.integers(1, 3), st.integers(1, 12), st.floats(0.05, 0.5), st.integers(1, 4))
def test_every_kept_target_is_over_before_the_first_held_origin(n, n_series, horizon, share, k):
    times = np.tile(np.arange(n), n_series)
    splitter = RollingOrigin(span=horizon)
    kept, held = splitter.hold_out(roles_of(times), share, "seal")
    assert len(held)
    assert (
        not len(kept) or times[kept].max() + horizon <= times[held].min()
    )  # the last step learned from is the origin at the latest
    gone = np.setdiff1d(np.arange(len(times)), np.union1d(kept, held))
    assert (times[gone] + horizon > times[held].min()).all()  # and nothing else is purged
    try:
        folds = splitter.folds(roles_of(times), k, 1, "folds")
    except SplitError:
        return
    for _, train, validation in folds:
        assert times[train].max() + horizon <= times[validation].min()
    judged = np.concatenate([validation for _, _, validation in folds])
    assert len(np.unique(judged)) == len(judged)


def test_a_series_shorter_than_its_targets_cannot_be_cut():
    with pytest.raises(SplitError, match=r"the series cannot be cut into folds.*10 different origins"):
        RollingOrigin(span=50).folds(roles_of(np.arange(10)), 3, 1, "folds")
    with pytest.raises(SplitError, match=r"forecasts are divided along time.*set data\.time"):
        RollingOrigin().hold_out(Roles(np.zeros(3, np.uint64), np.arange(3)), 0.5, "seal")
