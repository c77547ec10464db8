"""What stands beside a series reaches the networks: columns known beforehand, columns seen so far, and what does not change."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pytest
import torch

from fieldguide import parts
from fieldguide.core.batch import Batch, Encoded, Layout
from fieldguide.core.contracts import Effort
from fieldguide.core.errors import ConfigError
from fieldguide.core.problem import Output
from fieldguide.core.series.windows import Windows
from fieldguide.core.settings import with_values
from fieldguide.parts.learners import _sizing
from fieldguide.parts.learners._overfit import overfit
from fieldguide.parts.modalities.window import Window
from fieldguide.parts.nets._beside import HIDDEN, UNKNOWN, Decoder, Reader, Regression
from fieldguide.parts.tasks.forecast import Forecast

W, H, N = 24, 4, 260
NETS = {
    "dlinear": {},
    "recurrent": {"patch": 4, "d_hidden": 16},
    "patchtst": {"patch": 8, "stride": 4, "n_layers": 1, "d_hidden": 16, "dropout": 0.1},
}
SMALL = {"n_epochs": 40, "window": W, "learning_rate": 8e-3, "batch_size": 32, "calendar": 1}
OUTPUTS = (Output("y", Forecast(), Forecast.steps(H)),)
TRAIN, STOP, FRESH = np.arange(W, 180), np.arange(184, 210), np.arange(214, N - H)
SEEN = 214
"""The first step that no training or stopping target reaches."""


class World:
    """Two series side by side: promoted steps are 5 higher, visits are sold two steps later, and one shop sells in another week.

    The last column that is known beforehand plays the calendar.
    """

    def __init__(self, seed: int = 0) -> None:
        rng = np.random.default_rng(seed)
        self.promoted = (rng.random(N) < 0.3).astype(np.float32)
        self.visits = rng.normal(size=N).astype(np.float32)
        self.phase = (np.arange(N) % 7).astype(np.float32)
        values = 20 + 5 * self.promoted + 0.2 * rng.normal(size=(2, N))
        values[:, 2:] += 1.5 * self.visits[:-2]
        self.values = values.ravel()
        self.codes = np.array([2, 3], np.int32)

    def rows(self, at: np.ndarray, promoted: np.ndarray | None = None, visits: np.ndarray | None = None) -> Encoded:
        both, shop = np.concatenate([at, at + N]), np.repeat([0, 1], len(at))
        known = np.stack([self.promoted if promoted is None else promoted, self.phase], axis=1)
        seen = (self.visits if visits is None else visits)[:, None]
        cells: dict[str, Any] = {
            "history": Windows(self.values, both, 1 - W, W),
            "known": Windows(known, np.tile(at, 2), 1 - W, W + H),
            "observed": Windows(seen, np.tile(at, 2), 1 - W, W),
        }
        encoder = Window().fit(cells, None)
        layout = Layout(("size",), (("series", 4),), blocks=encoder.layout().blocks)
        arrays = {"numbers": shop[:, None].astype(np.float32), "codes": self.codes[shop][:, None]}
        return Encoded(
            Batch(layout, {**arrays, **encoder.encode(cells)}), (np.asarray(Windows(self.values, both, 1, H)),)
        )


WORLD = World()


def learner_of(name: str, **changed: Any) -> Any:
    return with_values(parts.find("learners", name)(), {**SMALL, **NETS[name], **changed})


def fitted(name: str, world: World = WORLD, **changed: Any) -> Any:
    return learner_of(name, **changed).fit(world.rows(TRAIN), world.rows(STOP), OUTPUTS, Effort(seed=5))


def error_of(model: Any, world: World = WORLD) -> np.ndarray:
    rows = world.rows(FRESH)
    return np.abs(model.predict(rows.batch)[0] - rows.targets[0]).mean(axis=0)


@pytest.fixture(scope="module", params=NETS)
def named(request):
    return request.param, fitted(request.param)


def test_what_is_known_and_what_was_seen_make_a_forecast_better(named):
    """Promotions explain every step; visits the first two, and no later one."""
    name, model = named
    told, alone = error_of(model), error_of(fitted(name, covariates="none"))
    assert (told < 0.75 * alone).all() and told.mean() < 0.6 * alone.mean(), f"{name}: {told} against {alone}"
    assert told[:2].mean() < 0.8 * told[2:].mean()


def test_a_folder_gives_the_same_forecasts(named, tmp_path):
    name, model = named
    rows = WORLD.rows(FRESH)
    data = json.loads(json.dumps(model.save(tmp_path, draft=True)))
    again = learner_of(name).load(tmp_path, data)
    assert again.reading == model.reading
    np.testing.assert_array_equal(again.predict(rows.batch)[0], model.predict(rows.batch)[0])
    one = again.predict(rows.batch.take(np.array([3])))[0]
    np.testing.assert_allclose(one, model.predict(rows.batch)[0][[3]], rtol=1e-4, atol=1e-4)


def test_a_series_keeps_its_scale_and_columns_beside_it_keep_theirs(named):
    _, model = named
    moved = World()
    moved.values = 40.0 * moved.values - 300.0
    expected = 40.0 * model.predict(WORLD.rows(FRESH).batch)[0] - 300.0
    np.testing.assert_allclose(model.predict(moved.rows(FRESH).batch)[0], expected, rtol=1e-3, atol=5e-2)


def test_coming_values_of_held_out_steps_move_no_fitted_value(named):
    name, model = named
    poisoned = World()
    held = np.tile(np.arange(N) >= SEEN, 2)
    poisoned.values = np.where(held, 1e6, poisoned.values)
    poisoned.promoted = np.where(np.arange(N) >= SEEN, 77.0, poisoned.promoted).astype(np.float32)
    poisoned.visits = np.where(np.arange(N) >= SEEN, 1e6, poisoned.visits).astype(np.float32)
    rows = WORLD.rows(FRESH).batch
    again = fitted(name, poisoned)
    np.testing.assert_array_equal(again.predict(rows)[0], model.predict(rows)[0])


def test_no_coming_value_is_read_of_a_column_that_is_seen_later(named):
    _, model = named
    at = np.array([230])
    answer = model.predict(WORLD.rows(at).batch)[0]
    after = np.arange(N) > 230
    later = WORLD.rows(at, visits=np.where(after, 1e6, WORLD.visits).astype(np.float32))
    block = later.batch.arrays["observed"].cells
    assert np.asarray(block).max() < 1e6, "a window of what was seen ends at the origin"
    encoder = WORLD.rows(TRAIN).batch.arrays["observed"].decode
    np.testing.assert_array_equal(
        encoder(block), encoder(np.asarray(WORLD.rows(at).batch.arrays["observed"].cells)), "the same values are read"
    )
    known = WORLD.rows(at, promoted=np.where(after, 1 - WORLD.promoted, WORLD.promoted).astype(np.float32))
    assert np.abs(model.predict(known.batch)[0] - answer).max() > 1, (
        "of columns known beforehand coming values are read"
    )


def test_a_window_and_a_calendar_that_are_not_read_change_nothing(named):
    _, model = named
    rows = WORLD.rows(FRESH)
    turned = World()
    turned.phase = turned.phase[::-1].copy()
    np.testing.assert_array_equal(
        model.predict(turned.rows(FRESH).batch)[0], model.predict(rows.batch)[0], "declared: the calendar is not read"
    )


@pytest.mark.parametrize("name", NETS)
def test_what_a_series_is_tells_what_its_window_does_not(name):
    """Windows are flat and alike; after them the first series rises, and of a series that was never seen nothing is known."""
    n = 160
    shop = np.arange(n) % 2

    def rows(codes: np.ndarray, seed: int = 4) -> tuple[Encoded, np.ndarray]:
        rng = np.random.default_rng(seed)
        window = 20 + rng.normal(size=(n, W))
        target = window.mean(1, keepdims=True) + 4.0 * (shop[:, None] == 0) + 0.1 * rng.normal(size=(n, H))
        encoder = Window().fit({"history": window}, None)
        layout = Layout((), (("series", 4),), blocks=encoder.layout().blocks)
        arrays = {"numbers": np.zeros((n, 0), np.float32), "codes": codes[:, None].astype(np.int32)}
        blocks = encoder.encode({"history": window})
        return Encoded(Batch(layout, {**arrays, **blocks}), (target,)), window.mean(1, keepdims=True)

    model = learner_of(name, n_epochs=30).fit(rows(2 + shop)[0], None, OUTPUTS, Effort(seed=5))
    rises = []
    for codes in (2 + shop, np.full(n, UNKNOWN)):
        fresh, level = rows(codes, seed=9)
        rises.append((model.predict(fresh.batch)[0] - level).mean(1))
    told, new = rises
    assert told[shop == 0].mean() > 2.5 and abs(told[shop == 1].mean()) < 1.5, "on windows that were never seen"
    assert told[shop == 1].mean() + 0.5 < new.mean() < told[shop == 0].mean() - 0.5, "the unknown lies between"


@pytest.mark.parametrize("name", NETS)
def test_a_few_rows_can_be_learned_by_heart(name):
    told = overfit(learner_of(name), WORLD.rows(TRAIN), OUTPUTS, rows=16, steps=250, effort=Effort(seed=1))
    assert told["reached"], told["sentence"]


@pytest.mark.parametrize("name", NETS)
def test_every_weight_is_reached_by_the_gradient(name):
    """After one step, since layers that begin at 0 pass nothing on before it."""
    from fieldguide.parts.learners import _network

    learner = learner_of(name)
    net, _, tensors, description = _network.prepared(learner, WORLD.rows(TRAIN), OUTPUTS)
    assert description.architecture["beside"] == {
        "known": 1, "n_known": 1, "observed": 2, "n_observed": 1, "n_numbers": 1, "cardinalities": [4]
    }  # fmt: skip
    optimiser = torch.optim.SGD(net.parameters(), 0.05)
    for _ in range(2):
        optimiser.zero_grad()
        part = tensors.take(slice(0, 64)).loaded()
        ((net(*part.inputs).squeeze(1) - part.targets[0]) ** 2).mean().backward()
        optimiser.step()
    still = [k for k, p in net.named_parameters() if p.grad is None or not p.grad.abs().sum() > 0]
    assert not still


def test_a_network_begins_as_it_would_without():
    assert not Regression(3)(torch.ones(2, 5, 3)).any()
    forecast = torch.randn(3, H)
    assert torch.equal(Decoder(8, 2)(forecast, torch.randn(3, 8), torch.randn(3, H, 2)), forecast)


def test_levels_are_hidden_in_training_only():
    torch.manual_seed(0)
    reader = Reader(4, 2, cardinalities=(6,))
    codes = torch.full((4000, 1), 4, dtype=torch.int32)
    numbers = torch.zeros(4000, 0)
    hidden = (reader(numbers, codes).static == 0).all(1).float().mean().item()
    assert abs(hidden - HIDDEN) < 0.02, "the vector of the unknown begins at 0"
    assert (reader.eval()(numbers, codes).static != 0).all()
    assert not reader(numbers, torch.ones_like(codes)).static.any()


def test_only_known_words_are_settings():
    with pytest.raises(ConfigError, match=r"the setting covariates of dlinear is 'some'.*one of declared, all"):
        fitted("dlinear", covariates="some")


@pytest.mark.parametrize(("seconds", "layers"), [(0.001, 1), (5.0, 2), (1e6, 3), (None, 3)])
def test_the_largest_size_that_the_time_allows_is_taken(seconds, layers, monkeypatch):
    monkeypatch.setattr(_sizing, "seconds_per_step", lambda learner, *_: 10.0 ** (2 * learner.n_layers - 6))
    found = parts.find("learners", "patchtst")().sized(WORLD.rows(TRAIN), OUTPUTS, seconds, 1)
    assert found.n_layers == layers


# --- windows of several columns -------------------------------------------------------------------------------------------


def test_columns_that_did_not_vary_in_training_say_nothing_later():
    training = np.stack([np.full((5, 3), 7.0), np.arange(15.0).reshape(5, 3), np.full((5, 3), np.nan)], axis=2)
    encoder = Window().fit({"known": training}, None)
    later = np.stack([np.full((1, 3), 900.0), np.full((1, 3), 7.0), np.full((1, 3), 3.0)], axis=2)
    np.testing.assert_allclose(encoder.encode({"known": later})["known"].load()[0], 0.0, atol=1e-6)


def test_a_column_without_a_value_stands_at_its_mean_and_a_gap_takes_the_value_before():
    training = np.stack([np.arange(12.0).reshape(3, 4), np.arange(100.0, 112.0).reshape(3, 4)], axis=2)
    encoder = Window().fit({"known": training}, None)
    asked = np.array([[[np.nan, np.nan], [2.0, np.nan], [np.nan, np.nan], [5.0, np.nan]]])
    found = encoder.encode({"known": asked})["known"].load()[0]
    np.testing.assert_allclose(found[:, 1], 0.0)
    np.testing.assert_allclose(found[:, 0] * training[..., 0].std() + 5.5, [2.0, 2.0, 2.0, 5.0], rtol=1e-6)
