"""Ways to cut texts into codes: words, pieces learned on training rows, or the pieces of a checkpoint.

Each knows its size (codes, padding included), the longest row its codes may make, and cuts many texts at once; what codes
become is the network's.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from fieldguide.core.errors import MissingExtra
from fieldguide.parts.modalities._checkpoints import Checkpoint, checked
from fieldguide.parts.modalities._sentences import longest_of, pieces_of
from fieldguide.parts.modalities._words import FIRST_TOKEN, LEAST_COUNT, TOKENS, UNKNOWN, tokens_of, vocabulary_of

ANY_LENGTH = 2**31 - 1  # of a row whose network is built as long as the recipe says


class _Codes(dict[str, int]):
    def __missing__(self, word: str) -> int:
        return UNKNOWN


@dataclass(frozen=True)
class Words:
    """Words and marks, by a vocabulary in code order.

    Examples:
        >>> [codes.tolist() for codes in Words.fit(["a b a b"], 10).cut(["b c", None], 8)]
        [[3, 1], []]
    """

    words: tuple[str, ...]
    checkpoint: str = field(default="", init=False)
    longest: int = field(default=ANY_LENGTH, init=False)
    _codes: _Codes = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "_codes", _Codes(zip(self.words, range(FIRST_TOKEN, FIRST_TOKEN + len(self.words)))))

    @staticmethod
    def fit(texts: Sequence[str], most: int) -> Words:
        """Choose the vocabulary on training texts."""
        kept = TOKENS.of(texts)
        if kept is None:
            return Words(vocabulary_of(map(tokens_of, texts), most))
        counts = np.bincount(np.concatenate(kept), minlength=len(TOKENS.parts)) if kept else np.zeros(0, np.int64)
        found = sorted((-int(counts[i]), TOKENS.parts[i]) for i in np.flatnonzero(counts >= LEAST_COUNT).tolist())
        return Words(tuple(token for _, token in found[:most]))

    @property
    def size(self) -> int:
        return FIRST_TOKEN + len(self.words)

    @property
    def spelled(self) -> dict[int, str]:
        """The word behind each code, the most frequent first."""
        return dict(enumerate(self.words, FIRST_TOKEN))

    def cut(self, texts: Sequence[str | None], most: int) -> list[np.ndarray]:
        """Return each text's codes, at most `most`: (n,) int32."""
        kept = TOKENS.of(texts)
        if kept is not None:
            codes = np.fromiter(map(self._codes.__getitem__, TOKENS.parts), np.int32, len(TOKENS.parts))
            return [codes[numbers[:most]] for numbers in kept]
        found = []
        for text in texts:
            tokens = tokens_of(text or "")[:most]
            found.append(np.fromiter(map(self._codes.__getitem__, tokens), np.int32, len(tokens)))
        return found

    def to_dict(self) -> dict[str, Any]:
        return {"form": "words", "words": list(self.words)}


@dataclass(frozen=True)
class Pieces:
    """Pieces of words by byte-pair encoding: frequent words whole, rare ones in parts, nothing unknown but new letters.

    Source:
        Sennrich, Haddow, Birch, "Neural Machine Translation of Rare Words with Subword Units", ACL 2016; the package
        `tokenizers` learns and applies the merges.
    """

    described: str
    checkpoint: str = field(default="", init=False)
    longest: int = field(default=ANY_LENGTH, init=False)
    _tokeniser: Any = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "_tokeniser", _package().Tokenizer.from_str(self.described))

    @staticmethod
    def fit(texts: Sequence[str], most: int) -> Pieces:
        """Learn the merges on training texts."""
        package = _package()
        tokeniser = package.Tokenizer(package.models.BPE(unk_token="?unknown?"))
        tokeniser.normalizer = package.normalizers.Sequence(
            [package.normalizers.NFKC(), package.normalizers.Lowercase()]
        )
        tokeniser.pre_tokenizer = package.pre_tokenizers.Whitespace()
        # padding and unknown come first, as they do for words
        trainer = package.trainers.BpeTrainer(
            vocab_size=most + FIRST_TOKEN, special_tokens=["?padding?", "?unknown?"], show_progress=False, min_frequency=2
        )  # fmt: skip
        tokeniser.train_from_iterator(texts, trainer)
        return Pieces(tokeniser.to_str())

    @property
    def size(self) -> int:
        return max(FIRST_TOKEN, int(self._tokeniser.get_vocab_size()))

    @property
    def spelled(self) -> dict[int, str]:
        """The piece behind each code, in the order they were merged: pieces of frequent words first."""
        codes = self._tokeniser.get_vocab()
        return {code: piece for piece, code in sorted(codes.items(), key=lambda pair: pair[1]) if code >= FIRST_TOKEN}

    def cut(self, texts: Sequence[str | None], most: int) -> list[np.ndarray]:
        """Return each text's codes, at most `most`: (n,) int32."""
        found = self._tokeniser.encode_batch([text or "" for text in texts])
        return [np.array(codes.ids[:most], np.int32) for codes in found]

    def to_dict(self) -> dict[str, Any]:
        return {"form": "pieces", "tokeniser": json.loads(self.described)}


@dataclass(frozen=True)
class Pretrained:
    """The pieces a checkpoint was trained with; their codes plus 1, so that 0 is padding whatever the checkpoint's is."""

    found: Checkpoint

    @property
    def checkpoint(self) -> str:
        return self.found.name

    @property
    def size(self) -> int:
        return int(self.found.config["vocab_size"]) + 1

    @property
    def spelled(self) -> dict[int, str]:
        """Nothing: its embedding was not learned here."""
        return {}

    @property
    def longest(self) -> int:
        return longest_of(self.found)

    def cut(self, texts: Sequence[str | None], most: int) -> list[np.ndarray]:
        """Return each text's codes with the marks the encoder expects, at most `most`: (n,) int32."""
        return [codes + np.int32(1) for codes in pieces_of(self.found, texts, most)]

    def to_dict(self) -> dict[str, Any]:
        return {"form": "pretrained", "checkpoint": [self.found.name, self.found.hash]}


def cutter_of(data: Mapping[str, Any]) -> Words | Pieces | Pretrained:
    """Return the cutter that `to_dict` described."""
    if data["form"] == "words":
        return Words(tuple(data["words"]))
    if data["form"] == "pieces":
        return Pieces(json.dumps(data["tokeniser"], ensure_ascii=False))
    return Pretrained(checked(*data["checkpoint"]))


def _package() -> Any:
    try:
        import tokenizers
    except ImportError:
        raise MissingExtra("tokenizers", "text", "tokeniser: bpe") from None
    return tokenizers
