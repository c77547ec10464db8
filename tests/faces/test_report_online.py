"""The online sections of the report: traffic, replay, drift, gap and experiments, in plain data and in a real browser."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime, timedelta
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest

sys.path.insert(0, str(Path(__file__).parents[1] / "steps"))
sys.path.insert(0, str(Path(__file__).parent / "server"))
from experiment_world import START, write_log, write_plan
from serving_cases import model_folder

from conftest import people
from fieldguide.core.answering import Contract, answered, folder_hash, read_request
from fieldguide.core.online.log import Outcome, Prediction, Refusal
from fieldguide.core.result import Result
from fieldguide.faces.report import _retrained, content, content_of_experiments, report
from fieldguide.faces.server.arms import Arm
from fieldguide.parts.stores import open_log
from fieldguide.steps.online import experiment
from fieldguide.steps.online.online import online, traffic_of_log
from fieldguide.steps.online.refresh import keep_beside
from fieldguide.workflow import Study, load_model

CHROMIUM = Path("/usr/bin/chromium")
FIRST = datetime(2026, 1, 5)
HOSTILE = "<img src=x onerror=alert(1)>"
N = 900


def write_served(path: Path, folder: Path) -> str:
    """Write ten days of a model and another arm: the ages served are older than those learned, one request in sixty is refused."""
    rng, model = np.random.default_rng(4), load_model(folder)
    contract, key = Contract.of(model), folder_hash(folder)
    table = people(N, seed=21).with_columns(pl.col("age") + 25)
    sent = table.drop("bought").to_dicts()
    read, saw, problems = read_request(contract, sent)
    assert read is not None, problems
    answers = answered(model, read)
    outputs = answers.outputs().tolist()
    url = f"sqlite:///{path}"
    store = open_log(url)
    arm = Arm("people", replace(contract, hash=key), key)
    entries: list[Any] = [arm.served(), replace(arm.served(), model="foreign:today", arm="today")]
    for i in range(N):
        name, model_hash = ("today", "foreign:today") if i % 3 == 0 else ("people", key)
        time = FIRST + timedelta(days=float(10 * i / N))
        entries.append(Prediction(
            f"r{i}-0", f"r{i}", f"u{i % 500}", time, name, model_hash, contract.version, saw[i], str(answers.decisions[i]),
            float(answers.scores[i]), outputs[i], float(rng.lognormal(-6.0, 0.5)),
        ))  # fmt: skip
        entries.append(
            Outcome(time + timedelta(hours=3), table["bought"][i], id=f"r{i}-0", recorded=time + timedelta(hours=4))
        )
        if i % 60 == 0:
            entries.append(Refusal(f"x{i}", time, "people", key, 0, "age", "a number, or null", HOSTILE))
    store.append(entries)
    store.close()
    return url


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path, str]:
    """The folder of a study, of its model, and the log the model was served with."""
    model = model_folder(tmp_path_factory.getbasetemp())
    return model.parent / "study", model, write_served(tmp_path_factory.mktemp("served") / "log.db", model)


@pytest.fixture(scope="module")
def trial(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An experiment from plan to verdict, looked at three times."""
    base = tmp_path_factory.mktemp("trial")
    log = write_log(base / "log.db", n=600, lift=0.08)
    folder = write_plan(base / "trial", log, more="units: 500\nslices: [device]\ngoal: more clicks?")
    experiment.plan(folder, now=START)
    experiment.start(folder, now=START)
    for days in (3.5, 5, 6.5):
        experiment.status(folder, now=START + timedelta(days=days))
    experiment.stop(folder, "the week is over", now=START + timedelta(days=7))
    experiment.verdict(folder, now=START + timedelta(days=9.5))
    return folder


def section_of(page: dict[str, Any], title: str) -> dict[str, Any]:
    return next(section for section in page["online"] if section["title"] == title)


def table_of(section: dict[str, Any], caption: str) -> list[list[str]]:
    found = next(b for b in section["blocks"] if b["type"] == "table" and b["caption"].startswith(caption))
    return [[cell["text"] for cell in row] for row in found["rows"]]


# --- the step -----------------------------------------------------------------------------------------------------------


