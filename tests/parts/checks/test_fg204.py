"""FG204: the arrow of time."""

from __future__ import annotations

import numpy as np
from check_cases import only, roles_of, split_of, table_of

from fieldguide.core.split import Fold
from fieldguide.parts.checks.fg204_arrow_of_time import ArrowOfTime
from fieldguide.testing import check_check

DAY = 86_400_000_000
TIMES = [day * DAY for day in range(10)]
LATER = roles_of(10, times=TIMES)
TABLE = table_of(roles={"day": "time"}, x=range(10), day=np.array(TIMES, "datetime64[us]"))


def case(test, roles=LATER, **how):
    return {"table": TABLE, "split": split_of(roles, test, **how), "roles": roles}


def test_a_sealed_row_from_the_past_is_an_error():
    finding = only(check_check(ArrowOfTime(), case([3, 9]), case([8, 9])))
    assert finding.sentence.startswith("1 sealed row is not later than the development rows")
    assert finding.severity == "error"


def test_the_proof_names_the_cut():
    finding = only(ArrowOfTime().run(**case([8, 9])))
    assert finding.evidence["cut"] == "1970-01-09T00:00:00"


def test_a_fold_against_time_is_an_error():
    folds = [Fold(np.arange(4, 8), np.arange(4))]
    finding = only(ArrowOfTime().run(**case([8, 9], folds=folds)))
    assert "in 1 fold validation rows are not later than training rows" in finding.sentence


def test_a_given_test_set_from_the_past_warns():
    finding = only(ArrowOfTime().run(**case([3, 9], scheme="given, chronological")))
    assert finding.severity == "warning"
    assert finding.sentence == "1 of the 2 rows of the given test set (50 %) are not later than the development rows."


def test_a_random_draw_from_rows_with_a_time_warns():
    finding = only(ArrowOfTime().run(**case([3, 9], roles=roles_of(10))))
    assert finding.severity == "warning"
    assert finding.columns == ("day",)


def test_without_a_time_there_is_nothing_to_check():
    roles = roles_of(10)
    finding = only(ArrowOfTime().run(table=table_of(x=range(10)), split=split_of(roles, [3]), roles=roles))
    assert finding.status == "not_applicable"
