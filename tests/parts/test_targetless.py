"""Parts of tasks without a target: their contracts, numbers against references, and worlds whose groups are known."""

import polars as pl
import pytest

from fieldguide import parts
from fieldguide.core.settings import with_values
from fieldguide.testing import check_learner, check_task

TASKS = ("clustering", "reduction")


@pytest.mark.parametrize("name", TASKS)
def test_tasks_keep_the_contract(name):
    check_task(parts.find("tasks", name)(), pl.Series("rows", [1.0, 2.0]))


@pytest.mark.parametrize("name", ["random_clusters", "principal_clusters", "kmeans", "hdbscan"])
def test_learners_keep_the_contract(name, tmp_path):
    check_learner(parts.find("learners", name)(), tmp_path, tasks=("clustering",))


@pytest.mark.parametrize("name", ["random_projection", "pca", "tsne", "autoencoder"])
def test_reducers_keep_the_contract(name, tmp_path):
    quick = {"autoencoder": {"n_epochs": 4}}.get(name, {})
    check_learner(with_values(parts.find("learners", name)(), quick), tmp_path, tasks=("reduction",))
