"""Doubts: the same model scored as if a fault of the file were gone, against worlds whose answer is known."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest

from fieldguide.core.finding import Finding
from fieldguide.core.problem import Output, Problem
from fieldguide.core.rows import Rows
from fieldguide.parts import find
from fieldguide.parts.checks.fg309_conflicting_labels import beyond_chance
from fieldguide.steps.finalize.doubts import Judged, doubted

N = 2000


def bench_of(task: str, metric: str) -> SimpleNamespace:
    labels = ("no", "yes") if task == "binary" else ()
    output = Output("y", find("tasks", task)(), labels, metric=find("metrics", metric)())
    return SimpleNamespace(problem=Problem((output,)), seed=0)


def judged(cells, truth, answer, keys=None) -> Judged:
    n = len(truth)
    keys = np.arange(n, dtype=np.uint64) if keys is None else keys
    return Judged(Rows((), cells, (truth,), None, n), (answer,), keys, np.arange(n), None)


def finding(code: str, evidence: dict, severity: str = "warning") -> Finding:
    return Finding(code, severity, "said", remedy="do", evidence=evidence)


def both(p: np.ndarray) -> np.ndarray:
    return np.column_stack([1 - p, p])


def test_cells_missing_with_the_outcome_are_left_out():
    rng = np.random.default_rng(0)
    truth = rng.integers(0, 2, N)
    x = truth + 2.0 * rng.normal(size=N)
    gone = rng.random(N) < np.where(truth == 1, 0.5, 0.05)
    answer = both(np.where(gone, 0.99, 1 / (1 + np.exp(-x / 4))))
    sealed = judged({"x": np.where(gone, np.nan, x)}, truth, answer)
    test = {"column": "x", "with": "target"}
    (doubt,) = doubted(bench_of("binary", "roc_auc"), [finding("FG320", {"tests": [test]})], sealed, None, None)
    auc = find("metrics", "roc_auc")()
    assert doubt["value"] == pytest.approx(auc.score(truth[~gone], answer[~gone]))
    assert (doubt["says"], doubt["n"]) == ("on rows where 'x' is known", int((~gone).sum()))
    assert doubt["interval"][1] < auc.score(truth, answer)
    elsewhere = finding("FG320", {"tests": [{"column": "x", "with": "time"}]})
    assert doubted(bench_of("binary", "roc_auc"), [elsewhere], sealed, None, None) == []


def test_a_source_in_another_unit_is_answered_in_one():
    rng = np.random.default_rng(1)
    size, feet = rng.normal(80, 20, N), rng.random(N) < 0.25
    cells = {
        "size": np.where(feet, 10.764 * size, size),
        "agency": np.array(np.where(feet, "Hart", "Lind"), dtype=object),
    }

    def answer(cells, n):  # has learned that Hart writes square feet
        hart = cells["agency"] == "Hart"
        return (np.where(hart, cells["size"] / 10.764, cells["size"])[:, None],)

    sealed = judged(cells, size, answer(cells, N)[0])
    found = {"size": {"kind": "segment", "segment": "agency", "value": "Hart", "times": 10.764, "bound": None}}
    (doubt,) = doubted(bench_of("regression", "rmse"), [finding("FG325", {"breaks": found})], sealed, answer, None)
    wrong = size[feet] / 10.764
    assert doubt["value"] == pytest.approx(np.sqrt(((wrong - size[feet]) ** 2).sum() / N))
    assert doubt["says"] == "with 'size' where 'agency' is 'Hart' in the unit of the other rows"
    along = {"size": {**found["size"], "kind": "time"}}
    assert doubted(bench_of("regression", "rmse"), [finding("FG325", {"breaks": along})], sealed, answer, None) == []


def test_equal_rows_with_both_labels_are_left_out_where_chance_cannot_explain_them():
    rng = np.random.default_rng(2)
    keys = np.concatenate([np.arange(1000), np.arange(400)]).astype(np.uint64)
    p = rng.random(1000)
    truth = (rng.random(1000) < p).astype(np.int64)
    truth, p = np.concatenate([truth, 1 - truth[:400]]), np.concatenate([p, p[:400]])
    assert beyond_chance(keys.astype(np.int64), truth)
    sealed = judged({"x": p}, truth, both(p), keys)
    (doubt,) = doubted(bench_of("binary", "roc_auc"), [finding("FG309", {"beyond_chance": True})], sealed, None, None)
    alone = np.arange(400, 1000)
    assert doubt["value"] == pytest.approx(find("metrics", "roc_auc")().score(truth[alone], both(p)[alone]))
    assert (
        doubted(bench_of("binary", "roc_auc"), [finding("FG309", {"beyond_chance": False})], sealed, None, None) == []
    )


def test_repeated_measurements_of_a_chance_are_within_chance():
    rng = np.random.default_rng(3)
    p = rng.random(600)
    truth = (rng.random((2, 600)) < p).astype(np.int64).ravel()
    assert not beyond_chance(np.tile(np.arange(600), 2), truth)


@pytest.mark.parametrize(
    ("metric", "k"),
    [("roc_auc", 2), ("log_loss", 2), ("accuracy", 2), ("balanced_accuracy", 2), ("brier", 2), ("roc_auc", 3), ("log_loss", 3), ("accuracy", 3)],
)  # fmt: skip
def test_labels_that_seem_wrong_are_put_right_by_their_share(metric, k):
    rng, share, labels = np.random.default_rng(4), 0.15, ("a", "b", "c")[:k]
    p = rng.dirichlet(np.full(k, 0.5), 8_000)
    right = (rng.random(8_000)[:, None] > np.cumsum(p, axis=1)[:, :-1]).sum(axis=1)
    wrong = (right + rng.integers(1, k, 8_000)) % k
    given = np.where(rng.random(8_000) < share, wrong, right)
    task = "binary" if k == 2 else "multiclass"
    output = Output("y", find("tasks", task)(), labels, metric=find("metrics", metric)())
    bench = SimpleNamespace(problem=Problem((output,)), seed=0)
    found = finding("FG326", {"output": "y", "share": share})
    threshold = 0.5 if k == 2 else None
    (doubt,) = doubted(bench, [found], judged({}, given, p), None, threshold)
    part = find("metrics", metric)()
    read = p.argmax(axis=1) if part.reads == "decision" else p
    low, high = doubt["interval"]
    assert low <= part.score(right, read) <= high and not low <= part.score(given, read) <= high
    assert (doubt["says"], doubt["n"]) == ("with the 15.0 % of labels that seem wrong put right", 8_000)
    assert (
        doubted(bench, [finding("FG326", {"output": "z", "share": share})], judged({}, given, p), None, threshold) == []
    )
    half = finding("FG326", {"output": "y", "share": 1 - 1 / k})
    assert doubted(bench, [half], judged({}, given, p), None, threshold) == [], "labels that tell nothing"


def test_few_rows_say_nothing():
    truth = np.arange(60) % 2
    cells = {"x": np.where(np.arange(60) < 20, np.nan, 1.0)}
    test = {"column": "x", "with": "target"}
    sealed = judged(cells, truth, both(np.full(60, 0.5)))
    assert doubted(bench_of("binary", "roc_auc"), [finding("FG320", {"tests": [test]})], sealed, None, None) == []
