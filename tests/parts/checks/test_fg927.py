"""FG927: a difference that only one look believes."""

from __future__ import annotations

import pytest
from check_cases import only
from experiment_cases import judged, measure

from fieldguide.parts.checks.fg927_peeking import Peeking
from fieldguide.testing import check_check


def case(p=0.01, running=0.3, complete=False):
    return {"judged": judged(measures=[measure(p=p, running_p=running)], complete=complete, n_planned=40_000)}


def test_a_look_that_tempts_to_stop_fires():
    finding = only(check_check(Peeking(), case(), case(p=0.2)))
    assert finding.sentence == (
        "clicks differs at this look (p 0.01) with 10,000 of 40,000 planned units, and not at every look "
        "(always-valid p 0.3, 3 looks so far)."
    )


@pytest.mark.parametrize(("values", "status"), [({"running": 0.01}, "passed"), ({"complete": True}, "not_applicable")])
def test_what_holds_at_every_look_or_at_the_end_is_no_peeking(values, status):
    assert only(Peeking().run(**case(**values))).status == status
