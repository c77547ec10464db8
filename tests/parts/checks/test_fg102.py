"""FG102: columns left out of every model."""

from __future__ import annotations

from check_cases import only

from fieldguide.core.table import Column
from fieldguide.parts.checks.fg102_left_out import LeftOut
from fieldguide.testing import check_check

AGE = Column("age", "number")
ROW = Column("row", "id", "ignore", facts={"row_numbers": True})
CODE = Column("code", "constant")


def test_columns_left_out_are_named_with_reasons():
    finding = only(
        check_check(LeftOut(), {"columns": [AGE, ROW, CODE]}, {"columns": [AGE, Column("sold", "boolean", "target")]})
    )
    assert finding.sentence == "2 columns reach no model: 'row' (it counts rows), 'code' (always the same)."
    assert finding.columns == ("row", "code")
    assert finding.severity == "info"


def test_nothing_left_is_a_warning():
    finding = only(LeftOut().run(columns=[ROW]))
    assert finding.severity == "warning"


def test_a_column_set_aside_a_group_and_a_key_have_their_reasons():
    columns = [Column("fnlwgt", "number", "ignore"), Column("shop", "category", "group"), Column("id", "id", "key")]
    finding = only(LeftOut().run(columns=[AGE, *columns]))
    assert finding.evidence["reasons"] == {"fnlwgt": "set aside", "shop": "it groups rows", "id": "it names rows"}
