"""Recency: a world that turns is seen to turn, one that stands still is not; bounds, schedules, the verb."""

from __future__ import annotations

import io
import json
import os
import zipfile
from itertools import pairwise
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from conftest import Command, small_study
from fieldguide.core.errors import ConfigError, StudyError
from fieldguide.core.problem import Output, Problem
from fieldguide.core.statistics.decay import Estimate, added, estimated, recommended
from fieldguide.core.statistics.periods import DAY, UNITS, Periods, periods_for, schedules_of
from fieldguide.core.table import Column, Table
from fieldguide.parts import find
from fieldguide.steps.recency import age, recency

RMSE = Problem((Output("y", find("tasks", "regression")(), (), find("metrics", "rmse")()),))
AUC = Problem((Output("y", find("tasks", "binary")(), ("no", "yes"), find("metrics", "roc_auc")()),))
DATA = Path(os.environ.get("FIELDGUIDE_DATA", Path(__file__).parents[3] / "shared" / "data"))


def turning(seed: int, turn: float, n: int = 900, days: int = 168, binary: bool = False) -> tuple[np.ndarray, ...]:
    """Rows along time whose coefficients turn by `turn` half circles: (times, x, y)."""
    rng = np.random.default_rng(seed)
    times = np.sort(rng.uniform(0, days * DAY, n)).astype(np.int64)
    x, angle = rng.normal(size=(n, 4)), turn * np.pi * times / times.max()
    signal = x[:, 0] * np.cos(angle) + x[:, 1] * np.sin(angle)
    if binary:
        return times, x, (rng.random(n) < 1 / (1 + np.exp(-2 * signal))).astype(np.int64)
    return times, x, signal + rng.normal(size=n)


def least_squares(x: np.ndarray, y: np.ndarray, binary: bool = False, seen: list | None = None):  # type: ignore[no-untyped-def,type-arg]
    design = np.column_stack([x, np.ones(len(x))])

    def answer(train: np.ndarray, judged: np.ndarray) -> np.ndarray:
        if seen is not None:
            seen.append((train, judged))
        predicted = design[judged] @ np.linalg.lstsq(design[train], y[train].astype(float), rcond=None)[0]
        return np.stack([1 - predicted, predicted], axis=1) if binary else predicted

    return answer


def aged(seed: int, turn: float, problem: Problem = RMSE, **how: object):  # type: ignore[no-untyped-def]
    binary = problem is AUC
    times, x, y = turning(seed, turn, binary=binary, **how)  # type: ignore[arg-type]
    return recency(problem, y, times, np.arange(len(y)), least_squares(x, y, binary), "least squares", seed=seed)


def test_in_a_world_that_turns_the_score_falls_with_age_and_monthly_beats_never() -> None:
    facts, findings = aged(0, 1.0, n=2400)
    assert facts["period"] == "week"
    losses = [point["value"] for point in facts["curve"]]
    assert losses[0] == 0
    assert all(a < b for a, b in pairwise(losses))
    plans = {plan["name"]: plan["cost"] for plan in facts["schedules"]}
    assert list(plans) == ["weekly", "monthly", "quarterly", "never"]
    assert plans["monthly"]["interval"][1] < plans["never"]["interval"][0]
    assert facts["recommended"] == "weekly"
    assert {f.code for f in findings if f.fired} == {"FG711", "FG712"}
    assert facts["windows"]["better"] == "sliding"


def test_the_decay_is_the_one_the_world_was_made_with() -> None:
    week = 0.5 * np.pi * 7 / 168  # angle by which the coefficients turn in a week
    window, judged = np.linspace(-8, 0, 801) * week, np.linspace(0, 1, 101)
    learned = np.array([np.cos(window).mean(), np.sin(window).mean()])

    def loss(age: float) -> float:
        true = np.stack([np.cos((judged + age - 1) * week), np.sin((judged + age - 1) * week)])
        return float(np.sqrt(1 + ((true - learned[:, None]) ** 2).sum(0).mean()))

    covered = []
    for seed in range(6):
        facts, _ = aged(seed, 0.5, n=2400)
        for point in facts["curve"][1:12]:
            true = loss(point["age"]) - loss(1)
            assert point["value"] == pytest.approx(true, abs=0.12)
            covered.append(point["interval"][0] <= true <= point["interval"][1])
    assert np.mean(covered) >= 0.85


