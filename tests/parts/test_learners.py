"""The traditional learners: each keeps the contract, and gives the numbers of a reference."""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from fieldguide import parts
from fieldguide.core.batch import Batch, Encoded, Layout
from fieldguide.core.clock import Clock
from fieldguide.core.contracts import Effort
from fieldguide.core.errors import ModelError
from fieldguide.core.problem import Output
from fieldguide.parts.learners._design import MIDDLE, choose
from fieldguide.parts.learners.linear import Design, Linear, softmax_loss, squared_loss
from fieldguide.parts.learners.neighbours import Neighbours
from fieldguide.parts.learners.prior import Prior
from fieldguide.parts.learners.rule import Rule
from fieldguide.testing import check_learner
from fieldguide.testing.learner import example


@pytest.mark.parametrize("name", ["prior", "rule", "linear", "neighbours"])
def test_contract(name: str, tmp_path: Path) -> None:
    check_learner(parts.find("learners", name)(), tmp_path)


def test_traditional_learners_load_no_heavy_package() -> None:
    code = (
        "import sys; from fieldguide import parts; [parts.find('learners', n) for n in "
        "('prior', 'rule', 'linear', 'neighbours', 'boosting')]; "
        "print([m for m in ('torch', 'sklearn', 'pandas', 'lightgbm', 'scipy') if m in sys.modules])"
    )
    assert (
        subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.strip() == "[]"
    )


def test_prior_gives_weighted_shares_and_means() -> None:
    rows, outputs = example("binary", 4)
    rows = Encoded(rows.batch, (np.array([0, 0, 0, 1]),), np.array([1.0, 1.0, 1.0, 3.0]))
    assert Prior().fit(rows, None, outputs, Effort()).predict(rows.batch)[0].tolist() == [[0.5, 0.5]] * 4
    rows, outputs = example("regression", 2)
    rows = Encoded(rows.batch, (np.array([1.0, 5.0]),), np.array([3.0, 1.0]))
    assert Prior().fit(rows, None, outputs, Effort()).predict(rows.batch)[0].tolist() == [[2.0], [2.0]]


@pytest.mark.parametrize("learner", [Prior(), Linear(penalty=1.0)])
def test_a_row_of_weight_two_is_two_rows(learner: object) -> None:
    for task in ("binary", "multiclass", "regression"):
        rows, outputs = example(task, 80)
        twice = rows.take(np.concatenate([np.arange(80), np.arange(30)]))
        # the penalty is stated per row, so the two are equal where it is scaled by the same number of rows
        heavy = Encoded(rows.batch, rows.targets, np.where(np.arange(80) < 30, 2.0, 1.0))
        scaled = replace(learner, penalty=1.0 * 80 / 110) if isinstance(learner, Linear) else learner  # type: ignore[type-var]
        one = scaled.fit(heavy, None, outputs, Effort()).predict(rows.batch)[0]  # type: ignore[attr-defined]
        two = learner.fit(twice, None, outputs, Effort()).predict(rows.batch)[0]  # type: ignore[attr-defined]
        assert np.allclose(one, two, rtol=1e-4, atol=1e-4)


def test_rule_chooses_the_column_that_counts_and_says_it_in_words() -> None:
    rng = np.random.default_rng(0)
    age, noise = rng.integers(18, 80, 3_000), rng.normal(size=3_000)
    chance = np.where((age >= 38) & (age < 45), 0.9, 0.1)
    batch = Batch(
        Layout(("noise", "age"), ()),
        {"numbers": np.stack([noise, age], 1).astype(np.float32), "codes": np.zeros((3_000, 0), np.int32)},
    )
    rows = Encoded(batch, ((rng.random(3_000) < chance).astype(np.int64),))
    outputs = (Output("y", parts.find("tasks", "binary")(), ("no", "yes")),)
    fitted = Rule(n_ranges=3).fit(rows, None, outputs, Effort())
    lines = fitted.describe()
    assert [line.split(" → ")[0] for line in lines] == ["age < 38", "age in [38, 45)", "age ≥ 45"]
    assert 85 < int(lines[1].split("→")[1].split()[0]) < 95
    held = rows.targets[0][(age >= 38) & (age < 45)]
    share = (held.sum() + 10 * rows.targets[0].mean()) / (len(held) + 10)
    place = int(np.flatnonzero(age == 38)[0])  # a value on a cut belongs to the range above
    assert fitted.predict(batch)[0][place, 1] == pytest.approx(share, abs=1e-9)


