"""Declared slices become masks over rows."""

from __future__ import annotations

import math

import numpy as np
import polars as pl
import pytest

from fieldguide.core.errors import ConfigError
from fieldguide.core.slices import slice_scores, slices_of
from fieldguide.core.table import Column, Table
from fieldguide.parts import find

TABLE = Table(
    pl.DataFrame({"sex": ["f", "m", None, "m"], "age": [10.0, 20.0, 30.0, 40.0]}),
    (Column("sex", "category"), Column("age", "number")),
)


def test_a_category_is_cut_by_its_levels_and_a_number_by_its_quartiles() -> None:
    found = {name: mask.tolist() for name, mask in slices_of(TABLE, ["sex", "age"]).items()}
    assert found == {
        "sex is missing": [False, False, True, False],
        "sex = f": [True, False, False, False],
        "sex = m": [False, True, False, True],
        "age = 10.0": [True, False, False, False],
        "age = 20.0": [False, True, False, False],
        "age = 30.0": [False, False, True, False],
        "age = 40.0": [False, False, False, True],
    }


def test_quarters_of_a_number_are_named_by_what_they_hold() -> None:
    numbers = Table(pl.DataFrame({"age": [float(i) for i in range(1, 101)]}), (Column("age", "number"),))
    found = {name: int(mask.sum()) for name, mask in slices_of(numbers, ["age"]).items()}
    assert found == {"age 1 to 25": 25, "age 26 to 50": 25, "age 51 to 75": 25, "age 76 to 100": 25}


@pytest.mark.parametrize(
    ("n", "same", "one_group", "said"),
    [
        (19, False, False, "only 19 rows, fewer than 20"), (30, True, False, "all 30 rows have the same label"),
        (30, False, True, "all 30 rows belong to one group"), (20, False, False, ""),
    ],
)  # fmt: skip
def test_a_slice_that_cannot_be_judged_says_why(n: int, same: bool, one_group: bool, said: str) -> None:
    truth = np.zeros(100, np.int64) if same else np.arange(100) % 2
    prediction = np.stack([np.full(100, 0.4), np.full(100, 0.6)], axis=1)
    blocks = np.zeros(100, int) if one_group else np.arange(100)
    mask = np.arange(100) < n
    (found,) = slice_scores(find("metrics", "brier")(), truth, prediction, {"first": mask}, blocks, replicates=40)
    assert (found.n, found.silence) == (n, said) and math.isfinite(found.value) == (not said)


def test_an_expression_is_a_slice_of_the_rows_where_it_holds() -> None:
    assert slices_of(TABLE, ["sex = 'm' and age > 20"])["sex = 'm' and age > 20"].tolist() == [
        False,
        False,
        False,
        True,
    ]


def test_an_expression_over_no_column_is_refused() -> None:
    with pytest.raises(ConfigError, match="height"):
        slices_of(TABLE, ["height > 3"])
