"""A study of prices from init to predict, and what is refused: offers without an outcome, prices that are none."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest

from fieldguide.core.documents.config import Config
from fieldguide.core.errors import ConfigError, DataError, FieldguideError
from fieldguide.faces.report import content
from fieldguide.steps.frame.frame import frame
from fieldguide.workflow import Study, load_model

QUICK = """
budget: {trials: 0, minutes: }
threads: 1
split: {folds: 2, repeats: 1}
learners:
  use: [prior, boosting, revenue, strategy, mlp]
  settings: {boosting: {n_rounds: 20}, revenue: {n_rounds: 20}, strategy: {n_rounds: 20}, mlp: {n_epochs: 60, n_layers: 1, d_hidden: 16, learning_rate: 0.01}}
"""


def offers(n: int = 240) -> pl.DataFrame:
    rng = np.random.default_rng(0)
    size, room = rng.uniform(0, 1, n).round(3), rng.choice(["shared", "whole"], n)
    best = 60 + 80 * size + 40 * (room == "whole")
    price = (best * np.exp(rng.normal(0, 0.3, n))).round(1)
    booked = rng.random(n) < 1 / (1 + np.exp(4 * np.log(price / best)))
    return pl.DataFrame({"size": size, "room": room, "price": price, "taken": np.where(booked, "yes", "no")})


def framed(folder: Path, table: pl.DataFrame, **said: Any) -> Any:
    table.write_csv(folder / "offers.csv")
    problem = {"task": "price", "target": "price", "booked": "taken", **said}
    problem = {key: value for key, value in problem.items() if value is not None}
    return frame(Config.from_dict({"problem": problem, "data": {"table": "offers.csv"}}, folder))


@pytest.fixture(scope="module")
def study(tmp_path_factory: pytest.TempPathFactory) -> Study:
    """A study of prices, run and finalized."""
    folder = tmp_path_factory.mktemp("prices")
    offers().write_csv(folder / "offers.csv")
    said = "problem: {task: price, target: price, booked: taken, c1: 0.6, c2: 1.4}\ndata: {table: offers.csv}" + QUICK
    (folder / "study.yaml").write_text(said)
    study = Study(folder)
    study.run()
    study.finalize()
    return study


def test_learners_of_plain_numbers_learn_the_offered_price_and_networks_the_interval(study: Study) -> None:
    entries = {entry["candidate"]: entry for entry in study.baseline()["entries"]}
    assert set(entries) == {"prior", "boosting", "revenue", "strategy"}
    table = study.material.development.frame
    assert (table["price"] < 0).any() and (table["price"] > 0).any()  # the sign is the outcome
    trial = study._bench.remembered(entries["prior"])
    mean = table["price"].abs().mean()
    assert trial.raw[0].mean() == pytest.approx(mean, rel=0.05)  # without the outcome's sign
    assert {entry["scores"][0]["metric"] for entry in entries.values()} == {"interval_loss"}
    (network,) = study.train()["entries"]
    assert network["scores"][0]["value"] < entries["prior"]["scores"][0]["value"]


def test_the_bounds_of_study_yaml_reach_loss_and_metric(study: Study) -> None:
    output = study._bench.problem.output
    assert (output.loss.c1, output.loss.c2) == (0.6, 1.4) == (output.metric.c1, output.metric.c2)
    assert study.problem.to_dict()["outputs"][0]["loss"] == "interval"


def test_explore_looks_at_the_prices_and_the_share_that_was_booked(study: Study) -> None:
    (target,) = study.explore()["targets"]
    assert target["quantiles"]["0"] > 0 and 0.3 < target["booked"] < 0.7
    assert "taken" not in study.explore()["columns"] or study.explore()["columns"]["taken"]["role"] == "ignore"


def test_finalize_tells_all_metrics_of_the_paper(study: Study) -> None:
    told = {score["metric"]: score for score in study.finalize("again, to read it")["outputs"][0]["offers"]}
    assert set(told) == {
        "interval_loss", "price_decrease_recall", "price_decrease_precision", "price_increase_recall",
        "price_increase_precision", "booking_regret",
    }  # fmt: skip
    for score in told.values():
        assert score["interval"][0] <= score["value"] <= score["interval"][1]


def test_a_shipped_model_suggests_prices_without_an_offer(study: Study) -> None:
    model = load_model(study.folder / "model")
    rows = [{"size": 0.1, "room": "shared"}, {"size": 0.9, "room": "whole"}]
    small, large = (float(row[0]) for row in model.predict_rows(rows)[0][0])
    assert 40 < small < large < 250


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"price": -5.0}, r"the offered price 'price' is not above 0 in row 3"),
        ({"price": 0.0}, r"the offered price 'price' is not above 0 in row 3"),
        ({"taken": ""}, r"'taken' does not say whether the offer was booked in row 3"),
        ({"taken": "perhaps"}, r"'taken' does not say whether the offer was booked in row 3"),
    ],
)
def test_an_offer_that_cannot_be_read_is_named_by_its_row(tmp_path: Path, change: dict[str, Any], said: str) -> None:
    rows = offers(40).to_dicts()
    rows[3] |= change
    with pytest.raises(DataError, match=said):
        framed(tmp_path, pl.DataFrame(rows))


def test_a_row_without_a_price_is_left_out(tmp_path: Path) -> None:
    rows = offers(40).to_dicts()
    rows[3]["price"] = None
    assert framed(tmp_path, pl.DataFrame(rows)).table.n_rows == 39


def test_offers_that_all_ended_alike_teach_nothing(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="no offer of 'price' was booked"):
        framed(tmp_path, offers(40).with_columns(taken=pl.lit(0)))


@pytest.mark.parametrize(
    ("said", "message"),
    [
        ({"booked": None}, "problem.booked names the column"),
        ({"booked": "took"}, "there is no column 'took'"),
        ({"booked": "price"}, "is the target already"),
        ({"task": "regression"}, "is said of offered prices, and problem.task is not price"),
        ({"c1": 1.2}, r"problem\.c1"),
        ({"c2": 0.9}, r"problem\.c2"),
        ({"transform": "log1p"}, "its sign says whether it was booked"),
        ({"target": ["price", "size"]}, "a price is one column"),
        ({"metric": "rmse"}, "metric 'rmse' cannot judge 'price'"),
        ({"loss": "squared_error"}, "the loss 'squared_error' does not suit 'price'"),
    ],
)
def test_what_does_not_fit_a_price_is_told(tmp_path: Path, said: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        framed(tmp_path, offers(40), **said)


def test_intervals_of_a_price_are_refused(study: Study) -> None:
    with pytest.raises(FieldguideError, match="intervals are of numbers, and 'price' is price"):
        study.intervals()


def test_the_report_tells_the_metrics_of_the_paper_and_no_calibration(study: Study) -> None:
    told = json.dumps(content(study))
    assert "Suggested price" in told and "price decrease recall" in told
    assert "Reliability: do predictions come true?" not in told
    (calibration,) = study.baseline()["entries"][0]["calibration"]
    assert calibration["bins"] == [] and calibration["ratio"] is None


def test_baselines_that_learn_the_offered_price_are_named(study: Study) -> None:
    (told,) = [finding for finding in study.baseline().findings if finding.code == "FG506"]
    assert told.fired and told.evidence["replaced"] == {"price": {"boosting": "squared_error"}}
