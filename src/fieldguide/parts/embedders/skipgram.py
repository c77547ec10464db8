"""Word2vec: skip-gram with negative sampling. A word's vector is learned so that it tells the words around it.

Knows the settings, the passes over a corpus, the falling learning rate and the device; the objective and its gradient are in
`_objective`, the draws in `_draws`. Files and texts are the step's business.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
import torch
from torch import Tensor

from fieldguide.core.clock import Clock
from fieldguide.core.errors import ConfigError
from fieldguide.core.seeds import generator
from fieldguide.core.vocabulary import Corpus, Vocabulary
from fieldguide.parts.embedders._draws import Alias, Drawn, draw
from fieldguide.parts.embedders._objective import Stretch, loss, step

BLOCK = 32
"""Targets that share their negatives."""
NOISE = 32
"""Negatives that a block shares."""
STRETCH = {"cpu": 1024, "cuda": 16_384}
"""Words a step takes at once: as many as fit the cache of a processor, or keep a GPU busy."""
PART = 2**22
"""Words of the corpus that are drawn at once; a window does not reach across the end of such a part."""
STEPS_PER_LOSS = 64


@dataclass(frozen=True)
class SkipGram:
    """Skip-gram with negative sampling.

    Args:
        dimensions: length of a vector.
        window: how far a word looks at most, in words; each occurrence draws its own reach from 1 to this.
        negatives: words drawn from noise for each pair.
        epochs: passes over the corpus.
        learning_rate: at the start; it falls to 0 in a straight line.
        subsample: threshold above which a word's occurrences are thinned out, as a share of the corpus; 0 keeps all.
        noise_power: negatives are drawn by count ** this.

    Raises:
        ConfigError: a setting is out of its range.

    Examples:
        >>> SkipGram(window=0)
        Traceback (most recent call last):
        fieldguide.core.errors.ConfigError: window 0 is out of range. Rule: window is a whole number of 1 or more.
    """

    name: ClassVar[str] = "skipgram"

    dimensions: int = 100
    window: int = 5
    negatives: int = 5
    epochs: int = 5
    learning_rate: float = 0.025
    subsample: float = 1e-3
    noise_power: float = 0.75

    def __post_init__(self) -> None:
        for field in ("dimensions", "window", "negatives", "epochs"):
            if getattr(self, field) < 1:
                raise ConfigError(
                    f"{field} {getattr(self, field)} is out of range", rule=f"{field} is a whole number of 1 or more"
                )
        if not 0.0 < self.learning_rate <= 1.0:
            raise ConfigError(
                f"learning_rate {self.learning_rate:g} is out of range", rule="learning_rate is above 0 and at most 1"
            )
        for field in ("subsample", "noise_power"):
            if not 0.0 <= getattr(self, field) <= 1.0:
                raise ConfigError(
                    f"{field} {getattr(self, field):g} is out of range", rule=f"{field} is between 0 and 1"
                )

    def start(self, n_words: int, seed: int, device: torch.device) -> Vectors:
        """Return vectors to begin with: inputs uniform within ±1/2 over the dimensions, outputs zero."""
        drawn = generator(seed, "embed", "start").random((n_words, self.dimensions), dtype=np.float32)
        inputs = torch.from_numpy((drawn - 0.5) / self.dimensions).to(device)
        return Vectors(inputs, torch.zeros_like(inputs))

    def learn(
        self, corpus: Corpus, vocabulary: Vocabulary, vectors: Vectors, *, seed: int = 0, clock: Clock | None = None
    ) -> Iterator[dict[str, Any]]:
        """Move the vectors in place; yield after each part of a pass: epoch, words, loss, rate, seconds, stopped.

        `words` counts those of the corpus that were passed, thinned-out ones too. `loss` is per pair [nats], as it was
        before each step it is measured on. Near the clock's end the pass stops and `stopped` is "clock".
        """
        clock, begun, device = clock or Clock(), time.monotonic(), vectors.inputs.device
        keep, noise = vocabulary.keep(self.subsample), Alias.of(vocabulary.noise(self.noise_power))
        band = _band(self.window, self.negatives).to(device)
        sums = torch.zeros(len(vocabulary), device=device)
        total = self.epochs * len(corpus)
        for epoch in range(self.epochs):
            rng = generator(seed, "embed", "epoch", epoch)
            for first in range(0, len(corpus), PART):
                part = slice(first, min(first + PART, len(corpus)))
                done, ahead = epoch * len(corpus) + first, part.stop - first
                drawn = draw(corpus, part, keep, self.window, rng)
                found, stopped = _pass(
                    drawn, noise, band, vectors, sums, rng, clock,
                    lambda share: self.learning_rate * (1.0 - (done + share * ahead) / total),  # noqa: B023
                )  # fmt: skip
                words = done + ahead
                yield {
                    "epoch": epoch + 1, "words": words, "loss": found, "rate": self.learning_rate * (1.0 - words / total),
                    "seconds": time.monotonic() - begun, **({"stopped": "clock"} if stopped else {}),
                }  # fmt: skip
                if stopped:
                    return


@dataclass(frozen=True)
class Vectors:
    """The two vectors of every word: as a target and as a context.

    Shape:
        inputs, outputs: (n_words, d) float32
    """

    inputs: Tensor
    outputs: Tensor


@dataclass(frozen=True)
class Band:
    """Which words around a place in a block are contexts, for every reach to the left and right, and what a negative weighs.

    Shape:
        contexts: ((window + 1)^2 * BLOCK, BLOCK + 2 * window) float32, by left reach, right reach, place
        weights: ((window + 1)^2 * BLOCK, 1) float32
    """

    window: int
    contexts: Tensor
    weights: Tensor

    def to(self, device: torch.device) -> Band:
        return Band(self.window, self.contexts.to(device), self.weights.to(device))


def _band(window: int, negatives: int) -> Band:
    reach = np.arange(window + 1)
    offset = np.arange(BLOCK + 2 * window)[None, :] - window - np.arange(BLOCK)[:, None]  # of a context from a place
    left, right = reach[:, None, None, None], reach[None, :, None, None]
    near = (offset >= -left) & (offset <= right) & (offset != 0)
    contexts = torch.from_numpy(near.reshape(-1, near.shape[-1]).astype(np.float32))
    return Band(window, contexts, contexts.sum(1, keepdim=True) * (negatives / NOISE))


def _pass(
    drawn: Drawn,
    noise: Alias,
    band: Band,
    vectors: Vectors,
    sums: Tensor,
    rng: np.random.Generator,
    clock: Clock,
    rate: Any,
) -> tuple[float | None, bool]:
    """Take every stretch of what was drawn once; return the mean loss per pair and whether the clock ended it."""
    device, window = vectors.inputs.device, band.window
    n = len(drawn.words)
    size = max(BLOCK, min(STRETCH.get(device.type, STRETCH["cpu"]), -(-n // BLOCK) * BLOCK))
    n_steps = -(-n // size)
    words = np.zeros(n_steps * size + 2 * window, np.int64)
    words[window : window + n] = drawn.words
    code = np.zeros(n_steps * size, np.int64)  # without any reach: the padding is no target
    code[:n] = (drawn.left * (window + 1) + drawn.right) * BLOCK
    code += np.tile(np.arange(BLOCK), len(code) // BLOCK)
    on_device, codes = torch.from_numpy(words).to(device), torch.from_numpy(code).to(device)
    total, pairs = 0.0, 0.0
    for i in range(n_steps):
        place = codes[i * size : (i + 1) * size]
        negatives = torch.from_numpy(noise.draw(size // BLOCK * NOISE, rng)).to(device)
        stretch = Stretch(
            on_device[i * size : (i + 1) * size + 2 * window],
            band.contexts.index_select(0, place).view(-1, BLOCK, BLOCK + 2 * window),
            negatives.view(-1, NOISE),
            band.weights.index_select(0, place).view(-1, BLOCK, 1),
        )
        if i % STEPS_PER_LOSS == 0:
            total += float(loss(vectors.inputs, vectors.outputs, stretch))
            pairs += float(stretch.contexts.sum())
            if clock.left() <= 0.0:
                return (total / pairs if pairs else None), True
        step(vectors.inputs, vectors.outputs, stretch, rate(i / n_steps), sums)
    return (total / pairs if pairs else None), False
