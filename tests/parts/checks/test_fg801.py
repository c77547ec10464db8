"""FG801: looks at the sealed rows."""

from __future__ import annotations

from check_cases import only

from fieldguide.parts.checks.fg801_looks import Looks
from fieldguide.testing import check_check

FIRST = {"time": "2026-01-01", "reason": "", "by": "finalize"}
SECOND = {"time": "2026-01-02", "reason": "a new column", "by": "finalize"}


def test_a_second_look_is_a_warning_for_ever():
    finding = only(check_check(Looks(), {"facts": {"looks": [FIRST, SECOND]}}, {"facts": {"looks": [FIRST]}}))
    assert finding.sentence == (
        "The sealed rows were looked at 2 times (look 2: a new column); every look after the first flatters the score."
    )
    assert finding.severity == "warning"
    assert finding.evidence["looks"] == [FIRST, SECOND]


def test_a_closed_seal():
    assert only(Looks().run(facts={"looks": []})).status == "not_applicable"
