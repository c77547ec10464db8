"""Weak slices: a planted one is found, nothing is found where there is nothing, and figures are honest."""

from __future__ import annotations

import numpy as np
import polars as pl
import pytest

from fieldguide.core.language.expression import parse
from fieldguide.core.table import Column, Table
from fieldguide.parts import find
from fieldguide.steps.refine.weak_slices import (
    Judged,
    benjamini_hochberg,
    judged_again,
    promised,
    weak_slices,
    weak_slices_of,
)

COLUMNS = (Column("age", "number"), Column("pay", "number"), Column("city", "category"), Column("a b", "boolean"))


def world(seed: int, n: int = 300, *, weak: float = 0.0, metric: str = "rmse", units: int = 1) -> tuple[Table, Judged]:
    """A table whose rows with city 'a' and age over 48 are worse by `weak`; `units` rows share their block and error."""
    rng = np.random.default_rng(seed)
    frame = pl.DataFrame({
        "age": rng.uniform(18, 80, n), "pay": np.where(rng.random(n) < 0.1, np.nan, rng.gamma(2, 3, n) - 4),
        "city": rng.choice(list("abcd"), n), "a b": rng.random(n) < 0.4,
    })  # fmt: skip
    bad = (frame["city"] == "a").to_numpy() & (frame["age"] > 48).to_numpy()
    blocks = np.arange(n) // units
    if metric == "rmse":
        truth = rng.normal(size=n)[blocks * units] * np.where(bad, 1 + weak, 1)
        return Table(frame, COLUMNS), Judged(find("metrics", metric)(), truth, np.zeros(n), np.zeros(n), blocks)
    signal = 1.5 * rng.normal(size=n)[blocks * units]
    p = 1 / (1 + np.exp(-signal))
    truth = (rng.random(n)[blocks * units] < 1 / (1 + np.exp(-signal * np.where(bad, 1 - weak, 1)))).astype(np.int64)
    return Table(frame, COLUMNS), Judged(find("metrics", metric)(), truth, np.stack([1 - p, p], axis=1), p, blocks)


def found_in(n_seeds: int, **how: object) -> float:
    return float(np.mean([bool(weak_slices(*world(seed, **how), seed=seed)["slices"]) for seed in range(n_seeds)]))  # type: ignore[arg-type]