def test_traffic_is_counted_by_arm_and_window(world: tuple[Path, Path, str]) -> None:
    (result,) = online(world[2])
    arms = {one["arm"]: one for one in result["arms"]}
    assert (result["n"], arms["people"]["n"], arms["today"]["n"]) == (N, 600, 300)
    assert arms["today"]["share"] == pytest.approx(1 / 3) and arms["people"]["units"] == 467
    assert arms["people"]["p50"] < arms["people"]["p95"] < arms["people"]["p99"]
    assert sum(facts["n"] for w in result["windows"] for facts in w["arms"].values()) == N
    assert (result["n_refused"], sum(w["refused"] for w in result["windows"])) == (15, 15)
    assert result["refusals"] == [
        {
            "column": "age",
            "rule": "a number, or null",
            "n": 15,
            "example": HOSTILE,
            "last": result["refusals"][0]["last"],
        }
    ]
    assert [(one["name"], one["n"]) for one in result["outcomes"]] == [("outcome", N)]


def test_quantiles_of_a_few_rows_are_not_told(world: tuple[Path, Path, str]) -> None:
    (result,) = online(world[2])
    today = [w["arms"]["today"] for w in result["windows"]]
    assert all(("p99" in facts) == (facts["n"] >= 20) for facts in today) and any("p99" not in facts for facts in today)


def test_an_empty_log_is_said_to_be_empty(tmp_path: Path) -> None:
    store = open_log(f"sqlite:///{tmp_path}/log.db")
    result = traffic_of_log(store)
    store.close()
    assert result["sentence"] == "no row was answered yet" and result["windows"] == [] and result["arms"] == []


def test_a_model_that_answered_nothing_is_told_with_its_reason(world: tuple[Path, Path, str], tmp_path: Path) -> None:
    other = write_log(tmp_path / "log.db", n=30)
    _, replayed, gap = online(other, world[1])
    assert "silence" in gap.facts and "silence" in replayed.facts
    assert replayed["sentence"].startswith("Nothing can be said: the log holds no model")


# --- the page of a study ------------------------------------------------------------------------------------------------


def test_a_study_without_a_log_has_no_online_sections(world: tuple[Path, Path, str]) -> None:
    assert content(Study(world[0]))["online"] == []


def test_the_sections_of_a_served_model(world: tuple[Path, Path, str]) -> None:
    page = content(Study(world[0]), log=world[2], model=world[1])
    assert [section["title"] for section in page["online"]] == ["traffic", "replay", "gap"]
    arms = table_of(section_of(page, "traffic"), "Arms")
    assert [row[0] for row in arms] == ["people", "today"] and arms[0][2] == "600"
    assert table_of(section_of(page, "traffic"), "15 requests refused")[0][:3] == ["age", "a number, or null", "15"]
    replayed = section_of(page, "replay")
    assert (
        replayed["blocks"][0]["tone"] == "yes"
        and "All 600 logged answers are given again" in replayed["blocks"][0]["text"]
    )
    drift = next(b for b in replayed["blocks"] if b["type"] == "table")
    assert drift["rows"][0][0]["text"] == "age" and drift["emphasis"] == [0]
    fired = {
        f["code"] for b in replayed["blocks"][-1]["blocks"] for f in b["items"] if f["kind"] in ("warning", "error")
    }
    assert replayed["blocks"][-1]["open"] and fired & {"FG903", "FG904"}
    gap = next(b for b in section_of(page, "gap")["blocks"] if b["type"] == "table")
    assert [row[0]["text"] for row in gap["rows"]] == ["late labels", "skew", "feedback", "drift", "rest"]
    assert gap["rows"][2][3]["text"].startswith("not told: no propensities")
    json.dumps(page)


def test_decisions_that_do_not_follow_are_told_with_the_rules_version() -> None:
    replayed = {"n": 9, "n_exact": 9, "n_beyond": 0}
    for otherwise, words in ((0, "make all 9 logged decisions again"), (2, "2 of 9 logged decisions do not follow")):
        decided = {"n": 9, "n_otherwise": otherwise, "version": "af01"}
        text = Result("replay", {"replayed": replayed, "decided": decided, "sentence": ""}).to_html()
        assert words in text and "af01" in text


