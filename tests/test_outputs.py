"""Several outputs, label sets, vectors, counts and ordered labels from init to predict and report, from the command line."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest

from conftest import Command
from fieldguide.faces.report import content
from fieldguide.workflow import Study, load_model

LEARNERS = "learners: {skip: [mlp, tabm], settings: {linear: {penalty: 3.0}, boosting: {n_rounds: 20}}}\n"


def table(n: int = 160, seed: int = 0) -> pl.DataFrame:
    """Return rows with a target of every kind, all of them driven by the same two columns."""
    rng = np.random.default_rng(seed)
    x, city = rng.normal(size=(n, 3)).round(3), rng.choice(["rome", "oslo"], n)
    signal = x[:, 0] + 0.5 * x[:, 1]
    member = {"sad": signal > 0.5, "happy": signal < 0.1, "calm": x[:, 2] > 0}
    sets = [[name for name in member if member[name][i]] for i in range(n)]
    return pl.DataFrame({
        **{f"x{i}": x[:, i] for i in range(3)}, "city": city, "buy": np.where(signal + rng.normal(0, 0.7, n) > 0, "yes", "no"),
        "left": (10 * signal + rng.normal(0, 1, n)).round(2), "top": (x[:, 2] + rng.normal(0, 0.2, n)).round(2),
        "visits": rng.poisson(np.exp(0.5 * signal)), "stars": np.clip(np.digitize(signal, [-1, 0, 1]), 0, 3) + 1,
        "mood": ["|".join(labels) for labels in sets],
    })  # fmt: skip


def settle(folder: Path, problem: str | None = None) -> None:
    """Write the settings that make a study quick; `problem` replaces what init guessed."""
    path = folder / "study.yaml"
    text = path.read_text().replace("budget: {trials: 30, minutes: 10}", "budget: {trials: 0, minutes: }\nthreads: 1")
    if problem is not None:
        text = re.sub(
            r"  (target|outputs):.*?(?=\n  [#a-z]|\ndata:)(\n  task:[^\n]*)?", problem, text, count=1, flags=re.S
        )
    path.write_text(text + LEARNERS + "split: {folds: 2, repeats: 1}\nslices: [city]\n")


@pytest.fixture(scope="module")
def mixed(tmp_path_factory: pytest.TempPathFactory) -> Study:
    """A study of five outputs of five tasks, run and finalized."""
    folder = tmp_path_factory.mktemp("outputs")
    table().drop("left", "top").with_columns(price=table()["left"]).write_csv(folder / "t.csv")
    study = Study.create(folder / "t.csv", target=["buy", "price", "visits", "stars", "mood"], out=folder / "study")
    settle(study.folder)
    text = (study.folder / "study.yaml").read_text()
    assert re.search(r"- \{column: mood, task: multilabel, separator: '\|'\}  # = sets of 3 labels", text)
    text = re.sub(r"(column: visits, task: )\w+", r"\1count", text)
    text = re.sub(r"(column: stars, task: )\w+", r"\1ordinal, metric: quadratic_weighted_kappa", text)
    (study.folder / "study.yaml").write_text(text.replace("separator: '|'", "separator: '|', blank: none, weight: 2"))
    study = Study(study.folder)
    study.run()
    study.finalize()
    return study


def test_every_output_is_judged_with_an_interval_in_the_order_of_study_yaml(mixed: Study) -> None:
    scores = mixed.to_dict()["scores"]
    assert [s["output"] for s in scores] == ["buy", "price", "visits", "stars", "mood"]
    judges = [s["metric"] for s in scores]
    assert judges == ["roc_auc", "rmse", "poisson_deviance", "quadratic_weighted_kappa", "f1_micro"]
    for s in scores:
        assert s["rows"] == "test" and s["interval"][0] <= s["value"] <= s["interval"][1]
    assert all(len(row["scores"]) == 5 for row in mixed.leaderboard())
    names = {row["candidate"] for row in mixed.leaderboard()}
    assert {"prior", "rule", "linear", "neighbours", "boosting"} <= names


def test_every_learner_beats_the_prior_on_most_outputs(mixed: Study) -> None:
    entries = mixed._entries()
    better = {"roc_auc": 1, "quadratic_weighted_kappa": 1, "f1_micro": 1, "rmse": -1, "poisson_deviance": -1}
    for name in ("rule", "linear", "neighbours", "boosting"):
        pairs = zip(entries[name]["scores"], entries["prior"]["scores"])
        wins = [better[a["metric"]] * (a["value"] - b["value"]) > 0 for a, b in pairs]
        assert sum(wins) >= 4, f"{name}: {wins}"


def test_predictions_are_named_by_output_and_label(mixed: Study, tmp_path: Path, command: Command) -> None:
    rows = table(20, seed=1)
    rows.write_csv(tmp_path / "new.csv")
    for suffix in ("csv", "parquet"):
        done = command("predict", mixed.folder / "model", tmp_path / "new.csv", "-o", tmp_path / f"p.{suffix}")
        assert done.status == 0, done.err
    packed, text = pl.read_parquet(tmp_path / "p.parquet"), pl.read_csv(tmp_path / "p.csv")
    assert packed.columns == text.columns == [
        "row", "prediction_buy", "probability_buy_no", "probability_buy_yes", "prediction_price", "prediction_visits",
        "prediction_stars", *(f"probability_stars_{k}" for k in range(1, 5)),
        "prediction_mood", *(f"probability_mood_{label}" for label in ("calm", "happy", "sad")),
    ]  # fmt: skip
    assert packed["prediction_mood"].dtype == pl.List(pl.String)
    assert packed["prediction_mood"].list.join("|").to_list() == [v or "" for v in text["prediction_mood"].to_list()]
    assert set(packed["prediction_stars"]) <= {"1", "2", "3", "4"}
    assert packed["prediction_visits"].min() >= 0  # type: ignore[operator]
    cuts = load_model(mixed.folder / "model").thresholds[-1]
    for i, label in enumerate(("calm", "happy", "sad")):
        reached = packed[f"probability_mood_{label}"] >= cuts[i]  # type: ignore[index]
        assert packed["prediction_mood"].list.contains(label).to_list() == reached.to_list()


def test_any_candidate_is_packaged_with_all_outputs(mixed: Study, tmp_path: Path) -> None:
    for name in ("rule", "boosting", "neighbours"):
        model = mixed.package(name, tmp_path / name)
        predictions, broken = model.predict_rows(table(3, seed=2).to_dicts())
        assert [p.shape for p in predictions] == [(3, 2), (3, 1), (3, 1), (3, 4), (3, 3)] and not broken


def test_predictions_made_elsewhere_are_judged_alike(mixed: Study, tmp_path: Path) -> None:
    model = load_model(mixed.folder / "model")
    answers = model.predict(mixed.material.framed.table.frame.select(c.name for c in model.columns))
    rows = mixed.material.divided.split.development
    answers[rows].write_parquet(tmp_path / "theirs.parquet")
    found = mixed.evaluate(tmp_path / "theirs.parquet")
    assert [s["output"] for s in found["scores"]] == ["buy", "price", "visits", "stars", "mood"]


def test_the_report_tells_every_output(mixed: Study) -> None:
    def walk(part: Any) -> Any:
        yield part
        for inner in part.get("blocks", []):
            yield from walk(inner)

    page = content(mixed)
    blocks = [b for s in (*page["questions"], *page["steps"]) for top in s["blocks"] for b in walk(top)]
    captions = {b.get("caption") for b in blocks if b["type"] == "table"}
    assert {"Every output", "Labels of mood", "How far decisions on stars are off", "Slices of mood"} <= captions
    (told,) = [
        b
        for b in blocks
        if b["type"] == "table" and [c["name"] for c in b["columns"]][:3] == ["output", "task", "metric"]
    ]
    assert [row[1]["text"] for row in told["rows"]] == ["binary", "regression", "count", "ordinal", "multilabel"]


def run_small(folder: Path, command: Command, *targets: str, task: str, **frame: pl.DataFrame) -> dict[str, Any]:
    ((name, rows),) = frame.items()
    rows.write_csv(folder / f"{name}.csv")
    asked = [word for target in targets for word in ("--target", target)]
    done = command("init", folder / f"{name}.csv", *asked, "--task", task, "--out", folder / name)
    assert done.status == 0, done.err
    settle(folder / name)
    for verb in ("run", "finalize"):
        done = command(verb, folder / name, "--json")
        assert done.status == 0, done.err
    found: dict[str, Any] = json.loads(done.out)
    return found


def test_a_vector_is_one_output_of_several_columns(tmp_path: Path, command: Command) -> None:
    rows = table().select("x0", "x1", "x2", "city", "left", "top")
    found = run_small(tmp_path, command, "left", "top", task="vector", boxes=rows)
    assert [s["output"] for s in found["scores"]] == ["left+top"] and found["score"]["metric"] == "arrmse"
    assert found["score"]["value"] < 0.8
    answers = load_model(tmp_path / "boxes" / "model").predict(rows[:3])
    assert answers.columns == ["row", "prediction_left", "prediction_top"]
    entries = Study(tmp_path / "boxes").record.result("finalize")["outputs"][0]["drawn"]["entries"]  # type: ignore[index]
    assert [e["entry"] for e in entries] == ["left", "top"] and all(e["r2"] > 0 for e in entries)
    forest = Study(tmp_path / "boxes").package("forest", tmp_path / "forest")  # a baseline of vectors of few rows
    (values,), broken = forest.predict_rows(rows[:3].to_dicts())
    assert values.shape == (3, 2) and not broken


def test_columns_of_0_and_1_make_one_label_set(tmp_path: Path, command: Command) -> None:
    labels = ("sad", "happy", "calm")
    cells = {k: table()["mood"].str.split("|").list.contains(k).cast(pl.Int64) for k in labels}
    rows = table().select("x0", "x1", "x2", "city").with_columns(**cells)
    found = run_small(tmp_path, command, *labels, task="multilabel", moods=rows)
    assert found["score"]["metric"] == "f1_micro" and found["score"]["value"] > 0.75
    answers = load_model(tmp_path / "moods" / "model").predict(rows[:3])
    assert answers.columns == ["row", "prediction", "probability_calm", "probability_happy", "probability_sad"]
