"""FG151: units whose outcome had not had the time to arrive."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

from fieldguide.core.finding import Finding, Severity
from fieldguide.core.settings import setting
from fieldguide.parts.checks._answers import count, fire, not_applicable, number, passed, percent, verb


@dataclass(frozen=True)
class Immature:
    """Units left out because their outcome had not had the time to arrive.

    Formula: t + offset + horizon + wait > until, with t the prediction time, `wait` the time after which `share` of the
    outcomes that are recorded at all are on record (Kaplan–Meier), and `until` the end of the outcomes' record.

    Why: a unit whose time has not passed looks like one without an outcome. Kept as a negative it teaches that recent
    units are safe; kept only where it is positive it raises the rate. So neither is kept.

    Remedy: nothing, if the rows left are enough. Else predict from earlier, shorten `outcome.horizon`, or, where
    outcomes are recorded further than the latest one shows, say so by `outcome.until`.

    Needs: joined.
    """

    name: ClassVar[str] = "fg151_immature"
    code: ClassVar[str] = "FG151"
    title: ClassVar[str] = "Units whose outcome is not in yet"
    step: ClassVar[str] = "join"
    severity: ClassVar[Severity] = "warning"

    most: float = setting(0.25, "share of the units that may be left out before it is a warning")

    def run(self, *, joined: Mapping[str, Any]) -> list[Finding]:
        if joined["until"] is None:
            return [not_applicable(self, "The outcome is a column of its own and has no horizon.")]
        n, asked = joined["n_immature"], joined["n_asked"]
        evidence = {name: joined[name] for name in ("n_immature", "n_asked", "horizon", "wait", "until")}
        if not n:
            return [passed(self, f"The outcome of all {asked:,} units had the time to arrive.", evidence)]
        unit = "days" if joined["clock"] == "date" else joined["clock"]
        late = f" and {number(joined['wait'])} {unit} for outcomes recorded late" if joined["wait"] else ""
        sentence = (
            f"{count(n, 'unit')} of {asked:,} ({percent(n / asked)}) {verb(n, 'is', 'are')} left out as immature: the "
            f"horizon of {number(joined['horizon'])} {unit}{late} reach beyond the end of the outcomes' record."
        )
        remedy = "Nothing if enough units are left; else predict from earlier, shorten outcome.horizon, or state outcome.until."
        severity: Severity = "warning" if n > self.most * asked else "info"
        return [fire(self, sentence, remedy, severity=severity, evidence=evidence)]
