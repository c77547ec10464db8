"""Signals and rules from study.yaml to model: both layers judged, versions compared, nothing fitted again, looks counted."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from conftest import Command
from fieldguide.core.errors import ConfigError, ContractError, DataError, GateError, ModelError, StudyError
from fieldguide.core.language.rules import Rule, Rules, bind
from fieldguide.core.table import Column
from fieldguide.faces.report import content
from fieldguide.steps.rules.judge import Held, diff
from fieldguide.workflow import Study, load_model

SETTINGS = """problem:
  outputs:
    - {column: stars, task: ordinal, metric: accuracy}
    - {column: style, task: multiclass, metric: accuracy}
data:
  table: %s
  key: id
  columns: {region: ignore, chosen: ignore}
budget: {trials: 0, minutes: }
threads: 1
learners: {use: [prior, linear], settings: {linear: {penalty: 3.0}}}
split: {folds: 2, repeats: 1}
rules:
  order:
    - {name: keen, when: stars >= 4 and style = 'saas', decide: call}
    - {name: sure, when: probability_style_shop > 0.6 and region = 'north', decide: write}
    - {name: fine, when: "stars >= 4", decide: write}
  default: wait
"""
NEW = ("when: stars >= 4 and style = 'saas'", "when: stars >= 3 and style = 'saas'")


def leads(n: int = 400, seed: int = 1) -> pl.DataFrame:
    """Return leads whose stars and style follow from two numbers each; the decision hangs on both."""
    rng = np.random.default_rng(seed)
    x = rng.normal(size=(n, 2)).round(3)
    stars = np.clip(np.round(3 + 1.3 * x[:, 0] + rng.normal(0, 0.3, n)), 1, 5).astype(int)
    style = np.where(x[:, 1] + rng.normal(0, 0.2, n) > 0, "saas", "shop")
    style[x[:, 1] < -0.8] = "tools"
    region = rng.choice(["north", "south"], n)
    chosen = np.where((stars >= 4) & (style == "saas"), "call", np.where(stars >= 4, "write", "wait"))
    return pl.DataFrame({
        "id": [f"L{i}" for i in range(n)], "a": x[:, 0], "b": x[:, 1], "region": region, "chosen": chosen, "stars": stars, "style": style,
    })  # fmt: skip


@pytest.fixture(scope="module")
def study(tmp_path_factory: pytest.TempPathFactory) -> Study:
    """A study of two signals with rules, run and finalized."""
    folder = tmp_path_factory.mktemp("rules")
    leads().write_csv(folder / "leads.csv")
    made = folder / "study"
    made.mkdir()
    (made / "study.yaml").write_text(SETTINGS % (folder / "leads.csv"))
    found = Study(made)
    found.run()
    found.finalize()
    return found


@pytest.fixture
def copy(study: Study, tmp_path: Path) -> Path:
    return Path(shutil.copytree(study.folder, tmp_path / "study"))


def change(folder: Path, *changes: tuple[str, str]) -> Study:
    """Return the study with some words of study.yaml changed."""
    path = folder / "study.yaml"
    text = path.read_text()
    for old, new in changes:
        assert old in text
        text = text.replace(old, new)
    path.write_text(text)
    return Study(folder)


def fits(study: Study) -> int:
    return sum(1 for record in study.journal.records() if record["event"] in ("trial", "spent"))


def test_both_layers_are_judged_beside_predicting_the_decision_directly(study: Study) -> None:
    facts = study.rules_evaluate().facts
    assert [s["output"] for s in facts["signals"]] == ["stars", "style"]
    accuracy = facts["decision"]["accuracy"]
    assert accuracy["interval"][0] < accuracy["value"] < accuracy["interval"][1]
    assert accuracy["value"] > facts["decision"]["commonest"]["share"]
    table = np.array(facts["decision"]["table"])
    assert accuracy["value"] == pytest.approx(np.trace(table) / table.sum())
    assert table.sum() == facts["n"]
    assert facts["direct"]["candidate"] == "linear"
    assert facts["direct"]["difference"]["value"] == pytest.approx(
        accuracy["value"] - facts["direct"]["accuracy"]["value"]
    )
    assert {entry["output"] for entry in facts["repaired"]} == {"stars", "style"}
    assert all(0 < entry["value"] < 1 - accuracy["value"] + 1e-9 for entry in facts["repaired"])
    assert sum(rule["predicted"]["decides"] for rule in facts["rules"]) + facts["default"]["predicted"] == facts["n"]


def test_true_decisions_follow_from_true_signals(study: Study) -> None:
    facts = study.rules_check().facts
    rows = leads()[study.material.divided.split.work]
    keen = rows.filter((pl.col("stars") >= 4) & (pl.col("style") == "saas")).height
    sure = rows.filter((pl.col("style") == "shop") & (pl.col("region") == "north")).height
    assert [rule["true"]["holds"] for rule in facts["rules"]] == [keen, sure, rows.filter(pl.col("stars") >= 4).height]


def test_the_model_answers_with_a_decision_from_a_column_it_never_learned_from(study: Study) -> None:
    model = load_model(study.folder / "model")
    assert "region" not in [column.name for column in model.columns]
    answers = model.predict(leads(60, seed=9))
    stars, style = answers["prediction_stars"].cast(pl.Int64), answers["prediction_style"]
    keen = (stars >= 4) & (style == "saas")
    sure = (answers["probability_style_shop"] > 0.6) & (leads(60, seed=9)["region"] == "north")
    wanted = ["call" if k else "write" if s or n >= 4 else "wait" for k, s, n in zip(keen, sure, stars)]
    assert answers["decision"].to_list() == wanted
    assert set(answers["rule"]) <= {"keen", "sure", "fine", "(default)"}
    assert set(wanted) == {"call", "write", "wait"}
    with pytest.raises(ContractError, match="1 column is missing: region"):
        model.predict(leads(5).drop("region"))
    said = json.loads((study.folder / "model" / "rules.json").read_text())
    assert said["version"] == study.rules().rules.version
    assert f"## Rules, version {said['version']}" in (study.folder / "model" / "README.md").read_text()


def test_a_new_definition_fits_nothing_and_says_whose_decision_changes(copy: Path, tmp_path: Path) -> None:
    before = fits(Study(copy))
    study = change(copy, NEW)
    result, changed = study.rules_diff()
    facts = result.facts
    assert fits(study) == before
    assert study.run()["chosen"] == "linear"
    assert sum(1 for r in study.journal.records("trial")) == sum(1 for r in Study(copy).journal.records("trial"))
    assert facts["changed"] == changed.height == sum(move["n"] for move in facts["moves"]) > 0
    assert {(move["from"], move["to"]) for move in facts["moves"]} <= {("wait", "call"), ("write", "call")}
    assert [rule["name"] for rule in facts["rules"]] == ["keen"]
    assert set(changed["rule_now"]) == {"keen"}
    assert changed["id"].str.starts_with("L").all()
    again, _ = study.rules_diff(facts["old"][:6])
    assert again["moves"] == facts["moves"]


def test_sealed_rows_cost_a_look_that_is_recorded_before_they_are_opened(copy: Path) -> None:
    study = change(copy, NEW)
    with pytest.raises(GateError, match="already opened by finalize"):
        study.rules_diff(test=True)
    assert len(study.seal.looks) == 1
    result, _ = study.rules_diff(test=True, reason="sales wants three stars")
    look = study.seal.looks[-1]
    assert look["reason"] == "sales wants three stars"
    assert look["by"] == f"rules diff, version {result['old']} to {result['new']}"
    assert (result["rows"], result["looks"], result["n"]) == ("test", 2, len(study.material.divided.split.test))
    kept = pl.read_parquet(copy / "work" / "test_answers.parquet")
    answers = load_model(copy / "model").predict(leads()[study.material.divided.split.test])
    np.testing.assert_allclose(kept["0 4"], answers["probability_stars_5"], atol=1e-6)


def test_a_key_may_be_called_like_a_column_of_the_answer() -> None:
    columns, n = (Column("age", "number"),), 4
    old, new = (bind(Rules((Rule("old", f"age > {limit}", "call"),), "wait"), (), columns) for limit in (60, 30))
    frame = pl.DataFrame({"age": [10.0, 40.0, 70.0, None]})
    held = Held("validation", (), (), (), frame, np.arange(n), pl.Series("from", ["a", "b", "c", "d"]))
    facts, changed = diff(old, new, held, seed=0)
    assert changed.to_dicts() == [
        {"key": "b", "from": "wait", "to": "call", "rule_before": "(default)", "rule_now": "old"}
    ]
    assert facts["moves"] == [{"from": "wait", "to": "call", "n": 1}]
    assert facts["accuracy"]["old"]["value"] == facts["accuracy"]["new"]["value"] == 1.0


def test_without_kept_answers_no_look_is_spent(copy: Path) -> None:
    (copy / "work" / "test_answers.parquet").unlink()
    study = change(copy, NEW)
    with pytest.raises(StudyError, match="the answers of the model to the sealed rows are not there"):
        study.rules_evaluate(test=True, reason="curious")
    assert len(study.seal.looks) == 1


def test_other_rules_are_attached_to_the_same_weights(copy: Path, tmp_path: Path) -> None:
    study = change(copy, NEW)
    made = study.rules_attach(tmp_path / "m2")
    rows = leads(80, seed=4)
    old, new = load_model(copy / "model").predict(rows), made.predict(rows)
    assert old.drop("decision", "rule").equals(new.drop("decision", "rule"))
    assert not old["decision"].equals(new["decision"])
    with pytest.raises(StudyError, match="already exists"):
        study.rules_attach(tmp_path / "m2")
    path = tmp_path / "m2" / "rules.json"
    path.write_text(path.read_text().replace('"wait"', '"call"'))
    with pytest.raises(ModelError, match=r"rules.json.*altered"):
        load_model(tmp_path / "m2")


def test_a_column_of_true_decisions_can_be_the_truth(copy: Path) -> None:
    study = change(copy, ("  default: wait", "  default: wait\n  truth: chosen"))
    facts = study.rules_evaluate().facts
    assert facts["truth"] == "chosen"
    chosen = leads()["chosen"][study.material.divided.split.work]
    assert facts["n"] == len(chosen)
    assert {e["decision"]: e["n"] for e in facts["decision"]["each"]} == dict(chosen.value_counts().rows())
    assert facts["direct"]["accuracy"]["value"] < 1
    study = change(copy, ("truth: chosen", "truth: region"))
    with pytest.raises(DataError, match="no rule decides 'north', which stands in column 'region'"):
        study.rules_evaluate()


def test_a_rule_that_reads_the_truth_is_an_error(copy: Path) -> None:
    study = change(
        copy, ("  default: wait", "  default: wait\n  truth: chosen"), ('when: "stars >= 4"', "when: chosen = 'write'")
    )
    fired = [f for f in study.rules_check().findings if f.fired]
    assert [(f.code, f.severity, f.columns) for f in fired] == [("FG372", "error", ("chosen",))]


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("stars >= 4 and", "stras >= 4 and", r"there is no column 'stras' \(did you mean 'stars'\?\)"),
        ("style = 'saas'", "style = 'sas'", r"the rule 'keen' cannot be used: the signal 'style' has no label 'sas'"),
        ("style = 'saas'", "style > 'saas'", "'>' cannot order text"),
        ("region = 'north'", "region = 3", "'=' mixes text and a number"),
    ],
)
def test_rules_that_do_not_fit_the_table_stop_frame(copy: Path, old: str, new: str, said: str) -> None:
    study = change(copy, (old, new))
    with pytest.raises(ConfigError, match=said):
        study.frame()


def test_a_study_without_rules_says_how_to_write_them(copy: Path, command: Command) -> None:
    path = copy / "study.yaml"
    path.write_text(path.read_text().partition("rules:")[0])
    done = command("rules", "show", copy)
    assert (done.status, done.out) == (2, "")
    assert "study.yaml has no rules" in done.err
    assert "no rules" not in command("frame", copy).err


def test_the_verbs_speak(copy: Path, command: Command, tmp_path: Path) -> None:
    shown = json.loads(command("rules", "show", copy, "--json").out)
    assert shown["version"] in shown["versions"]
    assert shown["signals"]["stars"] == "number"
    assert shown["columns"] == ["region"]
    assert "keen" in command("rules", "check", copy).out
    said = command("rules", "evaluate", copy)
    assert "of the decisions on" in said.out
    none = command("rules", "diff", copy)
    assert none.status == 2
    assert "there is no other version of the rules yet" in none.err
    (tmp_path / "old.yaml").write_text((copy / "study.yaml").read_text())
    change(copy, NEW)
    done = command("rules", "diff", copy, "--against", tmp_path / "old.yaml", "-o", tmp_path / "changed.csv")
    assert done.status == 0
    facts = json.loads(command("rules", "diff", copy, "--against", tmp_path / "old.yaml", "--json").out)["facts"]
    assert pl.read_csv(tmp_path / "changed.csv").height == facts["changed"]
    nowhere = command("rules", "diff", copy, "--against", "0000")
    assert "there is no version '0000' of the rules" in nowhere.err
    sections = {section["id"] for section in content(Study(copy))["steps"]}
    assert {"step-rules", "step-rules_diff"} <= sections
