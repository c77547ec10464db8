"""Tasks without a target: which learners take part, and what the study says of all of them.

Knows names of learners and of their settings; what they do is theirs.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Any

BASELINES = {
    "clustering": ("random_clusters", "principal_clusters"),
    "reduction": ("random_projection", "pca"),
}
"""The trivial answer, and the bar."""
LEARNERS = {
    "clustering": ("kmeans", "hdbscan"),
    "reduction": ("tsne", "autoencoder"),
}
ON_FEATURES = ("kmeans", "hdbscan")
"""Learners that are tried on the code of an autoencoder as well."""
CODE = "autoencoder"
FLAT = 3
"""Most numbers that t-SNE reduces rows to."""


def settings_of(learner: Any, said: Any) -> dict[str, Any]:
    """Return the settings that a study gives every learner that has them: how many clusters, how many numbers.

    Args:
        said: the `problem` section.
    """
    asked: Mapping[str, Any] = {"exactly": said.clusters or 0, "components": said.components or 2}
    fields = {field.name for field in dataclasses.fields(learner)}
    return {name: value for name, value in asked.items() if name in fields}


def learners_of(task: str, said: Any) -> tuple[str, ...]:
    """Return the learners of a task: only those that can keep the number of clusters or of components that is asked for.

    Args:
        said: the `problem` section.
    """
    unable = {"hdbscan"} if said.clusters else {"tsne"} if (said.components or 2) > FLAT else set()
    return tuple(name for name in LEARNERS[task] if name not in unable)
