"""Arms: who may answer, and who does.

Knows models with their contracts, foreign systems that score rows, and the dealing of units to arms; the rules by which an
experiment deals are handed in as a callable.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from fieldguide.core.answering import Answered, Contract, Problem, answered, ruled
from fieldguide.core.errors import ConfigError, DataError, listed, nearest
from fieldguide.core.model import Model
from fieldguide.core.online.log import Served, now
from fieldguide.core.rows import Rows
from fieldguide.faces.server.answers import Refused
from fieldguide.steps.online.asking import named, over_http

Scorer = Callable[[Sequence[Mapping[str, Any]]], Sequence[float]]
SECONDS = 10.0
"""A foreign system that takes longer over one request has failed."""


@dataclass(frozen=True)
class Arm:
    """Somebody who answers rows.

    Args:
        name: as it stands in the log.
        contract: how rows are read; a foreign system borrows the contract of a model beside it, so that the same values
            are logged for both.
        scorer: a foreign system: rows to scores (the positive class's probability, or the value); None: the model.
        model: hash of the model folder; `foreign:<name>` for a foreign system.
    """

    name: str
    contract: Contract
    model: str
    scorer: Scorer | None = None

    def answer(self, rows: Rows, sent: Sequence[Mapping[str, Any]]) -> Answered:
        """Answer rows that were read.

        Raises:
            DataError: the foreign system fails, or answers with something else than one finite number per row.
        """
        if self.scorer is None:
            return answered(self.contract.model, rows)
        return foreign(self, self.scorer, sent)

    def decided(self, answers: Answered, seen: Any) -> Answered:
        """Return answers with what the model's rules decide; a foreign system's scores are decided by none."""
        return answers if self.scorer is not None else ruled(self.contract, answers, seen)

    def served(self) -> Served:
        """Return what the log keeps of the arm's contract."""
        outputs = tuple(
            {"name": o.name, "task": o.task.name, "labels": list(o.labels)} for o in self.contract.model.outputs
        )
        return Served(self.model, self.contract.version, self.contract.columns, outputs, self.name, now())


@dataclass(frozen=True)
class Dealt:
    """The arm a unit was dealt.

    Args:
        arm: name of the arm.
        experiment: the experiment that dealt it; "" where nobody did.
        propensity: probability with which this unit gets this arm; None where nothing was dealt.
    """

    arm: str
    experiment: str = ""
    propensity: float | None = None


Deal = Callable[[str | None], Dealt]
"""Deals an arm to a unit (None: the caller named nobody). The same unit must always get the same arm."""


def opened(specifications: Sequence[str], load: Callable[[str], Model]) -> tuple[Arm, ...]:
    """Open arms from the command line: `FOLDER`, `NAME=FOLDER`, `NAME=http://…` or `NAME=python:MODULE:FUNCTION`.

    Raises:
        ConfigError: two arms have one name, or there is no model among them.
    """
    named = [_named(specification) for specification in specifications]
    names = [name for name, _ in named]
    if len(set(names)) < len(names):
        raise ConfigError(
            "two arms have the same name",
            rule="every arm has a name of its own",
            found=listed(names),
            do="name them: NAME=FOLDER",
        )
    own = {
        name: Contract.of(load(where)) for name, where in named if not where.startswith(("http://", "https://", "python:"))
    }  # fmt: skip
    if not own:
        raise ConfigError(
            "there is no model among the arms",
            rule="a foreign system borrows a model's contract",
            found=listed(names),
            do="serve a model folder beside them: NAME=FOLDER",
        )
    lent = next(iter(own.values()))
    return tuple(
        Arm(name, own[name], own[name].hash) if name in own else Arm(name, lent, f"foreign:{name}", _scorer(where)) for name, where in named
    )  # fmt: skip


def first_of(arms: Sequence[Arm]) -> Deal:
    """Return the dealing without an experiment: the first arm answers everybody."""
    dealt = Dealt(arms[0].name)
    return lambda unit: dealt


def allocated(
    allocation: Callable[[object], str | None], shares: Mapping[str, float], experiment: str, arms: Sequence[Arm]
) -> Deal:
    """Return the dealing of an experiment; who is in no arm, or is not named, is answered by the first arm and not counted.

    Args:
        allocation: unit to arm, or None; the same unit always gets the same arm (`core.online.assignment.Allocation`).
        shares: arm to its share of units.

    Raises:
        ConfigError: an arm of the experiment is not served.
    """
    served = {arm.name for arm in arms}
    for name in shares:
        if name not in served:
            raise ConfigError(
                f"the experiment {experiment!r} deals to the arm {name!r}, which is not served{nearest(name, served)}",
                rule="every arm that an experiment deals to is served",
                found=f"arms are {listed(sorted(served))}", do=f"serve it too: {name}=FOLDER",
            )  # fmt: skip
    dealt = {name: Dealt(name, experiment, share) for name, share in shares.items()}
    outside = Dealt(arms[0].name)

    def deal(unit: str | None) -> Dealt:
        arm = None if unit is None else allocation(unit)
        return outside if arm is None else dealt[arm]

    return deal


def arm_named(arms: Mapping[str, Arm], name: str) -> Arm:
    """Return an arm by name.

    Raises:
        Refused: 404, there is none.
    """
    if name not in arms:
        problem = Problem(
            f"the arms are {listed(arms)}", value=ascii(name)[:60], send=f"one of them{nearest(name, arms)}"
        )
        raise Refused(404, "there is no such arm", [problem])
    return arms[name]


def foreign(arm: Arm, scorer: Scorer, sent: Sequence[Mapping[str, Any]]) -> Answered:
    """Return a foreign system's scores as answers of the contract's first output."""
    try:
        scores = np.asarray(scorer(sent), np.float64)
    except Exception as error:  # whatever a foreign system does wrong is reported as its own failure
        raise DataError(
            f"the arm {arm.name!r} failed",
            rule="a foreign arm answers every row with a score",
            found=f"{type(error).__name__}: {error}"[:200],
            do="look into the foreign system, or take the arm out",
        ) from error
    if scores.shape != (len(sent),) or not np.isfinite(scores).all():
        raise DataError(
            f"the arm {arm.name!r} gave no score for every row", rule="one finite number per row",
            found=f"shape {scores.shape} for {len(sent):,} rows",
            do="correct the foreign system, or take the arm out",
        )  # fmt: skip
    output = arm.contract.model.outputs[0]
    if output.family == "values":
        return Answered((scores[:, None],), scores.tolist(), scores)
    if output.family != "binary" or scores.min() < 0 or scores.max() > 1:
        raise DataError(
            f"the arm {arm.name!r} gave no probabilities", rule="a foreign arm scores the positive of two classes within 0 and 1",
            found=f"scores from {scores.min():g} to {scores.max():g}, {len(output.labels)} classes",
            do="let it answer the probability of the positive label, or take the arm out",
        )  # fmt: skip
    predictions = (np.column_stack([1 - scores, scores]),)
    threshold = arm.contract.model.thresholds[0]
    decisions = [output.labels[int(i)] for i in output.task.decide(predictions[0], threshold)]
    return Answered(predictions, decisions, scores)


def _named(specification: str) -> tuple[str, str]:
    name, mark, where = specification.partition("=")
    if mark and name and "/" not in name:
        return name, where
    folder = Path(specification).resolve()
    return folder.parent.name if folder.name == "model" else folder.name, specification


def _scorer(where: str) -> Scorer:
    if where.startswith("python:"):
        return named(where.removeprefix("python:"))
    return over_http(where, SECONDS)
