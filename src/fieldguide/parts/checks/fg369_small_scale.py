"""FG369: series that hardly moved in the steps their scale is taken from."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

from fieldguide.core.finding import Finding, Severity
from fieldguide.core.settings import setting
from fieldguide.parts.checks._answers import count, fire, not_applicable, number, passed, verb


@dataclass(frozen=True)
class SmallScale:
    """Series whose errors are divided by far less than they move later, so that they decide the score.

    Formula: the scale that all development steps of a series give, divided by the one it has: that of the steps before the
    first origin that is judged. It fires from 5 on, where there are several series.

    Why: errors are divided by the scale so that series count alike. A series that lay still at first has a scale near 0:
    its later errors are tens or hundreds of scales, and the mean over all series is that of this one.

    Remedy: where all series have one unit, `data.scale: none` compares them as they are; else let the series begin where
    it begins to move, or leave it out.

    Source: Hyndman and Koehler (2006), Another look at measures of forecast accuracy, section 3 (scales near 0).

    Needs: series (scale, described: [{series, scale, whole_scale}]).
    """

    name: ClassVar[str] = "fg369_small_scale"
    code: ClassVar[str] = "FG369"
    title: ClassVar[str] = "Scales near 0"
    step: ClassVar[str] = "explore"
    severity: ClassVar[Severity] = "warning"

    times: float = setting(5.0, "times that a series moves more than its scale says")

    def run(self, *, series: Mapping[str, Any]) -> list[Finding]:
        told = [one for one in series["described"] if one.get("scale") and one.get("whole_scale")]
        if len(told) < 2:
            return [
                not_applicable(
                    self, "Only several series that are divided by scales of their own can outweigh each other."
                )
            ]
        ratios = sorted(((one["whole_scale"] / one["scale"], one) for one in told), key=lambda pair: -pair[0])
        found = [(ratio, one) for ratio, one in ratios if ratio >= self.times]
        if not found:
            return [
                passed(
                    self,
                    f"None of {count(len(told), 'series', 'series')} moves more than {number(self.times)} times as much as its scale says.",
                )
            ]
        ratio, first = found[0]
        n = len(found)
        what = "deviates by" if series.get("scale") == "deviation" else "changes by"
        sentence = (
            f"{count(n, 'series', 'series')} of {len(told):,} hardly {verb(n, 'moves', 'move')} before the first origin that is judged, and "
            f"{verb(n, 'decides', 'decide')} the mean error over all: {first['series']!r} {what} {number(first['scale'])} until then, which its errors are "
            f"divided by, and by {number(first['whole_scale'])} in all development steps ({ratio:,.0f} times)."
        )
        remedy = (
            "Where all series have one unit, set data.scale: none. Else let such series begin later, or leave them out."
        )
        return [
            fire(
                self,
                sentence,
                remedy,
                evidence={"series": [{"series": one["series"], "times": r} for r, one in found[:20]], "n": len(told)},
            )
        ]
