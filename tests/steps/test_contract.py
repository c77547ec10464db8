"""The contract along a study: drafted, accepted, broken, migrated; what a new definition of the target makes stale."""

from __future__ import annotations

import json
import re
from pathlib import Path

import polars as pl
import pytest

from conftest import Command, people
from fieldguide.core.documents.data_contract import load_contract
from fieldguide.core.errors import ConfigError, StudyError
from fieldguide.workflow import Study


@pytest.fixture
def study(tmp_path: Path) -> Study:
    people(800).write_csv(tmp_path / "people.csv")
    return Study.create(tmp_path / "people.csv", target="bought", out=tmp_path / "study")


def told(result) -> list[str]:
    return [f"{f.code} {f.severity}" for f in result.findings if f.fired]


def rewrite(study: Study, **changes: pl.Expr) -> Study:
    """Change the table of a study and open it again."""
    path = study.config.data.table
    pl.read_csv(path).with_columns(**changes).write_csv(path)
    return Study(study.folder)


def edit(study: Study, pattern: str, text: str) -> Study:
    path = study.folder / "contract.yaml"
    changed, n = re.subn(pattern, text, path.read_text(), count=1)
    assert n == 1
    path.write_text(changed)
    return Study(study.folder)


def test_a_study_without_a_contract_says_how_to_get_one(study: Study) -> None:
    silent = [f for f in study.frame().findings if "FG121" <= f.code <= "FG129"]
    assert len(silent) == 9 and {f.status for f in silent} == {"not_applicable"}
    with pytest.raises(StudyError, match=r"this study has no contract.*features FOLDER --write"):
        study.features()


def test_a_draft_is_a_valid_contract_that_its_own_table_keeps(study: Study) -> None:
    result = study.features(write=True)
    said = load_contract(study.folder / "contract.yaml").features
    assert list(said) == ["age", "city", "member", "spend", "joined"]
    assert said["age"].kind == "number" and 0.9 < (said["age"].coverage or 0) < 0.95
    assert told(result) == [] and result["sentence"].startswith("5 of 5 features keep the contract, 1 target in it")
    with pytest.raises(StudyError, match=r"contract.yaml already exists.*never replaces it"):
        study.features(write=True)


def test_an_accepted_meaning_is_kept_or_gets_a_new_version(study: Study) -> None:
    study.features(write=True)
    assert study.features(accept=True)["accepted"] == 1
    again = rewrite(study, age=pl.col("age") * 12)
    assert told(again.features()) == ["FG124 error"]
    with pytest.raises(StudyError, match=r"1 definition.*without a new version.*FG124.*--reason"):
        again.features(accept=True)
    raised = edit(study, r"(age:(?:.|\n)*?)version: 1", r"\1version: 2")
    assert told(raised.features(accept=True)) == []
    back = edit(rewrite(study, age=pl.col("age") / 12), r"(age:(?:.|\n)*?)version: 2", r"\1version: 1")
    assert told(back.features()) == []  # version 1 is compared with what was accepted as version 1


def test_a_reason_accepts_what_changed(study: Study) -> None:
    study.features(write=True)
    study.features(accept=True)
    again = rewrite(study, age=pl.col("age") * 12)
    assert told(again.features(accept=True, reason="the survey now asks for months")) == []
    records = [record["data"] for record in again.journal.records("contract")]
    assert [record["number"] for record in records] == [1, 2] and records[1][
        "reason"
    ] == "the survey now asks for months"


def test_another_sample_keeps_the_contract(study: Study) -> None:
    study.features(write=True)
    study.features(accept=True)
    people(600, seed=77).write_csv(study.config.data.table)
    assert told(Study(study.folder).features()) == []


def test_frame_reports_and_runs_again_when_the_contract_changes(study: Study) -> None:
    study.features(write=True)
    assert told(study.frame()) == [f"{f.code} {f.severity}" for f in study.frame().findings if f.fired]
    late = edit(study, "available: at prediction", "available: +2d")
    assert "FG127 error" in told(late.frame())


def test_many_stale_rows_stand_in_a_file(tmp_path: Path) -> None:
    people(3000).with_columns(bought=pl.col("spend") > 80, id=pl.int_range(3000) + 10_000).write_csv(
        tmp_path / "people.csv"
    )
    study = Study.create(tmp_path / "people.csv", target="bought", out=tmp_path / "study")
    path = study.folder / "contract.yaml"
    path.write_text("targets: {bought: {definition: spent above 80, expression: spend > 80}}\n")
    study.features(accept=True)
    path.write_text("targets: {bought: {definition: spent above 20, expression: spend > 20, version: 2}}\n")
    result = Study(study.folder).features()
    (finding,) = [f for f in result.findings if f.code == "FG129"]
    n = finding.evidence["stale"]["n"]
    assert n > 1000 and len(finding.evidence["stale"]["rows"]) == 1000
    stale = pl.read_parquet(study.folder / "stale_rows.parquet")
    table = (
        pl.read_csv(tmp_path / "people.csv")
        .with_row_index("row")
        .filter(pl.col("spend").is_between(20, 80, closed="right"))
    )
    assert (
        stale.columns[:2] == ["target", "row"] and stale["row"].to_list() == table["row"].to_list() and len(stale) == n
    )
    path.write_text("targets: {bought: {definition: spent above 80, expression: spend > 80}}\n")
    assert told(Study(study.folder).features()) == ["FG121 info"]
    assert not (study.folder / "stale_rows.parquet").exists()


def test_a_contract_may_stand_elsewhere_and_must_be_there(study: Study) -> None:
    text = (study.folder / "study.yaml").read_text().replace("data:\n", "data:\n  contract: ../shared.yaml\n")
    (study.folder / "study.yaml").write_text(text)
    with pytest.raises(ConfigError, match=r"shared.yaml cannot be read"):
        Study(study.folder).frame()
    (study.folder.parent / "shared.yaml").write_text("features: {age: {unit: years}}\n")
    assert Study(study.folder).features()["features"][0]["unit"] == "years"


def test_a_target_computed_from_no_column_is_refused(study: Study) -> None:
    (study.folder / "contract.yaml").write_text("targets:\n  bought: {definition: d, expression: spnd > 80}\n")
    with pytest.raises(
        ConfigError, match=r"line 2, targets.bought.expression: there is no column 'spnd' \(did you mean 'spend'"
    ):
        study.frame()


def test_the_command_shows_writes_and_accepts(study: Study, command: Command) -> None:
    assert command("features", study.folder).status == 2
    written = command("features", study.folder, "--write")
    assert written.status == 0 and "Wrote contract.yaml" in written.out and "member  member 1  boolean" in written.out
    assert "Accepted as number 1" in command("features", study.folder, "--accept").out
    rewrite(study, city=pl.col("city").str.to_uppercase())
    shown = command("features", study.folder)
    assert "FG124" in shown.out and "'Lima' to 'LIMA'" in shown.out
    document = json.loads(command("features", study.folder, "--json").out)
    assert document["status"] == "done" and document["facts"]["features"][1]["shifts"][0]["what"] == "coding"
    refused = command("features", study.folder, "--accept", "--json")
    assert refused.status == 2 and json.loads(refused.out)["error"] == "StudyError"
