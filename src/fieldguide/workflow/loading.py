"""Open a model folder: all that predicting needs of the workflow, and nothing of its steps."""

from __future__ import annotations

from pathlib import Path

from fieldguide.core.model import Model
from fieldguide.parts import find


def load_model(folder: str | Path) -> Model:
    """Open a model folder that `finalize` or `package` wrote; hashes and golden rows are checked first."""
    return Model.load(folder, find)
