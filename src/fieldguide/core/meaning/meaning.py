"""Shifted meaning: columns whose values were another unit, another default or another code when they were accepted.

Knows fingerprints and the table of now; knows no contract. A shift of meaning is told from a drift of the world by asking
for a *cause* (`core.meaning.units`, `core.meaning.coding`). What fits no cause is drift, and drift is for other checks.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from fieldguide.core.meaning.coding import coding_shift
from fieldguide.core.meaning.fingerprint import anchors_named, of_column
from fieldguide.core.meaning.shift import LEAST, Shift, known
from fieldguide.core.meaning.units import default_shift, rounding_shift, time_shift, unit_shift
from fieldguide.core.table import Table


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
        name: unit_shift(accepted[name], alone[name], units.get(name, ""))
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
        before, now: fingerprints of one column (`core.meaning.fingerprint`).
        unit: its declared unit, by which a conversion is named.

    Examples:
        >>> from fieldguide.core.meaning.fingerprint import of_column
        >>> import polars as pl
        >>> km = pl.Series("way", [1.5 * i for i in range(400)])
        >>> found = shifts(of_column(km, "number", {}), of_column(km / 1.609344, "number", {}))
        >>> found[0].what, found[0].sentence
        ('unit', 'every quantile is 0.6214 times what it was, as from kilometres to miles')
    """
    if min(known(before), known(now)) < LEAST:
        return []
    if before.get("levels") and now.get("levels"):
        recoded = list(coding_shift(before, now))
        if recoded:
            return recoded
    if "grid" in before and "grid" in now:
        unit_changed = list(unit_shift(before, now, unit))
        return [*unit_changed, *default_shift(before, now), *(() if unit_changed else rounding_shift(before, now))]
    if "midnight" in before and "midnight" in now:
        return list(time_shift(before, now))
    return []
