"""FG506: baselines that minimise another loss."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

from check_cases import only, trial_of

from fieldguide import parts
from fieldguide.core.problem import Output, Problem
from fieldguide.parts.checks.fg506_loss_replaced import LossReplaced
from fieldguide.testing import check_check


def problem(loss: str | None) -> Problem:
    task = parts.find("tasks", "regression")()
    return Problem((Output("price", task, loss=None if loss is None else parts.find("losses", loss)()),))


def trials(*names: str) -> list[Any]:
    learners = [parts.find("learners", name)() for name in names]
    made = [trial_of(learner.name, learner.kind) for learner in learners]
    for trial, learner in zip(made, learners):
        trial.candidate = SimpleNamespace(name=learner.name, kind=learner.kind, learner=learner)
    return made


def test_what_each_learner_minimises():
    cases = {"problem": problem("huber"), "trials": trials("prior", "linear", "boosting", "neighbours", "mlp")}
    finding = only(
        check_check(LossReplaced(), cases, {"problem": problem("huber"), "trials": trials("boosting", "mlp")})
    )
    assert finding.sentence == (
        "2 of 3 baselines minimise another loss: linear, neighbours for 'price' (squared_error in place of huber)."
    )


def test_boosting_has_no_objective_for_label_smoothing():
    task = parts.find("tasks", "binary")()
    binary = Problem((Output("sold", task, ("no", "yes"), loss=parts.find("losses", "label_smoothing")()),))
    found = only(LossReplaced().run(problem=binary, trials=trials("boosting")))
    assert found.fired and "binary_cross_entropy in place of label_smoothing" in found.sentence


def test_the_tasks_own_loss_is_nobodys_affair():
    assert only(LossReplaced().run(problem=problem(None), trials=trials("linear"))).status == "not_applicable"
    assert (
        only(LossReplaced().run(problem=problem("squared_error"), trials=trials("linear"))).status == "not_applicable"
    )
