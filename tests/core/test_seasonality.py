"""Seasons and level shifts of single series, on real ones and on noise."""

from __future__ import annotations

import numpy as np
import pytest

from fieldguide.core.series.seasonality import autocorrelation, level_shift


def test_the_nile_falls_in_1899():
    data = pytest.importorskip("statsmodels.datasets.nile").load_pandas().data
    found = level_shift(data["volume"].to_numpy())
    assert found is not None
    assert data["year"][found.at] == 1899  # the dam at Aswan: Cobb 1978
    assert found.before == pytest.approx(1097.75) and found.after == pytest.approx(849.97, abs=0.01)


def test_real_series_without_a_shift_are_left_alone():
    sunspots = pytest.importorskip("statsmodels.datasets.sunspots").load_pandas().data["SUNACTIVITY"].to_numpy()
    co2 = pytest.importorskip("statsmodels.datasets.co2").load_pandas().data["co2"].to_numpy()
    elnino = pytest.importorskip("statsmodels.datasets.elnino").load_pandas().data.iloc[:, 1:].to_numpy().ravel()
    assert level_shift(sunspots) is None
    assert level_shift(co2, 52) is None
    assert level_shift(elnino, 12) is None
    assert autocorrelation(elnino, 12) > 0.9 and autocorrelation(co2, 52) > 0.9


def test_noise_walks_and_trends_have_no_shift():
    rng = np.random.default_rng(1)
    for _ in range(60):
        assert level_shift(rng.normal(size=200)) is None
        assert level_shift(np.cumsum(rng.normal(size=200))) is None
        assert level_shift(0.02 * np.arange(200) + rng.normal(size=200)) is None


def test_a_shift_under_a_season_and_gaps_is_found():
    rng = np.random.default_rng(2)
    values = 5 * np.sin(np.arange(480) * 2 * np.pi / 24) + rng.normal(size=480) + np.where(np.arange(480) < 300, 0, 3)
    values[100:110] = np.nan
    found = level_shift(values, 24)
    assert found is not None and abs(found.at - 300) <= 3


def test_short_and_constant_series_say_nothing():
    assert level_shift(np.arange(20.0)) is None
    assert level_shift(np.ones(100)) is None
    assert np.isnan(autocorrelation(np.arange(10.0), 12))
