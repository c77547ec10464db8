"""FG104: the group column."""

from __future__ import annotations

from check_cases import only

from fieldguide.core.table import Column
from fieldguide.parts.checks.fg104_group_column import GroupColumn
from fieldguide.testing import check_check

GUESS = {"group": [{"column": "shop", "role": "group", "sure": False, "why": "rows are ordered by it"}]}
FEATURE = Column("shop", "category")
ACTING = Column("shop", "category", "group")


def test_a_column_that_acts():
    quiet = {"columns": [FEATURE], "roles_guess": {}, "n_rows": 365}
    finding = only(check_check(GroupColumn(), {"columns": [ACTING], "roles_guess": GUESS, "n_rows": 365}, quiet))
    assert finding.sentence == "The 365 rows are grouped by 'shop': rows are ordered by it. A group is never cut."
    assert finding.columns == ("shop",)


def test_a_declared_column_acts_without_a_guess():
    finding = only(GroupColumn().run(columns=[ACTING], roles_guess={}, n_rows=365))
    assert finding.sentence == "The 365 rows are grouped by 'shop': it is declared. A group is never cut."


def test_an_unsure_column_is_a_proposal():
    finding = only(GroupColumn().run(columns=[FEATURE], roles_guess=GUESS, n_rows=365))
    assert finding.sentence == "'shop' could group the 365 rows, but that is not sure: rows are ordered by it."
    assert finding.remedy.endswith("set data.group: shop.")


def test_guesses_may_come_as_an_object():
    class Guess:
        def to_dict(self):
            return GUESS

    assert GroupColumn().run(columns=[FEATURE], roles_guess=Guess(), n_rows=365)[0].columns == ("shop",)
