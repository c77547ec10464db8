"""Texts as weighted terms: TF-IDF, and the few topics that explain most of it.

Knows counts, weights and a truncated singular value decomposition; which columns they come from is the modality's.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from fieldguide.parts.modalities._words import GRAMS, grams_of

MOST_TERMS = 200_000
MOST_TOPIC_TERMS = 20_000
LEAST_ROWS = 2  # a term in one training row alone says nothing about others
N_TOPICS = 64


@dataclass(frozen=True)
class Terms:
    """Words and pairs of words of one column, weighted by how much they tell rows apart.

    Weight of a term in a row: (1 + ln count) · (1 + ln((1 + rows) / (1 + rows with it))), rows scaled to length 1.

    Source:
        Salton and Buckley, "Term-weighting approaches in automatic text retrieval", 1988 (smoothed as scikit-learn does).

    Examples:
        >>> terms = Terms.fit(["free entry", "free lunch", None])
        >>> terms.words, terms.encode(["free"]).toarray().tolist()
        (('free',), [[1.0]])
    """

    words: tuple[str, ...]
    idf: tuple[float, ...]
    _places: dict[str, int] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "_places", {word: place for place, word in enumerate(self.words)})

    @staticmethod
    def fit(texts: Sequence[str | None], most: int = MOST_TERMS) -> Terms:
        """Choose at most `most` terms, the most frequent first, and their weights on training texts."""
        kept = sorted((-n, term) for term, n in _rows_with(texts).items() if n >= LEAST_ROWS)[:most]
        idf = tuple(1.0 + float(np.log((1 + len(texts)) / (1 - n))) for n, _ in kept)  # n is negative
        return Terms(tuple(term for _, term in kept), idf)

    def encode(self, texts: Sequence[str | None]) -> Any:
        """Return (rows, terms) float32 as `scipy.sparse.csr_matrix`."""
        from scipy.sparse import csr_matrix

        columns, counts, ends = self._counted(texts)
        weights = (1.0 + np.log(counts)) * np.array(self.idf, np.float64)[columns]
        matrix = csr_matrix((weights, columns, ends), shape=(len(ends) - 1, len(self.words)))
        lengths = np.sqrt(np.asarray(matrix.multiply(matrix).sum(axis=1)).ravel())
        matrix.data /= np.repeat(np.where(lengths > 0, lengths, 1.0), np.diff(matrix.indptr))
        return matrix.astype(np.float32)

    def _counted(self, texts: Sequence[str | None]) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Return the place and the count of every term in every row, in the order it comes in, and where each row ends."""
        kept = GRAMS.of(texts)
        if kept is not None:
            return self._of_kept(kept)
        places: list[int] = []
        counts: list[int] = []
        ends = [0]
        for text in texts:
            known = Counter(grams_of(text or ""))
            for term, count in known.items():
                place = self._places.get(term)
                if place is not None:
                    places.append(place)
                    counts.append(count)
            ends.append(len(places))
        return np.array(places, np.int32), np.array(counts, np.float64), np.array(ends, np.int64)

    def _of_kept(self, kept: Sequence[np.ndarray]) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """The same of texts that were cut before: parts by number, of all rows at once."""
        place_of = GRAMS.places(self.words)
        rows = np.repeat(np.arange(len(kept)), [len(numbers) for numbers in kept])
        places = place_of[np.concatenate(kept)] if kept else np.zeros(0, np.int32)
        known = np.flatnonzero(places >= 0)
        rows, places = rows[known], places[known].astype(np.int64)
        cells, first, counts = np.unique(rows * len(self.words) + places, return_index=True, return_counts=True)
        order = np.argsort(
            first, kind="stable"
        )  # as they are met: sums of their squares come out the same to the last bit
        columns = (cells[order] % max(1, len(self.words))).astype(np.int32)
        ends = np.searchsorted(rows[first[order]], np.arange(len(kept) + 1))
        return columns, counts[order].astype(np.float64), ends

    def to_dict(self) -> dict[str, Any]:
        return {"words": list(self.words), "idf": list(self.idf)}

    @staticmethod
    def from_dict(data: Mapping[str, Any]) -> Terms:
        return Terms(tuple(data["words"]), tuple(data["idf"]))


def _rows_with(texts: Sequence[str | None]) -> Mapping[str, int]:
    """Return in how many texts each term is."""
    kept = GRAMS.of(texts)
    if kept is None:
        found: Counter[str] = Counter()
        for text in texts:
            if text is not None:
                found.update(set(grams_of(text)))
        return found
    once = [np.unique(numbers) for numbers in kept]
    counts = np.bincount(np.concatenate(once), minlength=len(GRAMS.parts)) if once else np.zeros(0, np.int64)
    return {GRAMS.parts[i]: int(counts[i]) for i in np.flatnonzero(counts).tolist()}


def topics_of(matrix: Any, n_topics: int = N_TOPICS) -> np.ndarray:
    """Return the directions in which rows of terms differ most: the leading right singular vectors.

    Shape:
        matrix: (rows, terms), sparse
        returns: (terms, at most n_topics) float16, which is as fine as the choice of the rows; fewer where rows or terms are few

    Source:
        Deerwester et al., "Indexing by Latent Semantic Analysis", 1990.
    """
    from scipy.sparse.linalg import svds

    most = min(n_topics, min(matrix.shape) - 1)
    if most < 1 or not matrix.nnz:
        return np.zeros((matrix.shape[1], 0), np.float16)
    start = np.ones(min(matrix.shape)) / np.sqrt(min(matrix.shape))
    _, values, right = svds(matrix.astype(np.float64), k=most, v0=start, random_state=0)
    right = right[np.argsort(-values)][: int((values > 1e-9).sum())]
    # a singular vector's sign is arbitrary: its largest entry is made positive, so that a refit keeps its meaning
    signs = np.sign(right[np.arange(len(right)), np.abs(right).argmax(axis=1)])
    # + 0: what is nearly nothing is rounded to 0 or to -0, as it happens to be added up
    return np.ascontiguousarray((right * signs[:, None]).T, np.float16) + np.float16(0)
