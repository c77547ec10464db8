"""FG929: units too young to be judged."""

from __future__ import annotations

from check_cases import only
from experiment_cases import judged

from fieldguide.parts.checks.fg929_young_units import YoungUnits
from fieldguide.testing import check_check


def case(n_mature):
    return {"judged": judged(n_mature=n_mature, delay={"age_days": 2.0})}


def test_many_young_units_are_told_with_the_age_they_lack():
    finding = only(check_check(YoungUnits(), case(6_000), case(9_900)))
    assert finding.severity == "info"
    assert (
        finding.sentence
        == "4,000 of 10,000 units are too young to be judged (younger than 2 days); they are in no effect."
    )


def test_no_unit_no_word():
    assert only(YoungUnits().run(judged=judged((0, 0)))).status == "not_applicable"
