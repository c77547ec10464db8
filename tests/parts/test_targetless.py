"""Parts of tasks without a target: their contracts, numbers against references, and worlds whose groups are known."""

from types import SimpleNamespace

import numpy as np
import polars as pl
import pytest

from fieldguide import parts
from fieldguide.core.batch import Batch, Encoded, Layout
from fieldguide.core.clock import Clock
from fieldguide.core.contracts import Effort
from fieldguide.core.errors import ConfigError, ModelError
from fieldguide.core.settings import with_values
from fieldguide.core.statistics.structure import adjusted_rand, intruders, nearest
from fieldguide.testing import check_learner, check_task


def batch_of(points: np.ndarray) -> Batch:
    layout = Layout(tuple(f"x{i}" for i in range(points.shape[1])))
    return Batch(layout, {"numbers": points.astype(np.float32), "codes": np.zeros((len(points), 0), np.int32)})


def fitted(name: str, points: np.ndarray, **settings):
    """Fit a learner on points that are their own truth, as they lie in the space it fits."""
    batch = batch_of(points)
    low, middle, high = np.quantile(points, (0.025, 0.5, 0.975), axis=0)
    most = 4 * np.where(high > low, (high - low) / 3.919928, points.std(axis=0))  # what lies farther out is brought in
    within = np.clip(points, middle - most, middle + most)
    spread = (within - within.mean(axis=0)) / within.std(axis=0)
    output = SimpleNamespace(width=points.shape[1], targetless=True)
    learner = with_values(parts.find("learners", name)(), settings)
    return learner.fit(Encoded(batch, (spread,)), None, (output,), Effort(seed=3)), spread


def groups(estimator, points: np.ndarray) -> np.ndarray:
    return parts.find("tasks", "clustering")().decide(estimator.predict(batch_of(points))[0], None)


def heaps(n: int = 300, seed: int = 0):
    rng = np.random.default_rng(seed)
    truth = rng.integers(0, 4, n)
    return np.array([[0.0, 0, 0], [8, 0, 4], [0, 8, -4], [8, 8, 0]])[truth] + rng.normal(size=(n, 3)), truth


def moons(n: int, seed: int = 0):
    """Two half circles, one hooked into the other."""
    rng = np.random.default_rng(seed)
    truth, angle = rng.integers(0, 2, n), rng.uniform(0, np.pi, n)
    upper = np.column_stack([np.cos(angle), np.sin(angle)])
    lower = np.column_stack([1 - np.cos(angle), 0.5 - np.sin(angle)])
    return np.where(truth[:, None] == 0, upper, lower) + rng.normal(0, 0.06, (n, 2)), truth


@pytest.mark.parametrize("name", ["clustering", "reduction"])
def test_tasks_keep_the_contract(name):
    check_task(parts.find("tasks", name)(), pl.Series("rows", [1.0, 2.0]))


@pytest.mark.parametrize("name", ["random_clusters", "principal_clusters", "kmeans", "hdbscan"])
def test_clusterings_keep_the_contract(name, tmp_path):
    quick = {} if name in ("random_clusters", "hdbscan") else {"k": 3}
    check_learner(with_values(parts.find("learners", name)(), quick), tmp_path, tasks=("clustering",))


@pytest.mark.parametrize("name", ["random_projection", "pca", "autoencoder"])
def test_reductions_keep_the_contract(name, tmp_path):
    quick = {"n_epochs": 2, "d_hidden": 32} if name == "autoencoder" else {}
    check_learner(with_values(parts.find("learners", name)(), quick), tmp_path, tasks=("reduction",))


def test_planted_heaps_are_found_and_counted():
    points, truth = heaps()
    fresh, fresh_truth = heaps(seed=1)
    estimator, _ = fitted("kmeans", points)
    assert len(estimator.centres) == 4 and estimator.words == "4 clusters, the best of 2 to 12 by silhouette"
    assert (
        adjusted_rand(groups(estimator, points), truth) >= 0.95 <= adjusted_rand(groups(estimator, fresh), fresh_truth)
    )
    sizes = np.bincount(groups(estimator, points))
    assert (np.diff(sizes) <= 0).all()  # the largest is called first
    shares = estimator.predict(batch_of(fresh))[0]
    assert np.allclose(shares.sum(axis=1), 1) and (shares >= 0).all()
    assert (
        len(fitted("kmeans", points, k=7)[0].centres) == 7
        and len(fitted("kmeans", points, k=7, exactly=3)[0].centres) == 3
    )


