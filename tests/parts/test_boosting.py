"""Boosting: LightGBM's numbers through its C interface, its stops, its text."""

from __future__ import annotations

import dataclasses
import json
import time
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from fieldguide import parts
from fieldguide.core.batch import Encoded
from fieldguide.core.clock import Clock
from fieldguide.core.contracts import Effort
from fieldguide.core.errors import FieldguideError, ModelError
from fieldguide.core.problem import Output
from fieldguide.parts.learners import _lightgbm, boosting
from fieldguide.parts.learners.boosting import OBJECTIVES, Boosting
from fieldguide.testing import check_learner
from fieldguide.testing.learner import example

QUICK = Boosting(n_rounds=40, learning_rate=0.2)


def test_contract(tmp_path: Path) -> None:
    check_learner(QUICK, tmp_path)


@pytest.mark.parametrize("task", ["binary", "multiclass", "regression"])
def test_scores_are_those_of_the_lightgbm_package(task: str, tmp_path: Path) -> None:
    import lightgbm

    rows, outputs = example(task, 500, missing=True)
    fitted = QUICK.fit(rows, None, outputs, Effort(n_steps=20))
    fitted.save(tmp_path)
    peer = lightgbm.Booster(model_file=tmp_path / "trees_0.txt").predict(
        np.hstack([rows.batch.numbers, rows.batch.codes])
    )
    found = fitted.predict(rows.batch)[0]
    if task == "binary":
        found = found[:, 1]
    elif task == "regression":
        found = (found[:, 0] - fitted.boosters[0].centre) / fitted.boosters[0].scale
    assert np.allclose(found, peer, atol=1e-9)


def test_trees_are_those_the_lightgbm_package_grows(tmp_path: Path) -> None:
    import lightgbm

    rows, outputs = example("binary", 500)
    learner = Boosting(learning_rate=0.1, feature_fraction=1.0)
    found = learner.fit(rows, None, outputs, Effort(n_steps=15, seed=3)).predict(rows.batch)[0][:, 1]
    said = {
        "objective": "binary", "learning_rate": 0.1, "seed": 3, "deterministic": True, "force_row_wise": True,
        "verbosity": -1, "num_threads": 1, "max_bin": 255,
    }  # fmt: skip
    x = np.hstack([rows.batch.numbers, rows.batch.codes.astype(np.float32)])
    data = lightgbm.Dataset(x, rows.targets[0], categorical_feature=[4, 5], params=said)
    assert np.allclose(found, lightgbm.train(said, data, 15).predict(x), atol=1e-9)


def test_early_stopping_keeps_the_best_round() -> None:
    rows, outputs = example("binary", 600)
    noisy = dataclasses.replace(
        rows, targets=(np.where(np.arange(600) % 4 == 0, 1 - rows.targets[0], rows.targets[0]),)
    )
    train, stop = noisy.take(slice(0, 400)), noisy.take(slice(400, 600))
    fitted = Boosting(learning_rate=0.2, patience=20).fit(train, stop, outputs, Effort())
    assert fitted.stopped == "early" and fitted.n_steps is not None
    probability = fitted.predict(stop.batch)[0][np.arange(200), stop.targets[0]]
    shorter, longer = (
        Boosting(learning_rate=0.2).fit(train, None, outputs, Effort(n_steps=n)).predict(stop.batch)[0]
        for n in (fitted.n_steps, 200)
    )
    assert np.array_equal(shorter[np.arange(200), stop.targets[0]], probability)
    assert -np.log(probability).mean() < -np.log(longer[np.arange(200), stop.targets[0]]).mean()
    assert min(point["validation"] for point in fitted.history) >= -np.log(probability).mean() - 1e-6


def test_the_curve_is_the_loss() -> None:
    rows, outputs = example("binary", 300)
    fitted = QUICK.fit(rows, rows, outputs, Effort(n_steps=10))
    loss = -np.log(fitted.predict(rows.batch)[0][np.arange(300), rows.targets[0]]).mean()
    assert fitted.history[-1]["step"] == 10
    assert fitted.history[-1]["train"] == pytest.approx(loss, rel=1e-6)
    assert fitted.history[-1]["validation"] == pytest.approx(loss, rel=1e-6)


def test_without_stopping_rows_rounds_follow_the_learning_rate() -> None:
    rows, outputs = example("regression", 300)
    fitted = Boosting(learning_rate=0.2).fit(rows, None, outputs, Effort())
    assert (fitted.n_steps, fitted.stopped) == (50, "steps")


