"""Quantile intervals: they cover what they promise once conformalised, and refuse what has no quantiles."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pytest

from conftest import Command, houses, people, small_study
from fieldguide.steps.intervals import covered, margins
from fieldguide.workflow import Study


def test_margins_bring_coverage_to_its_level() -> None:
    rng = np.random.default_rng(0)
    truth, blocks = rng.normal(size=4_000), np.arange(4_000)
    for half in (0.8, 3.0):  # too narrow for 90 %, and too wide
        low, high = np.full(4_000, -half), np.full(4_000, half)
        moved = margins(truth, low, high, blocks, 0.9, seed=0)
        after = covered(truth, low - moved, high + moved, blocks, 0)
        assert after["coverage"] == pytest.approx(0.9, abs=0.012)
        assert moved.mean() == pytest.approx(1.645 - half, abs=0.08)


def test_an_interval_is_narrowed_to_its_middle_at_most() -> None:
    low, high = np.full(200, -5.0), np.full(200, 5.0)
    low[::10], high[::10] = -0.1, 0.1  # all would be narrowed by far more than these are wide
    moved = margins(np.zeros(200), low, high, np.arange(200), 0.9, seed=0)
    assert (high + moved >= low - moved).all() and moved.min() < -4.9 and moved[0] == pytest.approx(-0.1)


def test_units_are_counted_whole() -> None:
    truth = np.repeat(np.array([0.0, 5.0] * 10), 20)
    blocks = np.repeat(np.arange(20), 20)
    apart, together = (covered(truth, truth * 0 - 1, truth * 0 + 1, b, 0)["interval"] for b in (np.arange(400), blocks))
    assert together[1] - together[0] > 3 * (apart[1] - apart[0])


def test_a_study_of_houses(tmp_path: Path, command: Command) -> None:
    study = small_study(tmp_path / "s", houses(300), "price", networks=False)
    text = (study.folder / "study.yaml").read_text()
    (study.folder / "study.yaml").write_text(
        text.replace("{skip: [mlp, tabm]}", "{use: [prior, boosting], settings: {boosting: {n_rounds: 60}}}").replace(
            "threads: 2", "threads: 1"
        )
    )
    done = command("intervals", study.folder, "--level", "0.8")
    assert done.status == 0 and "intervals of boosting for 80 % cover" in done.out.replace("\n", " ")
    facts = Study(study.folder).intervals(level=0.8).facts
    assert facts["quantiles"] == pytest.approx([0.1, 0.9]) and facts["n"] == 255
    assert abs(facts["after"]["coverage"] - 0.8) <= abs(facts["before"]["coverage"] - 0.8) + 0.02
    assert facts["after"]["interval"][0] <= 0.82 and facts["after"]["interval"][1] >= 0.78
    assert command("report", study.folder).status == 0
    assert "What intervals for 80" in (study.folder / "report.html").read_text()
    text = (study.folder / "study.yaml").read_text()
    hurry, n = re.subn(r"^budget:.*$", "budget: {minutes: 0.00001}", text, flags=re.MULTILINE)
    assert n == 1
    (study.folder / "study.yaml").write_text(hurry)
    hurried = Study(study.folder).intervals(level=0.8).facts
    assert hurried["before"] != facts["before"], "the clock ended both fits"
    (study.folder / "study.yaml").write_text(text)
    assert Study(study.folder).intervals(level=0.8).facts["before"] == facts["before"], "what was hurried is not kept"
    refused = command("intervals", study.folder, "--level", "90")
    assert refused.status == 2 and "the level is 90\n  Rule: a level is a share between 0 and 1" in refused.err
    missing = command("intervals", study.folder, "--candidate", "bosting")
    assert missing.status == 2 and "did you mean 'boosting'?" in missing.err


def test_classes_have_no_quantiles(tmp_path: Path, command: Command) -> None:
    study = small_study(tmp_path / "s", people(150), "bought", networks=False)
    text = (study.folder / "study.yaml").read_text()
    (study.folder / "study.yaml").write_text(
        text.replace("{skip: [mlp, tabm]}", "{use: [prior, boosting], settings: {boosting: {n_rounds: 10}}}").replace(
            "threads: 2", "threads: 1"
        )
    )
    done = command("intervals", study.folder)
    assert done.status == 2 and "intervals are of numbers, and 'bought' is binary" in done.err
