"""Experiments of several candidates: dealt by any shares, each held against the control, corrected for how many there are."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from experiment_world import START, write_log

from fieldguide.core.documents.plan import Plan
from fieldguide.core.errors import ConfigError
from fieldguide.core.online.assignment import Allocation
from fieldguide.core.online.log import OUTCOMES
from fieldguide.core.statistics.sample_size import units_needed
from fieldguide.parts import find
from fieldguide.steps.online.experiment import plan, running, start, status, verdict
from fieldguide.steps.online.judge import Before, judge, power_of
from fieldguide.steps.online.traffic import Traffic

ARMS = {"control": 0.5, "bold": 0.3, "shy": 0.2}


def said(**more: object) -> Plan:
    arms = {name: {"share": share} for name, share in ARMS.items()}
    return Plan.from_dict(
        {"name": "many", "log": "rows.csv", "arms": arms, "measures": {"bought": {"role": "primary"}}, **more}
    )


def traffic(rng: np.random.Generator, n: int, lifts: dict[str, float]) -> Traffic:
    """Return one row per unit of arms that differ from the control by a lift."""
    arm = rng.choice(list(ARMS), n, p=list(ARMS.values()))
    bought = rng.random(n) < 0.3 + np.array([lifts.get(name, 0.0) for name in arm])
    rows = pl.DataFrame({
        "id": np.arange(n).astype(str), "unit": np.arange(n).astype(str), "arm": arm, "bought": bought.astype(float),
        "time": pl.Series([None] * n, dtype=pl.Datetime("us")), "score": np.zeros(n), "seconds": np.zeros(n),
    })  # fmt: skip
    return Traffic(rows, pl.DataFrame(schema=OUTCOMES), rows.head(0), "rows", held=True)


def judged(plan: Plan, seen: Traffic, n: int, design: str = "ab"):  # type: ignore[no-untyped-def]
    by = find("designs", design)()
    (phase,) = by.phases(plan.shares)
    return by, judge(plan, by, phase, seen, Before(n_planned=n), None)[0]


def test_candidates_that_are_all_alike_are_shown_to_differ_as_often_as_one_would_be() -> None:
    """A/A/A: with Holm the chance of any false gain or loss stays at 5 %; without, two comparisons find one in nearly 10 %."""
    rng, any_, plain, n = np.random.default_rng(0), 0, 0, 160
    for _ in range(n):
        _, found = judged(said(), traffic(rng, 400, {}), 400)
        any_ += any(m.adjusted_p <= 0.05 for m in found.measured)
        plain += any(m.effect.p <= 0.05 for m in found.measured)
    assert 0.015 <= any_ / n <= 0.085, f"{any_ / n:.3f}; 5 % ± 3.4 % is noise"
    assert plain > any_


def test_the_best_of_those_that_may_be_shipped_is_named_and_the_others_are_told() -> None:
    rng = np.random.default_rng(1)
    design, found = judged(said(), traffic(rng, 6_000, {"bold": 0.08, "shy": 0.15}), 6_000)
    assert [m.name for m in found.measured] == ["bought (bold)", "bought (shy)"] and [
        m.arm for m in found.primaries
    ] == ["bold", "shy"]
    reached = design.verdict([found])
    assert reached.decision == "ship" and reached.arm == "shy"
    assert reached.sentence.startswith(
        "Ship shy, the best of 2 that are better than the control (they were not held against each other): bought (shy) +0.1"
    )
    assert (
        reached.reasons[0].startswith("bold: Ship the candidate: bought (bold)") and reached.to_dict()["arm"] == "shy"
    )
    p = [m.effect.p for m in found.measured]
    assert [m.adjusted_p for m in found.measured] == pytest.approx(
        [max(p) if one == max(p) else min(1, 2 * one) for one in p]
    )
    one, _ = (m.effect for m in found.measured)
    width = (one.interval[1] - one.interval[0]) / 2
    assert width / one.error == pytest.approx(2.2414, abs=0.01), "intervals hold together: 97.5 % each"


def test_where_one_is_worse_and_one_unclear_nothing_is_shipped() -> None:
    rng = np.random.default_rng(2)
    design, found = judged(said(), traffic(rng, 5_000, {"bold": -0.1}), 5_000)
    reached = design.verdict([found])
    assert reached.decision == "undecided" and reached.arm == ""
    assert reached.sentence.startswith("No candidate is shown to be better; bold: keep the control: bought (bold) −0.")
    _, both = judged(said(), traffic(rng, 5_000, {"bold": -0.1, "shy": -0.15}), 5_000)
    assert design.verdict([both]).decision == "keep"


def test_a_mismatch_in_any_arm_voids_the_verdict() -> None:
    seen = traffic(np.random.default_rng(3), 6_000, {"bold": 0.2})
    rows = seen.rows.filter((pl.col("arm") != "shy") | (pl.col("id").cast(pl.Int64) % 5 > 0))
    design, found = judged(said(), Traffic(rows, seen.outcomes, seen.before, "rows", held=True), rows.height)
    reached = design.verdict([found])
    assert reached.decision == "void" and "sample ratio mismatch" in reached.sentence and "shy" in reached.sentence


def test_power_is_that_of_the_smallest_arm_at_the_corrected_level() -> None:
    seen = traffic(np.random.default_rng(4), 4_000, {})
    found = power_of(
        said(measures={"bought": {"role": "primary", "effect": 0.05}}), find("designs", "ab")(), seen, None
    )
    (part,) = found["phases"]
    pair = units_needed(0.05, found["variance"], (0.5, 0.2), 0.025)
    assert part["units"] == pytest.approx(pair / 0.7, abs=2) and part["shown"] == pytest.approx(0.05, rel=0.01)
    two = Plan.from_dict(
        {
            **said(measures={"bought": {"role": "primary", "effect": 0.05}}).to_dict(),
            "arms": {"control": {}, "bold": {}},
        }
    )
    (alone,) = power_of(two, find("designs", "ab")(), seen, None)["phases"]
    assert alone["units"] == units_needed(0.05, found["variance"], (0.5, 0.5)), "one candidate needs no correction"


def test_three_arms_are_planned_dealt_and_judged_on_a_log(tmp_path: Path) -> None:
    shares, deal = (
        {"control": 0.4, "candidate": 0.4, "shy": 0.2},
        Allocation("trial", {"control": 0.4, "candidate": 0.4, "shy": 0.2}),
    )
    log = write_log(tmp_path / "log.db", n=2_000, shares=shares, lift=0.15)
    folder = tmp_path / "trial"
    folder.mkdir()
    arms = ", ".join(
        f"{name}: {{share: {share}, changes: [{'' if name == 'control' else 'model'}]}}"
        for name, share in shares.items()
    )
    (folder / "experiment.yaml").write_text(
        f"name: trial\nlog: {log}\narms: {{{arms}}}\nwait: 2d\nunits: 1900\n"
        "measures:\n  click: {role: primary, per: request, effect: 0.05}\n  seconds: {role: guardrail, better: lower, margin: 0.005}\n"
    )
    assert plan(folder, START).facts["sentence"].startswith("A/B test of candidate, shy against control")
    start(folder, now=START)
    dealt = running(folder)
    assert dealt is not None and [dealt.allocation(f"u{i}") for i in range(50)] == [deal(f"u{i}") for i in range(50)]
    look = status(folder, START + timedelta(days=4)).facts
    assert "click (candidate) +0." in look["sentence"] and "click (shy)" in look["sentence"]
    facts = verdict(folder, START + timedelta(days=10)).facts
    assert facts["verdict"]["arm"] == "candidate" and facts["verdict"]["decision"] == "ship"
    assert set(facts["ratio"]["counts"]) == set(shares) and not facts["ratio"]["mismatched"]
    assert facts["strays"]["wrong"] == 0 and facts["n_judged"] == 1_900
    assert [m["name"] for m in facts["measures"]] == [
        "click (candidate)",
        "click (shy)",
        "seconds (candidate)",
        "seconds (shy)",
    ]


def test_three_paths_of_one_system_are_compared_with_the_first_and_the_one_that_differs_is_named(
    tmp_path: Path,
) -> None:
    shares = {"control": 0.4, "candidate": 0.3, "third": 0.3}
    log = write_log(
        tmp_path / "log.db", n=900, shares=shares, seen=lambda arm, row: {**row, "device": None if arm == "third" and row["device"] == "tablet" else row["device"]}
    )  # fmt: skip
    folder = tmp_path / "trial"
    folder.mkdir()
    arms = ", ".join(f"{name}: {{python: 'experiment_world:right', share: {share}}}" for name, share in shares.items())
    (folder / "experiment.yaml").write_text(
        f"name: trial\ndesign: aa\nlog: {log}\narms: {{{arms}}}\nwait: 2d\nunits: 850\nmeasures:\n  click: {{role: primary, per: request}}\n"
    )
    plan(folder, START)
    start(folder, now=START)
    facts = verdict(folder, START + timedelta(days=10)).facts
    assert facts["verdict"]["decision"] == "bug"
    different = facts["paths"]["different"]
    assert (
        different
        and {one["arm"] for one in different} == {"third"}
        and any(one["sentence"].startswith("third: device is missing") for one in different)
    )


def test_what_cannot_have_three_arms_says_so(tmp_path: Path) -> None:
    arms = ", ".join(f"{name}: {{}}" for name in ARMS)
    (tmp_path / "experiment.yaml").write_text(
        f"name: t\ndesign: forward_back\nlog: log.db\narms: {{{arms}}}\nmeasures: {{click: {{role: primary}}}}\n"
    )
    with pytest.raises(ConfigError, match="a forward and back test has 2 arms"):
        plan(tmp_path)
    with pytest.raises(ConfigError, match="two arms or more"):
        Plan.from_dict(
            {"name": "t", "log": "log.db", "arms": {"control": {}}, "measures": {"click": {"role": "primary"}}}
        )