def test_the_clock_stops_within_five_percent(monkeypatch: pytest.MonkeyPatch) -> None:
    """Time passes where rounds are grown and judged, and nowhere else: how busy the machine is changes nothing."""
    rows, outputs = example("regression", 4_000, n_numbers=20)
    train, stop = rows.take(slice(0, 3_500)), rows.take(slice(3_500, 4_000))
    ticks, grow, judge = [0.0], _lightgbm.Training.grow, _lightgbm.Training.loss

    def grown(training: _lightgbm.Training) -> bool:
        ticks[0] += 0.012
        return grow(training)

    def judged(training: _lightgbm.Training, *, of_stop: bool) -> float:
        ticks[0] += 0.003
        return judge(training, of_stop=of_stop)

    monkeypatch.setattr(_lightgbm.Training, "grow", grown)
    monkeypatch.setattr(_lightgbm.Training, "loss", judged)
    monkeypatch.setattr(time, "monotonic", lambda: ticks[0])
    endless = Boosting(n_rounds=10**6, patience=10**6, learning_rate=0.01)
    fitted = endless.fit(train, stop, outputs, Effort(clock=Clock.of(1.5)))
    assert fitted.stopped == "clock" and fitted.n_steps is not None and fitted.n_steps > 90
    assert 1.5 * 0.95 < ticks[0] < 1.5 * 1.05


def test_the_rate_rises_only_where_the_clock_leaves_too_few_rounds(monkeypatch: pytest.MonkeyPatch) -> None:
    rows, outputs = example("regression", 300)
    learner, ticks, grow = Boosting(), [0.0], _lightgbm.Training.grow

    def a_second(training: _lightgbm.Training) -> bool:
        ticks[0] += 1.0
        return grow(training)

    monkeypatch.setattr(_lightgbm.Training, "grow", a_second)
    monkeypatch.setattr(boosting, "time", SimpleNamespace(monotonic=lambda: ticks[0]))
    assert learner.paced(rows, outputs, 150.0, 1).hurry == 1.0  # 120 rounds at .05 learn enough
    assert learner.paced(rows, outputs, 51.0, 1).hurry == 2.4  # a second for the first round, and 50 for 50 more
    assert learner.paced(rows, outputs, 0.5, 1).rate == pytest.approx(0.3)  # no faster than that
    assert dataclasses.replace(learner, hurry=3.0).paced(rows, outputs, 150.0, 1).hurry == 1.0  # timed anew
    monkeypatch.setattr(boosting, "TIMED_ROWS", 150)  # half of the rows: a round of all takes two of these seconds
    assert learner.paced(rows, outputs, 102.0, 1).hurry == 2.4
    assert Boosting(learning_rate=0.4).paced(rows, outputs, 0.5, 1).rate == 0.4


def test_a_hurried_fit_that_the_clock_ends_has_learned_more() -> None:
    rows, outputs = example("regression", 400)
    slow, hurried = (
        learner.fit(rows, None, outputs, Effort(n_steps=8)).predict(rows.batch)[0]
        for learner in (Boosting(), Boosting(hurry=4.0))
    )
    error = [float(np.mean((rows.targets[0] - found[:, 0]) ** 2)) for found in (slow, hurried)]
    assert error[1] < 0.8 * error[0]


def test_categories_are_sets_not_numbers() -> None:
    rng = np.random.default_rng(0)
    rows, outputs = example("regression", 2_000)
    odd = rows.batch.codes[:, 1] % 2
    rows = Encoded(rows.batch, (odd + 0.01 * rng.normal(size=2_000),))
    stump = Boosting(num_leaves=2, feature_fraction=1.0, learning_rate=1.0, cat_smooth=1.0)
    found = stump.fit(rows, None, outputs, Effort(n_steps=1)).predict(rows.batch)[0][:, 0]
    assert np.abs(found - odd).max() < 0.05  # one split parts odd from even codes


def test_a_target_far_from_zero_keeps_its_digits() -> None:
    rows, outputs = example("regression", 500)
    far = Encoded(rows.batch, (rows.targets[0] + 1e9,))
    near = QUICK.fit(rows, None, outputs, Effort(n_steps=20)).predict(rows.batch)[0]
    assert np.allclose(QUICK.fit(far, None, outputs, Effort(n_steps=20)).predict(rows.batch)[0] - 1e9, near, atol=1e-3)


@pytest.mark.parametrize("loss", sorted(OBJECTIVES))
def test_every_loss_of_the_table_is_known_to_lightgbm(loss: str) -> None:
    rows, outputs = example(
        {"binary_cross_entropy": "binary", "cross_entropy": "multiclass", "ordinal": "ordinal"}.get(loss, "regression"),
        300,
    )
    task = dataclasses.replace(outputs[0].task)
    object.__setattr__(task, "loss", loss)
    named = (Output("y", task, outputs[0].labels),)
    fitted = QUICK.fit(rows.take(slice(0, 200)), rows.take(slice(200, 300)), named, Effort())
    assert fitted.history[-1]["validation"] < fitted.history[0]["validation"]
    if loss in ("absolute_error", "poisson"):
        assert np.abs(fitted.predict(rows.batch)[0][:, 0] - rows.targets[0]).mean() < 8


