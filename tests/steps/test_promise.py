"""Promise: declined where the relation drifts, and nowhere else."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest

from fieldguide.core.problem import Output, Problem
from fieldguide.parts import find
from fieldguide.steps.finalize import promise
from fieldguide.steps.recency import decay_of

DAY = 86_400_000_000
PROBLEM = Problem(outputs=(Output("y", find("tasks", "regression")(), (), metric=find("metrics", "rmse")()),))


def world(seed: int, turn: float, n: int = 900) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    rng = np.random.default_rng([seed, 5])
    x, angle = rng.normal(size=(n, 2)), turn * np.linspace(0, 1, n)
    y = x[:, 0] * np.cos(angle) + x[:, 1] * np.sin(angle) + 0.7 * rng.normal(size=n)
    return x, y, np.arange(n) * DAY


def least_squares(x: np.ndarray, y: np.ndarray):
    def answer(train: np.ndarray, judged: np.ndarray) -> np.ndarray:
        return x[judged] @ np.linalg.lstsq(x[train], y[train], rcond=None)[0]

    return answer


def decayed(seed: int, turn: float):
    x, y, times = world(seed, turn)
    return decay_of(find("metrics", "rmse")(), y, times, np.arange(len(y)), least_squares(x, y), 6, seed=seed)


def test_a_turning_relation_decays_and_a_still_one_hardly_ever_seems_to():
    turning = [decayed(seed, 1.6)[2] for seed in range(10)]
    still = [decayed(seed, 0.0)[2] for seed in range(40)]
    assert sum(found.p < promise.SURE and found.value > 0 for found in turning) >= 9
    assert sum(found.p < promise.SURE and found.value > 0 for found in still) <= 4


def test_too_few_rows_tell_nothing():
    x, y, times = world(0, 1.0, 100)
    assert decay_of(find("metrics", "rmse")(), y, times, np.arange(100), least_squares(x, y), 6) is None


def bench(turn: float = 1.6, times: bool = True):
    _, y, at = world(0, turn)
    roles = SimpleNamespace(times=at if times else None, blocks=np.arange(len(y)))
    return SimpleNamespace(problem=PROBLEM, roles=roles, rows=SimpleNamespace(truths=(y,), score_weights=None), seed=0)


SEEN = {
    "drifts": True, "loss": 0.1, "loss_interval": [0.05, 0.15], "from": "2022-06-03", "period": 10.0 * DAY, "candidate": "boosting",
    "decay": [{"age": 1, "value": 0.0, "interval": [0.0, 0.0], "p": 0.5}, {"age": 2, "value": 0.1, "interval": [0.05, 0.2], "p": 0.01}],
    "overall": {"value": 0.05, "interval": [0.02, 0.08], "p": 0.01},
}  # fmt: skip
SCORE = {"value": 1.0, "interval": [0.9, 1.1], "n": 100}


def test_what_is_declined_has_numbers_and_a_range():
    found = promise.declined(bench(), SCORE, np.array([0, 10 * DAY]), SEEN)
    assert found["measured"] == {
        "value": 1.0,
        "interval": [0.9, 1.1],
        "from": "1970-01-01",
        "to": "1970-01-11",
        "n": 100,
    }
    assert found["forecast"] == pytest.approx({"low": 0.9, "high": 1.3, "added": 0.1, "days": 10.0})
    assert "10 % [5, 15] less" in found["why"] and "RMSE gets worse by 0.05 [0.02, 0.08]" in found["why"]
    twice = promise.declined(bench(), SCORE, np.array([0, 20 * DAY]), SEEN)
    assert twice["forecast"]["high"] == pytest.approx(1.5)


def test_without_a_curve_there_is_no_range():
    found = promise.declined(bench(), SCORE, np.array([0, DAY]), {**SEEN, "decay": [], "overall": None})
    assert found["forecast"] is None and "gets worse" not in found["why"]


@pytest.mark.parametrize(
    ("turn", "severity", "times", "drifts"),
    [
        (1.6, "warning", True, True),
        (1.6, "info", True, True),
        (0.0, "info", True, False),
        (1.6, "warning", False, None),
    ],
)
def test_the_outlook(monkeypatch, turn, severity, times, drifts):
    x, y, _ = world(0, turn)
    monkeypatch.setattr(promise, "answers_of", lambda bench, trial: least_squares(x, y))
    study = bench(turn, times)
    study.remembered = lambda entry: SimpleNamespace(name=entry["candidate"])
    evidence = {"loss": 0.1, "interval": (0.05, 0.15), "from": "1971-01-01"}
    finding = SimpleNamespace(code="FG324", fired=True, columns=("y",), severity=severity, evidence=evidence)
    entries = [
        {
            "candidate": "boosting",
            "kind": "boosting",
            "whole": True,
            "seconds": 0.1,
            "scores": [SCORE],
        }
    ]
    seen = promise.outlook(study, entries, [finding])
    assert (None if seen is None else seen["drifts"]) == drifts
    assert promise.outlook(study, entries, []) is None


def test_halves_of_the_sealed_rows():
    rng = np.random.default_rng(1)
    truth, at = rng.normal(size=300), np.arange(300) * DAY
    prediction = (truth + np.where(at < 150 * DAY, 0.1, 1.0) * rng.normal(size=300))[:, None]
    found = promise.in_time(bench(), truth, prediction, None, np.arange(300), at)
    assert found["interval"][1] < 0 and found["change"] == pytest.approx(-0.9, abs=0.15)
    assert [half["n"] for half in found["halves"]] == [150, 150]
    assert promise.in_time(bench(), truth[:80], prediction[:80], None, np.arange(80), at[:80]) is None
