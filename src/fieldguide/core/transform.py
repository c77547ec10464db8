"""The one transform: typed cells to arrays, fitted on training rows, the same for training, testing and serving.

Knows which modality encodes which column and in which order; the encoding itself is each modality's.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from fieldguide.core.batch import Batch, Layout
from fieldguide.core.contracts import Encoder, Modality
from fieldguide.core.rows import Rows
from fieldguide.core.settings import Choice, Range, setting, values_of

Modalities = Callable[[str], Modality]


@dataclass(frozen=True)
class Recipe:
    """How columns are encoded. A learner names the fields in which it differs; refine searches the rest.

    Source:
        missing to 0 after scaling plus an indicator: the workflow guide, "Handle Missing values".
    """

    scaling: str = setting(
        "standard",
        "numbers: none, standard, robust, or quantile (to a normal distribution)",
        space=Choice(("standard", "robust", "quantile")),
    )
    missing: str = setting("indicator", "numbers: indicator (0 after scaling, plus a 0/1 column) or keep (NaN)")
    min_count: int = setting(
        5,
        "categories: a level seen in fewer training rows [rows] is rare",
        capacity=-1,
        space=Range(1, 30, log=True, integer=True),
    )
    max_levels: int = setting(256, "categories: the most levels kept, the most frequent first", capacity=1)
    dates: str = setting("parts", "datetimes: parts (calendar parts and elapsed time) or elapsed (elapsed time only)")


@dataclass(frozen=True)
class Transform:
    """Fitted encoders over columns.

    Shape:
        encode(cells).numbers: (rows, n_numbers) float32
        encode(cells).codes: (rows, n_codes) int32
    """

    recipe: Recipe
    parts: tuple[tuple[str, tuple[str, ...], Encoder], ...]  # modality name, column names, encoder

    @staticmethod
    def fit(recipe: Recipe, rows: Rows, modalities: Modalities) -> Transform:
        """Fit every modality's encoder on `rows`, and on nothing else."""
        parts = []
        for kind in sorted({column.modality for column in rows.columns}):
            names = tuple(column.name for column in rows.columns if column.modality == kind)
            parts.append((kind, names, modalities(kind).fit({name: rows.cells[name] for name in names}, recipe)))
        return Transform(recipe, tuple(parts))

    @property
    def layout(self) -> Layout:
        layouts = [encoder.layout() for _, _, encoder in self.parts]
        return Layout(
            numbers=tuple(name for layout in layouts for name in layout.numbers),
            codes=tuple(code for layout in layouts for code in layout.codes),
            blocks=tuple(block for layout in layouts for block in layout.blocks),
        )

    def encode(self, cells: Mapping[str, np.ndarray], n_rows: int) -> Batch:
        """Encode cells, one array per column as `Modality.cells` gives them."""
        numbers, codes, blocks = [], [], {}
        for _, names, encoder in self.parts:
            arrays = encoder.encode({name: cells[name] for name in names})
            for key, array in arrays.items():
                if key == "numbers":
                    numbers.append(array)
                elif key == "codes":
                    codes.append(array)
                else:
                    blocks[key] = array
        return Batch(self.layout, {
            "numbers": _joined(numbers, n_rows, np.float32), "codes": _joined(codes, n_rows, np.int32), **blocks,
        })  # fmt: skip

    def to_dict(self) -> dict[str, Any]:
        return {
            "recipe": values_of(self.recipe),
            "parts": [
                {"kind": kind, "columns": list(names), "encoder": encoder.to_dict()}
                for kind, names, encoder in self.parts
            ],
        }

    @staticmethod
    def from_dict(data: Mapping[str, Any], modalities: Modalities) -> Transform:
        parts = tuple((p["kind"], tuple(p["columns"]), modalities(p["kind"]).load(p["encoder"])) for p in data["parts"])
        return Transform(Recipe(**data["recipe"]), parts)


def _joined(arrays: list[np.ndarray], n_rows: int, dtype: type) -> np.ndarray:
    if not arrays:
        return np.zeros((n_rows, 0), dtype)
    return np.ascontiguousarray(arrays[0] if len(arrays) == 1 else np.concatenate(arrays, axis=1), dtype)
