"""FG832: clusters that single columns show."""

from check_cases import only
from structure_cases import OTHER_TASK, clusters

from fieldguide.parts.checks.fg832_single_columns import SingleColumns
from fieldguide.testing import check_check


def test_dealt_columns_are_grouped_as_steadily():
    found = only(check_check(SingleColumns(), clusters("columns"), clusters()))
    assert found.severity == "warning"
    assert found.sentence.startswith(
        "The clusters are those of single columns: two fits agree to 0.9 [0.85, 0.95], with columns dealt anew to 0.2"
    )
    assert only(SingleColumns().run(**clusters("none"))).status == "skipped"
    assert only(SingleColumns().run(**OTHER_TASK)).status == "not_applicable"
    alone = clusters()
    alone["facts"]["structure"]["stability"].pop("dealt")
    finding = only(SingleColumns().run(**alone))
    assert (finding.status, finding.sentence) == (
        "not_applicable", "The table has one column: there is nothing that others could add.",
    )  # fmt: skip
