"""A/B: the control and one candidate or several side by side for one phase."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import ClassVar

from fieldguide.core.online.experiment import Judged, Phase, Verdict, mismatch, said


@dataclass(frozen=True)
class AB:
    """The control and its candidates side by side: ship where the primary measure is better and no guardrail is breached.

    Of several candidates each is held against the control, by p-values that are corrected for how many there are; of those that may be
    shipped the one with the largest gain is named. Whether one candidate is better than another is not asked.

    Source: Kohavi, Tang, Xu (2020), Trustworthy Online Controlled Experiments.
    """

    name: ClassVar[str] = "ab"
    title: ClassVar[str] = "A/B test"
    identical: ClassVar[bool] = False

    def phases(self, shares: Mapping[str, float]) -> tuple[Phase, ...]:
        return (Phase("ab", dict(shares)),)

    def verdict(self, judged: Sequence[Judged]) -> Verdict:
        each = judged[-1].by_candidate()
        return read(each[0]) if len(each) == 1 else _chosen(judged[-1], each)


def _chosen(whole: Judged, each: Sequence[Judged]) -> Verdict:
    """Return the verdict on several candidates: a fault is of all, else the best of those that may be shipped."""
    readings = [read(judged) for judged in each]
    if whole.mismatched or whole.alarms:
        return replace(readings[0], reasons=(*whole.alarms, *(said(m, whole.always) for m in whole.measured)))
    arms = [judged.primary.arm for judged in each]
    reasons = tuple(f"{arm}: {reading.sentence}" for arm, reading in zip(arms, readings))
    able = [i for i, reading in enumerate(readings) if reading.decision == "ship"]
    if able:
        best = max(able, key=lambda i: each[i].primary.sign * each[i].primary.effect.value)
        more = (
            f", the best of {len(able)} that are better than the control (they were not held against each other)"
            if len(able) > 1
            else ""
        )
        words = f"Ship {arms[best]}{more}: {said(each[best].primary, whole.always)} is better."
        return Verdict("ship", words, reasons, arm=arms[best])
    decisions = {reading.decision for reading in readings}
    if decisions == {"keep"}:
        return Verdict("keep", f"Keep the control; {'; '.join(_lower(r) for r in reasons)}.", reasons)
    return Verdict(
        "undecided", f"No candidate is shown to be better; {'; '.join(_lower(r) for r in reasons)}.", reasons
    )


def _lower(reason: str) -> str:
    """Return a reason within a sentence that goes on: "bold: Keep …" as "bold: keep …", without its full stop."""
    arm, _, rest = reason.partition(": ")
    return f"{arm}: {rest[0].lower()}{rest[1:]}".rstrip(".")


def read(judged: Judged) -> Verdict:
    """Return the verdict on one phase: faults first, then harm, then gain."""
    always = judged.always
    reasons = [said(measure, always) for measure in judged.measured]
    if judged.mismatched:
        words = f"no verdict can be trusted: {mismatch(judged.ratio)}"
        return Verdict("void", _first(words), (*judged.alarms, *reasons))
    if judged.alarms:
        return Verdict("void", _first(f"no verdict can be trusted: {judged.alarms[0]}"), (*judged.alarms, *reasons))
    primary, breached = judged.primary, judged.breached
    if breached:
        words = f"keep the control: guardrail {said(breached[0], always)} is worse by more than {breached[0].margin:g}"
        return Verdict("keep", _first(words), tuple(reasons))
    if primary.worse(judged.alpha, always):
        return Verdict("keep", _first(f"keep the control: {said(primary, always)} is worse"), tuple(reasons))
    if primary.better(judged.bar, always):
        small = primary.least is not None and primary.gain(always)[1] < primary.least
        if small:
            words = (
                f"keep the control: {said(primary, always)} is better by less than the {primary.least:g} worth knowing"
            )
            return Verdict("keep", _first(words), tuple(reasons))
        return Verdict("ship", _first(f"ship the candidate: {said(primary, always)} is better"), tuple(reasons))
    high = primary.gain(always)[1]
    if judged.complete and primary.least is not None and high < primary.least:
        words = f"keep the control: {said(primary, always)} cannot be as good as the {primary.least:g} worth knowing"
        return Verdict("keep", _first(words), tuple(reasons))
    if judged.complete:
        return Verdict("undecided", _first(f"no difference is shown: {said(primary, always)}"), tuple(reasons))
    n = primary.effect.n_control + primary.effect.n_candidate
    of = f" of {judged.n_planned:,}" if judged.n_planned is not None else ""
    words = f"too early to say: {n:,}{of} units; so far {said(primary, always)}"
    return Verdict("undecided", _first(words), tuple(reasons))


def _first(words: str) -> str:
    return words[0].upper() + words[1:] + "."
