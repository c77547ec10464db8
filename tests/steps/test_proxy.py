"""Proxy quality in a world where the right proxy is known."""

from __future__ import annotations

import json

import numpy as np
import polars as pl
import pytest
from proxy_world import PURCHASE_DELAY, proxies, shop

from fieldguide.core.documents.proxy_sections import EventSection
from fieldguide.core.errors import ConfigError
from fieldguide.steps.checking import checked
from fieldguide.steps.explore.proxy import design_effect, proxy_quality, recommend
from fieldguide.steps.explore.proxy_outcome import Work, _acts, kendall
from fieldguide.steps.explore.proxy_waiting import Clock, matured, waiting
from fieldguide.steps.frame.events import read_event

SEVERE = {"cart": ("pages > 1", "pages > 2")}


@pytest.fixture(scope="module")
def world():
    return shop(4_000)


@pytest.fixture(scope="module")
def quality(world):
    country = {"pe": (world.table.frame["country"] == "pe").to_numpy()}
    section = proxies("cart", "click", "poll", "review", "rare", **SEVERE)
    return proxy_quality(world.table, world.problem, world.roles, section, country, seed=0)


@pytest.fixture(scope="module")
def rows(quality):
    return {row["name"]: row for row in quality["candidates"]}


def test_the_right_proxy_is_recommended(quality):
    assert quality["recommended"] == "cart"
    assert quality["sentence"].startswith("5 proxies compared; recommended: cart. ")
    assert quality["why"].endswith("of these its events arrive first.")
    json.dumps(quality, allow_nan=False)


def test_delays_count_rows_that_still_wait(rows):
    delay = rows["outcome"]["delay"]["row"]
    assert delay["median"] == pytest.approx(PURCHASE_DELAY * np.log(2), rel=0.15)
    assert delay["p90"] == pytest.approx(PURCHASE_DELAY * np.log(10), rel=0.15)
    naive = 0.085  # share of the purchases that come after the last day: exp(-age / 30) over ages to 365
    assert delay["late"] == pytest.approx(naive, abs=0.02)
    assert rows["cart"]["delay"]["row"]["p90"] == pytest.approx(np.log(10), rel=0.15)
    assert rows["cart"]["delay"]["outcome"]["median"] == pytest.approx(PURCHASE_DELAY * np.log(2), rel=0.2)
    assert rows["outcome"]["delay"]["outcome"] is None


def test_young_rows_are_set_aside_whether_or_not_it_happened(world, quality):
    told = quality["outcome"]
    seen = world.table.frame["seen"].to_physical().to_numpy() / 86_400e6
    day = seen - np.datetime64("2024-01-01", "D").astype(int)
    old = (365 - day) >= told["delay"]["p90"]
    assert told["n_known"] == old.sum() and told["n_young"] == (~old).sum()
    assert told["positives"] == (world.table.frame["purchase"].to_numpy() & old).sum()


def test_what_cannot_be_predicted_is_told_from_what_can(rows):
    assert rows["poll"]["predictability"]["p"] > 0.05 and abs(rows["poll"]["predictability"]["score"] - 0.5) < 0.05
    assert rows["cart"]["predictability"]["p"] == rows["click"]["predictability"]["p"] == 0.005


def test_curiosity_is_no_need(rows):
    assert rows["click"]["outcome_score"]["value"] < 0.6 < 0.8 < rows["cart"]["outcome_score"]["value"]
    assert rows["click"]["outcome_score"]["difference_interval"][1] < -0.2
    assert rows["cart"]["agreement"]["rate_with"] > 5 * rows["cart"]["agreement"]["rate_without"]
    low, high = rows["click"]["agreement"]["interval"]
    assert low < 0 < high


def test_variants_are_measured_against_noise(rows):
    one, two = rows["cart"]["variants"]
    assert one["noise"]["spearman"] > 0.9 and one["spearman"] > two["spearman"]
    assert one["outcome_interval"][0] < one["outcome_difference"] < one["outcome_interval"][1]
    assert 0 < one["flips"] < 0.1


def test_slices_have_their_own_power(rows):
    (part,) = rows["cart"]["slices"]
    assert part["name"] == "pe" and part["n_known"] < rows["cart"]["n_known"] / 2
    assert part["smallest_relative"] > rows["cart"]["smallest_relative"]


def test_every_fault_is_named(quality):
    found = {}
    for f in checked("explore", proxies=quality):
        if f.fired:
            found.setdefault(f.code, set()).add(f.evidence["proxy"])
            assert f.severity == ("warning" if f.evidence["proxy"] == "cart" else "info")
    assert found["FG330"] == {"review"}
    assert found["FG331"] == {"rare"}
    assert "poll" in found["FG332"] and not found["FG332"] & {"cart", "click", "review"}
    assert found["FG334"] >= {"click", "poll"} and not found["FG334"] & {"cart", "review"}


