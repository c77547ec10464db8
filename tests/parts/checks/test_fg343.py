"""FG343: what derived columns save."""

from __future__ import annotations

from check_cases import only

from fieldguide.parts.checks.fg343_derived_worth import DerivedWorth
from fieldguide.testing import check_check


def made(column="ratio", saves=0.75, low=0.6, high=0.85):
    return {"column": column, "saves": saves, "interval": [low, high], "rows_with": 900, "rows_without": 3600}


def case(*columns):
    return {"profile": {"derived": {"columns": list(columns)}}}


def test_a_column_that_saves_rows_is_named_with_what_it_saves():
    useless = made("noise", -0.1, -0.5, 0.2)
    finding = only(check_check(DerivedWorth(), case(made(), useless), case(useless)))
    assert finding.sentence == ("With ratio, 900 rows reach what 3,600 rows reach without: it saves 75 % [60 %, 85 %].")
    assert finding.columns == ("ratio",)
    assert finding.remedy == "Keep what saves rows; noise is not shown to."


def test_without_derived_columns_there_is_nothing_to_say():
    assert only(DerivedWorth().run(profile={})).status == "not_applicable"
    assert only(DerivedWorth().run(profile={"derived": None})).status == "not_applicable"
