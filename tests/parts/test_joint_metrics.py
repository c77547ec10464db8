"""Metrics of label sets, vectors, counts and ordered labels against scikit-learn."""

import numpy as np
import pytest
from sklearn import metrics as sk

from fieldguide.parts import find
from fieldguide.testing import check_metric
from fieldguide.testing.metric import rows

NEW = ("hamming_loss", "subset_accuracy", "jaccard", "f1_micro", "f1_macro", "log_loss", "brier", "arrmse", "rmse_mean",
       "mae_mean", "r2_mean", "poisson_deviance", "quadratic_weighted_kappa", "mae_levels", "ranked_probability")  # fmt: skip


@pytest.mark.parametrize("name", NEW)
def test_contract(name: str) -> None:
    check_metric(find("metrics", name)())


def _relative(truth, prediction, sample_weight):
    errors = sk.mean_squared_error(truth, prediction, sample_weight=sample_weight, multioutput="raw_values")
    mean = np.broadcast_to(np.average(truth, axis=0, weights=sample_weight), truth.shape)
    return np.sqrt(
        errors / sk.mean_squared_error(truth, mean, sample_weight=sample_weight, multioutput="raw_values")
    ).mean()


def _macro(truth, prediction, sample_weight):
    return sk.f1_score(truth, prediction, average="macro", sample_weight=sample_weight, zero_division=np.nan)


REFERENCES = {
    "hamming_loss": sk.hamming_loss,
    "subset_accuracy": sk.accuracy_score,
    "jaccard": lambda t, p, sample_weight: sk.jaccard_score(
        t, p, average="samples", sample_weight=sample_weight, zero_division=1.0
    ),
    "f1_micro": lambda t, p, sample_weight: sk.f1_score(t, p, average="micro", sample_weight=sample_weight),
    "f1_macro": _macro,
    "log_loss": lambda t, p, sample_weight: np.mean(
        [sk.log_loss(t[:, j], p[:, j], sample_weight=sample_weight) for j in range(t.shape[1])]
    ),
    "brier": lambda t, p, sample_weight: np.mean(
        [sk.brier_score_loss(t[:, j], p[:, j], sample_weight=sample_weight) for j in range(t.shape[1])]
    ),
    "arrmse": _relative,
    "rmse_mean": sk.root_mean_squared_error,
    "mae_mean": sk.mean_absolute_error,
    "r2_mean": sk.r2_score,
}


@pytest.mark.parametrize("name", REFERENCES)
@pytest.mark.parametrize("seed", range(3))
def test_joint_metrics_are_scikit_learns(name: str, seed: int) -> None:
    metric = find("metrics", name)()
    family = "vector" if metric.reads == "value" else "multilabel"
    truth, prediction, _ = rows(family, metric.reads, seed)
    weights = np.random.default_rng(seed).uniform(0.1, 2.0, len(truth))
    assert metric.score(truth, prediction, weights) == pytest.approx(
        REFERENCES[name](truth, prediction, sample_weight=weights), rel=1e-10
    )


@pytest.mark.parametrize("seed", range(3))
def test_poisson_deviance_is_scikit_learns(seed: int) -> None:
    rng = np.random.default_rng(seed)
    rate = rng.gamma(2.0, 1.0, 200)
    count, weights = rng.poisson(rate).astype(float), rng.uniform(0.1, 2, 200)
    found = find("metrics", "poisson_deviance")().score(count, rate, weights)
    assert found == pytest.approx(sk.mean_poisson_deviance(count, rate, sample_weight=weights), rel=1e-10)


@pytest.mark.parametrize("seed", range(3))
def test_metrics_of_order_are_references(seed: int) -> None:
    truth, decided, _ = rows("multiclass", "decision", seed)
    weights = np.random.default_rng(seed).uniform(0.1, 2.0, len(truth))
    kappa = sk.cohen_kappa_score(truth, decided, weights="quadratic", sample_weight=weights)
    assert find("metrics", "quadratic_weighted_kappa")().score(truth, decided, weights) == pytest.approx(
        kappa, rel=1e-10
    )
    distance = sk.mean_absolute_error(truth, decided, sample_weight=weights)
    assert find("metrics", "mae_levels")().score(truth, decided, weights) == pytest.approx(distance, rel=1e-10)
    _, probability, _ = rows("multiclass", "probability", seed)
    steps = [  # the ranked probability score is the sum of the Brier scores of "at most level k"
        sk.brier_score_loss(
            truth <= k, np.minimum(probability[:, : k + 1].sum(1), 1.0), sample_weight=weights, labels=[False, True]
        )
        for k in range(probability.shape[1] - 1)
    ]
    assert find("metrics", "ranked_probability")().score(truth, probability, weights) == pytest.approx(
        sum(steps), rel=1e-9
    )


def test_a_rate_of_nothing_has_a_finite_price() -> None:
    found = find("metrics", "poisson_deviance")().score(np.array([1.0]), np.array([0.0]))
    assert found == pytest.approx(2 * (np.log(1e9) - 1), rel=1e-6)


def test_a_constant_entry_is_left_out_of_relative_errors() -> None:
    truth = np.array([[1e6, 1.0], [1e6, 3.0]])
    assert find("metrics", "arrmse")().score(truth, np.array([[1e6, 2.0], [1e6, 2.0]])) == pytest.approx(1.0)
