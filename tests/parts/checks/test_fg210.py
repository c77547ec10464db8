"""FG210: uneven weights."""

from __future__ import annotations

import numpy as np
import pytest
from check_cases import only, roles_of, split_of, table_of

from fieldguide.parts.checks.fg210_uneven_weights import UnevenWeights
from fieldguide.testing import check_check

ROLES = roles_of(400)
SEALED = list(range(200))


def case(weights, role="weight"):
    table = table_of(roles={"w": role}, x=range(400), w=np.asarray(weights, float))
    return {"table": table, "split": split_of(ROLES, SEALED)}


def survey(largest):
    return np.where(np.arange(400) % 10 == 0, largest, 1.0)


def test_few_rows_that_carry_the_score_are_told_and_a_survey_is_quiet():
    finding = only(check_check(UnevenWeights(), case(survey(100.0)), case(survey(2.0))))
    assert finding.severity == "warning" and finding.columns == ("w",)
    effective = (180 + 20 * 100) ** 2 / (180 + 20 * 100**2)
    assert finding.evidence["sealed"]["effective"] == pytest.approx(effective)
    assert finding.sentence == (
        "The 200 sealed rows, weighed by 'w', tell as much as 24 equal ones; the largest weight is 4.6 % of all."
    )


def test_half_of_the_rows_is_worth_knowing_and_no_alarm():
    finding = only(UnevenWeights().run(**case(survey(7.0))))
    assert finding.fired and finding.severity == "info"


@pytest.mark.parametrize(("role", "part"), [("learn_weight", "development"), ("judge_weight", "sealed")])
def test_rows_without_weight_are_counted_in_what_weights_count_in(role, part):
    finding = only(UnevenWeights().run(**case(np.arange(400) % 4 > 0, role)))
    assert not finding.fired and finding.evidence[part]["n_zero"] == 50
    assert finding.sentence.startswith(f"The 200 {part} rows")
    assert finding.sentence.endswith("and 50 weigh nothing.")


def test_without_weights_there_is_nothing_to_check():
    finding = only(UnevenWeights().run(table=table_of(x=range(400)), split=split_of(ROLES, SEALED)))
    assert finding.status == "not_applicable"
