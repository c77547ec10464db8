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
from fieldguide.core.words.vocabulary import Corpus, Vocabulary
from fieldguide.parts.embedders._draws import Alias, Drawn, draw
from fieldguide.parts.embedders._objective import Stretch, loss, step

BLOCK = 32
"""Targets that share their negatives."""
NOISE = 32
"""Negatives that a block shares."""
STRETCH = {"cpu": 1024, "cuda": 4096}
"""Words that a step takes at once, at most: as many as fit the cache of a processor, or keep a GPU busy."""
REPEATS = 2.0
"""How often two words of a stretch may be the same one, times the stretch's length: pairs of one word that are taken at once
do not see each other, so a small vocabulary takes short stretches."""
PART = 2**23
"""Words of the corpus that are drawn at once; a window does not reach across the end of such a part."""
STEPS_PER_LOSS = 64
WIDEST = 100
"""The widest window: what is laid out for every reach to the left and right grows with its cube, here to 0.3 GB."""


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
        fieldguide.core.errors.ConfigError: window 0 is out of range. Rule: window is a whole number of 1 or more. Found: window is 0. Do: set window to 1 or more, or leave it out.
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
                    f"{field} {getattr(self, field)} is out of range",
                    rule=f"{field} is a whole number of 1 or more",
                    found=f"{field} is {getattr(self, field)}",
                    do=f"set {field} to 1 or more, or leave it out",
                )
        if self.window > WIDEST:
            raise ConfigError(
                f"window {self.window:,} is out of range",
                rule=f"window is at most {WIDEST}",
                found=f"window is {self.window:,}",
                do="name fewer words; 5 is usual",
            )
        if not 0.0 < self.learning_rate <= 1.0:
            raise ConfigError(
                f"learning_rate {self.learning_rate:g} is out of range",
                rule="learning_rate is above 0 and at most 1",
                found=f"learning_rate is {self.learning_rate:g}",
                do="leave it out, or try 0.025",
            )
        for field in ("subsample", "noise_power"):
            if not 0.0 <= getattr(self, field) <= 1.0:
                raise ConfigError(
                    f"{field} {getattr(self, field):g} is out of range",
                    rule=f"{field} is between 0 and 1",
                    found=f"{field} is {getattr(self, field):g}",
                    do=f"set {field} from 0 to 1, or leave it out",
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
        size = stretch_size(vocabulary.counts * keep, STRETCH.get(device.type, STRETCH["cpu"]))
        n_parts = -(-len(corpus) // PART)
        ends = np.linspace(0, len(corpus), n_parts + 1).astype(np.int64)
        total, done = self.epochs * len(corpus), 0
        for epoch in range(self.epochs):
            rng = generator(seed, "embed", "epoch", epoch)
            for i in rng.permutation(n_parts):
                part = slice(int(ends[i]), int(ends[i + 1]))
                drawn = draw(corpus, part, keep, self.window, rng)
                before, done = done, done + part.stop - part.start
                rates = tuple(self.learning_rate * (1.0 - words / total) for words in (before, done))
                found, stopped = _pass(drawn, noise, band, vectors, sums, size, rng, clock, rates)
                yield {
                    "epoch": epoch + 1, "words": done, "loss": found, "rate": rates[1],
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


def stretch_size(occurrences: np.ndarray, most: int) -> int:
    """Return how many words a step takes: whole blocks, at most `most`, `REPEATS` times the number of words that matter.

    That number is 1 / (sum of squared shares): n for n words of one frequency, less for words of different ones.

    Examples:
        >>> stretch_size(np.ones(100), 1024), stretch_size(np.ones(100_000), 1024), stretch_size(np.ones(3), 1024)
        (192, 1024, 32)
    """
    share = occurrences / occurrences.sum()
    return max(BLOCK, min(most, int(REPEATS / (share**2).sum())) // BLOCK * BLOCK)


def _pass(
    drawn: Drawn,
    noise: Alias,
    band: Band,
    vectors: Vectors,
    sums: Tensor,
    size: int,
    rng: np.random.Generator,
    clock: Clock,
    rates: tuple[float, ...],
) -> tuple[float | None, bool]:
    """Take every stretch of what was drawn once, in random order; return the loss per pair and whether the clock ended it.

    In the order of the file, a corpus that is sorted by topic would be remembered by its last topic.

    Args:
        size: words of a stretch.
        rates: the learning rate before and after.
    """
    device, window, n = vectors.inputs.device, band.window, len(drawn.words)
    size = max(BLOCK, min(size, -(-n // BLOCK) * BLOCK))
    n_steps = -(-n // size)
    words, code = _laid_out(drawn, n_steps * size, window)
    on_device, codes = torch.from_numpy(words).to(device), torch.from_numpy(code).to(device)
    total, pairs = 0.0, 0.0
    for done, i in enumerate(rng.permutation(n_steps).tolist()):
        place = codes[i * size : (i + 1) * size]
        negatives = torch.from_numpy(noise.draw(size // BLOCK * NOISE, rng)).to(device)
        stretch = Stretch(
            on_device[i * size : (i + 1) * size + 2 * window],
            band.contexts.index_select(0, place).view(-1, BLOCK, BLOCK + 2 * window),
            negatives.view(-1, NOISE),
            band.weights.index_select(0, place).view(-1, BLOCK, 1),
        )
        if done % STEPS_PER_LOSS == 0:
            total += float(loss(vectors.inputs, vectors.outputs, stretch))
            pairs += float(stretch.contexts.sum())
            if clock.over:
                return (total / pairs if pairs else None), True
        rate = rates[0] + (rates[1] - rates[0]) * done / n_steps
        step(vectors.inputs, vectors.outputs, stretch, rate, sums)
    return (total / pairs if pairs else None), False


def _laid_out(drawn: Drawn, n: int, window: int) -> tuple[np.ndarray, np.ndarray]:
    """Return the drawn words padded to n places with a margin on either side, and each place's row of the band.

    Padding has no reach, so that it is no target, and nobody's reach goes there, so that it is no context.

    Shape:
        returns: (n + 2 * window,) int64 words, (n,) int64 rows
    """
    words, code = np.zeros(n + 2 * window, np.int64), np.zeros(n, np.int64)
    words[window : window + len(drawn.words)] = drawn.words
    code[: len(drawn.words)] = (drawn.left * (window + 1) + drawn.right) * BLOCK
    return words, code + np.tile(np.arange(BLOCK), n // BLOCK)
