"""The forest: its mean beside scikit-learn's, on few rows where boosting has too little to stop on, and what it hands on."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from fieldguide.core.batch import Batch, Encoded, Layout
from fieldguide.core.clock import Clock
from fieldguide.core.contracts import Effort
from fieldguide.parts import find
from fieldguide.testing import check_learner
from fieldguide.testing.learner import example


def rows_of(n: int, seed: int) -> Encoded:
    """Rows with two entries of different units: a product of columns, and a step."""
    rng = np.random.default_rng(seed)
    x = rng.normal(size=(n, 8)).astype(np.float32)
    y = np.stack(
        [x[:, 0] * x[:, 1] + 0.5 * rng.normal(size=n), 1000.0 + 300.0 * (x[:, 2] > 0.3) * (x[:, 3] > 0)], axis=1
    )
    layout = Layout(numbers=tuple(f"x{i}" for i in range(8)))
    batch = Batch(layout, {"numbers": x, "codes": np.zeros((n, 0), np.int32)})
    return Encoded(batch, (y,))


def outputs_of() -> tuple:
    return example("vector", 12)[1]


def test_contract(tmp_path: Path) -> None:
    tasks = ("binary", "multiclass", "regression", "multilabel", "vector", "count", "ordinal")
    check_learner(find("learners", "forest")(n_trees=12), tmp_path, tasks=tasks)


def test_it_answers_as_scikit_learns_forest_and_better_than_boosting_of_few_rows() -> None:
    from sklearn.ensemble import RandomForestRegressor

    few, fresh = rows_of(150, 1), rows_of(2_000, 2)
    truth = fresh.targets[0]

    def relative(values: np.ndarray) -> np.ndarray:
        return np.sqrt(((truth - values) ** 2).sum(0) / ((truth - few.targets[0].mean(0)) ** 2).sum(0))

    ours = relative(find("learners", "forest")().fit(few, None, outputs_of(), Effort()).predict(fresh.batch)[0])
    theirs = np.stack([
        RandomForestRegressor(100, random_state=0, max_features=0.4).fit(few.batch.numbers, y).predict(fresh.batch.numbers)
        for y in few.targets[0].T
    ], axis=1)  # fmt: skip
    kept, held = few.take(slice(0, 128)), few.take(slice(128, 150))
    boosted = relative(find("learners", "boosting")().fit(kept, held, outputs_of(), Effort()).predict(fresh.batch)[0])
    assert np.all(ours < relative(theirs) + 0.1), (ours, relative(theirs))
    assert ours.mean() < boosted.mean(), (ours, boosted)


def test_values_are_means_of_leaves_and_never_leave_their_range() -> None:
    rows = rows_of(120, 3)
    fitted = find("learners", "forest")().fit(rows, None, outputs_of(), Effort())
    (values,) = fitted.predict(rows_of(500, 4).batch)
    assert np.all(values >= rows.targets[0].min(axis=0)) and np.all(values <= rows.targets[0].max(axis=0))
    assert np.allclose(fitted.predict(rows.batch)[0].mean(0), rows.targets[0].mean(0), rtol=0.05, atol=0.1)


def test_what_explains_trees_reads_a_forests() -> None:
    rows = rows_of(120, 5)
    fitted = find("learners", "forest")(n_trees=30).fit(rows, None, outputs_of(), Effort())
    (values,) = fitted.predict(rows.batch)
    for entry, booster in enumerate(fitted.boosters):
        parts = booster.trees.contributions(rows.batch.numbers)[:, 0]
        assert np.allclose(booster.centre + booster.scale * parts.sum(1), values[:, entry], rtol=1e-6, atol=1e-6)


def test_a_clock_ends_it_with_fewer_trees_and_a_refit_grows_as_many() -> None:
    rows = rows_of(400, 6)
    learner = find("learners", "forest")()
    cut = learner.fit(rows, None, outputs_of(), Effort(clock=Clock.of(0.0)))
    assert (cut.n_steps, cut.stopped) == (1, "clock")
    again = learner.fit(rows, None, outputs_of(), Effort(n_steps=7))
    assert (again.n_steps, again.stopped) == (7, "steps")
    assert again.boosters[0].trees.n_rounds == 7


def test_weights_of_any_size_mean_the_same() -> None:
    rows = rows_of(150, 7)
    weights = np.exp(np.random.default_rng(0).normal(size=150))
    learner = find("learners", "forest")(n_trees=10)
    small, large = (
        learner.fit(Encoded(rows.batch, rows.targets, weights * size), None, outputs_of(), Effort()).predict(
            rows.batch
        )[0]
        for size in (1e-6, 1e6)
    )
    assert np.allclose(small, large, rtol=1e-4, atol=1e-4)
