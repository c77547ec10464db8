"""FG328: a column that groups rows and was not declared."""

from __future__ import annotations

import numpy as np
import pytest
from check_cases import roles_of
from leak_cases import explored, handed

from fieldguide.parts.checks.fg328_undeclared_group import UndeclaredGroup
from fieldguide.testing import check_check


def schools(n_levels: int, each: int, effect: float, seed: int = 0) -> tuple[np.ndarray, dict[str, np.ndarray]]:
    rng = np.random.default_rng(seed)
    school = rng.permutation(np.repeat(np.arange(n_levels), each))
    x = rng.normal(size=(2, len(school)))
    lift = effect * rng.normal(size=n_levels)
    columns = {"school": np.array([f"name {i}" for i in school]), "hours": x[0], "noise": x[1]}
    return x[0] + lift[school] + rng.normal(size=len(school)), columns


def run(case):
    return [f for f in UndeclaredGroup().run(**handed(case, UndeclaredGroup())) if f.fired]


def test_schools_that_lift_their_pupils_are_named_and_others_not():
    points, columns = schools(50, 30, 2.0)
    nothing, alike = schools(50, 30, 0.0)
    check, case, clean = UndeclaredGroup(), explored(points, **columns), explored(nothing, **alike)
    found = [f for f in check_check(check, handed(case, check), handed(clean, check)) if f.fired]
    assert [f.columns for f in found] == [("school",)]
    assert found[0].remedy.startswith("If the model will meet new values of it, set data.group: school")
    (told,) = found[0].evidence["columns"]
    assert told["levels"] == 50 and told["known"] > 0.5 and told["new"] < 0.3 and told["p"] < 0.01


def test_columns_that_name_the_same_groups_are_one_finding():
    points, columns = schools(50, 30, 2.0)
    number = np.random.default_rng(0).permutation(900)[np.unique(columns["school"], return_inverse=True)[1]]
    (finding,) = run(explored(points, **columns, size=number.astype(float)))
    assert set(finding.columns) == {"school", "size"} and "So do " in finding.sentence


def test_a_declared_group_is_not_named_again():
    points, columns = schools(50, 30, 2.0)
    blocks = np.unique(columns["school"], return_inverse=True)[1]
    assert run(explored(points, blocks=blocks, **columns)) == []


def test_customers_of_habit_are_named():
    rng = np.random.default_rng(1)
    who = rng.permutation(np.repeat(np.arange(260), 7))
    habit, price = 2.2 * rng.normal(size=260), rng.gamma(2, 40, len(who))
    back = rng.random(len(who)) < 1 / (1 + np.exp(-habit[who]))
    (finding,) = run(explored(back, who=np.array([f"n{i}" for i in who]), price=price))
    assert finding.columns == ("who",)
    (finding,) = run(explored(back, who=rng.permutation(260)[who].astype(float), price=price))  # numbers in no order
    assert finding.columns == ("who",)


@pytest.mark.parametrize("seed", range(3))
def test_ordinary_categories_are_quiet(seed):
    rng = np.random.default_rng(seed)
    job, x = rng.integers(0, 15, 2500), rng.normal(size=(3, 2500))
    pay = 0.4 * rng.normal(size=15)[job] + x[0] + 0.7 * x[1] + rng.normal(size=2500)
    case = {
        "job": np.array([f"job {i}" for i in job]),
        "a": x[0],
        "b": x[1],
        "age": rng.integers(18, 90, 2500).astype(float),
    }
    assert run(explored(pay + 0.02 * (case["age"] - 50), **case)) == []


def clinics(own: float, marker: float) -> tuple[np.ndarray, dict[str, np.ndarray]]:
    rng = np.random.default_rng(0)
    ill = rng.random(2000) < 0.4
    cases = np.where(rng.random(2000) < own, ill, ~ill)
    clinic = np.where(cases, rng.choice(["Alder", "Birch"], 2000), rng.choice(["Cedar", "Dogwood"], 2000))
    columns = {
        "clinic": clinic,
        "gain": 1 + 0.3 * cases + 0.1 * rng.normal(size=2000),
        "marker": marker * ill + rng.normal(size=2000),
    }
    return ill, columns


def test_clinics_of_cases_and_controls_are_named_with_what_gives_them_away():
    ill, columns = clinics(0.95, 0.4)
    (finding,) = run(explored(ill, **columns))
    assert finding.columns == ("clinic", "gain") and finding.evidence["alone"] > 0.5
    assert finding.evidence["exclude"] == ["clinic", "gain"]
    assert "set data.columns.clinic: feature." in finding.remedy
    alone = {name: values for name, values in columns.items() if name != "gain"}
    (finding,) = run(explored(ill, **alone))
    assert "exclude" not in finding.evidence and "set data.columns.clinic: ignore." in finding.remedy
    assert run(explored(clinics(0.95, 4.0)[0], **clinics(0.95, 4.0)[1])) == []  # a marker that tells within clinics
    assert run(explored(clinics(0.7, 0.4)[0], **clinics(0.7, 0.4)[1])) == []


def test_few_rows_and_time_are_not_applicable():
    points, columns = schools(10, 10, 2.0)
    case = handed(explored(points, **columns), UndeclaredGroup())
    assert [f.status for f in UndeclaredGroup().run(**case)] == ["not_applicable"]
    points, columns = schools(50, 30, 2.0)
    case = handed(explored(points, **columns), UndeclaredGroup()) | {"roles": roles_of(1500, times=range(1500))}
    assert [f.status for f in UndeclaredGroup().run(**case)] == ["not_applicable"]
