"""The online-offline gap and retraining on the log: parts that sum, with the truth inside; versions beside each other."""

from __future__ import annotations

from datetime import datetime, timedelta
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from conftest import people, small_study
from fieldguide.core.answering import Contract
from fieldguide.core.errors import DataError, StudyError
from fieldguide.core.model import Model
from fieldguide.core.online.log import Entry, Outcome, Prediction, Served
from fieldguide.core.reading import read_frame
from fieldguide.core.table import Column, Table
from fieldguide.parts import find
from fieldguide.parts.stores import open_log
from fieldguide.steps.online import gap_parts as step
from fieldguide.steps.online.gap import gap_of_log, told
from fieldguide.steps.online.gap_parts import Judged, gap
from fieldguide.steps.online.refresh import refresh_of_log
from fieldguide.workflow import load_model

BRIER = find("metrics", "brier")()
START = datetime(2024, 5, 6)
PROMISED = {"value": 0.2, "interval": [0.19, 0.21]}


def two(p):
    return np.column_stack([1 - p, p])


def world(n=4_000, seed=0):
    """Return chances, coded truth and what the served and the offline path say."""
    rng = np.random.default_rng(seed)
    true = rng.beta(2, 2, n)
    return rng, true, (rng.random(n) < true).astype(np.int64)


def parts(found):
    return {part["name"]: part for part in found["parts"]}


def holds(part, truth):
    return part["interval"][0] <= truth <= part["interval"][1]


def test_the_parts_sum_to_the_gap():
    rng, true, truth = world()
    served, offline = two(np.clip(true + 0.2, 0, 1)), two(true)
    mature = np.arange(4_000) < 3_000
    found = gap(
        BRIER, PROMISED, Judged(truth, served, np.arange(4_000)), known=np.ones(4_000, bool), mature=mature, recomputed=offline,
        propensity=rng.uniform(0.2, 1, 4_000), offline=Judged(truth[:1_000], offline[:1_000], np.arange(1_000)),
        likeness=rng.uniform(0.5, 1.5, 1_000),
    )  # fmt: skip
    total = sum(part["value"] for part in found["parts"])
    assert total == pytest.approx(found["gap"]["value"])
    assert found["gap"]["value"] == pytest.approx(found["online"]["value"] - 0.2)


def test_skew_is_what_the_offline_path_would_have_saved():
    _, true, truth = world()
    found = gap(
        BRIER, PROMISED, Judged(truth, two(np.clip(true + 0.3, 0, 1)), np.arange(4_000)), known=np.ones(4_000, bool),
        mature=np.ones(4_000, bool), recomputed=two(true),
    )  # fmt: skip
    cost = float((np.clip(true + 0.3, 0, 1) - true).__pow__(2).mean())
    assert holds(parts(found)["skew"], cost)
    assert parts(found)["feedback"]["why"].startswith("no propensities were logged")
    assert parts(found)["drift"]["value"] is None


def test_late_labels_are_told_from_a_worse_model():
    rng, true, truth = world()
    mature = np.arange(4_000) < 2_500
    heard = np.where(mature | (rng.random(4_000) < 0.3), truth, 0)
    found = gap(BRIER, PROMISED, Judged(heard, two(true), np.arange(4_000)), known=np.ones(4_000, bool), mature=mature)
    late = parts(found)["late labels"]
    assert late["interval"][0] > 0
    assert parts(found)["skew"]["value"] is None
    assert found["n_mature"] == 2_500


