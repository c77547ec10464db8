"""Label sets, vectors, counts and ordered labels: the contract, and what only each of them does."""

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fieldguide.core.errors import DataError
from fieldguide.parts import find
from fieldguide.parts.tasks._sets import set_text, sets_of, vector_text
from fieldguide.testing import check_task

SETS = pl.Series("mood", ["sad|angry", "happy", "", "happy|calm", "sad", "calm"])
BOXES = pl.Series("box", [vector_text({"x": i, "y": 2.0 * i + 0.25, "z": -i}) for i in range(5)])


@pytest.mark.parametrize(
    ("task", "target"),
    [
        ("multilabel", SETS),
        ("multilabel", pl.Series("mood", [["a", "b"], ["b"], [], ["a"]])),
        ("multilabel", pl.Series("mood", ['["a", "b"]', "[]", '["b"]', '["a"]'])),
        ("vector", BOXES),
        ("count", pl.Series("visits", [0, 3, 1, 1, 7])),
        ("ordinal", pl.Series("stars", [1, 2, 3, 3, 2, 1, 5, 5])),
    ],
)
def test_contract(task: str, target: pl.Series) -> None:
    check_task(find("tasks", task)(), target)


@given(
    st.lists(
        st.lists(st.text(st.characters(codec="utf-8", exclude_categories=["Cs", "Cc", "Z"]), min_size=1)), min_size=1
    )
)
def test_a_set_survives_its_text(sets: list[list[str]]) -> None:
    texts = pl.Series("s", [set_text(labels) for labels in sets], dtype=pl.String)
    assert sets_of(texts) == sets_of(pl.Series("s", sets, dtype=pl.List(pl.String)))


def test_labels_of_sets_are_numbers_by_size_then_words() -> None:
    assert find("tasks", "multilabel")().labels(pl.Series(["10|9", "b|a"]), None) == ("9", "10", "a", "b")


def test_an_unknown_label_of_a_set_is_named_with_its_row() -> None:
    with pytest.raises(DataError, match=r"unknown label 'hapy'.*'happy'.* in 1 row \(row 1\)"):
        find("tasks", "multilabel")().encode(pl.Series("mood", ["happy", "hapy"]), ("happy", "sad"))


def test_a_label_with_the_mark_between_labels_is_refused() -> None:
    with pytest.raises(DataError, match=r"has a label with '\|' in it: 'a\|b'"):
        find("tasks", "multilabel")().labels(pl.Series("mood", [["a|b"], ["c"]]), None)


def test_one_label_is_no_label_set() -> None:
    with pytest.raises(DataError, match="'mood' holds 1 label"):
        find("tasks", "multilabel")().labels(pl.Series("mood", ["a;b", "a;b"]), None)


def test_a_vector_of_another_length_names_its_row() -> None:
    with pytest.raises(DataError, match="'box' has 2 entries in row 1"):
        find("tasks", "vector")().encode(pl.Series("box", [[1.0, 2.0, 3.0], [1.0, 2.0]]), ("0", "1", "2"))


def test_vectors_are_read_from_objects_lists_and_structs_alike() -> None:
    task, labels = find("tasks", "vector")(), ("x", "y")
    wanted = [[1.0, 2.0], [3.0, 4.5]]
    for target in (
        pl.Series("v", ['{"y": 2.0, "x": 1}', '{"x": 3, "y": 4.5}']),
        pl.Series("v", wanted),
        pl.Series("v", [{"x": 1.0, "y": 2.0}, {"x": 3.0, "y": 4.5}]),
        pl.Series("v", wanted, dtype=pl.Array(pl.Float64, 2)),
    ):
        assert task.encode(target, labels).tolist() == wanted


@pytest.mark.parametrize(
    ("cells", "said"), [([1, -2], "is negative in 1 row .row 1."), ([0.5, 2], "is not whole in 1 row .row 0.")]
)
def test_no_count(cells: list[float], said: str) -> None:
    with pytest.raises(DataError, match=said):
        find("tasks", "count")().encode(pl.Series("visits", cells), ())


def test_the_order_of_words_must_be_stated() -> None:
    with pytest.raises(DataError, match="the order of the labels of 'size' is not known"):
        find("tasks", "ordinal")().labels(pl.Series("size", ["small", "large"] * 3), None)


def test_ordered_labels_are_decided_at_the_median() -> None:
    probability = np.array([[0.45, 0.1, 0.45], [0.6, 0.2, 0.2], [0.0, 0.3, 0.7]])
    assert find("tasks", "ordinal")().decide(probability, None).tolist() == [1, 0, 2]
