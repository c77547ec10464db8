"""Learners of forecasts: numbers against references, folders, and that a forecast follows its series."""

from __future__ import annotations

import dataclasses
import json
import sys
from typing import Any

import numpy as np
import polars as pl
import pytest

from fieldguide import parts
from fieldguide.core.batch import Batch, Block, Encoded
from fieldguide.core.clock import Clock
from fieldguide.core.contracts import Effort
from fieldguide.core.errors import ConfigError, DataError, MissingExtra
from fieldguide.core.problem import Output
from fieldguide.core.series.windows import Windows
from fieldguide.core.settings import space_of, values_of, with_values
from fieldguide.core.table import Column
from fieldguide.parts.learners import _history, nlinear
from fieldguide.parts.learners._smoothing import smoothed
from fieldguide.parts.learners.naive import Naive
from fieldguide.parts.learners.nlinear import PENALTIES, NLinear
from fieldguide.parts.learners.seasonal_naive import SeasonalNaive
from fieldguide.parts.learners.theta import ThetaEstimator
from fieldguide.parts.modalities.window import Window
from fieldguide.parts.tasks.forecast import Forecast
from fieldguide.testing import check_metric

W, H, SEASON = 36, 6, 12
NETS = {
    "dlinear": {},
    "recurrent": {"patch": 4, "d_hidden": 16},
    "patchtst": {"patch": 8, "stride": 4, "n_layers": 1, "d_hidden": 16},
}
SMALL = {"n_epochs": 25, "window": W, "learning_rate": 5e-3, "batch_size": 32}
OTHERS = {
    "naive": {},
    "seasonal_naive": {"season": SEASON},
    "nlinear": {},
    "lagged_boosting": {"season": SEASON, "n_rounds": 40, "window": W},
}
LOCAL = {"theta": {"season": SEASON, "window": W}, "ets": {"season": SEASON, "window": W}}
OUTPUTS = (Output("y", Forecast(), Forecast.steps(H)),)


def wave(n: int = 260, seed: int = 0) -> np.ndarray:
    rng = np.random.default_rng(seed)
    return 10 + 3 * np.sin(np.arange(n) * 2 * np.pi / SEASON) + 0.2 * rng.normal(size=n)


def encoded(values: np.ndarray, at: np.ndarray, scale: float = 1.0, shift: float = 0.0, known: bool = False) -> Encoded:
    """Return examples at origins; `known` puts the phase of the season beside."""
    source = scale * values + shift
    cells: dict[str, Any] = {"history": Windows(source, at, 1 - W, W)}
    if known:
        phase = np.stack([np.arange(len(values)) % SEASON, np.arange(len(values)) % 7], axis=1).astype(np.float32)
        cells["known"] = Windows(phase, at, 1 - W, W + H)
    encoder = Window().fit(cells, None)
    empty = {"numbers": np.zeros((len(at), 0), np.float32), "codes": np.zeros((len(at), 0), np.int32)}
    return Encoded(Batch(encoder.layout(), {**empty, **encoder.encode(cells)}), (Windows(source, at, 1, H),))


VALUES = wave()
TRAIN, STOP, FRESH = np.arange(W, 170), np.arange(176, 200), np.arange(206, 250)


def fitted(name: str, settings: dict[str, Any], known: bool = False) -> Any:
    learner = with_values(parts.find("learners", name)(), settings)
    return learner.fit(encoded(VALUES, TRAIN, known=known), encoded(VALUES, STOP, known=known), OUTPUTS, Effort(seed=3))


@pytest.fixture(scope="module", params=[*OTHERS, *NETS, *LOCAL])
def named(request):
    name = request.param
    if name in LOCAL:
        pytest.importorskip("statsforecast")
    settings = OTHERS.get(name) or LOCAL.get(name) or ({**SMALL, **NETS[name]} if name in NETS else {})
    return name, settings, fitted(name, settings)


