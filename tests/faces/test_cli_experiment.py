"""The verbs of judging online, as they are typed."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import polars as pl

sys.path.insert(0, str(Path(__file__).parents[1] / "steps"))
from experiment_world import write_log


def rows(folder: Path) -> Path:
    path = folder / "rows.csv"
    pl.DataFrame(
        {"unit": range(600), "arm": ["control", "candidate"] * 300, "won": [0, 1, 0, 1, 0, 0] * 100}
    ).write_csv(path)
    return path


def test_a_plan_is_written_judged_and_told(tmp_path, command):
    log = rows(tmp_path)
    folder = tmp_path / "trial"
    done = command("experiment", "plan", folder, "--log", log, "--outcome", "won")
    assert done.status == 0
    assert "won" in (folder / "experiment.yaml").read_text()
    text = (folder / "experiment.yaml").read_text()
    (folder / "experiment.yaml").write_text("\n".join(line for line in text.splitlines() if "seconds" not in line))
    told = command("experiment", "verdict", folder)
    assert told.status == 0
    assert "Ship the candidate" in told.out
    assert "won (primary)" in told.out
    again = command("experiment", "plan", folder, "--log", log)
    assert again.status == 2
    assert "a plan is never overwritten" in again.err


def test_json_is_one_document(tmp_path, command):
    folder = tmp_path / "trial"
    command("experiment", "plan", folder, "--log", rows(tmp_path), "--outcome", "won")
    found = json.loads(command("experiment", "plan", folder, "--json").out)
    assert (found["status"], found["step"], found["facts"]["design"]) == ("done", "experiment", "ab")


def test_the_phases_of_a_log_in_order(tmp_path, command):
    folder = tmp_path / "trial"
    command("experiment", "plan", folder, "--log", write_log(tmp_path / "log.db", n=30), "--outcome", "click")
    early = command("experiment", "status", folder)
    assert early.status == 1
    assert "nothing was started" in early.err
    assert command("experiment", "start", folder).status == 0
    stopped = command("experiment", "stop", folder, "--reason", "only a test")
    assert "Phase ab stopped: only a test" in stopped.out
    assert command("experiment", "stop", folder).status == 2


def test_a_mistake_in_the_plan_is_told_with_its_line(tmp_path, command):
    (tmp_path / "experiment.yaml").write_text("name: x\nlogg: y\n")
    done = command("experiment", "status", tmp_path, "--json")
    assert done.status == 2
    assert "line 2, logg: unknown key (did you mean 'log'?)" in json.loads(done.out)["found"]


def test_gap_and_refresh_name_the_folder_that_is_no_model(tmp_path, command):
    for verb in ("gap", "refresh"):
        done = command(verb, tmp_path, "--log", tmp_path / "log.db")
        assert done.status == 2
        assert "is not a model folder" in done.err
