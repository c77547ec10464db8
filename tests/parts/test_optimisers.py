"""Optimisers against torch's, schedules by hand, and the learning-rate range test."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest
import torch

from fieldguide import parts
from fieldguide.core.contracts import Effort, Optimiser, Schedule
from fieldguide.core.errors import ConfigError
from fieldguide.parts.learners import _training
from fieldguide.parts.learners._range import rate_range
from fieldguide.parts.learners.mlp import MLP
from fieldguide.testing import check_optimiser, check_schedule
from fieldguide.testing.learner import example

RATES = {"sgd": 0.05, "momentum": 0.01, "rmsprop": 0.02, "adam": 0.03, "adamw": 0.03}


@pytest.mark.parametrize("name", parts.names("optimisers"))
def test_contract_of_optimisers(name: str) -> None:
    optimiser = parts.find("optimisers", name)()
    check_optimiser(optimiser, RATES.get(name, 0.03))
    assert isinstance(optimiser, Optimiser)


@pytest.mark.parametrize("name", parts.names("schedules"))
def test_contract_of_schedules(name: str) -> None:
    schedule = parts.find("schedules", name)()
    check_schedule(schedule)
    assert isinstance(schedule, Schedule)


@pytest.mark.parametrize(
    ("name", "theirs"),
    [
        ("sgd", lambda p: torch.optim.SGD(p, lr=0.02)),
        ("momentum", lambda p: torch.optim.SGD(p, lr=0.02, momentum=0.8, nesterov=True)),
        ("rmsprop", lambda p: torch.optim.RMSprop(p, lr=0.02)),
        ("adam", lambda p: torch.optim.Adam(p, lr=0.02, betas=(0.8, 0.999))),
    ],
)
def test_steps_are_torchs(name: str, theirs: Any) -> None:
    torch.manual_seed(0)
    nets = [torch.nn.Linear(3, 2), torch.nn.Linear(3, 2)]
    nets[1].load_state_dict(nets[0].state_dict())
    ours = parts.find("optimisers", name)().start(nets[0].named_parameters(), weight_decay=0.1, momentum=0.8)
    groups = [{"params": [nets[1].weight], "weight_decay": 0.1}, {"params": [nets[1].bias], "weight_decay": 0.0}]
    other = theirs(groups)
    for _ in range(6):
        x = torch.randn(8, 3)
        for net in nets:
            net(x).square().sum().backward()
        ours.step(0.02)
        other.step()
        other.zero_grad()
    assert torch.allclose(nets[0].weight, nets[1].weight, atol=1e-6)
    assert torch.allclose(nets[0].bias, nets[1].bias, atol=1e-6)


@pytest.mark.parametrize(
    ("schedule", "wanted"), [("constant", 1.0), ("cosine", 0.5), ("steps", 0.1), ("cooldown", 1.0)]
)
def test_the_loop_follows_its_schedule(schedule: str, wanted: float) -> None:
    plan = _training.Plan(n_steps=1000, learning_rate=1.0, schedule=schedule)
    assert _training.rate(plan, 0.5, 500) == pytest.approx(wanted)
    assert _training.rate(plan, 0.0, 0) == pytest.approx(0.05), "the warm-up comes before any schedule"


@pytest.mark.parametrize("name", [name for name in parts.names("optimisers") if name != "adamw"])
def test_a_network_learns_with_each(name: str) -> None:
    rows, outputs = example("binary", 300)
    rate = {"sgd": 0.3, "momentum": 0.05}.get(name, 0.01)
    learner = MLP(
        n_epochs=8, batch_size=32, d_hidden=16, n_layers=1, optimiser=name, learning_rate=rate, schedule="cosine"
    )
    history = learner.fit(rows, None, outputs, Effort(seed=0)).history
    assert history[-1]["train"] < 0.6 * history[0]["train"]


def test_names_that_there_are_not() -> None:
    rows, outputs = example("binary", 40)
    for settings, message in (
        ({"optimiser": "adamm"}, "named 'adamm' .did you mean 'adam"),
        ({"schedule": "cosin"}, "'cosin' .did you mean 'cosine'"),
    ):
        with pytest.raises(ConfigError, match=message):
            replace(MLP(n_epochs=1), **settings).fit(rows, None, outputs, Effort())


def test_momentum_remembers_and_sgd_does_not() -> None:
    moved = []
    for name in ("sgd", "momentum"):
        net = torch.nn.Linear(1, 1, bias=False)
        moving = parts.find("optimisers", name)().start(net.named_parameters(), weight_decay=0.0, momentum=0.9)
        before = float(net.weight.detach())
        for _ in range(10):
            net(torch.ones(1, 1)).sum().backward()
            moving.step(0.01)
        moved.append(before - float(net.weight.detach()))
    assert moved[0] == pytest.approx(0.1, rel=1e-4) and moved[1] > 0.3


def test_the_range_test_tells_rates_that_learn_from_rates_that_do_not() -> None:
    rows, outputs = example("regression", 600)
    learner = MLP(d_hidden=32, n_layers=1, batch_size=64, optimiser="sgd")
    found = rate_range(learner, rows, outputs, Effort(seed=1))
    assert found["steepest"] < found["lowest"] and found["suggested"] == pytest.approx(found["lowest"] / 2)
    rates = [point["rate"] for point in found["curve"]]
    assert rates == sorted(rates) and found["sentence"].startswith("mlp with sgd learns fastest at")
    json.dumps(found, allow_nan=False)

    def last(rate: float) -> float:
        fitted = replace(learner, n_epochs=3, learning_rate=rate).fit(rows, None, outputs, Effort(seed=1))
        return float(fitted.history[-1]["train"] or 1e9)

    assert last(found["suggested"]) < 0.5 * last(found["suggested"] / 1000)


def test_a_range_without_a_rate_that_learns_says_so() -> None:
    rows, outputs = example("binary", 100)
    found = rate_range(MLP(d_hidden=8, n_layers=1), rows, outputs, Effort(), low=1e-9, high=1e-8, n_steps=30)
    assert found["suggested"] is None and "no rate lowers the loss of mlp within 30 steps" in found["sentence"]
