"""The study as an object: `given` is what every step finds, `order` strings them along a journal, `beside` is asked out of order.

A name is loaded when it is asked for: who opens a model folder does not wait for the steps.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from fieldguide.workflow.given import STEPS
    from fieldguide.workflow.loading import load_model
    from fieldguide.workflow.study import Study

_HOMES = {"STEPS": "given", "Study": "study", "load_model": "loading"}

__all__ = ["STEPS", "Study", "load_model"]


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module 'fieldguide.workflow' has no attribute {name!r}")
    import importlib

    return getattr(importlib.import_module(f"fieldguide.workflow.{_HOMES[name]}"), name)
