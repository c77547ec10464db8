"""FG831: there are no clusters."""

from check_cases import only
from structure_cases import OTHER_TASK, clusters

from fieldguide.parts.checks.fg831_no_clusters import NoClusters
from fieldguide.testing import check_check


def test_one_heap_is_grouped_as_steadily():
    found = only(check_check(NoClusters(), clusters("none"), clusters()))
    assert found.severity == "error"
    assert found.sentence == (
        "There are no clusters here: two fits agree on 120 sealed rows to 0.9 [0.85, 0.95], on one heap to 0.3 [0.25, 0.35]; Silhouette 0.5, of one "
        "heap 0.2."
    )
    assert only(NoClusters().run(**clusters("columns"))).status == "passed"
    assert only(NoClusters().run(**OTHER_TASK)).status == "not_applicable"
