"""Off-policy values: what is refused, before anything is estimated."""

from __future__ import annotations

import numpy as np
import pytest

from fieldguide.core.errors import DataError
from fieldguide.steps.online.off_policy import off_policy

ACTIONS, REWARDS, PROPENSITIES = np.zeros(4, int), np.ones(4), np.full(4, 0.5)
CHANCES = np.full((4, 2), 0.5)


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ((ACTIONS, REWARDS, PROPENSITIES, np.ones(4)), "not given as they must be"),
        ((ACTIONS, REWARDS[:3], PROPENSITIES, CHANCES), "not given as they must be"),
        ((ACTIONS[:1], REWARDS[:1], PROPENSITIES[:1], CHANCES[:1]), "not given as they must be"),
        ((ACTIONS, np.array([1, np.nan, 0, 1]), PROPENSITIES, CHANCES), "rewards are missing"),
        ((ACTIONS, REWARDS, np.array([0.5, 0, 0.5, 0.5]), CHANCES), "logged propensities are not chances"),
        ((ACTIONS + 2, REWARDS, PROPENSITIES, CHANCES), "an action has no chance"),
    ],
)
def test_what_is_no_log_of_decisions_is_told(given: tuple[np.ndarray, ...], message: str) -> None:
    with pytest.raises(DataError, match=message):
        off_policy(*given)


def test_a_policy_that_acts_as_the_log_did_earns_what_the_log_earned() -> None:
    rewards = np.array([1.0, 0, 0, 1])
    found = off_policy(np.array([0, 1, 0, 1]), rewards, PROPENSITIES, CHANCES).facts
    assert [one["value"] for one in found["estimates"][:2]] == [0.5, 0.5] and found["overlap"] == 1.0
