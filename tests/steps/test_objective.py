"""What study.yaml says of losses, decisions, calibration and imbalance: refused by message, and carried through to the model."""

from __future__ import annotations

import re
import sys
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest

from conftest import Command, houses, people, small_study
from fieldguide.core.errors import ConfigError, FieldguideError
from fieldguide.parts.learners import _network
from fieldguide.workflow import Study, load_model

QUICK = (
    "learners: {use: [prior, linear, boosting], settings: {boosting: {n_rounds: 20}}}\nsplit: {folds: 3, repeats: 1}\n"
)


def study(
    folder: Path, said: str, table: pl.DataFrame | None = None, target: str = "bought", learners: str = QUICK
) -> Study:
    made = small_study(
        folder / "s", people(240) if table is None else table, target, trials=0, extra="", networks=False
    )
    path = made.folder / "study.yaml"
    text = path.read_text()
    text = text[: text.index("learners:")] + learners
    path.write_text(text.replace("problem:\n", f"problem:\n{said}", 1).replace("threads: 2", "threads: 1"))
    return Study(made.folder)


@pytest.mark.parametrize(
    ("said", "message"),
    [
        ("  loss: focl\n", "problem.loss: there is no loss 'focl' (did you mean 'focal'?)"),
        ("  loss: {focal: {gama: 2}}\n", "Focal has no setting 'gama' (did you mean 'gamma'?)"),
        ("  loss: [focal]\n", "problem.loss: must be a name, or one name with its settings, such as {focal: {gamma: 2}}"),
        ("  loss: huber\n", "the loss 'huber' does not suit 'bought'. Rule: huber is for regression"),
        ("  loss: {weighted: {weights: {yes: 2, nay: 1}}}\n", None),
        ("  calibrate: isotonc\n", "problem.calibrate: there is no calibrator 'isotonc' (did you mean 'isotonic'?)"),
        ("  decide: {recal: 0.9}\n", "problem.decide: must be one target, {recall: 0.9} or {precision: 0.8} (did you mean 'recall'?)"),
        ("  decide: {recall: 90}\n", "the target recall must be a share between 0 and 1"),
        ("  decide: {recall: 0.9}\n  costs: {false_positive: 1, false_negative: 2}\n", "problem.costs and problem.decide both set the threshold"),
        ("  imbalance: smote\n", "problem.imbalance: must be one of none, weights, oversample, undersample"),
    ],
)  # fmt: skip
def test_mistakes_in_a_binary_study(tmp_path: Path, said: str, message: str | None) -> None:
    if message is None:  # a label that is not there is known once training rows are: told by the first fit
        with pytest.raises(ConfigError, match="weighs the label 'nay'"):
            study(tmp_path, said).baseline()
        return
    with pytest.raises(FieldguideError, match=re.escape(message)):
        study(tmp_path, said).frame()


