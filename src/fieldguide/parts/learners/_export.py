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

from fieldguide.core.batch import Spec
from fieldguide.core.plain import finite
from fieldguide.parts.learners import _graph
from fieldguide.parts.learners._description import Description

TOLERANCE = 1e-5  # on probabilities and on standardised values
STEPPED = ("lstm", "gru")
"""Encoders of codes whose graph has one length; shorter rows are padded, which changes no answer."""
TRACED = 5  # rows that the export follows through the network
BATCHES = (1, 7, 11)  # rows the graph is proven on: one, and two that the export has not seen


def export(description: Description, net: torch.nn.Module, path: Path) -> dict[str, Any]:
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
            "difference": finite(difference),
            "why": f"the graph differs by {difference:.1e} from the network",
        }
    return {"written": True, "difference": difference}


def _write(readout: torch.nn.Module, description: Description, path: Path) -> None:
    rows = torch.export.Dim("rows", min=1, max=2**20)
    (numbers, codes, *blocks), specs = _inputs(description, TRACED), description.layout.blocks
    shapes: tuple[Any, ...] = ({0: rows}, {0: rows})
    if specs:
        # Codes of a block are as long as the longest of their rows, but for encoders that step through them one by one.
        free = [bool(spec.size) and form not in STEPPED for spec, form in zip(specs, _forms(description), strict=True)]
        lengths = ({1: torch.export.Dim(f"length{i}", min=2, max=spec.shape[0])} if any_length else {}
                   for i, (spec, any_length) in enumerate(zip(specs, free)))  # fmt: skip
        shapes = (*shapes, tuple({0: rows, **length} for length in lengths))
        blocks = [
            torch.nn.functional.pad(block, (0, spec.shape[0] - block.shape[1]))
            if spec.size and not any_length
            else block
            for block, spec, any_length in zip(blocks, specs, free)
        ]
    inputs = (numbers, codes, *blocks)
    with torch.no_grad():
        program = torch.export.export(readout, inputs, dynamic_shapes=shapes, strict=True)
        graph = torch.onnx.export(
            program, inputs, dynamo=True, input_names=["numbers", "codes", *(spec.name for spec in specs)],
            output_names=["read"], verbose=False,
        )  # fmt: skip
    assert graph is not None
    graph.save(str(path), external_data=False)


def _difference(readout: torch.nn.Module, description: Description, path: Path) -> float:
    """Return the greatest difference between the graph's answers and the network's; NaN where either has none."""
    session = _graph.session_of(path, threads=1)
    lengths, gaps = _graph.lengths_of(session), []
    for n_rows in BATCHES:
        inputs = _inputs(description, n_rows)
        arrays = {"numbers": inputs[0].numpy(), "codes": inputs[1].numpy()}
        arrays |= {spec.name: block.numpy() for spec, block in zip(description.layout.blocks, inputs[2:], strict=True)}
        with torch.inference_mode():
            wanted = readout(*inputs).numpy()
        found = session.run(None, _graph.lengthened(arrays, lengths))[0]
        gaps.append(np.abs(found - wanted).max())
    return float(np.max(gaps))  # Python's max would pass over NaN


def _forms(description: Description) -> tuple[str, ...]:
    """Return the encoder of each block; networks without encoders by column have blocks without codes."""
    return tuple(description.architecture.get("forms", ("",) * len(description.layout.blocks)))


def _inputs(description: Description, n_rows: int) -> tuple[torch.Tensor, ...]:
    rng = np.random.default_rng(n_rows)
    cardinalities = [cardinality for _, cardinality in description.layout.codes]
    numbers = rng.standard_normal((n_rows, len(description.layout.numbers))).astype(np.float32)
    codes = rng.integers(0, np.array(cardinalities or [1]), (n_rows, max(1, len(cardinalities))))[
        :, : len(cardinalities)
    ]
    blocks = (_block(spec, n_rows, rng) for spec in description.layout.blocks)
    return torch.from_numpy(numbers), torch.from_numpy(codes.astype(np.int32)), *blocks


def _block(spec: Spec, n_rows: int, rng: np.random.Generator) -> torch.Tensor:
    if not spec.size:
        values = rng.standard_normal((n_rows, *spec.shape))
        if spec.kind == "series":  # the last channel marks where a series is
            values[:, -1] = np.arange(spec.shape[1]) < rng.integers(0, spec.shape[1] + 1, n_rows)[:, None]
        return torch.from_numpy(values.astype(spec.dtype))
    # a single row of one code, a few, and as many as there can be; rows end at different places, and one of several is empty
    length = min(spec.shape[0], {1: 1, TRACED: 5}.get(n_rows, spec.shape[0] if n_rows == BATCHES[-1] else 10))
    cells = rng.integers(1, spec.size, (n_rows, length))
    if n_rows > 1:
        cells[np.arange(length) >= rng.integers(1, length + 1, n_rows)[:, None]] = 0
        cells[0] = 0
    return torch.from_numpy(cells.astype(spec.dtype))


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
