"""Row weights from study.yaml to the reported number: counted in learning and scores, or in one of them; bad ones refused."""

from __future__ import annotations

import io
import re
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest

import fieldguide as fg
from fieldguide.core.errors import ConfigError, DataError, FieldguideError
from fieldguide.core.statistics.weighting import effective_size
from fieldguide.parts import find

FEW = "learners: {use: [prior, linear]}\nsplit: {validation: 0.4}\nbudget: {trials: 0, minutes: }"
PRIOR = FEW.replace(", linear", "")


def survey(n: int = 500) -> pl.DataFrame:
    """Rows of two towns; the small one stands for most people, and x means something else there."""
    rng = np.random.default_rng(0)
    town, x = rng.choice(["big", "small"], n, p=[0.75, 0.25]), rng.normal(size=n)
    likely = 1 / (1 + np.exp(-np.where(town == "big", 2.5, -0.7) * x))
    people = np.where(town == "big", 100.0, 1200.0) * rng.uniform(0.8, 1.2, n)
    return pl.DataFrame({
        "row_name": [f"r{i}" for i in range(n)], "x": x, "town": town, "people": people.round(1), "y": (rng.random(n) < likely).astype(int)
    })  # fmt: skip


def study(folder: Path, frame: pl.DataFrame, *lines: str, data: str = "  weight: people\n") -> fg.Study:
    made = fg.Study.create(frame, target="y", out=folder / "study")
    path = made.folder / "study.yaml"
    text = re.sub(r"^budget:.*$", "", path.read_text(), flags=re.M)
    path.write_text(re.sub(r"^(  table: .*\n)", rf"\1{data}", text, flags=re.M) + "\n".join(lines) + "\n")
    return fg.Study(made.folder)


@pytest.fixture(scope="module")
def done(tmp_path_factory: pytest.TempPathFactory) -> fg.Study:
    made = study(tmp_path_factory.mktemp("weights"), survey(), FEW, "slices: [town]")
    path = made.folder / "study.yaml"
    path.write_text(
        re.sub(r"^  # costs.*$", "  costs: {false_positive: 1, false_negative: 2}", path.read_text(), flags=re.M)
    )
    path.write_text(
        re.sub(r"^  # metric.*$", "  metric: log_loss\n  calibrate: isotonic", path.read_text(), flags=re.M)
    )
    made = fg.Study(made.folder)
    made.run()
    made.finalize()
    return made


def test_the_reported_number_is_that_of_the_weighted_rows(done: fg.Study) -> None:
    facts = done.record.result("finalize").facts
    score, test = facts["scores"][0], done.material.divided.split.test
    frame = done.material.framed.table.frame[test]
    people, truth = frame["people"].to_numpy(), frame["y"].to_numpy().astype(int)
    model = fg.load_model(done.folder / "model")
    p = model.predict(survey()[test])
    p = p["probability_1"].to_numpy() if "probability_1" in p.columns else None
    assert p is not None
    two = np.column_stack([1 - p, p])
    assert score["value"] == pytest.approx(find("metrics", "log_loss")().score(truth, two, people), rel=1e-6)
    assert score["weighted"]["effective"] == pytest.approx(effective_size(people))
    assert facts["sentence"].startswith(f"{facts['chosen']}: test weighted log loss ")
    (fitted,), learned = model.predictor.calibrators, done._bench
    judged = learned.remembered(
        next(e for e in done.record.result("refine")["entries"] if e["candidate"] == facts["chosen"])
    )
    raw, own = judged.raw[0], learned.weights(judged.rows)
    again = find("calibrators", "isotonic")().fit(learned.truths(judged.rows)[0], raw, own)
    assert fitted.correct(two) == pytest.approx(again.correct(two)), "probabilities are corrected for what rows weigh"
    cut = facts["thresholds"][0]
    cost = np.average(np.where(truth == 1, 2.0 * (p < cut), 1.0 * (p >= cut)), weights=people)
    assert facts["cost"]["per_row"] == pytest.approx(cost, rel=1e-6)
    assert facts["operating"]["recall"]["value"] == pytest.approx(
        np.average(p[truth == 1] >= cut, weights=people[truth == 1])
    )
    assert facts["calibration"][0]["ratio"] == pytest.approx(np.sum(people * p) / np.sum(people * truth), rel=1e-6)
    assert np.sum(facts["predictions"]["confusion"]) == pytest.approx(len(test))
    towns = {part["name"]: part["value"] for part in facts["slices"] if "name" in part}
    small = frame["town"].to_numpy() == "small"
    expected = find("metrics", "log_loss")().score(truth[small], two[small], people[small])
    assert towns["town = small"] == pytest.approx(expected, rel=1e-6)


