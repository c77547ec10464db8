"""FG103: the time column."""

from __future__ import annotations

from check_cases import only

from fieldguide.core.table import Column
from fieldguide.parts.checks.fg103_time_column import TimeColumn
from fieldguide.testing import check_check

GUESS = {"time": [{"column": "day", "role": "time", "sure": False, "why": "rows are ordered by it"}]}
FEATURE = Column("day", "datetime")
ACTING = Column("day", "datetime", "time")


def test_a_column_that_acts():
    quiet = {"columns": [FEATURE], "roles_guess": {}, "n_rows": 365}
    finding = only(check_check(TimeColumn(), {"columns": [ACTING], "roles_guess": GUESS, "n_rows": 365}, quiet))
    assert (
        finding.sentence
        == "'day' is taken as the time of the 365 rows: rows are ordered by it. The latest rows are sealed."
    )
    assert finding.columns == ("day",)


def test_a_declared_column_acts_without_a_guess():
    finding = only(TimeColumn().run(columns=[ACTING], roles_guess={}, n_rows=365))
    assert finding.sentence == "'day' is taken as the time of the 365 rows: it is declared. The latest rows are sealed."


def test_an_unsure_column_is_a_proposal():
    finding = only(TimeColumn().run(columns=[FEATURE], roles_guess=GUESS, n_rows=365))
    assert finding.sentence == "'day' could be the time of the 365 rows, but that is not sure: rows are ordered by it."
    assert finding.remedy.endswith("set data.time: day.")


def test_guesses_may_come_as_an_object():
    class Guess:
        def to_dict(self):
            return GUESS

    assert TimeColumn().run(columns=[FEATURE], roles_guess=Guess(), n_rows=365)[0].columns == ("day",)


def test_a_series_whose_time_is_only_proposed_is_a_warning_that_says_how_to_forecast_it():
    guess = {
        "time": [{"column": "date", "sure": False, "why": "w", "expression": "date(year, month)", "step": "1 month"}]
    }
    finding = only(TimeColumn().run(columns=[Column("year", "number")], roles_guess=guess, n_rows=203))
    assert finding.severity == "warning"
    assert "one series, a row each month: drawn at random, neighbours judge each other" in finding.sentence
    assert "data.derive: {date: 'date(year, month)'} and data.time: date" in finding.remedy
    assert "--task forecast --horizon" in finding.remedy
    assert finding.columns == ()
    sure = only(TimeColumn().run(columns=[Column("date", "datetime", "time")], roles_guess=guess, n_rows=203))
    assert sure.severity == "info"
