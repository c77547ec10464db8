"""FG157: windows that begin before the record."""

from __future__ import annotations

from check_cases import only
from join_cases import feature, joined, table

from fieldguide.parts.checks.fg157_cut_windows import CutWindows
from fieldguide.testing import check_check


def test_windows_before_the_record_are_told():
    cut = table(features=[feature("n_30d"), feature("n_365d", window_days=365.0, cut=0.4)])
    finding = only(check_check(CutWindows(), joined(cut), joined()))
    assert (finding.severity, finding.columns) == ("warning", ("n_365d",))
    assert "'n_365d' begins before the first event of the table for up to 40 % of the 1,000 units" in finding.sentence


def test_a_few_are_no_warning_and_all_alike_are_none():
    assert only(CutWindows().run(**joined(table(features=[feature("a", cut=0.02)])))).severity == "info"
    assert CutWindows().run(**joined(table(features=[feature("a", cut=1.0)])))[0].status == "passed"
    assert CutWindows().run(**joined(table(features=[feature("a", window_days=None)])))[0].status == "not_applicable"
