"""FG362: rows of a series that repeat a time, or stand out of order."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

from fieldguide.core.finding import Finding, Severity
from fieldguide.parts.checks._answers import count, fire, passed, verb


@dataclass(frozen=True)
class SeriesOrder:
    """Rows that repeat a time of their series, or are earlier than the row of their series before them.

    Formula: rows of one series with equal times, those with equal values apart from those with others; and rows whose time is before that of the
    row above them.

    Why: a series has one value at a time. Of rows with other values the last in the file counts, which may be a correction or a second thing. Rows out of
    order are sorted: nothing is lost by it.

    Remedy: name the column that tells series apart under data.series, or sum or average the rows.

    Source: "tidy temporal data": Wang, Cook, Hyndman (2020), A New Tidy Data Structure to Support Exploration and Modeling of Temporal Data.

    Needs: series.
    """

    name: ClassVar[str] = "fg362_series_order"
    code: ClassVar[str] = "FG362"
    title: ClassVar[str] = "Rows that repeat a time or stand out of order"
    step: ClassVar[str] = "explore"
    severity: ClassVar[Severity] = "warning"

    def run(self, *, series: Mapping[str, Any]) -> list[Finding]:
        conflicts, repeated, unsorted = int(series["n_conflicts"]), int(series["n_repeated"]), int(series["n_unsorted"])
        evidence = {
            "conflicts": series["conflicts"],
            "n_conflicts": conflicts,
            "n_repeated": repeated,
            "n_unsorted": unsorted,
        }
        if conflicts:
            first = series["conflicts"][0]
            sentence = f"{count(conflicts, 'pair')} of rows {verb(conflicts, 'has', 'have')} the same series and time and different values, such as rows {first['rows'][0]} and {first['rows'][1]} at {first['time']}; the last one counts."
            return [
                fire(
                    self,
                    sentence,
                    "Name the column that tells these series apart under data.series, or sum or average the rows.",
                    evidence=evidence,
                )
            ]
        told = []
        if repeated:
            told.append(
                f"{count(repeated, 'row')} {verb(repeated, 'repeats', 'repeat')} another and {verb(repeated, 'was', 'were')} left out"
            )
        if unsorted:
            told.append(
                f"{count(unsorted, 'row')} {verb(unsorted, 'stands', 'stand')} out of order, the first in row {series['first_unsorted']}, and {verb(unsorted, 'was', 'were')} sorted"
            )
        if told:
            return [
                fire(
                    self,
                    "; ".join(told)[0].upper() + "; ".join(told)[1:] + ".",
                    "Nothing, if the file was put together from parts.",
                    severity="info",
                    evidence=evidence,
                )
            ]
        return [passed(self, "Every series has one row a time, in order.")]
