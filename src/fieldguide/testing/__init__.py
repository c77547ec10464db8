"""The contract tests of each kind of part, as plain functions that anybody's part can be handed to.

`check_<kind>` lives in `testing/<kind>.py` and is loaded when it is asked for. A check raises AssertionError with one
sentence that names the rule which does not hold.

Examples:
    >>> from fieldguide.testing import check_task
    >>> check_task.__module__
    'fieldguide.testing.task'
"""

from __future__ import annotations

import importlib
import pkgutil
from typing import Any


def __getattr__(name: str) -> Any:
    kind = name.removeprefix("check_")
    if kind == name or kind not in _kinds():
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module(f"{__name__}.{kind}"), name)


def __dir__() -> list[str]:
    return sorted(f"check_{kind}" for kind in _kinds())


def _kinds() -> list[str]:
    return [module.name for module in pkgutil.iter_modules(__path__)]
