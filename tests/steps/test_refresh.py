"""Refresh: warm starts beside fits from scratch, schedules of updates, and what is recorded of both."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from fieldguide.core.answering import Contract
from fieldguide.core.bench import golden_rows
from fieldguide.core.candidate import Candidate, fit
from fieldguide.core.continuing import continued, why_not
from fieldguide.core.contracts import Effort
from fieldguide.core.errors import ConfigError, ModelError, StudyError
from fieldguide.core.model import Model, read_losses
from fieldguide.core.online.log import Entry, Outcome, Prediction, Served
from fieldguide.core.problem import Output
from fieldguide.core.reading import read_frame, samples_of
from fieldguide.core.rows import Rows
from fieldguide.core.table import Column
from fieldguide.parts import find, modality
from fieldguide.parts.stores import open_log
from fieldguide.steps.online.refresh import refresh_of_log, refreshes
from fieldguide.steps.online.versions import outputs_of
from fieldguide.workflow import load_model

START = datetime(2024, 5, 6)
NOW = START + timedelta(days=40)
COLUMNS = (Column("x", "number"), Column("z", "number"), Column("city", "category"))
OUTPUT = Output("y", find("tasks", "binary")(), ("no", "yes"))
SMALL = {
    "boosting": {"learning_rate": 0.2, "n_rounds": 12},
    "mlp": {"n_epochs": 6, "d_hidden": 16, "n_layers": 1},
    "tabm": {"n_epochs": 3, "k": 2, "d_block": 16, "n_blocks": 1, "n_bins": 8},
    "linear": {},
}


def world(n: int, seed: int, turn: float = 0.0) -> pl.DataFrame:
    """Return rows whose truth follows x at first and, where the world turns, z at last."""
    rng = np.random.default_rng(seed)
    x, z = rng.normal(size=(2, n))
    angle = turn * np.arange(n) / n
    chance = 1 / (1 + np.exp(-3 * (x * np.cos(angle) + z * np.sin(angle))))
    said = np.where(rng.random(n) < chance, "yes", "no")
    return pl.DataFrame({"x": x, "z": z, "city": rng.choice(["Lima", "Oslo"], n), "y": said})


def rows_of(frame: pl.DataFrame) -> Rows:
    table, _ = read_frame(frame, COLUMNS, modality)
    return replace(Rows.of(table, (), modality), truths=(OUTPUT.code(frame["y"]),))


def saved(folder: Path, learner: str, output: Output = OUTPUT, n: int = 700) -> Path:
    """Fit a learner on rows of a world that stands still, and save it as a model."""
    frame = world(n, 1)
    train, stop = rows_of(frame[:-100]), rows_of(frame[-100:])
    candidate = Candidate.of(learner, replace(find("learners", learner)(), **SMALL[learner]))
    fitted, _ = fit(candidate, train, stop, (output,), modality, Effort(3))
    scores = [
        {
            "output": "y",
            "metric": "log_loss",
            "value": 0.5,
            "interval": [0.4, 0.6],
            "n": 100,
            "rows": "validation",
            "looks": 0,
        }
    ]
    model = Model(COLUMNS, (output,), fitted, find, (0.5,), evidence={"scores": scores, "card": {}})
    table, _ = read_frame(frame, COLUMNS, modality)
    golden = golden_rows(samples_of(table, COLUMNS, modalities=modality), COLUMNS, seed=1)
    answers = [p.tolist() for p in model.predict_rows(golden)[0]]
    replace(model, golden={"rows": golden, "answers": answers, "tolerance": 1e-5}).save(folder, draft=True)
    return folder


def logged(path: Path, model: Model, frame: pl.DataFrame, days: float = 14.0) -> str:
    """Log rows as the model saw them, evenly over some days, with outcomes an hour later."""
    url, contract = f"sqlite:///{path}", Contract.of(model)
    typed, _ = read_frame(frame, COLUMNS, modality)
    answers = model.predict(frame)["probability_yes"].to_list()
    outputs = ({"name": "y", "task": "binary", "labels": ["no", "yes"]},)
    entries: list[Entry] = [Served(contract.hash, contract.version, contract.columns, outputs, "only", START)]
    for i, (cells, p, truth) in enumerate(zip(typed.frame.rows(), answers, frame["y"])):
        time = START + timedelta(days=days * i / frame.height)
        entries.append(Prediction(
            f"r{i}-0", f"r{i}", f"u{i}", time, "only", contract.hash, contract.version, cells, "yes", p, (1 - p, p)
        ))  # fmt: skip
        entries.append(Outcome(time, truth, id=f"r{i}-0", recorded=time + timedelta(hours=1)))
    store = open_log(url)
    store.append(entries)
    store.close()
    return url


@pytest.fixture(scope="module")
def models(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    folder = tmp_path_factory.mktemp("models")
    return {name: saved(folder / name, name) for name in SMALL}


@pytest.fixture(scope="module")
def turned(tmp_path_factory: pytest.TempPathFactory, models: dict[str, Path]):
    """A refresh of boosting on a log in which the world turns."""
    place = tmp_path_factory.mktemp("turned")
    url = logged(place / "log.db", load_model(models["boosting"]), world(1_100, 2, turn=1.5))
    model = place / "model"
    models["boosting"].rename(model)
    models["boosting"] = model
    return refresh_of_log(model, url, wait="1h", now=NOW, start="warm"), model, url


def test_three_versions_are_compared_on_the_same_newest_rows(turned):
    found, _, _ = turned
    assert set(found["versions"]) == {"old", "scratch", "warm"}
    pairs = {(pair["of"], pair["to"]): pair for pair in found["differences"]}
    assert set(pairs) == {("scratch", "old"), ("warm", "old"), ("warm", "scratch")}
    for one, other in pairs:
        # log loss: less is better, so that the difference is the other's less the first's
        apart = found["versions"][other]["value"] - found["versions"][one]["value"]
        assert pairs[one, other]["value"] == pytest.approx(apart)
        assert pairs[one, other]["n"] == found["n_window"] == 220
    assert pairs["warm", "old"]["interval"][0] > 0
    assert found["written"] == "warm" and found["new"] == found["versions"]["warm"]
    assert found["difference"]["value"] == pairs["warm", "old"]["value"]


def test_a_warm_version_keeps_the_transform_and_the_trees_it_began_with(turned):
    found, model, _ = turned
    old, new = load_model(model), load_model(Path(found["out"]))
    assert new.predictor.transform.to_dict() == old.predictor.transform.to_dict()
    before, after = (m.predictor.estimator.boosters[0].trees for m in (old, new))
    assert after.n_rounds > before.n_rounds
    first = before.text.split("Tree=1\n")[0].split("Tree=0\n")[1]
    assert first.splitlines()[:8] == after.text.split("Tree=1\n")[0].split("Tree=0\n")[1].splitlines()[:8]
    assert found["warm"]["continued"] == ["boosting"] and "fixed" in found["warm"]["transform"]
    assert "from the weights of the version it replaces" in new.evidence["card"]["start"]


def test_a_world_that_turns_asks_for_updates(turned):
    found, _, _ = turned
    updates = found["updates"]
    assert updates["period"] == "day" and updates["recommended"] == "daily"
    daily = next(s for s in updates["schedules"] if s["name"] == "daily")
    weekly = next(s for s in updates["schedules"] if s["name"] == "weekly")
    assert daily["difference"]["value"] > weekly["difference"]["value"] > 0
    assert daily["difference"]["value"] == pytest.approx(updates["never"] - daily["value"])
    assert found["recommended"]["every"] == "daily" and found["recommended"]["way"] == "warm"
    assert {"FG941", "FG943"} <= {f.code for f in found.findings if f.fired}
    assert "warm-start updates: daily" in found["sentence"]
    # Never updated, the model of a turning world is worse at the end than at the beginning.
    assert updates["by_period"][-1]["never"] > updates["by_period"][0]["never"] + 0.2


def test_what_was_found_stands_beside_the_versions_and_inside_the_new_one(turned):
    found, model, url = turned
    record = model.parent / "refresh.jsonl"
    assert record.is_file()
    (kept,) = refreshes(model)
    assert kept["sentence"] == found["sentence"] and kept["updates"]["recommended"] == "daily"
    inside = json.loads((Path(found["out"]) / "evidence.json").read_text())["refresh"]
    assert inside["differences"] == kept["differences"]
    again = refresh_of_log(model, url, wait="1h", now=NOW, start="scratch")
    assert Path(again["out"]).name == "model.3" and again["written"] == "scratch"
    assert [one["out"] for one in refreshes(Path(again["out"]))] == [found["out"], again["out"]]


def test_a_world_that_stands_still_needs_no_updates(tmp_path, models):
    model = saved(tmp_path / "m", "boosting", n=6_000)  # fewer rows: those of the log would teach it more
    url = logged(tmp_path / "log.db", load_model(model), world(1_000, 5))
    found = refresh_of_log(model, url, tmp_path / "new", wait="1h", now=NOW)
    assert found["updates"]["recommended"] == "never"
    assert not {f.code for f in found.findings if f.fired} & {"FG940", "FG943", "FG944"}
    assert found["recommended"]["way"] == "warm"


def test_updates_know_no_outcome_that_had_not_come(turned, tmp_path):
    _, model, _ = turned
    url = logged(tmp_path / "log.db", load_model(model), world(420, 6))
    # Outcomes take longer than the log is long: no update could know any row.
    late = refresh_of_log(model, url, tmp_path / "late", wait="20d", now=NOW)
    assert "outcome is known" in late["updates"]["silence"]
    assert late["recommended"]["way"] == "scratch" and "warm starts:" in late["recommended"]["why"]
    days = refresh_of_log(model, url, tmp_path / "days", wait="4d", now=NOW)["updates"]
    # 30 rows a day: 200 of them are older than four days at the ends of the last three periods but one, on days 11 to 13.
    assert (days["n_periods"], days["n_updates"]) == (13, 3)


def test_a_finer_period_is_walked_through_where_it_is_newest(turned, tmp_path, monkeypatch):
    _, model, _ = turned
    url = logged(tmp_path / "log.db", load_model(model), world(420, 6))
    monkeypatch.setattr("fieldguide.steps.online.updating.MOST_PERIODS", 12)
    monkeypatch.setattr("fieldguide.steps.online.refresh.recency", lambda *_, **__: ({"silence": "not asked"}, ()))
    found = refresh_of_log(model, url, tmp_path / "hours", wait="1h", now=NOW, period="hour")["updates"]
    assert found["period"] == "hour" and found["n_periods"] == 335
    assert found["n_updates"] == 12 and found["schedules"][0]["name"] == "hourly"
    assert found["n_judged"] == pytest.approx(12 * 420 / 336, abs=2)


def test_a_learner_that_cannot_go_on_says_so(tmp_path, models):
    url = logged(tmp_path / "log.db", load_model(models["linear"]), world(300, 7))
    found = refresh_of_log(models["linear"], url, tmp_path / "v", wait="1h", now=NOW)
    assert found["written"] == "scratch" and "warm" not in found["versions"]
    assert found["warm"]["silence"] == found["updates"]["silence"]
    assert "linear cannot be fitted further" in found["warm"]["silence"]
    with pytest.raises(StudyError, match="cannot start warm: linear cannot be fitted further"):
        refresh_of_log(models["linear"], url, tmp_path / "w", start="warm", wait="1h", now=NOW)
    with pytest.raises(ConfigError, match="'soon' is no length of time"):
        refresh_of_log(models["linear"], url, tmp_path / "w", wait="soon", now=NOW)
    with pytest.raises(ConfigError, match=r"no start 'wram' .did you mean 'warm'"):
        refresh_of_log(models["linear"], url, tmp_path / "w", start="wram", wait="1h", now=NOW)


@pytest.mark.parametrize("name", ["boosting", "mlp", "tabm"])
def test_going_on_for_no_step_changes_nothing_and_for_some_steps_learns(models, name):
    fitted = load_model(models[name]).predictor
    assert not why_not(fitted)
    rows, judged = rows_of(world(400, 8, turn=0.0)), rows_of(world(50, 9))
    same = continued(fitted, rows, None, Effort(1, n_steps=0))
    before, after = (f.predict(judged.cells, 50)[0] for f in (fitted, same))
    assert np.abs(before - after).max() < 1e-6
    other = replace(rows, truths=(1 - rows.truths[0],))
    on = continued(fitted, other, rows_of(world(80, 9)), Effort(1))
    # Turned labels to learn from, the old world to stop on: no step is better, so none is taken.
    assert on.estimator.n_steps == 0
    assert np.abs(on.predict(judged.cells, 50)[0] - before).max() < 1e-6
    turned = continued(fitted, other, None, Effort(1))
    assert turned.estimator.n_steps > 0
    truth = 1 - judged.truths[0]
    lost = [-np.log(p[np.arange(50), truth]).mean() for p in (before, turned.predict(judged.cells, 50)[0])]
    assert lost[1] < lost[0]


def test_a_version_is_refreshed_for_the_loss_it_was_trained_for(tmp_path):
    focal = replace(OUTPUT, loss=find("losses", "focal")(gamma=1.5))
    folder = saved(tmp_path / "m", "mlp", focal)
    assert read_losses(folder)[0]["settings"]["gamma"] == 1.5
    model = load_model(folder)
    (output,) = outputs_of(model, find("metrics", "log_loss")())
    assert output.loss == focal.loss
    on = continued(model.predictor, rows_of(world(100, 10)), None, Effort(1), (output,))
    assert on.estimator.description.heads[0]["loss"] == "focal"
    with pytest.raises(ModelError, match="goes on with the loss and the last layer it was trained with"):
        continued(model.predictor, rows_of(world(100, 10)), None, Effort(1))
