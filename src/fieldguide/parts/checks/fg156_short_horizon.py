"""FG156: a horizon that ends before most outcomes come."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

from fieldguide.core.finding import Finding, Severity
from fieldguide.core.settings import setting
from fieldguide.parts.checks._answers import fire, not_applicable, number, passed, percent


@dataclass(frozen=True)
class ShortHorizon:
    """A horizon that ends before most of the outcomes that arrive at all have arrived.

    Formula: F(horizon) / F(last time seen), with F the Kaplan–Meier curve of the time from a prediction to the first outcome;
    units that still wait are censored at their waiting time. The recommended wait is the first t with F(t) ≥ share · F(last).

    Why: what comes after the horizon is a negative. Where that is most of what comes at all, the label is another question
    than the goal, and a model of it prefers the quick.

    Remedy: lengthen `outcome.horizon` towards the recommended wait, or accept that "soon" is the question.

    Source: Kaplan and Meier (1958), Nonparametric estimation from incomplete observations.

    Needs: joined.
    """

    name: ClassVar[str] = "fg156_short_horizon"
    code: ClassVar[str] = "FG156"
    title: ClassVar[str] = "A horizon shorter than most delays"
    step: ClassVar[str] = "join"
    severity: ClassVar[Severity] = "info"

    least: float = setting(0.5, "share of the arriving outcomes that a horizon should hold")

    def run(self, *, joined: Mapping[str, Any]) -> list[Finding]:
        delay = joined["delay"]
        if delay is None or delay["within_horizon"] is None:
            return [not_applicable(self, "No outcome arrives at a time of its own.")]
        unit = "days" if joined["clock"] == "date" else joined["clock"]
        evidence = {
            name: delay[name] for name in ("within_horizon", "median", "wait", "share", "n", "n_waiting", "followed")
        }
        held = percent(delay["within_horizon"])
        if delay["within_horizon"] >= self.least:
            return [passed(self, f"The horizon holds {held} of the outcomes that arrive at all.", evidence)]
        sentence = (
            f"The horizon of {number(joined['horizon'])} {unit} holds {held} of the outcomes that arrive at all within "
            f"{number(delay['followed'])} {unit}; half have arrived after {number(delay['median'])}, {percent(delay['share'])} "
            f"after {number(delay['wait'])}."
        )
        return [
            fire(
                self,
                sentence,
                "Lengthen outcome.horizon, or state in problem.goal that only early outcomes count.",
                evidence=evidence,
            )
        ]
