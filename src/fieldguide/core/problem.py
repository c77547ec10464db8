"""The problem: what is asked, of whom, when the truth arrives, what an error costs.

Knows words, outputs and limits as frozen values. Tasks and metrics travel inside as objects; their names become
objects in `fieldguide.parts`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import polars as pl

from fieldguide.core.contracts import Metric, Task

TRANSFORMS: dict[str, tuple[Callable[[Any], Any], Callable[[Any], Any]]] = {
    "identity": (lambda y: y, lambda z: z),
    "log1p": (np.log1p, np.expm1),
    "sqrt": (np.sqrt, np.square),
}


@dataclass(frozen=True)
class Output:
    """One thing to predict.

    Args:
        name: the target column.
        task: the task object.
        labels: class labels in code order (binary: negative, positive), the labels of a set, or the entries of a
            vector; empty for one value; without a target the axes of the space that rows are points of.
        metric: the judge; None until explore recommends and the journal freezes.
        transform: scale the learner fits a value on: identity, log1p or sqrt; metrics read the original scale.
        weight: share of the loss where there are several outputs.
        loss: what networks minimise; None: the task's own.
    """

    name: str
    task: Task
    labels: tuple[str, ...] = ()
    metric: Metric | None = None
    transform: str = "identity"
    weight: float = 1.0
    loss: Any = None

    @property
    def width(self) -> int:
        return self.task.width(self.labels)

    @property
    def family(self) -> str:
        """`binary`, `multiclass`, `multilabel`, `values`, `vector` or `structure`: what metrics ask for."""
        if self.task.family == "structure":
            return "structure"
        if self.task.family == "sets":
            return "multilabel"
        if self.task.family == "values":
            return "vector" if self.labels else "values"
        return "binary" if len(self.labels) == 2 else "multiclass"

    @property
    def joint(self) -> bool:
        """True where the truth is a matrix, a column per label, entry or axis: a label set, a vector, or the rows themselves."""
        return self.family in ("multilabel", "vector", "structure")

    @property
    def targetless(self) -> bool:
        """True where nothing is to be hit: the truth is the rows themselves, as points, and predictions differ in width."""
        return self.family == "structure"

    def code(self, target: pl.Series) -> np.ndarray:
        """Return the coded truth on the original scale: (rows,) int64 codes or float64 values; (rows, width) where joint."""
        return self.task.encode(target, self.labels)

    @property
    def codes_more(self) -> bool:
        """True where the coded truth says more than the number to predict, as an offered price whose sign is its outcome."""
        return hasattr(self.task, "plain")

    def plain(self, coded: np.ndarray) -> np.ndarray:
        """Return the coded truth as a number to predict, where the task codes more than that; else as it is."""
        number: np.ndarray = self.task.plain(coded) if self.codes_more else coded  # type: ignore[attr-defined]
        return number

    def plainly(self) -> Output:
        """Return the output whose truth is `plain`: a plain regression; itself where the task codes no more than that."""
        if not self.codes_more:
            return self
        return replace(self, task=self.task.plain_task, metric=None, loss=None)  # type: ignore[attr-defined]

    def to_fit(self, coded: np.ndarray) -> np.ndarray:
        """Return the coded truth on the scale the learner fits."""
        fitted: np.ndarray = TRANSFORMS[self.transform][0](coded)
        return fitted

    def from_fit(self, prediction: np.ndarray) -> np.ndarray:
        """Return predictions on the original scale."""
        original: np.ndarray = TRANSFORMS[self.transform][1](prediction)
        return original


@dataclass(frozen=True)
class Limits:
    """What a shipped model may cost, measured on the packaged whole."""

    latency_ms: float | None = None
    megabytes: float | None = None


@dataclass(frozen=True)
class Problem:
    """What is asked. Words may be empty: what is unanswered is listed by `frame` as findings."""

    outputs: tuple[Output, ...]
    goal: str = ""
    unit: str = ""
    decision: str = ""
    prediction_time: str = ""
    costs: Mapping[str, float] = field(default_factory=dict)
    success: float = 0.0
    limits: Limits = field(default_factory=Limits)
    purpose: str = "predict"
    assumptions: tuple[str, ...] = ()
    decide: Mapping[str, float] = field(default_factory=dict)
    calibrator: Any = None

    @property
    def output(self) -> Output:
        """The first output, by whose metric candidates are ranked."""
        return self.outputs[0]

    @property
    def targets(self) -> tuple[str, ...]:
        return tuple(output.name for output in self.outputs)

    def to_dict(self) -> dict[str, Any]:
        return {
            "goal": self.goal, "unit": self.unit, "decision": self.decision, "prediction_time": self.prediction_time,
            "costs": dict(self.costs), "success": self.success, "purpose": self.purpose,
            "limits": {"latency_ms": self.limits.latency_ms, "megabytes": self.limits.megabytes},
            "assumptions": list(self.assumptions), "decide": dict(self.decide),
            "calibrate": None if self.calibrator is None else self.calibrator.name,
            "outputs": [
                {
                    "name": o.name, "task": o.task.name, "labels": list(o.labels), "transform": o.transform,
                    "metric": None if o.metric is None else o.metric.name, "weight": o.weight,
                    "loss": o.task.loss if o.loss is None else o.loss.name,
                }
                for o in self.outputs
            ],
        }  # fmt: skip
