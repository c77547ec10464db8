"""Baseline: which baselines are given up where time is short."""

from __future__ import annotations

import numpy as np

import fieldguide as fg


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
