"""Words and their counts: what a corpus is made of before anything is learned from it.

Knows how a text is cut into words, how words become numbers, how often each came. A word may be any id: a listing viewed in
a session is a word of that session. What is learned from the numbers is `parts.embedders`' business.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
import polars as pl

from fieldguide.core.errors import DataError, listed

WORD = r"[\p{L}\p{M}]+|\p{N}+"
"""A word is a run of letters (with their marks) or a run of digits. Scripts without spaces must be cut beforehand."""


def words_of(texts: pl.Series) -> pl.Series:
    """Cut texts into lower-case words; a missing text has none.

    Examples:
        >>> words_of(pl.Series(["Ärger, no. 12!", None])).to_list()
        [['ärger', 'no', '12'], []]
    """
    return texts.cast(pl.String).str.to_lowercase().str.extract_all(WORD).fill_null([])


@dataclass(frozen=True)
class Vocabulary:
    """The words that are frequent enough to be learned, the most frequent first.

    Args:
        words: in the order of their codes.
        counts: how often each came.
        n_seen: occurrences of all words of the corpus, rare ones too.

    Shape:
        counts: (n_words,) int64

    Examples:
        >>> found = vocabulary_of(pl.Series([["a", "b", "a"], ["b", "a", "c"]]), min_count=2)
        >>> found.words, found.counts.tolist(), found.n_seen
        (('a', 'b'), [3, 2], 6)
    """

    words: tuple[str, ...]
    counts: np.ndarray
    n_seen: int

    def __len__(self) -> int:
        return len(self.words)

    @cached_property
    def codes(self) -> dict[str, int]:
        return {word: code for code, word in enumerate(self.words)}

    def keep(self, threshold: float) -> np.ndarray:
        """Return the probability that an occurrence of each word stays when frequent words are thinned out.

        With f the word's share of the corpus and t the threshold: sqrt(t / f) + t / f, at most 1; t = 0 keeps all.

        Source:
            Mikolov et al. 2013, "Distributed Representations of Words and Phrases", section 2.3, in the form of its code.

        Examples:
            >>> Vocabulary(("a", "b"), np.array([90, 10]), 100).keep(0.1).round(2).tolist()
            [0.44, 1.0]
        """
        if threshold == 0.0:
            return np.ones(len(self))
        share = threshold * self.counts.sum() / self.counts
        return np.minimum(1.0, np.sqrt(share) + share)

    def noise(self, power: float = 0.75) -> np.ndarray:
        """Return the distribution negatives are drawn from: counts ** power, scaled to sum 1.

        Examples:
            >>> Vocabulary(("a", "b"), np.array([16, 1]), 17).noise().round(3).tolist()
            [0.889, 0.111]
        """
        weights = self.counts.astype(np.float64) ** power
        return weights / weights.sum()


@dataclass(frozen=True)
class Corpus:
    """Sequences as numbers: the codes of all words one after another, and where each sequence begins.

    Shape:
        codes: (n_tokens,) int32
        sequence: (n_tokens,) int32, number of the sequence each token belongs to, not falling
    """

    codes: np.ndarray
    sequence: np.ndarray

    def __len__(self) -> int:
        return len(self.codes)


def vocabulary_of(sequences: pl.Series, min_count: int = 5) -> Vocabulary:
    """Count the words of a corpus and keep those that come at least `min_count` times.

    Args:
        sequences: a list of words each.

    Raises:
        DataError: there is no word, only one word, or fewer than two are frequent enough.
    """
    tokens = sequences.explode().drop_nulls()
    found = tokens.alias("word").value_counts().sort(["count", "word"], descending=[True, False])
    words, counts = found["word"].to_list(), found["count"].to_numpy().astype(np.int64)
    if not words:
        raise DataError(
            "the corpus has no words", rule="a corpus has at least two different words",
            found=f"{len(sequences):,} sequences, all empty", do="check the column or the folder",
        )  # fmt: skip
    if len(words) == 1:
        raise DataError(
            f"the corpus has one word only: {words[0]!r}",
            rule="a word is learned from the words beside it, so there are at least two different ones",
            found=f"{counts[0]:,} times {words[0]!r}", do="check the column and how its words are divided",
        )  # fmt: skip
    n_kept = int((counts >= min_count).sum())
    if n_kept < 2:
        top = listed((f"{word!r} {count:,} times" for word, count in zip(words[:6], counts)), limit=3)
        raise DataError(
            f"the vocabulary has {n_kept} word{'' if n_kept == 1 else 's'} after min_count",
            rule=f"at least two different words come {min_count} times or more",
            found=f"{len(words):,} words; the most frequent: {top}",
            do="lower min_count or take more texts",
        )  # fmt: skip
    return Vocabulary(tuple(words[:n_kept]), counts[:n_kept], int(counts.sum()))


def corpus_of(sequences: pl.Series, vocabulary: Vocabulary) -> Corpus:
    """Return sequences as codes; words that are not in the vocabulary are left out, their neighbours move together.

    Raises:
        DataError: no sequence has two known words.

    Examples:
        >>> words = Vocabulary(("a", "b"), np.array([3, 2]), 6)
        >>> corpus = corpus_of(pl.Series([["a", "b", "a"], ["c"], ["b", "c", "a"]]), words)
        >>> corpus.codes.tolist(), corpus.sequence.tolist()
        ([0, 1, 0, 1, 0], [0, 0, 0, 2, 2])
    """
    codes, sequence = coded(sequences, vocabulary.words)
    if not (sequence[1:] == sequence[:-1]).any():
        raise DataError(
            "no word of the corpus has a neighbour", rule="some sequence has at least two words of the vocabulary",
            found=f"{len(codes):,} known words in {len(np.unique(sequence)):,} sequences, one each",
            do="check how sequences are divided: a session has several items, a text several words",
        )  # fmt: skip
    return Corpus(codes, sequence)


def coded(sequences: pl.Series, words: tuple[str, ...]) -> tuple[np.ndarray, np.ndarray]:
    """Return the codes of all known words, and the number of the sequence each came from.

    Shape:
        returns: (n_known,) int32 codes, (n_known,) int32 numbers of sequences
    """
    column = sequences.cast(pl.List(pl.String)).alias("word")
    tokens = pl.DataFrame({"word": column, "sequence": pl.Series(range(len(column)), dtype=pl.Int32)}).explode("word")
    found = tokens["word"].replace_strict(
        pl.Series(words, dtype=pl.String), pl.Series(range(len(words)), dtype=pl.Int32), default=None,
        return_dtype=pl.Int32,
    )  # fmt: skip
    known = found.is_not_null()
    return found.filter(known).to_numpy(), tokens["sequence"].filter(known).to_numpy()
