"""The study as an object: `order` strings the steps along a journal, `beside` holds what is asked out of order.

A name is loaded when it is asked for: who opens a model folder does not wait for the steps.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from fieldguide.workflow.loading import load_model
    from fieldguide.workflow.order import STEPS
    from fieldguide.workflow.study import Study

_HOMES = {"STEPS": "order", "Study": "study", "load_model": "loading"}

__all__ = ["STEPS", "Study", "load_model"]


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module 'fieldguide.workflow' has no attribute {name!r}")
    import importlib

    return getattr(importlib.import_module(f"fieldguide.workflow.{_HOMES[name]}"), name)
