"""Which outcomes are the same, and which correct one another: outcomes arrive at least once, and are kept once.

Knows what tells outcomes apart (prediction, unit, name, time, value, the sender's key); where they lie is each store's.
"""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Mapping

from fieldguide.core.online.log import Outcome, Value, micros


def identity(outcome: Outcome) -> tuple[str | None, str | None]:
    """Return what an outcome is of, and what it is: two digests.

    An outcome whose second digest is in the log is there already. One whose first is there beside another second is a
    correction: the last one heard of stands. Of a prediction or a series an outcome is one name at one time (or at no stated time), of a
    key it is what the key names. A unit may have several outcomes at a time: of it only the same value at the same time is the same outcome. One
    that names a unit and neither time nor key is always a new one.

    Examples:
        >>> from datetime import datetime
        >>> when = datetime(2024, 5, 1)
        >>> one, other = Outcome(when, 1, id="r-0"), Outcome(when, 0, id="r-0")
        >>> identity(one)[0] == identity(other)[0], identity(one)[1] == identity(other)[1]
        (True, False)
        >>> identity(Outcome(when, True, id="r-0")) == identity(one), identity(Outcome(when, 1, unit="u", dated=False))
        (True, (None, None))
    """
    when = micros(outcome.time) if outcome.dated else ""
    number, label = coded(outcome.value)
    value = label if number is None else repr(number)
    if outcome.key is not None:
        about = _digest("key", outcome.key)
        told = () if outcome.series is None else (outcome.series,)  # logs of earlier versions know none
        return about, _digest(about, outcome.id, outcome.unit, outcome.name, when, value, *told)
    if outcome.id is not None:
        about = _digest("id", outcome.id, outcome.name, when)
        return about, _digest(about, value)
    if outcome.series is not None:
        about = _digest("series", outcome.series, outcome.name, when)
        return about, _digest(about, value)
    return None, _digest("unit", outcome.unit, outcome.name, when, value) if outcome.dated else None


def _digest(*parts: object) -> str:
    text = json.dumps([None if part is None else str(part) for part in parts])
    return hashlib.blake2b(text.encode(), digest_size=16).hexdigest()


def coded(value: Value) -> tuple[float | None, str]:
    """Return an outcome as a number, where it is one, and as text; lists and entries as JSON, a set of labels in one order.

    Examples:
        >>> coded(True), coded("yes"), coded("2.5"), coded("nan")
        ((1.0, 'true'), (None, 'yes'), (2.5, '2.5'), (None, 'nan'))
        >>> coded(["b", "a", "b"]), coded([3.5, None])
        ((None, '["a", "b"]'), (None, '[3.5, null]'))
    """
    if isinstance(value, bool):
        return float(value), "true" if value else "false"
    if isinstance(value, Mapping):
        return None, json.dumps(dict(value), ensure_ascii=False)
    if not isinstance(value, (str, int, float)):
        labels = all(isinstance(one, str) for one in value)
        return None, json.dumps(sorted(set(value)) if labels else list(value), ensure_ascii=False)
    try:
        number = float(value)
    except ValueError:
        return None, str(value)
    return number if math.isfinite(number) else None, str(value)  # a label "nan" or "inf" is a word
