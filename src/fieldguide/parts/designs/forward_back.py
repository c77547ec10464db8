"""Forward test and back test: a little candidate beside the control, then a little control beside the candidate."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from statistics import NormalDist
from typing import ClassVar

from fieldguide.core.figures import number
from fieldguide.core.online.experiment import Judged, Phase, Verdict, mismatch, said
from fieldguide.core.settings import setting
from fieldguide.parts.designs.ab import read


@dataclass(frozen=True)
class ForwardBack:
    """99 % control with 1 % candidate, then 1 % with 99 %: the two differences must agree in direction and size.

    The forward test risks little; the back test shows whether the gain stays once the candidate decides what is seen by
    almost everybody. Where they differ, the candidate's effect depends on how much of the traffic it has: through feedback,
    novelty or a shared resource.

    Formula: z = (d_forward − d_back) / √(s²_forward + s²_back). Units that are in both make the two alike, so that the test
    is on the side of agreement no more than its level says.
    """

    name: ClassVar[str] = "forward_back"
    title: ClassVar[str] = "Forward and back test"
    identical: ClassVar[bool] = False
    most_arms: ClassVar[int] = 2

    small: float = setting(0.01, "share of the arm that is on trial in each phase")

    def phases(self, shares: Mapping[str, float]) -> tuple[Phase, ...]:
        control, candidate = shares
        return (
            Phase("forward", {control: 1 - self.small, candidate: self.small}),
            Phase("back", {control: self.small, candidate: 1 - self.small}),
        )

    def verdict(self, judged: Sequence[Judged]) -> Verdict:
        broken = next((phase for phase in judged if phase.mismatched or phase.alarms), None)
        if broken is not None:
            what = mismatch(broken.ratio) if broken.mismatched else broken.alarms[0]
            words = f"No verdict can be trusted: in the {broken.phase.name} test, {what}."
            return Verdict("void", words, tuple(said(m, p.always) for p in judged for m in p.measured))
        forward = read(judged[0])
        if len(judged) < 2:
            if forward.decision == "keep":
                return replace(forward, sentence=f"Forward test: {forward.sentence}")
            words = f"The back test is still to be run. Forward test: {forward.sentence}"
            return Verdict("undecided", words, forward.reasons)
        return self._both(judged[0], judged[1])

    def _both(self, forward: Judged, back: Judged) -> Verdict:
        first, second = forward.primary.effect, back.primary.effect
        error = math.hypot(first.error, second.error)
        z = (first.value - second.value) / error if error > 0 else math.nan
        p = 2 * NormalDist().cdf(-abs(z)) if math.isfinite(z) else math.nan
        agreement = {
            "forward": first.value, "back": second.value, "difference": first.value - second.value, "error": error, "p": p,
            "same_direction": first.value * second.value > 0, "agree": p > forward.alpha and first.value * second.value > 0,
        }  # fmt: skip
        readings = [read(forward), read(back)]
        reasons = tuple(
            f"{judged.phase.name}: {said(m, judged.always)}" for judged in (forward, back) for m in judged.measured
        )
        harm = next((
            reading for reading, judged in zip(readings, (forward, back))
            if judged.breached or judged.primary.worse(judged.alpha, judged.always)
        ), None)  # fmt: skip
        two = f"forward {number(first.value, sign=True)}, back {number(second.value, sign=True)}"
        if harm is not None:
            return Verdict("keep", harm.sentence, reasons, agreement)
        if not math.isfinite(p):
            unknown = first if not (math.isfinite(first.value) and first.error > 0) else second
            phase = forward.phase.name if unknown is first else back.phase.name
            words = f"The two tests cannot be compared yet: the {phase} test has no difference with an error."
            return Verdict("undecided", words, reasons, agreement)
        if p <= forward.alpha:
            words = f"Forward and back test disagree ({two}, p {number(p, 3)}): the effect depends on how much traffic the candidate has."
            return Verdict("undecided", words, reasons, agreement)
        if not agreement["same_direction"]:
            words = (
                f"Forward and back test point in different directions ({two}), neither beyond noise (p {number(p, 3)})."
            )
            return Verdict("undecided", words, reasons, agreement)
        small = next((reading for reading in readings if reading.decision == "keep"), None)
        if small is not None:
            return Verdict("keep", small.sentence, reasons, agreement)
        shown = [reading.decision == "ship" for reading in readings]
        if all(shown):
            words = f"Ship the candidate: forward and back test agree ({two}, p {number(p, 3)} of a difference), each beyond noise."
            return Verdict("ship", words, reasons, agreement)
        if any(shown):
            which = forward.phase.name if shown[0] else back.phase.name
            words = f"Only the {which} test shows the gain ({two}); the other agrees with it but is not beyond noise."
            return Verdict("undecided", words, reasons, agreement)
        return Verdict("undecided", f"Neither test shows a difference ({two}).", reasons, agreement)
