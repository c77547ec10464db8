"""One column at a time: label sets and vectors for learners that know single targets only.

A label set becomes one binary output per label, a vector one regression per entry; their predictions are put together again.
Knows outputs and predictions; nothing of how anything is learned.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np

from fieldguide.core.batch import Batch, Encoded
from fieldguide.core.contracts import Effort, Estimator, Predictions
from fieldguide.parts.learners._wrapped import Wrapper

PLAIN, SET, VECTOR = "plain", "set", "vector"

_MEMBER = SimpleNamespace(name="member", family="classes", loss="binary_cross_entropy", activation="sigmoid")
_ENTRY = SimpleNamespace(name="entry", family="values", loss="squared_error", activation="identity")


@dataclass(frozen=True)
class Single:
    """One label or entry of an output, as learners see an output.

    Examples:
        >>> Single("mood: sad", _MEMBER, ("0", "1"), 2).family
        'binary'
    """

    name: str
    task: Any
    labels: tuple[str, ...]
    width: int
    weight: float = 1.0
    loss: Any = None

    @property
    def family(self) -> str:
        return "binary" if self.labels else "values"

    def from_fit(self, prediction: np.ndarray) -> np.ndarray:
        """Return predictions on the original scale: entries are learned on it."""
        return prediction


def singles_of(outputs: Sequence[Any]) -> tuple[tuple[Any, ...], tuple[tuple[str, int], ...]]:
    """Return outputs of one target each, and how they belong together: (plain, set or vector; how many) per output."""
    singles: list[Any] = []
    groups: list[tuple[str, int]] = []
    for output in outputs:
        joint = output.task.family == "sets" or (output.task.family == "values" and output.width > 1)
        if not joint:
            singles.append(output)
            groups.append((PLAIN, 1))
            continue
        names = output.labels or tuple(map(str, range(output.width)))
        kind = SET if output.task.family == "sets" else VECTOR
        task, labels = (_MEMBER, ("0", "1")) if kind == SET else (_ENTRY, ())
        single = SimpleNamespace(**{**vars(task), "loss": output.task.loss if kind == VECTOR else task.loss})
        weight, width = output.weight / len(names), 2 if kind == SET else 1
        chosen = getattr(output, "loss", None) if kind == VECTOR else None
        singles += [Single(f"{output.name}: {name}", single, labels, width, weight, chosen) for name in names]
        groups.append((kind, len(names)))
    return tuple(singles), tuple(groups)


def parted(rows: Encoded | None, groups: Sequence[tuple[str, int]]) -> Encoded | None:
    """Return encoded rows with one target per column: codes for labels, values for entries."""
    if rows is None:
        return None
    targets: list[np.ndarray] = []
    for target, (kind, n) in zip(rows.targets, groups, strict=True):
        if kind == PLAIN:
            targets.append(target)
        else:
            dtype = np.int64 if kind == SET else np.float64
            targets += [np.ascontiguousarray(target[:, i], dtype) for i in range(n)]
    return replace(rows, targets=tuple(targets))


def joined(predictions: Predictions, groups: Sequence[tuple[str, int]]) -> Predictions:
    """Return predictions of single targets put together: the probability of each label, or the value of each entry.

    Examples:
        >>> one = np.array([[0.25, 0.75]])
        >>> joined((one, one, one), (("set", 2), ("plain", 1)))[0].tolist()
        [[0.75, 0.75]]
    """
    found: list[np.ndarray] = []
    start = 0
    for kind, n in groups:
        part = predictions[start : start + n]
        start += n
        found.append(part[0] if kind == PLAIN else np.stack([p[:, 1 if kind == SET else 0] for p in part], axis=1))
    return tuple(found)


class ByColumn(Wrapper):
    """An estimator of single targets that answers for whole label sets and vectors."""

    def __init__(self, inner: Any, groups: Sequence[tuple[str, int]]) -> None:
        super().__init__(inner)
        self.groups = tuple(groups)

    def predict(self, batch: Batch) -> Predictions:
        """Return one array per output, joint ones (rows, labels or entries)."""
        return joined(self.inner.predict(batch), self.groups)

    def save(self, folder: Path, draft: bool = False) -> dict[str, Any]:
        """Write the inner estimator; add how its targets belong together."""
        return {**self.inner.save(folder, draft), "groups": [list(group) for group in self.groups]}


def by_column(
    fit_singles: Callable[..., Any], train: Encoded, stop: Encoded | None, outputs: Sequence[Any], effort: Effort
) -> Estimator:
    """Fit by what knows single targets only, one target at a time where outputs are label sets or vectors."""
    singles, groups = singles_of(outputs)
    if all(kind == PLAIN for kind, _ in groups):
        plain: Estimator = fit_singles(train, stop, tuple(outputs), effort)
        return plain
    return ByColumn(fit_singles(parted(train, groups), parted(stop, groups), singles, effort), groups)


def grouped(inner: Any, data: Mapping[str, Any]) -> Estimator:
    """Return a loaded estimator, put together as it was saved."""
    plain: Estimator = inner
    return ByColumn(inner, [(kind, int(n)) for kind, n in data["groups"]]) if data.get("groups") else plain