def test_feedback_is_estimable_with_an_exploration_share():
    rng = np.random.default_rng(1)
    n = 12_000
    true, given = rng.beta(1, 9, (n, 5)), None
    given = np.clip(true + rng.normal(0, 0.05, true.shape), 0.01, 0.99)  # what the model believes of five actions
    best = given.argmax(1)
    explored = rng.random(n) < 0.2
    shown = np.where(explored, rng.integers(0, 5, n), best)
    propensity = 0.2 / 5 + 0.8 * (shown == best)
    at = np.arange(n)
    truth = (rng.random(n) < true[at, shown]).astype(np.int64)
    found = gap(
        BRIER, PROMISED, Judged(truth, two(given[at, shown]), at), known=np.ones(n, bool), mature=np.ones(n, bool), propensity=propensity
    )  # fmt: skip

    def brier(p, q):
        return p * (1 - q) ** 2 + (1 - p) * q**2

    on_policy = (0.8 * brier(true[at, best], given[at, best]) + 0.2 * brier(true, given).mean(1)).mean()
    assert holds(parts(found)["feedback"], on_policy - brier(true, given).mean())
    assert parts(found)["feedback"]["interval"][0] > 0


def test_without_a_mature_row_there_is_no_score():
    _, true, truth = world(50)
    with pytest.raises(DataError, match="no served row is old enough"):
        gap(
            BRIER, PROMISED, Judged(truth, two(true), np.arange(50)), known=np.ones(50, bool), mature=np.zeros(50, bool)
        )


# --- with a model and a log ---------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def model(tmp_path_factory, people_csv) -> Path:
    folder = tmp_path_factory.mktemp("gap")
    study = small_study(folder / "study", people_csv, "bought", networks=False)
    text = (study.folder / "study.yaml").read_text().replace("{skip: [mlp, tabm]}", "{use: [linear]}")
    (study.folder / "study.yaml").write_text(text)
    study = type(study)(study.folder)
    study.baseline()
    study.package("linear", folder / "model")
    return folder / "model"


def log_people(path: Path, model: Model, rows: pl.DataFrame, *, days: float = 10.0, told: float = 1.0) -> str:
    """Log people as the model saw them, over some days; outcomes a day later."""
    url = f"sqlite:///{path}"
    contract = Contract.of(model)
    typed, _ = read_frame(rows, model.columns, model.modality)
    answers = model.predict(rows)["probability_yes"].to_list()
    outputs = tuple({"name": o.name, "task": o.task.name, "labels": list(o.labels)} for o in model.outputs)
    entries: list[Entry] = [Served(contract.hash, contract.version, contract.columns, outputs, "control", START)]
    for i, (cells, p, bought) in enumerate(zip(typed.frame.rows(), answers, rows["bought"])):
        time = START + timedelta(days=days * i / rows.height)
        entries.append(Prediction(
            f"r{i}-0", f"r{i}", f"u{i % 90}", time, "control", contract.hash, contract.version, cells, "yes", p, (1 - p, p)
        ))  # fmt: skip
        if i < told * rows.height:
            entries.append(Outcome(time, bought, id=f"r{i}-0", recorded=time + timedelta(days=1)))
    store = open_log(url)
    store.append(entries)
    store.close()
    return url


def test_a_model_that_meets_its_world_meets_its_promise(tmp_path, model):
    url = log_people(tmp_path / "log.db", load_model(model), people(500, seed=11))
    people(400, seed=12).write_csv(tmp_path / "offline.csv")
    found = gap_of_log(model, url, tmp_path / "offline.csv", now=START + timedelta(days=30))
    assert parts(found)["skew"]["value"] == pytest.approx(0, abs=1e-6)
    assert found["gap"]["interval"][0] <= 0 <= found["gap"]["interval"][1]
    assert 0.4 < found["drift_auc"] < 0.6
    assert not [f.code for f in found.findings if f.fired]
    assert found["metric"] == load_model(model).evidence["scores"][0]["metric"]


def test_a_column_that_is_served_otherwise_is_skew_and_no_drift(tmp_path, model):
    right = people(500, seed=13)
    wrong = right.with_columns((pl.col("age") - 60).clip(18, 80))
    url = log_people(tmp_path / "log.db", load_model(model), wrong)
    typed, _ = read_frame(right, load_model(model).columns, load_model(model).modality)
    ids = pl.Series("id", [f"r{i}-0" for i in range(500)])
    typed.frame.insert_column(0, ids).write_parquet(tmp_path / "features.parquet")
    people(500, seed=14).write_csv(tmp_path / "offline.csv")
    found = gap_of_log(
        model, url, tmp_path / "offline.csv", features=tmp_path / "features.parquet", now=START + timedelta(days=30)
    )  # fmt: skip
    assert {"FG935", "FG936"} <= {f.code for f in found.findings if f.fired}
    assert "the largest part is skew" in found.findings[0].sentence
    drift = parts(found)["drift"]["interval"]
    assert drift[0] <= 0 <= drift[1]