def test_a_forecast_keeps_the_contract_and_learns_the_season(named, tmp_path):
    name, settings, model = named
    rows = encoded(VALUES, FRESH)
    (answer,) = model.predict(rows.batch)
    assert answer.shape == (len(FRESH), H) and answer.dtype == np.float64 and np.isfinite(answer).all()
    error = np.abs(answer - np.asarray(rows.targets[0])).mean()
    repeat = np.abs(np.asarray(rows.targets[0]) - VALUES[FRESH][:, None]).mean()
    assert error < (1.01 if name == "naive" else 0.5) * repeat, f"{name}: {error:.3f} against {repeat:.3f}"
    alone = np.concatenate([model.predict(rows.batch.take(np.array([i])))[0] for i in range(5)])
    np.testing.assert_allclose(alone, answer[:5], rtol=1e-5, atol=1e-5)
    learner = with_values(parts.find("learners", name)(), settings)
    plain = json.loads(json.dumps(values_of(learner)))
    assert with_values(type(learner)(), plain) == learner
    assert all(field.metadata["doc"] for field in dataclasses.fields(learner))
    drawn = {setting: space.draw(np.random.default_rng(0)) for setting, space in space_of(learner).items()}
    assert with_values(learner, drawn) is not None
    data = json.loads(json.dumps(model.save(tmp_path, draft=True)))
    loaded = type(learner)().load(tmp_path, data)
    np.testing.assert_allclose(loaded.predict(rows.batch)[0], answer, rtol=1e-6, atol=1e-6)
    assert loaded.n_steps == model.n_steps and loaded.stopped == model.stopped


def test_a_forecast_is_shifted_and_stretched_with_its_series(named):
    name, _, model = named
    (answer,) = model.predict(encoded(VALUES, FRESH).batch)
    (moved,) = model.predict(encoded(VALUES, FRESH, scale=40.0, shift=-300.0).batch)
    if name == "lagged_boosting":  # trees also see the size of the scale against the level
        return
    np.testing.assert_allclose(moved, 40.0 * answer - 300.0, rtol=1e-3, atol=2e-2)


def test_nothing_of_held_rows_reaches_a_fit(named):
    name, settings, model = named
    poisoned = np.where(np.arange(len(VALUES)) < 206, VALUES, 1e6)
    learner = with_values(parts.find("learners", name)(), settings)
    again = learner.fit(encoded(poisoned, TRAIN), encoded(poisoned, STOP), OUTPUTS, Effort(seed=3))
    rows = encoded(VALUES, FRESH).batch
    np.testing.assert_allclose(again.predict(rows)[0], model.predict(rows)[0], rtol=1e-9, atol=1e-9)


def test_repeating_says_what_it_says():
    batch = encoded(np.arange(100.0), np.array([50, 60])).batch
    train = encoded(np.arange(100.0), TRAIN[:40])
    assert Naive().fit(train, None, OUTPUTS, Effort()).predict(batch)[0].tolist() == [[50.0] * H, [60.0] * H]
    seasonal = SeasonalNaive(season=4).fit(train, None, OUTPUTS, Effort()).predict(batch)[0]
    assert seasonal[0].tolist() == [47.0, 48.0, 49.0, 50.0, 47.0, 48.0]
    long = SeasonalNaive(season=1000).fit(train, None, OUTPUTS, Effort()).predict(batch)[0]
    assert long[0].tolist() == [50.0] * H  # a window shorter than a season: the last value


def test_the_linear_forecast_is_the_ridge_regression_it_says():
    rows = encoded(VALUES, TRAIN)
    model = NLinear().fit(rows, None, OUTPUTS, Effort(n_steps=9))
    past = rows.batch.arrays["history"].load().astype(float)
    x = np.concatenate([past - past[:, -1:], past.std(1, keepdims=True)], axis=1)
    y = np.asarray(rows.targets[0]) - past[:, -1:]
    gram = x.T @ x
    penalty = PENALTIES[8] * np.trace(gram) / len(gram)
    expected = np.linalg.solve(gram + penalty * np.eye(len(gram)), x.T @ y)
    np.testing.assert_allclose(model.weights, expected, rtol=1e-6, atol=1e-9)
    assert model.n_steps == 9 and model.stopped == "steps"


