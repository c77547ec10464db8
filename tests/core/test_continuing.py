"""Warm starts: who can go on, why others cannot, and that a transform stays as it was fitted."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from fieldguide import parts
from fieldguide.core.candidate import Blend, Candidate, Fitted, fit
from fieldguide.core.continuing import can_continue, continued, continued_by, members_of, why_not
from fieldguide.core.contracts import Effort
from fieldguide.core.problem import Output
from fieldguide.core.rows import Rows
from fieldguide.core.table import Column

Y = Output("y", parts.find("tasks", "regression")())


def rows(n: int, seed: int, shift: float = 0.0) -> Rows:
    x = np.random.default_rng(seed).normal(size=n)
    return Rows((Column("x", "number"),), {"x": x + shift}, (3 * x,), n_rows=n)


def fitted(name: str, outputs: tuple[Output, ...] = (Y,), **settings: Any) -> Fitted:
    learner = parts.find("learners", name)(**settings)
    if len(outputs) > 1:  # what it learned is not asked for
        return Fitted(Candidate.of(name, learner), None, None, outputs)  # type: ignore[arg-type]
    return fit(Candidate.of(name, learner), rows(60, 0), None, outputs, parts.modality, Effort(0, 1, n_steps=5))[0]


def test_who_cannot_go_on_says_why() -> None:
    linear, boosting = fitted("linear"), fitted("boosting")
    assert why_not(boosting) == "" == why_not(Blend((linear, boosting), (0.5, 0.5)))
    assert why_not(linear).startswith("linear cannot be fitted further: networks for tables")
    both = Blend((linear, fitted("prior"), fitted("prior")), (0.5, 0.3, 0.2))
    assert why_not(both).startswith("linear, prior cannot be fitted further")
    assert why_not(fitted("boosting", (Y, Y))) == "a warm start goes on with one output only"
    assert members_of(linear) == (linear,) and members_of(both) == both.members


def test_what_goes_on_keeps_its_transform_and_adds_steps() -> None:
    old, newer = fitted("boosting"), rows(80, 1, shift=2.0)
    found = continued(old, newer, None, Effort(0, 1, n_steps=7))
    assert found.transform is old.transform and found.candidate is old.candidate
    assert (old.n_fit, found.n_fit) == (60, 80)
    at = newer.cells
    before, after = old.predict(at, 80)[0][:, 0], found.predict(at, 80)[0][:, 0]
    truth = newer.truths[0]
    assert np.square(after - truth).mean() < 0.8 * np.square(before - truth).mean()
    same = continued(old, newer, None, Effort(0, 1, n_steps=0))
    assert np.array_equal(same.predict(at, 80)[0][:, 0], before)


def test_who_cannot_go_on_stays_and_places_in_a_blend_stay() -> None:
    linear = fitted("linear")
    assert continued(linear, rows(80, 1), None, Effort()) is linear and not can_continue(linear)
    boosting, prior = fitted("boosting"), fitted("prior")
    blend = Blend((linear, prior), (0.7, 0.3))
    assert continued_by([linear, boosting], blend) == Blend((linear, boosting), (0.7, 0.3))
    assert continued_by([boosting], prior) is boosting


def test_a_loss_of_its_own_is_gone_on_with(monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[Any] = []
    old = fitted("boosting")
    spy = SimpleNamespace(
        in_memory=30, kind="boosting", name="spy", continued=lambda *given: seen.append(given) or "more"
    )
    told = Fitted(Candidate("spy", spy, old.candidate.recipe), old.transform, "estimator", (Y,), 60)  # type: ignore[arg-type]
    other = Output("y", Y.task, loss="absolute")
    found = continued(told, rows(80, 1), rows(20, 2), Effort(3, 1), (other,))
    ((estimator, training, stopping, outputs, effort),) = seen
    assert (estimator, outputs, effort.seed, found.estimator) == ("estimator", (other,), 3, "more")
    assert (len(training), len(stopping), found.n_fit) == (30, 20, 80)
