"""A network as an ONNX graph, written only when it answers like the network.

Knows the export and its proof; nothing of predicting with the graph afterwards.
"""

from __future__ import annotations

import contextlib
import copy
import io
import logging
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import torch

from fieldguide.parts.learners import _network

TOLERANCE = 1e-5  # on probabilities and on standardised values
BATCHES = (1, 7, 11)  # rows the graph is proven on: one, and two that the export has not seen


def export(description: _network.Description, net: torch.nn.Module, path: Path) -> dict[str, Any]:
    """Write the network with its last layers to `path`; leave no file when the graph is not equal within 1e-5.

    Returns:
        `written`, the greatest `difference` found, and `why` when nothing was written.
    """
    readout = description.readout(copy.deepcopy(net).cpu()).eval()
    try:
        with _quiet():
            _write(readout, description, path)
        difference = _difference(readout, description, path)
    except Exception as error:  # an exporter fails in many ways, and no model is lost by it: torch serves
        path.unlink(missing_ok=True)
        return {"written": False, "why": f"the export failed: {type(error).__name__}"}
    if not difference <= TOLERANCE:
        path.unlink()
        return {
            "written": False,
            "difference": difference,
            "why": f"the graph differs by {difference:.1e} from the network",
        }
    return {"written": True, "difference": difference}


def _write(readout: torch.nn.Module, description: _network.Description, path: Path) -> None:
    rows = torch.export.Dim("rows", min=1, max=2**20)
    inputs = _inputs(description, 5)
    with torch.no_grad():
        program = torch.export.export(readout, inputs, dynamic_shapes=({0: rows}, {0: rows}), strict=True)
        graph = torch.onnx.export(
            program, inputs, dynamo=True, input_names=["numbers", "codes"], output_names=["read"], verbose=False
        )
    assert graph is not None
    graph.save(str(path), external_data=False)


def _difference(readout: torch.nn.Module, description: _network.Description, path: Path) -> float:
    session = _network.session_of(path, threads=1)
    names = {node.name for node in session.get_inputs()}
    worst = 0.0
    for n_rows in BATCHES:
        numbers, codes = _inputs(description, n_rows)
        arrays = {"numbers": numbers.numpy(), "codes": codes.numpy()}
        with torch.inference_mode():
            wanted = readout(numbers, codes).numpy()
        found = session.run(None, {name: arrays[name] for name in names})[0]
        worst = max(worst, float(np.abs(found - wanted).max()))
    return worst


def _inputs(description: _network.Description, n_rows: int) -> tuple[torch.Tensor, torch.Tensor]:
    rng = np.random.default_rng(n_rows)
    cardinalities = [cardinality for _, cardinality in description.layout.codes]
    numbers = rng.standard_normal((n_rows, len(description.layout.numbers))).astype(np.float32)
    codes = rng.integers(0, np.array(cardinalities or [1]), (n_rows, max(1, len(cardinalities))))[
        :, : len(cardinalities)
    ]
    return torch.from_numpy(numbers), torch.from_numpy(codes.astype(np.int32))


@contextlib.contextmanager
def _quiet() -> Iterator[None]:
    """Silence what the exporter prints, logs and warns about its own inside."""
    before = logging.root.manager.disable
    logging.disable(logging.CRITICAL)
    try:
        with (
            warnings.catch_warnings(),
            contextlib.redirect_stdout(io.StringIO()),
            contextlib.redirect_stderr(io.StringIO()),
        ):
            warnings.simplefilter("ignore")
            yield
    finally:
        logging.disable(before)
