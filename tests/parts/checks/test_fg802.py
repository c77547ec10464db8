"""FG802: validation against test."""

from __future__ import annotations

import numpy as np
import pytest
from check_cases import only, problem_of, regression

from fieldguide.parts.checks.fg802_validation_held import ValidationHeld
from fieldguide.testing import check_check


def case(test, validation, optimism=0.0, problem=None, half=0.01):
    score = {"metric": "x", "value": test, "interval": [test - half, test + half]}
    before = {"value": validation, "interval": [validation - half, validation + half]}
    facts = {"scores": [score], "validation": [before], "optimism": optimism}
    return {"problem": problem or problem_of(), "facts": facts}


def test_a_test_score_that_is_clearly_worse_warns():
    finding = only(check_check(ValidationHeld(), case(0.85, 0.9), case(0.89, 0.9)))
    assert finding.severity == "warning"
    assert finding.sentence == (
        "The test score is worse than validation let expect, by 0.05: ROC AUC 0.85 [0.84, 0.86] on the sealed"
        " rows, 0.9 expected from validation."
    )


def test_a_better_one_is_a_note():
    assert only(ValidationHeld().run(**case(0.95, 0.9))).severity == "info"


@pytest.mark.parametrize("test, worse", [(0.6, True), (0.4, False)])
def test_smaller_may_be_better(test, worse):
    finding = only(ValidationHeld().run(**case(test, 0.5, problem=regression())))
    assert finding.fired and (finding.severity == "warning") == worse


@pytest.mark.parametrize("problem, test", [(problem_of(), 0.87), (regression(), 0.93)])
def test_optimism_is_taken_off_first(problem, test):
    assert only(ValidationHeld().run(**case(test, 0.9, problem=problem))).fired
    assert only(ValidationHeld().run(**case(test, 0.9, optimism=0.03, problem=problem))).status == "passed"


@pytest.mark.parametrize("problem, test", [(problem_of(), 0.85), (regression(), 0.95)])
def test_the_facing_halves_of_the_intervals_count(problem, test):
    worse = case(test, 0.9, problem=problem)
    up = 1 if test < 0.9 else 0  # the end of the test interval that faces validation
    before, after = worse["facts"]["validation"][0]["interval"], worse["facts"]["scores"][0]["interval"]
    before[up], after[1 - up] = 0.9 + (0.5 if up else -0.5), test - (0.5 if up else -0.5)
    assert only(ValidationHeld().run(**worse)).fired  # wide only where it does not matter
    after[up] = 0.9
    assert only(ValidationHeld().run(**worse)).status == "passed"


def test_it_fires_in_one_case_of_a_hundred_when_nothing_differs():
    rng = np.random.default_rng(0)
    pairs = rng.normal(0.9, 0.01 / 1.96, size=(4_000, 2))
    fired = sum(ValidationHeld().run(**case(test, validation))[0].fired for test, validation in pairs)
    assert fired / 4_000 == pytest.approx(0.01, abs=0.005)


def test_unknown_intervals_and_absent_scores():
    unknown = case(0.9, 0.9)
    unknown["facts"]["scores"][0]["interval"] = [None, None]
    assert only(ValidationHeld().run(**unknown)).status == "skipped"
    absent = case(0.9, 0.9)
    absent["facts"]["validation"] = []
    assert only(ValidationHeld().run(**absent)).status == "not_applicable"
