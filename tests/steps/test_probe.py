"""The probe: cross-fitted over whole blocks, bounded in rows, and it says what one column carries."""

from __future__ import annotations

import numpy as np
import polars as pl
import pytest

from fieldguide.core.contracts import Roles
from fieldguide.core.problem import Output, Problem
from fieldguide.core.table import Column, Table
from fieldguide.parts import find
from fieldguide.steps.explore.probe import probe


def roles_of(blocks):
    return Roles(np.arange(len(blocks), dtype=np.uint64), np.asarray(blocks, np.int64), np.arange(len(blocks)))


def table_of(y, kind="number", **columns):
    frame = pl.DataFrame({**columns, "y": y})
    kinds = {pl.Float64: "number", pl.String: "category", pl.Datetime("us"): "datetime"}
    features = [Column(name, kinds[frame[name].dtype]) for name in columns]
    return Table(frame, (*features, Column("y", kind, "target")))


def binary():
    return Problem((Output("y", find("tasks", "binary")(), ("no", "yes")),))


def regression(transform="identity"):
    return Problem((Output("y", find("tasks", "regression")(), transform=transform),))


def test_what_all_columns_explain_and_which_carries_it():
    rng = np.random.default_rng(0)
    strong, weak, noise = rng.normal(size=(3, 3_000))
    y = 2 * strong + weak + rng.normal(size=3_000)
    table = table_of(y, strong=strong, weak=weak, noise=noise)
    found = probe(table, regression(), roles_of(range(3_000)))
    assert 0.7 < found.explained["y"] < 5 / 6  # 5 of 6 parts of the variance are not noise
    assert list(found.importance["y"])[:2] == ["strong", "weak"]
    assert sum(found.importance["y"].values()) == pytest.approx(1)
    assert found.importance["y"]["noise"] < 0.02
    assert found.without(["strong"])["y"] == pytest.approx(1 / 6, abs=0.06)
    assert found.without(["weak", "strong"])["y"] < 0.01
    assert found.without(["strong", "weak", "noise"]) == {"y": 0.0}
    assert found.without([]) == found.explained


def test_pure_noise_is_explained_by_nothing():
    rng = np.random.default_rng(1)
    table = table_of(np.where(rng.random(2_400) < 0.5, "yes", "no"), "category", a=rng.normal(size=2_400))
    found = probe(table, binary(), roles_of(range(2_400)))
    assert found.explained["y"] < 0.01
    assert found.predictions[0].shape == (2_400, 2)
    np.testing.assert_allclose(found.predictions[0].sum(axis=1), 1)


def test_a_row_is_predicted_without_its_block():
    """Each block has a value of its own that x names exactly: remembering blocks would explain everything."""
    rng = np.random.default_rng(2)
    block = np.repeat(np.arange(100), 20)
    y = rng.normal(size=100)[block]
    found = probe(table_of(y, x=block.astype(float)), regression(), roles_of(block))
    assert found.explained["y"] < 0.1
    alone = probe(table_of(y, x=block.astype(float)), regression(), roles_of(range(2_000)))
    assert alone.explained["y"] > 0.3


def test_rows_are_a_sample_and_the_same_every_time():
    rng = np.random.default_rng(3)
    x = rng.normal(size=1_000)
    table = table_of(x + rng.normal(size=1_000), x=x)
    one, two = (probe(table, regression(), roles_of(range(1_000)), most_rows=300) for _ in range(2))
    assert len(one.rows) == 300 and (np.diff(one.rows) > 0).all()
    np.testing.assert_array_equal(one.rows, two.rows)
    np.testing.assert_array_equal(one.predictions[0], two.predictions[0])


def test_values_come_back_on_their_own_scale():
    rng = np.random.default_rng(4)
    x = rng.uniform(0, 5, 1_500)
    found = probe(table_of(np.exp(x), x=x), regression("log1p"), roles_of(range(1_500)))
    assert found.explained["y"] > 0.95
    assert found.predictions[0].max() > 50


def test_a_column_of_several_encoded_numbers_is_shuffled_as_one():
    rng = np.random.default_rng(5)
    when = np.datetime64("2024-01-01", "us") + rng.integers(0, 700, 2_000).astype("timedelta64[D]")
    month = when.astype("datetime64[M]").astype(int) % 12
    table = table_of(month.astype(float), when=pl.Series(when), noise=rng.normal(size=2_000))
    found = probe(table, regression(), roles_of(range(2_000)))
    assert found.importance["y"]["when"] > 0.95


@pytest.mark.parametrize("n", [12, 40])
def test_a_tiny_table_is_probed(n):
    y = np.resize(["yes", "no", "no"], n)
    found = probe(table_of(y, "category", x=np.arange(n, dtype=float)), binary(), roles_of(np.zeros(n)))
    assert found.predictions[0].shape == (n, 2)
    assert 0 <= found.explained["y"] <= 1


def test_apart_predicts_rows_without_others_of_their_id():
    rng = np.random.default_rng(3)
    ids = rng.permutation(np.repeat(np.arange(60), 20))
    code = rng.permutation(60)[ids].astype(float)
    y = rng.normal(size=60)[ids] + 0.1 * rng.normal(size=1_200)
    found = probe(table_of(y, code=code), regression(), roles_of(range(1_200)))
    (apart,) = found.apart(ids)
    assert apart.shape == (1_200, 1) and found.explained["y"] > 0.5
    assert ((y - apart[:, 0]) ** 2).sum() > 0.8 * ((y - y.mean()) ** 2).sum()
