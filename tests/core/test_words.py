"""Words: what a corpus must hold, how sure a rank correlation is, words of one letter, and what makes room for new texts."""

from __future__ import annotations

import math

import numpy as np
import polars as pl
import pytest

from fieldguide.core.errors import DataError
from fieldguide.core.words import lexicon
from fieldguide.core.words.embedding import Embedding
from fieldguide.core.words.languages import language_of
from fieldguide.core.words.nearness import neighbours, similarity
from fieldguide.core.words.vocabulary import vocabulary_of


def test_a_word_is_kept_that_comes_five_times_where_nobody_says_how_often() -> None:
    corpus = pl.Series([["a", "b", "c"]] * 4 + [["a", "b", None], ["a"]])
    found = vocabulary_of(corpus)
    assert found.words == ("a", "b")
    assert found.counts.tolist() == [6, 5]
    assert found.n_seen == 15  # c as well
    assert vocabulary_of(corpus, min_count=4).words == ("a", "b", "c")


@pytest.mark.parametrize(
    ("corpus", "min_count", "message"),
    [
        ([[], [None]], 1, r"the corpus has no words\. Rule: .* at least two different words\. Found: 2 sequences, all empty"),
        ([["a", "a"], ["a"]], 1, r"the corpus has one word only: 'a'\. Rule: .*\. Found: 3 times 'a'"),
        ([["a"] * 5, ["b"] * 4], 5, r"the vocabulary has 1 word after min_count\. .* 5 times or more\. Found: 2 words; .*'a' 5 times, 'b' 4 times"),
        ([["a"], ["b"]], 2, r"the vocabulary has 0 words after min_count"),
    ],
)  # fmt: skip
def test_a_corpus_without_two_words_is_refused(corpus: list[list[str]], min_count: int, message: str) -> None:
    with pytest.raises(DataError, match=message):
        vocabulary_of(pl.Series(corpus, dtype=pl.List(pl.String)), min_count)


def fan(n: int) -> Embedding:
    """Words of which the first is at an angle to the others that grows from word to word."""
    angles = np.arange(n) * 0.15
    vectors = np.column_stack([np.cos(angles), np.sin(angles)]).astype(np.float32)
    return Embedding(tuple("abcdefghijk"[:n]), np.arange(n, 0, -1), vectors, vectors)


def test_the_interval_of_a_rank_correlation_is_that_of_bonett_and_wright() -> None:
    said = [("A", word, 10.0 - k) for k, word in enumerate("bcdefgh")]
    said[2], said[3] = ("a", "d", 7.0), ("a", "e", 8.0)  # one pair of neighbours changes places
    found = similarity(fan(9), [*said, ("a", "nobody", 1.0)])
    value = 1 - 6 * 2 / (7 * (7**2 - 1))  # Spearman's formula of squared differences of ranks, 1 and 1
    middle, half = math.atanh(value), 1.959964 * math.sqrt((1 + value**2 / 2) / 4)
    assert (found.n, found.n_unknown) == (7, 1)
    assert found.value == pytest.approx(value)
    assert found.interval == pytest.approx((math.tanh(middle - half), math.tanh(middle + half)), abs=1e-6)


def test_four_pairs_are_judged_and_three_are_not() -> None:
    four = [("a", word, score) for word, score in zip("bcde", (4.0, 3.0, 1.0, 2.0))]
    assert -1 < similarity(fan(6), four).interval[0] < 0.8 == pytest.approx(similarity(fan(6), four).value)
    with pytest.raises(DataError, match=r"too few pairs.*Rule: at least four pairs.*Found: 3 of 4"):
        similarity(fan(6), [*four[:3], ("a", "nobody", 2.0)])
    with pytest.raises(DataError, match=r"the pairs cannot be ranked.*Found: all are equal"):
        similarity(fan(6), [(one, two, 3.0) for one, two, _ in four])


@pytest.mark.parametrize(
    ("text", "language"),
    [
        ("я в Москве и у моря", "Russian"), ("я і у є в", "Ukrainian"), ("é só à noite", "Portuguese"),
        ("w z i o", "unknown"), ("u w i z o u", "unknown"), ("в я", "Cyrillic script"),
    ],
)  # fmt: skip
def test_a_letter_is_a_word_where_it_is_no_chat(text: str, language: str) -> None:
    assert language_of(text) == language


def test_texts_that_make_room_leave_the_whole_of_it(monkeypatch: pytest.MonkeyPatch) -> None:
    kept = lexicon.Lexicon(str.split)
    monkeypatch.setattr(lexicon, "MOST_CHARACTERS", 10)
    with lexicon.keeping():
        assert [one.tolist() for one in kept.of(["0123456789"]) or []] == [[0]]
        assert [one.tolist() for one in kept.of(["abcde", "fghij"]) or []] == [
            [0],
            [1],
        ]  # 10 again: all else is forgotten
        assert kept.parts == ["abcde", "fghij"]
        assert [one.tolist() for one in kept.of(["fghij", "abcde"]) or []] == [[1], [0]]  # known: nothing is added
        assert [one.tolist() for one in kept.of(["z"]) or []] == [[0]]
        assert [one.tolist() for one in kept.of(["123 56789"]) or []] == [[1, 2]]  # 1 and 9 stand side by side
        assert kept.parts == ["z", "123", "56789"]


def test_what_stands_beside_a_word_is_told_by_its_contexts_and_what_is_alike_by_its_own() -> None:
    inputs, outputs = np.eye(3, dtype=np.float32), np.array([[9, 0, 0], [-1, 9, 0], [2, 0, 9]], np.float32)
    made = Embedding(("a", "b", "c"), np.array([3, 2, 1]), inputs, outputs)
    found = neighbours(made, "a", beside=True)
    assert found == [("c", pytest.approx(1 / (1 + math.exp(-2)))), ("b", pytest.approx(1 / (1 + math.exp(1))))]
    assert neighbours(made, "a", 1, beside=True) == found[:1]
    assert [value for _, value in neighbours(made, "a")] == [0.0, 0.0]
    assert [word for word, _ in neighbours(fan(5), "a")] == ["b", "c", "d", "e"]
