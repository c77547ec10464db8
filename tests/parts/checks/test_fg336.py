"""FG336: more rows would help. The curve itself is tested in tests/core/test_learning_curve.py."""

from __future__ import annotations

from check_cases import only

from fieldguide.parts.checks.fg336_more_rows import MoreRows
from fieldguide.testing import check_check


def facts(holds):
    return {
        "assumption": "there are enough rows", "kind": "enough", "tested": True, "output": "y", "holds": holds, "title": "ROC AUC",
        "gain": 0.021, "gain_interval": [0.012, 0.04], "worth": 0.01, "n_rows": 900,
    }  # fmt: skip


def test_twice_the_rows_would_buy_a_gain():
    finding = only(check_check(MoreRows(), {"assumptions": [facts(False)]}, {"assumptions": [facts(True)]}))
    assert finding.sentence == (
        "Twice the 900 rows would buy 'y' about 0.021 ROC AUC [0.012, 0.04], and 0.01 is worth having: the learning curve is not flat yet."
    )
    assert finding.severity == "info"


def test_without_a_curve_it_is_skipped():
    silent = {"kind": "enough", "holds": None, "silence": "60 rows are too few for a curve; it takes 200"}
    finding = only(MoreRows().run(assumptions=[silent]))
    assert (
        finding.status == "skipped"
        and finding.sentence == "No learning curve: 60 rows are too few for a curve; it takes 200."
    )
