"""Sticky assignment: which arm a unit is in follows from a salted hash of the unit, and from nothing else.

Knows units, a salt and shares. Holds no state: any process that knows the salt and the shares gives the same answer, and a
log that lost its assignments can be checked against it.
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from fieldguide.core.errors import ConfigError

SPAN = float(1 << 53)


def point(unit: object, salt: str) -> float:
    """Return where a unit falls in [0, 1) under a salt: uniform over units, unrelated between salts.

    A number and its digits are the same unit, because a log and a request may write them differently.

    Examples:
        >>> point(42, "spring") == point("42", "spring"), point(42, "spring") == point(42, "autumn")
        (True, False)
    """
    digest = hashlib.blake2b(f"{salt}\x00{unit}".encode(), digest_size=8).digest()
    return (int.from_bytes(digest, "little") >> 11) / SPAN


def explores(request: object, salt: str, share: float) -> bool:
    """Return whether a request is one of the few that are decided at random, so that what the model hides is seen too.

    Drawn under a salt of its own, so that it says nothing of the arm.

    Args:
        request: id of the request: exploration is drawn anew for each, not for the unit.
        share: share of requests that explore, in [0, 1].
    """
    return point(request, f"{salt}/explore") < share


@dataclass(frozen=True)
class Allocation:
    """Deals units to arms; call it with a unit.

    Arms lie side by side on [0, 1) in the order given. When the shares of two arms change, only the boundary between them
    moves: a unit whose arm grows stays where it is, so that a back test keeps whom the forward test had given the candidate.

    Args:
        salt: names the experiment; another salt deals anew.
        shares: arm to share of all units, in (0, 1]; what they leave is in no arm.

    Raises:
        ConfigError: a share is not in (0, 1], or they sum to more than 1.

    Examples:
        >>> deal = Allocation("spring", {"control": 0.5, "candidate": 0.5})
        >>> deal("u1") == deal("u1"), sorted({deal(unit) for unit in range(20)})
        (True, ['candidate', 'control'])
        >>> Allocation("spring", {"candidate": 1e-9})("u1") is None
        True
    """

    salt: str
    shares: Mapping[str, float]

    def __post_init__(self) -> None:
        wrong = {arm: share for arm, share in self.shares.items() if not (0 < share <= 1 and math.isfinite(share))}
        total = sum(self.shares.values())
        if wrong or not self.shares or total > 1 + 1e-9:
            raise ConfigError(
                "the shares of the arms cannot be dealt",
                rule="every share is above 0 and at most 1, and together they are at most 1",
                found=", ".join(f"{arm} {share:g}" for arm, share in self.shares.items()) + f" (together {total:g})",
                do="write shares such as {control: 0.5, candidate: 0.5}",
            )

    def __call__(self, unit: object) -> str | None:
        at, end = point(unit, self.salt), 0.0
        for arm, share in self.shares.items():
            end += share
            if at < end:
                return arm
        # Shares of a third each sum to a hair below 1, and no unit may fall through that crack.
        return arm if end > 1 - 1e-9 else None

    def deal(self, units: Iterable[object]) -> list[str | None]:
        """Return the arm of each unit."""
        return [self(unit) for unit in units]
