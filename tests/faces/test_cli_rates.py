"""The verb rates as its user meets it: what it prints, the line for study.yaml, the report's section, and what it refuses."""

from __future__ import annotations

import json
import re
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest

from conftest import Command, houses
from fieldguide.core.documents.config import load_config
from fieldguide.core.result import Result
from fieldguide.faces.report import content, result_html
from fieldguide.workflow import Study

SMALL = "{mlp: {d_hidden: 8, n_layers: 1, batch_size: 64}, tabm: {k: 2, d_block: 8, batch_size: 64}}"
NETWORKS = f"learners: {{settings: {SMALL}}}\n"
LINE = re.compile(r"^  learners: .*", re.M)


def study_in(folder: Path, table: pl.DataFrame, problem: str, rest: str, data: str = "") -> Path:
    folder.mkdir(parents=True)
    table.write_csv(folder / "table.csv")
    (folder / "study.yaml").write_text(
        f"problem: {{{problem}}}\ndata: {{table: table.csv{data}}}\nthreads: 1\nbudget: {{minutes: }}\n{rest}"
    )
    return folder


@pytest.fixture(scope="module")
def tested(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A study whose networks were tested once; tests that change it take a copy."""
    folder = study_in(tmp_path_factory.mktemp("rates") / "houses", houses(80), "target: price", NETWORKS)
    Study(folder).rates()
    return folder


@pytest.fixture
def copy(tested: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(tested, tmp_path / "houses"))


def facts_of(folder: Path) -> dict[str, Any]:
    found = Study(folder).record.result("rates")
    assert found is not None
    return dict(found.facts)


def test_it_prints_what_was_found_and_one_line_for_study_yaml(tested: Path, command: Command) -> None:
    done = command("rates", tested)
    assert (done.status, done.err) == (0, "")
    facts = facts_of(tested)
    assert list(facts["networks"]) == ["mlp", "tabm"]
    title, sentence, line = done.out.splitlines()
    assert title.startswith("Test learning rates (") and sentence == f"  {facts['sentence']}"
    rates = {name: f"{test['suggested']:.2g}" for name, test in facts["networks"].items()}
    assert line == (
        f"  learners: {{settings: {{mlp: {{learning_rate: {rates['mlp']}}}, tabm: {{learning_rate: {rates['tabm']}}}}}}}"
    )


def test_the_line_is_one_that_study_yaml_takes(copy: Path, command: Command) -> None:
    line = LINE.findall(command("rates", copy).out)[0].strip()
    text = (copy / "study.yaml").read_text()
    (copy / "study.yaml").write_text(text.replace(NETWORKS.strip(), line))
    settings = load_config(copy / "study.yaml").learners.settings
    assert settings == {
        name: {"learning_rate": pytest.approx(test["suggested"], rel=0.06)}
        for name, test in facts_of(copy)["networks"].items()
    }


def test_the_test_is_run_again_where_a_setting_or_the_time_changed_and_not_otherwise(copy: Path) -> None:
    first = facts_of(copy)
    assert Study(copy).rates().facts == first
    text = (copy / "study.yaml").read_text().replace("tabm: {", "tabm: {learning_rate: 0.03, ")
    (copy / "study.yaml").write_text(text.replace("minutes: ", "minutes: 0.00001"))
    second = Study(copy).rates().facts
    assert [test["now"] for test in second["networks"].values()] == [first["networks"]["mlp"]["now"], 0.03]
    assert second["sentence"].count("the clock ended the range test of ") == 2
    (copy / "study.yaml").write_text(text)
    third = Study(copy).rates().facts["networks"]
    assert third["mlp"] == first["networks"]["mlp"] and third["tabm"]["now"] == 0.03


def test_without_a_suggestion_no_line_is_printed(copy: Path, command: Command) -> None:
    text = (copy / "study.yaml").read_text()
    (copy / "study.yaml").write_text(text.replace("minutes: ", "minutes: 0.00001"))
    done = command("rates", copy)
    assert done.status == 0 and len(done.out.splitlines()) == 2
    assert "after 1 of 120 steps" in done.out and "learners:" not in done.out


def test_as_json_it_is_one_document_and_the_seal_stays_closed(tested: Path, command: Command) -> None:
    before = (tested / "study.yaml").read_bytes()
    done = command("rates", tested, "--json")
    found = json.loads(done.out, parse_constant=lambda name: pytest.fail(f"{name} is no JSON"))
    assert (done.status, done.err, found["study"], found["status"], found["step"]) == (0, "", "houses", "done", "rates")
    assert found["facts"] == facts_of(tested) and found["findings"] == []
    assert (tested / "study.yaml").read_bytes() == before
    assert Study(tested).seal.looks == [] and Study(tested).record.result("train") is None


def test_a_learner_tested_twice_stands_once_in_the_line(
    tested: Path, command: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    def test(learner: str, suggested: float | None) -> dict[str, Any]:
        return {"learner": learner, "suggested": suggested}

    found = {
        "fusion": test("fusion", None), "mlp": test("mlp", 0.000012), "mlp on features": test("mlp", 0.5),
        "tabm": test("tabm", 1.0),
    }  # fmt: skip
    monkeypatch.setattr(Study, "rates", lambda self: Result("rates", {"sentence": "[x] said", "networks": found}))
    assert LINE.findall(command("rates", tested).out) == [
        "  learners: {settings: {mlp: {learning_rate: 1.2e-05}, tabm: {learning_rate: 1}}}"
    ]


def test_the_report_draws_each_network(tested: Path) -> None:
    section = next(s for s in content(Study(tested))["steps"] if s["title"] == "rates")
    facts = facts_of(tested)
    assert section["lead"] == facts["sentence"]
    drawn = section["blocks"][0]["blocks"]
    assert [chart["title"] for chart in drawn] == [f"{n}: loss against learning rate (adamw)" for n in ("mlp", "tabm")]
    text = result_html(Result("rates", facts))
    assert "<h2>rates</h2>" in text and text.count("<svg") == 2


def test_where_study_yaml_lets_no_network_take_part_it_says_how_to(copy: Path, command: Command) -> None:
    text = (copy / "study.yaml").read_text()
    for said in ("{skip: [mlp, tabm]}", "{use: [linear, boosting]}"):
        (copy / "study.yaml").write_text(text.replace(NETWORKS, f"learners: {said}\n"))
        done = command("rates", copy)
        assert (done.status, done.out) == (2, "")
        assert done.err.splitlines() == [
            "StudyError: there is no network to test", "  Rule: a learning rate is a network's",
            "  Found: study.yaml lets none of mlp, tabm take part", "  Do: add one to learners.use, or take it out of learners.skip",
        ]  # fmt: skip
    told = json.loads(command("rates", copy, "--json").out)
    assert (told["status"], told["what"]) == ("failed", "there is no network to test")


def test_a_folder_without_a_study_is_told(command: Command, tmp_path: Path) -> None:
    done = command("rates", tmp_path)
    assert (done.status, done.out) == (2, "") and "is not a study folder" in done.err


def test_a_study_without_a_target_is_refused(command: Command, tmp_path: Path) -> None:
    folder = study_in(tmp_path / "groups", houses(60).drop("price"), "task: clustering", "")
    done = command("rates", folder)
    assert (done.status, done.out) == (2, "")
    assert "rates asks how a target is answered, and this study has none" in done.err
    assert not (folder / "journal.jsonl").exists()


def test_of_a_forecast_the_networks_of_forecasts_are_tested(command: Command, tmp_path: Path) -> None:
    months = [str(m) for m in np.arange("2010-01", "2018-01", dtype="datetime64[M]").astype("datetime64[D]")]
    sold = 10 + 3 * np.sin(np.arange(96) * np.pi / 6) + np.random.default_rng(0).normal(size=96)
    table = pl.DataFrame({"month": months, "sold": sold.round(3)})
    problem, only = "task: forecast, target: sold, horizon: 3, window: 12", "learners: {use: [naive, dlinear]}\n"
    folder = study_in(tmp_path / "sales", table, problem, only, data=", time: month")
    done = command("rates", folder)
    assert (done.status, done.err) == (0, "")
    facts = facts_of(folder)
    assert list(facts["networks"]) == ["dlinear"] and facts["networks"]["dlinear"]["suggested"] is not None
    assert LINE.findall(done.out) == [
        f"  learners: {{settings: {{dlinear: {{learning_rate: {facts['networks']['dlinear']['suggested']:.2g}}}}}}}"
    ]
    (folder / "study.yaml").write_text((folder / "study.yaml").read_text().replace("dlinear", "nlinear"))
    assert "lets none of dlinear, recurrent, patchtst take part" in command("rates", folder).err
