"""Effects of columns on the score that an answer was about: by hand, for two labels, for several, and for sets."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from fieldguide import parts
from fieldguide.core import answering
from fieldguide.core.answering import Contract, answered, own_parts, typical_effects
from fieldguide.core.explanation import Explanation
from fieldguide.core.problem import Output
from fieldguide.core.table import Column

GOLDEN = [{"a": 0.0, "b": 1.0}, {"a": 2.0, "b": 5.0}]
ROWS = [{"a": 10.0, "b": 3.0}, {"a": 1.0, "b": 8.0}]


def contract(family: str, labels: tuple[str, ...], monkeypatch: pytest.MonkeyPatch) -> Any:
    """Return a contract whose model says a, b and a + 10 b of a row: the scores of three labels."""

    def answered(model: object, cells: list[dict[str, float]]) -> Any:
        a, b = (np.array([row[name] for row in cells]) for name in "ab")
        said = np.column_stack([a, b, a + 10 * b])
        best = said[:, :2].argmax(1) if family != "binary" else np.zeros(len(a), int)
        return SimpleNamespace(
            predictions=(said,), scores=said[np.arange(len(a)), best], decisions=[labels[i] for i in best]
        )

    monkeypatch.setattr(answering, "read_request", lambda contract, rows: (rows, [], []))
    monkeypatch.setattr(answering, "answered", answered)
    columns = (SimpleNamespace(name="a"), SimpleNamespace(name="b"))
    model = SimpleNamespace(outputs=(SimpleNamespace(family=family, labels=labels),))
    return SimpleNamespace(golden=lambda: GOLDEN, read=columns, model=model)


def test_the_effect_on_a_score_is_its_distance_from_the_mean_over_typical_values(monkeypatch: pytest.MonkeyPatch) -> None:  # fmt: skip
    found = typical_effects(contract("binary", ("yes", "no"), monkeypatch), ROWS)  # the score is a
    assert found == [{"a": 10.0 - 1.0, "b": 0.0}, {"a": 1.0 - 1.0, "b": 0.0}]


@pytest.mark.parametrize("family", ["multiclass", "multilabel", "structure"])
def test_of_several_labels_the_score_is_that_of_the_rows_own_throughout(family: str, monkeypatch: pytest.MonkeyPatch) -> None:  # fmt: skip
    """The first row is decided for a, the second for b: also where another value would have decided otherwise."""
    found = typical_effects(contract(family, ("a", "b", "both"), monkeypatch), ROWS)
    assert found == [{"a": 10.0 - 1.0, "b": 0.0}, {"a": 0.0, "b": 8.0 - 3.0}]


def test_a_row_that_breaks_the_contract_has_no_effects(monkeypatch: pytest.MonkeyPatch) -> None:
    told = contract("binary", ("yes", "no"), monkeypatch)
    monkeypatch.setattr(answering, "read_request", lambda contract, rows: (None, [], ["a is no number"]))
    with pytest.raises(ValueError, match="a row breaks the contract: a is no number"):
        typical_effects(told, ROWS)


def test_the_example_of_a_column_is_the_first_golden_cell_that_is_known() -> None:
    columns = (Column("age", "number"), Column("city", "category"), Column("twice", "number", read={"expression": "age * 2"}), Column("never", "number"))  # fmt: skip
    golden = {"rows": [{"age": None, "city": "Lima"}, {"age": 0.0, "city": "Oslo"}, {"age": 7.0, "city": None}]}
    rules = SimpleNamespace(columns=(columns[1], Column("stock", "number")), rules=SimpleNamespace(version="v1"))
    model = SimpleNamespace(columns=columns, golden=golden, rules=rules, folder=None)
    found = Contract.of(model)  # type: ignore[arg-type]
    assert [column.name for column in found.sent] == ["age", "city", "never", "stock"]
    assert found.examples == {"age": 0.0, "city": "Lima", "never": None, "stock": None}
    assert [column.name for column in found.read] == ["age", "city", "never"] and found.derives
    assert found.golden()[1] == {"age": 0.0, "city": "Oslo", "never": None, "stock": None}
    assert found.example() == {"age": None, "city": "Lima", "never": None, "stock": None}
    assert (found.rules, found.hash, found.media) == ("v1", "", ())
    assert answering._sample(found, columns[0]) == "0.0 or null" and answering._sample(found, columns[3]) == "null"
    assert answering._sample(found, columns[1]) == "'Lima' or null"
    bare = Contract.of(SimpleNamespace(columns=columns[:2], golden={}, rules=None, folder=None))  # type: ignore[arg-type]
    assert (bare.examples, bare.derives, bare.rules) == ({"age": None, "city": None}, False, "")


def test_the_score_and_the_decision_are_those_of_the_first_output() -> None:
    said = (np.array([[0.2, 0.8], [0.9, 0.1]]), np.array([[5.0], [6.0]]))
    model = SimpleNamespace(
        predictor=SimpleNamespace(predict=lambda cells, n_rows: said), decide=lambda predictions: [["yes", "no"], [5.0, 6.0]],
        outputs=(Output("bought", parts.find("tasks", "binary")(), ("no", "yes")), Output("price", parts.find("tasks", "regression")())),
    )  # fmt: skip
    found = answered(model, Cells())  # type: ignore[arg-type]
    assert found.decisions == ["yes", "no"] and found.scores.tolist() == [0.8, 0.1]
    assert found.predictions is said


class Cells:
    """Two rows that were read."""

    cells = ("x",)

    def __len__(self) -> int:
        return 2


@pytest.mark.parametrize(("family", "which"), [("binary", [1, 1]), ("multiclass", [2, 0]), ("multilabel", [2, 0]), ("values", [0, 0])])  # fmt: skip
def test_parts_are_those_of_the_answer_that_a_row_got(family: str, which: list[int], monkeypatch: pytest.MonkeyPatch) -> None:  # fmt: skip
    asked: list[Any] = []

    class Trees:
        name = "tree"

        def declines(self, predictor: Any) -> str:
            return ""

        def explain(self, predictor: Any, rows: Any, background: Any, **how: Any) -> Explanation:
            asked.append((background, how["which"].tolist(), how["output"], how["seed"]))
            return Explanation(
                ("a", "b"), np.array([[1.0, 2.0], [0.0, 4.0]]), np.full(2, 10.0), np.array([13.5, 14.0]), "log-odds"
            )

    said = np.array([[0.1, 0.2, 0.7], [0.6, 0.3, 0.1]])
    model = SimpleNamespace(
        find=lambda kind, name: Trees, outputs=(SimpleNamespace(family=family),), predictor=SimpleNamespace(predict=lambda cells, n: (said,))
    )  # fmt: skip
    monkeypatch.setattr(
        answering, "read_request", lambda contract, rows: ("golden" if rows is GOLDEN else Cells(), [], [])
    )
    found = own_parts(SimpleNamespace(model=model, golden=lambda: GOLDEN), ROWS)  # type: ignore[arg-type]
    assert asked == [("golden", which, 0, 0)]
    assert found == {"explainer": "tree", "scale": "log-odds", "rows": [
        {"base": 10.0, "score": 13.5, "parts": {"a": 1.0, "b": 2.0}, "error": -0.5},
        {"base": 10.0, "score": 14.0, "parts": {"a": 0.0, "b": 4.0}, "error": 0.0},
    ]}  # fmt: skip
    monkeypatch.setattr(Trees, "declines", lambda self, predictor: "a blend")
    assert own_parts(SimpleNamespace(model=model, golden=lambda: GOLDEN), ROWS) is None  # type: ignore[arg-type]


def test_the_example_of_a_picture_is_its_beginning() -> None:
    column, uri = Column("photo", "image"), "data:image/png;base64," + 200 * "A"
    model = SimpleNamespace(columns=(column,), golden={"rows": [{"photo": uri}]}, rules=None, folder=None)
    told = Contract.of(model)  # type: ignore[arg-type]
    assert answering._sample(told, column) == f"{uri[:40]}… or null" and told.media == (0,)
    problem = answering._broken(told, column, 3, "no picture" * 50)
    assert (problem.row, problem.column) == (3, "photo") and len(problem.value) < 100
    assert problem.rule == "an image as a data: URI in base64, or null"
