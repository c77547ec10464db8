"""Objective: what study.yaml says of losses, decisions and calibration, put to the outputs it is said of.

Before any row is fitted: a name becomes a loss, and what does not suit its output is refused. A loss of one's own is imported
here, from the user's own Python path, and tried. Which learner can minimise which loss is the learners'.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from fieldguide.core.errors import ConfigError, listed
from fieldguide.core.problem import Output, Problem
from fieldguide.core.settings import with_values
from fieldguide.core.table import Table
from fieldguide.parts import find, names
from fieldguide.steps.frame.prices import bounds


def with_objective(problem: Problem, said: Any, table: Table) -> Problem:
    """Return the problem with the losses, the decision target and the calibrator that study.yaml names.

    Args:
        said: the `problem` section.
        table: typed rows, targets included: a loss may have a least target.

    Raises:
        ConfigError: a loss does not suit its output, breaks a rule of losses, or decide, calibrate or imbalance ask for a
            class where there is none.
    """
    entries = said.outputs or ()
    outputs = []
    for number, output in enumerate(problem.outputs):
        own = entries[number].loss if number < len(entries) else None
        chosen = own if own is not None else said.loss
        if chosen is None and output.task.name == "price":
            chosen = {"interval": bounds(said)}
        outputs.append(
            output if chosen is None else replace(output, loss=_suited(chosen, output, problem.costs, table))
        )
    calibrator = None if said.calibrate is None else _calibrator(said.calibrate, problem)
    if said.decide and problem.output.family != "binary":
        raise ConfigError(
            f"problem.decide asks for a {next(iter(said.decide))}, and the task of {problem.output.name!r} is {problem.output.task.name}",
            rule="recall and precision are of the positive label of a binary task",
            found=f"the task is {problem.output.task.name}",
            do="remove problem.decide",
        )  # fmt: skip
    if said.decide and problem.costs:
        raise ConfigError(
            "problem.costs and problem.decide both set the threshold", rule="one of them decides",
            found=f"costs {dict(problem.costs)}, decide {dict(said.decide)}", do="remove one of them",
        )  # fmt: skip
    if said.imbalance != "none" and problem.output.task.family != "classes":
        raise ConfigError(
            f"problem.imbalance is {said.imbalance}, and {problem.output.name!r} has no classes",
            rule="classes are balanced where one of several labels is true",
            found=f"the task is {problem.output.task.name}", do="remove problem.imbalance",
        )  # fmt: skip
    return replace(problem, outputs=tuple(outputs), decide=dict(said.decide or {}), calibrator=calibrator)


def _suited(said: str | Mapping[str, Any], output: Output, costs: Mapping[str, float], table: Table) -> Any:
    name, settings = _named(said)
    if ":" in name:
        from fieldguide.parts.losses._own import own_loss, tried

        loss = own_loss(name, settings)
        _check(loss, name, output, table)
        tried(loss, output, name)
        return loss
    part = find("losses", name)
    if settings.get("weights") == "costs" and costs:
        settings = settings | {"weights": dict(zip(output.labels, (costs["false_positive"], costs["false_negative"])))}
    loss = with_values(part(), settings)
    _check(loss, name, output, table)
    return loss


def _check(loss: Any, name: str, output: Output, table: Table) -> None:
    if loss.tasks and output.task.name not in loss.tasks:
        able = [other for other in names("losses") if output.task.name in find("losses", other).tasks]
        raise ConfigError(
            f"the loss {name!r} does not suit {output.name!r}", rule=f"{name} is for {listed(loss.tasks)}",
            found=f"the task is {output.task.name}", do=f"use one of {', '.join(able)}" if able else "leave problem.loss out",
        )  # fmt: skip
    if loss.lowest is not None and output.name in table.frame.columns:
        least = table.frame[output.name].min()
        if isinstance(least, int | float) and least < loss.lowest:
            raise ConfigError(
                f"the loss {name!r} cannot take {output.name!r}", rule=f"its targets are {loss.lowest:g} or more",
                found=f"the least is {least:g}", do="use squared_error, absolute_error or huber",
            )  # fmt: skip


def _calibrator(said: str | Mapping[str, Any], problem: Problem) -> Any:
    name, settings = _named(said)
    part = find("calibrators", name)
    if not any(output.family in part.families for output in problem.outputs):
        raise ConfigError(
            f"problem.calibrate is {name}, and {listed(repr(o.name) for o in problem.outputs)} has no probabilities it could correct",
            rule=f"{name} is for {listed(part.families)} outputs",
            found=f"the task is {problem.output.task.name}", do="remove problem.calibrate",
        )  # fmt: skip
    return with_values(part(), settings)


def _named(said: str | Mapping[str, Any]) -> tuple[str, dict[str, Any]]:
    if isinstance(said, str):
        return said, {}
    ((name, settings),) = said.items()
    return name, dict(settings)
