"""Levels under other names: renamed, spelled otherwise, merged, split, moved along, or changed places.

Knows two fingerprints of one column. Levels are paired by their shares and by the means of other columns beside them,
so that a swap is seen where all levels are equally frequent.

Source: the assignment of levels is Kuhn's (1955), as in `scipy.optimize.linear_sum_assignment`.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np

from fieldguide.core.meaning.shift import FITS, MOVED, SPIKE, Shift, known, noise, percent

MAX_PAIRED = 200
"""Levels that are paired at most."""
ANCHORED = 12
"""Levels that may change places: as many as fingerprints keep company of."""


def coding_shift(before: Mapping[str, Any], now: Mapping[str, Any]) -> Iterator[Shift]:
    """Levels under other names: some that went against some that came, or all in another order."""
    old, new = before["levels"], now["levels"]
    if max(before["n_levels"], now["n_levels"]) > MAX_PAIRED:
        return
    gone = [level for level in old if level not in new and old[level] * known(now) >= 10]
    come = [level for level in new if level not in old and new[level] * known(before) >= 10]
    lost = sum(old[level] for level in gone)
    moved = _moved_codes(before, now) if gone and come and "grid" in before and "grid" in now else None
    if moved is not None:
        yield moved
    elif gone and come and lost >= 2 * SPIKE and "grid" not in before:
        found = list(_renamed(before, now, gone, come))
        replaced = None if found else _replaced(before, now)
        yield from [replaced] if replaced is not None else found
    elif not gone and not come and set(old) == set(new) and 2 <= len(old) <= ANCHORED:
        yield from _swapped(before, now, list(old))


def _renamed(before: Mapping[str, Any], now: Mapping[str, Any], gone: list[str], come: list[str]) -> Iterator[Shift]:
    old, new = before["levels"], now["levels"]
    lost, won = sum(old[level] for level in gone), sum(new[level] for level in come)
    spelled = {level: [other for other in come if _plain(other) == _plain(level)] for level in gone}
    pairs = {level: found[0] for level, found in spelled.items() if len(found) == 1}
    if sum(old[level] for level in pairs) >= 0.8 * lost:
        yield _coding(pairs, lost, True, "levels are spelled another way")
        return
    if len(gone) > 1 and len(come) == 1 and _alike(lost, won, before, now):
        what = f"{len(gone)} levels ({_few(gone)}) with {percent(lost)} of the known cells became one, {come[0]!r}"
        yield Shift("coding", what, False, {"mapping": dict.fromkeys(gone, come[0]), "share": lost})
        return
    if len(gone) == 1 and len(come) > 1 and _alike(lost, won, before, now):
        what = f"the level {gone[0]!r} with {percent(lost)} of the known cells became {len(come)} ({_few(come)})"
        yield Shift("coding", what, False, {"mapping": {gone[0]: come}, "share": lost})
        return
    pairs = _assigned(before, now, gone, come)
    fitted = {a: b for a, b in pairs.items() if _alike(old[a], new[b], before, now)}
    if sum(old[level] for level in fitted) >= 0.8 * lost and _alike(lost, won, before, now):
        yield _coding(fitted, lost, len(fitted) > 2, "levels have other names and the same shares")


def _replaced(before: Mapping[str, Any], now: Mapping[str, Any]) -> Shift | None:
    """Many levels that all went for others, as unevenly frequent: none can be paired, together they can."""
    old, new = before["levels"], now["levels"]
    if min(len(old), len(new)) <= 8 or sum(share for level, share in old.items() if level in new) > FITS:
        return None
    profiles = [np.cumsum(sorted(shares.values())[::-1]) for shares in (old, new)]
    n = min(map(len, profiles))
    if np.abs(profiles[0][:n] - profiles[1][:n]).max() > max(FITS, noise(before, now)):
        return None
    what = f"all {len(old)} levels ({_few(list(old))}) went and {len(new)} others ({_few(list(new))}) came, as unevenly frequent"
    return Shift("coding", what, False, {"before": list(old)[:20], "now": list(new)[:20]})


def _moved_codes(before: Mapping[str, Any], now: Mapping[str, Any]) -> Shift | None:
    """Whole-number codes from 0 or 1 that all moved along one line, such as 1 to 5 that became 0 to 4."""
    old, new = ({float(level): share for level, share in side["levels"].items()} for side in (before, now))
    a, b = np.array(sorted(old)), np.array(sorted(new))
    if len(a) != len(b) or len(a) < 3 or a[0] not in (0.0, 1.0) or before["decimals"] > 0:
        return None
    scale = (b[-1] - b[0]) / (a[-1] - a[0])
    line = scale * (a - a[0]) + b[0]
    if not np.allclose(line, b) or np.allclose(a, b):
        return None
    apart = max(abs(old[x] - new[y]) for x, y in zip(a, b))
    if apart > max(FITS, noise(before, now)):
        return None
    sentence = f"the codes {a[0]:g} to {a[-1]:g} became {b[0]:g} to {b[-1]:g} with the same shares"
    return Shift("coding", sentence, True, {"mapping": {f"{x:g}": f"{y:g}" for x, y in zip(a, b)}, "fitted": apart})


def _swapped(before: Mapping[str, Any], now: Mapping[str, Any], levels: list[str]) -> Iterator[Shift]:
    """The same levels with their shares, and their company, in another order."""
    alike = dict(zip(levels, levels))
    still = _cost(before, now, alike)
    if still < 0.1:
        return
    pairs = _assigned(before, now, levels, levels)
    moved = {a: b for a, b in pairs.items() if a != b}
    fitted = _cost(before, now, pairs)
    odds = [sum(_unlikely(before, now, a, b) for a, b in one.items()) for one in (alike, pairs)]
    share = sum(before["levels"][a] for a in moved)
    if moved and fitted <= 0.03 and odds[1] <= odds[0] / 4 and share >= MOVED:
        yield _coding(moved, share, True, "levels changed places", still=still, fitted=fitted)


def _assigned(before: Mapping[str, Any], now: Mapping[str, Any], gone: list[str], come: list[str]) -> dict[str, str]:
    """Pair levels so that shares and company differ least in all."""
    from scipy.optimize import linear_sum_assignment

    cost = np.array([[_unlikely(before, now, a, b) for b in come] for a in gone])
    rows, columns = linear_sum_assignment(cost)
    return {gone[i]: come[j] for i, j in zip(rows, columns)}


def _pairs(before: Mapping[str, Any], now: Mapping[str, Any], a: str, b: str) -> Iterator[tuple[float, float]]:
    """Yield how far two levels are apart and the error of that: by their shares, and by the mean of each anchor."""
    one, two = before["levels"][a], now["levels"][b]
    middle = (one * known(before) + two * known(now)) / (known(before) + known(now))
    yield abs(one - two), math.sqrt(max(middle * (1 - middle), 1e-6) * (1 / known(before) + 1 / known(now)))
    for anchor, levels in before["beside"].items():
        other = now["beside"].get(anchor, {})
        if a in levels and b in other:
            yield abs(levels[a][0] - other[b][0]), max(math.hypot(levels[a][1], other[b][1]), 1e-3)


def _apart(before: Mapping[str, Any], now: Mapping[str, Any], a: str, b: str) -> float:
    """The largest difference of two levels that is beyond chance."""
    return max((gap for gap, error in _pairs(before, now, a, b) if gap > 3.3 * error), default=0.0)


def _unlikely(before: Mapping[str, Any], now: Mapping[str, Any], a: str, b: str) -> float:
    return sum((gap / error) ** 2 for gap, error in _pairs(before, now, a, b))


def _cost(before: Mapping[str, Any], now: Mapping[str, Any], pairs: Mapping[str, str]) -> float:
    """The mean difference of paired levels, each with the weight of its share."""
    total = sum(before["levels"][a] for a in pairs)
    return sum(before["levels"][a] * _apart(before, now, a, b) for a, b in pairs.items()) / max(total, 1e-12)


def _alike(a: float, b: float, before: Mapping[str, Any], now: Mapping[str, Any]) -> bool:
    error = math.sqrt(max(a * (1 - a), 1e-6) * (1 / known(before) + 1 / known(now)))
    return abs(a - b) <= max(0.01, 3.5 * error) and abs(a - b) <= 0.35 * max(a, b)


def _coding(pairs: Mapping[str, str], share: float, sure: bool, what: str, **more: float) -> Shift:
    shown = ", ".join(f"{a!r} to {b!r}" for a, b in list(pairs.items())[:3])
    rest = f" and {len(pairs) - 3} more" if len(pairs) > 3 else ""
    sentence = f"{what} in {percent(share)} of the known cells: {shown}{rest}"
    return Shift("coding", sentence, sure, {"mapping": dict(pairs), "share": share, **more})


def _few(levels: list[str]) -> str:
    return ", ".join(map(repr, levels[:3])) + (" …" if len(levels) > 3 else "")


def _plain(text: str) -> str:
    return "".join(character for character in text.casefold() if character.isalnum())
