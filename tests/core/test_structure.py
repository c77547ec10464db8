"""Structure: silhouettes, trust and agreement against scikit-learn, paths by hand, and how unsure their means are."""

import json

import numpy as np
import pytest

from fieldguide.core.batch import Batch, Layout
from fieldguide.core.space import Space, axes, columns_of, dense
from fieldguide.core.statistics import structure

RNG = np.random.default_rng(0)
POINTS = RNG.normal(size=(200, 4))
LABELS = RNG.integers(0, 3, 200)


def test_silhouettes_are_scikit_learns():
    from sklearn.metrics import silhouette_samples

    found = structure.silhouettes(POINTS, LABELS)
    assert np.allclose(found, silhouette_samples(POINTS, LABELS), atol=1e-8)
    assert structure.silhouettes(POINTS, LABELS, parts=True).mean() == pytest.approx(found.mean(), abs=1e-12)


def test_a_row_in_no_group_or_alone_counts_nothing():
    labels = np.array([0, 0, 1, 1, 2, -1])
    points = np.array([[0.0], [1.0], [10.0], [11.0], [50.0], [5.0]])
    found = structure.silhouettes(points, labels)
    assert found[4] == found[5] == 0 and (found[:4] > 0.8).all()
    assert (structure.silhouettes(points, np.zeros(6, np.int64)) == 0).all()


def test_rows_beside_the_sample_are_held_against_it(monkeypatch):
    whole = structure.silhouettes(POINTS, LABELS).mean()
    monkeypatch.setattr(structure, "held_against", lambda n, most=0: np.arange(0, n, 2))
    assert structure.silhouettes(POINTS, LABELS).mean() == pytest.approx(whole, abs=0.03)
    parts = structure.silhouettes(POINTS, LABELS, parts=True)
    assert parts.mean() == pytest.approx(structure.silhouettes(POINTS, LABELS).mean(), abs=1e-9)
    assert np.isfinite(structure.density_silhouettes(POINTS, LABELS)).all()
    assert 0 < structure.intruders(POINTS, POINTS[:, :2], 5).mean() < 1


def test_how_unsure_a_silhouette_is_is_how_it_differs_from_sample_to_sample():
    centres = np.array([[0.0, 0], [3, 0], [0, 3]])
    rng, means, errors = np.random.default_rng(1), [], []
    for _ in range(60):
        truth = rng.integers(0, 3, 100)
        points = centres[truth] + rng.normal(size=(100, 2))
        parts = structure.silhouettes(points, truth, parts=True)
        means.append(parts.mean())
        errors.append(parts.std() / 10)
    assert 0.75 < np.mean(errors) / np.std(means) < 1.35
    plain = structure.silhouettes(points, truth)
    assert plain.std() / 10 < 0.85 * np.mean(errors)  # which silhouettes as they stand would understate


def test_agreement_is_scikit_learns_and_blind_to_names():
    from sklearn.metrics import adjusted_rand_score

    other = RNG.integers(0, 4, 200)
    assert structure.adjusted_rand(LABELS, other) == pytest.approx(adjusted_rand_score(LABELS, other), abs=1e-12)
    assert structure.adjusted_rand(LABELS, (LABELS + 1) % 3) == 1.0
    twice = np.repeat(np.arange(200), 2)
    weighted = structure.adjusted_rand(LABELS, other, np.full(200, 2.0))
    assert weighted == pytest.approx(structure.adjusted_rand(LABELS[twice], other[twice]), abs=1e-12)


def test_paths_go_through_dense_rows():
    line = np.concatenate([np.arange(10.0), 30 + np.arange(10.0)])[:, None]
    two = np.repeat([0, 1], 10)
    assert structure.density_silhouettes(line, two).mean() > 0.75
    assert structure.density_silhouettes(line, np.array([0] * 5 + [1] * 15)).mean() < 0.3
    one_heap = np.random.default_rng(2).normal(size=(300, 2))
    assert abs(structure.density_silhouettes(one_heap, (one_heap[:, 0] > 0).astype(int)).mean()) < 0.1
    few = np.where(np.arange(20) < 3, 1, 0)
    assert (structure.density_silhouettes(line, few) == 0).all()  # three rows have no density


def test_nearest_is_exact_and_equal_rows_are_no_distance_apart():
    far = POINTS + 1e4
    near, gaps = structure.nearest(far, far, 3)
    assert np.array_equal(near[:, 0], np.arange(200)) and (gaps[:, 0] == 0).all()
    whole = np.sqrt(((POINTS[:, None] - POINTS) ** 2).sum(axis=2))
    assert np.allclose(structure.nearest(POINTS, POINTS, 3)[1], np.sort(whole, axis=1)[:, :3])
    assert structure.nearest(POINTS[:2], POINTS[:1], 5)[0].tolist() == [[0], [0]]


