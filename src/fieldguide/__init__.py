"""fieldguide: from a data file and a question to a deep model you can defend.

The front door: the nouns, the study, and the model loader. Importing it loads nothing heavy; a name is loaded when it is
asked for.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from fieldguide.core.candidate import Candidate
    from fieldguide.core.errors import FieldguideError
    from fieldguide.core.finding import Finding
    from fieldguide.core.model import Model
    from fieldguide.core.problem import Problem
    from fieldguide.core.result import Result
    from fieldguide.core.score import Score
    from fieldguide.core.split import Split
    from fieldguide.core.table import Table
    from fieldguide.faces.report import report
    from fieldguide.workflow import Study, load_model

# Threads of OpenMP that spin while they wait make a fit hundreds of times slower as soon as another process wants the core. The first library
# that loads OpenMP (PyTorch, LightGBM, scikit-learn) reads this for all, so it is said before any of them.
os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")

_HOMES = {
    "Candidate": "core.candidate", "FieldguideError": "core.errors", "Finding": "core.finding", "Model": "core.model",
    "Problem": "core.problem", "Result": "core.result", "Score": "core.score", "Split": "core.split", "Table": "core.table",
    "Study": "workflow", "load_model": "workflow", "report": "faces.report",
}  # fmt: skip

__all__ = [
    "Candidate", "FieldguideError", "Finding", "Model", "Problem", "Result", "Score", "Split", "Study", "Table", "load_model",
    "report",
]  # fmt: skip


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module 'fieldguide' has no attribute {name!r}")
    import importlib

    value = getattr(importlib.import_module(f"fieldguide.{_HOMES[name]}"), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted(__all__)
