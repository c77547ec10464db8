"""Ways to divide rows."""

from __future__ import annotations

import numpy as np
import pytest

from fieldguide.core.contracts import Roles
from fieldguide.core.errors import SplitError
from fieldguide.parts.splitters.chronological import Chronological
from fieldguide.parts.splitters.random import Random
from fieldguide.testing import check_splitter


def roles(n_rows: int = 600, block: int = 1, seed: int = 0, spread: bool = False) -> Roles:
    rng = np.random.default_rng(seed)
    blocks = np.arange(n_rows) // block
    if spread:
        blocks = rng.permutation(blocks)
    return Roles(
        rng.integers(0, 2**63, n_rows).astype(np.uint64),
        blocks,
        np.arange(n_rows) * 1_000_000,
        rng.integers(0, 3, n_rows),
    )


@pytest.mark.parametrize("splitter", [Random(), Chronological()])
@pytest.mark.parametrize("block", [1, 7])
def test_contract(splitter: Random | Chronological, block: int) -> None:
    check_splitter(splitter, roles(block=block))


def test_classes_keep_their_shares() -> None:
    given = roles(2000)
    _, held = Random().hold_out(given, 0.15, "seal")
    whole, part = np.bincount(given.strata) / 2000, np.bincount(given.strata[held]) / len(held)
    assert np.abs(whole - part).max() < 0.005


def test_folds_are_balanced_in_size_and_class() -> None:
    given = roles(1003)
    sizes = [len(validation) for _, _, validation in Random().folds(given, 5, 1, "folds")]
    assert max(sizes) - min(sizes) <= 3
    assert sum(sizes) == 1003


def test_repeats_differ() -> None:
    folds = Random().folds(roles(200), 5, 2, "folds")
    assert not np.array_equal(folds[0][2], folds[5][2])
    assert [repeat for repeat, _, _ in folds] == [0] * 5 + [1] * 5


def test_new_rows_move_no_old_row_across_much() -> None:
    """Assignment goes by content: with 10 % more rows few old ones change sides."""
    before = roles(1000)
    after = roles(1100)
    after.keys[:1000] = before.keys
    plain = [Roles(r.keys, r.blocks) for r in (before, after)]
    old = set(Random().hold_out(plain[0], 0.15, "seal")[1])
    new = set(Random().hold_out(plain[1], 0.15, "seal")[1])
    assert len(old - new) <= 0.25 * len(old)


def test_later_rows_are_held() -> None:
    given = roles(500)
    kept, held = Chronological().hold_out(given, 0.2, "seal")
    assert given.times[kept].max() < given.times[held].min()
    assert len(kept) + len(held) == 500


def test_equal_times_stay_together() -> None:
    given = Roles(np.arange(100, dtype=np.uint64), np.arange(100), np.repeat(np.arange(10), 10))
    kept, held = Chronological().hold_out(given, 0.15, "seal")
    assert not set(given.times[kept]) & set(given.times[held])


def test_groups_that_all_span_the_cut_are_dealt_by_content() -> None:
    given = roles(1000, block=50, spread=True)
    kept, held = Chronological().hold_out(given, 0.2, "seal")
    assert given.times[kept].max() < given.times[held].min()
    assert not set(given.blocks[kept]) & set(given.blocks[held])
    assert len(kept) > 200
    assert len(held) > 20


def test_one_moment_cannot_be_cut_into_folds() -> None:
    given = Roles(np.arange(50, dtype=np.uint64), np.arange(50), np.zeros(50, np.int64))
    with pytest.raises(SplitError, match="time cannot be cut into folds"):
        Chronological().folds(given, 5, 1, "folds")


def test_no_time_no_chronology() -> None:
    with pytest.raises(SplitError, match="there is no time column"):
        Chronological().hold_out(Roles(np.arange(9, dtype=np.uint64), np.arange(9)), 0.2, "seal")


def test_large_blocks_are_not_drawn_more_often() -> None:
    rng = np.random.default_rng(4)
    blocks = np.concatenate([np.arange(2000), np.repeat(np.arange(2000, 2100), 20)])
    given = Roles(rng.integers(0, 2**63, len(blocks)).astype(np.uint64), blocks)
    _, held = Random().hold_out(given, 0.2, "seal")
    share_of_large = (blocks[held] >= 2000).mean()
    assert 0.35 < share_of_large < 0.65  # half of the rows are in large blocks
