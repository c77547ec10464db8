"""Searches: asked and told, and the same for the same seed and the same scores."""

from __future__ import annotations

import math

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fieldguide import parts
from fieldguide.core.errors import ConfigError
from fieldguide.core.settings import Choice, space_of, values_of, with_values
from fieldguide.core.transform import Recipe
from fieldguide.parts.learners.boosting import Boosting
from fieldguide.parts.learners.neighbours import Neighbours
from fieldguide.parts.learners.rule import Rule
from fieldguide.parts.searches.halving import HalvingSearch
from fieldguide.parts.searches.random import Arm, RandomSearch, Trial
from fieldguide.testing import check_search

ARMS = (Arm(Boosting()), Arm(Neighbours()))


def _asked(search: RandomSearch, n: int) -> list[Trial]:
    return [trial for trial in (search.ask() for _ in range(n)) if trial is not None]


def test_the_first_trial_of_each_learner_is_its_default() -> None:
    first, second, *rest = _asked(RandomSearch(ARMS, 6, seed=1), 9)
    assert (first.learner, second.learner) == ("boosting", "neighbours")
    assert first.settings == values_of(Boosting()) and second.settings == values_of(Neighbours())
    assert first.recipe == values_of(with_values(Recipe(), Boosting.recipe)) and second.recipe == values_of(Recipe())
    assert [trial.number for trial in rest] == [2, 3, 4, 5]
    assert all(trial.settings != first.settings for trial in rest if trial.learner == "boosting")


@settings(deadline=None, max_examples=30)  # a busy machine is no failure
@given(st.integers(0, 10**6), st.integers(0, 60))
def test_trial_i_depends_on_its_number_only(seed: int, number: int) -> None:
    alone = RandomSearch(ARMS, seed=seed).draw(number)
    told = RandomSearch(ARMS, seed=seed)
    for trial in _asked(told, number + 1):
        told.tell(trial, float(trial.number))
    assert trial == alone and trial.settings == alone.settings and trial.recipe == alone.recipe


@settings(deadline=None, max_examples=30)  # a busy machine is no failure
@given(st.integers(0, 10**6), st.integers(2, 40))
def test_draws_lie_in_their_spaces(seed: int, number: int) -> None:
    trial = RandomSearch(ARMS, seed=seed).draw(number)
    learner = with_values(parts.find("learners", trial.learner)(), trial.settings)
    for name, space in space_of(learner).items():
        value = trial.settings[name]
        assert value in space.values if isinstance(space, Choice) else space.low <= value <= space.high
    with_values(Recipe(), trial.recipe)


def test_recipe_fields_the_learner_names_are_not_searched() -> None:
    drawn = [RandomSearch((Arm(Boosting()),), seed=0).draw(number).recipe for number in range(1, 12)]
    assert {recipe["scaling"] for recipe in drawn} == {"none"} and len({recipe["min_count"] for recipe in drawn}) > 3
    drawn = [RandomSearch((Arm(Neighbours()),), seed=0).draw(number).recipe for number in range(1, 12)]
    assert len({recipe["scaling"] for recipe in drawn}) > 1


def test_a_new_setting_moves_no_other_draw() -> None:
    narrow = Arm(Rule(), space={"n_ranges": space_of(Rule)["n_ranges"]}, recipe_space={})
    for number in range(1, 10):
        one, two = (RandomSearch((arm,), seed=5).draw(number).settings for arm in (narrow, Arm(Rule())))
        assert one["n_ranges"] == two["n_ranges"]
        assert one["smoothing"] == Rule().smoothing != two["smoothing"]


def test_an_arm_starts_from_the_settings_it_is_given() -> None:
    arm = Arm(Rule(n_ranges=3), Recipe(scaling="robust"), space={}, recipe_space={})
    for trial in _asked(RandomSearch((arm,), 3), 3):
        assert trial.settings["n_ranges"] == 3 and trial.recipe["scaling"] == "robust"


def test_no_arms_ask_nothing() -> None:
    assert RandomSearch(()).ask() is None and HalvingSearch(()).ask() is None


def _run(search: HalvingSearch, quality: dict[int, float], limit: int = 1_000) -> list[Trial]:
    asked = []
    while (trial := search.ask()) is not None and len(asked) < limit:
        search.tell(trial, quality[trial.number])
        asked.append(trial)
    return asked