def test_a_weight_of_two_is_a_row_twice():
    rows = encoded(VALUES, TRAIN)
    twice = encoded(VALUES, np.concatenate([TRAIN, TRAIN[:30]]))
    heavy = dataclasses.replace(rows, weights=np.where(np.arange(len(TRAIN)) < 30, 2.0, 1.0))
    a, b = (NLinear().fit(one, None, OUTPUTS, Effort(n_steps=6)).weights for one in (heavy, twice))
    np.testing.assert_allclose(a, b, rtol=1e-8, atol=1e-10)


def test_the_penalty_is_the_one_that_stopping_rows_like_best():
    model = NLinear().fit(encoded(VALUES, TRAIN), encoded(VALUES, STOP), OUTPUTS, Effort())
    losses = [point["validation"] for point in model.history]
    assert len(losses) == len(PENALTIES) and int(np.argmin(losses)) + 1 == model.n_steps and model.stopped == "early"


def test_theta_is_statsforecasts_for_the_same_parameter():
    models = pytest.importorskip("statsforecast.models")
    values = VALUES[:120] + 0.05 * np.arange(120)
    reference = models.Theta(season_length=1).fit(values)
    block = Block(values[None], lambda cells: np.asarray(cells))
    batch = Batch(
        encoded(VALUES, TRAIN).batch.layout, {"numbers": np.zeros((1, 0)), "codes": np.zeros((1, 0)), "history": block}
    )
    alpha = float(reference.model_["par"]["alpha"])
    np.testing.assert_allclose(
        ThetaEstimator(alpha, 1, 120, 8).predict(batch)[0][0], reference.predict(8)["mean"], rtol=1e-6
    )


def test_smoothing_by_hand():
    # level 1; error 0, level 1; error 4, level 3
    assert smoothed(np.array([[1.0, 1.0, 5.0]]), 2, alpha=0.5).tolist() == [[3.0, 3.0]]
    line = np.arange(20.0)[None]
    np.testing.assert_allclose(smoothed(line, 3, alpha=0.5, beta=0.2), [[20.0, 21.0, 22.0]], atol=1e-9)
    season = np.tile([1.0, 5.0, 3.0], 6)[None]
    np.testing.assert_allclose(smoothed(season, 4, alpha=0.1, gamma=0.1, season=3), [[1.0, 5.0, 3.0, 1.0]], atol=1e-9)


def test_what_is_known_beforehand_is_used():
    """A series that is nothing but a function of a known column."""
    phase = np.arange(260) % 7
    values = np.where(phase == 3, 5.0, 0.0) + 0.01 * np.random.default_rng(0).normal(size=260)
    learner = parts.find("learners", "lagged_boosting")(season=1, n_rounds=60, window=W)
    errors = []
    for known in (True, False):
        model = learner.fit(encoded(values, TRAIN, known=known), None, OUTPUTS, Effort())
        rows = encoded(values, FRESH, known=known)
        errors.append(np.abs(model.predict(rows.batch)[0] - np.asarray(rows.targets[0])).mean())
    assert errors[0] < 0.3 * errors[1]


def test_a_missing_package_names_its_install_line(monkeypatch):
    monkeypatch.setitem(sys.modules, "statsforecast", None)
    for name in LOCAL:
        with pytest.raises(
            MissingExtra, match=r"fitting ets and theta needs the package 'statsforecast'.*fieldguide\[forecast\]"
        ):
            parts.find("learners", name)().fit(encoded(VALUES, TRAIN), None, OUTPUTS, Effort())


def test_rows_without_a_past_are_refused():
    rows = Encoded(
        Batch(
            dataclasses.replace(encoded(VALUES, TRAIN).batch.layout, blocks=()),
            {"numbers": np.zeros((3, 1)), "codes": np.zeros((3, 0))},
        )
    )
    with pytest.raises(ConfigError, match="this learner forecasts from the past of a series, and these rows have none"):
        Naive().fit(rows, None, OUTPUTS, Effort())


