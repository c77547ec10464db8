"""Skip-gram with negative sampling against its formula, its draws against their distributions, and what it learns."""

from __future__ import annotations

import math
import re
import time
from dataclasses import dataclass
from typing import Any

import numpy as np
import polars as pl
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from fieldguide.core.clock import Clock
from fieldguide.core.errors import ConfigError
from fieldguide.core.words.vocabulary import Corpus, Vocabulary, corpus_of, vocabulary_of
from fieldguide.parts.embedders import _objective as objective
from fieldguide.parts.embedders import skipgram
from fieldguide.parts.embedders._draws import Alias, draw
from fieldguide.parts.embedders._objective import Stretch
from fieldguide.parts.embedders.skipgram import SkipGram
from fieldguide.testing import check_embedder

WINDOW, BLOCK, N_WORDS, N_NOISE, NEGATIVES = 2, 4, 7, 3, 5


def a_stretch(seed: int) -> tuple[Stretch, list[tuple[int, int]], np.ndarray]:
    """Return a stretch of three blocks of a corpus of two sequences, its pairs by hand, and its words."""
    rng = np.random.default_rng(seed)
    n = 3 * BLOCK
    words = rng.integers(0, N_WORDS, n + 2 * WINDOW)
    sequence = np.repeat([0, 1], [5, n + 2 * WINDOW - 5])
    reach = rng.integers(1, WINDOW + 1, n + 2 * WINDOW)
    contexts = np.zeros((3, BLOCK, BLOCK + 2 * WINDOW))
    pairs = []
    for t in range(WINDOW, WINDOW + n):
        for c in range(t - reach[t], t + reach[t] + 1):
            if c != t and sequence[c] == sequence[t]:
                block, place = divmod(t - WINDOW, BLOCK)
                contexts[block, place, c - block * BLOCK] = 1.0
                pairs.append((t, c))
    weight = contexts.sum(2, keepdims=True) * NEGATIVES / N_NOISE
    noise = rng.integers(0, N_WORDS, (3, N_NOISE))
    stretch = Stretch(*(torch.from_numpy(x) for x in (words, contexts, noise, weight)))
    return stretch, pairs, words


