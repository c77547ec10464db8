"""FG942: where retraining starts matters."""

from __future__ import annotations

from check_cases import only
from experiment_cases import refreshed, restarted

from fieldguide.parts.checks.fg942_warm_start import WarmStart
from fieldguide.testing import check_check


def test_a_better_warm_start_is_told_with_how_to_ask_for_it():
    finding = only(check_check(WarmStart(), {"refresh": restarted(0.05)}, {"refresh": restarted(0.005)}))
    assert finding.sentence.startswith("A warm start is better than retraining from scratch on the newest 400 rows")
    assert finding.remedy == "Retrain with --start warm."


def test_a_worse_one_is_told_too_and_none_is_silent():
    (worse,) = WarmStart().run(refresh=restarted(-0.05))
    assert worse.fired and "A warm start is worse than" in worse.sentence and worse.remedy.endswith("--start scratch.")
    (none,) = WarmStart().run(refresh=refreshed(0.0) | {"warm": {"silence": "linear cannot be fitted further"}})
    assert none.status == "not_applicable" and "linear cannot be fitted further" in none.sentence
