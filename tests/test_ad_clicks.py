"""The example world: its truth is what happens in it, and the whole story agrees with it."""

from __future__ import annotations

import numpy as np
import polars as pl
import pytest
from examples.ad_clicks import new_path
from examples.ad_clicks.world import EXPLORE, KINDS, users, value, week


def likes(cells: pl.DataFrame) -> np.ndarray:
    """A policy that shows what the user says to like."""
    return (cells["ad"] == cells["interest"]).cast(pl.Float64).to_numpy()


def test_the_true_value_of_a_policy_is_what_its_visits_earn():
    rng = np.random.default_rng(0)
    who = users(rng, 4_000, "u")
    visits = week(rng, who, {"a": likes}, lambda unit: "a")
    true = value(who, visits.user, visits.hour, likes)
    assert visits.chance.mean() == pytest.approx(true, rel=0.03)
    assert visits.clicked.mean() == pytest.approx(true, rel=0.1)


def test_propensities_are_the_chances_with_which_ads_were_shown():
    rng = np.random.default_rng(1)
    who = users(rng, 3_000, "u")
    visits = week(rng, who, {"a": likes}, lambda unit: "a")
    assert set(visits.propensity.round(6)) == {
        round(EXPLORE / len(KINDS), 6),
        round(EXPLORE / len(KINDS) + 1 - EXPLORE, 6),
    }
    weights = 1 / len(KINDS) / visits.propensity
    assert weights.mean() == pytest.approx(1, abs=0.05)


def test_the_new_path_loses_tablets_and_nothing_else():
    rows = pl.DataFrame({"device": ["phone", "tablet", "desktop"], "age": [1.0, 2.0, 3.0]})
    assert new_path.seen(rows).rows() == [("phone", 1.0), (None, 2.0), ("desktop", 3.0)]


@pytest.mark.nightly
def test_the_story_agrees_with_the_truth(tmp_path):
    from examples.ad_clicks.run import run

    told = run(tmp_path / "story", 20_000)
    assert told["aa"]["decision"] == "bug"
    assert ("device",) in told["aa"]["columns"]
    assert told["test"]["decision"] == "ship"
    for phase in told["test"]["phases"]:
        assert phase["interval"][0] <= phase["truth"] <= phase["interval"][1]
    for name in ("late labels", "skew", "feedback", "drift"):
        low, high = told["gap"]["parts"][name]["interval"]
        assert low <= told["gap"]["parts"][name]["truth"] <= high
    assert told["gap"]["refresh"]["interval"][0] > 0
