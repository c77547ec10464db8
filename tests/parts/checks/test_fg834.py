"""FG834: rows in no cluster."""

from check_cases import only
from structure_cases import OTHER_TASK, clusters

from fieldguide.parts.checks.fg834_in_no_cluster import InNoCluster
from fieldguide.testing import check_check


def test_many_rows_are_in_no_cluster():
    found = only(check_check(InNoCluster(), clusters(none=0.4), clusters(none=0.3)))
    assert found.sentence == "40 % of the sealed rows are in no cluster." and found.severity == "warning"
    assert only(InNoCluster().run(**OTHER_TASK)).status == "not_applicable"
