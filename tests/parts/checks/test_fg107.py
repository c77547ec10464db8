"""FG107: columns read otherwise than written."""

from __future__ import annotations

import pytest
from check_cases import only

from fieldguide.core.table import Column
from fieldguide.parts.checks.fg107_converted import Converted
from fieldguide.testing import check_check

PLAIN = Column("age", "number")
PRICE = Column("price", "number", read={"thousands": ".", "decimal": ",", "strip": ["€"]})
BORN = Column("born", "datetime", read={"dayfirst": True}, facts={"questions": ["day or month first?"]})


def test_rules_are_told():
    finding = only(check_check(Converted(), {"columns": [PLAIN, PRICE]}, {"columns": [PLAIN]}))
    assert finding.sentence == (
        "1 column is read by a rule: 'price' (thousands marked by '.', decimals after ',', without '€')."
    )
    assert finding.severity == "info"


def test_a_guess_that_is_not_sure_warns_and_comes_first():
    finding = only(Converted().run(columns=[PRICE, BORN]))
    assert finding.severity == "warning"
    assert finding.columns == ("born", "price")
    assert "'born' (day before month, not sure)" in finding.sentence


@pytest.mark.parametrize(
    "read, words",
    [
        ({"missing": ["-999"]}, "'-999' as missing"),
        ({"dayfirst": False}, "month before day"),
        ({"formats": ["%Y", "%d"]}, "dates in 2 formats"),
        ({"unit": "ms"}, "numbers as ms since 1970"),
    ],
)
def test_words(read, words):
    assert words in only(Converted().run(columns=[Column("x", "datetime", read=read)])).sentence
