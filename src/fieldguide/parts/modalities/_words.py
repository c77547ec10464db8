"""Texts as words: how a text is cut, and the vocabulary that is learned from training rows.

Knows tokens and counts; nothing of columns, of recipes or of what is made of the tokens.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Sequence
from itertools import pairwise

from fieldguide.core.words.lexicon import Lexicon

PADDING, UNKNOWN, FIRST_TOKEN = 0, 1, 2
LEAST_COUNT = 2  # a word seen once stays unknown, so that the code for unknown words is learned as well

_TOKEN = re.compile(r"\w+|[^\w\s]")
_WORD = re.compile(r"\w+")


def tokens_of(text: str) -> list[str]:
    """Return words and punctuation marks in order, in lower case.

    Examples:
        >>> tokens_of("Free entry, NOW!")
        ['free', 'entry', ',', 'now', '!']
    """
    return _TOKEN.findall(text.lower())


def words_of(text: str) -> list[str]:
    """Return the words in order, in lower case, without punctuation.

    Examples:
        >>> words_of("Free entry, NOW!")
        ['free', 'entry', 'now']
    """
    return _WORD.findall(text.lower())


def grams_of(text: str) -> list[str]:
    """Return single words and pairs of neighbouring words.

    Examples:
        >>> grams_of("free entry now")
        ['free', 'entry', 'now', 'free entry', 'entry now']
    """
    words = words_of(text)
    return words + [f"{a} {b}" for a, b in pairwise(words)]


GRAMS, TOKENS = Lexicon(grams_of), Lexicon(tokens_of)
"""Terms and tokens of texts that this process has cut; folds and candidates share them."""


def vocabulary_of(texts: Iterable[Sequence[str]], most: int, least_count: int = LEAST_COUNT) -> tuple[str, ...]:
    """Return the tokens in at least `least_count` places, the most frequent first, at most `most` of them.

    Examples:
        >>> vocabulary_of([["a", "b", "a"], ["b", "c", "a"]], most=10)
        ('a', 'b')
    """
    counts = Counter(token for text in texts for token in text)
    kept = sorted((-count, token) for token, count in counts.items() if count >= least_count)
    return tuple(token for _, token in kept[:most])
