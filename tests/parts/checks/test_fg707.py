"""FG707: what each kind of data is worth."""

from __future__ import annotations

from check_cases import only

from fieldguide.parts.checks.fg707_worth import Worth
from fieldguide.testing import check_check


def line(kind, value, low, high):
    return {
        "kind": kind,
        "columns": [kind],
        "alone": None,
        "without": {"difference": {"value": value, "interval": [low, high]}},
    }


def case(*lines):
    sentence = "text adds 0.1 [0.05, 0.15]; columns add nothing that can be told from 0: 0.01 [-0.02, 0.03]"
    return {"facts": {"worth": {"candidate": "linear", "kinds": list(lines), "sentence": sentence}}}


def test_a_kind_that_adds_nothing_is_named():
    finding = only(
        check_check(Worth(), case(line("text", 0.1, 0.05, 0.15), line("columns", 0.01, -0.02, 0.03)), {"facts": {}})
    )
    assert finding.columns == ("columns",) and finding.severity == "info"
    assert finding.sentence.startswith("Of what linear gains, text adds 0.1 [0.05, 0.15]; columns add nothing")
    assert finding.remedy.startswith("Leave out columns")


def test_no_time_is_said():
    finding = only(Worth().run(**case({**line("text", 0, 0, 0), "without": None})))
    assert finding.status == "not_applicable" and "No time" in finding.sentence
