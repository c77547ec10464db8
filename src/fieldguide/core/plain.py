"""Plain data: what JSON can hold.

Knows numbers that are not finite and what numpy makes of numbers; nothing of what the data mean.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np


def finite(value: float) -> float | None:
    """Return a number, or None where it is NaN or infinite.

    Examples:
        >>> finite(0.5), finite(float("nan")), finite(np.float64(2.0))
        (0.5, None, 2.0)
    """
    return float(value) if math.isfinite(value) else None


def plain(value: Any) -> Any:
    """Return a value as JSON can hold it: numpy becomes Python, NaN and infinity become None.

    Examples:
        >>> plain({"share": np.float64(0.5), "rows": np.array([1, 2]), "ratio": float("nan")})
        {'share': 0.5, 'rows': [1, 2], 'ratio': None}
    """
    if isinstance(value, dict):
        return {str(key): plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [plain(item) for item in value]
    if isinstance(value, np.ndarray):
        return plain(value.tolist())
    if isinstance(value, np.generic):
        value = value.item()
    return None if isinstance(value, float) and not math.isfinite(value) else value