@pytest.mark.parametrize(
    ("said", "message"),
    [
        (
            "  loss: focal\n",
            "the loss 'focal' does not suit 'price'.*the task is regression. Do: use one of absolute_error, huber",
        ),
        ("  decide: {recall: 0.9}\n", "problem.decide asks for a recall, and the task of 'price' is regression"),
        ("  calibrate: temperature\n", "problem.calibrate is temperature, and 'price' has no probabilities"),
        ("  imbalance: weights\n", "problem.imbalance is weights, and 'price' has no classes"),
    ],
)
def test_mistakes_in_a_regression_study(tmp_path: Path, said: str, message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        study(tmp_path, said, houses(120), "price").frame()


def test_poisson_refuses_what_is_below_zero(tmp_path: Path) -> None:
    table = houses(120).with_columns(pl.col("price") - 400.0)
    with pytest.raises(
        ConfigError,
        match=r"the loss 'poisson' cannot take 'price'. Rule: its targets are 0 or more. Found: the least is -",
    ):
        study(tmp_path, "  loss: poisson\n", table, "price").frame()


def test_everything_reaches_the_model(tmp_path: Path, command: Command) -> None:
    said = "  loss: {weighted: {weights: balanced}}\n  imbalance: oversample\n  decide: {recall: 0.8}\n  calibrate: {temperature: {bias: true}}\n"
    made = study(tmp_path, said)
    made.run(trials=0)
    facts = made.finalize().facts
    (worth,) = facts["calibrators"]
    assert worth["calibrator"] == "temperature" and worth["n"] == len(made.material.divided.split.development)
    assert abs(np.log(worth["after"]["ratio"])) < abs(np.log(worth["before"]["ratio"])) + 0.05
    assert facts["operating"]["recall"]["n"] > 0
    model = load_model(made.folder / "model")
    inner: Any = model.predictor
    assert [c.name for c in inner.calibrators] == ["temperature"]
    answers = model.predict(people(240).drop("bought"))
    positive = answers["probability_yes"].to_numpy()
    assert answers["prediction"].to_list() == ["yes" if p >= model.thresholds[0] else "no" for p in positive]  # type: ignore[operator]
    assert positive.mean() == pytest.approx((people(240)["bought"] == "yes").mean(), abs=0.08)
    entries = made.record.result("baseline")
    assert entries is not None and all(entry["recipe"]["balance"] == "oversample" for entry in entries["entries"])
    assert command("report", made.folder).status == 0
    assert "Calibrated on validation predictions" in (made.folder / "report.html").read_text()


def test_the_remedies_for_imbalance(tmp_path: Path, command: Command) -> None:
    rare = people(600, seed=8).filter((pl.col("bought") == "yes") | (pl.int_range(pl.len()) % 5 == 0))
    learners = "learners: {use: [prior, linear, mlp], settings: {mlp: {n_epochs: 3, d_hidden: 16}}}\nsplit: {folds: 2, repeats: 1}\n"
    made = study(tmp_path, "  costs: {false_positive: 4, false_negative: 1}\n", rare, learners=learners)
    made.train()
    done = command("imbalance", made.folder, "--candidate", "mlp")
    assert done.status == 0 and "focal loss" in done.out and "moving the threshold of mlp saves" in done.out
    facts = Study(made.folder).imbalance("mlp").facts
    remedies = {entry["remedy"]: entry for entry in facts["remedies"]}
    assert list(remedies) == ["as it is", "weights", "oversample", "undersample", "focal loss"]
    plain = remedies["as it is"]
    assert plain["gain"]["over_the_threshold"]["value"] == 0.0 and facts["stated"]
    assert plain["gain"]["over_a_half"]["value"] == pytest.approx(
        plain["at_a_half"]["cost"] - plain["at_the_threshold"]["cost"]
    )
    assert min(p["cost"] for p in plain["curve"]) <= plain["at_a_half"]["cost"] + 1e-9
    assert remedies["weights"]["calibration"]["before"]["ratio"] != plain["calibration"]["before"]["ratio"]
    assert command("report", made.folder).status == 0
    assert "What each remedy bought" in (made.folder / "report.html").read_text()


def test_imbalance_needs_one_event(tmp_path: Path, command: Command) -> None:
    made = study(tmp_path, "", houses(120), "price")
    done = command("imbalance", made.folder)
    assert done.status == 2 and "compared for binary outputs, and 'price' is regression" in done.err


def test_a_loss_of_ones_own_trains_and_its_folder_needs_no_code(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    code = tmp_path / "code"
    code.mkdir()
    (code / "own_losses.py").write_text(
        "def cube(logits, target):\n    return (logits - target).abs().pow(3).mean(1)\n"
    )
    monkeypatch.syspath_prepend(code)
    monkeypatch.setattr(
        _network, "_installed", lambda package: False
    )  # writing a graph takes long, and is tested elsewhere
    learners = (
        "learners: {use: [prior, mlp], settings: {mlp: {n_epochs: 3, d_hidden: 16}}}\nsplit: {folds: 2, repeats: 1}\n"
    )
    made = study(tmp_path, "  loss: own_losses:cube\n", houses(120), "price", learners)
    scope = made._scope("train")
    made.train()
    made.package("mlp", tmp_path / "model")
    (code / "own_losses.py").unlink()
    sys.modules.pop("own_losses")
    assert load_model(tmp_path / "model").predict(houses(20).drop("price")).height == 20
    assert "own_losses" not in sys.modules
    (code / "own_losses.py").write_text(
        "def cube(logits, target):\n    return 2 * (logits - target).abs().pow(3).mean(1)\n"
    )
    monkeypatch.setattr(sys, "dont_write_bytecode", True)
    assert Study(made.folder)._scope("train") != scope, "where the code changes, the step runs again"
