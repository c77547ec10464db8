"""FG306: a column that gives the target away: a copy with a little noise."""

from __future__ import annotations

import numpy as np
from check_cases import only
from leak_cases import events, explored, features, handed

from fieldguide.parts.checks.fg306_giveaway import Giveaway
from fieldguide.testing import check_check

N = 1_000
RNG = np.random.default_rng(0)
X = features(N)
EVENT = events(X)
CHECK = Giveaway()


def case(truth, **columns):
    return handed(explored(truth, **columns), CHECK)


def found(truth, **columns):
    return only(CHECK.run(**case(truth, **columns)))


def test_a_noisy_copy_of_the_label_is_left_out():
    score = np.where(EVENT, 5.0, 0.0) + RNG.normal(0, 0.9, N)
    finding = only(check_check(CHECK, case(EVENT, score=score, **X), case(EVENT, **X)))
    assert finding.sentence.startswith("'score' alone explains 9")
    assert finding.sentence.endswith("'score' is left out of every model.")
    assert finding.evidence["exclude"] == ["score"] and finding.evidence["propose"] == {"score": "ignore"}
    assert finding.remedy == "Nothing, unless it is known before the outcome; then set data.columns.score: feature."


def test_two_noisy_copies_do_not_excuse_each_other():
    scores = {name: np.where(EVENT, 5.0, 0.0) + RNG.normal(0, 0.8, N) for name in ("paid", "settled")}
    assert set(found(EVENT, **scores, **X).evidence["exclude"]) == {"paid", "settled"}


def test_an_exact_copy_is_left_to_another_check():
    assert found(EVENT, alive=EVENT.astype(float), **X).status == "passed"


def test_the_target_in_another_unit_with_rounding_is_left_out():
    price = np.exp(RNG.normal(size=N))
    euro = price * 0.9 + RNG.normal(0, 1e-4, N)
    finding = found(price, euro=euro, **X)
    assert finding.sentence.startswith("'euro' has the same order as 'sold' (rank correlation 1.0000)")
    assert finding.evidence["exclude"] == ["euro"]


def test_a_law_that_one_column_states_is_for_a_person_to_decide():
    speed = RNG.uniform(0, 10, N)
    finding = found(speed**2 + RNG.normal(0, 3, N), speed=speed, **X)
    assert finding.severity == "warning" and "exclude" not in finding.evidence
    assert finding.remedy == "If it is not known before the outcome, set data.columns.speed: ignore."


def test_a_strong_column_beside_equals_is_a_note():
    """Two sensors of one quantity: each alone tells all, and so do the others."""
    warmth = RNG.normal(20, 5, N)
    sensors = {f"sensor{i}": warmth + RNG.normal(0, 1.3, N) for i in range(12)}
    finding = found(warmth, best=warmth + RNG.normal(0, 0.9, N), **sensors)
    assert finding.severity == "info" or finding.status == "passed"
    assert "exclude" not in finding.evidence


def test_without_associations_there_is_nothing_to_judge():
    values = case(EVENT, **X)
    values["profile"] = {"associations": {}}
    assert only(CHECK.run(**values)).status == "not_applicable"