def test_terminal_report_and_evidence_say_weighted(done: fg.Study) -> None:
    from rich.console import Console

    from fieldguide.faces.terminal import leaderboard

    out = io.StringIO()
    Console(width=120, file=out).print(leaderboard(done.leaderboard()))
    assert "weighted log loss" in out.getvalue()
    page = fg.report(done.folder).read_text()
    assert "Test weighted log loss of" in page and "validation weighted log loss" in page
    assert "people, counted in learning and scores: 500 rows tell as much as" in page
    assert fg.load_model(done.folder / "model").evidence["scores"][0]["weighted"]["effective"] > 1
    found = next(f for f in done.split().findings if f.code == "FG210")
    assert found.fired and "tell as much as" in found.sentence
    assert "'people' weighs rows in learning and scores" in done.frame()["sentence"]


def test_predictions_made_elsewhere_are_judged_by_the_same_weights(done: fg.Study) -> None:
    frame, rows = survey(), done.material.divided.split.development
    p = np.clip(0.5 + 0.2 * frame["x"].to_numpy(), 0.02, 0.98)[rows]
    given = pl.DataFrame({"row_name": frame["row_name"].gather(rows), "probability_1": p})
    result = done.evaluate(given)
    truth, people = frame["y"].to_numpy()[rows], frame["people"].to_numpy()[rows]
    expected = find("metrics", "log_loss")().score(truth, np.column_stack([1 - p, p]), people)
    assert result["scores"][0]["value"] == pytest.approx(expected) and result["scores"][0]["weighted"]
    assert result["sentence"].startswith("validation weighted log loss ")


def test_what_is_measured_beside_the_order_weighs_too(done: fg.Study) -> None:
    found, split = done.imbalance("linear"), done.material.divided.split
    judged = split.folds[0].validation
    people = survey()["people"].to_numpy()[split.work[judged]]
    assert found["weighted"]["effective"] == pytest.approx(effective_size(people))
    assert found["share"] == pytest.approx(np.average(done.material.rows.truths[0][judged], weights=people))
    told = done.explain("linear")
    assert told["outputs"][0]["metric"] == "weighted log loss" and told["outputs"][0]["importance"][0]["columns"]
    assert "per weighted row" in found["sentence"]


@pytest.mark.parametrize(
    ("weigh", "fitted", "scored"), [("both", True, True), ("learn", True, False), ("judge", False, True)]
)
def test_one_line_says_what_weights_count_in(tmp_path: Path, weigh: str, fitted: bool, scored: bool) -> None:
    made = study(tmp_path, survey(200), PRIOR, f"population: {{weigh: {weigh}}}")
    rows = made.material.rows
    made.split()
    people = survey(200)["people"].to_numpy()[made.material.divided.split.work]
    for found, wanted in ((rows.weights, fitted), (rows.score_weights, scored)):
        assert (found is not None) == wanted
        if found is not None:
            assert found == pytest.approx(people / people.mean())
    bar = made.baseline()
    assert ("weighted" in bar["entries"][0]["scores"][0]) == scored
    assert ("weighted log loss" in bar["sentence"] or "weighted ROC AUC" in bar["sentence"]) == scored


