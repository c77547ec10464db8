"""The contract of designs: phases whose shares can be dealt, and verdicts that name a fault before anything else."""

from __future__ import annotations

import dataclasses
from dataclasses import replace
from typing import Any

import numpy as np

from fieldguide.core.contracts import Design
from fieldguide.core.online.assignment import Allocation
from fieldguide.core.online.experiment import Judged, Measured, Phase
from fieldguide.core.statistics.effect import Sample, effect
from fieldguide.core.statistics.sample_ratio import sample_ratio

DECISIONS = ("ship", "keep", "undecided", "void", "sound", "bug")


def check_design(design: Design) -> None:
    """Assert that a design keeps the contract.

    Raises:
        AssertionError: names the rule that does not hold.
    """
    assert isinstance(design, Design), "a design has name, title, identical, phases and verdict"
    assert dataclasses.is_dataclass(design), "a design is a dataclass"
    cls: Any = type(design)
    assert cls.__dataclass_params__.frozen, "a design is frozen"
    own = not cls.__module__.startswith("fieldguide.") or cls.name == cls.__module__.rpartition(".")[2]
    assert own, f"the name {cls.name!r} is the name of its file, {cls.__module__}"
    assert cls.title and cls.title[0].isupper(), "a title is a heading"
    phases = design.phases({"control": 0.5, "candidate": 0.5})
    assert phases and len({phase.name for phase in phases}) == len(phases), "phases have different names"
    for phase in phases:
        assert set(phase.shares) == {"control", "candidate"}, f"the phase {phase.name} deals to the plan's arms"
        Allocation("salt", phase.shares)
    if getattr(design, "most_arms", None) is None:
        more = {"control": 0.5, "candidate": 0.3, "third": 0.2}
        for phase in design.phases(more):
            assert set(phase.shares) == set(more), (
                f"the phase {phase.name} deals to all arms, or the design says most_arms"
            )
    _verdicts(design, phases)


def _verdicts(design: Design, phases: tuple[Phase, ...]) -> None:
    for gain in (0.0, 0.5, -0.5):
        sound = [_judged(phase, gain) for phase in phases]
        for n in range(1, len(sound) + 1):
            verdict = design.verdict(sound[:n])
            assert verdict == design.verdict(sound[:n]), "the same phases give the same verdict"
            assert verdict.decision in DECISIONS, f"{verdict.decision!r} is no decision"
            assert verdict.sentence.endswith(".") and verdict.sentence[0].isupper(), f"a sentence: {verdict.sentence!r}"
    good = design.verdict([_judged(phase, 0.5) for phase in phases])
    bad = design.verdict([_judged(phase, -0.5) for phase in phases])
    if design.identical:
        assert {good.decision, bad.decision} == {"bug"}, "arms that are one system and differ are a bug"
    else:
        assert good.decision == "ship", f"a large gain in every phase ships, not {good.decision}"
        assert bad.decision == "keep", f"a large loss in every phase keeps the control, not {bad.decision}"
    early = design.verdict([_judged(phases[0], 0.0, complete=False)])
    assert early.decision == "undecided", "nothing is decided before the planned end where nothing is shown"
    fault = design.verdict([replace(_judged(phases[0], 0.5), alarms=("scores differ in 3 requests",))])
    assert fault.decision in ("void", "bug") and "scores differ" in fault.sentence, "a fault is named first"
    uneven = design.verdict([_judged(phases[0], 0.5, missing=0.6)])
    assert uneven.decision in ("void", "bug"), "no verdict is given under a sample ratio mismatch"
    assert "mismatch" in uneven.sentence, "a sample ratio mismatch is named first"


def _judged(phase: Phase, gain: float, *, complete: bool = True, missing: float = 0.0) -> Judged:
    """Return a phase of 60,000 units in which the candidate gains so much."""
    rng = np.random.default_rng(0)
    sizes = {arm: round(60_000 * share) for arm, share in phase.shares.items()}
    sizes["candidate"] = round(sizes["candidate"] * (1 - missing))
    # Both arms hold the same values, so that no gain is exactly none.
    values = {arm: np.resize(rng.permutation(np.linspace(-1, 1, 200)), n) for arm, n in sizes.items()}
    found = effect(Sample(values["control"]), Sample(values["candidate"] + gain))
    measured = (
        Measured("clicks", "primary", 1, found, found.p, found.always_p),
        Measured("seconds", "guardrail", -1, replace(found, value=0.0, interval=(-0.1, 0.1), p=1.0), 1.0, 1.0, 0.5),
    )
    ratio = sample_ratio(sizes, phase.shares)
    return Judged(phase, ratio, measured, complete, 60_000, always=not complete)
