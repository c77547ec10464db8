"""FG324: drift of the relation along time."""

from __future__ import annotations

import numpy as np
from along_cases import columns_of, given, needed, regression, run, target_of

from fieldguide.parts.checks.fg324_relation_drift import RelationDrift
from fieldguide.testing import check_check

CHECK = RelationDrift()


def turned(columns, at=1500):
    slope = np.where(np.arange(len(columns["score"])) < at, 2.0, -2.0)
    chance = 1 / (1 + np.exp(-slope * np.asarray(columns["score"])))
    return (np.random.default_rng(1).random(len(chance)) < chance).astype(np.int64)


def test_a_relation_that_turns_around_is_a_warning():
    columns = columns_of()
    cases = (given(columns, turned(columns)), given(columns))
    (finding,) = check_check(CHECK, *(needed(CHECK, case) for case in cases))
    assert finding.severity == "warning"
    assert "but nothing when learned from as many earlier rows" in finding.sentence
    assert finding.evidence["interval"][0] > 0.3
    assert "2024-05-25" < finding.evidence["from"] < "2024-06-05"


def test_features_that_drift_without_the_relation_are_no_drift_of_it():
    columns = columns_of(6000)
    columns["heat"] = columns["heat"] + np.linspace(0, 4, 6000)
    columns["score"] = columns["score"] + np.linspace(0, 0.5, 6000)
    assert run(CHECK, given(columns, target_of(columns))).status == "passed"


def test_values_that_grow_are_named():
    columns = columns_of()
    value = np.asarray(columns["score"]) + 0.002 * np.arange(3000)
    assert run(CHECK, given(columns, value, regression())).severity == "warning"


def test_blocks_that_reach_over_all_periods_leave_nothing_to_compare():
    case = needed(CHECK, given(columns_of()))
    roles = case["roles"]
    case["roles"] = type(roles)(roles.keys, np.arange(3000) % 40, None, None)
    assert CHECK.run(**case)[0].sentence == "Blocks of rows reach over all periods."
