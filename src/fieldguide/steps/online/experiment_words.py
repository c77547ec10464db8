"""What an experiment says of itself: when to stop, how a look reads, what a plan takes.

Knows judged phases and power calculations; reads no log and decides no verdict.
"""

from __future__ import annotations

import math
from typing import Any

from fieldguide.core.contracts import Design
from fieldguide.core.documents.plan import Plan
from fieldguide.core.errors import listed
from fieldguide.core.figures import number, percent, span
from fieldguide.core.online.experiment import Judged, Measured
from fieldguide.core.statistics.sequential import BURN_IN


def stop_rule(said: Plan, judged: Judged, facts: dict[str, Any]) -> str:
    """Return why to stop now, or an empty text."""
    if judged.mismatched or judged.alarms:
        return "the experiment is broken: mend it before more traffic is spent"
    if said.stop.harm and judged.breached:
        return f"guardrail {judged.breached[0].name} is proven worse by more than its margin"
    worse = [one.name for one in judged.primaries if one.worse(judged.alpha, always=True)]
    if said.stop.harm and worse:
        return f"{listed(worse)} is proven worse"
    better = [one.name for one in judged.primaries if one.better(judged.bar, always=True)]
    if said.stop.success and better:
        return f"{listed(better)} is proven better"
    if judged.complete and judged.n_planned is not None:
        return f"the planned {judged.n_planned:,} units are there"
    if said.stop.days is not None and (facts["days"] or 0.0) >= said.stop.days:
        return f"{said.stop.days:g} days are over"
    return ""


def status_sentence(judged: Judged, facts: dict[str, Any], rule: str) -> str:
    """Return a look in one sentence: how many units, the measure that decides, whether to stop."""
    of = f" of {judged.n_planned:,}" if judged.n_planned is not None else ""
    young = facts["n_units"] - facts["n_mature"]
    waits = f", {young:,} more are too young to judge" if young else ""
    readings = "; ".join(_reading(primary, judged.always) for primary in judged.primaries)
    return f"{facts['n_judged']:,}{of} units{waits}; {readings}" + (f". Stop: {rule}" if rule else "")


def _reading(primary: Measured, always: bool) -> str:
    low, high = primary.effect.always_interval if always else primary.effect.interval
    known = math.isfinite(primary.effect.value)
    reading = (
        f"{primary.name} {number(primary.effect.value, sign=True)}" if known else f"{primary.name} cannot be compared"
    )
    if always and not math.isfinite(low):
        return f"{reading}, not to be read before {BURN_IN} units in each arm"
    return f"{reading} {span((low, high))}" + (" at every look so far" if always else "")


def planned_sentence(said: Plan, design: Design, power: dict[str, Any]) -> str:
    """Return a plan in one sentence: units and days by phase, or why they are not known."""
    if power["silence"]:
        return f"{design.title} of {listed(said.candidates)} against {said.control}: {power['silence']}"
    words = []
    for part in power["phases"]:
        if part["units"] is None:
            time = "14 days" if power["per_day"] else f"{power['n_seen']:,} units"
            words.append(
                f"{part['phase']}: name the smallest effect worth knowing; {time} would show {number(part['shown'], 3)}"
            )
        else:
            days = "" if part["days"] is None else f", about {number(part['days'], 3)} days"
            words.append(f"{part['phase']}: {part['units']:,} units{days} show {number(part['shown'], 3)}")
    return f"{design.title}, {said.primary} {number(power['baseline'])} today; {'; '.join(words)} with power {percent(said.power, 0)}"
