"""Which rows must stay together."""

from __future__ import annotations

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fieldguide.core.blocks import connect, find_duplicates, same
from fieldguide.core.table import data_hash, row_keys


def frame_of(values: np.ndarray) -> pl.DataFrame:
    return pl.DataFrame({f"x{i}": values[:, i] for i in range(values.shape[1])})


def found(values: np.ndarray) -> object:
    frame = frame_of(values)
    return find_duplicates(frame, row_keys(frame))


def test_distinct_rows_have_no_duplicates() -> None:
    duplicates = found(np.random.default_rng(0).normal(size=(1500, 6)))
    assert (duplicates.n_exact, duplicates.n_near) == (0, 0)


def test_exact_copies_share_a_block() -> None:
    values = np.random.default_rng(0).normal(size=(500, 5))
    duplicates = found(np.vstack([values, values[:40]]))
    assert duplicates.n_exact == 40
    assert (duplicates.near[:40] == duplicates.near[500:]).all()


def test_slightly_moved_copies_are_found() -> None:
    rng = np.random.default_rng(1)
    values = rng.normal(size=(1500, 8))
    moved = values[:200] + rng.normal(scale=0.003, size=(200, 8))
    duplicates = found(np.vstack([values, moved]))
    assert duplicates.n_near >= 190
    linked = duplicates.near[:200] == duplicates.near[1500:]
    assert linked.mean() > 0.95


def test_copies_with_one_changed_cell_are_found() -> None:
    rng = np.random.default_rng(2)
    values = rng.normal(size=(800, 8))
    changed = values[:100].copy()
    changed[:, 3] = rng.normal(size=100)
    assert found(np.vstack([values, changed])).n_near >= 90


def test_few_binary_columns_repeat_naturally() -> None:
    duplicates = found(np.random.default_rng(0).integers(0, 2, size=(500, 4)).astype(float))
    assert duplicates.natural
    assert len(np.unique(duplicates.near)) == 500


def test_a_smooth_curve_is_a_continuum_and_not_copies() -> None:
    time = np.linspace(0, 6, 2000)
    curve = np.stack([np.sin(time + k) for k in range(8)], axis=1)
    assert found(curve).continuum


@given(st.lists(st.tuples(st.integers(0, 19), st.integers(0, 19)), max_size=40))
@settings(max_examples=60, deadline=None)
def test_connect_gives_connected_components(pairs: list[tuple[int, int]]) -> None:
    labels = connect(20, [np.array(pairs, np.int64).reshape(-1, 2)])
    group = list(range(20))  # brute force: merge until nothing changes
    for _ in range(20):
        for a, b in pairs:
            low = min(group[a], group[b])
            group = [low if g in (group[a], group[b]) else g for g in group]
    assert [[labels[i] == labels[j] for j in range(20)] for i in range(20)] == [
        [group[i] == group[j] for j in range(20)] for i in range(20)
    ]


def test_same_links_equal_ids() -> None:
    assert connect(4, [same(np.array([7, 3, 7, 7]))]).tolist() == [0, 1, 0, 0]


@pytest.mark.parametrize("value", ["3", "3.0", " 3 "])
def test_row_keys_read_numbers_alike_in_every_format(value: str) -> None:
    assert row_keys(pl.DataFrame({"a": [value]}))[0] == row_keys(pl.DataFrame({"a": [3.0]}))[0]


def test_row_keys_tell_rows_apart_and_ignore_column_order() -> None:
    frame = pl.DataFrame({"a": [1, 2, None], "b": ["x", "y", None]})
    keys = row_keys(frame)
    assert len(set(keys.tolist())) == 3
    assert (row_keys(frame.select("b", "a")) == keys).all()
    assert row_keys(pl.DataFrame({"a": ["x"], "b": ["y"]}))[0] != row_keys(pl.DataFrame({"a": ["y"], "b": ["x"]}))[0]


def test_data_hash_ignores_row_order() -> None:
    keys = row_keys(pl.DataFrame({"a": [1, 2, 3]}))
    assert data_hash(keys) == data_hash(keys[::-1].copy())
    assert data_hash(keys) != data_hash(keys[:2])


@pytest.mark.parametrize(("originals", "copies"), [(600, 2), (350, 6), (100, 20)])
def test_copies_do_not_mask_each_other(originals: int, copies: int) -> None:
    rng = np.random.default_rng(copies)
    n = originals * copies
    first = rng.normal(size=(originals, 5)) @ (np.eye(5) + 0.15 * rng.normal(size=(5, 5)))
    which = rng.permutation(np.repeat(np.arange(originals), copies))
    duplicates = found(first[which] + 0.002 * rng.normal(size=(n, 5)))
    assert len(np.unique(duplicates.near)) <= 1.03 * originals
    of_block = np.unique(np.stack([duplicates.near, which]), axis=1).shape[1]
    assert of_block <= 1.03 * originals  # a block holds copies of one original


@pytest.mark.parametrize("seed", range(6))
def test_independent_rows_of_dependent_columns_are_not_linked(seed: int) -> None:
    rng = np.random.default_rng(seed)
    mixed = rng.normal(size=(2000, 8)) @ rng.normal(size=(8, 8))
    rounded = np.stack([mixed[:, 0].round(1), mixed[:, 1].round(0), mixed[:, 2] > 0, *mixed[:, 3:].T], axis=1)
    assert found(mixed).n_near == found(rounded).n_near == 0


def test_rows_on_a_plane_are_not_linked() -> None:
    rng = np.random.default_rng(0)
    plane = rng.normal(size=(3000, 2)) @ rng.normal(size=(2, 8)) + 0.05 * rng.normal(size=(3000, 8))
    assert found(plane).n_near <= 30


@pytest.mark.parametrize("name", ["load_breast_cancer", "load_wine", "load_diabetes", "load_digits", "load_iris"])
def test_clean_tables_keep_their_rows_apart(name: str) -> None:
    sets = pytest.importorskip("sklearn.datasets")
    assert found(np.asarray(getattr(sets, name)().data, np.float64)).n_near == 0


@pytest.mark.parametrize("rows", [1, 2])
def test_one_row_is_itself_and_two_equal_ones_of_few_values_repeat_naturally(rows: int) -> None:
    duplicates = found(np.zeros((rows, 4)))
    assert duplicates.natural is (rows == 2)
    assert duplicates.near.tolist() == list(range(rows))
    assert find_duplicates(pl.DataFrame(), np.zeros(3, np.uint64)).natural, "no column tells rows apart"


def test_files_that_are_equal_are_copies_however_few_there_are() -> None:
    frame = pl.DataFrame({"picture": ["a", "a", "b"]})
    keys = np.array([7, 7, 8], np.uint64)
    assert find_duplicates(frame, keys).natural
    duplicates = find_duplicates(frame, keys, files=True)
    assert (duplicates.natural, duplicates.n_exact, duplicates.near.tolist()) == (False, 1, [0, 0, 1])
