"""Constant: one learning rate to the end."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar


@dataclass(frozen=True)
class Constant:
    """The learning rate itself, after the warm-up; what averages the weights then has to still them.

    Formula:
        1

    Examples:
        >>> Constant().factor(0.9)
        1.0
    """

    name: ClassVar[str] = "constant"

    def factor(self, progress: float) -> float:
        """Return 1 at any `progress`."""
        return 1.0
