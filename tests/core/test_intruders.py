"""How well a map keeps neighbours: rows beside the sample, and where there is nothing to ask (scikit-learn's numbers: tests/parts)."""

from __future__ import annotations

import numpy as np
import pytest

from fieldguide.core.statistics import structure


def test_a_map_that_keeps_every_neighbour_has_no_intruders():
    before = np.random.default_rng(1).normal(size=(60, 3))
    assert structure.intruders(before, 5 * before, 4) == pytest.approx(np.ones(60))
    assert np.isnan(structure.intruders(before[:2], before[:2], 4)).all()


def test_rows_beside_the_sample_are_judged_as_those_in_it(monkeypatch):
    rng = np.random.default_rng(2)
    before = rng.normal(size=(400, 4))
    after = before[:, :2]
    whole = structure.intruders(before, after, 8).mean()
    monkeypatch.setattr(structure, "held_against", lambda n_rows, most=0: np.arange(0, n_rows, 2))
    found = structure.intruders(before, after, 4)
    assert found[1::2].mean() == pytest.approx(found[::2].mean(), abs=0.03)
    assert found.mean() == pytest.approx(whole, abs=0.05)


def test_agreement_of_one_group_or_no_rows_is_none():
    labels = np.array([0, 1, 0, 1])
    assert structure.adjusted_rand(labels, np.zeros(4, int)) == 0.0
    assert structure.adjusted_rand(labels, labels, np.full(4, 0.5)) == 0.0  # half a row each makes no pair
    assert structure.adjusted_rand(labels[:2], labels[:2]) == 0.0
