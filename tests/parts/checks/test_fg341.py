"""FG341: columns that have nothing to do with each other."""

from check_cases import only
from structure_cases import space

from fieldguide.parts.checks.fg341_no_structure import NoStructure
from fieldguide.testing import check_check


def test_dealt_columns_lie_along_axes_as_well():
    found = only(check_check(NoStructure(), space(shares=[0.29, 0.26], beyond=0), space()))
    assert found.severity == "warning" and found.sentence.startswith(
        "The 4 columns have nothing to do with each other along straight axes: the first principal axis holds 29"
    )
    assert only(NoStructure().run(**space(n_columns=1))).status == "not_applicable"