def test_more_clusters_than_rows_are_as_many_as_there_are():
    assert len(fitted("kmeans", heaps(5)[0], k=20)[0].centres) == 5


def test_moons_are_hdbscans_and_their_own_metric_says_so():
    points, _ = moons(500)
    fresh, fresh_truth = moons(300, seed=1)
    heaped, spread = fitted("hdbscan", points, smallest=0.1)
    centred, _ = fitted("kmeans", points, k=2)
    found = groups(heaped, fresh)
    known = found >= 0
    assert known.mean() > 0.8 and adjusted_rand(found[known], fresh_truth[known]) >= 0.95
    assert adjusted_rand(groups(centred, fresh), fresh_truth) < 0.6
    round_, dense = (parts.find("metrics", name)() for name in ("silhouette", "density_silhouette"))
    answers = [estimator.predict(batch_of(points))[0] for estimator in (heaped, centred)]
    assert dense.score(spread, answers[0]) > 0.2 + dense.score(spread, answers[1])
    assert round_.score(spread, answers[0]) < round_.score(spread, answers[1])  # which asks for round groups


def test_a_new_row_belongs_where_its_nearest_training_row_does_within_its_reach(tmp_path):
    points, _ = heaps()
    estimator, _ = fitted("hdbscan", points)
    assert np.array_equal(groups(estimator, points), estimator.labels)  # a training row keeps its label
    rows = np.random.default_rng(5).uniform(-6, 14, (400, 3))
    near, gaps = nearest(estimator.points.of(batch_of(rows)), estimator.rows, 1)
    wanted = np.where(gaps[:, 0] <= estimator.reach[near[:, 0]], estimator.labels[near[:, 0]], -1)
    assert np.array_equal(groups(estimator, rows), wanted) and -1 in wanted and len(set(wanted)) == 5
    assert groups(estimator, np.full((1, 3), 500.0)).tolist() == [-1]
    told = parts.find("tasks", "clustering")().told(estimator.predict(batch_of(np.full((1, 3), 500.0)))[0])
    assert told["prediction"].to_list() == ["none"] and [told[f"membership_{i}"][0] for i in range(1, 5)] == [0.0] * 4
    data = estimator.save(tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["points.safetensors"]
    (tmp_path / "points.safetensors").write_bytes(b"")
    with pytest.raises(ModelError, match="the clusters cannot be read"):
        parts.find("learners", "hdbscan")().load(tmp_path, data)


@pytest.fixture(scope="module")
def digits():
    from sklearn.datasets import load_digits

    pixels = load_digits().data[:240]
    return pixels[:, pixels[:180].std(axis=0) > 0]


def test_pca_is_scikit_learns(digits):
    from sklearn.decomposition import PCA

    estimator, spread = fitted("pca", digits, components=5)
    answer = estimator.predict(batch_of(digits))[0]
    reference = PCA(5, svd_solver="full").fit(spread)
    theirs = reference.transform(spread)
    signs = np.sign((theirs * answer[:, :5]).sum(axis=0))
    assert np.allclose(answer[:, :5] * signs, theirs, atol=1e-4)  # numbers are encoded in float32
    rebuilt = parts.find("metrics", "reconstruction")().score(spread, answer)
    assert rebuilt == pytest.approx(reference.explained_variance_ratio_.sum(), abs=1e-6)
    trivial = fitted("random_projection", digits, components=5)[0].predict(batch_of(digits))[0]
    assert parts.find("metrics", "reconstruction")().score(spread, trivial) < 0.65 * rebuilt


def test_trustworthiness_is_scikit_learns(digits):
    from sklearn.manifold import trustworthiness

    estimator, spread = fitted("pca", digits)
    answer = estimator.predict(batch_of(digits))[0]
    for k in (5, 20):
        metric = with_values(parts.find("metrics", "trustworthiness")(), {"n_neighbours": k})
        wanted = trustworthiness(spread, answer[:, :2], n_neighbors=k)
        assert metric.score(spread, answer) == pytest.approx(wanted, abs=1e-9)
        assert metric.score(spread, answer, np.ones(len(spread))) == pytest.approx(wanted, abs=1e-9)
        other = with_values(parts.find("metrics", "continuity")(), {"n_neighbours": k})
        assert other.score(spread, answer) == pytest.approx(
            trustworthiness(answer[:, :2], spread, n_neighbors=k), abs=1e-9
        )


def test_tsne_keeps_neighbours_and_says_what_placing_new_rows_loses(digits, tmp_path):
    old, new = digits[:180], digits[180:]
    estimator, _ = fitted("tsne", old)
    again = estimator.predict(batch_of(old))[0]
    assert np.allclose(again[:, :2], estimator.placed, atol=1e-3)  # training rows stay where the method put them
    assert "new rows are placed among their 5 nearest: trustworthiness 0." in estimator.words
    answer = estimator.predict(batch_of(new))[0]
    flat = fitted("pca", old)[0].predict(batch_of(new))[0]
    points = estimator.points.of(batch_of(new))
    assert intruders(points, answer[:, :2], 5).mean() > intruders(points, flat[:, :2], 5).mean()
    loaded = parts.find("learners", "tsne")().load(tmp_path, estimator.save(tmp_path))
    assert np.allclose(loaded.predict(batch_of(new))[0], answer, atol=1e-4)
    alone = np.concatenate([estimator.predict(batch_of(new[i : i + 1]))[0] for i in range(5)])
    assert np.allclose(alone, answer[:5], atol=1e-9)
    assert len(estimator.predict(batch_of(new[:0]))[0]) == 0
    assert fitted("tsne", heaps(6)[0])[0].words.startswith("principal components: too few rows")


def test_an_autoencoder_bends_where_axes_are_straight():
    rng = np.random.default_rng(0)
    angle = rng.uniform(0, 1.5 * np.pi, 400)
    points = np.column_stack([np.cos(angle), np.sin(angle)]) + rng.normal(0, 0.02, (400, 2))
    metric = parts.find("metrics", "reconstruction")()
    shares = []
    for name, settings in (("pca", {}), ("autoencoder", {"n_epochs": 150})):
        estimator, spread = fitted(name, points, components=1, **settings)
        shares.append(metric.score(spread, estimator.predict(batch_of(points))[0]))
    assert shares[1] > shares[0] + 0.15


@pytest.mark.parametrize("name", ["kmeans", "principal_clusters"])
def test_a_number_of_clusters_that_the_clock_chose_is_told(name, tmp_path):
    points, _ = heaps()
    rows, learner = Encoded(batch_of(points), (points,)), parts.find("learners", name)()
    late, calm = (learner.fit(rows, None, (), Effort(clock=clock)) for clock in (Clock.of(0.0), Clock()))
    assert (late.stopped, calm.stopped) == ("clock", "")
    assert learner.load(tmp_path, late.save(tmp_path)).stopped == "clock"
    asked = with_values(learner, {"exactly": 3})
    assert asked.fit(rows, None, (), Effort(clock=Clock())).stopped == ""


@pytest.mark.parametrize("name", ["kmeans", "hdbscan"])
def test_learned_features_that_the_clock_ended_are_told(name, tmp_path):
    points, _ = heaps(120)
    rows = Encoded(batch_of(points), (points,))
    learner = with_values(parts.find("learners", name)(), {"features": "autoencoder"})
    late = learner.fit(rows, None, (), Effort(clock=Clock.of(0.0)))
    assert late.stopped == "clock" and learner.load(tmp_path, late.save(tmp_path)).stopped == "clock"
    assert learner.fit(rows, None, (), Effort()).stopped == ""


def test_points_of_another_name_are_refused():
    learner = with_values(parts.find("learners", "kmeans")(), {"features": "autoencode", "exactly": 2})
    with pytest.raises(ConfigError, match=r"the setting features is 'autoencode'.*did you mean 'autoencoder'"):
        learner.fit(Encoded(batch_of(heaps(20)[0]), (heaps(20)[0],)), None, (), Effort())
