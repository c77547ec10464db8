"""Served rows: outcomes as the task codes them."""

from __future__ import annotations

import numpy as np
import polars as pl
import pytest

from fieldguide.core.errors import DataError
from fieldguide.core.online.outcome_identity import coded as stored
from fieldguide.core.problem import Output
from fieldguide.parts import find
from fieldguide.steps.online.served_rows import coded, coded_columns

BINARY = Output("bought", find("tasks", "binary")(), ("no", "yes"))
GRADE = Output("grade", find("tasks", "multiclass")(), ("1", "2", "3"))
LIVER = Output("disease", find("tasks", "binary")(), ("1", "2"))


def code(output: Output, values: list[object], absent: str | None = None) -> list[int]:
    """Outcomes as a log holds them, coded; None has not arrived."""
    kept = [(None, None) if value is None else stored(value) for value in values]  # type: ignore[arg-type]
    records = pl.DataFrame(
        {"number": [number for number, _ in kept], "label": [label for _, label in kept]},
        schema={"number": pl.Float64, "label": pl.String},
    )
    return coded(output, records, np.array([value is not None for value in values]), absent).tolist()


def test_truth_values_and_counts_stand_for_two_labels() -> None:
    assert code(BINARY, [1, 0.0, True, False, "yes", "no", "1"]) == [1, 0, 1, 0, 1, 0, 1]


@pytest.mark.parametrize(("absent", "expected"), [("0", 0), ("1", 1), ("yes", 1), ("false", 0)])
def test_what_no_outcome_counts_as_may_be_a_number_too(absent: str, expected: int) -> None:
    assert code(BINARY, [1, None], absent) == [1, expected]


def test_a_whole_number_is_the_label_it_spells() -> None:
    assert code(GRADE, [2.0, 3, "1"]) == [1, 2, 0]


def test_a_number_that_spells_one_of_two_labels_is_not_their_place() -> None:
    assert code(LIVER, [1.0, 2.0, 1, "2", "1.0", True, False]) == [0, 1, 0, 1, 0, 1, 0]
    with pytest.raises(DataError):
        code(LIVER, [0])  # neither label: it was taken for the first one


def test_a_label_is_read_in_any_case_where_one_label_alone_can_be_meant() -> None:
    assert code(BINARY, ["Yes", "NO", " yes "]) == [1, 0, 1]
    offline = pl.DataFrame({"bought": ["YES", "no", "Yes"]})
    assert coded_columns(BINARY, offline).tolist() == [1, 0, 1]
    cased = Output("town", find("tasks", "multiclass")(), ("NICE", "Nice", "York"))
    assert code(cased, ["NICE", "Nice", "YORK"]) == [0, 1, 2]
    with pytest.raises(DataError):
        code(cased, ["nice"])


def test_what_is_no_label_is_told() -> None:
    with pytest.raises(DataError):
        code(GRADE, [4])
