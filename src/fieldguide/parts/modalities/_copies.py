"""Near-duplicate images: which pictures are one picture, saved again.

Knows perceptual hashes and small thumbnails; nothing of tables or of splits. Copies that were cropped, turned or mirrored are
not found.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from fieldguide.parts.modalities import _pictures

NEAR_BITS = 6  # of 64 in which the hashes of copies may differ
ALL_PAIRS = 12_000  # up to so many pictures all pairs are compared; above, those that share a quarter of their hash
LEAST_ALIKE = 0.995  # correlation of two thumbnails of 16 x 16 shades
TIMES_CLOSER = 4.0  # a copy is so much closer than the pictures' usual nearest neighbour


def near(cells: Sequence[str | None]) -> np.ndarray:
    """Return pairs of places whose pictures are copies: (pairs, 2) int64.

    Two pictures are copies when their perceptual hashes differ in at most 6 of 64 bits, their 16 x 16 thumbnails correlate by
    .995 at least, and they lie four times closer to each other than the median picture lies to its nearest neighbour among
    other pictures: handwritten ones are all alike, and no copies.

    Source:
        imagehash.phash (Zauner, "Implementation and Benchmarking of Perceptual Image Hash Functions", 2010).
    """
    facts = {place: _pictures.facts_of(cell) for place, cell in enumerate(cells) if cell is not None}
    by_hash: dict[str, list[int]] = {}
    for place, known in facts.items():
        if "error" not in known:
            by_hash.setdefault(known["hash"], []).append(place)
    exact = [(places[0], other) for places in by_hash.values() for other in places[1:]]
    heads = [places[0] for places in by_hash.values() if facts[places[0]]["phash"]]
    found = _candidates(np.array([int(facts[place]["phash"], 16) for place in heads], np.uint64))
    sure = _sure([str(cells[place]) for place in heads], found)
    pairs = [*exact, *((heads[a], heads[b]) for a, b in sure.tolist())]
    return np.array(pairs, np.int64).reshape(-1, 2)


def _candidates(hashes: np.ndarray) -> np.ndarray:
    """Return pairs of hashes that differ in a few bits: (pairs, 2)."""
    n = len(hashes)
    if n < 2:
        return np.zeros((0, 2), np.int64)
    if n <= ALL_PAIRS:
        found = []
        for start in range(0, n, 512):
            distance = np.bitwise_count(hashes[start : start + 512, None] ^ hashes[None, :])
            a, b = np.nonzero(distance <= NEAR_BITS)
            keep = a + start < b
            found.append(np.stack([a[keep] + start, b[keep]], axis=1))
        return np.concatenate(found)
    found = []
    for band in range(4):
        part = (hashes >> np.uint64(16 * band)) & np.uint64(0xFFFF)
        order = np.argsort(part, kind="stable")
        for step in range(1, 17):  # a crowded band is a continuum, and of that sixteen neighbours are enough
            a, b = order[:-step], order[step:]
            same = (part[a] == part[b]) & (np.bitwise_count(hashes[a] ^ hashes[b]) <= NEAR_BITS)
            found.append(np.sort(np.stack([a[same], b[same]], axis=1), axis=1))
    return np.unique(np.concatenate(found), axis=0)


def _sure(cells: Sequence[str], pairs: np.ndarray) -> np.ndarray:
    """Return the pairs whose thumbnails are nearly equal, and more so than pictures of these are to each other."""
    if not len(pairs):
        return pairs
    usual = _usual_distance(cells)
    places = np.unique(pairs)
    thumbs = np.zeros((len(cells), 256), np.float32)
    thumbs[places] = _thumbs([cells[place] for place in places])
    # the angle between standardised thumbnails: 1 - correlation, as a distance
    kept = []
    for start in range(0, len(pairs), 65_536):
        a, b = pairs[start : start + 65_536].T
        alike = (thumbs[a] * thumbs[b]).sum(axis=1)
        kept.append((alike >= LEAST_ALIKE) & (np.sqrt(np.maximum(1 - alike, 0)) * TIMES_CLOSER <= usual))
    sure: np.ndarray = pairs[np.concatenate(kept)]
    return sure


def _usual_distance(cells: Sequence[str], most: int = 1_500) -> float:
    """Return the median distance of a picture to its nearest neighbour in a sample; infinite for hardly any pictures.

    In a sample neighbours are farther than among all pictures, by (n / sample) to the power of one over the number of
    dimensions that pictures vary in: little, and copies are closer by far.
    """
    chosen = [cells[i] for i in np.linspace(0, len(cells) - 1, min(len(cells), most)).astype(int)]
    if len(chosen) < 20:
        return float("inf")
    thumbs = _thumbs(chosen)
    alike = thumbs @ thumbs.T
    np.fill_diagonal(alike, -1.0)
    return float(np.median(np.sqrt(np.maximum(1 - alike.max(axis=1), 0))))


def _thumbs(cells: Sequence[str]) -> np.ndarray:
    """Return standardised 16 x 16 shades of grey of length 1, (n, 256) float32."""
    grey = np.stack([_pictures.pixels_of(cell, 16, 3) for cell in cells]).astype(np.float32)
    shades = (grey * np.array([0.299, 0.587, 0.114], np.float32)[:, None, None]).sum(axis=1).reshape(len(cells), -1)
    shades -= shades.mean(axis=1, keepdims=True)
    standard: np.ndarray = shades / np.maximum(np.linalg.norm(shades, axis=1, keepdims=True), 1e-6)
    return standard