def test_where_all_rows_are_alike_slices_are_found_in_one_of_twenty_searches_at_most(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("fieldguide.steps.refine.weak_slices.REPLICATES", 200)
    found = []
    for seed in range(200):
        table, judged = world(seed, 220)
        found.append(bool(weak_slices(table.without(["a b"]), judged, seed=seed)["slices"]))
    assert np.mean(found) <= 0.05


@pytest.mark.parametrize("metric", ["roc_auc", "log_loss"])
def test_it_is_as_quiet_for_probabilities(metric: str) -> None:
    assert found_in(20, n=300, metric=metric) <= 0.05


def test_rows_that_belong_together_do_not_count_one_by_one() -> None:
    assert found_in(20, n=400, units=4) <= 0.05


@pytest.mark.parametrize(("metric", "weak"), [("rmse", 1.0), ("roc_auc", 1.0), ("log_loss", 1.0)])
def test_a_planted_pair_of_conditions_is_found(metric: str, weak: float) -> None:
    hits = 0
    for seed in range(2):
        table, judged = world(seed, 2000, weak=weak, metric=metric)
        found = weak_slices(table, judged, seed=seed)
        names = [part["name"] for part in found["slices"] if part["why"] == "score"]
        hits += any("city = 'a'" in name and "age" in name for name in names)
        part = found["slices"][0]
        assert part["gap"]["interval"][0] > 0
        assert part["n"] < found["n"] < 1100
        assert found["n_tested"] <= 12 < found["n_searched"]
    assert hits == 2


def test_intervals_of_slices_cover_what_fresh_rows_show() -> None:
    kinds = {column.name: column.kind for column in COLUMNS}
    fresh, other = world(1000, 40_000, weak=1.0)
    covered = []
    for seed in range(6):
        found = weak_slices(*world(seed, 1200, weak=1.0), seed=seed)
        assert 0.95 <= found["level"] < 1
        for part in found["slices"]:
            mask = fresh.frame.select(parse(part["name"], kinds).polars().fill_null(False)).to_series().to_numpy()
            low, high = part["interval"]
            covered.append(low <= other.metric.score(other.truth[mask], other.prediction[mask]) <= high)
    assert len(covered) >= 6
    assert np.mean(covered) >= 0.9


def test_predictions_that_are_too_high_in_a_slice_are_found_by_their_calibration() -> None:
    table, judged = world(3, 3000)
    off = np.where((table.frame["city"] == "b").to_numpy(), 0.8, 0.0)
    found = weak_slices(table, Judged(judged.metric, judged.truth, off, off, judged.blocks), seed=3)
    (part,) = [part for part in found["slices"] if part["name"] == "city = 'b'"]
    assert part["bias"]["value"] == pytest.approx(0.8, abs=0.15)
    low = np.where((table.frame["city"] == "b").to_numpy(), -0.35, 0.0)  # too little to be seen in the score
    found = weak_slices(table, Judged(judged.metric, judged.truth, low, low, judged.blocks), seed=3)
    assert [(part["name"], part["why"]) for part in found["slices"]] == [("city = 'b'", "calibration")]
    assert part["bias"]["interval"][0] > 0 > found["slices"][0]["bias"]["interval"][1]


def test_a_slice_that_is_only_hard_is_as_bad_as_its_predictions_promise() -> None:
    rng = np.random.default_rng(0)
    city = rng.choice(["a", "b"], 4000)
    p = 1 / (1 + np.exp(-rng.normal(size=4000) * np.where(city == "a", 0.1, 3)))
    truth = (rng.random(4000) < p).astype(np.int64)
    judged = Judged(find("metrics", "roc_auc")(), truth, np.stack([1 - p, p], axis=1), p, np.arange(4000))
    assert promised(judged) == pytest.approx(judged.metric.score(truth, judged.prediction), abs=0.02)
    (part,) = weak_slices(Table(pl.DataFrame({"city": city}), (Column("city", "category"),)), judged)["slices"]
    assert part["name"] == "city = 'a'"
    assert part["as_promised"] is True


def test_slices_are_judged_again_without_a_search() -> None:
    table, judged = world(5, 2000, weak=1.5)
    mask = (table.frame["city"] == "a").to_numpy()
    slices = [{"name": name, "why": "score"} for name in ("city = 'a'", "none", "b")]
    slices.append({"name": "off", "why": "calibration", "bias": {"value": -1.0}})
    masks = {
        "city = 'a'": mask,
        "none": np.zeros(2000, bool),
        "b": (table.frame["city"] == "b").to_numpy(),
        "off": judged.truth > 1,
    }
    again = judged_again(judged, slices, masks)
    assert [part["holds"] for part in again] == [True, None, False, True]
    assert again[0]["n"] == mask.sum()
    assert again[0]["value"] == pytest.approx(judged.metric.score(judged.truth[mask], judged.prediction[mask]))


def test_every_output_is_searched_and_all_of_them_share_one_error_rate() -> None:
    table, fine = world(7, 1500)
    _, weak = world(7, 1500, weak=1.5)
    alone = weak_slices(table, weak, seed=7)
    both = weak_slices_of(table, {"price": fine, "days": weak}, seed=7)
    assert {part["output"] for part in both["slices"]} == {"days"}
    assert any("city = 'a'" in part["name"] for part in both["slices"])
    assert both["n_searched"] == 2 * alone["n_searched"] and both["n_tested"] > alone["n_tested"]
    assert both["level"] >= alone["level"], "intervals are wider, the more was tested"
    assert both["wholes"]["days"] == alone["whole"] and both["whole"] == both["wholes"]["price"]
    assert "wholes" not in alone and all("output" not in part for part in alone["slices"])
    again = judged_again(weak, both["slices"][:1], {both["slices"][0]["name"]: weak.truth > 1.0})
    assert again[0]["output"] == "days"


def test_many_outputs_without_weak_slices_find_as_few_as_one(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("fieldguide.steps.refine.weak_slices.REPLICATES", 200)
    found = []
    for seed in range(15):
        worlds = [world(100 * seed + k, 240) for k in range(4)]
        table = worlds[0][0].without(["a b"])
        found.append(
            bool(weak_slices_of(table, {str(k): judged for k, (_, judged) in enumerate(worlds)}, seed=seed)["slices"])
        )
    assert np.mean(found) <= 0.05


def test_too_few_rows_are_not_searched() -> None:
    assert weak_slices(*world(0, 150))["silence"] == "150 judged rows of 150 units are too few to search"


def test_benjamini_hochberg_is_the_textbook_procedure() -> None:
    rng = np.random.default_rng(0)
    for _ in range(50):
        p = rng.random(9) ** 3
        order = np.sort(p)
        last = max((k for k in range(1, 10) if order[k - 1] <= 0.05 * k / 9), default=0)
        assert sorted(p[benjamini_hochberg(list(p), 0.05)]) == sorted(order[:last])
