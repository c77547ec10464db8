"""Counter-examples: what would have to be different for a row to get another answer.

Knows a predictor that decides among labels, the row, and other rows to learn from what is usual. Two of them: the nearest row that
gets another answer, and the smallest change of a single column that does it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from fieldguide.core.candidate import Predictor
from fieldguide.core.contracts import Threshold
from fieldguide.core.rows import Rows
from fieldguide.steps.explain.partial import ABLE, grid_of, told

HALVINGS = 12
"""Steps by which a number's turning point is narrowed down between two values of the grid."""


@dataclass(frozen=True)
class Measure:
    """How far rows lie apart: a column at a time, 0 where cells are equal, 1 at most, the mean over columns.

    Formula (Gower): |a - b| / (q95 - q05 of the usual rows), at most 1, for numbers and dates; 0 or 1 for all else, and where one of
    the two is missing.

    Source:
        Gower, "A General Coefficient of Similarity and Some of Its Properties", Biometrics 27, 1971; a range that outliers do
        not stretch.
    """

    columns: tuple[str, ...]
    ranges: tuple[float | None, ...]

    @staticmethod
    def of(rows: Rows) -> Measure:
        """Return the measure by the ranges of some usual rows."""
        ranges: list[float | None] = []
        for column in rows.columns:
            cells = rows.cells[column.name]
            if cells.dtype == object:
                ranges.append(None)
                continue
            known = cells[~np.isnan(cells)]
            reach = float(np.subtract(*np.quantile(known, (0.95, 0.05)))) if len(known) else 0.0
            ranges.append(reach if reach > 0 else (float(np.ptp(known)) if len(known) and np.ptp(known) > 0 else 1.0))
        return Measure(tuple(column.name for column in rows.columns), tuple(ranges))

    def apart(self, name: str, cells: np.ndarray, value: Any) -> np.ndarray:
        """Return how far cells of a column lie from one value, (rows,)."""
        reach = self.ranges[self.columns.index(name)]
        if reach is None:
            return np.array([not _equal(cell, value) for cell in cells.tolist()], np.float64)
        if np.isnan(value):
            return (~np.isnan(cells)).astype(np.float64)
        return np.where(np.isnan(cells), 1.0, np.minimum(1.0, np.abs(cells - value) / reach))

    def distances(self, rows: Rows, row: Rows) -> np.ndarray:
        """Return the distances of rows to a single one, (rows,)."""
        parts = [self.apart(name, rows.cells[name], row.cells[name][0]) for name in self.columns]
        return np.asarray(np.mean(parts, axis=0))


def counter_examples(
    predictor: Predictor, rows: Rows, usual: Rows, *, output: int = 0, threshold: Threshold = None
) -> list[dict[str, Any]]:
    """Return the counter-examples of each row.

    Args:
        rows: rows to turn; few.
        usual: rows with truths, among which the nearest is looked for and whose values are tried.
        threshold: of the output's decisions.

    Returns:
        per row: `answer`; `nearest`, {row (position in `usual`), answer, truth, distance, differs: column, here and there}, and
        `change`, {column, from, to, answer, distance}; None where none was found.
    """
    problem, measure = predictor.outputs[output], Measure.of(usual)
    decided = _decided(predictor, usual, output, threshold)
    own = _decided(predictor, rows, output, threshold)
    grids = {c.name: grid_of(usual.cells[c.name], c.kind) for c in usual.columns if c.kind in ABLE}
    found = []
    for i in range(len(rows)):
        row, answer = rows.take(np.array([i])), int(own[i])
        others = np.flatnonzero(decided != answer)
        nearest = None
        if len(others):
            distances = measure.distances(usual.take(others), row)
            at = int(others[int(np.argmin(distances))])
            nearest = {
                "row": at, "answer": problem.labels[int(decided[at])], "truth": problem.labels[int(usual.truths[output][at])],
                "distance": float(distances.min()), "differs": _differences(measure, row, usual.take(np.array([at]))),
            }  # fmt: skip
        change = _smallest(predictor, measure, row, answer, grids, output, threshold)
        found.append({"answer": problem.labels[answer], "nearest": nearest, "change": change})
    return found