def test_rows_that_wait_for_their_outcome_are_not_judged(tmp_path, model):
    url = log_people(tmp_path / "log.db", load_model(model), people(300, seed=15), told=0.5)
    found = gap_of_log(model, url, now=START + timedelta(days=10), wait="5d")
    assert found["n_known"] == 150
    assert found["n_mature"] <= 150
    counted = gap_of_log(model, url, now=START + timedelta(days=10), wait="1d", absent="no")
    assert counted["n_known"] == 300
    with pytest.raises(DataError, match="the log holds no outcome 'churn'"):
        gap_of_log(model, url, outcome="churn", now=START + timedelta(days=10))


def test_refresh_writes_a_version_beside_the_old_and_compares_on_the_newest(tmp_path, model):
    rows = people(260, seed=16)
    turned = rows.with_columns(
        pl.when(pl.col("bought") == "yes").then(pl.lit("no")).otherwise(pl.lit("yes")).alias("bought")
    )
    url = log_people(tmp_path / "log.db", load_model(model), turned)
    found = refresh_of_log(model, url, tmp_path / "new", now=START + timedelta(days=30))
    assert found["difference"]["interval"][0] > 0  # the world turned round, and only the new version knows
    assert "FG941" in {f.code for f in found.findings if f.fired}
    assert (found["n_window"], found["n_fit"]) == (52, 208)
    fresh = load_model(tmp_path / "new")
    assert fresh.evidence["card"]["replaces"] == "model"
    assert fresh.evidence["scores"][0]["rows"] == "newest"
    before, after = (m.predict(rows)["probability_yes"].to_numpy() for m in (load_model(model), fresh))
    assert np.corrcoef(before, after)[0, 1] < 0
    with pytest.raises(StudyError, match="exists already"):
        refresh_of_log(model, url, tmp_path / "new", now=START + timedelta(days=30))


def test_refresh_with_the_earlier_rows_keeps_what_was_known(tmp_path, model, people_csv):
    url = log_people(tmp_path / "log.db", load_model(model), people(150, seed=17))
    found = refresh_of_log(model, url, tmp_path / "v", earlier=people_csv, now=START + timedelta(days=30))
    assert (found["n_earlier"], found["n_served"]) == (400, 150)
    assert found["schedule"]["silence"]
    assert not [f.code for f in found.findings if f.fired]


def test_too_few_served_rows_are_no_log_to_learn_from(tmp_path, model):
    url = log_people(tmp_path / "log.db", load_model(model), people(60, seed=18))
    with pytest.raises(DataError, match="only 60 served rows"):
        refresh_of_log(model, url, tmp_path / "v", now=START + timedelta(days=30))


def test_drift_is_told_from_likeness():
    rng = np.random.default_rng(3)
    offline, online = rng.normal(0, 1, 600), rng.normal(1.0, 1, 600)
    found = step.likeness_of(
        Table(pl.DataFrame({"x": np.concatenate([offline, online])}), (Column("x", "number"),)), 600, None
    )
    assert found is not None
    weights, auc = found
    assert auc > 0.65
    assert np.average(offline, weights=weights) == pytest.approx(1.0, abs=0.35)


def test_a_weighted_promise_is_told():
    parts = [{"name": "noise", "value": 0.01, "why": ""}]
    facts = {
        "parts": parts,
        "metric_title": "ROC AUC",
        "online": {"value": 0.7},
        "promised": {"value": 0.8},
        "gap": {"value": -0.1},
    }
    assert "weight" not in told(facts | {"promised_weighted": False})
    assert "The promise counts rows by their weight" in told(facts | {"promised_weighted": True})