def test_halving_finds_the_best_of_nine() -> None:
    quality = {number: float(-abs(number - 4)) for number in range(9)}
    asked = _run(HalvingSearch(ARMS, 9, seed=0), quality)
    assert [trial.number for trial in asked if trial.rung == 2] == [4]
    assert sorted(trial.number for trial in asked if trial.rung == 0) == list(range(9))
    assert 4 in [trial.number for trial in asked if trial.rung == 1]


def test_effort_grows_threefold_to_full() -> None:
    search = HalvingSearch(ARMS, 9)
    assert [search.share(rung) for rung in range(3)] == pytest.approx([1 / 9, 1 / 3, 1.0])


@settings(deadline=None, max_examples=30)  # a busy machine is no failure
@given(st.integers(2, 5), st.integers(1, 4), st.lists(st.integers(-5, 5), min_size=1, max_size=40))
def test_halving_keeps_its_rules(reduction: int, n_rungs: int, scores: list[int]) -> None:
    quality = {number: float(score) for number, score in enumerate(scores)}
    asked = _run(HalvingSearch(ARMS, len(scores), 3, n_rungs, reduction), quality)
    seen = [(trial.number, trial.rung) for trial in asked]
    assert len(seen) == len(set(seen)), "no trial runs twice on a rung"
    for rung in range(1, n_rungs):
        here = {number for number, r in seen if r == rung}
        below = {number for number, r in seen if r == rung - 1}
        assert here <= below, "a trial climbs one rung at a time"
        top = sorted(below, key=lambda number: (-quality[number], number))[: len(below) // reduction]
        assert set(top) <= here, "when nothing is left to ask, the best of every rung have climbed"
    again = _run(HalvingSearch(ARMS, len(scores), 3, n_rungs, reduction), quality)
    assert [(t.number, t.rung) for t in again] == seen, "the same scores give the same order"


def test_settings_stay_the_same_on_every_rung() -> None:
    asked = _run(HalvingSearch(ARMS, 9, seed=2), {number: float(number) for number in range(9)})
    by_number: dict[int, list[Trial]] = {}
    for trial in asked:
        by_number.setdefault(trial.number, []).append(trial)
    climbed = by_number[8]
    assert len(climbed) == 3 and all(t.settings == climbed[0].settings and t.seed == climbed[0].seed for t in climbed)


def test_a_failed_trial_never_climbs() -> None:
    asked = _run(HalvingSearch(ARMS, 9, seed=2), dict.fromkeys(range(9), math.nan))
    assert {trial.rung for trial in asked} == {0}


def test_nothing_yet_is_not_the_end() -> None:
    search = HalvingSearch(ARMS, 3, n_rungs=2)
    trials = [search.ask() for _ in range(3)]
    assert search.ask() is None
    for trial, score in zip(trials, (1.0, 3.0, 2.0)):
        assert trial is not None
        search.tell(trial, score)
    climbed = search.ask()
    assert climbed is not None and (climbed.number, climbed.rung) == (1, 1)


def test_impossible_rungs_are_refused() -> None:
    with pytest.raises(ConfigError, match=r"Found: n_rungs 0, reduction 3\."):
        HalvingSearch(ARMS, 9, n_rungs=0)


@pytest.mark.parametrize("name", ["random", "halving"])
def test_searches_are_found_by_name(name: str) -> None:
    assert parts.find("searches", name)(ARMS, 1, 0).ask().number == 0


def test_the_highest_climber_goes_first() -> None:
    search = HalvingSearch(ARMS, 6, n_rungs=3, reduction=2)
    trials = [search.ask() for _ in range(6)]
    for trial in trials[:4]:
        assert trial is not None
        search.tell(trial, float(trial.number))
    for climbed in (search.ask(), search.ask()):
        assert climbed is not None and climbed.rung == 1
        search.tell(climbed, float(climbed.number))
    for trial in trials[4:]:
        assert trial is not None
        search.tell(trial, float(trial.number))  # now trial 5 may climb to rung 1, and trial 3 to rung 2
    highest, next_one = search.ask(), search.ask()
    assert highest is not None and (highest.number, highest.rung) == (3, 2)
    assert next_one is not None and (next_one.number, next_one.rung) == (5, 1)


@pytest.mark.parametrize("search", [RandomSearch, HalvingSearch])
def test_contract(search: type) -> None:
    check_search(lambda: search((Arm(parts.find("learners", "rule")()),), n_trials=9, seed=4), 9)
