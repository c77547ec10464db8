"""The assumptions of a study, tested: predictable from the inputs, enough rows."""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import polars as pl
import pytest

from fieldguide import parts
from fieldguide.core.contracts import Roles
from fieldguide.core.problem import Output, Problem
from fieldguide.core.table import Column, Table
from fieldguide.steps.checking import checked
from fieldguide.steps.explore.assumptions import MANY_LABELS, assumptions, goal_of

AUC = {"metric": "roc_auc", "settings": {}, "smallest_difference": 0.01}
RMSE = {"metric": "rmse", "settings": {}, "smallest_difference": 0.01}


def study(y, task="binary", labels=("no", "yes"), **columns):
    n = len(y)
    kind = "number" if task == "regression" else "category"
    frame = pl.DataFrame({**columns, "y": y}).with_columns(pl.col(pl.Int64).cast(pl.Float64))
    table = Table(frame, (*(Column(name, "number") for name in columns), Column("y", kind, "target")))
    output = Output("y", parts.find("tasks", task)(), () if task == "regression" else labels)
    return table, Problem((output,)), Roles(np.arange(n, dtype=np.uint64), np.arange(n))


def of(found, kind):
    return next(test for test in found if test.get("kind") == kind)


def test_a_signal_is_seen_and_a_steep_curve_asks_for_rows():
    rng = np.random.default_rng(0)
    x = {f"x{i}": rng.normal(size=1_500) for i in range(8)}
    y = sum(x.values()) + rng.normal(0, 0.5, 1_500)
    table, problem, roles = study(y, "regression", **x)
    fine = {**RMSE, "smallest_difference": 0.001}
    found = assumptions(table, replace(problem, assumptions=("Prices are stable",)), roles, [fine])
    json.dumps(found, allow_nan=False)
    assert of(found, "predictable")["holds"] and of(found, "predictable")["p"] == 0.005
    curve = of(found, "enough")
    assert curve["holds"] is False and curve["gain_interval"][0] > 0.001 == curve["worth"]
    assert [point["n"] for point in curve["curve"]] == [66, 131, 262, 525, 1_050]
    scores = [point["score"] for point in curve["curve"]]
    assert scores == sorted(scores, reverse=True)  # rmse falls
    assert found[-1] == {"assumption": "Prices are stable", "tested": False}
    fired = {f.code: f for f in checked("explore", assumptions=found) if f.fired}
    assert set(fired) == {"FG336"}
    assert fired["FG336"].sentence.startswith("Twice the 1,500 rows would buy 'y' about 0.")


def test_twice_the_rows_are_predicted_roughly_right():
    rng = np.random.default_rng(1)
    x = rng.normal(size=(4_000, 8))
    y = x.sum(axis=1) + rng.normal(0, 0.5, 4_000)

    def made(n):
        return study(y[:n], "regression", **{f"x{i}": x[:n, i] for i in range(8)})

    half, whole = (of(assumptions(*made(n), [RMSE]), "enough") for n in (1_000, 2_000))
    low, high = half["ahead"][1]["interval"]
    seen = whole["ahead"][0]["fitted"]
    assert low - 0.1 <= seen <= high + 0.1


def test_noise_is_called_noise_and_has_no_curve_to_climb():
    rng = np.random.default_rng(2)
    table, problem, roles = study(rng.choice(["no", "yes"], 600), **{f"x{i}": rng.normal(size=600) for i in range(5)})
    found = assumptions(table, problem, roles, [AUC])
    assert not of(found, "predictable")["holds"]
    fired = {f.code: f for f in checked("explore", assumptions=found) if f.fired}
    assert set(fired) == {"FG335"} and fired["FG335"].severity == "warning"
    assert "no better than its shuffles" in fired["FG335"].sentence


def test_a_signal_in_a_product_of_three_is_found_by_the_second_test():
    rng = np.random.default_rng(3)
    x = np.where(rng.random((3_000, 3)) < 0.5, -1.0, 1.0)
    y = np.where(x.prod(axis=1) * np.where(rng.random(3_000) < 0.05, -1, 1) > 0, "yes", "no")
    table, problem, roles = study(y, **{f"x{i}": x[:, i] + rng.normal(0, 0.1, 3_000) for i in range(3)})
    assert of(assumptions(table, problem, roles, [AUC]), "predictable")["holds"]


def test_several_classes_and_few_rows():
    rng = np.random.default_rng(4)
    x = rng.normal(size=150)
    y = np.array(["a", "b", "c"])[np.digitize(x, [-0.5, 0.5])]
    table, problem, roles = study(y, "multiclass", ("a", "b", "c"), x=x)
    found = assumptions(table, problem, roles, [{"metric": "log_loss", "settings": {}, "smallest_difference": None}])
    assert of(found, "predictable")["holds"] and of(found, "predictable")["roc_auc"] is None
    assert of(found, "enough")["holds"] is None and "too few for a curve" in of(found, "enough")["silence"]
    silent = {f.code: f.status for f in checked("explore", assumptions=found)}
    assert (silent["FG335"], silent["FG336"]) == ("passed", "skipped")


@pytest.mark.parametrize("success", [0.0001, 10.0])
def test_what_a_gain_is_worth_decides(success):
    rng = np.random.default_rng(0)
    x = {f"x{i}": rng.normal(size=800) for i in range(6)}
    table, problem, roles = study(sum(x.values()), "regression", **x)
    found = of(assumptions(table, replace(problem, success=success), roles, [RMSE]), "enough")
    assert found["worth"] == success and found["holds"] is (success == 10.0)


def test_many_classes_are_told_from_their_shuffles_on_random_sums_and_a_curve_that_cannot_be_judged_is_not_fitted():
    rng = np.random.default_rng(3)
    labels = tuple(f"c{i:02}" for i in range(40))
    truth = np.repeat(np.arange(40), 5)
    x = {"x": truth + rng.normal(0, 1.0, 200), "z": rng.normal(size=200)}
    table, problem, roles = study([labels[i] for i in truth], "multiclass", labels, **x)
    loss = {"metric": "log_loss", "settings": {}, "smallest_difference": 0.01}
    found = assumptions(table, problem, roles, [loss])
    assert of(found, "predictable")["holds"] and of(found, "predictable")["p"] == 0.005
    assert of(found, "enough")["silence"] == "too few rows of a class for a curve"
    assert goal_of(problem.output, truth).shape == (200, MANY_LABELS)
    blank, problem, roles = study([labels[i] for i in truth], "multiclass", labels, z=rng.permutation(x["z"]))
    assert of(assumptions(blank, problem, roles, [loss]), "predictable")["holds"] is False
