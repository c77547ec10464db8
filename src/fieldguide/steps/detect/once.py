"""Columns and roles of a file, found once: `init` looks at it to write study.yaml, and framing what was written looks again."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Any

from fieldguide.core.files.source import Source
from fieldguide.core.table import Column
from fieldguide.steps.detect.columns import detect_columns
from fieldguide.steps.detect.roles import RolesGuess, detect_roles

_Found = tuple[tuple[Column, ...], RolesGuess]
_LAST: dict[Any, _Found] = {}  # of the file that was looked at last


def detected(source: Source, given: Mapping[str, str], targets: Sequence[str], later: Collection[str]) -> _Found:
    """Return the columns of a source and what is guessed of their roles.

    Args:
        given, targets: as `detect_columns` takes them.
        later: columns that are known only afterwards, of which no role is guessed.
    """
    stamp = source.stamp
    asked = (stamp, tuple(sorted(given.items())), tuple(targets), frozenset(later))
    if stamp is not None and asked in _LAST:
        return _LAST[asked]
    columns = detect_columns(source, given=given, targets=targets)
    found = columns, detect_roles(source, [column for column in columns if column.name not in later])
    _LAST.clear()
    if stamp is not None:
        _LAST[asked] = found
    return found
