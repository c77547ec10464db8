"""What study.yaml asks to be predicted, output by output: from one target, a list of them, or `outputs`.

Knows names, columns and what is said of each; what a column holds and which task suits it is found by `frame`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

JOINT_TASKS = ("multilabel", "vector")
"""Tasks that make one output of several columns, where `target` is a list."""
TARGETLESS = {"clustering": "cluster", "reduction": "map"}
"""Tasks that have no target, and what their one output is called."""
SHOWN = 3
"""Columns up to which an output without a name is called by all of them."""


@dataclass(frozen=True)
class Asked:
    """One output that is asked for.

    Args:
        name: what it is called in predictions and reports.
        columns: the columns of the table it is made of: one, or the labels of a set, or the entries of a vector.
        task: name of the task; None: detected.
        positive: the label of the event, of a binary task.
        metric: name of the metric; None: explore recommends one.
        metric_settings: of the metric.
        transform: scale a value is learned on.
        weight: share of the loss.
        labels: the labels in order, where they are stated.
        separator: what stands between the labels of a set in one text; None: detected.
        blank: what an empty text means for a label set: a `missing` set, or a set of `none`.
        booked: of a price, the column that says whether the offer was booked.
    """

    name: str
    columns: tuple[str, ...]
    task: str | None = None
    positive: str | None = None
    metric: str | None = None
    metric_settings: Mapping[str, Any] = field(default_factory=dict)
    transform: str = "identity"
    weight: float = 1.0
    labels: tuple[str, ...] = ()
    separator: str | None = None
    blank: str = "missing"
    booked: str | None = None

    @property
    def joint(self) -> bool:
        """True where several columns make one output."""
        return len(self.columns) > 1


def asked_of(problem: Any) -> tuple[Asked, ...]:
    """Return the outputs that the `problem` section asks for.

    Examples:
        >>> from fieldguide.core.documents.config import Config
        >>> said = {"target": ["x", "y"], "task": "vector"}
        >>> [(one.name, one.columns) for one in asked_of(Config.from_dict({"problem": said, "data": {"table": "t.csv"}}).problem)]
        [('x+y', ('x', 'y'))]
    """
    if problem.outputs is not None:
        return tuple(_of_section(section) for section in problem.outputs)
    said = {
        "task": problem.task, "positive": problem.positive, "metric": problem.metric_name,
        "metric_settings": problem.metric_settings, "transform": problem.transform,
    }  # fmt: skip
    targets = problem.targets
    if len(targets) > 1 and problem.task in JOINT_TASKS:
        return (Asked(name_of(targets), targets, **said),)
    booked = problem.booked if problem.task == "price" else None
    return tuple(Asked(name, (name,), **said, booked=booked) for name in targets)


def _of_section(section: Any) -> Asked:
    columns = section.reads
    metric = section.metric
    name, settings = next(iter(metric.items())) if isinstance(metric, dict) else (metric, {})
    return Asked(
        section.name or name_of(columns), columns, section.task, section.positive, name, settings, section.transform,
        section.weight, section.labels, section.separator, section.blank,
    )  # fmt: skip


def name_of(columns: Sequence[str]) -> str:
    """Return what an output of some columns is called where nobody says.

    Examples:
        >>> name_of(["left", "top"]), name_of(["a", "b", "c", "d"])
        ('left+top', 'a … d')
    """
    return "+".join(columns) if len(columns) <= SHOWN else f"{columns[0]} … {columns[-1]}"
