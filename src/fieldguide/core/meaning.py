"""Shifted meaning: a column whose values were another unit, another default or another code when they were accepted.

Knows two fingerprints, or one and the values of now; knows no contract. A shift of meaning is told from a drift of the
world by asking for a *cause*: the old distribution must fit the new one after a change of unit, a new value must stand
where none can be measured, levels must have the same shares and the same company under other names. What fits no cause
is drift, and drift is for other checks.

Source: two-sample comparison by the largest distance of distribution functions (Kolmogorov 1933, Smirnov 1948); the
assignment of levels by Kuhn 1955, as in `scipy.optimize.linear_sum_assignment`.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from fieldguide.core.fingerprint import anchors_named, of_column
from fieldguide.core.table import Table

LEAST = 30
"""Known cells that either side needs before anything is said of it."""
MOVED = 0.12
"""Distance of distribution functions, or of shares, from which a column is looked at for a cause."""
FITS = 0.05
SPIKE = 0.02
"""The least share of a value that is taken as a new default."""
DEFAULTS = (0.0, -1.0, -9.0, -99.0, -999.0, -9999.0, 99.0, 999.0, 9999.0, 99999.0, 999999.0)
FACTORS = (
    ("units", "hundredths (percent, cents)", 100.0), ("units", "thousandths", 1e3), ("units", "millionths", 1e6),
    ("units", "tenths", 10.0), ("units", "ten thousandths", 1e4), ("units", "billionths", 1e9),
    ("years", "days", 365.25), ("years", "months", 12.0), ("weeks", "days", 7.0), ("days", "hours", 24.0),
    ("hours", "minutes", 60.0), ("minutes", "seconds", 60.0), ("hours", "seconds", 3600.0), ("days", "seconds", 86400.0),
    ("miles", "kilometres", 1.609344), ("metres", "feet", 3.28084), ("inches", "centimetres", 2.54), ("feet", "inches", 12.0),
    ("kilograms", "pounds", 2.204623), ("ounces", "grams", 28.349523), ("gallons", "litres", 3.785412),
    ("kilocalories", "kilojoules", 4.184), ("units", "dozens", 1 / 12), ("mmol/l of glucose", "mg/dl", 18.016),
    ("mg/dl of creatinine", "µmol/l", 88.42), ("mmHg", "kilopascals", 0.133322), ("m/s", "km/h", 3.6),
    ("gibibytes", "gigabytes", 1.073741824), ("mebibytes", "kibibytes", 1024.0), ("square metres", "square feet", 10.7639),
)  # fmt: skip
OFFSETS = (
    ("values", "their negatives", -1.0, 0.0),
    ("degrees Celsius", "degrees Fahrenheit", 1.8, 32.0), ("degrees Celsius", "kelvin", 1.0, 273.15),
    ("degrees Fahrenheit", "kelvin", 1 / 1.8, 459.67 / 1.8), ("years of two digits", "years of four", 1.0, 1900.0),
    ("years of two digits", "years of four", 1.0, 2000.0),
    ("shares", "their complements", -1.0, 1.0), ("percentages", "their complements", -1.0, 100.0),
)  # fmt: skip
CURVES: tuple[tuple[str, Callable[[np.ndarray], np.ndarray]], ...] = (
    ("natural logarithms", np.log), ("decimal logarithms", np.log10), ("logarithms of one more", np.log1p),
    ("square roots", np.sqrt), ("exponentials", np.exp), ("squares", np.square),
)  # fmt: skip


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
    evidence: Mapping[str, Any] = field(default_factory=dict)

    def to_dict(self) -> dict[str, Any]:
        return {"what": self.what, "sentence": self.sentence, "sure": self.sure, "evidence": dict(self.evidence)}


def table_shifts(
    accepted: Mapping[str, Mapping[str, Any]], table: Table, units: Mapping[str, str]
) -> dict[str, list[Shift]]:
    """Return the shifts of each column that has an accepted fingerprint.

    Columns whose unit changed are found first: they can no longer say which level of another column is which.

    Args:
        accepted: fingerprints by column.
        table: the rows of now, each column of the kind it had.
        units: declared units by column.
    """
    alone = {name: of_column(table.frame[name], table.column(name).kind, {}) for name in accepted}
    found = {
        name: _unit(accepted[name], alone[name], units.get(name, ""))
        for name in accepted if "grid" in accepted[name] and "grid" in alone[name]
    }  # fmt: skip
    moved = {name for name, told in found.items() if any(told)}
    names = {anchor for fingerprint in accepted.values() for anchor in fingerprint.get("beside", ())}
    anchors = anchors_named(table, sorted(names - moved))
    return {
        name: shifts(
            accepted[name], of_column(table.frame[name], table.column(name).kind, anchors), units.get(name, "")
        )
        for name in accepted
    }


def shifts(before: Mapping[str, Any], now: Mapping[str, Any], unit: str = "") -> list[Shift]:
    """Return the causes for which a column means something else than it did.

    Args:
        before, now: fingerprints of one column (`core.fingerprint`).
        unit: its declared unit, by which a conversion is named.

    Examples:
        >>> from fieldguide.core.fingerprint import of_column
        >>> import polars as pl
        >>> km = pl.Series("way", [1.5 * i for i in range(400)])
        >>> found = shifts(of_column(km, "number", {}), of_column(km / 1.609344, "number", {}))
        >>> found[0].what, found[0].sentence
        ('unit', 'every quantile is 0.6214 times what it was, as from kilometres to miles')
    """
    if min(known(before), known(now)) < LEAST:
        return []
    if before.get("levels") and now.get("levels"):
        recoded = list(_recoded(before, now))
        if recoded:
            return recoded
    if "grid" in before and "grid" in now:
        unit_changed = list(_unit(before, now, unit))
        return [*unit_changed, *_defaults(before, now), *(() if unit_changed else _rounded(before, now))]
    if "midnight" in before and "midnight" in now:
        return list(_times(before, now))
    return []


def known(fingerprint: Mapping[str, Any]) -> int:
    """Return how many cells are not missing."""
    return int(fingerprint["n"] - fingerprint["n_missing"])


def noise(before: Mapping[str, Any], now: Mapping[str, Any]) -> float:
    """Return the distance of two distribution functions that samples of one population pass once in ten thousand."""
    return 2.23 * math.sqrt(1 / max(1, known(before)) + 1 / max(1, known(now)))


# --- numbers ---------------------------------------------------------------------------------------------------------


def distance(before: np.ndarray, now: np.ndarray, change: Callable[[np.ndarray], np.ndarray] = lambda x: x) -> float:
    """Return the largest distance between two distribution functions, the first one after a change of its values.

    A value counts with half its own share, and between values the share rises evenly: so it does not matter much how
    coarsely values are written.

    Shape:
        before, now: (points, 3) value, share below, share up to it

    Examples:
        >>> same = np.array([[1.0, 0.0, 0.25], [2.0, 0.25, 0.5], [3.0, 0.5, 0.75], [4.0, 0.75, 1.0]])
        >>> distance(same, same), distance(same, same, lambda x: x + 10)
        (0.0, 0.875)
    """
    with np.errstate(all="ignore"):
        at = change(before[:, 0])
    if not np.isfinite(at).all():
        return 1.0
    shares = before[:, 1:].mean(axis=1)
    if at[0] > at[-1]:
        at, shares = at[::-1], 1 - shares[::-1]
    middle = now[:, 1:].mean(axis=1)
    forth = np.abs(np.interp(at, now[:, 0], middle, 0.0, 1.0) - shares).max()
    return float(max(forth, np.abs(np.interp(now[:, 0], at, shares, 0.0, 1.0) - middle).max()))


def _unit(before: Mapping[str, Any], now: Mapping[str, Any], unit: str) -> Iterator[Shift]:
    if min(known(before), known(now)) < LEAST:
        return
    if min(before["n_unique"], now["n_unique"]) < 8:
        return
    old, new = _measured(before), _measured(now)
    if len(old) < 8 or len(new) < 8:
        return
    still, error = distance(old, new), noise(before, now)
    fits = max(FITS, 0.75 * error)
    if still < max(MOVED, 1.2 * error):
        return
    scale = _free_scale(old, new)
    free = 1.0 if scale is None else distance(old, new, _line(scale, 0.0))
    wide = 0.05 * _spread(new)  # a smaller offset cannot be told from none
    lines = [one for one in _conversions(unit) if one[1][1] == 0 or abs(one[1][1]) > wide]
    named = [(distance(old, new, _line(*line)), name, *line) for name, line in lines]
    best = min(named)[0]
    if best <= min(fits, still / 3, free + max(0.02, 0.35 * error)):
        gap, name, factor, offset = next(one for one in named if one[0] <= best + 0.25 * error)  # the most usual one
        yield _converted(name, factor, offset, still, gap)
        return
    for name, change in CURVES:
        for words, pair in (((f"values to their {name}"), (old, new)), ((f"{name} back to values"), (new, old))):
            if (gap := distance(*pair, change)) <= fits and gap <= still / 3:
                yield Shift("unit", f"every quantile changed as from {words}", True, {"still": still, "fitted": gap})
                return
    if scale is not None and abs(math.log(scale)) >= math.log(1.5) and free <= min(max(0.03, 0.6 * error), still / 4):
        sentence = f"every quantile is {scale:.4g} times what it was, and no usual conversion is by that factor"
        yield Shift("unit", sentence, False, {"scale": scale, "offset": 0.0, "still": still, "fitted": free})


def _line(scale: float, offset: float) -> Callable[[np.ndarray], np.ndarray]:
    return lambda x: scale * x + offset


def _converted(name: str, scale: float, offset: float, still: float, fitted: float) -> Shift:
    how = f"every quantile is {scale:.4g} times what it was" + (
        f" {'+' if offset > 0 else '−'} {abs(offset):.6g}" if offset else ""
    )
    evidence = {"scale": scale, "offset": offset, "still": still, "fitted": fitted}
    sure = bool(offset) or not 0.5 < scale < 2  # prices and sizes do grow by a half
    return Shift("unit", f"{how}, as from {name}", sure, evidence)


def _conversions(unit: str) -> Iterator[tuple[str, tuple[float, float]]]:
    """Yield named conversions both ways, those from the declared unit first."""
    found = []
    for one, other, factor in FACTORS:
        found += [(one, other, factor, 0.0), (other, one, 1 / factor, 0.0)]
    for one, other, scale, offset in OFFSETS:
        found += [(one, other, scale, offset), (other, one, 1 / scale, -offset / scale)]
    stem = unit.casefold().rstrip("s")
    found.sort(key=lambda entry: not (stem and entry[0].casefold().startswith(stem)))
    for one, other, scale, offset in found:
        yield f"{one} to {other}", (scale, offset)


def _measured(fingerprint: Mapping[str, Any]) -> np.ndarray:
    """The grid without what may be a default: a spike at one of the usual values is cut out."""
    grid = np.array(fingerprint["grid"], float).reshape(-1, 3)
    for text, share in fingerprint["atoms"].items():
        value = float(text)
        if value in DEFAULTS and SPIKE <= share < 0.95:
            at = np.flatnonzero(grid[:, 0] == value)
            below = grid[at[0], 1] if len(at) else None
            if below is None:
                continue
            rest = np.delete(grid, at, axis=0)
            rest[:, 1:] = np.where(rest[:, 1:] > below, rest[:, 1:] - share, rest[:, 1:]) / (1 - share)
            grid = rest
    return grid


def _spread(grid: np.ndarray) -> float:
    low, high = np.interp((0.05, 0.95), grid[:, 2], grid[:, 0])
    return float(high - low)


def _free_scale(old: np.ndarray, new: np.ndarray) -> float | None:
    """The median ratio of quantiles, where all have one sign."""
    at = np.linspace(0.1, 0.9, 17)
    a, b = np.interp(at, old[:, 2], old[:, 0]), np.interp(at, new[:, 2], new[:, 0])
    if (np.abs(a) < 1e-12).any() or (a * b <= 0).any():
        return None
    return float(np.median(b / a))


def _defaults(before: Mapping[str, Any], now: Mapping[str, Any]) -> Iterator[Shift]:
    """Values that many cells have now and hardly any had before, and that no measurement leads to."""
    old, n_old, n_now = np.array(before["grid"], float).reshape(-1, 3), known(before), known(now)
    values = sorted(float(text) for text in now["atoms"])
    for text, share in now["atoms"].items():
        value, was = float(text), float(before["atoms"].get(text, 0.0))
        error = math.sqrt(share * (1 - share) / n_now + max(was, 1 / n_old) / n_old)
        if share < SPIKE or share - was < max(SPIKE, 5 * error) or share > 0.95:
            continue
        missing, absent = now["n_missing"] / now["n"], before["n_missing"] / before["n"]
        filled = absent - missing
        gained = (share - was) * (1 - missing)
        if (
            filled > max(SPIKE, 5 * math.sqrt(0.25 / n_now + 0.25 / n_old) * 0.5)
            and abs(filled - gained) < 0.25 * filled
        ):
            sentence = f"{_said(value)} stands in {_percent(share)} of the known cells, {_percent(was)} before, and missing cells fell from {_percent(absent)} to {_percent(missing)}"
            yield Shift("default", sentence, True, {"value": value, "share": share, "before": was, "filled": filled})
        elif was < min(MIN_BEFORE, share / 10) and _stands_out(value, share, old, now, values):
            sentence = f"{_said(value)} stands in {_percent(share)} of the known cells and in {_percent(was)} before"
            yield Shift("default", sentence, value in DEFAULTS, {"value": value, "share": share, "before": was})


MIN_BEFORE = 0.005


def _stands_out(value: float, share: float, old: np.ndarray, now: Mapping[str, Any], atoms: list[float]) -> bool:
    """Whether a value lies where none is measured: apart from the old values, or as a spike among them."""
    low, high = old[0, 0], old[-1, 0]
    spread = max(_spread(old), 1e-12)
    step = float(np.median(np.diff(old[:, 0]))) if len(old) > 1 else 0.0
    if value < low or value > high:
        return min(abs(value - low), abs(value - high)) > max(0.1 * spread, 3 * step) or (value == 0 and low > 0)
    points = np.array(now["grid"], float)[:, 0]
    reach = max(0.05 * spread, 2.5 * float(np.median(np.diff(points))) if len(points) > 1 else 0.0)
    near = [other for other in atoms if other != value and abs(other - value) <= reach]
    return share >= 5 * max([now["atoms"][repr(other)] for other in near], default=0.0)


def _rounded(before: Mapping[str, Any], now: Mapping[str, Any]) -> Iterator[Shift]:
    """Decimals that most values had and hardly any has now."""
    digits = now["decimals"]
    was, share = before["written"][digits], now["written"][digits]
    if was < 0.5 and share >= 0.99 and min(before["n_unique"], now["n_unique"]) >= 8:
        sentence = f"{_percent(share)} of the values have at most {digits} decimals, {_percent(was)} before"
        yield Shift("rounding", sentence, False, {"decimals": digits, "share": share, "before": was})


def _times(before: Mapping[str, Any], now: Mapping[str, Any]) -> Iterator[Shift]:
    """Dates that had a time of day and have none now, or the other way round."""
    was, share = before["midnight"], now["midnight"]
    if min(was, share) < 0.2 and max(was, share) > 0.99:
        sentence = f"{_percent(share)} of the values are at midnight, {_percent(was)} before"
        yield Shift("rounding", sentence, True, {"midnight": share, "before": was})


def _said(value: float) -> str:
    return f"the value {value:g}"


# --- levels ----------------------------------------------------------------------------------------------------------


def _recoded(before: Mapping[str, Any], now: Mapping[str, Any]) -> Iterator[Shift]:
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


MAX_PAIRED = 200
ANCHORED = 12


def _renamed(before: Mapping[str, Any], now: Mapping[str, Any], gone: list[str], come: list[str]) -> Iterator[Shift]:
    old, new = before["levels"], now["levels"]
    lost, won = sum(old[level] for level in gone), sum(new[level] for level in come)
    spelled = {level: [other for other in come if _plain(other) == _plain(level)] for level in gone}
    pairs = {level: found[0] for level, found in spelled.items() if len(found) == 1}
    if sum(old[level] for level in pairs) >= 0.8 * lost:
        yield _coding(pairs, lost, True, "levels are spelled another way")
        return
    if len(gone) > 1 and len(come) == 1 and _alike(lost, won, before, now):
        what = f"{len(gone)} levels ({_few(gone)}) with {_percent(lost)} of the known cells became one, {come[0]!r}"
        yield Shift("coding", what, False, {"mapping": dict.fromkeys(gone, come[0]), "share": lost})
        return
    if len(gone) == 1 and len(come) > 1 and _alike(lost, won, before, now):
        what = f"the level {gone[0]!r} with {_percent(lost)} of the known cells became {len(come)} ({_few(come)})"
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
    sentence = f"{what} in {_percent(share)} of the known cells: {shown}{rest}"
    return Shift("coding", sentence, sure, {"mapping": dict(pairs), "share": share, **more})


def _few(levels: list[str]) -> str:
    return ", ".join(map(repr, levels[:3])) + (" …" if len(levels) > 3 else "")


def _plain(text: str) -> str:
    return "".join(character for character in text.casefold() if character.isalnum())


def _percent(share: float) -> str:
    return f"{100 * share:.3g} %"