def test_fits_and_scores_change_apart(tmp_path: Path) -> None:
    """The prior learns the share that its rows weigh, and is judged by the share that these weigh."""
    shares = {}
    for weigh in ("learn", "judge"):
        made = study(tmp_path / weigh, survey(300), PRIOR, f"population: {{weigh: {weigh}}}")
        entry = next(e for e in made.baseline()["entries"] if e["candidate"] == "prior")
        shares[weigh] = (made._bench.remembered(entry).raw[0][:, 1].mean(), entry["calibration"][0]["ratio"])
    truth = survey(300)["y"].to_numpy()[made.material.divided.split.work]
    people = survey(300)["people"].to_numpy()[made.material.divided.split.work]
    assert shares["judge"][0] == pytest.approx(truth.mean(), abs=0.02)
    assert shares["learn"][0] == pytest.approx(np.average(truth, weights=people), abs=0.03)
    assert shares["learn"][1] == pytest.approx(shares["learn"][0] / truth.mean(), rel=0.02)


def test_weights_may_be_a_derived_column_and_their_unit_does_not_matter(tmp_path: Path) -> None:
    found = {}
    for name, unit in (("one", 1), ("million", 1_000_000)):
        data = f'  weight: stands_for\n  derive: {{stands_for: "people * {unit}"}}\n'
        rows = study(tmp_path / name, survey(200), data=data).material.rows
        assert "stands_for" not in [column.name for column in rows.columns]
        found[name] = rows.weights, rows.score_weights
    for one, million in zip(found["one"], found["million"], strict=True):
        assert one == pytest.approx(million) and one.mean() == pytest.approx(1.0)


@pytest.mark.parametrize(("cells", "said"), [
    ([None, 1.0], "missing or not a number"), ([-3.0, 1.0], "negative"), (["much", "1"], "missing or not a number"), ([0.0, 0.0], "are all 0"),
    ([float("inf"), 1.0], "missing or not a number"),
])  # fmt: skip
def test_bad_weights_are_refused(tmp_path: Path, cells: list[Any], said: str) -> None:
    frame = survey(100).with_columns(pl.Series("people", [cells[0], *[cells[1]] * 99], strict=False))
    with pytest.raises(DataError) as told:
        study(tmp_path, frame).frame()
    assert said in str(told.value) and "'people'" in str(told.value)


def test_whole_weights_are_numbers_whatever_they_look_like(tmp_path: Path) -> None:
    frame = survey(120).with_columns(pl.Series("people", np.arange(120) % 2))
    made = study(tmp_path, frame)
    assert made.frame()["population"]["weights"] | {"effective": 60} == {
        "column": "people", "counts_in": "learning and scores", "n": 120, "n_zero": 60, "effective": 60,
    }  # fmt: skip
    assert made.material.rows.weights is not None


def test_a_part_that_weighs_nothing_is_refused_before_it_is_sealed(tmp_path: Path) -> None:
    frame = survey(100).with_columns(
        pl.Series("people", np.where(np.arange(100) < 80, 1.0, 0.0)), pl.Series("part", ["learn"] * 80 + ["test"] * 20)
    )
    made = study(tmp_path, frame, "split: {column: part, test: test}")
    with pytest.raises(FieldguideError, match="no sealed row weighs anything"):
        made.split()
    assert not made.seal.exists


def test_contradictions_are_told_with_their_lines(tmp_path: Path) -> None:
    with pytest.raises(
        ConfigError, match=r"population\.weigh: there is nothing to weigh by: data\.weight names no column"
    ):
        study(tmp_path / "a", survey(60), "population: {weigh: learn}", data="")
    with pytest.raises(ConfigError, match=r"population\.weigh"):
        study(tmp_path / "b", survey(60), "population: {weigh: sometimes}")
    path = study(tmp_path / "c", survey(60)).folder / "study.yaml"
    path.write_text(path.read_text().replace("  task: binary", "  task: forecast\n  horizon: 2"))
    with pytest.raises(ConfigError, match=r"data\.weight: forecasts are learned and judged window by window"):
        fg.Study(path.parent)


def test_without_weights_nothing_is_said_of_them(tmp_path: Path) -> None:
    made = study(tmp_path, survey(120), PRIOR, data="")
    entry = made.baseline()["entries"][0]
    assert "weighted" not in entry["scores"][0] and "share" not in entry["calibration"][0]["bins"][0]
    assert "weights" not in made.frame()["population"] and made.material.rows.score_weights is None
