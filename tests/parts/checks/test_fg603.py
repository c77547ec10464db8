"""FG603: training ended by the clock."""

from __future__ import annotations

from check_cases import only, trial_of

from fieldguide.parts.checks.fg603_stopped_by_clock import StoppedByClock
from fieldguide.testing import check_check

DONE = trial_of("mlp", "network", stopped=["early", "steps"], n_folds=2)


def test_a_network_that_the_clock_ended_is_named():
    cut = trial_of("tabm", "network", stopped=["early", "clock"], n_folds=2)
    finding = only(check_check(StoppedByClock(), {"trials": [DONE, cut]}, {"trials": [DONE]}))
    assert finding.sentence == "1 network was still training when the budget ended: tabm in 1 of 2 folds."
    assert finding.severity == "info"


def test_without_a_network_nothing_was_cut():
    assert only(StoppedByClock().run(trials=[])).status == "not_applicable"