def test_each_column_of_the_table_has_the_same_say():
    layout = Layout(("age", "age missing"), (("town", 4),), columns=("age", "town"))
    numbers = np.column_stack([RNG.normal(5, 3, 50), RNG.random(50) < 0.3]).astype(np.float32)
    batch = Batch(layout, {"numbers": numbers, "codes": RNG.integers(1, 4, (50, 1)).astype(np.int32)})
    points = Space.fit(batch).of(batch)
    assert dense(batch).shape == points.shape == (50, 6) and len(axes(layout)) == 6
    variance = dict.fromkeys(columns_of(layout), 0.0)
    for name, value in zip(columns_of(layout), points.var(axis=0)):
        variance[name] += value
    assert variance == pytest.approx({"age": 1.0, "town": 1.0})
    assert (points[:, 2] == 0).all() and np.allclose(points.mean(axis=0), 0)  # a level that never occurs says nothing


def test_a_cell_far_out_is_brought_in_and_a_level_is_not():
    numbers = np.random.default_rng(2).normal(size=(400, 2)).astype(np.float32)
    numbers[0, 0] = 1e6
    numbers[:, 1] = np.arange(400) == 3  # hardly varies: its own deviation counts
    codes = np.zeros((400, 1), np.int32)
    codes[:3] = 1
    batch = Batch(Layout(("pay", "rare"), (("town", 2),)), {"numbers": numbers, "codes": codes})
    space = Space.fit(batch)
    points = space.of(batch)
    usual = points[1:, 0].std()
    assert 3.5 < (points[0, 0] - points[1:, 0].mean()) / usual < 4.6 and usual > 0.9
    rare = numbers[:, 1].std()
    assert np.isclose((points[3, 1] - points[5, 1]) / space.scale[1], 4 * rare)
    assert np.isclose(points[0, 3] - points[9, 3], space.scale[3]), "a level counts whole"
    assert np.isclose(points.var(axis=0)[:2], 1.0).all() and np.isclose(points.var(axis=0)[2:].sum(), 1.0)
    again = Space.from_arrays({name: values.tolist() for name, values in space.arrays().items()})
    assert np.array_equal(again.of(batch), points)
    before = Space.from_arrays({"centre": space.centre, "scale": space.scale})
    assert before.of(batch)[0, 0] > 1e3 * points[0, 0], "folders of before there were ends answer as they did"


def held_against_paths(points: np.ndarray, core: int) -> np.ndarray:
    """Path distances as they are defined: the longest step of every path, made shorter through each row in turn."""
    gaps = np.sqrt(((points[:, None] - points) ** 2).sum(axis=2))
    reach = np.sort(gaps, axis=1)[:, core]  # its own distance of 0 comes first
    paths = np.maximum(gaps, np.maximum(reach[:, None], reach))
    for k in range(len(points)):
        paths = np.minimum(paths, np.maximum(paths[:, k, None], paths[k]))
    np.fill_diagonal(paths, 0)
    return paths


@pytest.mark.parametrize("core", [1, 4])
def test_silhouettes_along_paths_are_scikit_learns_of_the_paths(core):
    from sklearn.metrics import silhouette_samples

    rng = np.random.default_rng(3)
    points = np.concatenate([rng.normal(size=(30, 2)), rng.normal(5, 1, (30, 2))])
    labels = np.repeat([0, 1, 2], 20)
    expected = silhouette_samples(held_against_paths(points, core), labels, metric="precomputed")
    assert np.allclose(structure.density_silhouettes(points, labels, core), expected, atol=1e-8)


def test_a_row_beside_the_sample_steps_to_the_row_it_reaches_most_easily(monkeypatch):
    """The sample: 0, 1, 2, 3 and 20, 22, 24, 26, two neighbours each. The row at 5 reaches 3 in a step of 3, its second neighbour."""
    points = np.array([0, 1, 2, 3, 20, 22, 24, 26, 5.0])[:, None]
    labels = np.array([0] * 4 + [1] * 4 + [0])
    monkeypatch.setattr(structure, "held_against", lambda n, most=0: np.arange(8))
    found = structure.density_silhouettes(points, labels, 2)
    assert found[8] == pytest.approx(1 - 3 / 17)  # the gap from 3 to 20 is 17 wide, whoever comes from 5
    assert found[0] == pytest.approx(1 - 2 / 17)
    assert found[4] == pytest.approx(1 - 4 / 17)


def test_a_frozen_space_gives_the_same_points_after_it_was_written():
    from fieldguide.core.rows import Rows
    from fieldguide.core.space import Reference
    from fieldguide.core.table import Column
    from fieldguide.parts import find

    rng = np.random.default_rng(4)
    cells = {"pay": rng.gamma(2, 900, 60), "town": np.array([["a", "b", None][i % 3] for i in range(60)], object)}
    rows = Rows((Column("pay", "number"), Column("town", "category")), cells, n_rows=60)

    def modalities(name):
        return find("modalities", name)()

    made = Reference.fit(rows, modalities)
    assert made.points(rows).shape == (60, len(made.names)) and set(made.columns) == {"pay", "town"}
    again = Reference.from_dict(json.loads(json.dumps(made.to_dict())), modalities)
    assert np.array_equal(again.points(rows), made.points(rows))
    assert (again.names, again.columns) == (made.names, made.columns)
    few = rows.take(np.array([7, 3]))
    assert np.allclose(again.points(few), made.points(rows)[[7, 3]], atol=1e-6)
