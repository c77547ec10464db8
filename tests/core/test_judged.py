"""A judged phase: when a gain or a loss counts as shown, when the arms are not what was planned, and how it is said."""

from __future__ import annotations

import math
from dataclasses import replace

import pytest

from fieldguide.core.online.experiment import Judged, Measured, Phase, mismatch, said
from fieldguide.core.statistics.effect import Effect
from fieldguide.core.statistics.sample_ratio import sample_ratio

EVEN = {"old": 0.5, "new": 0.5}
BETTER = Effect(0.5, 0.6, 900, 1_100, 0.1, 0.02, (0.06, 0.14), 1e-6, (0.01, 0.19), 1e-4, 0.2, (0.11, 0.29))


def measure(**changes: object) -> Measured:
    return replace(Measured("clicks", "primary", 1, BETTER, 0.01, 0.04), **changes)


def judged(counts: dict[str, int] | None = None, *measures: Measured, **changes: object) -> Judged:
    ratio = sample_ratio(counts or {"old": 1_000, "new": 1_000}, EVEN)
    return Judged(
        Phase("forward", EVEN), ratio, measures or (measure(),), changes.pop("complete", True), 2_000, **changes
    )  # type: ignore[arg-type]


def test_a_gain_is_shown_at_the_level_and_in_the_direction_of_the_measure() -> None:
    assert measure().better(0.01, always=False) and not measure().better(0.009, always=False)
    assert measure().better(0.04, always=True) and not measure().better(0.03, always=True)
    assert not measure(sign=-1).better(0.05, always=False)
    assert not measure(effect=replace(BETTER, value=0.0)).better(0.05, always=False)


def test_the_gain_of_what_should_fall_is_turned() -> None:
    assert measure().gain() == (0.06, 0.14) and measure().gain(always=True) == (0.01, 0.19)
    assert measure(sign=-1).gain() == (-0.14, -0.06) and measure(sign=-1).gain(always=True) == (-0.19, -0.01)


@pytest.mark.parametrize(
    ("margin", "now", "at_any_look"),
    [(0.0, True, True), (0.01, True, False), (0.05, True, False), (0.06, False, False)],
)
def test_a_loss_is_shown_only_beyond_its_margin(margin: float, now: bool, at_any_look: bool) -> None:
    costs = measure(sign=-1, role="guardrail", margin=margin)
    assert (costs.worse(0.05, always=False), costs.worse(0.05, always=True)) == (now, at_any_look)
    assert not costs.worse(0.009, always=False)
    assert not measure(role="guardrail").worse(0.05, always=False)


def test_only_guardrails_are_breached() -> None:
    loss = measure(name="errors", sign=-1, role="guardrail")
    found = judged(None, measure(sign=-1), loss, replace(loss, role="secondary"))
    assert found.breached == (loss,)
    assert found.primary.name == "clicks"
    assert found.to_dict()["breached"] == ["errors"]
    assert replace(found, alpha=0.005).breached == ()


def test_several_candidates_are_judged_each_by_its_own_measures() -> None:
    one, two = measure(name="clicks (b)", arm="b"), measure(name="clicks (c)", arm="c")
    cost = measure(name="errors (c)", role="guardrail", arm="c", sign=-1)
    found = judged(None, one, two, cost)
    assert found.primaries == (one, two) and found.primary == one
    assert [part.measured for part in found.by_candidate()] == [(one,), (two, cost)]
    assert [part.breached for part in found.by_candidate()] == [(), (cost,)]
    alone = judged()
    assert alone.by_candidate() == (alone,)


def test_a_mismatch_is_believed_at_one_per_cent() -> None:
    assert not judged({"old": 1_000, "new": 1_000}).mismatched
    assert not judged({"old": 953, "new": 1_047}).mismatched  # p 0.036
    assert judged({"old": 940, "new": 1_060}).mismatched  # p 0.007


def test_before_the_end_a_mismatch_must_hold_at_every_look() -> None:
    counts = {"old": 940, "new": 1_060}
    assert sample_ratio(counts, EVEN).always_p > 0.01
    assert not judged(counts, complete=False, always=True).mismatched
    assert judged(counts, complete=True, always=True).mismatched
    assert judged(counts, complete=False, always=False).mismatched
    assert judged({"old": 800, "new": 1_200}, complete=False, always=True).mismatched


def test_effects_are_said_with_the_interval_that_holds() -> None:
    assert said(measure(), always=False) == "clicks +0.1 (+20.00 %) [0.06, 0.14], p 0.01"
    assert said(measure(), always=True) == "clicks +0.1 (+20.00 %) [0.01, 0.19], always-valid p 0.04"
    no_lift = measure(effect=replace(BETTER, lift=math.nan))
    assert said(no_lift, always=False) == "clicks +0.1 [0.06, 0.14], p 0.01"
    early = measure(effect=replace(BETTER, always_interval=(-math.inf, math.inf)))
    assert said(early, always=True) == "clicks +0.1, no interval yet"
    nothing = measure(effect=replace(BETTER, value=math.nan))
    assert said(nothing, always=False) == "clicks cannot be compared: 900 and 1,100 units"


def test_a_mismatch_names_what_came_and_what_was_expected() -> None:
    words = mismatch(sample_ratio({"old": 940, "new": 1_060}, EVEN))
    assert words == "sample ratio mismatch (p 0.00729): old 940 of 1,000 expected, new 1,060 of 1,000 expected"


def test_what_is_not_finite_is_told_as_nothing() -> None:
    told = measure(adjusted_p=math.nan, always_p=math.inf).to_dict()
    assert (told["adjusted_p"], told["running_p"]) == (None, None)
    assert measure().to_dict()["running_p"] == 0.04
