"""The contract of embedders: vectors of a stated shape, the same for the same seed, records of the course, a clock that is obeyed.

Knows a corpus of its own, made by seed: words of two topics that never stand together. Whether an objective is the published one is
tested beside each embedder.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import polars as pl

from fieldguide.core.clock import Clock
from fieldguide.core.words.vocabulary import corpus_of, vocabulary_of

N_TEXTS, N_WORDS = 200, 10


def check_embedder(embedder: Any) -> None:
    """Hold an embedder against what `fieldguide embed` asks of it.

    Args:
        embedder: a frozen dataclass with `name`, `dimensions` and `epochs`; make it small, it is taught three times.

    Raises:
        AssertionError: one sentence that names the rule which does not hold.
    """
    import torch

    frozen = getattr(getattr(type(embedder), "__dataclass_params__", None), "frozen", False)
    assert frozen, "an embedder is a frozen dataclass: its fields are its settings"
    assert isinstance(embedder.name, str) and embedder.name, "an embedder has a name, that of its file"
    texts = _texts()
    vocabulary = vocabulary_of(texts, 1)
    corpus = corpus_of(texts, vocabulary)

    def taught(seed: int, clock: Clock | None = None) -> tuple[Any, list[Any]]:
        vectors = embedder.start(len(vocabulary), seed, torch.device("cpu"))
        more = {} if clock is None else {"clock": clock}
        return vectors, list(embedder.learn(corpus, vocabulary, vectors, seed=seed, **more))

    begun = embedder.start(len(vocabulary), 0, torch.device("cpu"))
    for name in ("inputs", "outputs"):
        made = getattr(begun, name)
        assert tuple(made.shape) == (len(vocabulary), embedder.dimensions), (
            f"start gives {name} of shape (n_words, dimensions); these are {tuple(made.shape)}"
        )
    vectors, records = taught(0)
    assert [record["epoch"] for record in records] == list(range(1, embedder.epochs + 1)), (
        "learn yields a record an epoch, from 1"
    )
    assert all(math.isfinite(record["loss"]) for record in records), "the loss of every record is a finite number"
    learned = vectors.inputs.cpu().numpy()
    assert np.isfinite(learned).all(), "vectors stay finite"
    assert not np.array_equal(learned, begun.inputs.cpu().numpy()), "learn alters the vectors that it is handed"
    again, _ = taught(0)
    assert np.array_equal(learned, again.inputs.cpu().numpy()), "the same seed gives the same vectors"
    other, _ = taught(1)
    assert not np.array_equal(learned, other.inputs.cpu().numpy()), "another seed gives other vectors"
    _, stopped = taught(0, Clock.of(0.0))
    assert len(stopped) == 1 and stopped[0]["stopped"] == "clock", (
        "a clock without time ends the first epoch, and its record says so"
    )


def _texts() -> pl.Series:
    rng = np.random.default_rng(0)
    return pl.Series([[f"t{i % 2}w{word}" for word in rng.integers(0, N_WORDS, 12)] for i in range(N_TEXTS)])
