"""Derived columns: one that tells what others tell with difficulty saves rows, one that tells nothing saves none."""

from __future__ import annotations

import numpy as np
import polars as pl
import pytest

from fieldguide.core.contracts import Roles
from fieldguide.core.problem import Output, Problem
from fieldguide.core.table import Column, Table
from fieldguide.parts import find
from fieldguide.steps.explore import derived
from fieldguide.steps.explore.derived import derived_worth, log_rows

METRIC = find("metrics", "rmse")()
PROBLEM = Problem((Output("y", find("tasks", "regression")(), (), METRIC),))


def debts(n: int, seed: int = 0, extra: int = 0) -> tuple[Table, Roles]:
    """y is made of the ratio of two columns; `ratio` tells it, `noise` does not."""
    rng = np.random.default_rng(seed)
    debt, income = rng.uniform(1, 10, n), rng.uniform(1, 10, n)
    frame = pl.DataFrame({
        "debt": debt, "income": income, "ratio": debt / income, "noise": rng.normal(size=n),
        **{f"more{i}": debt + i for i in range(extra)}, "y": np.sin(3 * debt / income) + rng.normal(0, 0.3, n),
    })  # fmt: skip
    columns = [Column("debt", "number"), Column("income", "number")]
    made = ["ratio", "noise", *(f"more{i}" for i in range(extra))]
    columns += [Column(name, "number", "feature", {"expression": f"made of {name}"}) for name in made]
    blocks = np.arange(n)
    return Table(frame, (*columns, Column("y", "number", "target"))), Roles(blocks.astype(np.uint64), blocks)


def test_a_good_feature_shows_what_it_saves_in_rows_and_noise_does_not() -> None:
    found = derived_worth(*_args(debts(1200)))
    assert found is not None
    ratio, noise = found["columns"]
    assert (ratio["column"], ratio["expression"]) == ("ratio", "made of ratio")
    assert ratio["saves"] > 0.4
    assert ratio["interval"][0] > 0.2
    assert ratio["rows_with"] < ratio["rows_without"] == found["sizes"][-1]
    assert noise["interval"][0] < 0
    assert ratio["with"][-1] < ratio["without"][-1]
    assert found["sizes"] == [105, 210, 420, 840]


def test_without_derived_columns_nothing_is_computed() -> None:
    table, roles = debts(300)
    plain = Table(table.frame, tuple(Column(c.name, c.kind, c.role) for c in table.columns))
    assert derived_worth(plain, PROBLEM, METRIC, roles) is None
    assert derived_worth(*_args(debts(100))) is None


def test_cost_is_bounded_by_columns_and_rows(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(derived, "N_REPEATS", 1)
    monkeypatch.setattr(derived, "MOST_ROWS", 300)
    found = derived_worth(*_args(debts(900, extra=5)))
    assert found is not None
    assert [c["column"] for c in found["columns"]] == ["ratio", "noise", "more0", "more1", "more2"]
    assert found["left_out"] == ["more3", "more4"]
    assert 250 < found["n_rows"] < 350


def test_rows_of_a_block_stand_on_one_side(monkeypatch: pytest.MonkeyPatch) -> None:
    table, roles = debts(400)
    blocks = np.arange(400) // 4
    seen: list[set[float]] = []

    def spied(candidate, train, *rest):  # type: ignore[no-untyped-def]
        seen.append(set(np.round(train.cells["debt"], 9)))
        return fitted(candidate, train, *rest)

    fitted = derived.fit
    monkeypatch.setattr(derived, "N_REPEATS", 1)
    monkeypatch.setattr(derived, "fit", spied)
    derived_worth(table, PROBLEM, METRIC, Roles(roles.keys, blocks))
    of = {round(v, 9): b for v, b in zip(table.frame["debt"], blocks)}
    for train in seen:
        counts = np.bincount([of[v] for v in train])
        assert set(counts[counts > 0]) == {4}


@pytest.mark.parametrize(
    ("having", "lacking", "rows"),
    [
        ([5, 6, 7, 8], [3, 4, 5, 6], 0.25),
        ([3, 4, 5, 6], [5, 6, 7, 8], 4.0),
        ([9, 9, 9, 9], [1, 2, 3, 4], 0.125),
        ([1, 2, 3, 4], [1, 2, 3, 4], 1.0),
        ([1, 5, 3, 4], [1, 2, 3, 3.5], 0.125 * 2 ** (2.5 / 4)),
    ],
)
def test_rows_with_against_rows_without(having: list[float], lacking: list[float], rows: float) -> None:
    found = log_rows(np.array(having, float), np.array(lacking, float), [100, 200, 400, 800])
    assert np.exp(found) == pytest.approx(rows)


def test_the_interval_is_of_the_mean_logarithm_corrected_for_shared_rows() -> None:
    rng = np.random.default_rng(2)
    having, lacking = np.sort(rng.random((6, 4))) + 0.2, np.sort(rng.random((6, 4)))
    having[5, 0] = np.nan  # a repeat without all its scores counts for nothing
    found = derived._worth(having, lacking, [100, 200, 400, 800])
    logs = [log_rows(a, b, [100, 200, 400, 800]) for a, b in zip(having[:5], lacking[:5], strict=True)]
    mean, sd = sum(logs) / 5, np.std(logs, ddof=1)
    reach = 2.7764451 * sd * np.sqrt(1 / 5 + 0.3 / 0.7)  # t of 4; held out over trained on
    assert mean < 0 < sd
    assert found["saves"] == pytest.approx(1 - np.exp(mean))
    assert found["interval"] == pytest.approx([1 - np.exp(mean + reach), 1 - np.exp(mean - reach)])
    assert (found["rows_without"], found["rows_with"]) == (800, round(800 * np.exp(mean)))
    harm = derived._worth(lacking, having, [100, 200, 400, 800])
    assert harm["saves"] < 0 and harm["rows_with"] == 800 and harm["rows_without"] == round(800 * np.exp(mean))
    assert derived._worth(having[3:], lacking[3:], [100, 200, 400, 800])["saves"] is None


def _args(made: tuple[Table, Roles]) -> tuple[Table, Problem, object, Roles]:
    table, roles = made
    return table, PROBLEM, METRIC, roles
