"""Panels, examples, and the published figures of repeating the last value."""

from __future__ import annotations

import gzip
import io
import os
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fieldguide.core.series.frequency import DAY, Frequency
from fieldguide.core.series.panel import Examples, Panel, filled, scale_of

DATA = Path(os.environ.get("FIELDGUIDE_DATA", Path(__file__).parents[3] / "shared" / "data"))


def panel_of(*series: np.ndarray) -> Panel:
    lengths = [len(one) for one in series]
    starts = np.concatenate([[0], np.cumsum(lengths)])
    times = np.concatenate([np.arange(n) * DAY for n in lengths])
    names = tuple(f"s{i}" for i in range(len(series)))
    return Panel(names, np.concatenate(series).astype(float), starts, times, starts[:-1], units=np.arange(len(series)))


@given(
    st.lists(st.integers(1, 40), min_size=1, max_size=4), st.integers(1, 6), st.integers(1, 6), st.integers(0, 2**31)
)
def test_an_example_has_a_whole_window_and_a_known_target_of_its_own_series(lengths, window, horizon, seed):
    rng = np.random.default_rng(seed)
    series = [np.where(rng.random(n) < 0.2, np.nan, 100.0 * i + np.arange(n)) for i, n in enumerate(lengths)]
    panel = panel_of(*series)
    origins = panel.origins(window, horizon)
    expected = {
        (i, t) for i, one in enumerate(series) for t in range(window - 1, len(one) - horizon) if np.isfinite(one[t + 1 : t + 1 + horizon]).all()
    }  # fmt: skip
    assert (
        set(zip(origins.series.tolist(), (origins.at - panel.starts[origins.series]).tolist(), strict=True)) == expected
    )
    if expected:
        targets = np.asarray(panel.targets(origins, horizon))
        assert np.isfinite(targets).all()
        assert ((targets // 100).astype(int) == origins.series[:, None]).all()


def test_missing_steps_are_filled_from_behind_only():
    values = np.array([np.nan, 1.0, np.nan, np.nan, 4.0, np.nan, 9.0])
    assert filled(values, [0, 5, 7]).tolist() == [1.0, 1.0, 1.0, 1.0, 4.0, 9.0, 9.0]
    whole = np.arange(3.0)
    assert filled(whole, [0, 3]) is whole


def test_scales_are_taken_from_the_steps_up_to_a_time():
    rng = np.random.default_rng(0)
    a, b, late = rng.normal(size=60), 50 * rng.normal(size=60), np.full(60, np.nan)
    late[55:] = 1.0
    panel = panel_of(a, b, late)
    before = panel.scaled("deviation", 1, until=29 * DAY)
    np.testing.assert_allclose(before.scale[:2], [a[:30].std(), b[:30].std()])
    assert before.scale[2] == np.median(before.scale[:2])  # too few steps of its own: the usual one
    poisoned = panel_of(np.where(np.arange(60) < 30, a, 1e9), b, late).scaled("deviation", 1, until=29 * DAY)
    np.testing.assert_array_equal(poisoned.scale, before.scale)
    assert panel.scaled("none", 1, 0).scale is None
    origins = panel.origins(2, 2)
    np.testing.assert_allclose(
        np.asarray(before.past(origins, 2)) * before.scale[origins.series][:, None], np.asarray(panel.past(origins, 2))
    )


def test_the_seasonal_scale_is_what_mase_divides_by():
    values = np.array([1.0, 10.0, 3.0, 10.0, 6.0, 10.0, 9.0, 10.0])
    assert scale_of(values, "seasonal", 2) == pytest.approx((2 + 0 + 3 + 0 + 3 + 0) / 6)


def test_what_is_known_beforehand_reaches_over_the_horizon():
    panel = panel_of(np.arange(6.0))
    known = Panel(
        panel.names,
        panel.values,
        panel.starts,
        panel.times,
        panel.grid,
        np.arange(12.0, dtype=np.float32).reshape(6, 2),
        ("a", "b"),
        panel.units,
    )
    examples = Examples(known, known.origins(2, 2), 2, 2, 1, Frequency("microseconds", DAY))
    cells = examples.cells(np.array([0]))
    assert np.asarray(cells["history"]).tolist() == [[0.0, 1.0]]
    assert np.asarray(cells["known"]).tolist() == [[[0, 1], [2, 3], [4, 5], [6, 7]]]
    assert np.asarray(examples.truth(np.array([0]))).tolist() == [[2.0, 3.0]]
    assert examples.span == 2 * DAY


def values_of(name: str) -> tuple[np.ndarray, int, int]:
    folder = DATA / name
    if not folder.is_dir():
        pytest.skip(f"{folder} is not here (set FIELDGUIDE_DATA)")
    if name == "etth1":
        frame = pl.read_csv(gzip.decompress((folder / "ETTh1.csv.gz").read_bytes()))
        return frame.drop("date").to_numpy()[:14400], 8640, 2880
    values = np.loadtxt(io.BytesIO(gzip.decompress((folder / "exchange_rate.txt.gz").read_bytes())), delimiter=",")
    return values, int(0.7 * len(values)), int(0.2 * len(values))


@pytest.mark.parametrize(
    ("name", "horizon", "mse", "mae"),
    [("etth1", 96, 1.294, 0.713), ("etth1", 192, 1.325, 0.733), ("exchange_rate", 96, 0.081, 0.196), ("exchange_rate", 192, 0.167, 0.289)],
)  # fmt: skip
def test_repeating_the_last_value_scores_as_published(name, horizon, mse, mae):
    values, n_train, n_test = values_of(name)
    n, channels = values.shape
    panel = Panel(
        tuple(map(str, range(channels))),
        values.T.reshape(-1).copy(),
        np.arange(channels + 1) * n,
        np.arange(n),
        np.zeros(channels, np.int64),
    )
    panel = panel.scaled("deviation", 1, n_train - 1)
    origins = panel.origins(1, horizon)
    origins = origins.take(np.flatnonzero(panel.times_at(origins) >= n - n_test - 1))
    errors = np.asarray(panel.targets(origins, horizon)) - np.asarray(panel.past(origins, 1))
    assert len(origins) == channels * (n_test - horizon + 1)
    assert round(float((errors**2).mean()), 3) == mse
    assert round(float(np.abs(errors).mean()), 3) == mae