def test_refreshes_recorded_beside_a_model_are_sections_newest_first(tmp_path: Path) -> None:
    model = tmp_path / "model"
    for out in ("model.2", "model.3"):
        keep_beside(model, Result("refresh", {"model": str(model), "out": out, "sentence": f"written to {out}"}))
    keep_beside(model, Result("refresh", {"model": str(tmp_path / "another"), "out": "another.2", "sentence": ""}))
    drawn = _retrained(tmp_path / "model.3")
    assert [section["title"] for section in drawn] == ["refresh", "refresh"]
    assert "model.3" in json.dumps(drawn[0]) and "another.2" not in json.dumps(drawn)
    assert _retrained(None) == []


def test_a_retraining_is_told_beside_what_it_replaces() -> None:
    facts = {
        "metric_title": "log loss", "from": "2026-01-05T00:00:00", "to": "2026-01-09T00:00:00", "n_window": 400, "out": "model.2",
        "old": {"value": 0.5, "interval": [0.48, 0.52]}, "new": {"value": 0.45, "interval": [0.43, 0.47]},
        "difference": {"value": 0.05, "interval": [0.02, 0.08]}, "schedule": {"silence": None, "recommended": "weekly", "why": "it decays"},
    }  # fmt: skip
    text = Result("refresh", facts).to_html()
    assert (
        "0.450 [0.430, 0.470]" in text and "+0.050 [+0.020, +0.080]" in text and "weekly" in text and "model.2" in text
    )
    pair = {"value": 0.02, "interval": [0.01, 0.03], "p": 0.001, "n": 400}
    plan = {
        "name": "daily",
        "every": 1,
        "n_updates": 9,
        "value": 0.45,
        "difference": {"value": 0.05, "interval": [0.02, 0.08]},
    }
    facts |= {
        "versions": {"old": facts["old"], "scratch": {"value": 0.47, "interval": [0.44, 0.5]}, "warm": facts["new"]},
        "differences": [{"of": "warm", "to": "old", **facts["difference"]}, {"of": "warm", "to": "scratch", **pair}],
        "written": "warm", "why_written": "the better of the two on the newest rows", "seconds_of": {"scratch": 3.0, "warm": 0.5},
        "warm": {"silence": "", "kept": ["linear"]}, "recommended": {"every": "daily", "way": "warm", "why": "daily is better"},
        "updates": {
            "silence": "", "schedules": [plan], "recommended": "daily", "level": 0.975, "n_judged": 900, "seconds": 0.2, "never": 0.5,
            "by_period": [{"start": f"2026-01-0{i}T00:00:00", "n": 9, "never": 0.5, "updated": 0.45} for i in (5, 6, 7)],
        },
    }  # fmt: skip
    warm = Result("refresh", facts).to_html()
    assert "daily, by warm starts" in warm and "With updates and without" in warm
    assert "Warm against scratch: +0.020 [+0.010, +0.030]. Left as they are: linear." in warm
    assert "better than never by (97.5 % interval)" in warm
    silent = Result("gap", {"silence": "no outcomes", "sentence": "Nothing can be said: no outcomes."}).to_html()
    assert "Nothing can be said: no outcomes." in silent and "<table" not in silent


# --- the page of an experiment ------------------------------------------------------------------------------------------


def test_an_experiment_has_a_page_of_its_own(trial: Path) -> None:
    page = content_of_experiments([trial])
    assert [section["title"] for section in page["online"]] == ["experiment trial", "traffic"]
    head, recorded = page["header"], experiment.verdict(trial, now=START + timedelta(days=9.5))
    assert (head["noun"], head["goal"], head["seal"]["title"]) == ("Experiment", "more clicks?", "Stopped")
    assert (
        head["verdict"]["word"] == "Ship the candidate" and head["verdict"]["words"] == recorded["verdict"]["sentence"]
    )
    assert head["seal"]["looks"][0]["reason"] == "the week is over"
    measures = table_of(page["online"][0], "Measures")
    assert [row[:2] for row in measures] == [["click ↑", "primary"], ["seconds ↓", "guardrail"]]
    units = table_of(page["online"][0], "Units by arm")
    assert {row[0]: row[1] for row in units} == {k: str(v) for k, v in recorded["ratio"]["counts"].items()}


def test_looks_are_drawn_with_the_band_that_holds_at_all_of_them(trial: Path) -> None:
    section = content_of_experiments([trial])["online"][0]
    drawn = {b["title"]: b for b in section["blocks"] if b["type"] == "chart"}
    rows = drawn["Look by look, with the band that holds at all of them"]["spec"]["data"]["values"]
    assert [row["n"] for row in rows] == [258, 413, 500]
    assert all(row["low"] <= row["value"] <= row["high"] for row in rows)
    assert {row["name"] for row in drawn["The same by slices"]["spec"]["data"]["values"]} == {
        "device = desktop", "device = phone", "device = tablet",
    }  # fmt: skip


