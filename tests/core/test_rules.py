"""Rules: what they may read, what they decide, their version, and what is refused, by message."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fieldguide.core.documents.config import Config, parse_config
from fieldguide.core.errors import ConfigError, DataError, ModelError
from fieldguide.core.language.rules import Bound, Rule, Rules, bind, coded, signal_kinds, signals, true_signals
from fieldguide.core.problem import Output
from fieldguide.core.table import Column
from fieldguide.parts import find

BUY = Output("buy", find("tasks", "binary")(), ("no", "yes"))
STARS = Output("stars", find("tasks", "ordinal")(), ("1", "2", "3"))
STYLE = Output("style", find("tasks", "multiclass")(), ("saas", "shop", "tools"))
SPEND = Output("spend", find("tasks", "regression")())
MOOD = Output("mood", find("tasks", "multilabel")(), ("calm", "sad"))
BOX = Output("box", find("tasks", "vector")(), ("left", "top"))
COLUMNS = (
    Column("age", "number"), Column("city", "category"), Column("vip", "boolean"), Column("seen", "datetime"),
    Column("photo", "image"), Column("buy", "category", "target"),
    Column("left", "number", "target"), Column("older", "number", read={"expression": "age + 1"}),
    Column("oldest", "number", read={"expression": "older + 1"}),
)  # fmt: skip
FRAME = pl.DataFrame({"age": [20.0, 70.0, None], "city": ["Oslo", "Lima", "Oslo"]})


def rules(*conditions: str, default: str = "wait") -> Rules:
    return Rules(tuple(Rule(f"r{i}", text, f"d{i}") for i, text in enumerate(conditions)), default)


def test_the_first_rule_that_holds_decides_and_what_is_missing_does_not_hold() -> None:
    bound = bind(rules("age > 60", "city = 'Lima'", "age > 100"), (), COLUMNS)
    holds = bound.holds({}, FRAME)
    assert holds.tolist() == [[False, False, False], [True, True, False], [False, False, False]]
    answer = bound.answer((), (), FRAME)
    assert answer["decision"].to_list() == ["wait", "d0", "wait"]
    assert answer["rule"].to_list() == ["(default)", "r0", "(default)"]


@given(st.integers(1, 5).flatmap(lambda k: st.lists(st.lists(st.booleans(), min_size=k, max_size=k), max_size=9)))
def test_decisions_are_those_of_a_plain_loop(table: list[list[bool]]) -> None:
    n = len(table[0]) if table else 1
    names = ["call", "write", "call", "wait", "write"][:n]
    order = Rules(tuple(Rule(f"r{i}", "age > 1", name) for i, name in enumerate(names)), "wait")
    codes, by = bind(order, (), COLUMNS).decided(np.array(table, bool).reshape(len(table), n))
    expected = [next((i for i, holds in enumerate(row) if holds), n) for row in table]
    assert by.tolist() == expected
    assert [order.decisions[code] for code in codes] == [[*names, "wait"][i] for i in expected]


def test_a_version_is_the_hash_of_what_the_rules_say() -> None:
    one = rules("age > 60", "age > 30")
    others = [rules("age > 61", "age > 30"), rules("age > 60", "age > 30", default="go"), rules("age > 30", "age > 60")]
    renamed = Rules((Rule("old", "age > 60", "d0"), one.rules[1]), "wait")
    versions = {r.version for r in (one, renamed, *others)}
    assert len(versions) == 5
    assert rules("age > 60", "age > 30").version == one.version == Rules.from_dict(one.to_dict()).version


def test_signals_are_read_by_name_as_decisions_probabilities_and_values() -> None:
    outputs = (BUY, STARS, SPEND, MOOD, BOX)
    predictions = (
        np.array([[0.4, 0.6]]), np.array([[0.1, 0.2, 0.7]]), np.array([[9.5]]), np.array([[0.2, 0.9]]), np.array([[1.0, 2.0]])
    )  # fmt: skip
    found = {name: series[0] for name, series in signals(outputs, predictions, [0.7, None, None, None, None]).items()}
    assert found["buy"] == "no", "the threshold is 0.7"
    assert found["buy.probability"] == found["probability_buy_yes"] == 0.6
    assert (found["stars"], found["stars.probability"]) == (3.0, 0.7)
    assert (found["spend"], found["mood.calm"], found["mood.sad"]) == (9.5, False, True)
    assert (found["box.left"], found["box.top"], found["probability_mood_sad"]) == (1.0, 2.0, 0.9)
    kinds = signal_kinds(outputs)
    assert set(kinds) == set(found)
    assert (kinds["buy"], kinds["stars"], kinds["mood.sad"]) == ("category", "number", "boolean")


def test_one_output_has_its_probabilities_under_the_names_of_predict_too() -> None:
    assert "probability_yes" in signal_kinds((BUY,))
    assert "probability_yes" not in signal_kinds((BUY, STARS))


def test_true_signals_are_sure() -> None:
    truths = (np.array([1, 0]), np.array([2, 0]), np.array([5.0, 6.0]), np.array([[1, 0], [0, 0]]))
    found = true_signals((BUY, STARS, SPEND, MOOD), truths)
    assert found["buy"].to_list() == ["yes", "no"]
    assert found["buy.probability"].to_list() == [1.0, 0.0]
    assert found["stars"].to_list() == [3.0, 1.0]
    assert found["spend"].to_list() == [5.0, 6.0]
    assert found["mood.calm"].to_list() == [True, False]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("aeg > 60", r"the rule 'r0' cannot be used: there is no column 'aeg' \(did you mean 'age'\?\)"),
        ("city > 3", "'>' mixes text and a number"),
        ("city > 'b'", "'>' cannot order text"),
        ("age + 1", "the expression does not give true or false.*it gives a number"),
        ("style = 'sas'", r"the signal 'style' has no label 'sas' \(did you mean 'saas'\?\).*its labels are saas, shop, tools"),
        ("'sas' = style", "the signal 'style' has no label 'sas'"),
        ("style in ['saas', 'shp']", r"no label 'shp' \(did you mean 'shop'\?\)"),
        ("stars = 4", "the signal 'stars' has no label '4'.*its labels are 1, 2, 3"),
        ("stars = '3'", "'=' mixes a number and text"),
        ("probability_style_sas > 0.5", r"no column 'probability_style_sas' \(did you mean 'probability_style_saas'\?\)"),
        ("is_missing(photo)", "there is no column 'photo'"),
        ("__import__('os') = 1", "there is no function '__import__'"),
    ],
)  # fmt: skip
def test_a_rule_that_cannot_be_used_says_why_and_where(text: str, said: str) -> None:
    with pytest.raises(ConfigError, match=f"(?s){said}"):
        bind(rules(text), (STARS, STYLE), COLUMNS)


def test_all_rules_that_cannot_be_used_are_told_at_once() -> None:
    with pytest.raises(ConfigError, match=r"(?s)2 rules cannot be used.*'r0': there is no column 'x'.*'r2': '>' mixes"):
        bind(rules("x > 1", "age > 1", "city > 1"), (), COLUMNS)


def test_a_forecast_is_no_signal() -> None:
    coming = Output("load", find("tasks", "forecast")())
    with pytest.raises(ConfigError, match="rules cannot decide by 'load', which is a forecast"):
        bind(rules("age > 1"), (coming,), COLUMNS)


def test_the_predicted_target_stands_in_place_of_its_column() -> None:
    bound = bind(rules("buy = 'yes' and oldest > 30"), (BUY,), COLUMNS)
    assert [column.name for column in bound.columns] == ["age", "older", "oldest"], "what derived columns are made of"
    with pytest.raises(ConfigError, match="there is no column 'left'"):
        bind(rules("left > 3"), (BUY, BOX), COLUMNS)


def test_bound_rules_survive_their_description_and_no_other_text_passes_for_them() -> None:
    bound = bind(rules("buy = 'yes' and older > 30"), (BUY,), COLUMNS)
    data = bound.to_dict()
    again = Bound.from_dict(data, (BUY,))
    assert again.rules == bound.rules
    assert again.columns == bound.columns
    data["default"] = "sell"
    with pytest.raises(ModelError, match="not of the version they say"):
        Bound.from_dict(data, (BUY,))
    with pytest.raises(ModelError, match="these are no rules"):
        Rules.from_dict({"order": [{"name": "a"}], "default": "x"})


def test_a_column_of_true_decisions_is_read_as_decisions() -> None:
    known = Rules((Rule("a", "age > 1", "1"),), "0")
    assert coded(pl.Series("t", [1.0, 0.0, None]), known).tolist() == [0, 1, -1]
    with pytest.raises(
        DataError, match=r"no rule decides 'wiat', which stands in column 't' \(did you mean 'wait'\?\)"
    ):
        coded(pl.Series("t", ["wiat", "d0"]), rules("age > 1"))


BASE = "problem: {target: [buy, stars]}\ndata: {table: t.csv}\n"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("rules: {order: [{name: a, when: age > 1}], default: x}", r"line 3, rules.order\[0\].decide: is required"),
        ("rules: {order: [{name: a, when: age > 1, decide: y}]}", "rules.default: is required"),
        ("rules: {order: [], default: x}", "rules.order: must be a list of rules"),
        (
            "rules: {order: [{name: a, when: age > 1, decide: y}, {name: a, when: age > 2, decide: z}], default: x}",
            r"rules.order\[1\].name: two rules have the same name; found 'a'",
        ),
        ("rules: {order: [{name: a, when: age >, decide: y}], default: x}", r"rules.order\[0\].when: the expression cannot be read"),
        ("rules: {order: [{name: a, wen: age, when: age > 1, decide: y}], default: x}", r"wen: unknown key \(did you mean 'when'\?\)"),
        ("rules: {order: [{name: a, when: age > 1, decide: y}], default: x, truth: t}", r"rules.truth: is known only afterwards.*\{t: ignore\}"),
    ],
)  # fmt: skip
def test_mistakes_in_the_section_are_told_with_their_line(text: str, said: str) -> None:
    with pytest.raises(ConfigError, match=f"(?s){said}"):
        parse_config(BASE + text, Path("/studies"))


def test_names_that_the_table_does_not_have_are_told_before_anything_is_read() -> None:
    from fieldguide.core.documents.config import check_names

    text = (
        "rules: {order: [{name: a, when: buy = 'yes' and `buy.probability` > 0.5 and aeg > 1, decide: y}], default: x}"
    )
    config = parse_config(BASE + text, Path("/studies"))
    with pytest.raises(ConfigError, match=r"rules.order\[0\].when: there is no column 'aeg' \(did you mean 'age'\?\)"):
        check_names(config, ["buy", "stars", "age"], {})


def test_the_section_survives_plain_data() -> None:
    said: dict[str, Any] = {"order": [{"name": "a", "when": "age > 1", "decide": "1"}], "default": "0"}
    config = Config.from_dict({"problem": {"target": "buy"}, "data": {"table": "t.csv"}, "rules": said}, "/studies")
    assert config.rules is not None
    assert config.rules.order[0].decide == "1"
    assert Config.from_dict(config.to_dict()) == config
