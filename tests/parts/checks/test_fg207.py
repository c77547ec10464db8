"""FG207: the working sample."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np

from fieldguide.parts.checks.fg207_sample import WorkingSample
from fieldguide.testing import check_check


def split(n_work: int) -> SimpleNamespace:
    return SimpleNamespace(work=np.arange(n_work), development=np.arange(1000), sampled=n_work < 1000)


def sample(low: float) -> dict[str, object]:
    return {
        "auc": low + 0.02,
        "interval": [low, low + 0.04],
        "n": 6000,
        "columns": [{"column": "row_number", "share": 0.9}],
    }


def test_contract() -> None:
    fires, quiet = {"split": split(200), "sample": sample(0.7)}, {"split": split(200), "sample": sample(0.48)}
    (found,) = check_check(WorkingSample(), fires_on=fires, quiet_on=quiet)
    assert "200 of 1,000 development rows" in found.sentence
    assert "'row_number'" in found.sentence


def test_a_table_that_is_not_sampled_needs_no_proof() -> None:
    (found,) = WorkingSample().run(split=split(1000), sample=None)
    assert found.status == "not_applicable"