@pytest.mark.parametrize("name", NETS)
def test_a_clock_that_is_over_still_gives_a_forecast(name):
    learner = with_values(parts.find("learners", name)(), {**SMALL, **NETS[name]})
    model = learner.fit(encoded(VALUES, TRAIN), encoded(VALUES, STOP), OUTPUTS, Effort(clock=Clock.of(0.0)))
    assert model.predict(encoded(VALUES, FRESH).batch)[0].shape == (len(FRESH), H)


@pytest.mark.parametrize("steps", [None, 6])
def test_sums_that_the_clock_cut_short_are_told(monkeypatch, steps):
    train, stop = encoded(VALUES, TRAIN), encoded(VALUES, STOP)
    monkeypatch.setattr(nlinear, "slices", lambda n_rows: _history.slices(n_rows, 50))
    late = NLinear().fit(train, stop, OUTPUTS, Effort(clock=Clock.of(0.0), n_steps=steps))
    assert late.stopped == "clock" and late.predict(stop.batch)[0].shape == (len(STOP), H)
    few = train.take(np.arange(50))  # all of them are read before the clock is asked
    assert NLinear().fit(few, stop, OUTPUTS, Effort(clock=Clock.of(0.0), n_steps=steps)).stopped != "clock"


# --- the cells of windows, the task, the metrics ------------------------------------------------------------------------


def test_lists_become_windows_and_what_is_none_is_broken():
    column = Column("history", "window", read={"length": 3})
    raw = pl.Series([[1.0, 2.0, 3.0, 4.0], [5.0], None, [], [None, None]])
    typed, broken = Window().read(raw, column)
    assert broken.to_list() == [False, False, True, True, True]
    np.testing.assert_array_equal(Window().cells(typed)[:2], [[2.0, 3.0, 4.0], [np.nan, np.nan, 5.0]])
    for value, cell in zip(raw.to_list(), Window().cells(typed), strict=True):
        one, _ = Window().read_value(value, column)
        np.testing.assert_array_equal(Window().cell(one)[0], cell)
    assert Window().read_value("text", column)[1] and Window().read_value([[1, 2]], column)[1]
    encoder = Window().fit({"history": Window().cells(typed)}, None)
    block = encoder.encode({"history": Window().cells(typed)})["history"].load()
    assert block.tolist()[:2] == [[2.0, 3.0, 4.0], [5.0, 5.0, 5.0]] and block.dtype == np.float32
    again = Window().load(json.loads(json.dumps(encoder.to_dict())))
    assert again.layout() == encoder.layout()


def test_the_task_codes_lists_and_names_the_row():
    task = Forecast()
    assert task.encode(pl.Series([[1.0, 2.0], [3.0, 4.0]]), task.steps(2)).tolist() == [[1.0, 2.0], [3.0, 4.0]]
    with pytest.raises(DataError, match="the target in row 1 has 1 steps"):
        task.encode(pl.Series([[1.0, 2.0], [3.0]]), task.steps(2))
    with pytest.raises(DataError, match=r"the target in row 0 has no finite value at step \+2"):
        task.encode(pl.Series([[1.0, None]]), task.steps(2))


@pytest.mark.parametrize("name", ["mse", "mase", "smape"])
def test_metrics_keep_the_contract(name):
    check_metric(parts.find("metrics", name)())


def test_metrics_by_hand():
    truth, prediction = np.array([[1.0, 2.0], [4.0, 0.0]]), np.array([[2.0, 2.0], [2.0, 0.0]])
    assert parts.find("metrics", "mse")().score(truth, prediction) == (1 + 0 + 4 + 0) / 4
    assert parts.find("metrics", "mase")().score(truth, prediction) == (1 + 0 + 2 + 0) / 4
    assert parts.find("metrics", "smape")().score(truth, prediction) == pytest.approx((2 / 3 + 0 + 4 / 6 + 0) / 4)
    assert parts.find("metrics", "mse")().score(truth, prediction, np.array([0.0, 1.0])) == 2.0
