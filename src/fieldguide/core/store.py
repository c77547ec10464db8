"""The store: where finished trials are kept, so that a killed run resumes with the same numbers.

Knows the journal (facts) and a folder of safetensors files (arrays). A trial counts as finished once its journal line is on
disk; arrays are written before that.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from safetensors.numpy import load_file, save_file

from fieldguide.core.files.disk import writing
from fieldguide.core.journal import Journal


class Store:
    """A ledger (see `core.bench.Ledger`) in a study folder.

    Args:
        journal: where facts go.
        folder: where arrays go, one file a trial.
        scope: hash of the rows, folds and metric; trials of another scope are not seen.
    """

    def __init__(self, journal: Journal, folder: Path, scope: str) -> None:
        self.journal, self.folder, self.scope = journal, folder, scope
        self._kept = {
            record["data"]["key"]: record["data"]["facts"]
            for record in journal.records("trial")
            if record["data"]["scope"] == scope
        }

    def get(self, key: str) -> tuple[dict[str, Any], dict[str, np.ndarray]] | None:
        if key not in self._kept:
            return None
        path = self._path(key)
        return self._kept[key], load_file(path) if path.exists() else {}

    def put(self, key: str, facts: Mapping[str, Any], arrays: Mapping[str, np.ndarray]) -> None:
        if arrays:
            path = self._path(key)
            draft = path.with_suffix(".writing")
            try:
                with writing(path, "a trial is kept before it counts"):
                    self.folder.mkdir(exist_ok=True)
                    save_file({name: np.ascontiguousarray(array) for name, array in arrays.items()}, draft)
                    draft.replace(path)
            finally:
                draft.unlink(missing_ok=True)
        record = self.journal.append("trial", {"scope": self.scope, "key": key, "facts": dict(facts)})
        self._kept[key] = record["data"]["facts"]

    @property
    def seconds(self) -> float:
        """Time the kept trials took [s]."""
        return float(sum(facts.get("seconds", 0.0) for facts in self._kept.values()))

    def _path(self, key: str) -> Path:
        return self.folder / f"{self.scope[:8]}-{key}.safetensors"