def test_rule_names_levels_and_missing() -> None:
    codes = np.array([[2], [3], [0]] * 60, np.int32)
    batch = Batch(Layout((), (("sex", 4),)), {"numbers": np.zeros((180, 0), np.float32), "codes": codes})
    rows = Encoded(batch, (np.where(codes[:, 0] == 3, 7.0, 1.0),))
    outputs = (Output("y", parts.find("tasks", "regression")()),)
    fitted = Rule(smoothing=1e-9).fit(rows, None, outputs, Effort())
    assert fitted.describe({"sex": ("female", "male")}) == ["sex is missing → 1", "sex = female → 1", "sex = male → 7"]
    assert fitted.describe()[2] == "sex is level 2 → 7"
    numbers = np.where(codes == 0, np.nan, codes).astype(np.float32)
    batch = Batch(Layout(("n",), ()), {"numbers": numbers, "codes": np.zeros((180, 0), np.int32)})
    fitted = Rule(smoothing=1e-9).fit(Encoded(batch, rows.targets), None, outputs, Effort())
    assert fitted.describe() == ["n is missing → 1", "n < 3 → 1", "n ≥ 3 → 7"]


def test_rule_without_a_column_is_the_prior() -> None:
    rows, outputs = example("regression", 20)
    bare = Batch(Layout(), {"numbers": np.zeros((20, 0), np.float32), "codes": np.zeros((20, 0), np.int32)})
    rows = Encoded(bare, rows.targets)
    fitted = Rule().fit(rows, None, outputs, Effort())
    assert np.allclose(fitted.predict(rows.batch)[0], rows.targets[0].mean())
    assert fitted.describe() == [f"every row → {rows.targets[0].mean():.4g}"]


def _written_out(batch: Batch) -> np.ndarray:
    blocks = [np.eye(n)[batch.codes[:, i]] for i, (_, n) in enumerate(batch.layout.codes)]
    return np.hstack([batch.numbers.astype(np.float64), *blocks])


def test_linear_is_ridge_in_closed_form() -> None:
    rows, outputs = example("regression", 200)
    found = Linear(penalty=3.0).fit(rows, None, outputs, Effort()).predict(rows.batch)[0][:, 0]
    x, y = _written_out(rows.batch), rows.targets[0]
    centred = x - x.mean(axis=0)
    beta = np.linalg.solve(centred.T @ centred + 3.0 * np.eye(x.shape[1]), centred.T @ (y - y.mean()))
    assert np.allclose(found, y.mean() + centred @ beta, rtol=1e-5)


@pytest.mark.parametrize("task", ["binary", "multiclass"])
def test_linear_is_where_the_penalised_log_loss_is_flat(task: str) -> None:
    rows, outputs = example(task, 300)
    fitted = Linear(penalty=2.0).fit(rows, None, outputs, Effort())
    fit, x, truth = fitted.fits[0], _written_out(rows.batch), np.eye(outputs[0].width)[rows.targets[0]]
    gaps = (fitted.predict(rows.batch)[0] - truth)[:, -fit.intercept.size :]  # binary: of the positive class alone
    slopes = x.T @ gaps + 2.0 * np.vstack([fit.numbers, fit.levels])
    assert np.abs(slopes).max() < 1e-3 * len(truth) and np.abs(gaps.sum(axis=0)).max() < 1e-3 * len(truth)
    assert np.abs(slopes).max() < 0.05, "the loss is convex: a flat place is the minimum"


def test_linear_of_many_levels_takes_the_curvature_column_by_column() -> None:
    rng = np.random.default_rng(0)
    codes = rng.integers(2, 2_002, (4_000, 1)).astype(np.int32)
    batch = Batch(Layout((), (("c", 2_002),)), {"numbers": np.zeros((4_000, 0), np.float32), "codes": codes})
    y = np.sin(codes[:, 0].astype(float))
    assert Design(batch.numbers, codes, batch.layout.codes, y[:, None], np.ones(4_000)).gram.shape == (2_003,)
    fitted = Linear(penalty=1e-3).fit(
        Encoded(batch, (y,)), None, (Output("y", parts.find("tasks", "regression")()),), Effort()
    )
    assert np.allclose(fitted.predict(batch)[0][:, 0], y, atol=0.01)


def test_linear_penalises_noise_more_than_signal() -> None:
    rng = np.random.default_rng(0)
    numbers = rng.normal(size=(120, 80)).astype(np.float32)
    batch = Batch(Layout(tuple(map(str, range(80)))), {"numbers": numbers, "codes": np.zeros((120, 0), np.int32)})
    outputs = (Output("y", parts.find("tasks", "regression")()),)
    noise = Linear().fit(Encoded(batch, (rng.normal(size=120),)), None, outputs, Effort())
    signal = Linear().fit(Encoded(batch, (numbers.sum(axis=1).astype(np.float64),)), None, outputs, Effort())
    assert noise.fits[0].penalty > 10 * signal.fits[0].penalty