def by_hand(
    inputs: np.ndarray, outputs: np.ndarray, stretch: Stretch, pairs: list[tuple[int, int]], words: np.ndarray
) -> float:
    """The formula, pair by pair: -log s(u_c.v_w), and the block's negatives, each k / K times a pair."""
    total = 0.0
    for t, c in pairs:
        v = inputs[words[t]]
        total += math.log1p(math.exp(-outputs[words[c]] @ v))
        for n in stretch.noise[(t - WINDOW) // BLOCK].tolist():
            total += NEGATIVES / N_NOISE * math.log1p(math.exp(outputs[n] @ v))
    return total


@pytest.mark.parametrize("seed", range(3))
def test_gradient_is_that_of_the_formula(seed: int) -> None:
    stretch, pairs, words = a_stretch(seed)
    rng = np.random.default_rng(seed + 10)
    inputs, outputs = rng.normal(size=(2, N_WORDS, 6))
    assert float(objective.loss(torch.tensor(inputs), torch.tensor(outputs), stretch)) == pytest.approx(
        by_hand(inputs, outputs, stretch, pairs, words), rel=1e-12
    )
    down = objective.descent(torch.tensor(inputs), torch.tensor(outputs), stretch)
    rows = torch.cat([stretch.words, stretch.noise.view(-1)])
    found = [
        torch.zeros(N_WORDS, 6, dtype=torch.float64).index_add_(0, stretch.targets, down.inputs).numpy(),
        torch.zeros(N_WORDS, 6, dtype=torch.float64).index_add_(0, rows, down.outputs).numpy(),
    ]
    for vectors, gradient in zip((inputs, outputs), found, strict=True):
        for place in np.ndindex(vectors.shape):
            kept, ends = vectors[place], []
            for shift in (1e-5, -1e-5):
                vectors[place] = kept + shift
                ends.append(by_hand(inputs, outputs, stretch, pairs, words))
            vectors[place] = kept
            assert -gradient[place] == pytest.approx((ends[0] - ends[1]) / 2e-5, abs=1e-7)


def test_steepness_is_the_sum_of_the_partners_squared_lengths() -> None:
    stretch, pairs, words = a_stretch(1)
    inputs, outputs = np.random.default_rng(0).normal(size=(2, N_WORDS, 6))
    down = objective.descent(torch.tensor(inputs), torch.tensor(outputs), stretch)
    wanted_in, wanted_out = np.zeros(N_WORDS), np.zeros(N_WORDS)
    for t, c in pairs:
        wanted_in[words[t]] += outputs[words[c]] @ outputs[words[c]]
        wanted_out[words[c]] += inputs[words[t]] @ inputs[words[t]]
        for n in stretch.noise[(t - WINDOW) // BLOCK].tolist():
            wanted_in[words[t]] += NEGATIVES / N_NOISE * outputs[n] @ outputs[n]
            wanted_out[n] += NEGATIVES / N_NOISE * inputs[words[t]] @ inputs[words[t]]
    rows = torch.cat([stretch.words, stretch.noise.view(-1)]).numpy()
    assert np.bincount(stretch.targets.numpy(), down.steep_inputs.numpy(), N_WORDS) == pytest.approx(wanted_in)
    assert np.bincount(rows, down.steep_outputs.numpy(), N_WORDS) == pytest.approx(wanted_out)


def test_a_small_step_is_the_rate_times_the_gradient_and_a_large_one_is_shortened() -> None:
    stretch, _, _ = a_stretch(2)
    start = torch.from_numpy(np.random.default_rng(3).normal(size=(2, N_WORDS, 6)))
    wanted = start.clone().requires_grad_()
    objective.loss(wanted[0], wanted[1], stretch).backward()
    assert wanted.grad is not None
    moved = []
    for rate in (1e-6, 10.0):
        vectors, sums = start.clone(), torch.zeros(N_WORDS, dtype=torch.float64)
        objective.step(vectors[0], vectors[1], stretch, rate, sums)
        moved.append((vectors - start) / rate)
        assert not sums.any()
    assert torch.allclose(moved[0][0], -wanted.grad[0], atol=1e-9)
    # Outputs move by the gradient at the inputs before the step.
    assert torch.allclose(moved[0][1], -wanted.grad[1], atol=1e-9)
    assert moved[1].norm() < 0.2 * moved[0].norm()


def test_a_text_of_one_word_a_thousand_times_over_stays_finite() -> None:
    lists = pl.Series([["ax"] * 5000 + ["b"], ["b", "ax"] * 500])
    found = learned(lists, SkipGram(dimensions=8, epochs=3, learning_rate=0.1))
    assert np.isfinite(found).all() and np.abs(found).max() < 50


@pytest.mark.parametrize(("margin", "block"), [(2, 4), (5, 2)])
def test_gathered_reverses_around(margin: int, block: int) -> None:
    contexts = torch.zeros(3, block, block + 2 * margin)
    stretch = Stretch(
        torch.zeros(3 * block + 2 * margin, dtype=torch.int64), contexts, torch.zeros(3, 1), torch.zeros(3, block, 1)
    )
    rows = torch.arange(float(len(stretch.words)) * 2).view(-1, 2)
    parts = objective.around(rows, stretch)
    assert [len(part) for part in parts] == [block + 2 * margin] * 3
    wanted = torch.zeros_like(rows)
    for i in range(3):
        assert torch.equal(parts[i], rows[i * block : i * block + block + 2 * margin])
        wanted[i * block : i * block + block + 2 * margin] += parts[i]
    assert torch.equal(objective.gathered(parts, stretch), wanted)


# --- draws ---------------------------------------------------------------------------------------------------------------


@settings(max_examples=30, deadline=None)
@given(st.lists(st.floats(0.001, 100.0), min_size=1, max_size=12))
def test_the_alias_table_holds_the_distribution_exactly(weights: list[float]) -> None:
    probability = np.array(weights) / sum(weights)
    table = Alias.of(probability)
    held = table.share.astype(np.float64) / len(probability)
    np.add.at(held, table.other, (1.0 - table.share) / len(probability))
    assert held == pytest.approx(probability, abs=1e-6)


def test_negatives_are_drawn_by_counts_to_the_three_quarters() -> None:
    noise = Vocabulary(("a", "b", "c"), np.array([81, 16, 1]), 98).noise()
    assert noise == pytest.approx(np.array([27, 8, 1]) / 36)
    drawn = np.bincount(Alias.of(noise).draw(200_000, np.random.default_rng(0)), minlength=3) / 200_000
    assert drawn == pytest.approx(noise, abs=0.005)


def test_frequent_words_are_thinned_out_and_reaches_are_uniform() -> None:
    words = Vocabulary(("the", "rare"), np.array([100_000, 1000]), 101_000)
    keep = words.keep(1e-2)
    assert keep == pytest.approx([math.sqrt(0.0101) + 0.0101, 1.0], abs=1e-6)
    corpus = Corpus(np.repeat([0, 1], [100_000, 1000]).astype(np.int32), np.zeros(101_000, np.int32))
    drawn = draw(corpus, slice(None), keep, 4, np.random.default_rng(1))
    counts = np.bincount(drawn.words)
    assert counts[1] == 1000 and counts[0] == pytest.approx(100_000 * keep[0], rel=0.03)
    middle = drawn.left[10:-10]
    assert np.bincount(middle)[1:] / len(middle) == pytest.approx([0.25] * 4, abs=0.02)
    assert (drawn.left[10:-10] == drawn.right[10:-10]).all()


def test_contexts_end_where_a_sequence_ends() -> None:
    corpus = Corpus(np.zeros(9, np.int32), np.array([0, 0, 0, 1, 1, 1, 1, 2, 2], np.int32))
    for seed in range(5):
        drawn = draw(corpus, slice(None), np.ones(1), 9, np.random.default_rng(seed))
        room = np.array([0, 1, 2, 0, 1, 2, 3, 0, 1]), np.array([2, 1, 0, 3, 2, 1, 0, 1, 0])
        assert (drawn.left <= room[0]).all() and (drawn.right <= room[1]).all()
        assert (np.maximum(drawn.left, drawn.right) >= 1).all()


def test_the_pairs_of_a_pass_are_those_of_the_draws(monkeypatch: pytest.MonkeyPatch) -> None:
    rng = np.random.default_rng(0)
    n, window = 101, 3
    sequence = np.sort(rng.integers(0, 9, n)).astype(np.int32)
    corpus = Corpus(np.arange(n, dtype=np.int32), sequence)  # every word once, so that a pair is a pair of places
    drawn = draw(corpus, slice(None), np.ones(n), window, rng)
    seen: list[tuple[int, int]] = []

    def record(inputs: Any, outputs: Any, stretch: Stretch, rate: float, sums: Any) -> None:
        block = stretch.contexts.shape[1]
        for b, t, c in stretch.contexts.nonzero().tolist():
            seen.append((int(stretch.targets[b * block + t]), int(stretch.words[b * block + c])))
        weights = stretch.contexts.sum(2, keepdim=True) * 5 / stretch.noise.shape[1]
        assert torch.allclose(stretch.weight, weights)

    monkeypatch.setattr(skipgram, "step", record)
    band, vectors = skipgram._band(window, 5), SkipGram(dimensions=2).start(n, 0, torch.device("cpu"))
    skipgram._pass(drawn, Alias.of(np.ones(n) / n), band, vectors, torch.zeros(n), 64, rng, Clock(), (0.1, 0.0))
    wanted = {(t, c) for t in range(n) for c in range(t - drawn.left[t], t + drawn.right[t] + 1) if c != t}
    assert sorted(seen) == sorted(wanted)
    assert all(sequence[t] == sequence[c] for t, c in seen)


# --- learning ------------------------------------------------------------------------------------------------------------


def learned(lists: pl.Series, embedder: SkipGram, seed: int = 0) -> np.ndarray:
    vocabulary = vocabulary_of(lists, 1)
    vectors = embedder.start(len(vocabulary), seed, torch.device("cpu"))
    list(embedder.learn(corpus_of(lists, vocabulary), vocabulary, vectors, seed=seed))
    return vectors.inputs.numpy()


def topics(seed: int = 0) -> pl.Series:
    """Texts of one of three topics each: eight words of their own, and eight that all share."""
    rng = np.random.default_rng(seed)
    texts = []
    for i in range(400):
        own, shared = rng.integers(0, 8, 12), rng.integers(0, 8, 6)
        words = [f"t{i % 3}w{w}" for w in own] + [f"all{w}" for w in shared]
        texts.append([words[k] for k in rng.permutation(len(words))])
    return pl.Series(texts)


def test_words_of_a_topic_come_to_lie_together_and_the_loss_falls() -> None:
    lists = topics()
    vocabulary = vocabulary_of(lists, 1)
    embedder = SkipGram(dimensions=16, epochs=12, learning_rate=0.05, subsample=0.0)
    vectors = embedder.start(len(vocabulary), 0, torch.device("cpu"))
    records = list(embedder.learn(corpus_of(lists, vocabulary), vocabulary, vectors))
    assert records[-1]["loss"] < 2.5 < records[0]["loss"] < 6 * math.log(2)
    assert [record["epoch"] for record in records] == list(range(1, 13)) and records[-1]["rate"] == pytest.approx(0.0)
    unit = vectors.inputs.numpy() / np.linalg.norm(vectors.inputs.numpy(), axis=1, keepdims=True)
    cosine = unit @ unit.T
    for word, row in zip(vocabulary.words, cosine, strict=True):
        if word.startswith("t"):
            near = [vocabulary.words[i] for i in np.argsort(-row)[1:6]]
            assert all(other.startswith(word[:2]) for other in near)


def test_the_same_seed_gives_the_same_vectors() -> None:
    embedder = SkipGram(dimensions=4, epochs=1)
    one, again, other = (learned(topics(), embedder, seed) for seed in (1, 1, 2))
    assert np.array_equal(one, again) and not np.allclose(one, other)


def test_contract() -> None:
    check_embedder(SkipGram(dimensions=4, epochs=2))


@dataclass(frozen=True)
class Forgetful(SkipGram):
    """It deals from the clock on the wall: no seed gives its vectors again."""

    def start(self, n_words: int, seed: int, device: torch.device) -> Any:
        return super().start(n_words, time.perf_counter_ns() % 1_000_000, device)


def test_the_contract_notices_an_embedder_that_no_seed_repeats() -> None:
    with pytest.raises(AssertionError, match="the same seed gives the same vectors"):
        check_embedder(Forgetful(dimensions=4, epochs=1))


def test_the_clock_stops_a_pass() -> None:
    lists = topics()
    vocabulary = vocabulary_of(lists, 1)
    embedder = SkipGram(dimensions=4, epochs=50)
    vectors = embedder.start(len(vocabulary), 0, torch.device("cpu"))
    records = list(embedder.learn(corpus_of(lists, vocabulary), vocabulary, vectors, clock=Clock.of(0.0)))
    assert len(records) == 1 and records[0]["stopped"] == "clock"
    assert records[0]["loss"] == pytest.approx(6 * math.log(2))  # one context and five negatives, all undecided


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"dimensions": 0}, "dimensions 0 is out of range. Rule: dimensions is a whole number of 1 or more"),
        ({"window": 101}, "window 101 is out of range. Rule: window is at most 100"),
        ({"learning_rate": 0.0}, "learning_rate 0 is out of range. Rule: learning_rate is above 0 and at most 1"),
        ({"subsample": -1.0}, "subsample -1 is out of range. Rule: subsample is between 0 and 1"),
    ],
)
def test_settings_out_of_range_are_named(given: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigError, match=re.escape(message)):
        SkipGram(**given)
