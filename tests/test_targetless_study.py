"""Tasks without a target go through the same steps as any study, from init to a report; and bad input is told in words."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from fieldguide.core.answering import Contract, answered, read_request
from fieldguide.core.errors import ConfigError, DataError, StudyError
from fieldguide.core.statistics.structure import adjusted_rand
from fieldguide.faces.report import report
from fieldguide.workflow import Study, load_model

CENTRES = np.array([[0.0, 0], [9, 0], [0, 9]])


def visitors(n: int = 320, seed: int = 0, planted: bool = True) -> tuple[pl.DataFrame, np.ndarray]:
    """Return a mixed table of three kinds of visitors, or of one kind only, and which is which."""
    rng = np.random.default_rng(seed)
    truth = rng.integers(0, 3, n)
    places = (CENTRES[truth] if planted else 0) + rng.normal(size=(n, 2))
    usual = np.where(rng.random(n) < (0.85 if planted else 0), truth, rng.integers(0, 3, n))
    frame = pl.DataFrame({
        "spent": places[:, 0].round(4), "stayed": places[:, 1].round(4), "colour": np.array(["red", "green", "blue"])[usual],
        "member": rng.random(n) < 0.5,
    })  # fmt: skip
    return frame, truth


def study_in(folder: Path, table: pl.DataFrame, problem: str, rest: str = "") -> Study:
    folder.mkdir(parents=True)
    table.write_csv(folder / "table.csv")
    said = f"problem: {{{problem}}}\ndata: {{table: table.csv}}\nbudget: {{trials: 3, minutes: }}\nthreads: 1\n{rest}"
    (folder / "study.yaml").write_text(said)
    return Study(folder)


@pytest.fixture(scope="module")
def grouped(tmp_path_factory) -> tuple[Study, pl.DataFrame, np.ndarray]:
    """Planted groups, run and finalized."""
    table, truth = visitors()
    study = study_in(
        tmp_path_factory.mktemp("clusters") / "study",
        table,
        "task: clustering, clusters: 3",
        "learners: {skip: [hdbscan, autoencoder]}\n",
    )
    study.run()
    study.finalize()
    return study, table, truth


def test_planted_groups_are_found_and_served(grouped):
    study, table, truth = grouped
    final = study.record.result("finalize")
    assert final["scores"][0]["metric"] == "silhouette" and final["scores"][0]["looks"] == 1
    told = final["structure"]
    assert told["stability"]["verdict"] == "clusters" and told["stability"]["real"]["value"] > 0.8
    assert not final["sentence"].startswith("there are no clusters")
    model = load_model(study.folder / "model")
    answers = model.predict(table)
    assert adjusted_rand(answers["prediction"].cast(pl.Int64).to_numpy(), truth) >= 0.95
    assert answers.columns == ["row", "prediction", *(f"membership_{i}" for i in range(1, told["n_clusters"] + 1))]
    contract = Contract.of(model)
    rows, _, problems = read_request(contract, table.head(3).to_dicts())
    assert not problems and answered(model, rows).decisions == answers["prediction"].head(3).to_list()
    assert not list((study.folder / "model").rglob("*.pkl")) and not list((study.folder / "model").rglob("*.onnx"))


def test_what_sets_clusters_apart_is_told(grouped):
    told = grouped[0].record.result("finalize")["structure"]["clusters"]
    assert sum(cluster["n"] for cluster in told) == 48 and all(cluster["jaccard"] > 0.7 for cluster in told)
    for cluster in told:
        named = {line["column"] for line in cluster["apart"]}
        assert {"colour"} <= named <= {"spent", "stayed", "colour"} and "member" not in named
        assert len(cluster["typical"]) == 3 and set(cluster["typical"][0]) == {"spent", "stayed", "colour", "member"}
        first = max(cluster["apart"], key=lambda line: abs(line["effect"]) if line["level"] is None else 0)
        assert first["p"] < 0.05 and abs(first["effect"]) > 0.5


def test_a_run_again_runs_nothing_and_finds_the_same(grouped):
    study = Study(grouped[0].folder)
    events: list[dict] = []
    study._told = events.append
    again = study.refine()
    assert not events and again["chosen"] == grouped[0].record.result("refine")["chosen"]
    assert [line["candidate"] for line in study.leaderboard()][-1] == "random_clusters"
    assert "ensemble" not in {line["candidate"] for line in study.leaderboard()}
    json.dumps(study.to_dict())


def test_the_report_tells_of_clusters_first(grouped):
    page = report(grouped[0]).read_text()
    assert "There are clusters here: two fits agree on sealed rows to" in page
    assert (
        "What sets each cluster apart" in page and "Sealed rows by cluster, on the two leading principal axes" in page
    )
    assert "Variance along principal axes" in page and "Is anything there?" in page


def test_noise_is_named_in_the_first_line(tmp_path):
    table, _ = visitors(260, planted=False)
    study = study_in(
        tmp_path / "noise",
        table.select("spent", "stayed"),
        "task: clustering, clusters: 3",
        "learners: {skip: [hdbscan, autoencoder]}\n",
    )
    study.run(trials=0)
    final = study.finalize()
    assert final["structure"]["stability"]["verdict"] == "none" and final["structure"]["n_clusters"] == 3
    assert final["sentence"].startswith("there are no clusters here: ")
    fired = {finding.code for finding in final.findings if finding.fired}
    assert "FG831" in fired and "FG832" not in fired
    assert "There are no clusters here: two fits agree on sealed rows to" in report(study).read_text()


def test_rows_are_reduced_from_the_command_line(command, tmp_path):
    rng = np.random.default_rng(0)
    wide = rng.normal(size=(240, 2)) @ rng.normal(size=(2, 6)) + 0.3 * rng.normal(size=(240, 6))
    pl.DataFrame(wide, schema=[f"x{i}" for i in range(6)]).write_csv(tmp_path / "wide.csv")
    folder = tmp_path / "study"
    made = command("init", tmp_path / "wide.csv", "--task", "reduction", "--components", "2", "--out", folder)
    assert made.status == 0 and "reduction of map from 6 columns of 240 rows" in made.out
    text = (folder / "study.yaml").read_text()
    assert "  components: 2  # numbers that are kept of each row\n" in text
    (folder / "study.yaml").write_text(
        text.replace("{trials: 30, minutes: 10}", "{trials: 0, minutes: }") + "learners: {skip: [tsne, autoencoder]}\n"
    )
    assert command("run", folder, "--fast").status == 0
    assert command("run", folder).status == 0 and command("finalize", folder).status == 0
    assert json.loads(command("status", folder, "--json").out)["next"] is None
    done = Study(folder).to_dict()
    assert done["score"]["metric"] == "trustworthiness" and done["score"]["rows"] == "test"
    assert command("predict", folder / "model", tmp_path / "wide.csv", "-o", tmp_path / "map.csv").status == 0
    assert pl.read_csv(tmp_path / "map.csv").columns == ["row", "prediction_1", "prediction_2"]
    kept = {line["metric"]: line for line in Study(folder).record.result("finalize")["structure"]["kept"]}
    assert kept["reconstruction"]["bar"] > 0.8 and set(kept) == {"trustworthiness", "continuity", "reconstruction"}
    assert command("package", folder, "pca", "-o", tmp_path / "pca").status == 0
    assert command("report", folder).status == 0
    assert "What is kept" in (folder / "report.html").read_text()


def test_bad_input_is_told_in_words(tmp_path):
    table, _ = visitors(60)
    cases = {
        "task: clustering, target: colour": "problem.target: a clustering has no target",
        "task: clustering, components: 2": "problem.components: is said of a reduction, and problem.task is clustering",
        "task: regression, target: spent, clusters: 3": "problem.clusters: is said of a clustering, and problem.task is regression",
        "task: clustering, clusters: 1": "clusters",
        "task: clustering, metric: rmse": "metric 'rmse' cannot judge 'cluster'",
        "task: reduction, metric: silhouette": "use one of continuity, reconstruction, trustworthiness",
        "task: clustering, clusters: 31": "problem.clusters asks for 31 clusters. Rule: a cluster holds two rows at least. Found: the table has 60 rows",
    }  # fmt: skip
    for number, (said, words) in enumerate(cases.items()):
        with pytest.raises(ConfigError) as told:
            study_in(tmp_path / str(number), table, said).frame()
        assert words in str(told.value), (said, str(told.value))
    with pytest.raises(ConfigError, match=r"split\.folds: a clustering is judged on one validation set"):
        study_in(tmp_path / "folds", table, "task: clustering", "split: {folds: 5}\n")
    with pytest.raises(ConfigError, match="no target is named"):
        Study.create(table, None, out=tmp_path / "none")
    with pytest.raises(ConfigError, match="a clustering has no target"):
        Study.create(table, "colour", task="clustering", out=tmp_path / "both")


@pytest.mark.parametrize("column", [["same"] * 60, [""] * 60])
def test_columns_that_say_nothing_are_refused(tmp_path, column):
    with pytest.raises(DataError, match="no column is left to tell rows apart by"):
        Study.create(pl.DataFrame({"a": column, "b": column}), task="clustering", out=tmp_path / "study").frame()


def test_one_column_cannot_be_reduced_and_can_be_grouped(tmp_path):
    values = np.concatenate([np.random.default_rng(0).normal(m, 1, 40) for m in (0, 20)])
    one = pl.DataFrame({"a": values})
    study = study_in(tmp_path / "reduce", one, "task: reduction, components: 1")
    with pytest.raises(ConfigError, match="rows are to be reduced to 1 number, and they have 1"):
        study.explore()
    study = study_in(tmp_path / "group", one, "task: clustering")
    assert study.baseline()["bar"] == "principal_clusters" and study.leaderboard()[0]["score"]["value"] > 0.8


@pytest.mark.parametrize("verb", ["recency", "intervals", "imbalance", "explain"])
def test_verbs_about_a_target_say_that_there_is_none(grouped, verb):
    with pytest.raises(StudyError, match=rf"{verb} asks how a target is answered.*Found: problem.task is clustering"):
        getattr(grouped[0], verb)()


def test_texts_alone_are_grouped_by_what_they_are_about_and_described_by_their_words(tmp_path):
    rng = np.random.default_rng(1)
    subjects = np.array([["rocket", "orbit", "moon", "launch"], ["goal", "team", "puck", "coach"]])
    common = ["the", "of", "and", "to", "is", "that"]
    truth = rng.integers(0, 2, 200)
    said = [" ".join([*rng.choice(subjects[k], 3), *rng.choice(common, 9), f"x{i}"]) for i, k in enumerate(truth)]
    problem = "task: clustering, clusters: 2"
    study = study_in(
        tmp_path / "study", pl.DataFrame({"said": said}), problem, "learners: {skip: [hdbscan, autoencoder]}\n"
    )
    text = (study.folder / "study.yaml").read_text().replace("trials: 3", "trials: 1")
    text = text.replace("{table: table.csv}", "{table: table.csv, columns: {said: text}}")
    (study.folder / "study.yaml").write_text(text)
    study = Study(study.folder)
    study.run()
    study.finalize()
    structure = study.record.result("finalize").facts["structure"]
    assert structure["stability"]["verdict"] == "clusters" and "dealt" not in structure["stability"]
    words = [{line["level"] for line in c["apart"]} for c in structure["clusters"]]
    assert sorted(map(sorted, words)) == sorted(map(sorted, subjects.tolist()))
    answers = load_model(study.folder / "model").predict(pl.DataFrame({"said": said}))["prediction"]
    assert adjusted_rand(truth, answers.cast(pl.Int64).to_numpy()) > 0.9
    page = report(study).read_text()
    assert "&#39;orbit&#39; in said" in page and "there is nothing to deal anew" in page