@pytest.mark.parametrize("problem", [RMSE, AUC], ids=["rmse", "roc_auc"])
def test_where_nothing_turns_ageing_is_reported_in_one_of_twenty_worlds_at_most(problem: Problem) -> None:
    n_seeds = 40 if problem is RMSE else 12
    fired = [{f.code for f in aged(seed, 0.0, problem, n=500, days=84)[1] if f.fired} for seed in range(n_seeds)]
    assert sum("FG711" in codes for codes in fired) <= 0.05 * n_seeds
    assert sum("FG712" in codes for codes in fired) <= 0.05 * n_seeds
    assert sum("FG713" in codes for codes in fired) >= 0.95 * n_seeds


def test_rows_that_come_in_groups_are_judged_before_a_model_saw_their_group() -> None:
    times, x, y = turning(2, 0.0, n=1200)
    blocks = np.arange(1200) // 3
    seen: list = []  # type: ignore[type-arg]
    recency(RMSE, y, times, blocks, least_squares(x, y, seen=seen), "least squares")
    for train, judged in seen[-10:]:
        assert not set(blocks[train]) & set(blocks[judged])
        assert times[train].max() <= times[judged].min()


def test_few_rows_or_one_group_everywhere_are_told() -> None:
    times, x, y = turning(3, 0.0, n=150)
    facts, findings = recency(RMSE, y, times, np.arange(150), least_squares(x, y), "least squares")
    assert facts["silence"] == "150 rows with a time do not fill 6 periods of 30 rows"
    assert {f.status for f in findings} == {"not_applicable"}
    times, x, y = turning(3, 0.0, n=600)
    facts, _ = recency(RMSE, y, times, np.arange(600) % 7, least_squares(x, y), "least squares")
    assert "that no earlier period knows" in facts["silence"]


@pytest.mark.parametrize(
    ("days", "n", "name"),
    [(10, 10_000, "day"), (168, 10_000, "week"), (621, 10_000, "month"), (765, 10_000, "month"), (3650, 10_000, "2 quarters"),
     (30, 10_000, "2 days"), (168, 300, "3 weeks"), (20_000, 400, "5 years")],
)  # fmt: skip
def test_periods_suit_the_span(days: int, n: int, name: str) -> None:
    found = periods_for(np.linspace(0, days * DAY, n).astype(np.int64))
    assert isinstance(found, Periods)
    if name != "5 years":
        assert found.name == name
    assert 6 <= found.n <= 40
    codes = found.of(np.linspace(0, days * DAY, n).astype(np.int64))
    assert codes.min() == 0
    assert codes.max() == found.n - 1


def test_a_period_that_is_asked_for_is_obeyed_or_refused() -> None:
    times = np.linspace(0, 100 * DAY, 2000).astype(np.int64)
    assert periods_for(times, "month") == "the rows span 3 whole months, fewer than 6"
    assert periods_for(times, "day").n == 100 or periods_for(times, "day").n == 99  # type: ignore[union-attr]
    with pytest.raises(ConfigError, match=r"no period 'weak'.*'?week"):
        periods_for(times, "weak")


def test_schedules_are_those_that_can_be_told_apart() -> None:
    assert schedules_of(Periods("month", 1, UNITS["month"], 20, 0), 13) == [
        ("monthly", 1), ("quarterly", 3), ("yearly", 12), ("never", 13)]  # fmt: skip
    assert schedules_of(Periods("quarter", 1, UNITS["quarter"], 7, 0), 4)[1:] == [("every 2 quarters", 2), ("never", 4)]


def test_the_least_frequent_schedule_that_is_not_reliably_worse_is_recommended() -> None:
    def cost(low: float, high: float) -> Estimate:
        return Estimate((low + high) / 2, (low, high), 1.0, 0.5)

    found = [cost(0, 0), cost(-0.1, 0.3), cost(0.02, 0.5), cost(-1, 2)]
    assert recommended(found, 0.0) == 1
    assert recommended(found, 0.02) == 3
    assert recommended(found[:2], 0.0) == 1