def test_a_mismatch_is_named_on_the_page(tmp_path: Path) -> None:
    log = write_log(tmp_path / "log.db", n=600, lost=0.4)
    folder = write_plan(tmp_path / "trial", log, more="units: 400")
    experiment.plan(folder, now=START)
    assert content_of_experiments([folder])["header"]["seal"]["title"] == "Not started"
    experiment.start(folder, now=START)
    assert content_of_experiments([folder])["header"]["seal"]["title"] == "Phase ab runs"
    experiment.verdict(folder, now=START + timedelta(days=10))
    page = content_of_experiments([folder])
    assert page["header"]["verdict"]["word"] == "Nothing may be concluded" and page["header"]["verdict"]["tone"] == "no"
    note = next(b["note"] for b in page["online"][0]["blocks"] if b.get("caption") == "Units by arm")
    assert note.startswith("Mismatch: the arms did not receive their shares")


def test_a_folder_that_was_only_written_has_a_page(tmp_path: Path) -> None:
    folder = write_plan(tmp_path / "trial", write_log(tmp_path / "log.db", n=20))
    text = report(folder).read_text()
    assert "Nothing was planned yet." in text and "Not started" in text


def test_the_command_writes_both_pages(
    world: tuple[Path, Path, str], trial: Path, command: Any, tmp_path: Path
) -> None:
    out = tmp_path / "page.html"
    done = command("report", world[0], "-o", out, "--experiment", trial, "--log", world[2], "--model", world[1])
    assert done.status == 0, done.err
    text = out.read_text()
    assert 'id="experiment-trial"' in text and 'id="step-replay"' in text and "onerror=alert(1)>" not in text
    assert command("report", trial).status == 0 and (trial / "report.html").is_file()
    missing = command("report", world[0], "--log", f"sqlite:///{tmp_path}/none.db", "-o", out)
    assert missing.status == 2 and "none.db" in missing.err


# --- in a browser -------------------------------------------------------------------------------------------------------

browser_tests = pytest.mark.skipif(
    not CHROMIUM.exists() or find_spec("playwright") is None,
    reason="needs /usr/bin/chromium and the playwright package (apt-get install chromium; pip install 'fieldguide[dev]')",
)


@pytest.fixture(scope="module")
def chromium() -> Iterator[Any]:
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=str(CHROMIUM), args=["--no-sandbox", "--disable-gpu", "--disable-background-networking"]
        )
        yield browser
        browser.close()


@pytest.fixture(scope="module")
def pages(world: tuple[Path, Path, str], trial: Path, tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    folder = tmp_path_factory.mktemp("pages")
    both = report(world[0], folder / "study.html", experiments=[trial], log=world[2], model=world[1])
    return [both, report(trial, folder / "trial.html")]


@browser_tests
@pytest.mark.parametrize(("width", "scheme"), [(1280, "light"), (390, "dark")])
def test_the_online_sections_are_drawn_silently_within_the_screen(
    chromium: Any, pages: list[Path], width: int, scheme: str
) -> None:
    for page in pages:
        context = chromium.new_context(viewport={"width": width, "height": 900}, color_scheme=scheme)
        tab = context.new_page()
        said: list[str] = []
        tab.on("console", lambda message, said=said: said.append(message.text))
        tab.on("pageerror", lambda error, said=said: said.append(str(error)))
        tab.on("dialog", lambda dialog, said=said: (said.append(dialog.message), dialog.dismiss()))
        tab.goto(page.as_uri())
        tab.wait_for_selector("html[data-ready=true]", timeout=60_000)
        tab.evaluate("document.querySelectorAll('details').forEach(d => { d.open = true; })")
        tab.wait_for_function(
            "document.querySelectorAll('.chart svg').length === document.querySelectorAll('[data-chart]').length"
        )
        assert said == []
        assert tab.evaluate("document.documentElement.scrollWidth") <= width
        assert tab.locator("#experiment-trial .chart svg").count() == 2
        assert tab.locator("#step-traffic .chart svg").count() == 2
        context.close()
