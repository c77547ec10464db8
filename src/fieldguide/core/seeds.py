"""Seeds by name: every random draw has a name, so that adding one draw moves no other.

Knows how a name and a study seed make a number; holds no global state.
"""

from __future__ import annotations

import hashlib

import numpy as np


def seed_for(seed: int, *names: object) -> int:
    """Return a 32-bit seed for a named draw.

    Examples:
        >>> seed_for(7, "trial", 3) == seed_for(7, "trial", 3) != seed_for(7, "trial", 4)
        True
    """
    text = "/".join([str(seed), *map(str, names)])
    return int.from_bytes(hashlib.blake2b(text.encode(), digest_size=4).digest(), "little")


def generator(seed: int, *names: object) -> np.random.Generator:
    """Return a numpy generator for a named draw."""
    return np.random.default_rng(seed_for(seed, *names))
