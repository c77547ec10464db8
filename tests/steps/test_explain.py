"""Explain: numbers against loops written out, groups, counter-examples, and the verb from end to end."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest

from conftest import Command, houses, people, small_study
from fieldguide.core.errors import ContractError, DataError, StudyError
from fieldguide.core.leaderboard import preferred
from fieldguide.core.problem import Limits, Output, Problem
from fieldguide.core.rows import Rows
from fieldguide.core.seeds import generator
from fieldguide.core.table import Column
from fieldguide.parts import find
from fieldguide.steps.explain.counter import Measure, counter_examples
from fieldguide.steps.explain.partial import grid_of, partial_dependence
from fieldguide.steps.explain.permutation import groups_of, permutation_importance
from fieldguide.testing.explainer import fitted
from fieldguide.workflow import Study

BOOSTING = find("learners", "boosting")(n_rounds=12, learning_rate=0.3)


@pytest.fixture(scope="module")
def learned() -> tuple[Any, Rows, Rows]:
    """A fitted booster with a metric, its training rows and rows it has not seen."""
    predictor, background, rows = fitted(BOOSTING, "binary")
    outputs = (replace(predictor.outputs[0], metric=find("metrics", "log_loss")()),)
    return replace(predictor, outputs=outputs), background, rows


# --- permutation importance ---------------------------------------------------------------------------------------------


def test_permutation_importance_is_that_of_a_loop(learned: tuple[Any, Rows, Rows]) -> None:
    predictor, _, rows = learned
    found = permutation_importance(predictor, rows, np.arange(len(rows)), seed=4, repeats=2)
    truth = rows.truths[0]

    def log_loss(cells: dict[str, np.ndarray]) -> float:
        p = predictor.predict(cells, len(rows))[0][np.arange(len(rows)), truth]
        return float(-np.log(p).mean())

    for entry in found:
        (name,) = entry["columns"]
        worse = []
        for repeat in range(2):
            order = generator(4, "permutation", name, repeat).permutation(len(rows))
            worse.append(log_loss({**rows.cells, name: rows.cells[name][order]}) - log_loss(dict(rows.cells)))
        assert entry["value"] == pytest.approx(np.mean(worse), abs=1e-12)
        assert entry["interval"][0] <= entry["value"] <= entry["interval"][1]
    assert [e["value"] for e in found] == sorted((e["value"] for e in found), reverse=True)
    assert found[0]["interval"][0] > 0


def test_intervals_resample_whole_units(learned: tuple[Any, Rows, Rows]) -> None:
    """Every row three times, as one unit: as sure as each once, and not surer."""
    predictor, _, rows = learned
    thrice = rows.take(np.repeat(np.arange(len(rows)), 3))
    kept = [("age",)]
    wide = permutation_importance(predictor, thrice, np.repeat(np.arange(len(rows)), 3), groups=kept)[0]["interval"]
    naive = permutation_importance(predictor, thrice, np.arange(len(thrice)), groups=kept)[0]["interval"]
    assert wide[1] - wide[0] > 1.1 * (naive[1] - naive[0])


def test_a_column_no_answer_follows_from_is_worth_nothing(learned: tuple[Any, Rows, Rows]) -> None:
    predictor, _, rows = learned
    more = Rows(
        (*rows.columns, Column("noise", "number")),
        {**rows.cells, "noise": np.arange(len(rows)) * 1.0},
        rows.truths,
        None,
        len(rows),
    )
    (entry,) = permutation_importance(predictor, more, np.arange(len(rows)), groups=[("noise",)])
    assert entry == {"columns": ["noise"], "value": 0.0, "interval": [0.0, 0.0]}


def test_columns_that_an_expression_ties_together_are_dealt_together() -> None:
    columns = tuple(Column(name, "number") for name in ("a", "b", "c"))
    derived = (
        Column("a per b", "number", read={"expression": "a / b"}),
        Column("hidden", "number", read={"expression": "gone * 2"}),
    )
    assert groups_of((*derived, *columns)) == [("a", "b", "a per b"), ("hidden",), ("c",)]


# --- partial dependence -------------------------------------------------------------------------------------------------


def test_partial_dependence_is_that_of_a_loop(learned: tuple[Any, Rows, Rows]) -> None:
    predictor, _, rows = learned
    for column in rows.columns:
        found = partial_dependence(predictor, rows, column, points=5)
        grid = grid_of(rows.cells[column.name], column.kind, 5)
        (curve,) = found["curves"]
        for i, value in enumerate(grid.tolist()):
            answers = []
            for row in range(len(rows)):
                one = rows.take(np.array([row]))
                cells = {**one.cells, column.name: np.array([value], one.cells[column.name].dtype)}
                answers.append(predictor.predict(cells, 1)[0][0, 1])
            assert curve["mean"][i] == pytest.approx(np.mean(answers), abs=1e-9)
        assert curve["of"] == "yes" and len(found["grid"]) == len(grid) <= 5
        assert all(low <= mean <= high for low, mean, high in zip(curve["low"], curve["mean"], curve["high"]))


def test_the_band_is_narrow_where_a_column_acts_alike_on_all_rows() -> None:
    columns = (Column("a", "number"), Column("b", "number"))

    class Both:
        outputs = (Output("y", find("tasks", "regression")()),)

        def __init__(self, joint: bool) -> None:
            self.joint = joint

        def predict(self, cells: dict[str, np.ndarray], n_rows: int) -> tuple[np.ndarray, ...]:
            a, b = cells["a"], cells["b"]
            return ((a * b if self.joint else a + b)[:, None],)

    rng = np.random.default_rng(0)
    rows = Rows(columns, {"a": rng.normal(size=200), "b": rng.normal(size=200)}, n_rows=200)
    alike, apart = (partial_dependence(Both(joint), rows, columns[0])["curves"][0] for joint in (False, True))
    width = [np.max(np.subtract(c["high"], c["low"])) for c in (alike, apart)]
    assert width[0] < 1e-12 and width[1] > 1.0


@pytest.mark.parametrize(
    ("cells", "kind", "grid"),
    [
        (np.array([3.0, 1.0, np.nan, 1.0]), "number", [1.0, 3.0]),
        (np.array([np.nan]), "number", []),
        (np.array(["b", "a", None, "b"], object), "category", ["b", "a"]),
        (np.array([1.0, 0.0, 1.0]), "boolean", [0.0, 1.0]),
    ],
)
def test_grids(cells: np.ndarray, kind: str, grid: list[Any]) -> None:
    assert grid_of(cells, kind).tolist() == grid


# --- counter-examples ---------------------------------------------------------------------------------------------------


class Rule:
    """yes where a > 10, or where the city is Oslo."""

    outputs = (Output("y", find("tasks", "binary")(), ("no", "yes")),)

    def predict(self, cells: dict[str, np.ndarray], n_rows: int) -> tuple[np.ndarray, ...]:
        yes = (cells["a"] > 10) | (cells["city"] == "Oslo")
        return (np.stack([1.0 - yes, yes * 1.0], axis=1),)


def rows_of(a: list[float], city: list[str | None], truth: list[int]) -> Rows:
    return Rows(
        (Column("a", "number"), Column("city", "category")),
        {"a": np.array(a), "city": np.array(city, object)},
        (np.array(truth),),
        None,
        len(a),
    )


def test_the_smallest_change_that_turns_the_answer() -> None:
    usual = rows_of(
        [0.0, 5.0, 9.0, 12.0, 20.0, 3.0], ["Lima", "Lima", "Lima", "Lima", "Lima", "Oslo"], [0, 0, 0, 1, 0, 1]
    )
    near, far = counter_examples(Rule(), rows_of([9.5, -90.0], ["Lima", "Lima"], [0, 0]), usual)
    assert near["answer"] == "no" and near["change"]["column"] == "a" and near["change"]["answer"] == "yes"
    assert near["change"]["from"] == 9.5 and 10.0 < near["change"]["to"] < 10.01
    assert near["nearest"]["row"] == 3 and near["nearest"]["answer"] == "yes" and near["nearest"]["truth"] == "yes"
    assert near["nearest"]["differs"] == [{"column": "a", "here": 9.5, "there": 12.0}]
    assert far["change"]["distance"] == 1.0
    back = counter_examples(Rule(), rows_of([1.0], ["Oslo"], [1]), usual)[0]["change"]
    assert back == {"column": "city", "from": "Oslo", "to": "Lima", "answer": "no", "distance": 1.0}


def test_an_answer_that_nothing_turns() -> None:
    usual = rows_of([0.0, 5.0], ["Lima", None], [0, 0])
    (found,) = counter_examples(Rule(), rows_of([np.nan], [None], [0]), usual)
    assert found == {"answer": "no", "nearest": None, "change": None}


def test_distances_are_gowers() -> None:
    usual = rows_of(list(np.arange(101.0)), ["Lima"] * 101, [0] * 101)
    measure = Measure.of(usual)
    assert measure.ranges == (90.0, None)
    apart = measure.distances(
        rows_of([9.0, np.nan, 500.0], ["Lima", "Oslo", None], [0, 0, 0]), rows_of([0.0], ["Lima"], [0])
    )
    assert apart.tolist() == pytest.approx([0.05, 1.0, 1.0])


# --- the purpose to understand --------------------------------------------------------------------------------------------


def entry(name: str, kind: str, value: float, half: float = 0.02, ms: float = 1.0) -> dict[str, Any]:
    return {
        "candidate": name,
        "kind": kind,
        "scores": [{"value": value, "interval": [value - half, value + half]}],
        "latency_ms": ms,
    }


@pytest.mark.parametrize(
    ("purpose", "metric", "entries", "chosen"),
    [
        ("predict", "roc_auc", [entry("a", "simple", 0.80), entry("b", "boosting", 0.805)], "b"),
        ("understand", "roc_auc", [entry("a", "simple", 0.80), entry("b", "boosting", 0.805)], "a"),
        ("understand", "roc_auc", [entry("a", "simple", 0.79), entry("b", "boosting", 0.805)], "b"),  # 0.0102 is one standard error
        ("understand", "log_loss", [entry("a", "simple", 0.41), entry("b", "network", 0.405)], "a"),
        ("understand", "log_loss", [entry("a", "simple", 0.42), entry("b", "network", 0.405), entry("c", "boosting", 0.41)], "c"),
        ("understand", "roc_auc", [entry("p", "trivial", 0.80), entry("a", "simple", 0.80, ms=9.0), entry("b", "boosting", 0.805)], "b"),
        ("understand", "roc_auc", [entry("a", "simple", 0.80), entry("a2", "simple", 0.801), entry("b", "ensemble", 0.805)], "a2"),
    ],
)  # fmt: skip
def test_the_simpler_within_one_standard_error(
    purpose: str, metric: str, entries: list[dict[str, Any]], chosen: str
) -> None:
    output = Output("y", find("tasks", "binary")(), ("no", "yes"), find("metrics", metric)())
    problem = Problem((output,), purpose=purpose, limits=Limits(latency_ms=5.0))
    assert preferred(problem, entries)["candidate"] == chosen


# --- from end to end ------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory) -> Study:
    study = small_study(
        tmp_path_factory.mktemp("explained") / "s", people(160), "bought", trials=0, extra="", networks=False
    )
    path = study.folder / "study.yaml"
    text = path.read_text()
    settings = "learners: {use: [prior, linear, boosting], settings: {boosting: {n_rounds: 10}}}\nsplit: {folds: 3, repeats: 1}\n"
    path.write_text(text[: text.index("learners:")] + settings)
    made = Study(study.folder)
    made.baseline()
    return made


def test_a_study_is_explained_and_reported(small: Study, command: Command) -> None:
    done = command("explain", small.folder, "boosting", "--json")
    assert done.status == 0, done.err
    told = json.loads(done.out)
    assert told["step"] == "explain" and told["facts"]["candidate"] == "boosting"
    (output,) = told["facts"]["outputs"]
    assert output["explainer"] == "tree" and output["error"]["largest"] < 1e-9 and output["of"] == "bought is yes"
    assert {e["column"] for e in output["strength"]} == {"age", "city", "member", "spend", "joined"}
    importance = [(part["value"], part["columns"]) for part in output["importance"]]
    assert importance == sorted(importance, key=lambda part: -part[0]), "the one that matters most first"
    assert sorted(column for _, columns in importance for column in columns) == [
        "age",
        "city",
        "joined",
        "member",
        "spend",
    ]
    for row in output["rows"]:
        assert row["base"] + sum(part["value"] for part in row["parts"]) == pytest.approx(row["score"], abs=1e-9)
        assert 1 / (1 + np.exp(-row["score"])) == pytest.approx(row["prediction"], abs=1e-9)
    assert {row["truth"] for row in output["rows"]} <= {"no", "yes"}
    assert json.loads(json.dumps(Study(small.folder).explain("boosting").facts)) == told["facts"]
    page = small.folder / "page.html"
    assert command("report", small.folder, "-o", page).status == 0
    text = page.read_text()
    assert "Look into the answer" in text or "step-explain" in text
    assert text.count("Additivity error") >= 1 and "What would turn the answer" in text
    assert Study(small.folder).status()["looks"] == 0


def test_rows_of_a_file_are_explained_one_by_one(small: Study, command: Command, tmp_path: Path) -> None:
    asked = tmp_path / "asked.csv"
    people(20, seed=8).drop("bought").head(3).write_csv(asked)
    done = command("explain", small.folder, "linear", "--rows", asked)
    assert done.status == 0, done.err
    assert (
        done.out.count("additivity error") == 3
        and "linear SHAP" in done.out
        and "log-odds of the background" in done.out
    )
    facts = small.explain("linear", asked).facts["outputs"][0]
    assert [row["row"] for row in facts["asked"]] == [0, 1, 2] and "truth" not in facts["asked"][0]
    assert facts["asked"][0]["counter"]["answer"] in ("no", "yes")


def test_rows_that_are_too_many_are_counted(small: Study, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("fieldguide.steps.explain.explain.EXPLAINED", 4)
    (output,) = small.explain("linear", people(30, seed=8).drop("bought")).facts["outputs"]
    assert len(output["asked"]) == 4 and output["not_explained"] == 26


def test_bad_rows_are_refused(small: Study, tmp_path: Path) -> None:
    with pytest.raises(DataError, match=re.escape("no rows")):
        small.explain("linear", people(20).drop("bought").head(0))
    with pytest.raises((ContractError, DataError), match="age"):
        small.explain("linear", people(20).drop("age", "bought"))


def test_what_looks_at_no_column_is_not_explained(small: Study) -> None:
    with pytest.raises(StudyError, match=r"no candidate 'prior' to explain.*Rule: a candidate looks at columns"):
        small.explain("prior")
    with pytest.raises(StudyError, match=r"no candidate 'boostng' to explain \(did you mean 'boosting'\?\)"):
        small.explain("boostng")


def test_values_have_no_counter_examples(tmp_path: Path) -> None:
    table = houses(120).with_columns(per_room=pl.col("size"))
    study = small_study(tmp_path / "s", table, "price", trials=0, extra="", networks=False)
    path = study.folder / "study.yaml"
    path.write_text(path.read_text().replace("learners: {skip: [mlp, tabm]}", "learners: {use: [prior, linear]}"))
    (output,) = Study(study.folder).explain().facts["outputs"]
    assert "counter" not in output and output["explainer"] == "linear"
    for row in output["rows"]:
        assert row["score"] == pytest.approx(row["prediction"]) or "scale" in output["scale"]


def test_a_blend_is_explained_and_a_simpler_one_is_preferred_to_it(finished: Study, tmp_path: Path) -> None:
    """An ensemble that was not chosen is explained by its own members, not by the chosen candidate's."""
    from fieldguide.steps.refine.blend import blended_of

    entries = finished._entries()
    bench = finished._bench
    pair = {
        "candidate": "ensemble",
        "kind": "ensemble",
        "members": [{"candidate": "linear", "weight": 0.25}, {"candidate": "boosting", "weight": 0.75}],
    }
    blended = blended_of(bench, {**entries, "ensemble": pair}, "ensemble")
    assert [m.name for m in blended.members] == ["linear", "boosting"] and blended.weights == (0.25, 0.75)
    from fieldguide.steps.explain.explain import explain

    facts, _ = explain(bench, blended, "ensemble", entries["linear"]["thresholds"])
    (output,) = facts["outputs"]
    assert (
        facts["members"] == ["linear", "boosting"]
        and output["explainer"] == "sampling"
        and output["scale"] == "probability"
    )
    for row in output["rows"]:
        assert row["base"] + sum(part["value"] for part in row["parts"]) == pytest.approx(row["prediction"], abs=1e-9)


def test_the_choice_of_a_simpler_candidate_is_told(tmp_path: Path) -> None:
    table = people(200)
    said = {}
    for purpose in ("predict", "understand"):
        study = small_study(tmp_path / purpose, table, "bought", trials=0, extra="", networks=False)
        path = study.folder / "study.yaml"
        text = path.read_text()
        settings = "learners: {use: [prior, linear, boosting], settings: {boosting: {n_rounds: 10}, linear: {penalty: 300.0}}}\nsplit: {folds: 3, repeats: 1}\n"
        path.write_text(
            text[: text.index("learners:")].replace("problem:\n", f"problem:\n  purpose: {purpose}\n", 1) + settings
        )
        said[purpose] = Study(study.folder).run().facts
    best, simple = said["predict"], said["understand"]
    assert "purpose is to understand" not in best["sentence"]
    kinds = {e["candidate"]: e["kind"] for e in simple["entries"]}
    assert kinds[simple["chosen"]] == "simple"
    assert ("the purpose is to understand" in simple["sentence"]) == (
        simple["chosen"] != simple["entries"][0]["candidate"]
    )
    assert simple["chosen"] != best["chosen"]
