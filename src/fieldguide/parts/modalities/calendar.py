"""Calendar: the time column of a study, as what returns (month, day, weekday, hour) and never as what does not.

Knows cycles. The date itself is left out: every row that will be predicted is later than every row learned from, so a model
could only extrapolate it. Reading and describing are `datetime`'s.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from fieldguide.core.batch import Layout
from fieldguide.parts.modalities.datetime import DAY, PARTS, Datetime, calendar_of, circles_of, varying_of

CYCLE = {"month": 365.25 * DAY, "day": 30.4 * DAY, "weekday": 7 * DAY, "hour": DAY}  # [s]
TURNS = 1.5
"""A part is used when the training rows span so many of its cycles: else its values are a date in disguise."""


@dataclass(frozen=True)
class Calendar(Datetime):
    """The role `time`: read as a datetime, encoded by its cycles only."""

    name: ClassVar[str] = "calendar"

    def fit(self, cells: Mapping[str, np.ndarray], recipe: Any) -> CalendarEncoder:  # type: ignore[override]
        names = tuple(cells)
        parts = []
        for name in names:
            column = np.asarray(cells[name], np.float64)
            known = column[~np.isnan(column)]
            span = float(np.ptp(known)) if len(known) else 0.0
            varying = varying_of(known)
            parts.append(tuple(p for p, cycle in CYCLE.items() if span >= TURNS * cycle and p in varying))
        return CalendarEncoder(names, tuple(parts), recipe.scaling != "none")

    def load(self, data: Mapping[str, Any]) -> CalendarEncoder:  # type: ignore[override]
        return CalendarEncoder(tuple(data["names"]), tuple(map(tuple, data["parts"])), data["cyclic"])


@dataclass(frozen=True)
class CalendarEncoder:
    """Calendar parts: numbers for trees, sine and cosine for networks; a missing time is 0 in all of them.

    Shape:
        encode(cells)["numbers"]: (rows, parts of each column, twice as many when cyclic) float32
    """

    names: tuple[str, ...]
    parts: tuple[tuple[str, ...], ...]
    cyclic: bool

    def layout(self) -> Layout:
        ends = (" sin", " cos") if self.cyclic else ("",)
        return Layout(
            numbers=tuple(f"{n} {p}{end}" for n, parts in zip(self.names, self.parts) for p in parts for end in ends)
        )

    def encode(self, cells: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
        blocks = [np.zeros((len(cells[self.names[0]]), 0))]
        for name, parts in zip(self.names, self.parts):
            if parts:
                places = [PARTS.index(part) for part in parts]
                values = calendar_of(cells[name])[:, places]
                block = circles_of(places, values) if self.cyclic else values.astype(np.float64)
                block[np.isnan(cells[name])] = 0.0
                blocks.append(block)
        return {"numbers": np.concatenate(blocks, axis=1).astype(np.float32)}

    def to_dict(self) -> dict[str, Any]:
        return {"names": list(self.names), "parts": [list(parts) for parts in self.parts], "cyclic": self.cyclic}
