"""FG330: a proxy that comes too late."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

from fieldguide.core.finding import Finding, Severity
from fieldguide.core.settings import setting
from fieldguide.parts.checks._answers import number, percent
from fieldguide.parts.checks._proxies import Candidate, Complaint, looked_at


@dataclass(frozen=True)
class ProxyDelay:
    """A proxy whose events come hardly earlier than the outcome, or of which many have not come yet in these rows.

    Formula: Kaplan–Meier from the row's time to the event, S(t) = ∏ (1 − dᵢ / nᵢ), rows that still wait counting until the
    end of observation; the wait for a share q of the events that come is the first t with F(t) ≥ q · F(last). The share still
    to come is 1 − mean F(age of the row) / F(last). Fires when the proxy's 90 % wait is more than half of the outcome's, when
    more than 5 % of its events are still to come, or when more than a quarter of the outcomes that follow a proxy event are.

    Why: a proxy is there to be known early. One that is as late as the outcome gains nothing, events that are still to come
    stand in the table as "no", and while the outcomes behind a proxy are missing nobody can tell whether it was a good one.

    Remedy: take an earlier event, or only rows that are old enough. Without `observed_until` the latest moment in the table is
    taken for the end of observation: state it under `proxies.outcome`.

    Source: Kaplan and Meier (1958), Nonparametric estimation from incomplete observations.

    Needs: proxies (the facts of `explore`).
    """

    name: ClassVar[str] = "fg330_proxy_delay"
    code: ClassVar[str] = "FG330"
    title: ClassVar[str] = "A proxy that comes too late"
    step: ClassVar[str] = "explore"
    severity: ClassVar[Severity] = "warning"

    head_start: float = setting(0.5, "the most of the outcome's 90 % wait that a proxy may take")
    late: float = setting(0.05, "the largest share of a proxy's events that may be still to come")
    outcomes_late: float = setting(0.25, "the largest share of the outcomes after a proxy that may be still to come")

    def run(self, *, proxies: Mapping[str, Any] | None) -> list[Finding]:
        rows = () if proxies is None else proxies["candidates"]
        outcome = next((row["delay"]["row"] for row in rows if row["is_outcome"]), None)

        def judge(row: Candidate) -> Complaint | None:
            mine, after = row["delay"]["row"], row["delay"]["outcome"]
            unit, name = mine["unit"], row["name"]
            said = f"90 % of the events of {name!r} that come are there after {number(mine['p90'])} {unit}"
            evidence = {"delay": _short(mine), "outcome": _short(outcome), "after": _short(after)}
            early = "Choose an event that happens sooner, or learn the outcome itself."
            if outcome and outcome["p90"] and mine["p90"] > self.head_start * outcome["p90"]:
                return (
                    f"{said}, those of the outcome after {number(outcome['p90'])}: it is hardly known earlier.",
                    early,
                    evidence,
                )
            if mine["late"] > self.late:
                sentence = f"{said}: in these rows {percent(mine['late'])} of them are still to come and stand as no."
                return sentence, "Leave out rows younger than that, or choose an event that happens sooner.", evidence
            if after and after["late"] > self.outcomes_late:
                sentence = (
                    f"After {name!r}, {percent(after['late'])} of the outcomes that will follow are still to come."
                )
                return sentence, "Wait before judging it by the outcome, or collect older rows.", evidence
            return None

        return looked_at(
            self, proxies, judge, "their events come early enough.",
            lambda row: "" if row["delay"]["row"] and row["delay"]["row"]["p90"] is not None else "it has no times to measure a delay from",
        )  # fmt: skip


def _short(delay: Mapping[str, Any] | None) -> dict[str, Any] | None:
    return None if delay is None else {key: value for key, value in delay.items() if key != "curve"}
