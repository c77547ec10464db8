"""A fitted network as an ONNX graph: predictions without torch.

Knows sessions of ONNX Runtime and the lengths a graph wants its rows in; how a graph is written and proven is `_export`.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from fieldguide.core.batch import Batch, Block
from fieldguide.core.contracts import Predictions
from fieldguide.core.errors import ModelError
from fieldguide.parts.learners._description import Description

WEIGHTS, GRAPH = "network.safetensors", "model.onnx"


class GraphEstimator:
    """A fitted network as an ONNX graph: needs no torch. A single row is answered by one thread, many rows by all."""

    def __init__(self, path: Path, data: Mapping[str, Any]) -> None:
        self.description = Description.from_dict(data["network"])
        self.n_steps: int | None = data["n_steps"]
        self.stopped: str = data["stopped"]
        self.history: list[dict[str, Any]] = list(data["history"])
        self._path, self._width = path, int(data["width"])
        self.weights = path.with_name(WEIGHTS)
        self._one = session_of(path, threads=1)
        self._many: Any = None
        self._lengths = lengths_of(self._one)

    def predict(self, batch: Batch) -> Predictions:
        """Return one array per output; see `NetworkEstimator.predict`."""
        if not len(batch):  # ONNX Runtime ends the process on a matrix product without rows
            return self.description.predictions(np.zeros((0, sum(self.description.widths)), np.float32))
        session = self._one
        if len(batch) > 1024:
            self._many = session = self._many or session_of(self._path, threads=0)
        size = max(1, min(65_536, 2**23 // self._width))
        parts = []
        for start in range(0, len(batch), size):
            arrays = {name: batch.arrays[name][start : start + size] for name in self._lengths}
            arrays = {name: cells.load() if isinstance(cells, Block) else cells for name, cells in arrays.items()}
            parts.append(session.run(None, lengthened(arrays, self._lengths))[0])
        return self.description.predictions(parts[0] if len(parts) == 1 else np.concatenate(parts))

    def save(self, folder: Path, draft: bool = False) -> dict[str, Any]:
        raise ModelError(
            "a network loaded from its ONNX graph cannot be saved again",
            rule="what was loaded from ONNX answers, and is not written again",
            found="the ONNX graph alone, without the weights it was made from",
            do="copy its folder",
        )


def session_of(path: Path, threads: int) -> Any:
    """Return an ONNX Runtime session on the processor; `threads` 0 takes as many as there are cores."""
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    options.inter_op_num_threads = 1
    options.log_severity_level = 3
    return onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])


def lengths_of(session: Any) -> dict[str, int]:
    """Return a graph's inputs by name, each with the length that its rows must have; 0: any."""
    fixed = {node.name: node.shape[1] if len(node.shape) == 2 else 0 for node in session.get_inputs()}
    return {name: length if isinstance(length, int) else 0 for name, length in fixed.items()}


def lengthened(arrays: Mapping[str, np.ndarray], lengths: Mapping[str, int]) -> dict[str, np.ndarray]:
    """Return the arrays a graph takes, codes filled up with padding where it has one length only.

    Examples:
        >>> lengthened({"said": np.array([[5, 6]])}, {"said": 4})["said"].tolist()
        [[5, 6, 0, 0]]
    """
    gaps = {name: max(0, length - arrays[name].shape[1]) if length else 0 for name, length in lengths.items()}
    return {name: np.pad(arrays[name], ((0, 0), (0, gap))) if gap else arrays[name] for name, gap in gaps.items()}
