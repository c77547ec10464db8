"""experiment.yaml: what is valid, and every mistake with its line and the nearest key."""

from __future__ import annotations

from pathlib import Path

import pytest

from fieldguide.core.documents.plan import Plan, draft, load_plan
from fieldguide.core.errors import ConfigError

GOOD = """name: bigger
log: sqlite:///log.db
arms:
  control: {model: old, share: 0.9}
  candidate: {model: new, share: 0.1, changes: [model]}
measures:
  clicks: {role: primary, per: request, effect: 0.01}
  seconds: {role: guardrail, better: lower, margin: 0.1}
window: 7d
wait: 12h
"""


def load(folder: Path, text: str) -> Plan:
    (folder / "experiment.yaml").write_text(text)
    return load_plan(folder)


def test_a_plan_is_read_with_paths_beside_it(tmp_path):
    plan = load(tmp_path, GOOD)
    assert (plan.control, plan.candidates, plan.primary) == ("control", ("candidate",), "clicks")
    assert plan.shares == {"control": 0.9, "candidate": 0.1}
    assert plan.arms["control"].model == tmp_path / "old"
    assert plan.of_log() == f"sqlite:///{tmp_path / 'log.db'}"
    assert plan.age == (7 * 24 + 12) * 3_600_000_000
    assert Plan.from_dict(plan.to_dict(), tmp_path).to_dict() == plan.to_dict()


@pytest.mark.parametrize("url", ["postgresql://user@host/db", "sqlite:////var/log.db"])
def test_a_log_that_stands_elsewhere_is_named_as_it_is(tmp_path, url):
    assert load(tmp_path, GOOD.replace("sqlite:///log.db", url)).of_log() == url


def test_half_a_day_is_waited_for(tmp_path):
    assert load(tmp_path, GOOD.replace("wait: 12h", "wait: 0.5d")).age == 7.5 * 86_400_000_000
    for nothing in ("0", "0h", "00 d"):
        assert load(tmp_path, GOOD.replace("wait: 12h", f"wait: {nothing}")).age == 7 * 86_400_000_000


def test_a_file_of_rows_may_be_the_log(tmp_path):
    plan = load(tmp_path, GOOD.replace("sqlite:///log.db", "players.csv"))
    assert plan.of_log() == tmp_path / "players.csv"


def test_all_mistakes_are_told_with_their_lines(tmp_path):
    text = (
        GOOD.replace("role: primary", "role: primery")
        .replace("window: 7d", "windw: 7d")
        .replace("margin: 0.1", "margin: -1")
    )
    with pytest.raises(ConfigError) as raised:
        load(tmp_path, text)
    found = raised.value.found
    assert (
        "line 7, measures.clicks.role: must be one of primary, secondary, guardrail (did you mean 'primary'?)" in found
    )
    assert "line 8, measures.seconds.margin: must be at least 0" in found
    assert "line 9, windw: unknown key (did you mean 'window'?)" in found


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("  candidate: {model: new, share: 0.1, changes: [model]}\n", "", "an experiment has two arms"),
        ("share: 0.1", "share: 0.2", "the shares sum to more than 1"),
        (", share: 0.1", "", "give every arm its share, or none"),
        ("role: primary, ", "", "exactly one measure is primary"),
        ("changes: [model]", "changes: [modle]", "did you mean 'model'?"),
        ("model: new", "model: new, url: http://x", "an arm is one system"),
        ("model: new", "python: nothing", "package.module:name"),
        ("window: 7d", "window: 3m", "m could be either"),
        ("clicks: {role", "error: {role", "an error is better when it is lower"),
    ],
)
def test_contradictions_are_told(tmp_path, old, new, said):
    with pytest.raises(ConfigError) as raised:
        load(tmp_path, GOOD.replace(old, new))
    assert said in raised.value.found


def test_without_a_plan_the_way_to_one_is_named(tmp_path):
    with pytest.raises(ConfigError, match="experiment plan FOLDER --log LOG"):
        load_plan(tmp_path)


@pytest.mark.parametrize("design", ["aa", "ab"])
def test_a_first_plan_is_valid_as_it_stands(tmp_path, design):
    plan = load(tmp_path, draft("first", "sqlite:///log.db", "outcome", "old", ["new"], design))
    assert plan.primary == "outcome"
    same = plan.arms["control"].model == plan.arms["candidate"].model
    assert same is (design == "aa")


def test_a_first_plan_on_errors_says_which_way_is_good(tmp_path):
    said = load(tmp_path, draft("trial", "log.db", "error", None, [], "ab").replace("effect: }", "effect: 0.1}"))
    assert said.measures["error"].better == "lower" and said.primary == "error"


def test_a_first_plan_of_several_candidates_names_them_by_number(tmp_path):
    text = draft("trial", "log.db", "outcome", "old", ["new", "newer"], "ab").replace("effect: }", "effect: 0.1}")
    said = load(tmp_path, text)
    assert said.candidates == ("candidate_1", "candidate_2") and said.shares["candidate_2"] == pytest.approx(1 / 3)
    assert said.arms["candidate_2"].model == tmp_path / "newer" and said.arms["candidate_1"].changes == ("model",)
