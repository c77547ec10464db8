"""Every learner on label sets, vectors, counts and ordered labels; several outputs at once."""

from pathlib import Path

import numpy as np
import pytest

from fieldguide.core.batch import Encoded
from fieldguide.core.contracts import Effort
from fieldguide.parts import find
from fieldguide.parts.learners._columns import joined, parted, singles_of
from fieldguide.testing import check_learner
from fieldguide.testing.learner import example

JOINT = ("multilabel", "vector", "count", "ordinal")


@pytest.mark.parametrize("name", ["prior", "rule", "linear", "neighbours", "boosting"])
def test_contract(name: str, tmp_path: Path) -> None:
    settings = {"boosting": {"n_rounds": 40}}.get(name, {})
    check_learner(find("learners", name)(**settings), tmp_path, tasks=JOINT, seconds=1.5)


def test_outputs_are_parted_and_joined_in_order() -> None:
    (sets, one), (vectors, two), (plain, three) = (example(task, 12) for task in ("multilabel", "vector", "regression"))
    rows = Encoded(sets.batch, (*sets.targets, *plain.targets, *vectors.targets))
    singles, groups = singles_of((*one, *three, *two))
    assert [single.width for single in singles] == [2, 2, 2, 1, 1, 1]
    assert groups == (("set", 3), ("plain", 1), ("vector", 2))
    targets = parted(rows, groups).targets
    predictions = tuple(
        np.stack([1.0 - t, t], 1) if single.labels else t[:, None] for t, single in zip(targets, singles)
    )
    together = joined(predictions, groups)
    assert np.array_equal(together[0], sets.targets[0]) and np.array_equal(together[2], vectors.targets[0])
    assert np.array_equal(together[1][:, 0], plain.targets[0])


def test_poisson_regression_is_scikit_learns() -> None:
    from sklearn.linear_model import PoissonRegressor

    rows, outputs = example("count", 300, codes=False)
    fitted = find("learners", "linear")(penalty=3.0).fit(rows, None, outputs, Effort())
    mean = rows.targets[0].mean()  # ours divides counts by their mean: the penalty then means the same for all counts
    numbers = rows.batch.numbers.astype(float)  # of float32 it ends where this processor's rounding ends it
    reference = PoissonRegressor(alpha=3.0 / 300, tol=1e-10, max_iter=10_000).fit(numbers, rows.targets[0] / mean)
    assert fitted.predict(rows.batch)[0][:, 0] == pytest.approx(mean * reference.predict(numbers), rel=1e-5)


def test_several_outputs_are_learned_beside_each_other() -> None:
    (first, one), (second, two) = example("multilabel", 200), example("count", 200)
    rows = Encoded(first.batch, (*first.targets, *second.targets))
    for name in ("prior", "rule", "linear", "neighbours", "boosting"):
        found = find("learners", name)().fit(rows, None, (*one, *two), Effort(n_steps=10)).predict(rows.batch)
        assert [p.shape for p in found] == [(200, 3), (200, 1)], name


@pytest.mark.parametrize("task", JOINT)
def test_one_network_learns_every_task(task: str, tmp_path: Path) -> None:
    rows, outputs = example(task, 300)
    learner = find("learners", "mlp")(n_epochs=40, d_hidden=32, n_layers=1, dropout=0.0, average=0.0, batch_size=64)
    fitted = learner.fit(rows.take(slice(0, 240)), None, outputs, Effort(seed=1))
    fresh = rows.take(slice(240, 300))
    (predicted,) = fitted.predict(fresh.batch)
    assert predicted.shape == (60, outputs[0].width)
    truth = fresh.targets[0]
    truth = np.eye(3)[truth] if task == "ordinal" else truth.reshape(60, -1)
    error = ((truth - predicted) ** 2).mean(0) / truth.var(0)
    assert error.max() < 0.8, error
    loaded = learner.load(tmp_path, fitted.save(tmp_path, draft=True))
    assert np.allclose(loaded.predict(fresh.batch)[0], predicted, atol=1e-6)
