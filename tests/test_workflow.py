"""A study from end to end: the order, the gates, resuming, the same numbers."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import numpy as np
import polars as pl
import pytest

import fieldguide as fg
from conftest import houses, people, small_study
from fieldguide.core.errors import GateError, StudyError
from fieldguide.core.finding import SEVERITIES
from fieldguide.faces.report import content
from fieldguide.workflow import STEPS, Study

TIMED = ("table", "seconds", "latency_ms", "time", "hash", "before", "curve", "megabytes")


def untimed(value: object) -> object:
    """Facts without what a clock says."""
    if isinstance(value, dict):
        return {k: untimed(v) for k, v in value.items() if k not in TIMED}
    return [untimed(v) for v in value] if isinstance(value, list) else value


def facts_of(study: Study) -> str:
    return json.dumps([untimed(r.to_dict()) for r in Study(study.folder).results()], sort_keys=True)


def test_every_step_leaves_its_result(finished: Study) -> None:
    assert [r.step for r in finished.results()] == list(STEPS)
    document = finished.to_dict()
    assert document["scores"][0]["rows"] == "test"
    assert document["scores"][0]["looks"] == 1
    low, high = document["score"]["interval"]
    assert low <= document["score"]["value"] <= high
    assert {f["severity"] for f in document["findings"]} <= set(SEVERITIES)
    json.dumps(document)


def test_the_leaderboard_has_no_test_column(finished: Study) -> None:
    assert {row["score"]["rows"] for row in finished.leaderboard()} == {"validation"}
    values = [row["score"]["value"] for row in finished.leaderboard()]
    assert values == sorted(values, reverse=True)


def test_the_parts_are_disjoint_and_sealed_rows_are_in_no_step(finished: Study) -> None:
    split = finished.material.divided.split
    assert not set(split.development) & set(split.test)
    assert finished.material.development.n_rows == len(split.development)
    assert len(finished._bench.rows) == len(split.development)


def test_a_second_finalize_refuses_then_takes_a_reason(finished: Study, tmp_path: Path) -> None:
    study = Study(shutil.copytree(finished.folder, tmp_path / "copy"))
    fix_table(study, finished)
    with pytest.raises(GateError, match=r"already opened by finalize at 20.*give --reason"):
        Study(study.folder).finalize()
    result = Study(study.folder).finalize(reason="a column was misread")
    assert [look["reason"] for look in result["looks"]] == ["", "a column was misread"]
    assert result["scores"][0]["looks"] == 2
    assert any(f.code == "FG801" and f.fired for f in result.findings)
    assert (study.folder / "model").is_dir()
    assert (study.folder / "model.1").is_dir()


def fix_table(study: Study, origin: Study) -> None:
    text = (study.folder / "study.yaml").read_text()
    line = next(line for line in text.splitlines() if line.startswith("  table:"))
    (study.folder / "study.yaml").write_text(text.replace(line, f"  table: {origin.config.data.table}"))


def test_finalize_before_run_is_a_closed_gate(tmp_path: Path) -> None:
    study = small_study(tmp_path / "s", people(100), "bought")
    with pytest.raises(GateError, match="no candidate was chosen yet"):
        study.finalize()


def test_the_same_seed_gives_the_same_numbers_and_the_same_seal(tmp_path: Path) -> None:
    first = small_study(tmp_path / "a", people(150), "bought", trials=1)
    second = small_study(tmp_path / "b", people(150).sample(fraction=1.0, shuffle=True, seed=1), "bought", trials=1)
    third = small_study(tmp_path / "c", people(150), "bought", trials=1)
    for study in (first, second, third):
        study.run()
    sealed = [
        set(map(tuple, s.material.framed.table.frame[s.material.divided.split.test].drop("joined").rows()))
        for s in (first, second)
    ]
    assert sealed[0] == sealed[1]
    assert facts_of(first) == facts_of(third)


def test_running_again_runs_nothing(tmp_path: Path) -> None:
    study = small_study(tmp_path / "s", people(120), "bought", trials=1, networks=False)
    study.run()
    n_trials = sum(1 for _ in Study(study.folder).journal.records("trial"))
    begun = []
    Study(study.folder, watch=begun.append).run()
    assert [e for e in begun if e["event"] == "trial"] == []
    assert sum(1 for _ in Study(study.folder).journal.records("trial")) == n_trials


def test_every_answer_that_is_given_is_written(tmp_path: Path) -> None:
    answers = {
        "loss": "focal",
        "assumptions": ["prices stay"],
        "calibrate": "isotonic",
        "purpose": "understand",
        "unit": "a person",
    }
    study = Study.create(people(120), "bought", out=tmp_path / "s", **answers)
    said = study.config.problem
    assert (said.loss, said.calibrate, said.purpose, said.unit) == ("focal", "isotonic", "understand", "a person")
    assert list(said.assumptions) == ["prices stay"]


def test_answering_a_question_runs_nothing_again(tmp_path: Path) -> None:
    study = small_study(tmp_path / "s", people(120), "bought", trials=0, networks=False)
    study.run()
    path = study.folder / "study.yaml"
    path.write_text(path.read_text().replace("  goal:", "  goal: Sell more  #"))
    answered = Study(study.folder)
    framed = next(result for result in answered.results() if result.step == "frame")
    (first,) = (entry for entry in framed["statement"] if entry["entry"] == "goal")
    assert (first["value"], first["status"], framed["problem"]["goal"]) == ("Sell more", "answered", "Sell more")
    unanswered = next(finding for finding in framed.findings if finding.code == "FG101")
    assert "problem.goal" not in unanswered.sentence and "problem.unit" in unanswered.sentence
    assert content(answered)["header"]["goal"] == "Sell more"
    begun = []
    Study(study.folder, watch=begun.append).run()
    assert [e["step"] for e in begun if e["event"] == "step"] == ["frame"]


def test_changed_data_is_refused(tmp_path: Path) -> None:
    people(120).write_csv(tmp_path / "t.csv")
    study = small_study(tmp_path / "s", tmp_path / "t.csv", "bought")
    study.split()
    people(120, seed=8).write_csv(tmp_path / "t.csv")
    with pytest.raises(StudyError, match="the data has changed since the test set was sealed"):
        Study(study.folder).explore()


def test_another_split_is_refused_once_sealed(tmp_path: Path) -> None:
    study = small_study(tmp_path / "s", people(120), "bought")
    study.split()
    path = study.folder / "study.yaml"
    path.write_text(path.read_text().replace("split: {folds: 3", "split: {test: 0.3, folds: 3"))
    with pytest.raises(StudyError, match="asks for another split than the one that was sealed"):
        Study(study.folder).explore()


def test_a_lost_seal_is_refused(tmp_path: Path) -> None:
    study = small_study(tmp_path / "s", people(120), "bought")
    study.split()
    shutil.rmtree(study.folder / "seal")
    with pytest.raises(StudyError, match=r"the seal of .* is gone"):
        Study(study.folder).explore()


def test_ignoring_a_column_later_moves_no_row_across_the_seal(tmp_path: Path) -> None:
    study = small_study(tmp_path / "s", people(120), "bought")
    before = study.material.divided.split.test
    (study.folder / "study.yaml").write_text(
        (study.folder / "study.yaml").read_text().replace("data:\n", "data:\n  columns: {spend: ignore}\n")
    )
    again = Study(study.folder)
    assert np.array_equal(again.material.divided.split.test, before)
    assert "spend" not in [c.name for c in again.material.development.features]


def test_regression_runs_to_a_model(tmp_path: Path) -> None:
    study = small_study(tmp_path / "s", houses(), "price", trials=2)
    study.run()
    result = study.finalize()
    assert result["scores"][0]["metric"] == "rmse"
    assert result["scores"][0]["value"] < 40
    answers = fg.load_model(study.folder / "model").predict(houses(20, seed=6))
    assert answers.columns == ["row", "prediction"]
    assert np.corrcoef(answers["prediction"], houses(20, seed=6)["price"])[0, 1] > 0.9


def test_multiclass_with_a_given_test_column_and_a_log_target(tmp_path: Path) -> None:
    table = houses(240).with_columns(
        part=pl.when(pl.int_range(240) % 5 == 0).then(pl.lit("yes")).otherwise(pl.lit("no"))
    )
    study = small_study(
        tmp_path / "s",
        table.drop("price"),
        "district",
        trials=0,
        networks=False,
        extra="split: {column: part, test: yes}\n",
    )
    study.run()
    study.finalize()
    assert study.material.divided.split.test.tolist() == list(range(0, 240, 5))
    assert study.to_dict()["score"]["metric"] == "log_loss"
    logged = small_study(tmp_path / "t", houses(120), "price", trials=0, networks=False)
    text = (
        (logged.folder / "study.yaml")
        .read_text()
        .replace("  task: regression", "  transform: log1p\n  task: regression")
    )
    (logged.folder / "study.yaml").write_text(text)
    logged = Study(logged.folder)
    logged.run()
    assert logged.to_dict()["score"]["metric"] == "rmsle"


def test_a_time_column_that_orders_the_rows_is_acted_on(tmp_path: Path) -> None:
    days = pl.date_range(pl.date(2022, 1, 1), pl.date(2022, 12, 31), eager=True)
    table = pl.DataFrame({"day": days, "x": np.arange(365) % 7, "sold": np.arange(365) + np.arange(365) % 7})
    study = small_study(tmp_path / "s", table, "sold", trials=0, networks=False)
    facts = study.split().facts
    assert facts["scheme"] == "chronological"
    assert facts["cut"] > "2022-10"
    split = study.material.divided.split
    assert max(split.development) < min(split.test)


def test_along_time_the_shipped_model_learns_the_newest_rows_once_they_were_judged(tmp_path: Path) -> None:
    days = pl.date_range(pl.date(2022, 1, 1), pl.date(2022, 12, 31), eager=True)
    table = pl.DataFrame(
        {"day": days, "x": np.arange(365) % 7, "sold": np.arange(365) % 7 + np.random.default_rng(0).normal(size=365)}
    )
    models, scores = {}, {}
    for newest in ("learn", "leave"):
        study = small_study(tmp_path / newest, table, "sold", trials=0, networks=False)
        path = study.folder / "study.yaml"
        path.write_text(path.read_text().replace("split: {", f"split: {{newest: {newest}, "))
        study = Study(study.folder)
        study.run()
        result = study.finalize()
        scores[newest], n_test = result["scores"], study.split()["n_test"]
        models[newest] = fg.load_model(study.folder / "model")
        assert models[newest].evidence["fitted_on"] == {
            "judged": 365 - n_test,
            "shipped": 365 - (newest == "leave") * n_test,
        }
        fired = [f.fired for f in result.findings if f.code == "FG806"]
        assert fired == [newest == "learn"]
    assert scores["learn"] == scores["leave"], "the score is that of the rows before, either way"
    late = {"day": "2022-12-31", "x": 1}
    answers = {newest: model.predict(pl.DataFrame([late]))["prediction"][0] for newest, model in models.items()}
    assert answers["learn"] != answers["leave"]


def test_nobody_is_handed_sealed_rows_before_a_look_is_recorded(tmp_path: Path) -> None:
    study = small_study(tmp_path / "s", people(150), "bought", trials=0, networks=False)
    study.split()
    with pytest.raises(GateError, match="the seal is closed"):
        study.material.sealed()


def test_packaging_a_candidate_keeps_the_seal_closed(finished: Study, tmp_path: Path) -> None:
    looks = len(finished.seal.looks)
    model = Study(finished.folder).package("boosting", tmp_path / "trial")
    assert model.evidence["looks"] == []
    assert model.evidence["scores"][0]["rows"] == "validation"
    assert len(Study(finished.folder).seal.looks) == looks
    with pytest.raises(StudyError, match=r"no candidate 'bosting' \(did you mean 'boosting'"):
        Study(finished.folder).package("bosting", tmp_path / "other")


def test_predictions_made_elsewhere_are_judged_and_sealed_rows_cost_a_look(tmp_path: Path) -> None:
    study = small_study(tmp_path / "s", people(150), "bought", trials=0, networks=False)
    study.baseline()
    development = np.sort(study.material.divided.split.development)
    half = pl.DataFrame({"row": development, "probability_yes": np.full(len(development), 0.5)})
    result = study.evaluate(half)
    assert [(s["rows"], s["value"]) for s in result["scores"]] == [("validation", 0.5)]
    assert study.seal.looks == []
    everything = pl.DataFrame({"row": range(150), "probability_yes": np.linspace(0, 1, 150)})
    asked = study.evaluate(everything)
    assert [s["rows"] for s in asked["scores"]] == ["validation"] and study.seal.looks == []
    n_sealed = len(study.material.divided.split.test)
    assert asked["n_left_out"] == n_sealed
    assert asked["sentence"].endswith(f"; {n_sealed} sealed rows were left out: --test judges them too, and is look 1")
    sealed = pl.DataFrame({"row": np.sort(study.material.divided.split.test)}).with_columns(probability_yes=0.5)
    with pytest.raises(GateError, match=r"predictions are of sealed rows.*sealed rows cost a look.*--test"):
        study.evaluate(sealed)
    looked = study.evaluate(everything, test=True)
    assert {s["rows"] for s in looked["scores"]} == {"validation", "test"} and looked["n_left_out"] == 0
    assert looked["sentence"].endswith(", look 1 at the sealed rows; the next one, finalize's too, needs a reason")
    assert [look["by"] for look in study.seal.looks] == ["evaluate a data frame"]
    with pytest.raises(GateError, match="already opened by evaluate a data frame"):
        study.evaluate(everything, test=True)
    assert {s["rows"] for s in study.evaluate(everything, "to see it fail")["scores"]} == {"validation", "test"}


def test_a_large_table_is_worked_on_by_a_sample_and_refitted_on_all_rows(tmp_path: Path) -> None:
    study = small_study(tmp_path / "s", people(600), "bought", trials=0, networks=False)
    path = study.folder / "study.yaml"
    path.write_text(path.read_text().replace("data:\n", "data:\n  sample: 150\n"))
    study = Study(study.folder)
    study.run()
    facts = study.split().facts
    assert abs(facts["n_work"] - 150) <= 5
    assert facts["n_development"] == 510
    assert any(f.code == "FG207" and f.status == "passed" for f in study.split().findings)
    assert study.explore()["n_rows"] == facts["n_work"]
    assert study.finalize()["n_refit"] == 510


def test_a_metric_changed_after_the_fact_is_obeyed_and_told_for_ever(tmp_path: Path) -> None:
    study = small_study(tmp_path / "s", people(120), "bought", trials=0, networks=False)
    study.baseline()
    path = study.folder / "study.yaml"
    line = next(line for line in path.read_text().splitlines() if line.startswith("  # metric"))
    path.write_text(path.read_text().replace(line, "  metric: brier"))
    again = Study(study.folder)
    (found,) = [f for f in again.explore().findings if f.code == "FG311"]
    assert found.fired
    assert "ROC AUC before the metric became Brier score" in found.sentence
    assert again.baseline()["entries"][0]["scores"][0]["metric"] == "brier"


def test_the_purpose_to_understand_prefers_the_simpler_model(finished: Study) -> None:
    from dataclasses import replace

    from fieldguide.core.leaderboard import preferred, ranked

    entries = list(finished.record.result("refine")["entries"])
    problem = replace(finished.problem, purpose="understand")
    assert preferred(finished.problem, entries) is ranked(finished.problem, entries)[0]
    assert preferred(problem, entries)["kind"] == "simple"


def test_what_is_asked_beside_a_short_run_is_about_its_bar(tmp_path):
    rng = np.random.default_rng(3)
    x = rng.normal(size=(200, 2))
    study = fg.Study.create({"a": x[:, 0], "b": x[:, 1], "y": x[:, 0] > 0}, target="y", out=tmp_path / "study")
    study.run(fast=True)
    again = fg.Study(tmp_path / "study")
    explained = again.explain()
    assert explained["candidate"] == study.baseline()["bar"]
    assert sum(record["data"]["step"] == "baseline" for record in again.journal.records("done")) == 1
    settings = tmp_path / "study" / "study.yaml"
    settings.write_text(settings.read_text() + "learners: {skip: [rule]}\n")
    changed = fg.Study(tmp_path / "study")
    changed.explain()
    assert sum(record["data"]["step"] == "baseline" for record in changed.journal.records("done")) == 2
