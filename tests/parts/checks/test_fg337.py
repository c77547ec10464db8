"""FG337: groups whose rows all have the same target."""

from __future__ import annotations

import numpy as np
import pytest
from check_cases import only, problem_of, regression, table_of

from fieldguide.parts.checks.fg337_one_answer_a_group import OneAnswerAGroup
from fieldguide.testing import check_check

RNG = np.random.default_rng(0)
RECORDING = np.repeat(np.arange(30), 8)
KIND = RECORDING % 2


def case(truth, recording=RECORDING, x=None, problem=None):
    x = RNG.normal(size=len(recording)) if x is None else x
    table = table_of({"recording": "group"}, recording=[f"r{k}" for k in recording], x=x)
    return {"media": table, "problem": problem or problem_of(), "truths": (np.asarray(truth),)}


def test_steps_of_recordings_are_parts_of_a_case():
    finding = only(check_check(OneAnswerAGroup(), case(KIND), case(RNG.integers(0, 2, 240))))
    assert finding.sentence == (
        "'sold' is the same in all rows of each of the 30 'recording', of 8 rows each: a row is part of a case, and there are "
        "as many cases as groups."
    )
    assert finding.columns == ("recording",) and "lists in cells" in finding.remedy


def test_values_are_judged_too():
    assert only(OneAnswerAGroup().run(**case(RECORDING * 0.5, problem=regression()))).fired


@pytest.mark.parametrize(
    "quiet",
    [
        case(KIND, recording=np.arange(240)),  # no groups
        case(np.arange(240) // 3 % 2, recording=np.arange(240) // 3),  # a few rows each
        case(KIND, x=RECORDING * 1.0),  # rows that repeat each other: other checks tell
    ],
)
def test_it_is_quiet_elsewhere(quiet):
    assert not only(OneAnswerAGroup().run(**quiet)).fired


def test_what_is_rare_makes_groups_of_one_target_by_chance():
    user = np.repeat(np.arange(400), 6)
    rare = np.zeros(len(user), int)
    rare[[7, 900, 2000]] = 1
    assert (rare.reshape(400, 6).max(axis=1) == 0).mean() >= 0.99
    assert not only(OneAnswerAGroup().run(**case(rare, recording=user))).fired


def test_rows_without_a_group_are_no_group():
    names = [*(f"r{k}" for k in np.repeat(np.arange(200), 2)), *[None] * 1200]
    truth = np.r_[np.repeat(np.arange(200) % 2, 2), RNG.integers(0, 2, 1200)]
    table = table_of({"recording": "group"}, recording=names, x=RNG.normal(size=len(names)))
    few = only(OneAnswerAGroup().run(media=table, problem=problem_of(), truths=(truth,)))
    assert few.status == "not_applicable" and "200 groups of 2 rows" in few.sentence
    names, truth = [*(f"r{k}" for k in RECORDING), *[None] * 60], np.r_[KIND, RNG.integers(0, 2, 60)]
    table = table_of({"recording": "group"}, recording=names, x=RNG.normal(size=len(names)))
    assert only(OneAnswerAGroup().run(media=table, problem=problem_of(), truths=(truth,))).fired
