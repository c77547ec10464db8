"""The experiment from plan to verdict, on logs of known truth."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import polars as pl
import pytest
from experiment_world import DEVICES, START, write_log, write_plan

from fieldguide.core.documents.plan import load_plan
from fieldguide.core.errors import DataError, GateError, StudyError
from fieldguide.core.online.assignment import Allocation
from fieldguide.core.online.experiment import Phase
from fieldguide.core.online.log import Outcome, predictions
from fieldguide.parts.designs.ab import AB
from fieldguide.parts.designs.forward_back import ForwardBack
from fieldguide.parts.stores import open_log
from fieldguide.steps.online import experiment
from fieldguide.steps.online.judge import Before, judge
from fieldguide.steps.online.traffic import read_traffic, units_of

END = START + timedelta(days=7)
LATER = END + timedelta(days=3)


def fired(result):
    return {finding.code for finding in result.findings if finding.fired}


def through(folder, phase=None, start=START, end=END):
    experiment.plan(folder, now=start)
    experiment.start(folder, phase, now=start)
    experiment.stop(folder, "the week is over", now=end)


def test_a_gain_is_shipped_with_an_interval_that_holds_the_truth(tmp_path):
    folder = write_plan(tmp_path / "x", write_log(tmp_path / "log.db", lift=0.15))
    through(folder)
    found = experiment.verdict(folder, now=LATER)
    assert found["verdict"]["decision"] == "ship"
    click = found["measures"][0]
    assert click["interval"][0] < 0.15 < click["interval"][1]
    assert fired(found) <= {"FG933"}


def test_no_difference_ships_nothing_and_raises_no_alarm(tmp_path):
    folder = write_plan(tmp_path / "x", write_log(tmp_path / "log.db", seed=3))
    through(folder)
    found = experiment.verdict(folder, now=LATER)
    assert found["verdict"]["decision"] in ("undecided", "keep")
    assert fired(found) <= {"FG933"}


def test_lost_units_are_named_before_the_gain(tmp_path):
    folder = write_plan(tmp_path / "x", write_log(tmp_path / "log.db", lift=0.15, lost=0.35))
    through(folder)
    found = experiment.verdict(folder, now=LATER)
    assert found["verdict"]["decision"] == "void"
    assert found["sentence"].startswith("No verdict can be trusted: sample ratio mismatch")
    assert found.findings[0].code == "FG920"


def test_units_in_another_arm_than_dealt_void_the_experiment(tmp_path):
    swapped = {"control": "candidate", "candidate": "control"}
    deal = Allocation("trial", {"control": 0.5, "candidate": 0.5})
    url = write_log(tmp_path / "log.db", deal=lambda unit: swapped[deal(unit)] if unit.endswith("7") else deal(unit))
    folder = write_plan(tmp_path / "x", url)
    through(folder)
    found = experiment.verdict(folder, now=LATER)
    assert "FG923" in fired(found)
    assert "answered by another arm than the one they were dealt" in found["sentence"]


def test_a_slower_candidate_breaches_its_guardrail(tmp_path):
    folder = write_plan(tmp_path / "x", write_log(tmp_path / "log.db", lift=0.15, slow=0.05))
    through(folder)
    found = experiment.verdict(folder, now=LATER)
    assert found["verdict"]["decision"] == "keep"
    assert "FG925" in fired(found)
    assert "guardrail seconds" in found["sentence"]


def test_young_units_are_in_no_effect(tmp_path):
    folder = write_plan(tmp_path / "x", write_log(tmp_path / "log.db", hours=20.0))
    experiment.plan(folder, now=START)
    experiment.start(folder, now=START)
    found = experiment.status(folder, now=START + timedelta(days=3))
    assert found["n_mature"] < 0.75 * found["n_units"]
    assert "FG929" in fired(found)
    assert found["running"] is True
    late = experiment.status(folder, now=LATER)
    assert late["n_mature"] == late["n_units"]


def test_where_every_answer_has_its_outcome_no_unit_is_young(tmp_path):
    url = write_log(tmp_path / "log.db", n=60)
    folder = write_plan(tmp_path / "x", url, more="units: 60")
    place = folder / "experiment.yaml"
    place.write_text(place.read_text().replace("wait: 2d\n", "").replace("click:", "bought:"))
    plan, store = load_plan(folder), open_log(url)
    ids = predictions(store)["id"].to_list()
    told = [Outcome(END, 1.0, id=ident, name="bought", recorded=END) for ident in ids]
    store.append(told[:-1])
    waiting = units_of(plan, read_traffic(plan, START, END), END)
    assert waiting.mature.height < 0.2 * waiting.frame.height, "an answer is open: 95 % of a week is waited for"
    store.append(told[-1:])
    units = units_of(plan, read_traffic(plan, START, END), END)
    assert units.mature.height == units.frame.height == 60
    store.close()


def test_every_look_is_recorded_and_its_evidence_is_kept(tmp_path):
    folder = write_plan(tmp_path / "x", write_log(tmp_path / "log.db", lift=0.12), more="units: 5000")
    experiment.plan(folder, now=START)
    experiment.start(folder, now=START)
    looks = [experiment.status(folder, now=START + timedelta(days=d)) for d in (5, 7, 9)]
    assert [look["n_looks"] for look in looks] == [1, 2, 3]
    assert looks[0]["scales"] == looks[2]["scales"]
    running = [look["measures"][0]["running_p"] for look in looks]
    assert running == sorted(running, reverse=True)
    assert looks[2]["measures"][0]["running_p"] == min(look["measures"][0]["always_p"] for look in looks)
    assert looks[2]["always"] is True


def test_a_click_that_is_not_reported_yet_is_not_known(tmp_path):
    folder = write_plan(tmp_path / "x", write_log(tmp_path / "log.db", n=200, hours=100.0))
    plan = load_plan(folder)
    clicks = [
        units_of(plan, read_traffic(plan, START, END), now).frame["numerator_click"].sum() for now in (END, LATER, None)
    ]
    assert clicks[0] < clicks[1] < clicks[2]


def test_who_is_in_no_arm_is_no_unit_of_the_arm_that_answers_all_the_same(tmp_path):
    shares = {"control": 0.3, "candidate": 0.3}
    url = write_log(tmp_path / "log.db", n=300, shares=shares)
    deal = Allocation("trial", shares)
    left = [f"w{i}" for i in range(300) if deal(f"w{i}") is None]
    write_log(
        tmp_path / "log.db", n=300, name="", deal=lambda unit: None if deal(unit) else "control", prefix="w", seed=1
    )
    folder = write_plan(tmp_path / "x", url, control="share: 0.3", candidate="share: 0.3, changes: [model]")
    plan = load_plan(folder)
    units = set(read_traffic(plan, START, END).rows["unit"])
    assert len(left) > 80 and not units & set(left)
    assert units == {f"u{i}" for i in range(300) if deal(f"u{i}")}
    through(folder)
    assert not experiment.verdict(folder, now=LATER)["ratio"]["mismatched"]


def test_a_scale_is_fixed_at_the_first_look_at_which_something_varies(tmp_path):
    plan = load_plan(write_plan(tmp_path / "x", write_log(tmp_path / "log.db", n=300)))
    phase, traffic = Phase("ab", plan.shares), read_traffic(plan, START, END)
    same = replace(traffic, rows=traffic.rows.with_columns(seconds=pl.lit(0.01)))
    _, early = judge(plan, AB(), phase, same, Before(n_planned=9_000), LATER)
    assert set(early["scales"]) == {"click"}, "a time that never varies says nothing of what a good scale is"
    _, old = judge(plan, AB(), phase, traffic, Before({"click": 0.1, "seconds": 0.0}, n_planned=9_000), LATER)
    assert old["scales"]["click"] == 0.1 and old["scales"]["seconds"] > 0


def test_the_evidence_of_an_earlier_look_is_not_lost(tmp_path):
    plan = load_plan(write_plan(tmp_path / "x", write_log(tmp_path / "log.db", n=300)))
    phase = Phase("ab", plan.shares)
    traffic = read_traffic(plan, START, END)
    now, _ = judge(plan, AB(), phase, traffic, Before(n_planned=9_000), LATER)
    later, facts = judge(plan, AB(), phase, traffic, Before(p={"click": 1e-9}, n_planned=9_000), LATER)
    assert now.primary.always_p > 0.01
    assert later.primary.always_p == 1e-9
    assert facts["measures"][0]["always_p"] == now.primary.effect.always_p


def test_harm_is_a_reason_to_stop_before_the_end(tmp_path):
    folder = write_plan(tmp_path / "x", write_log(tmp_path / "log.db", lift=-0.2, n=1_500), more="units: 9000")
    experiment.plan(folder, now=START)
    experiment.start(folder, now=START)
    found = experiment.status(folder, now=LATER)
    assert found["stop"] == "click is proven worse"
    assert found["sentence"].endswith("Stop: click is proven worse")


def test_the_phase_that_runs_deals_as_the_log_was_dealt(tmp_path):
    folder = write_plan(tmp_path / "x", write_log(tmp_path / "log.db", n=60))
    assert experiment.running(folder) is None
    experiment.plan(folder, now=START)
    experiment.start(folder, now=START)
    deal = experiment.running(folder)
    assert deal.experiment == "trial"
    assert experiment.status(folder, now=LATER)["strays"]["wrong"] == 0
    assert {deal.allocation(f"u{i}") for i in range(20)} == {"control", "candidate"}
    experiment.stop(folder, "enough", now=END)
    assert experiment.running(folder) is None


def test_gates_stand_in_order(tmp_path):
    folder = write_plan(tmp_path / "x", write_log(tmp_path / "log.db", n=60))
    with pytest.raises(GateError, match="the plan was not recorded"):
        experiment.start(folder)
    with pytest.raises(GateError, match="nothing was started"):
        experiment.verdict(folder)
    experiment.plan(folder, now=START)
    (folder / "experiment.yaml").write_text((folder / "experiment.yaml").read_text().replace("0.05", "0.5"))
    with pytest.raises(GateError, match="changed after it was recorded"):
        experiment.start(folder)
    experiment.plan(folder, now=START)
    experiment.start(folder, now=START)
    with pytest.raises(GateError, match="the phase 'ab' is running"):
        experiment.start(folder)
    experiment.stop(folder, "enough", now=END)
    with pytest.raises(StudyError, match="every phase was begun"):
        experiment.start(folder)
    with pytest.raises(GateError, match="no phase is running"):
        experiment.stop(folder, "again")


def test_a_plan_changed_after_the_start_is_told(tmp_path):
    folder = write_plan(tmp_path / "x", write_log(tmp_path / "log.db"))
    through(folder)
    (folder / "experiment.yaml").write_text(
        (folder / "experiment.yaml").read_text().replace("effect: 0.05", "effect: 0.01")
    )
    assert "FG932" in fired(experiment.verdict(folder, now=LATER))


def test_the_plan_says_how_many_units_and_days(tmp_path):
    url = write_log(tmp_path / "log.db", n=800, start=START - timedelta(days=8), name="")
    folder = write_plan(tmp_path / "x", url, more="")
    found = experiment.plan(folder, now=START)
    phase = found["power"]["phases"][0]
    assert 800 < phase["units"] < 4_000
    assert phase["shown"] == pytest.approx(0.05, rel=0.01)
    assert phase["days"] == pytest.approx(phase["units"] / found["power"]["per_day"] + 2, rel=1e-6)
    experiment.start(folder, now=START)
    two = write_plan(tmp_path / "y", url, more="", candidate="changes: [model, features]")
    assert "FG924" in fired(experiment.plan(two, now=START))


def test_a_log_without_our_arms_says_which_there_are(tmp_path):
    url = write_log(tmp_path / "log.db", n=40, deal=lambda unit: "blue")
    folder = write_plan(tmp_path / "x", url)
    through(folder)
    with pytest.raises(DataError, match="the plan has control, candidate, the log blue"):
        experiment.verdict(folder, now=LATER)


def test_a_missing_log_is_no_log(tmp_path):
    folder = write_plan(tmp_path / "x", f"sqlite:///{tmp_path / 'none.db'}")
    assert "nothing was logged yet" in experiment.plan(folder, now=START)["sentence"]
    assert not (tmp_path / "none.db").exists()


def test_aa_finds_a_path_that_loses_a_column(tmp_path):
    def seen(arm, row):
        return {**row, "device": None} if arm == "candidate" and row["device"] == "tablet" else row

    url = write_log(tmp_path / "log.db", seen=seen)
    folder = write_plan(
        tmp_path / "x", url, design="aa", control="python: experiment_world:right", candidate="python: experiment_world:loses_tablets",
    )  # fmt: skip
    through(folder)
    found = experiment.verdict(folder, now=LATER)
    assert found["verdict"]["decision"] == "bug"
    assert found["identity"]["where"]["column"] == "device"
    assert found["identity"]["where"]["level"] == "= tablet"
    assert {"FG921", "FG922"} <= fired(found)
    assert found["sentence"].startswith("An engineering bug, not a difference of models")


def test_aa_of_one_system_is_sound(tmp_path):
    url = write_log(tmp_path / "log.db", seed=5)
    same = "python: experiment_world:right"
    folder = write_plan(tmp_path / "x", url, design="aa", control=same, candidate=same)
    through(folder)
    found = experiment.verdict(folder, now=LATER)
    assert found["verdict"]["decision"] == "sound"
    assert found["identity"]["n"] > 1_000
    assert found["identity"]["n_unequal"] == 0
    assert fired(found) <= {"FG933"}


@pytest.mark.parametrize(("back", "decision", "code"), [(0.25, "ship", None), (0.0, "undecided", "FG926")])
def test_forward_and_back_agree_or_are_told_apart(tmp_path, back, decision, code):
    second = END + timedelta(days=3)
    shares = [{"control": 0.8, "candidate": 0.2}, {"control": 0.2, "candidate": 0.8}]
    log = tmp_path / "log.db"
    url = write_log(log, n=1_500, lift=0.25, shares=shares[0])
    write_log(log, n=1_500, lift=back, shares=shares[1], start=second, seed=9, prefix="w")
    folder = write_plan(tmp_path / "x", url, design="forward_back", more="units: 1200")
    design = ForwardBack(small=0.2)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(experiment, "find", lambda kind, name: lambda: design)
        through(folder)
        experiment.start(folder, now=second)
        experiment.stop(folder, "over", now=second + timedelta(days=7))
        found = experiment.verdict(folder, now=second + timedelta(days=12))
    assert [phase["phase"]["name"] for phase in found["phases"]] == ["forward", "back"]
    assert found["verdict"]["decision"] == decision
    assert ("FG926" in fired(found)) is (code is not None)


def test_slices_and_scores_from_before_are_read_from_the_log(tmp_path):
    log = tmp_path / "log.db"
    write_log(log, n=800, start=START - timedelta(days=8), name="", deal=lambda unit: "control", seed=1)
    url = write_log(log, n=800, lift=0.15, seed=2)
    folder = write_plan(tmp_path / "x", url, more="units: 700\nslices: [device]")
    through(folder)
    found = experiment.verdict(folder, now=LATER)
    assert set(found["measures"][0]["slices"]) == {f"device = {device}" for device in DEVICES}
    assert found["covariates"]["n"] == 3
    assert found["covariates"]["used"] is True
    assert found["covariates"]["unbalanced"] == []


def test_a_file_of_rows_is_judged_as_it_stands(tmp_path):
    rows = pl.DataFrame({
        "who": range(400), "group": ["a", "b"] * 200, "won": ["no", "yes", "no", "no"] * 100, "past": [1.0, 2.0] * 200,
    })  # fmt: skip
    rows.write_csv(tmp_path / "rows.csv")
    (tmp_path / "experiment.yaml").write_text(
        "name: t\nlog: rows.csv\ncolumns: {unit: who, arm: group}\narms: {a: {}, b: {}}\nmeasures: {won: {role: primary}}\n"
    )
    found = experiment.verdict(tmp_path)
    assert found["measures"][0]["value"] == pytest.approx(0.5)
    assert found["verdict"]["decision"] == "ship"
    (tmp_path / "experiment.yaml").write_text(
        (tmp_path / "experiment.yaml").read_text().replace("arm: group", "arm: grup")
    )
    with pytest.raises(DataError, match="did you mean 'group'"):
        experiment.verdict(tmp_path)


@pytest.mark.parametrize(("looks", "always"), [(0, False), (1, True)])
def test_without_a_planned_end_only_an_end_nobody_chose_is_one(tmp_path, looks, always):
    folder = write_plan(tmp_path / "x", write_log(tmp_path / "log.db", n=300), more="")
    experiment.plan(folder, now=START)
    experiment.start(folder, now=START)
    for _ in range(looks):
        experiment.status(folder, now=END)
    experiment.stop(folder, "enough", now=END)
    found = [experiment.verdict(folder, now=LATER) for _ in range(2)]
    assert [one["always"] for one in found] == [always, always]


def test_a_written_plan_names_its_paths_from_its_own_folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    experiment.write_plan(Path("trials/one"), "sqlite:///log.db", "click", "old/model", str(tmp_path / "new"))
    plan = load_plan(Path("trials/one"))
    assert plan.of_log() == f"sqlite:///{tmp_path / 'log.db'}"
    assert (plan.arms["control"].model, plan.arms["candidate"].model) == (tmp_path / "old" / "model", tmp_path / "new")
    with pytest.raises(StudyError, match="a plan is never overwritten"):
        experiment.write_plan(Path("trials/one"), "x.csv", "click")


def test_after_the_planned_end_a_later_look_reads_the_same(tmp_path):
    folder = write_plan(tmp_path / "x", write_log(tmp_path / "log.db", n=900), more="units: 500")
    plan = load_plan(folder)
    early = START + timedelta(days=7, hours=1)
    looks = []
    for end, now in ((early, LATER), (END + timedelta(days=1), LATER + timedelta(days=9))):
        judged, facts = judge(
            plan, AB(), Phase("ab", plan.shares), read_traffic(plan, START, end), Before(n_planned=500), now
        )
        looks.append((judged.complete, facts["n_judged"], facts["measures"][0]["value"]))
    assert looks[0] == looks[1]
    assert looks[0][:2] == (True, 500)


def test_answers_before_the_servers_heard_of_the_start_are_not_judged(tmp_path):
    """The first arm answers everybody until a server sees that a phase began: these units were dealt by nobody."""
    log = write_log(tmp_path / "log.db", n=600)
    early = {"days": 0.01, "hours": 1.0, "prefix": "early"}
    write_log(
        tmp_path / "log.db", n=60, name="", start=START - timedelta(minutes=30), deal=lambda unit: "control", **early
    )
    folder = write_plan(tmp_path / "trial", log, more="units: 500")
    experiment.plan(folder, now=START - timedelta(hours=1))
    experiment.start(folder, now=START - timedelta(hours=1))
    found = experiment.verdict(folder, now=LATER)
    assert sum(found["ratio"]["counts"].values()) == found["n_units"] == 600
    assert found["strays"]["wrong"] == 0 and not found["ratio"]["mismatched"]
