"""What is interchangeable: a folder per kind, a file per part, named like the part.

The one place where a name becomes an object. `find("learners", "boosting")` loads `parts/learners/boosting.py` and returns
the class in it whose `name` is "boosting"; parts of other packages are found by the entry point group
`fieldguide.<kind>`. Nothing is loaded before it is asked for.
"""

from __future__ import annotations

import importlib
import inspect
import pkgutil
from functools import cache
from importlib.metadata import EntryPoint, entry_points
from pathlib import Path
from typing import Any

from fieldguide.core.errors import ConfigError, listed, nearest

KINDS = (
    "tasks",
    "modalities",
    "metrics",
    "splitters",
    "learners",
    "searches",
    "losses",
    "optimisers",
    "schedules",
    "calibrators",
    "checks",
    "stores",
    "designs",
    "explainers",
)


@cache
def names(kind: str) -> tuple[str, ...]:
    """Return the names of all parts of a kind, without loading any.

    Examples:
        >>> "boosting" in names("learners")
        True
    """
    folder = Path(__file__).parent / kind
    own = {module.name for module in pkgutil.iter_modules([str(folder)]) if not module.name.startswith("_")}
    return tuple(sorted(own | set(_points(kind))))


@cache
def _points(kind: str) -> dict[str, EntryPoint]:
    """Return the entry points of a kind by name."""
    return {point.name: point for point in _installed().select(group=f"fieldguide.{kind}")}


@cache
def _installed() -> Any:
    """Return all entry points, which have a type of their own in Python 3.11. Asked for once: each look reads the metadata of all that is installed."""
    return entry_points()


@cache
def find(kind: str, name: str) -> Any:
    """Return the class of a part by name.

    Raises:
        ConfigError: there is no such part; names the nearest.
    """
    if name not in names(kind):
        raise ConfigError(
            f"there is no {kind} part named {name!r}{nearest(name, names(kind))}",
            rule=f"a part is a file of parts/{kind}, or an entry point of fieldguide.{kind}",
            found=f"{len(names(kind)):,} of them, none of that name",
            do=f"use one of {', '.join(names(kind))}",
        )
    if name in _points(kind):
        return _points(kind)[name].load()
    module = importlib.import_module(f"fieldguide.parts.{kind}.{name}")
    for _, member in inspect.getmembers(module, inspect.isclass):
        if member.__module__ == module.__name__ and getattr(member, "name", None) == name:
            return member
    classes = [n for n, m in inspect.getmembers(module, inspect.isclass) if m.__module__ == module.__name__]
    raise ConfigError(
        f"the file {module.__file__} defines no class whose name is {name!r}", rule="a part is a class whose name is its file's",
        found=f"its classes are {listed(classes)}" if classes else "it defines no class",
        do=f"give the class `name = {name!r}`",
    )  # fmt: skip


@cache
def modality(kind: str) -> Any:
    """Return the modality of a column kind."""
    return find("modalities", kind)()
