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
from fieldguide.core.settings import Choice, Range, setting, values_of
from fieldguide.core.table import Table

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
        5, "categories: a level seen in fewer training rows [rows] is rare", capacity=-1, space=Range(1, 30, log=True, integer=True)
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
    def fit(recipe: Recipe, table: Table, modalities: Modalities) -> Transform:
        """Fit every modality's encoder on the rows of `table`, and on nothing else."""
        kinds = sorted({column.kind for column in table.features})
        parts = []
        for kind in kinds:
            names = tuple(column.name for column in table.features if column.kind == kind)
            modality = modalities(kind)
            parts.append((kind, names, modality.fit({name: modality.cells(table.frame[name]) for name in names}, recipe)))
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

    def encode_table(self, table: Table, modalities: Modalities) -> Batch:
        """Encode the rows of a typed table."""
        return self.encode(cells_of(table, self.columns, modalities), table.n_rows)

    @property
    def columns(self) -> tuple[tuple[str, str], ...]:
        """Name and kind of each column that is read."""
        return tuple((name, kind) for kind, names, _ in self.parts for name in names)

    def to_dict(self) -> dict[str, Any]:
        return {
            "recipe": values_of(self.recipe),
            "parts": [{"kind": kind, "columns": list(names), "encoder": encoder.to_dict()} for kind, names, encoder in self.parts],
        }

    @staticmethod
    def from_dict(data: Mapping[str, Any], modalities: Modalities) -> Transform:
        parts = tuple((p["kind"], tuple(p["columns"]), modalities(p["kind"]).load(p["encoder"])) for p in data["parts"])
        return Transform(Recipe(**data["recipe"]), parts)


def cells_of(table: Table, columns: tuple[tuple[str, str], ...], modalities: Modalities) -> dict[str, np.ndarray]:
    """Return the cells of named columns of a typed table."""
    return {name: modalities(kind).cells(table.frame[name]) for name, kind in columns}


def _joined(arrays: list[np.ndarray], n_rows: int, dtype: type) -> np.ndarray:
    if not arrays:
        return np.zeros((n_rows, 0), dtype)
    return np.ascontiguousarray(arrays[0] if len(arrays) == 1 else np.concatenate(arrays, axis=1), dtype)


