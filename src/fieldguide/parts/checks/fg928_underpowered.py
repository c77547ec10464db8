"""FG928: can the experiment show what it looks for?"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

from fieldguide.core.finding import Finding, Severity
from fieldguide.core.settings import setting
from fieldguide.parts.checks._answers import fire, number, passed, skipped


@dataclass(frozen=True)
class Underpowered:
    """The plan names no smallest effect worth knowing, or showing it takes longer than eight weeks of the present traffic, or more units
    than were planned.

    Formula: n = (z_(1 - alpha/2) + z_power)^2 s^2 (1/w_1 + 1/w_2) / effect^2 with the logged variance s^2 of a unit and the arms' shares w.

    Why: an experiment that cannot show an effect ends in "no difference" whether there is one or not, and a difference that it happens
    to show is exaggerated.

    Remedy: name an effect; give the smaller arm more traffic, take variance out by scores from before, choose a more sensitive measure.

    Needs: plan (power: {silence, phases: [{phase, units, days, shown}]}, units, measures).
    """

    name: ClassVar[str] = "fg928_underpowered"
    code: ClassVar[str] = "FG928"
    title: ClassVar[str] = "The experiment cannot show its effect in time"
    step: ClassVar[str] = "experiment"
    severity: ClassVar[Severity] = "warning"

    days: float = setting(56.0, "days beyond which a phase is too long")

    def run(self, *, plan: Mapping[str, Any]) -> list[Finding]:
        power = plan["power"]
        if power["silence"]:
            return [skipped(self, f"Not known: {power['silence']}.")]
        findings = []
        for phase in power["phases"]:
            if phase["units"] is None:
                sentence = f"No smallest effect is named for the {phase['phase']} phase; the traffic would show {number(phase['shown'])}."
                findings.append(
                    fire(self, sentence, "Set `effect:` of the primary measure.", severity="info", evidence=phase)
                )
            elif power.get("effect") and phase["shown"] > 1.05 * power["effect"]:
                sentence = (
                    f"The planned {phase['units']:,} units of the {phase['phase']} phase show {number(phase['shown'])}, and "
                    f"{number(power['effect'])} is worth knowing."
                )
                findings.append(
                    fire(self, sentence, "Plan more units, or take variance out by scores from before.", evidence=phase)
                )
            elif phase["days"] is not None and phase["days"] > self.days:
                sentence = f"The {phase['phase']} phase needs {phase['units']:,} units, about {number(phase['days'])} days of this traffic."
                remedy = (
                    "Give the smaller arm more traffic, choose a more sensitive measure, or settle for a larger effect."
                )
                findings.append(fire(self, sentence, remedy, evidence=phase))
        if findings:
            return findings
        said = ", ".join(f"{phase['phase']} {phase['units']:,} units" for phase in power["phases"])
        return [passed(self, f"The effect can be shown: {said}.")]
