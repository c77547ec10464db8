"""Named files: which columns name images or sounds, and where the files lie that they name.

Knows names and which files are there; no file is opened. A table's own folder comes first, then the folders in it: a CSV beside
a folder of photos names them with the folder, by their bare names, or by their names without a suffix.
"""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import polars as pl

from fieldguide.core.files.media import DATA, FILE_KINDS, SUFFIXES, kind_of, path_of, told
from fieldguide.steps.detect.sample import Cells
from fieldguide.steps.detect.spelling import ENOUGH

LOOKED_UP = 40  # cells of a column whose files are looked for, spread over all of them
MOST_FOLDERS = 50
SOME = 0.1  # names of which so many are there are files, and the others are missing ones
_STEM = r"^[^\s/\\]{1,80}$"


def named_kind(cells: Cells) -> tuple[str, str] | None:
    """Return "image" or "audio" and why, of a column whose cells are names of files or data: URIs; None of any other."""
    if not cells.is_text or not len(cells.levels) or kind_of(str(cells.levels[0])) is None:
        return None
    kinds = [kind_of(level) for level in cells.levels.to_list()]
    for kind in FILE_KINDS:
        share = cells.share(pl.Series([found == kind for found in kinds]))
        if share >= ENOUGH:
            return kind, f"{share:.0%} of its cells name files such as {told(str(cells.levels[0]))}"
    return None


def place_of(cells: Cells, root: Path) -> dict[str, str] | None:
    """Return how the files that cells name are read, as `Column.read` takes it; None where none of a few is there."""
    few = _spread(cells.levels)
    beside = sum(_is_there(text, {"root": root}) for text in few)
    if beside > len(few) / 2:
        return {}
    for folder in _folders(root):
        if sum(_is_there(text, {"root": root, "folder": folder}) for text in few) > max(beside, len(few) / 2):
            return {"folder": folder}
    return {} if beside >= SOME * len(few) and beside else None


def nameless(cells: Cells, root: Path) -> tuple[str, dict[str, str]] | None:
    """Return (kind, how they are read) of a column that names the files of a folder without their suffix, else None."""
    if not len(cells.levels) or cells.share(cells.levels.str.contains(_STEM)) < ENOUGH:
        return None
    few = _spread(cells.levels)
    for folder in _folders(root):
        for kind, suffixes in SUFFIXES.items():
            for suffix in (*suffixes, *(one.upper() for one in suffixes)):
                read = {"folder": folder, "suffix": suffix}
                if _there(few[:1], root, read) and _there(few, root, read) > len(few) / 2:
                    return kind, read
    return None


def _there(texts: Sequence[str], root: Path, read: Mapping[str, str]) -> int:
    return sum(_is_file(Path(root, read["folder"], text + read["suffix"])) for text in texts)


def _is_there(text: str, read: Mapping[str, object]) -> bool:
    return text.startswith(DATA) or _is_file(path_of(text, read))


def _is_file(path: Path) -> bool:
    try:
        return path.is_file()
    except (OSError, ValueError):  # a name that no disk can hold, or a folder that may not be entered
        return False


def _spread(levels: pl.Series) -> list[str]:
    """A few of the levels from the first to the last: those of one folder stand side by side."""
    places = np.unique(np.linspace(0, len(levels) - 1, LOOKED_UP).astype(int))
    return [str(level) for level in levels[places].to_list()]


def _folders(root: Path) -> list[str]:
    """The folders beside the table, by name; too many are not searched."""
    try:
        with os.scandir(root) as entries:
            found = sorted(entry.name for entry in entries if not entry.name.startswith(".") and entry.is_dir())
    except OSError:
        return []
    return found if len(found) <= MOST_FOLDERS else []
