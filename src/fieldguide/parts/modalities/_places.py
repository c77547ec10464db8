"""Texts as points that can be near and far: by what they are about, whatever their length and style.

Knows weighted terms and their leading topics (`_terms`); where distances between rows are asked for is others' to know.
"""

from __future__ import annotations

import base64
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from fieldguide.core.batch import Layout
from fieldguide.parts.modalities._terms import MOST_TOPIC_TERMS, Terms, topics_of

N_PLACES = 10  # topics a text is placed by; with 64, noise has more say than what texts share


@dataclass(frozen=True)
class PlacesEncoder:
    """Every text by its direction among the topics behind the first, which is what all texts have in common.

    Rows are brought to length 1, so that distances are those of angles: a long text lies where a short one about the same lies. A
    text without any known term, or none at all, is at 0.

    Shape:
        encode(cells)["numbers"]: (rows, at most 10 topics and a missing flag a column) float32, without NaN

    Source:
        Deerwester et al., "Indexing by Latent Semantic Analysis", 1990; Dhillon and Modha, "Concept Decompositions for Large
        Sparse Text Data using Clustering", Machine Learning 42, 2001 (rows of length 1).
    """

    names: tuple[str, ...]
    terms: tuple[Terms, ...]
    topics: tuple[np.ndarray, ...]

    @staticmethod
    def fit(cells: Mapping[str, np.ndarray]) -> PlacesEncoder:
        terms = tuple(Terms.fit(column.tolist(), MOST_TOPIC_TERMS) for column in cells.values())
        found = (topics_of(t.encode(column.tolist()), N_PLACES + 1) for t, column in zip(terms, cells.values()))
        return PlacesEncoder(
            tuple(cells), terms, tuple(np.ascontiguousarray(t[:, min(1, t.shape[1] - 1) :]) for t in found)
        )

    def layout(self) -> Layout:
        names: list[str] = []
        for name, topics in zip(self.names, self.topics):
            names += [f"{name} topic {i + 1}" for i in range(topics.shape[1])] + [f"{name} is missing"]
        return Layout(numbers=tuple(names))

    def encode(self, cells: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
        parts: list[np.ndarray] = []
        for name, terms, topics in zip(self.names, self.terms, self.topics):
            texts = cells[name].tolist()
            places = np.asarray(terms.encode(texts) @ topics.astype(np.float32), np.float64).reshape(
                len(texts), topics.shape[1]
            )
            lengths = np.sqrt((places * places).sum(axis=1, keepdims=True))
            parts += [
                places / np.where(lengths > 0, lengths, 1.0),
                np.array([float(t is None) for t in texts]).reshape(-1, 1),
            ]
        return {"numbers": np.concatenate(parts, axis=1).astype(np.float32)}

    def to_dict(self) -> dict[str, Any]:
        return {
            "form": "places", "names": list(self.names), "terms": [terms.to_dict() for terms in self.terms],
            "topics": [base64.b64encode(topics.tobytes()).decode("ascii") for topics in self.topics],
            "n_topics": [topics.shape[1] for topics in self.topics],
        }  # fmt: skip

    @staticmethod
    def from_dict(data: Mapping[str, Any]) -> PlacesEncoder:
        terms = tuple(Terms.from_dict(column) for column in data["terms"])
        topics = (
            np.frombuffer(base64.b64decode(column), np.float16).reshape(len(t.words), n)
            for t, column, n in zip(terms, data["topics"], data["n_topics"])
        )
        return PlacesEncoder(tuple(data["names"]), terms, tuple(topics))
