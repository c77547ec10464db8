"""Tasks: labels, codes, decisions, and what a target may not hold."""

import datetime as dt

import numpy as np
import polars as pl
import pytest

from fieldguide import parts
from fieldguide.core.errors import DataError
from fieldguide.testing import check_task

BINARY, MULTICLASS, REGRESSION = (parts.find("tasks", name)() for name in ("binary", "multiclass", "regression"))


@pytest.mark.parametrize(
    "values",
    [
        ["no", "yes"] * 3,
        [1.0, 0.0] * 3,
        [True, False] * 3,
        ["<=50K", ">50K"] * 3,
        [dt.date(2024, 1, 1), dt.date(2024, 1, 2)] * 2,
    ],
)
def test_binary_contract(values):
    check_task(BINARY, pl.Series("y", values))


@pytest.mark.parametrize("values", [list("abc") * 2, [1, 2, 10] * 2, [1.5, 2.0, -1.0] * 2])
def test_multiclass_contract(values):
    check_task(MULTICLASS, pl.Series("y", values))


@pytest.mark.parametrize("values", [[1.5, 2.0, -1.0, 4.0], [1, 2, 3, 4]])
def test_regression_contract(values):
    check_task(REGRESSION, pl.Series("y", values))


@pytest.mark.parametrize(
    ("values", "positive", "expected"),
    [
        (["yes", "no", "yes"], None, ("no", "yes")),
        (["N", "Y", "Y"], None, ("N", "Y")),
        ([">50K", "<=50K", ">50K"], None, ("<=50K", ">50K")),
        ([2, 1, 2], None, ("1", "2")),
        ([-1.0, 1.0, 1.0], None, ("-1", "1")),
        ([True, False, True], None, ("false", "true")),
        (["True", "False", "True"], None, ("False", "True")),
        (["cat", "cat", "dog"], None, ("cat", "dog")),
        (["cat", "dog", "dog"], None, ("dog", "cat")),
        (["dog", "cat"], None, ("cat", "dog")),
        (["cat", "dog"], "cat", ("dog", "cat")),
        ([1.0, 0.0], "0.0", ("1", "0")),
        ([1, 0], "true", ("0", "1")),
    ],
)
def test_binary_labels(values, positive, expected):
    assert BINARY.labels(pl.Series("y", values), positive) == expected


def test_labels_are_found_again_in_every_type():
    for values in (
        ["1", "0", "1"],
        ["1.0", "0.0", " 1 "],
        [1, 0, 1],
        [1.0, 0.0, 1.0],
        [True, False, True],
        ["True", "FALSE", "true"],
    ):
        assert BINARY.encode(pl.Series("y", values), ("0", "1")).tolist() == [1, 0, 1]
        assert BINARY.encode(pl.Series("y", values), ("true", "false")).tolist() == [0, 1, 0]


def test_spellings_of_one_label_are_one_class():
    assert BINARY.labels(pl.Series("y", ["1", "1.0", "0", "0"]), None) == ("0", "1")
    assert BINARY.labels(pl.Series("y", ["True", "true", "True", "false"]), None) == ("false", "True")


def test_multiclass_labels_go_by_size_or_name():
    assert MULTICLASS.labels(pl.Series("y", ["10", "9", "b", "a"]), None) == ("9", "10", "a", "b")


def test_unknown_label_is_named_with_the_nearest():
    with pytest.raises(
        DataError, match=r"'y' holds the unknown label 'yess' \(did you mean 'yes'\?\) in 2 rows \(the first is row 1\)"
    ):
        BINARY.encode(pl.Series("y", ["no", "yess", "yess"]), ("no", "yes"))
    with pytest.raises(DataError, match="Found: 3 rows with 'd', 'e'"):
        MULTICLASS.encode(pl.Series("y", ["d", "e", "d"]), ("a", "b"))


def test_missing_target():
    for task, values in (
        (BINARY, ["a", None, "b"]),
        (MULTICLASS, ["a", None]),
        (REGRESSION, [1.0, None]),
        (REGRESSION, [1.0, float("nan")]),
    ):
        with pytest.raises(DataError, match=r"the target 'y' is missing in 1 row \(row 1\).*Do: drop the rows"):
            task.encode(pl.Series("y", values), ("a", "b"))


def test_too_few_and_too_many_classes():
    with pytest.raises(DataError, match=r"holds 1 class\. .*Found: 2 rows, all of them 'a'"):
        BINARY.labels(pl.Series("y", ["a", "a"]), None)
    with pytest.raises(DataError, match=r"holds 0 classes\. .*none with a label"):
        MULTICLASS.labels(pl.Series("y", [None], dtype=pl.String), None)
    with pytest.raises(DataError, match=r"holds 3 classes.*'a' in 2 rows, 'b' in 1 rows.*set task: multiclass"):
        BINARY.labels(pl.Series("y", ["a", "a", "b", "c"]), None)
    with pytest.raises(DataError, match=r"no label 'ye' \(did you mean 'yes'\?\).*the labels are 'no', 'yes'"):
        BINARY.labels(pl.Series("y", ["no", "yes"]), "ye")


def test_a_target_that_no_label_can_be():
    with pytest.raises(DataError, match=r"the target 'y' is of type List"):
        BINARY.labels(pl.Series("y", [[1], [2]]), None)


def test_a_value_is_a_finite_number():
    with pytest.raises(DataError, match=r"the target 'y' is infinite in 1 row \(row 1\)"):
        REGRESSION.encode(pl.Series("y", [1.0, float("inf")]), ())
    with pytest.raises(DataError, match=r"the target 'y' is no number.*its type is String, its first value is 'a'"):
        REGRESSION.encode(pl.Series("y", ["a"]), ())


def test_decisions():
    sure = np.array([[0.6, 0.4], [0.5, 0.5], [0.2, 0.8]])
    assert BINARY.decide(sure, None).tolist() == [0, 1, 1]
    assert BINARY.decide(sure, 0.7).tolist() == [0, 0, 1]
    assert REGRESSION.decide(np.array([1.5, 2.0]), None).tolist() == [1.5, 2.0]


def test_a_suite_notices_a_broken_part():
    class Sloppy(type(BINARY)):
        def encode(self, target, labels):
            return np.zeros(len(target), np.int64)

    with pytest.raises(AssertionError, match="a missing target raises DataError"):
        check_task(Sloppy(), pl.Series("y", ["a", "b", "a", "b"]))
