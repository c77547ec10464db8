"""Designs: the contract, and what each decides."""

from __future__ import annotations

from dataclasses import dataclass, replace

import pytest

from fieldguide.core.online.experiment import Judged, Measured, Phase
from fieldguide.core.statistics.effect import Effect
from fieldguide.core.statistics.sample_ratio import sample_ratio
from fieldguide.parts import find, names
from fieldguide.testing import check_design

SHARES = {"control": 0.5, "candidate": 0.5}


@pytest.mark.parametrize("name", names("designs"))
def test_every_design_keeps_the_contract(name):
    check_design(find("designs", name)())


def test_the_contract_refuses_a_design_that_ships_under_a_mismatch():
    @dataclass(frozen=True)
    class Careless:
        name = "careless"
        title = "Careless"
        identical = False

        def phases(self, shares):
            return (Phase("ab", dict(shares)),)

        def verdict(self, judged):
            return find("designs", "ab")().verdict(
                [replace(judged[-1], ratio=sample_ratio({"control": 1, "candidate": 1}, SHARES))]
            )

    Careless.__module__ = "elsewhere"
    with pytest.raises(AssertionError, match="mismatch"):
        check_design(Careless())


def measured(value=0.02, half=0.01, role="primary", name="clicks", **more):
    z = abs(value) / (half / 1.96)
    p = 0.0001 if z > 4 else 0.03 if z > 2 else 0.4
    found = Effect(
        0.1, 0.1 + value, 5_000, 5_000, value, half / 1.96, (value - half, value + half), p, (value - 2 * half, value + 2 * half),
        min(1.0, 10 * p), value / 0.1, (0.0, 0.2),
    )  # fmt: skip
    return Measured(name, role, more.pop("sign", 1), found, p, min(1.0, 10 * p), **more)


def judged(*measures, counts=(5_000, 5_000), phase="ab", **more):
    ratio = sample_ratio(dict(zip(SHARES, counts)), SHARES)
    return Judged(Phase(phase, SHARES), ratio, measures or (measured(),), more.pop("complete", True), 10_000, **more)


def decide(design, *phases):
    return find("designs", design)().verdict(phases)


def test_ab_ships_what_is_better_and_keeps_what_is_worse():
    assert decide("ab", judged()).decision == "ship"
    verdict = decide("ab", judged(measured(-0.02)))
    assert verdict.decision == "keep"
    assert verdict.sentence == "Keep the control: clicks −0.02 (−20.00 %) [−0.03, −0.01], p 0.03 is worse."


def test_ab_keeps_a_gain_too_small_to_be_worth_it():
    verdict = decide("ab", judged(measured(0.02, 0.005, least=0.05)))
    assert verdict.decision == "keep"
    assert "less than the 0.05 worth knowing" in verdict.sentence
    no_gain = decide("ab", judged(measured(0.001, 0.005, least=0.05)))
    assert no_gain.decision == "keep"
    assert "cannot be as good as the 0.05" in no_gain.sentence


def test_a_gain_bought_by_a_guardrail_is_not_shipped():
    slow = measured(0.2, 0.05, "guardrail", "seconds", sign=-1, margin=0.1)
    verdict = decide("ab", judged(measured(), slow))
    assert verdict.decision == "keep"
    assert verdict.sentence.startswith("Keep the control: guardrail seconds")
    within = replace(slow, margin=0.3)
    assert decide("ab", judged(measured(), within)).decision == "ship"


def test_before_the_end_only_overwhelming_evidence_ships():
    early = judged(measured(0.02, 0.005), complete=False, always=True, bar=0.01)
    assert decide("ab", early).decision == "ship"
    weaker = judged(measured(0.02, 0.018), complete=False, always=True, bar=0.01)
    assert decide("ab", weaker).decision == "undecided"
    assert "10,000 of 10,000 units" in decide("ab", weaker).sentence


def test_aa_calls_a_difference_a_bug():
    verdict = decide("aa", judged(measured(0.02)))
    assert verdict.decision == "bug"
    assert verdict.sentence.startswith("An engineering bug, not a difference of models: two paths of one system differ")
    assert decide("aa", judged(measured(0.001))).decision == "sound"


def test_aa_lets_times_differ_within_their_margin():
    slower = measured(0.002, 0.0005, "guardrail", "seconds", sign=-1, margin=0.01)
    assert decide("aa", judged(measured(0.001), slower)).decision == "sound"
    faster = measured(-0.002, 0.0005, "guardrail", "seconds", sign=-1, margin=0.01)
    assert decide("aa", judged(measured(0.001), faster)).decision == "sound"
    unsure = measured(0.008, 0.0035, "guardrail", "seconds", sign=-1, margin=0.01)  # up to 0.0115 worse
    verdict = decide("aa", judged(measured(0.001), unsure))
    assert verdict.decision == "bug"
    assert "two paths of one system differ: seconds +0.008" in verdict.sentence


def test_forward_and_back_must_agree():
    forward, back = judged(measured(0.02), phase="forward"), judged(measured(0.019), phase="back")
    assert decide("forward_back", forward, back).decision == "ship"
    far = judged(measured(0.08, 0.01), phase="back")
    verdict = decide("forward_back", forward, far)
    assert verdict.decision == "undecided"
    assert verdict.sentence.startswith("Forward and back test disagree (forward +0.02, back +0.08")
    assert verdict.agreement["agree"] is False


def test_a_forward_test_alone_waits_for_the_back_test_and_harm_ends_it():
    assert "still to be run" in decide("forward_back", judged(phase="forward")).sentence
    harm = decide("forward_back", judged(measured(-0.02), phase="forward"))
    assert harm.decision == "keep"
    assert harm.sentence.startswith("Forward test: Keep the control")


def test_one_test_that_shows_nothing_leaves_it_open():
    verdict = decide(
        "forward_back", judged(measured(0.02), phase="forward"), judged(measured(0.01, 0.015), phase="back")
    )
    assert verdict.decision == "undecided"
    assert verdict.sentence.startswith("Only the forward test shows the gain")


def test_what_has_no_value_yet_is_said_in_words():
    empty = replace(measured(), effect=replace(measured().effect, value=float("nan"), n_control=0, n_candidate=3))
    verdict = decide("ab", judged(empty, complete=False, always=True))
    assert verdict.sentence.endswith("so far clicks cannot be compared: 0 and 3 units.")
    early = replace(
        measured(), effect=replace(measured().effect, always_interval=(-float("inf"), float("inf"))), always_p=1.0
    )
    assert "no interval yet" in decide("ab", judged(early, complete=False, always=True)).sentence


def test_a_test_without_a_difference_is_not_said_to_point_elsewhere():
    empty = replace(measured(), effect=replace(measured().effect, value=float("nan"), error=float("nan"), n_control=0))
    verdict = decide("forward_back", judged(measured(0.02), phase="forward"), judged(empty, phase="back"))
    assert verdict.decision == "undecided" and verdict.agreement["agree"] is False
    assert verdict.sentence == "The two tests cannot be compared yet: the back test has no difference with an error."
