"""A shift of meaning: one cause for which a column means something else, and what chance alone would do.

Knows fingerprints' counts; how causes are found is `core.meaning.units`' and `core.meaning.coding`'s.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

LEAST = 30
"""Known cells that either side needs before anything is said of it."""
MOVED = 0.12
"""Distance of distribution functions, or of shares, from which a column is looked at for a cause."""
FITS = 0.05
SPIKE = 0.02
"""The least share of a value that is taken as a new default."""


@dataclass(frozen=True)
class Shift:
    """One cause for which a column means something else than it did.

    Args:
        what: `unit`, `default`, `coding` or `rounding`.
        sentence: a clause with numbers, without the column's name and a final full stop.
        sure: whether the cause is beyond doubt, or only the simplest one.
        evidence: the numbers, as plain data.
    """

    what: str
    sentence: str
    sure: bool
    evidence: Mapping[str, Any]

    def to_dict(self) -> dict[str, Any]:
        return {"what": self.what, "sentence": self.sentence, "sure": self.sure, "evidence": dict(self.evidence)}


def known(fingerprint: Mapping[str, Any]) -> int:
    """Return how many cells are not missing."""
    return int(fingerprint["n"] - fingerprint["n_missing"])


def noise(before: Mapping[str, Any], now: Mapping[str, Any]) -> float:
    """Return the distance of two distribution functions that samples of one population pass once in ten thousand."""
    return 2.23 * math.sqrt(1 / max(1, known(before)) + 1 / max(1, known(now)))


def percent(share: float) -> str:
    """Return a share as a percentage of three digits."""
    return f"{100 * share:.3g} %"
