"""FG206: sealed rows that differ from the others."""

from __future__ import annotations

import numpy as np
import pytest
from check_cases import only, roles_of, split_of

from fieldguide.parts.checks.fg206_representative import Representative
from fieldguide.testing import check_check

ROLES = roles_of(100)
APART = {"auc": 0.71, "interval": [0.66, 0.76], "n": 100, "columns": [{"column": "hum", "share": 0.6}]}
ALIKE = {"auc": 0.52, "interval": [0.47, 0.57], "n": 100, "columns": [{"column": "hum", "share": 0.6}]}


def case(found, scheme="random", roles=ROLES):
    return {"split": split_of(roles, [98, 99], scheme=scheme), "roles": roles, "discrimination": found}


def test_a_random_draw_that_can_be_told_apart_warns():
    finding = only(check_check(Representative(), case(APART), case(ALIKE)))
    assert finding.severity == "warning"
    assert finding.columns == ("hum",)
    assert "mostly by 'hum' (ROC AUC 0.71 [0.66, 0.76] on 100 rows)" in finding.sentence


@pytest.mark.parametrize(
    "scheme, severity, words",
    [
        ("chronological", "info", "the data drift"),
        ("given, random", "warning", "The given test set differs"),
        ("given, chronological", "warning", "The given test set differs"),
    ],
)
def test_schemes(scheme, severity, words):
    finding = only(Representative().run(**case(APART, scheme)))
    assert (finding.severity, finding.fired) == (severity, True)
    assert words in finding.sentence


def test_whole_groups_may_differ():
    finding = only(Representative().run(**case(APART, roles=roles_of(100, np.arange(100) // 10))))
    assert finding.severity == "info"


def test_what_was_not_computed_is_skipped():
    assert only(Representative().run(**case(None))).status == "skipped"