@pytest.mark.parametrize("quantile", [0.2, 0.8])
def test_a_quantile_lies_above_its_share_of_rows(quantile: float) -> None:
    rows, outputs = example("regression", 600)
    task = dataclasses.replace(outputs[0].task)
    object.__setattr__(task, "loss", "pinball")
    fitted = Boosting(quantile=quantile).fit(rows, None, (Output("y", task),), Effort(n_steps=60))
    assert np.mean(rows.targets[0] < fitted.predict(rows.batch)[0][:, 0]) == pytest.approx(quantile, abs=0.06)


def test_it_is_quiet(capfd: pytest.CaptureFixture[str]) -> None:
    for rows, outputs in (example("binary", 12), example("multiclass", 300)):
        one_class = Encoded(rows.batch, (np.zeros(len(rows), np.int64),))
        QUICK.fit(rows, None, outputs, Effort())
        QUICK.fit(one_class, None, outputs, Effort())
    assert capfd.readouterr() == ("", "")


def test_several_outputs_share_the_clock_and_have_a_booster_each(tmp_path: Path) -> None:
    rows, outputs = example("binary", 300)
    values, more = example("regression", 300)
    both = Encoded(rows.batch, (*rows.targets, *values.targets))
    fitted = QUICK.fit(both, None, (*outputs, *more), Effort(n_steps=10))
    assert [prediction.shape for prediction in fitted.predict(rows.batch)] == [(300, 2), (300, 1)]
    loaded = Boosting().load(tmp_path, json.loads(json.dumps(fitted.save(tmp_path))))
    assert sorted(path.name for path in tmp_path.iterdir()) == ["trees_0.txt", "trees_1.txt"]
    assert np.array_equal(loaded.predict(rows.batch)[1], fitted.predict(rows.batch)[1])


def test_one_row_is_scored_in_well_under_a_millisecond() -> None:
    rows, outputs = example("binary", 3_000)
    fitted = Boosting(num_leaves=31).fit(rows, None, outputs, Effort(n_steps=300))
    one, took = rows.batch.take(slice(0, 1)), []
    for _ in range(200):
        began = time.perf_counter()
        fitted.predict(one)
        took.append(time.perf_counter() - began)
    assert np.median(took) < 4e-4


@pytest.mark.parametrize(
    ("damage", "message"),
    [
        (lambda text: text[: len(text) // 2], "it is complete LightGBM text"),
        (lambda text: "import os\n" + text, "it is complete LightGBM text"),
        (lambda text: text.replace("max_feature_idx=5", "max_feature_idx=7"), "restore the model folder"),
    ],
)
def test_text_that_is_no_model_is_refused(damage: object, message: str, tmp_path: Path) -> None:
    rows, outputs = example("binary", 200)
    data = QUICK.fit(rows, None, outputs, Effort(n_steps=5)).save(tmp_path)
    path = tmp_path / "trees_0.txt"
    path.write_text(damage(path.read_text()))  # type: ignore[operator]
    with pytest.raises(ModelError, match=message):
        Boosting().load(tmp_path, data)


def test_trees_of_other_columns_are_refused(tmp_path: Path) -> None:
    rows, outputs = example("binary", 200)
    data = QUICK.fit(rows, None, outputs, Effort(n_steps=5)).save(tmp_path)
    data["boosters"][0]["n_features"] = 9
    with pytest.raises(ModelError, match=r"Found: 6 in the trees, 9 in the rows\."):
        Boosting().load(tmp_path, data)


def test_a_file_outside_the_folder_is_not_read(tmp_path: Path) -> None:
    rows, outputs = example("binary", 200)
    data = QUICK.fit(rows, None, outputs, Effort(n_steps=5)).save(tmp_path)
    (tmp_path / "model").mkdir()
    data["boosters"][0]["file"] = "../trees_0.txt"
    with pytest.raises(ModelError, match=r"Found: trees_0\.txt: .*No such file"):
        Boosting().load(tmp_path / "model", data)


def test_the_number_of_columns_is_checked_before_memory_is_read() -> None:
    rows, outputs = example("binary", 200)
    fitted = QUICK.fit(rows, None, outputs, Effort(n_steps=5))
    with pytest.raises(ValueError, match=r"expected 6 columns, got an array of shape \(3, 2\)"):
        fitted.boosters[0].trees.scores(np.zeros((3, 2), np.float32))


def test_lightgbms_own_complaint_is_passed_on() -> None:
    with pytest.raises(FieldguideError, match=r"LightGBM failed\..* Found: LGBM_BoosterCreate: .*nonsense"):
        data = _lightgbm.Dataset(np.zeros((5, 1), np.float32), np.zeros(5), None, b"verbosity=-1")
        _lightgbm.Training(data, None, b"objective=nonsense verbosity=-1")


def test_a_missing_library_names_the_install_line(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_lightgbm.importlib.util, "find_spec", lambda name: None)
    with pytest.raises(FieldguideError, match=r'Do: pip install "lightgbm>=4\.5"'):
        _lightgbm.library.__wrapped__()


def test_the_part_is_found_by_name() -> None:
    assert parts.find("learners", "boosting") is Boosting