def test_added_losses_are_differences_on_the_same_periods() -> None:
    rng = np.random.default_rng(0)
    loss, rows, first = rng.random((5, 8)), rng.integers(1, 9, 8), 3
    for old in (1, 2, 4):
        terms = [
            (rows[t], loss[t - first - old + 1, t] - loss[t - first, t]) for t in range(first, 8) if t - first - old + 1 >= 0
        ]  # fmt: skip
        expected = sum(n * d for n, d in terms) / sum(n for n, _ in terms)
        assert added(loss, rows, first, np.array([old]))[0] == pytest.approx(expected)


def test_an_error_is_the_wider_of_rows_and_still_time() -> None:
    found = estimated(1.0, np.array([0.9, 1.1]), np.array([0.5, -0.5, 0.5, -0.5]))
    assert found.error == pytest.approx(0.5)
    assert found.interval == pytest.approx((1 - 2.776 * 0.5, 1 + 2.776 * 0.5), abs=1e-3)
    assert estimated(1.0, np.array([0.0, 2.0]), np.array([0.1, -0.1])).error == pytest.approx(1.0)


# --- the verb ----------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Path:
    times, x, y = turning(0, 0.4, n=480, days=84)
    days = [str(np.datetime64("2024-01-01") + int(t // DAY)) for t in times]
    frame = pl.DataFrame({"sold_at": days, "a": x[:, 0], "b": x[:, 1], "y": y})
    extra = "split: {folds: 2, repeats: 1}\n"
    folder = tmp_path_factory.mktemp("recency") / "shop"
    study = small_study(folder, frame, "y", trials=0, extra=extra, networks=False)
    text = (folder / "study.yaml").read_text().replace("{skip: [mlp, tabm]}", "{use: [prior, linear]}")
    (folder / "study.yaml").write_text(text)
    study.baseline()
    return folder


def test_the_verb_says_how_fast_the_answer_ages(shop: Path, command: Command) -> None:
    done = command("recency", shop, "--json")
    assert done.status == 0
    found = json.loads(done.out)
    assert (found["status"], found["step"], found["facts"]["candidate"]) == ("done", "recency", "linear")
    assert next(f["code"] for f in found["findings"] if f["status"] == "fired") == "FG711"
    shown = command("recency", shop)
    assert "recommended" in shown.out
    assert "FG711" in shown.out
    refused = command("recency", shop, "--candidate", "lineer")
    assert refused.status != 0
    assert "there is no single candidate 'lineer'" in refused.err
    assert "linear" in refused.err


def test_the_page_shows_it_once_it_was_run(shop: Path, command: Command) -> None:
    from fieldguide.faces.report import content
    from fieldguide.workflow import Study

    command("recency", shop)
    (section,) = [s for s in content(Study(shop))["steps"] if s["title"] == "recency"]
    assert [b["type"] for b in section["blocks"]][:2] == ["chart", "table"]
    assert section["blocks"][0]["spec"]["layer"][1]["mark"]["type"] == "line"


def test_without_a_time_column_it_refuses() -> None:
    table = Table(pl.DataFrame({"x": [1.0]}), (Column("x", "number"),))
    with pytest.raises(StudyError, match=r"there is no time column.*data: \{time: COLUMN\}"):
        age(None, None, table)  # type: ignore[arg-type]


def test_bike_rentals_age() -> None:
    path = DATA / "bike_sharing" / "Bike-Sharing-Dataset.zip"
    if not path.exists():
        pytest.skip(f"{path} is not here (set FIELDGUIDE_DATA)")
    frame = pl.read_csv(io.BytesIO(zipfile.ZipFile(path).read("day.csv")))
    days = frame["dteday"].str.to_datetime().dt.epoch("us").to_numpy()
    x = frame.select("temp", "hum", "windspeed", "workingday", "weathersit").to_numpy()
    y = frame["cnt"].to_numpy().astype(float)
    facts, findings = recency(RMSE, y, days, np.arange(len(y)), least_squares(x, y), "least squares", period="month")
    assert facts["n_periods"] == 23
    assert {plan["name"] for plan in facts["schedules"]} >= {"monthly", "never"}
    assert "FG711" in {f.code for f in findings if f.fired}
