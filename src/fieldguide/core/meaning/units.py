"""Numbers and dates that mean something else: another unit, a new default, fewer decimals.

Knows two fingerprints of one column. The old distribution must fit the new one after a change of unit, and a new value
must stand where none can be measured; anything else is drift.

Source: the largest distance of distribution functions (Kolmogorov 1933, Smirnov 1948).
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import numpy as np

from fieldguide.core.meaning.shift import FITS, LEAST, MOVED, SPIKE, Shift, known, noise, percent

MIN_BEFORE = 0.005
"""The share from which a value was there before."""
TENTH = 0.1
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


def unit_shift(before: Mapping[str, Any], now: Mapping[str, Any], unit: str) -> Iterator[Shift]:
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


def default_shift(before: Mapping[str, Any], now: Mapping[str, Any]) -> Iterator[Shift]:
    """Values that many cells have now and hardly any had before, and that no measurement leads to.

    A source has one default, perhaps two: where more values gained, the world has changed and not the source. A value that
    is none of the usual defaults must have a tenth of the cells, or be the only one that gained while missing cells vanished.
    """
    old, n_old, n_now = np.array(before["grid"], float).reshape(-1, 3), known(before), known(now)
    values = sorted(float(text) for text in now["atoms"])
    gained = []
    for text, share in now["atoms"].items():
        was = float(before["atoms"].get(text, 0.0))
        error = math.sqrt(share * (1 - share) / n_now + max(was, 1 / n_old) / n_old)
        if share <= 0.95 and share >= SPIKE and share - was >= max(SPIKE, 5 * error):
            gained.append((float(text), share, was))
    if not 1 <= len(gained) <= 2:
        return
    missing, absent = now["n_missing"] / now["n"], before["n_missing"] / before["n"]
    filled = absent - missing
    enough = filled > max(SPIKE, 2.5 * math.sqrt(0.25 / n_now + 0.25 / n_old))
    for value, share, was in gained:
        gain = (share - was) * (1 - missing)
        facts = {"value": value, "share": share, "before": was}
        if len(gained) == 1 and enough and abs(filled - gain) < 0.25 * filled:
            sentence = (
                f"the value {value:.6g} stands in {percent(share)} of the known cells, {percent(was)} before, and missing "
                f"cells fell from {percent(absent)} to {percent(missing)}"
            )
            yield Shift("default", sentence, True, {**facts, "filled": filled})
        elif (
            was < min(MIN_BEFORE, share / 10)
            and (value in DEFAULTS or share >= TENTH)
            and _stands_out(value, share, old, now, values)
        ):
            sentence = (
                f"the value {value:.6g} stands in {percent(share)} of the known cells and in {percent(was)} before"
            )
            yield Shift("default", sentence, value in DEFAULTS, facts)


def _stands_out(value: float, share: float, old: np.ndarray, now: Mapping[str, Any], atoms: list[float]) -> bool:
    """Whether a value lies where none is measured: apart from the old values, or as a spike among them."""
    low, high = old[0, 0], old[-1, 0]
    spread = _spread(old)
    if spread <= 0:
        return False
    step = float(np.median(np.diff(old[:, 0]))) if len(old) > 1 else 0.0
    if value < low or value > high:
        return min(abs(value - low), abs(value - high)) > max(0.1 * spread, 3 * step) or (value == 0 and low > 0)
    points = np.array(now["grid"], float)[:, 0]
    reach = max(0.05 * spread, 2.5 * float(np.median(np.diff(points))) if len(points) > 1 else 0.0)
    near = [other for other in atoms if other != value and abs(other - value) <= reach]
    return share >= 5 * max([now["atoms"][repr(other)] for other in near], default=0.0)


def rounding_shift(before: Mapping[str, Any], now: Mapping[str, Any]) -> Iterator[Shift]:
    """Decimals that most values had and hardly any has now."""
    digits = now["decimals"]
    was, share = before["written"][digits], now["written"][digits]
    if was < 0.5 and share >= 0.99 and min(before["n_unique"], now["n_unique"]) >= 8:
        sentence = f"{percent(share)} of the values have at most {digits} decimals, {percent(was)} before"
        yield Shift("rounding", sentence, False, {"decimals": digits, "share": share, "before": was})


def time_shift(before: Mapping[str, Any], now: Mapping[str, Any]) -> Iterator[Shift]:
    """Dates that had a time of day and have none now, or the other way round."""
    was, share = before["midnight"], now["midnight"]
    if min(was, share) < 0.2 and max(was, share) > 0.99:
        sentence = f"{percent(share)} of the values are at midnight, {percent(was)} before"
        yield Shift("rounding", sentence, True, {"midnight": share, "before": was})