def test_a_good_proxy_alone_is_left_in_peace(world):
    found = proxy_quality(world.table, world.problem, world.roles, proxies("cart", cart=("pages > 0",)), seed=1)
    assert found["recommended"] == "cart"
    assert [f.code for f in checked("explore", proxies=found) if f.fired] == []


def test_costs_judge_the_decisions(world):
    from dataclasses import replace

    costly = replace(world.problem, costs={"false_positive": 1.0, "false_negative": 10.0})
    found = proxy_quality(world.table, costly, world.roles, proxies("cart", cart=("pages > 2",)), seed=0)
    (variant,) = next(row for row in found["candidates"] if row["name"] == "cart")["variants"]
    assert (
        variant["cost"] > 0 and variant["cost_interval"][0] <= variant["cost_difference"] <= variant["cost_interval"][1]
    )


def test_without_an_outcome_the_soonest_that_can_be_predicted_is_taken(world):
    section = {k: v for k, v in proxies("cart", "poll", "review").items() if k != "outcome"}
    found = proxy_quality(world.table, world.problem, world.roles, section, seed=0)
    assert found["outcome"] is None and found["recommended"] == "cart"
    assert all(row["outcome_score"] is None for row in found["candidates"])
    assert {f.status for f in checked("explore", proxies=found) if f.code == "FG334"} == {"skipped"}


def test_nothing_declared_is_nothing_told(world):
    assert proxy_quality(world.table, world.problem, world.roles, {}) is None
    silent = [f for f in checked("explore", proxies=None) if f.code in {f"FG33{i}" for i in range(5)}]
    assert [f.status for f in silent] == ["not_applicable"] * 5


def test_an_amount_is_an_outcome_too():
    world = shop(1_500, seed=3)
    rng = np.random.default_rng(0)
    spent = np.where(world.table.frame["purchase"].to_numpy(), rng.gamma(2, 20, world.n), 0.0)
    frame = world.table.frame.with_columns(pl.Series("spent", spent))
    table = type(world.table)(frame, (*world.table.columns, type(world.table.columns[0])("spent", "number", "ignore")))
    section = {"outcome": EventSection(event="spent"), "cart": EventSection(event="cart")}
    found = proxy_quality(table, world.problem, world.roles, section, seed=0)
    row = next(row for row in found["candidates"] if row["name"] == "cart")
    assert row["outcome_score"]["metric"] == "spearman" and row["outcome_score"]["value"] > 0.2
    assert "rate_with" not in row["agreement"]


def test_an_event_before_its_row_is_counted(world):
    start, event, until = np.array([5.0, 5, 5]), np.array([3.0, 9, np.nan]), np.full(3, 10.0)
    found = waiting(start, event, until)
    assert found.n_before == 1 and found.curve.n_waiting == 1
    assert waiting(np.full(2, np.nan), np.full(2, 1.0), np.full(2, 3.0)) is None


def test_dependent_rows_count_less():
    blocks = np.repeat(np.arange(50), 10)
    assert design_effect(np.random.default_rng(0).random(50)[blocks], blocks) == pytest.approx(10)
    assert design_effect(np.random.default_rng(0).random(500), blocks) == pytest.approx(1, abs=0.4)
    assert design_effect(np.random.default_rng(0).random(500), np.arange(500)) == 1


def test_decisions_are_those_of_least_cost():
    ranking, truth = np.arange(100.0), (np.arange(100) >= 70).astype(float)
    work = Work(None, None, None, truth, None, False, {"false_positive": 1.0, "false_negative": 5.0}, 0)
    assert _acts(ranking, work).sum() == 30
    assert _acts(-ranking, work).sum() == 100  # upside down: to act on all is cheaper than to miss them


def test_texts_are_no_events(world):
    with pytest.raises(ConfigError, match=r"does not say whether it happened.*compare it: `country` = 'yes'"):
        read_event(world.table, "x", "country")


def test_recommendations_of_nothing():
    assert recommend([]) == (None, "None of them can be told from chance with enough positives.")


def test_rows_without_times_are_taken_as_they_are(world):

    event = read_event(world.table, "cart", "cart")
    assert (matured(event, Clock(None, None, "", False)).label == event.label).all()


def test_kendall_is_that_of_scipy():
    from scipy.stats import kendalltau

    rng = np.random.default_rng(0)
    a = rng.integers(0, 9, 300).astype(float)
    b = a + rng.integers(0, 6, 300)
    assert kendall(a, b) == pytest.approx(kendalltau(a, b).statistic)
