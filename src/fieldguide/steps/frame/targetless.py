"""Frame a task without a target: rows are to be grouped, or put on a map.

Knows what study.yaml says of such a task and whether the table can bear it; the space that rows are points of is made by `explore`.
"""

from __future__ import annotations

from typing import Any

from fieldguide.core.documents.asked import TARGETLESS
from fieldguide.core.errors import ConfigError
from fieldguide.core.problem import Output
from fieldguide.core.split import CROSS_VALIDATE_UP_TO
from fieldguide.core.table import Table
from fieldguide.parts import find, names
from fieldguide.steps.detect.task import TaskGuess

VALIDATION = 0.3
"""Share of the development rows that judge candidates, where there are few: no folds can do it, as each fit names its own clusters."""


def without_target(said: Any) -> dict[str, TaskGuess]:
    """Return the one output of a task that has no target, as the detection of a target would give it.

    Args:
        said: the `problem` section.
    """
    return {TARGETLESS[said.task]: TaskGuess(said.task, "", why="it was asked for; it has no target")}


def outputs_without_target(said: Any, table: Table) -> tuple[Output, ...]:
    """Return the one output of a task that has no target.

    Raises:
        ConfigError: the metric does not suit it, or more clusters are asked for than there are rows.
    """
    metric = find("metrics", said.metric_name)(**said.metric_settings) if said.metric_name else None
    output = Output(TARGETLESS[said.task], find("tasks", said.task)(), (), metric)
    check_metric(output)
    if said.transform != "identity":
        raise ConfigError(
            f"problem.transform is {said.transform}", rule="a number that is predicted may be learned on another scale",
            found=f"the task is {said.task}, which predicts none", do="remove problem.transform",
        )  # fmt: skip
    if said.clusters is not None and said.clusters > table.n_rows // 2:
        raise ConfigError(
            f"problem.clusters asks for {said.clusters:,} clusters", rule="a cluster holds two rows at least",
            found=f"the table has {table.n_rows:,} rows", do=f"ask for at most {table.n_rows // 2:,}, or leave it out: then they are searched",
        )  # fmt: skip
    return (output,)


def validation_of(output: Output, n_rows: int) -> float | None:
    """Return the share of development rows that judge candidates of a small table without a target; None: as of any other."""
    return VALIDATION if output.targetless and n_rows <= CROSS_VALIDATE_UP_TO else None


def check_metric(output: Output) -> None:
    """Refuse a metric that cannot judge an output.

    Raises:
        ConfigError: names those that can.
    """
    if output.metric is None or suits(output.metric, output):
        return
    able = [name for name in names("metrics") if suits(find("metrics", name), output)]
    raise ConfigError(
        f"metric {output.metric.name!r} cannot judge {output.name!r}", rule="a metric suits the task",
        found=f"the task is {output.task.name}", do=f"use one of {', '.join(able)}",
    )  # fmt: skip


def suits(metric: Any, output: Output) -> bool:
    """Whether a metric can judge an output: by its family, and where the metric names tasks, by its task."""
    tasks = getattr(metric, "tasks", ())
    only = output.codes_more and metric.name not in output.task.metrics  # its codes are no plain numbers
    return output.family in metric.families and (not tasks or output.task.name in tasks) and not only