def _smallest(
    predictor: Predictor, measure: Measure, row: Rows, answer: int, grids: dict[str, np.ndarray], output: int, threshold: Threshold
) -> dict[str, Any] | None:  # fmt: skip
    """Return the smallest change of one column that turns the answer, among the values of the grids."""
    kinds = {column.name: column.kind for column in row.columns}
    tried = [(name, value) for name, grid in grids.items() for value in grid.tolist()]
    if not tried:
        return None
    asked = row.take(np.zeros(len(tried), np.int64))
    cells = {name: values.copy() for name, values in asked.cells.items()}
    for i, (name, value) in enumerate(tried):
        cells[name][i] = value
    turned = _decided(predictor, Rows(row.columns, cells, n_rows=len(tried)), output, threshold)
    best: tuple[float, str, Any, int] | None = None
    for (name, value), said in zip(tried, turned.tolist(), strict=True):
        if said == answer:
            continue
        to = value
        if kinds[name] in ("number", "datetime") and not np.isnan(row.cells[name][0]):
            to = _narrowed(predictor, row, name, value, answer, output, threshold)
        distance = float(measure.apart(name, _one(row.cells[name], to), row.cells[name][0])[0])
        if best is None or distance < best[0]:
            best = (distance, name, to, int(said))
    if best is None:
        return None
    distance, name, to, _ = best
    changed = Rows(row.columns, {**row.cells, name: _one(row.cells[name], to)}, n_rows=1)
    said = int(_decided(predictor, changed, output, threshold)[0])
    return {
        "column": name, "from": _told(row.cells[name], kinds[name]), "to": _told(_one(row.cells[name], to), kinds[name]),
        "answer": predictor.outputs[output].labels[said], "distance": distance,
    }  # fmt: skip


def _narrowed(
    predictor: Predictor, row: Rows, name: str, value: float, answer: int, output: int, threshold: Threshold
) -> float:
    """Return a value between the row's own and one that turns the answer, at which it just turns."""
    near, far = float(row.cells[name][0]), float(value)
    for _ in range(HALVINGS):
        middle = (near + far) / 2
        cells = {**row.cells, name: np.array([middle])}
        if int(_decided(predictor, Rows(row.columns, cells, n_rows=1), output, threshold)[0]) == answer:
            near = middle
        else:
            far = middle
    return far


def _decided(predictor: Predictor, rows: Rows, output: int, threshold: Threshold) -> np.ndarray:
    problem = predictor.outputs[output]
    return np.asarray(problem.task.decide(predictor.predict(rows.cells, len(rows))[output], threshold)).astype(np.int64)


def _differences(measure: Measure, row: Rows, other: Rows) -> list[dict[str, Any]]:
    """Return the columns in which two rows differ, the farthest apart first."""
    kinds = {column.name: column.kind for column in row.columns}
    apart = {name: float(measure.apart(name, other.cells[name], row.cells[name][0])[0]) for name in measure.columns}
    return [
        {"column": name, "here": _told(row.cells[name], kinds[name]), "there": _told(other.cells[name], kinds[name])}
        for name in sorted(apart, key=lambda name: -apart[name])
        if apart[name] > 0
    ]


def _told(cells: np.ndarray, kind: str) -> Any:
    value = cells[0]
    if value is None or (isinstance(value, float) and np.isnan(value)):
        return None
    if isinstance(value, np.ndarray):
        return f"a series of {value.shape[-1]} steps"
    if kind in ("image", "audio"):  # a path tells nothing, and is nobody else's business
        return f"({kind})"
    return told(cells[:1], kind)[0]


def _one(cells: np.ndarray, value: Any) -> np.ndarray:
    found = np.empty(1, cells.dtype)
    found[0] = value
    return found


def _equal(a: Any, b: Any) -> bool:
    return bool(np.array_equal(a, b)) if isinstance(a, np.ndarray) or isinstance(b, np.ndarray) else bool(a == b)
