"""FG153: units without events."""

from __future__ import annotations

from check_cases import only
from join_cases import feature, joined, table

from fieldguide.parts.checks.fg153_uncovered import Uncovered
from fieldguide.testing import check_check


def test_a_table_that_covers_few_units_warns():
    finding = only(check_check(Uncovered(), joined(table(n_with_events=200)), joined()))
    assert (finding.severity, finding.sentence) == (
        "warning", "80 % of the 1,000 units have no event in join.features[0] (orders.csv)."
    )  # fmt: skip


def test_a_feature_hardly_anyone_has_is_told():
    rare = table(features=[feature("n_30d"), feature("odd", coverage=0.002)])
    finding = only(Uncovered().run(**joined(rare)))
    assert (finding.severity, finding.columns) == ("info", ("odd",))
    assert finding.sentence == "1 feature has a value in fewer than 1 % of the 1,000 units ('odd')."
