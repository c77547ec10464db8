"""FG604: a loss that is not finite."""

from __future__ import annotations

import pytest
from check_cases import only, trial_of

from fieldguide.parts.checks.fg604_loss_not_finite import LossNotFinite
from fieldguide.testing import check_check

FINE = trial_of("mlp", "network", history=[{"epoch": 1, "train": 0.5, "validation": 0.6}])


@pytest.mark.parametrize(
    "last",
    [
        {"epoch": 2, "train": float("nan"), "validation": 1.0},
        {"epoch": 2, "train": float("inf")},
        {"epoch": 2, "train": 0.4, "failed": "the validation loss is not finite"},
        {"epoch": 2, "train": None},
    ],
)
def test_the_epoch_is_named(last):
    broken = trial_of("tabm", "network", history=[*FINE.entry["history"], last])
    finding = only(check_check(LossNotFinite(), {"trials": [FINE, broken]}, {"trials": [FINE]}))
    assert finding.sentence == "The loss of 1 network became infinite or NaN: tabm in epoch 2."
    assert finding.severity == "warning"
