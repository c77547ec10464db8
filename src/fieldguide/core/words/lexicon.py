"""Texts that were cut once and are counted often: what each text consists of, as numbers, kept for the folds and candidates of a bench.

Knows texts and the numbers of their parts; how a text is cut is handed in. What is kept depends on the text alone, never on which rows
are training rows, so nothing fitted can leak through it. Nothing here is ever needed: what is not kept is cut again, with equal
results. Texts of requests are never kept: only who opens it (`keeping`) adds to it.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

import numpy as np

MOST_CHARACTERS = 60_000_000
"""Of texts that are kept together; a column that does not fit is cut anew each time."""

_open = threading.local()


@contextmanager
def keeping() -> Iterator[None]:
    """Keep what is cut in this block, on this thread, for whoever asks again."""
    before = getattr(_open, "now", False)
    _open.now = True
    try:
        yield
    finally:
        _open.now = before


class Lexicon:
    """Parts of texts by number, in the order in which they were first met.

    Args:
        cut: a text's parts, in order.

    Examples:
        >>> lexicon = Lexicon(str.split)
        >>> lexicon.of(["a b a"]) is None  # nobody keeps
        True
        >>> with keeping():
        ...     found = lexicon.of(["a b a", None, "b"])
        >>> [one.tolist() for one in found], lexicon.parts
        ([[0, 1, 0], [], [1]], ['a', 'b'])
    """

    def __init__(self, cut: Callable[[str], Sequence[str]]) -> None:
        self.cut = cut
        self.parts: list[str] = []
        self._numbers: dict[str, int] = {}
        self._kept: dict[str, np.ndarray] = {}
        self._characters = 0
        self._lock = threading.Lock()

    def of(self, texts: Sequence[str | None]) -> list[np.ndarray] | None:
        """Return the numbers of each text's parts in order, (n,) int32; None where nobody keeps, or the texts do not fit."""
        if not getattr(_open, "now", False):
            return None
        nothing = np.zeros(0, np.int32)
        with self._lock:
            if self._characters + sum(len(text) for text in texts if text and text not in self._kept) > MOST_CHARACTERS:
                self._forget()
                if sum(len(text) for text in texts if text) > MOST_CHARACTERS:
                    return None
            return [self._of(text) if text else nothing for text in texts]

    def places(self, words: Sequence[str]) -> np.ndarray:
        """Return the place of every part among some words, -1 where it is none of them: (parts,) int32."""
        found = np.full(len(self.parts), -1, np.int32)
        for place, word in enumerate(words):
            number = self._numbers.get(word)
            if number is not None:
                found[number] = place
        return found

    def _of(self, text: str) -> np.ndarray:
        found = self._kept.get(text)
        if found is None:
            numbers = self._numbers
            found = np.array([numbers.setdefault(part, len(numbers)) for part in self.cut(text)], np.int32)
            if len(numbers) > len(self.parts):
                self.parts.extend(self._new())
            self._kept[text] = found
            self._characters += len(text)
        return found

    def _new(self) -> list[str]:
        """Return the parts that were just met, in order."""
        more = []
        for part in reversed(self._numbers):
            if self._numbers[part] < len(self.parts):
                break
            more.append(part)
        return more[::-1]

    def _forget(self) -> None:
        self.parts, self._numbers, self._kept, self._characters = [], {}, {}, 0
