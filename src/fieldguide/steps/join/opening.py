"""Opening: the tables of a join, each scanned for what is used of it, and how their entities and times compare.

Knows which columns of which table are asked for; how a file is scanned is `tables`'.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from fieldguide.core.documents.join_sections import JoinSection
from fieldguide.core.errors import ConfigError, DataError, listed
from fieldguide.core.language.syntax import read_syntax
from fieldguide.steps.join import features as feature_queries
from fieldguide.steps.join import outcome as outcome_queries
from fieldguide.steps.join.tables import Scanned, Use, has_zone, scan


@dataclass(frozen=True)
class Opened:
    """A join whose tables are open: each scanned, its entity columns, whether each is compared as whole numbers."""

    join: JoinSection
    target: str
    units: Scanned
    tables: tuple[Scanned, ...]
    outcome: Scanned
    whole: tuple[bool, ...]

    def entity(self, table: Any) -> tuple[str, ...]:
        """Return the entity columns of a section's table."""
        named: tuple[str, ...] | None = table.entity
        return named or self.join.units.entity


def opened_of(section: JoinSection, target: str, work: Path) -> Opened:
    """Return a section with its tables scanned; what must be written out to be read lies in `work`.

    Raises:
        ConfigError, DataError: a table lacks what is asked of it, or two tables cannot be compared.
    """
    units, clock = section.units, section.clock
    uses: dict[str, Use] = dict.fromkeys(units.keep, "value")
    if units.where is not None:
        uses |= dict.fromkeys(read_syntax(units.where).columns, "value")
    uses |= dict.fromkeys(units.entity, "entity")
    if units.time is not None:
        uses[units.time] = "time"
    asked = [("join.units", units.table, uses)]
    for index, table in enumerate(section.features):
        entity = table.entity or units.entity
        asked.append((f"join.features[{index}]", table.table, feature_queries.uses_of(table, entity)))
    outcome = section.outcome
    asked.append(("join.outcome", outcome.table, outcome_queries.uses_of(outcome, outcome.entity or units.entity)))
    scans = [scan(label, path, used, clock, work / f"t{i}") for i, (label, path, used) in enumerate(asked)]
    entities = [units.entity, *(t.entity or units.entity for t in section.features), outcome.entity or units.entity]
    for (label, _, _), columns in zip(asked, entities):
        if len(columns) != len(units.entity):
            raise ConfigError(
                f"{label}.entity names {len(columns)} columns", rule="every table names an entity by as many columns as units",
                found=f"join.units.entity names {len(units.entity)}: {listed(units.entity)}",
                do=f"write {label}.entity with {len(units.entity)}",
            )  # fmt: skip
    _refuse_zones(scans, section)
    return Opened(section, target, scans[0], tuple(scans[1:-1]), scans[-1], _whole(scans, entities))


def _whole(scans: Sequence[Scanned], entities: Sequence[Sequence[str]]) -> tuple[bool, ...]:
    """Return for each entity column whether it is compared as a whole number.

    Raises:
        DataError: some tables hold whole numbers and some hold text.
    """
    found = []
    for place in range(len(entities[0])):
        kinds = [scanned.spelled[columns[place]] for scanned, columns in zip(scans, entities)]
        if "whole" in kinds and "text" in kinds:
            number, text = kinds.index("whole"), kinds.index("text")
            shown = [
                f"{entities[i][place]!r} of {scans[i].label} holds {what} such as {listed(scans[i].examples[entities[i][place]])}"
                for i, what in ((number, "whole numbers"), (text, "text"))
            ]
            raise DataError(
                "entities of two tables cannot be compared", rule="an entity is a whole number in every table, or text in every table",
                found="; ".join(shown), do="write both alike; text such as 007 is not the number 7",
            )  # fmt: skip
        found.append("text" not in kinds)
    return tuple(found)


def _refuse_zones(scans: Sequence[Scanned], section: JoinSection) -> None:
    zoned = [(f"{c!r} of {s.label}", z) for s in scans for c, z in s.zoned.items()]
    stated = [("join.units.at", text) for text in section.units.at or ()]
    stated += [("join.units.start", section.units.start or ""), ("join.units.stop", section.units.stop or "")]
    stated += [("join.outcome.until", section.outcome.until or "")]
    # a stated date without a zone is read in the tables' own: UTC where they have one
    zoned += [(place, True) for place, text in stated if text and has_zone(text)]
    with_, without = [c for c, z in zoned if z], [c for c, z in zoned if not z]
    if with_ and without:
        raise DataError(
            "some times have a time zone and some have none", rule="times are compared only when all have a time zone, or none has",
            found=f"with: {listed(with_)}; without: {listed(without)}",
            do="write all times with their zone, or all in one zone without it",
        )  # fmt: skip
