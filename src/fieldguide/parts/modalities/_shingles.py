"""Near-duplicate texts: which texts are one text with a few words changed.

Knows shingles, their smallest hashes and bands of these; nothing of tables or of splits. Short texts share too little to tell
a copy from a common phrase, and are left to exact comparison.
"""

from __future__ import annotations

import zlib
from collections.abc import Iterator, Sequence

import numpy as np

from fieldguide.parts.modalities._words import words_of

N_WORDS = 3  # of a shingle
FEWEST = 8  # shingles of a text, below which it is not compared
ALIKE = 0.8  # share of the shingles of two texts together that both have
BANDS, ROWS = 16, 4  # two texts that share 0.8 of their shingles meet in a band with probability 0.9998
FIRST = 50  # members of a bucket with which every other is compared: a boilerplate text that thousands share takes no square of them
_PRIME = (1 << 61) - 1


def near(texts: Sequence[str | None]) -> np.ndarray:
    """Return pairs of places whose texts share four fifths of their shingles: (pairs, 2) int64.

    Candidates come from MinHash signatures in bands; each pair is then compared exactly.

    Source:
        Broder, "On the resemblance and containment of documents", 1997; bands: Leskovec, Rajaraman, Ullman, "Mining of
        Massive Datasets", section 3.4.

    Examples:
        >>> said = "the quick brown fox jumps over the lazy dog and runs away from the old barn door"
        >>> near([said, "something else", said.replace("lazy", "sleepy"), said + " now"]).tolist()
        [[0, 3]]
    """
    rng = np.random.default_rng(0)
    factors = rng.integers(1, 1 << 31, BANDS * ROWS, dtype=np.uint64)
    offsets = rng.integers(0, 1 << 31, BANDS * ROWS, dtype=np.uint64)
    sets: dict[int, np.ndarray] = {}
    buckets: dict[tuple[int, bytes], list[int]] = {}
    for place, text in enumerate(texts):
        hashes = shingles_of(text or "")
        if len(hashes) < FEWEST:
            continue
        sets[place] = hashes
        signature = ((hashes[:, None] * factors + offsets) % np.uint64(_PRIME)).min(axis=0)
        for band in range(BANDS):
            buckets.setdefault((band, signature[band * ROWS : (band + 1) * ROWS].tobytes()), []).append(place)
    pairs = set()
    for members in buckets.values():
        for a, b in within(members):
            if (a, b) not in pairs and resemblance(sets[a], sets[b]) >= ALIKE:
                pairs.add((a, b))
    return np.array(sorted(pairs), np.int64).reshape(-1, 2)


def within(members: Sequence[int]) -> Iterator[tuple[int, int]]:
    """Yield the pairs of a bucket that are compared: every member with the first ones, so that none is left out.

    Copies of one text are tied together through the first of them, however many they are.

    Examples:
        >>> list(within([4, 7, 9]))
        [(4, 7), (4, 9), (7, 9)]
        >>> len(list(within(range(1000)))), {b for _, b in within(range(1000))} == set(range(1, 1000))
        (48725, True)
    """
    for j, a in enumerate(members[:FIRST]):
        for b in members[j + 1 :]:
            yield a, b


def shingles_of(text: str) -> np.ndarray:
    """Return the hashes of a text's distinct runs of three words: (n,) uint64, below 2^32."""
    words = words_of(text)
    runs = {" ".join(words[i : i + N_WORDS]).encode("utf-8", "surrogatepass") for i in range(len(words) - N_WORDS + 1)}
    return np.fromiter((zlib.crc32(run) for run in runs), np.uint64, len(runs))


def resemblance(one: np.ndarray, other: np.ndarray) -> float:
    """Return the share of two sets' shingles together that both have."""
    both = len(np.intersect1d(one, other, assume_unique=True))
    return both / max(len(one) + len(other) - both, 1)
