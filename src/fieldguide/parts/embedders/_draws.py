"""What is drawn while an embedding is learned: which occurrences stay, how far each word looks, which words are negatives.

Knows numbers and seeds; nothing of vectors or gradients.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from fieldguide.core.words.vocabulary import Corpus


@dataclass(frozen=True)
class Alias:
    """A distribution that is drawn from in constant time, exactly: each cell holds a share of one or two words.

    Source:
        Walker 1977, Vose 1991 (the alias method).
    """

    share: np.ndarray
    other: np.ndarray

    @staticmethod
    def of(probability: np.ndarray) -> Alias:
        scaled = probability * len(probability)
        share, other = scaled.copy(), np.arange(len(scaled), dtype=np.int64)
        small, large = np.flatnonzero(scaled < 1.0).tolist(), np.flatnonzero(scaled >= 1.0).tolist()
        while small and large:
            low, high = small.pop(), large[-1]
            other[low] = high
            share[high] -= 1.0 - share[low]
            if share[high] < 1.0:
                small.append(large.pop())
        share[small + large] = 1.0  # what rounding left over
        return Alias(share.astype(np.float32), other)

    def draw(self, n: int, rng: np.random.Generator) -> np.ndarray:
        """Return n independent draws.

        Examples:
            >>> drawn = Alias.of(np.array([0.5, 0.3, 0.2])).draw(100_000, np.random.default_rng(0))
            >>> (np.bincount(drawn) / 100_000).round(2).tolist()
            [0.5, 0.3, 0.2]
        """
        cell = rng.integers(0, len(self.share), n, dtype=np.int64)
        return np.where(rng.random(n, dtype=np.float32) < self.share[cell], cell, self.other[cell])


@dataclass(frozen=True)
class Drawn:
    """One pass over a part of the corpus: the occurrences that stay, and how many contexts each has on either side.

    Shape:
        words: (n,) int64; left, right: (n,) int64, at most the window, never across the end of a sequence
    """

    words: np.ndarray
    left: np.ndarray
    right: np.ndarray


def draw(corpus: Corpus, part: slice, keep: np.ndarray, window: int, rng: np.random.Generator) -> Drawn:
    """Thin out frequent words, then draw for each word that stays how far it looks: 1 to `window`, each as likely.

    Examples:
        >>> corpus = Corpus(np.array([0, 1, 1, 0], np.int32), np.array([0, 0, 0, 1], np.int32))
        >>> drawn = draw(corpus, slice(None), np.ones(2), 1, np.random.default_rng(0))
        >>> drawn.words.tolist(), drawn.left.tolist(), drawn.right.tolist()
        ([0, 1, 1, 0], [0, 1, 1, 0], [1, 1, 0, 0])
    """
    words, sequence = corpus.codes[part], corpus.sequence[part]
    kept = rng.random(len(words), dtype=np.float32) < keep.astype(np.float32)[words]
    words, sequence = words[kept].astype(np.int64), sequence[kept]
    n = len(words)
    reach = rng.integers(1, window + 1, n)
    begins = np.flatnonzero(np.concatenate([[n > 0], sequence[1:] != sequence[:-1]]))
    ends = np.concatenate([begins[1:], [n]])[: len(begins)]
    lengths = ends - begins
    place = np.arange(n)
    left = np.minimum(reach, place - np.repeat(begins, lengths))
    right = np.minimum(reach, np.repeat(ends, lengths) - 1 - place)
    return Drawn(words, left, right)
