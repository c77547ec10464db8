"""Units that no column names: found where attributes repeat jointly, and nowhere else."""

from __future__ import annotations

import numpy as np
import polars as pl
import pytest

from fieldguide.core import entities
from fieldguide.core.entities import find_entities


def visits(n_units: int, rows_each: int, seed: int, shuffle: bool = True) -> tuple[pl.DataFrame, np.ndarray]:
    rng = np.random.default_rng(seed)
    unit = np.repeat(np.arange(n_units), rows_each)
    unit = rng.permutation(unit) if shuffle else unit
    frame = pl.DataFrame({
        "height": rng.normal(170, 9, n_units).round(1)[unit], "pay": rng.gamma(2, 900, n_units).round(0)[unit],
        "sex": rng.integers(0, 2, n_units)[unit], "pulse": rng.normal(70, 9, len(unit)).round(0),
        "dose": rng.gamma(2, 3, len(unit)).round(2),
    })  # fmt: skip
    return frame, unit


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize(("n_units", "rows_each"), [(300, 2), (150, 12), (40, 40)])
@pytest.mark.parametrize("shuffle", [True, False])
def test_units_are_found_by_their_attributes(n_units: int, rows_each: int, seed: int, shuffle: bool) -> None:
    frame, unit = visits(n_units, rows_each, seed, shuffle)
    found = find_entities(frame)
    assert found is not None and found.columns == ("height", "pay")
    assert np.unique(np.stack([found.ids, unit]), axis=1).shape[1] == n_units  # no unit is cut
    assert abs(found.n_entities - n_units) <= 0.02 * n_units


def test_unknown_attributes_are_not_shared() -> None:
    frame, _ = visits(150, 12, 0)
    unknown = np.random.default_rng(0).random(1800) < 0.05
    frame = frame.with_columns(pay=pl.when(pl.Series(~unknown)).then("pay"))
    found = find_entities(frame)
    assert found is not None and (np.bincount(found.ids)[found.ids[unknown]] == 1).all()


def rounded(rng: np.random.Generator) -> pl.DataFrame:
    z = rng.normal(size=(3000, 4)) @ rng.normal(size=(4, 4))
    return pl.DataFrame({"a": z[:, 0].round(1), "b": z[:, 1].round(1), "c": (10 * z[:, 2]).round(0), "d": z[:, 3]})


def functions(rng: np.random.Generator) -> pl.DataFrame:
    age = rng.integers(18, 80, 3000)
    return pl.DataFrame({"age": age, "since_school": age - 16, "felt": (age * 0.9).round(), "x": rng.normal(size=3000)})


def days(rng: np.random.Generator) -> pl.DataFrame:
    day = np.sort(rng.integers(0, 120, 3000))
    rate, price = (np.cumsum(rng.normal(size=120)).round(3)[day] for _ in range(2))
    return pl.DataFrame({"rate": rate, "price": price, "x": rng.normal(size=3000)})


def copies(rng: np.random.Generator) -> pl.DataFrame:
    return pl.DataFrame(rng.normal(size=(300, 4)).round(2), schema=list("abcd"))[rng.integers(0, 300, 1800)]


def few_levels(rng: np.random.Generator) -> pl.DataFrame:
    return pl.DataFrame({f"x{i}": rng.integers(0, 12, 3000) for i in range(6)})


def defaults(rng: np.random.Generator) -> pl.DataFrame:
    plain, few = rng.random(3000) < 0.7, rng.integers(0, 100, 3000)
    values = [np.where(plain, 0, rng.normal(size=100).round(3)[few]) for _ in range(2)]
    return pl.DataFrame({"a": values[0], "b": values[1], "c": rng.normal(size=3000)})


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("make", [rounded, functions, days, copies, few_levels, defaults])
def test_ordinary_tables_have_no_units(make, seed: int) -> None:
    assert find_entities(make(np.random.default_rng(seed))) is None


@pytest.mark.parametrize("name", ["load_breast_cancer", "load_wine", "load_diabetes", "load_digits", "load_iris"])
def test_clean_tables_have_no_units(name: str) -> None:
    sets = pytest.importorskip("sklearn.datasets")
    data = np.asarray(getattr(sets, name)().data, np.float64)
    assert find_entities(pl.DataFrame(data, schema=[f"x{i}" for i in range(data.shape[1])])) is None


@pytest.mark.parametrize("most_ids", [10, 100_000])
def test_of_many_rows_some_are_enough(most_ids: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """Pairs are looked for among a share of the ids, or of the rows; the ids found are those of all rows."""
    monkeypatch.setattr(entities, "MANY_IDS", most_ids)
    frame, unit = visits(400, 12, 0)
    whole = find_entities(frame)
    monkeypatch.setattr(entities, "MANY_ROWS", 1_500)
    some = find_entities(frame)
    assert whole is not None
    assert some is not None
    assert some.columns == whole.columns
    assert np.array_equal(some.ids, whole.ids)
    one, two = entities._pairs_within(unit, 0)  # type: ignore[misc]
    assert (unit[one] == unit[two]).all()
    assert len(one) < 1_600


def test_a_third_attribute_tells_units_apart_that_share_two() -> None:
    frame, unit = visits(200, 6, 0)
    height, pay = (frame[name].to_numpy().copy() for name in ("height", "pay"))
    age = (20 + np.arange(200) % 50).astype(float)[unit]  # no two ages in a row are equal, and many units have the same
    for one, two in ((0, 1), (2, 3)):  # twins
        for values in (height, pay):
            values[unit == two] = values[unit == one][0]
    found = find_entities(frame.with_columns(height=height, pay=pay, age=age))
    assert found is not None
    assert found.columns == ("height", "pay", "age")
    assert found.n_entities == 200
    assert np.unique(np.stack([found.ids, unit]), axis=1).shape[1] == 200


def test_too_few_pairs_say_nothing() -> None:
    """Forty rows with 23 values: 17 pairs, and 20 are asked for."""
    values = np.repeat(np.arange(23.0), np.where(np.arange(23) < 17, 2, 1))
    frame = pl.DataFrame({"a": values, "b": values**2, "x": np.random.default_rng(0).normal(size=40)})
    assert find_entities(frame) is None
    assert entities._joined("a", ["a", "b"], {"a": values.astype(np.int32), "b": values.astype(np.int32)})[0] == ["a"]
