"""contract.yaml: all mistakes at once with lines, what contradicts itself, and how accepted versions are found."""

from __future__ import annotations

from pathlib import Path

import pytest

from fieldguide.core.documents.data_contract import (
    Agreed,
    Contract,
    changed,
    check_columns,
    load_contract,
)
from fieldguide.core.errors import ConfigError

BAD = """features:
  age: {kind: numbr, range: [100, 17], versin: 2}
  city: {kind: category, range: [1, 2], available: soon, coverage: 95, deprecated: {replaced_by: cty}}
  town: {version_of: city, categories: [a], deprecated: {since: soon}}
  pay: {kind: number, categories: [1, 2]}
  own: {deprecated: {replaced_by: own}}
targets:
  y: {version: 0, expression: "spend >"}
  z: {definition: d, of: q}
"""


def test_all_mistakes_are_told_at_once(tmp_path: Path) -> None:
    (tmp_path / "contract.yaml").write_text(BAD)
    with pytest.raises(ConfigError) as caught:
        load_contract(tmp_path / "contract.yaml")
    for told in (
        "line 2, features.age.kind: must be one of number, category, boolean, datetime, text, image, audio, series, id (did you mean 'number'?); found 'numbr'",
        "line 2, features.age.range: must hold the lowest value first, and two of the same kind",
        "line 2, features.age.versin: unknown key (did you mean 'version'?)",
        "line 3, features.city.range: only numbers and dates have a range; found 'kind: category'",
        "line 3, features.city.available: must be `at prediction`, or when it is known against it: -1d, +2h",
        "line 3, features.city.coverage: must be at most 1; found '95'",
        "line 3, features.city.deprecated: replaced_by names no feature of the contract (did you mean 'city'?); found 'cty'",
        "line 4, features.town.version: 'city' is version 1 of 'city' already",
        "line 4, features.town.deprecated.since: must be a date, such as 2024-01-31; found 'soon'",
        "line 5, features.pay.categories: only categories and booleans have categories; found 'kind: number'",
        "line 6, features.own.deprecated: a feature cannot replace itself",
        "line 8, targets.y.definition: is required",
        "line 8, targets.y.version: must be at least 1",
        "line 8, targets.y.expression: the expression cannot be read at character 8",
        "line 9, targets.z.of: needs grouping",
    ):
        assert told in str(caught.value)


def test_a_contract_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"cannot be read.*fieldguide features FOLDER --write"):
        load_contract(tmp_path / "contract.yaml")


def test_a_target_is_computed_from_columns_there_are() -> None:
    contract = Contract.from_dict({"targets": {"y": {"definition": "d", "expression": "spnd > 3"}}})
    with pytest.raises(
        ConfigError, match=r"targets.y.expression: there is no column 'spnd' \(did you mean 'spend'\?\)"
    ):
        check_columns(contract, ["spend", "y"])
    check_columns(contract, ["spnd"])


@pytest.mark.parametrize(
    ("available", "seconds"), [("at prediction", 0), ("-1d", -86_400), ("+2h", 7_200), ("3w", 1_814_400)]
)
def test_when_a_feature_is_known(available: str, seconds: int) -> None:
    assert Contract.from_dict({"features": {"x": {"available": available}}}).features["x"].delay == seconds


def test_a_range_may_be_open_or_of_dates() -> None:
    said = Contract.from_dict({"features": {"x": {"range": [0, None]}, "d": {"range": ["2020-01-01", None]}}}).features
    assert said["x"].range == (0.0, None) and said["d"].range == ("2020-01-01", None)


@pytest.mark.parametrize(
    ("ends", "told"),
    [
        ([0], "must be a list of the lowest and the highest value"), (5, "must be a list of the lowest and the highest value"),
        ([0, True], "must hold numbers, or dates such as 2024-01-31"), (["soon", None], "must hold numbers, or dates such as 2024-01-31"),
        ([float("-inf"), 3], "must hold finite numbers"), ([float("nan"), 3], "must hold finite numbers"),
        ([3, 2], "must hold the lowest value first, and two of the same kind"), (["2024-01-31", 5], ".*two of the same kind"),
    ],
)  # fmt: skip
def test_a_range_that_bounds_nothing_is_refused(ends: object, told: str) -> None:
    with pytest.raises(ConfigError, match=f"features.x.range: {told}"):
        Contract.from_dict({"features": {"x": {"range": ends}}})
    assert Contract.from_dict({"features": {"x": {"range": [3, 3]}}}).features["x"].range == (3.0, 3.0)


def test_a_contract_that_says_nothing_agrees_with_every_table() -> None:
    check_columns(Contract(), ["spend"])
    assert Agreed(Contract()).state == {"contract": {"features": {}, "targets": {}}, "accepted": 0}


def test_the_accepted_state_of_the_very_version_is_found() -> None:
    contract = Contract.from_dict(
        {"features": {"old": {"version_of": "age"}, "new": {"version_of": "age", "version": 2}}}
    )
    records = tuple(
        {"features": {"x": {"feature": "age", "version": version, "n": n}}, "targets": {}, "table": "h"}
        for n, version in enumerate((1, 2, 1))
    )
    agreed = Agreed(contract, records)
    assert (agreed.accepted_feature("old") or {})["n"] == 2 and (agreed.accepted_feature("new") or {})["n"] == 1
    assert Agreed(contract).accepted_feature("old") is None


def test_only_what_was_said_can_change() -> None:
    before = {"meaning": "Age in  years.", "unit": "", "kind": "number"}
    assert (
        changed(before, {"meaning": "age in years", "unit": "years", "kind": "number"}, ("meaning", "unit", "kind"))
        == {}
    )
    assert changed(before, {**before, "kind": "category"}, ("meaning", "kind")) == {"kind": ["number", "category"]}
