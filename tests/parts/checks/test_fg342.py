"""FG342: columns that say the same."""

from check_cases import only
from structure_cases import space

from fieldguide.parts.checks.fg342_alike_columns import AlikeColumns
from fieldguide.testing import check_check


def test_two_columns_say_the_same():
    pairs = [{"columns": ["inches", "centimetres"], "correlation": 1.0}]
    found = only(check_check(AlikeColumns(), space(alike=pairs), space()))
    assert found.sentence == "What is said twice counts twice in every distance: 'inches' and 'centimetres' (1)."
    assert found.columns == ("inches", "centimetres") and found.severity == "info"
    assert only(AlikeColumns().run(**space(n_columns=1))).status == "not_applicable"
