"""What flows through an experiment: phases, what was measured in each, and the verdict.

Frozen values between the log and the designs. How they are computed is `steps.online.experiment`'s; what follows from them is each
design's.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Literal

from fieldguide.core.figures import number, percent, span
from fieldguide.core.plain import finite
from fieldguide.core.statistics.effect import Effect
from fieldguide.core.statistics.sample_ratio import ALPHA as RATIO_ALPHA
from fieldguide.core.statistics.sample_ratio import SampleRatio

Decision = Literal["ship", "keep", "undecided", "void", "sound", "bug"]
"""ship or keep: the candidate is better, or not; void: nothing may be said; sound or bug: what an A/A test found."""


@dataclass(frozen=True)
class Phase:
    """A time with fixed shares.

    Args:
        name: such as "forward".
        shares: share of units by arm.
    """

    name: str
    shares: Mapping[str, float]

    def to_dict(self) -> dict[str, Any]:
        return {"name": self.name, "shares": dict(self.shares)}


@dataclass(frozen=True)
class Measured:
    """One measure in one phase.

    Args:
        name: of the measure.
        role: primary, secondary or guardrail.
        sign: 1 where higher is better, -1 where lower is.
        effect: candidate less control, as counted.
        adjusted_p: fixed-horizon p-value corrected for the measures beside it.
        always_p: the smallest always-valid p-value of all looks so far, corrected as well.
        margin: the largest loss that is tolerated, in the measure's units.
        least: the smallest difference worth knowing; None where none was named.
        slices: the effect on parts of the units.
        arm: of several candidates, which one; its name then stands in `name` as well. "": there is one.
    """

    name: str
    role: str
    sign: int
    effect: Effect
    adjusted_p: float
    always_p: float
    margin: float = 0.0
    least: float | None = None
    slices: Mapping[str, Effect] = field(default_factory=dict)
    arm: str = ""

    def gain(self, always: bool = False) -> tuple[float, float]:
        """Return the interval of the improvement: positive is better, whatever the measure's direction."""
        low, high = self.effect.always_interval if always else self.effect.interval
        return (low, high) if self.sign > 0 else (-high, -low)

    def better(self, alpha: float, always: bool) -> bool:
        """Whether the improvement is shown."""
        p = self.always_p if always else self.adjusted_p
        return p <= alpha and self.sign * self.effect.value > 0

    def worse(self, alpha: float, always: bool) -> bool:
        """Whether a loss beyond the margin is shown."""
        p = self.always_p if always else self.adjusted_p
        return p <= alpha and self.gain(always)[1] < -self.margin

    def negligible(self, always: bool) -> bool:
        """Whether the interval lies within the margin on both sides: a difference that matters is ruled out, a small one may be there."""
        low, high = self.gain(always)
        return -self.margin < low and high < self.margin

    def to_dict(self) -> dict[str, Any]:
        return {
            "name": self.name, "role": self.role, "sign": self.sign, **self.effect.to_dict(), "adjusted_p": finite(self.adjusted_p),
            "running_p": finite(self.always_p), "margin": self.margin, "least": self.least, "arm": self.arm,
            "slices": {name: part.to_dict() for name, part in self.slices.items()},
        }  # fmt: skip


@dataclass(frozen=True)
class Judged:
    """A phase, judged.

    Args:
        phase: which one.
        ratio: units by arm against the plan.
        measured: the measures, the primary first.
        complete: whether the planned number of units is there.
        n_planned: units in all that were planned; None where no power calculation was possible.
        alarms: engineering faults that were found before any comparison, one sentence each.
        alpha: level.
        always: whether readings must hold at any look: the phase is not complete, or the plan says so.
        bar: level at which a gain counts as shown. A plan that decides at its end spends its level there, so that before it only
            overwhelming evidence counts; a loss is believed at `alpha` at any time.
    """

    phase: Phase
    ratio: SampleRatio
    measured: tuple[Measured, ...]
    complete: bool
    n_planned: int | None
    alarms: tuple[str, ...] = ()
    alpha: float = 0.05
    always: bool = False
    bar: float = 0.05

    @property
    def primary(self) -> Measured:
        """The measure that decides; of several candidates that of the first."""
        return self.primaries[0]

    @property
    def primaries(self) -> tuple[Measured, ...]:
        """The measure that decides, candidate by candidate."""
        return tuple(measure for measure in self.measured if measure.role == "primary")

    def by_candidate(self) -> tuple[Judged, ...]:
        """Return the phase as each candidate has it against the control; of one candidate the phase itself."""
        arms = dict.fromkeys(measure.arm for measure in self.measured)
        return tuple(replace(self, measured=tuple(m for m in self.measured if m.arm == arm)) for arm in arms)

    @property
    def mismatched(self) -> bool:
        """Whether the arms did not receive their shares."""
        return (self.ratio.always_p if self.always and not self.complete else self.ratio.p) <= RATIO_ALPHA

    @property
    def breached(self) -> tuple[Measured, ...]:
        """The guardrails that are shown to be worse by more than their margin."""
        return tuple(m for m in self.measured if m.role == "guardrail" and m.worse(self.alpha, self.always))

    def to_dict(self) -> dict[str, Any]:
        return {
            "phase": self.phase.to_dict(), "ratio": {**self.ratio.to_dict(), "mismatched": self.mismatched},
            "measures": [measure.to_dict() for measure in self.measured], "complete": self.complete,
            "n_planned": self.n_planned, "alarms": list(self.alarms), "alpha": self.alpha, "always": self.always,
            "breached": [measure.name for measure in self.breached],
        }  # fmt: skip


@dataclass(frozen=True)
class Verdict:
    """What follows from an experiment.

    Args:
        decision: see `Decision`.
        sentence: one sentence with numbers; what is wrong with the experiment comes first.
        reasons: what it rests on, one sentence each.
        agreement: forward and back test: their two effects and the p-value of their difference.
        arm: of several candidates the one to ship; "" where none is, or where there is one candidate only.
    """

    decision: Decision
    sentence: str
    reasons: tuple[str, ...] = ()
    agreement: Mapping[str, Any] | None = None
    arm: str = ""

    def to_dict(self) -> dict[str, Any]:
        return {
            "decision": self.decision, "sentence": self.sentence, "reasons": list(self.reasons),
            "agreement": None if self.agreement is None else dict(self.agreement), "arm": self.arm,
        }  # fmt: skip


def said(measure: Measured, always: bool) -> str:
    """Return an effect as one says it, with the interval that holds."""
    low, high = measure.effect.always_interval if always else measure.effect.interval
    p = measure.always_p if always else measure.adjusted_p
    if not math.isfinite(measure.effect.value):
        return (
            f"{measure.name} cannot be compared: {measure.effect.n_control:,} and {measure.effect.n_candidate:,} units"
        )
    if not math.isfinite(low):
        return f"{measure.name} {number(measure.effect.value, sign=True)}, no interval yet"
    kind = "always-valid p" if always else "p"
    lift = f" ({percent(measure.effect.lift, 2, sign=True)})" if measure.effect.lift == measure.effect.lift else ""
    return f"{measure.name} {number(measure.effect.value, sign=True)}{lift} {span((low, high))}, {kind} {number(p, 3)}"


def mismatch(ratio: SampleRatio) -> str:
    """Return a sample ratio mismatch in words."""
    arms = ", ".join(f"{arm} {n:,} of {ratio.expected[arm]:,.0f} expected" for arm, n in ratio.counts.items())
    return f"sample ratio mismatch (p {number(ratio.p, 3)}): {arms}"
