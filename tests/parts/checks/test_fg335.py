"""FG335: the target cannot be predicted. The test itself is tested in tests/steps/test_assumptions.py."""

from __future__ import annotations

from check_cases import only

from fieldguide.parts.checks.fg335_unpredictable import Unpredictable
from fieldguide.testing import check_check


def facts(holds, p):
    return {
        "assumption": "y can be predicted",
        "kind": "predictable",
        "tested": True,
        "output": "y",
        "holds": holds,
        "p": p,
        "n": 600,
        "n_shuffles": 199,
    }


def test_nothing_beats_chance():
    said = {"assumption": "Prices are stable", "tested": False}
    fires, quiet = {"assumptions": [facts(False, 0.4), said]}, {"assumptions": [facts(True, 0.005), said]}
    finding = only(check_check(Unpredictable(), fires, quiet))
    assert finding.sentence == (
        "Quick models predict 'y' no better than its shuffles (p 0.4 of 199 shuffles, 600 rows): nothing beats chance."
    )
    assert only(Unpredictable().run(assumptions=[said])).status == "not_applicable"
