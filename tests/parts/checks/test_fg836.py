"""FG836: a map that hides most of the rows."""

from check_cases import only
from structure_cases import OTHER_TASK, a_map

from fieldguide.parts.checks.fg836_map_hides import MapHides
from fieldguide.testing import check_check


def test_neither_rows_nor_neighbours_are_kept():
    found = only(check_check(MapHides(), a_map(reconstruction=0.2, trustworthiness=0.7), a_map(reconstruction=0.2)))
    assert found.severity == "warning" and found.sentence == (
        "The map hides most of the rows: 2 of 30 numbers rebuild 20 % of the sealed rows' variance; trustworthiness 0.7, continuity 0.95."
    )
    assert only(MapHides().run(**a_map(trustworthiness=0.5))).status == "passed"  # the rows themselves are kept
    assert only(MapHides().run(**OTHER_TASK)).status == "not_applicable"
