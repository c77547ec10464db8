"""Baseline: which baselines are given up where time is short."""

from __future__ import annotations

import numpy as np
import pytest

import fieldguide as fg
from fieldguide.core.problem import Output, Problem
from fieldguide.parts import find
from fieldguide.steps.baseline import FEW, baselines_of


def test_without_time_boosting_is_tried_all_the_same(tmp_path):
    rng = np.random.default_rng(0)
    x = rng.normal(size=(160, 3))
    rows = {**{f"x{i}": x[:, i] for i in range(3)}, "y": (x[:, 0] * x[:, 1] > 0).astype(int)}
    study = fg.Study.create(rows, target="y", out=tmp_path / "study")
    study.explore()
    study.run(minutes=1e-4)
    found = study.baseline()
    assert {entry["candidate"] for entry in found["entries"]} == {"prior", "boosting"}
    assert found["left_out"] == ["rule", "linear", "neighbours"]
    (finding,) = [f for f in found.findings if f.code == "FG501"]
    assert finding.severity == "info"


def test_without_time_a_forecast_is_held_against_the_last_value_all_the_same(tmp_path):
    rows = {"day": np.arange("2024-01-01", "2024-09-01", dtype="datetime64[D]"), "y": np.arange(244.0) % 7}
    study = fg.Study.create(rows, target="y", out=tmp_path / "study", task="forecast", horizon=3)
    study.explore()
    study.run(minutes=1e-4)
    found = study.baseline()
    assert found["trivial"] == found["entries"][-1]["candidate"] == "naive"
    assert "lagged_boosting" in {entry["candidate"] for entry in found["entries"]}


def test_without_time_texts_are_read_term_by_term_all_the_same(tmp_path):
    rng = np.random.default_rng(1)
    words = [f"{a}{b}" for a in ("wind", "rain", "sun", "snow") for b in ("", "y", "fall", "storm", "set")]
    texts = [" ".join(rng.choice(words, 12)) for _ in range(200)]
    rows = {"note": texts, "hour": rng.integers(0, 24, 200), "y": ["storm" in text for text in texts]}
    study = fg.Study.create(rows, target="y", out=tmp_path / "study")
    study.explore()
    study.run(minutes=1e-4)
    assert {entry["candidate"] for entry in study.baseline()["entries"]} == {"prior", "linear"}


@pytest.mark.parametrize(
    ("task", "n_rows", "used", "there"),
    [
        ("vector", 92, (), True), ("vector", FEW, (), True), ("vector", FEW + 1, (), False), ("regression", 92, (), False),
        ("binary", 92, (), False), ("binary", FEW + 1, ("linear", "forest"), True), ("vector", 92, ("linear", "forest"), True),
    ],
)  # fmt: skip
def test_vectors_of_few_rows_have_a_forest_and_others_where_it_is_named(task, n_rows, used, there):
    labels = {"vector": ("left", "top"), "binary": ("no", "yes")}.get(task, ())
    found = baselines_of(Problem((Output("y", find("tasks", task)(), labels),)), n_rows, used)
    assert ("forest" in found, found[:5]) == (there, ("prior", "rule", "linear", "neighbours", "boosting"))
