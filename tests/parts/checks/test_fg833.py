"""FG833: clusters that dissolve."""

from check_cases import only
from structure_cases import OTHER_TASK, clusters

from fieldguide.parts.checks.fg833_dissolving_clusters import DissolvingClusters
from fieldguide.testing import check_check


def test_one_cluster_is_not_found_again():
    found = only(check_check(DissolvingClusters(), clusters(c3=0.41), clusters()))
    assert (
        found.sentence
        == "1 cluster of 3 dissolves in fits on half of the rows: cluster 3 (0.41); 1 is found again fully."
    )
    assert found.severity == "warning" and only(DissolvingClusters().run(**clusters(c3=0.61))).status == "passed"
    assert only(DissolvingClusters().run(**clusters("none"))).status == "skipped"
    assert only(DissolvingClusters().run(**OTHER_TASK)).status == "not_applicable"