@pytest.mark.parametrize("loss", [softmax_loss, squared_loss])
def test_linear_gradients(loss: object) -> None:
    rng = np.random.default_rng(0)
    scores, truth = rng.normal(size=(5, 3)), np.eye(3)[[0, 1, 2, 0, 1]]
    slopes = loss(scores, truth)[1]  # type: ignore[operator]
    for place in np.ndindex(5, 3):
        step = np.zeros((5, 3))
        step[place] = 1e-6
        rise = (loss(scores + step, truth)[0] - loss(scores - step, truth)[0]).sum() / 2e-6  # type: ignore[operator]
        assert rise == pytest.approx(slopes[place], abs=1e-6)


def test_linear_says_that_the_clock_stopped_it() -> None:
    rows, outputs = example("binary", 400)
    assert Linear().fit(rows, None, outputs, Effort(clock=Clock.of(0))).stopped == "clock"
    assert Linear().fit(rows, None, outputs, Effort()).stopped == ""


def test_linear_says_that_the_clock_ended_the_choice_of_its_penalty(monkeypatch: pytest.MonkeyPatch) -> None:
    rows, outputs = example("binary", 400)
    hour = Clock.of(3600.0)
    monkeypatch.setattr(Clock, "share", lambda clock, share: Clock.of(0.0) if share == 0.6 else hour)
    assert Linear().fit(rows, None, outputs, Effort(clock=hour)).stopped == "clock"
    assert Linear(penalty=1.0).fit(rows, None, outputs, Effort(clock=hour)).stopped == ""


def test_a_choice_that_the_clock_ends_at_the_strong_end_of_the_path_takes_the_middle_one() -> None:
    x = np.linspace(-1, 1, 160)[:, None]
    design = Design(x, np.zeros((160, 0), np.int32), (), 2 * x, np.ones(160), squared_loss)
    assert choose(design, design.start(), 0, Clock.of(0.0))[0] == MIDDLE
    assert choose(design, design.start(), 0, Clock.of(60.0))[0] < MIDDLE


def test_neighbours_are_the_nearest_in_the_written_out_table() -> None:
    rows, outputs = example("regression", 400)
    train, fresh = rows.take(slice(0, 350)), rows.take(slice(350, 400))
    x = _written_out(rows.batch)
    x[:, 4:] /= np.sqrt(2.0)
    places = np.argsort(((x[350:, None, :] - x[None, :350, :]) ** 2).sum(axis=2), axis=1)[:, :9]
    found = Neighbours(n_neighbours=9).fit(train, None, outputs, Effort()).predict(fresh.batch)[0][:, 0]
    assert np.allclose(found, train.targets[0][places].mean(axis=1))


def test_neighbours_that_tie_share_the_votes_whatever_their_order() -> None:
    numbers = np.array([[0.0], [1.0], [1.0], [1.0], [9.0]], np.float32)
    batch = Batch(Layout(("n",)), {"numbers": numbers, "codes": np.zeros((5, 0), np.int32)})
    outputs = (Output("y", parts.find("tasks", "regression")()),)
    y = np.array([6.0, 0.0, 3.0, 6.0, 100.0])
    for order in (np.arange(5), np.array([3, 4, 2, 0, 1])):
        rows = Encoded(batch, (y,)).take(order)
        found = Neighbours(n_neighbours=2).fit(rows, None, outputs, Effort()).predict(batch.take(slice(0, 1)))[0]
        assert found.item() == pytest.approx((6.0 + 3.0) / 2)  # the three at distance 1 share one vote


def test_neighbours_far_from_the_centre_are_still_exact() -> None:
    rng = np.random.default_rng(0)
    numbers = (5_000.0 + rng.normal(size=(300, 2))).astype(np.float32)  # float32 squares lose all of the distance here
    batch = Batch(Layout(("a", "b")), {"numbers": numbers, "codes": np.zeros((300, 0), np.int32)})
    y = rng.normal(size=300)
    outputs = (Output("y", parts.find("tasks", "regression")()),)
    found = Neighbours(n_neighbours=1).fit(Encoded(batch, (y,)), None, outputs, Effort()).predict(batch)[0][:, 0]
    assert np.array_equal(found, y)


@pytest.mark.parametrize(("name", "file"), [("linear", "linear.safetensors"), ("neighbours", "neighbours.safetensors")])
def test_a_damaged_folder_is_refused(name: str, file: str, tmp_path: Path) -> None:
    rows, outputs = example("binary", 60)
    learner = parts.find("learners", name)()
    data = json.loads(json.dumps(learner.fit(rows, None, outputs, Effort()).save(tmp_path)))
    (tmp_path / file).write_bytes((tmp_path / file).read_bytes()[:40])
    with pytest.raises(ModelError, match=r"cannot be read\. Rule: .* Found: .*\. Do: restore the model folder\."):
        learner.load(tmp_path, data)
