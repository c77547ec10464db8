"""Encoders of single columns for networks: a file per modality, named like it.

Each file has `FORMS`, the encoders by name, and `build(form, spec, settings)`, which returns a module with
`forward(block) -> (rows, width) float32` and the attribute `width`.
"""

from __future__ import annotations

import importlib
from collections.abc import Mapping
from typing import Any

from fieldguide.core.errors import ModelError

KINDS = ("text", "image", "audio", "series")


def build(form: str, spec: Any, settings: Mapping[str, Any]) -> Any:
    """Return the encoder of a block.

    Args:
        form: its name among the modality's `FORMS`.
        spec: what the block holds (`core.batch.Spec`).
        settings: the encoder's arguments; those it does not have are left alone.

    Raises:
        ModelError: there is no such encoder; the names come from a folder and may choose among ours only.
    """
    if spec.kind not in KINDS:
        raise ModelError(
            f"there are no encoders for columns of kind {spec.kind!r}",
            rule="a network encodes the kinds of columns that have encoders",
            found=f"kinds are {', '.join(KINDS)}",
            do="update fieldguide, or fit the model again",
        )
    module = importlib.import_module(f"{__name__}.{spec.kind}")
    if form not in module.FORMS:
        raise ModelError(
            f"there is no {spec.kind} encoder named {form!r}",
            rule=f"a column of kind {spec.kind} has the encoders of this version",
            found=repr(form),
            do=f"use one of {', '.join(module.FORMS)}",
        )
    return module.build(form, spec, settings)
