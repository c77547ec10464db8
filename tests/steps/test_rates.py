"""The learning-rate range test: its curve against a plain loop, its figures against the curve, and what ends it early."""

from __future__ import annotations

import math
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch

from fieldguide.core.clock import Clock
from fieldguide.core.contracts import Effort
from fieldguide.core.errors import StudyError
from fieldguide.parts.learners import _network, _tensors
from fieldguide.parts.learners._range import rate_range
from fieldguide.parts.learners.mlp import MLP
from fieldguide.steps.rates import rates
from fieldguide.testing.learner import example

ROWS, OUTPUTS = example("regression", 60)
PLAIN = {"d_hidden": 8, "n_layers": 1, "batch_size": 60, "dropout": 0.0}


def bench() -> Any:
    """What the step asks of a bench: every candidate sees the same rows."""
    return SimpleNamespace(seed=3, threads=1, encoded=lambda c: ROWS, problem=SimpleNamespace(outputs=OUTPUTS))


def candidate(name: str, **settings: Any) -> Any:
    return SimpleNamespace(name=name, learner=MLP(**{**PLAIN, **settings}))


def by_hand(learner: Any, at: list[float]) -> list[float]:
    """The loss before each step of gradient descent on all rows, with nothing of the learner's training but its network."""
    with _tensors.computing(1, 3):
        net, _, rows, _ = _network.prepared(learner, ROWS, OUTPUTS)
        net.train()
        weights, losses = list(net.parameters()), []
        for rate in at:
            answer = net(*rows.inputs).reshape(len(rows), -1).mean(1)
            loss = ((answer - rows.targets[0].reshape(-1)) ** 2).mean()
            losses.append(float(loss.detach()))
            whole = loss + learner.l1 * sum(w.abs().sum() for w in weights if w.ndim > 1)
            for weight, slope in zip(weights, torch.autograd.grad(whole, weights), strict=True):
                weight.data -= rate * slope
    return losses


@pytest.mark.parametrize("l1", [0.0, 0.02])
def test_each_step_is_one_of_gradient_descent_at_a_rising_rate(l1: float) -> None:
    learner = candidate("mlp", optimiser="sgd", weight_decay=0.0, clip=0.0, l1=l1).learner
    curve = rate_range(learner, ROWS, OUTPUTS, Effort(seed=3), low=1e-3, high=0.1, n_steps=25)["curve"]
    at = [1e-3 * 100 ** (i / 24) for i in range(25)]
    assert [p["rate"] for p in curve] == pytest.approx(at)
    assert [p["loss"] for p in curve] == pytest.approx(by_hand(learner, at), rel=1e-4)
    assert curve[-1]["loss"] < 0.9 * curve[0]["loss"]


def test_figures_are_read_off_the_curve() -> None:
    facts, findings = rates(bench(), [candidate("mlp", learning_rate=0.5)], ["mlp"], Clock())
    test = facts["networks"]["mlp"]
    loss, at = [p["loss"] for p in test["curve"]], [p["rate"] for p in test["curve"]]
    means = []
    for i in range(len(loss)):
        weights = [0.9 ** (i - j) for j in range(i + 1)]
        means.append(sum(w * x for w, x in zip(weights, loss, strict=False)) / sum(weights))
    assert [p["smoothed"] for p in test["curve"]] == pytest.approx(means)
    best = means.index(min(means))
    slopes = [(means[i + 1] - means[i - 1]) / math.log(at[i + 1] / at[i - 1]) for i in range(1, best)]
    ends = [(means[1] - means[0]) / math.log(at[1] / at[0]), (means[best] - means[best - 1]) / math.log(at[1] / at[0])]
    assert test["steepest"] == pytest.approx(at[int(np.argmin([ends[0], *slopes, ends[1]]))])
    assert test["lowest"] == pytest.approx(at[best])
    assert test["suggested"] == pytest.approx(at[best] / 50)  # adamw
    assert test["diverged"] == pytest.approx(1e-6 * 1e7 ** (len(at) / 119))
    assert all(mean <= 4 * min(means[: i + 1]) for i, mean in enumerate(means[6:], 6))
    assert (test["now"], test["optimiser"], test["batch_size"], findings) == (0.5, "adamw", 60, ())
    assert facts["sentence"] == test["sentence"]
    times = 0.5 / test["suggested"]
    assert times > 3 and test["sentence"].endswith(f"and its rate of 0.5 is {times:.0f} times that")


def test_every_network_is_tested_and_named_as_the_candidate_it_is() -> None:
    facts, _ = rates(bench(), [candidate("mlp"), candidate("mlp on features", optimiser="sgd")], ["mlp"], Clock())
    assert list(facts["networks"]) == ["mlp", "mlp on features"]
    assert [test["learner"] for test in facts["networks"].values()] == ["mlp", "mlp"]
    first, second = facts["sentence"].split("; mlp on features: ")
    assert first.startswith("mlp with adamw learns fastest at ")
    assert second.startswith("mlp with sgd learns fastest at ")


def test_a_clock_that_is_over_gives_no_rate_and_says_so() -> None:
    facts, _ = rates(bench(), [candidate("mlp"), candidate("wide", d_hidden=16)], ["mlp"], Clock.of(0))
    for test in facts["networks"].values():
        assert len(test["curve"]) == 1
        assert (test["suggested"], test["lowest"], test["steepest"], test["diverged"]) == (None,) * 4
        assert test["sentence"] == (
            "the clock ended the range test of mlp after 1 of 120 steps: which rates are too large is not known, give budget.minutes more"
        )


def test_rates_that_all_diverge_are_not_blamed_on_the_clock() -> None:
    learner = candidate("mlp", optimiser="sgd", clip=0.0).learner
    found = rate_range(learner, ROWS, OUTPUTS, Effort(seed=3), low=1e3, high=1e6, n_steps=30)
    assert found["diverged"] is not None and found["suggested"] is None
    assert "no rate lowers the loss of mlp within " in found["sentence"]


def test_where_no_network_takes_part_the_ways_to_let_one_are_told() -> None:
    with pytest.raises(StudyError) as caught:
        rates(bench(), [], ["mlp", "tabm"], Clock())
    assert caught.value.what == "there is no network to test"
    assert caught.value.found == "study.yaml lets none of mlp, tabm take part"
    assert caught.value.do == "add one to learners.use, or take it out of learners.skip"
