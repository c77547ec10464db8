"""Settings of learners and recipes: a field with a default, a search range and its effect on capacity.

Knows how a dataclass field becomes a dimension of the search; the search itself is a part.
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from fieldguide.core.errors import ConfigError, nearest


@dataclass(frozen=True)
class Range:
    """Numbers from `low` to `high`, both included; `log` draws uniformly in the logarithm.

    Examples:
        >>> Range(1, 8, integer=True).draw(np.random.default_rng(0)) in range(1, 9)
        True
    """

    low: float
    high: float
    log: bool = False
    integer: bool = False

    def draw(self, rng: np.random.Generator) -> float | int:
        low, high = (math.log(self.low), math.log(self.high)) if self.log else (self.low, self.high)
        if self.integer and not self.log:
            return int(rng.integers(int(self.low), int(self.high) + 1))
        value = float(rng.uniform(low, high))
        value = math.exp(value) if self.log else value
        return min(max(round(value), int(self.low)), int(self.high)) if self.integer else value


@dataclass(frozen=True)
class Choice:
    """One of a few values."""

    values: tuple[Any, ...]

    def draw(self, rng: np.random.Generator) -> Any:
        return self.values[int(rng.integers(len(self.values)))]


Space = Range | Choice


def setting(default: Any, doc: str, *, capacity: int = 0, space: Space | None = None, of: str = "") -> Any:
    """Return a dataclass field that carries its meaning.

    Args:
        default: the value used when nothing is said.
        doc: one line for the docs, with the unit.
        capacity: +1 when a greater value raises capacity, -1 when it lowers it, 0 when it does neither.
        space: where the search draws from; None keeps the default.
        of: the kind of column that the setting is about; where a table has none, it is not searched. Empty: any.
    """
    metadata = {"doc": doc, "capacity": capacity, "space": space, "of": of}
    return dataclasses.field(default=default, metadata=metadata)


def space_of(part: Any, kinds: Collection[str] = ()) -> dict[str, Space]:
    """Return the searchable settings of a part (class or instance); those about a kind of column only if it is in `kinds`."""
    return {
        f.name: f.metadata["space"] for f in dataclasses.fields(part)
        if f.metadata.get("space") is not None and (not f.metadata.get("of") or f.metadata["of"] in kinds)
    }  # fmt: skip


def capacity_of(part: Any) -> dict[str, int]:
    """Return, for each setting of a part, whether a greater value raises (+1), lowers (-1) or leaves (0) capacity."""
    return {f.name: f.metadata.get("capacity", 0) for f in dataclasses.fields(part)}


def values_of(part: Any) -> dict[str, Any]:
    """Return the settings of a part as plain data."""
    return {f.name: _plain(getattr(part, f.name)) for f in dataclasses.fields(part)}


def with_values(part: Any, values: Mapping[str, Any]) -> Any:
    """Return the part with some settings replaced; an unknown name is an error that names the nearest."""
    names = [f.name for f in dataclasses.fields(part)]
    for name in values:
        if name not in names:
            raise ConfigError(
                f"{type(part).__name__} has no setting {name!r}{nearest(name, names)}",
                rule="a setting is a field of the part",
                found=f"{name} = {values[name]!r}",
                do=f"use one of {', '.join(names)}",
            )
    return dataclasses.replace(part, **{k: tuple(v) if isinstance(v, list) else v for k, v in values.items()})


def _plain(value: Any) -> Any:
    return [_plain(item) for item in value] if isinstance(value, tuple) else value
