"""Texts: read, described, and encoded as terms, as topics, or as tokens for a network.

Knows what each form of the recipe makes of a text. How texts are cut is `_words`, how terms are weighted `_terms`; what a
network does with tokens is `nets.encoders.text`.
"""

from __future__ import annotations

import base64
import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
import polars as pl

from fieldguide.core.batch import Block, Layout, Spec
from fieldguide.core.cell import Unreadable, text_of, texts_of
from fieldguide.core.words.damage import damage_of
from fieldguide.core.words.languages import languages_of
from fieldguide.parts.modalities import _shingles
from fieldguide.parts.modalities._checkpoints import Checkpoint, checked, resolve
from fieldguide.parts.modalities._cutters import Pieces, Pretrained, Words, cutter_of
from fieldguide.parts.modalities._places import PlacesEncoder
from fieldguide.parts.modalities._reading import Texts
from fieldguide.parts.modalities._sentences import MOST_TOKENS, sentence_features
from fieldguide.parts.modalities._terms import MOST_TOPIC_TERMS, Terms, topics_of
from fieldguide.parts.modalities._words import PADDING, UNKNOWN, vocabulary_of, words_of

QUANTILES = (1, 5, 25, 50, 75, 95, 99)  # [%]
TOP = 20
WORD_DROPOUT = 0.05  # share of a training row's tokens that are made unknown
BINS = 24  # of the histogram of lengths
_CHARACTERS = (re.compile(r"\d"), re.compile(r"[A-ZÀ-ÖØ-ÞΑ-ΩА-Я]"), re.compile(r"[^\w\s]"))  # digits, capitals, marks
COUNTS = ("characters", "words", "digits", "capitals", "marks")


@dataclass(frozen=True)
class Text(Texts):
    """Free text: String, null where empty.

    Examples:
        >>> from fieldguide.core.table import Column
        >>> Text().read(pl.Series([" Hello ", "", None]), Column("said", "text"))[0].to_list()
        ['Hello', None, None]
    """

    name: ClassVar[str] = "text"

    def read(self, raw: pl.Series, column: Any) -> tuple[pl.Series, pl.Series]:
        """Return texts without outer white space, null where nothing is left, and which cells are broken (lists, bytes)."""
        texts, broken = texts_of(raw)
        return texts.set(texts == "", None), broken

    def read_value(self, value: Any, column: Any) -> tuple[str | None, bool]:
        """Return one text and whether it is broken, as `read` would."""
        try:
            return text_of(value) or None, False
        except Unreadable:
            return None, True

    def describe(self, typed: pl.Series) -> dict[str, Any]:
        """Return counts, lengths in words and characters, the vocabulary, languages, and how many texts are damaged or repeat."""
        texts = [text for text in typed.to_list() if text is not None]
        words = [words_of(text) for text in texts]
        vocabulary = vocabulary_of(words, most=10**9, least_count=1)
        counts = dict.fromkeys(vocabulary[:TOP], 0)
        for row in words:
            for word in row:
                if word in counts:
                    counts[word] += 1
        damage = Counter(kind for text in texts if (kind := damage_of(text)))
        lengths = [len(row) for row in words]
        edges = np.histogram_bin_edges(lengths, BINS) if lengths else np.zeros(0)
        return {
            "n": typed.len(), "missing": typed.len() - len(texts),
            "n_words": _spread(lengths), "n_characters": _spread([len(text) for text in texts]),
            "vocabulary": len(vocabulary), "top": [{"word": word, "count": counts[word]} for word in vocabulary[:TOP]],
            "lengths": {"edges": edges.tolist(), "counts": np.histogram(lengths, edges)[0].tolist()} if lengths else {},
            "languages": languages_of(texts), "wordless": sum(not any(map(str.isalpha, text)) for text in texts),
            "repeated": len(texts) - len(set(texts)), "damaged": sum(damage.values()), "damage": dict(damage.most_common()),
            "not_ascii": sum(not text.isascii() for text in texts),
        }  # fmt: skip

    def near(self, typed: pl.Series) -> np.ndarray:
        """Return pairs of rows whose texts are one text with a few words changed: (pairs, 2)."""
        return _shingles.near(typed.to_list())

    def fit(self, cells: Mapping[str, np.ndarray], recipe: Any, checkpoints: Mapping[str, str] | None = None) -> Any:
        """Fit what the recipe's `media` asks for on training cells.

        Args:
            checkpoints: the pretrained encoder of each column that names one.
        """
        pretrained = {name: resolve(checkpoint) for name, checkpoint in (checkpoints or {}).items()}
        if recipe.media == "blocks":
            return TokensEncoder.fit(cells, recipe, pretrained)
        if recipe.media in ("features", "points") and pretrained:
            others = {name: column for name, column in cells.items() if name not in pretrained}
            placed = PlacesEncoder.fit if recipe.media == "points" else _topics
            return FeaturesEncoder(tuple(cells), pretrained, MOST_TOKENS, placed(others) if others else None)
        if recipe.media == "points":
            return PlacesEncoder.fit(cells)
        if recipe.media == "sparse":
            return TermsEncoder(tuple(cells), tuple(Terms.fit(column.tolist()) for column in cells.values()))
        return _topics(cells)

    def load(self, data: Mapping[str, Any]) -> Any:
        """Return the encoder that `to_dict` described."""
        names = tuple(data["names"])
        if data["form"] == "tokens":
            return TokensEncoder.from_dict(data)
        if data["form"] == "features":
            pretrained = {name: checked(*known) for name, known in data["checkpoints"].items()}
            rest = None if data["rest"] is None else self.load(data["rest"])
            return FeaturesEncoder(names, pretrained, data["max_tokens"], rest)
        if data["form"] == "places":
            return PlacesEncoder.from_dict(data)
        terms = tuple(Terms.from_dict(column) for column in data["terms"])
        if data["form"] == "terms":
            return TermsEncoder(names, terms)
        topics = (
            np.frombuffer(base64.b64decode(column), np.float16).reshape(len(t.words), n)
            for t, column, n in zip(terms, data["topics"], data["n_topics"])
        )
        return TopicsEncoder(names, terms, tuple(topics))


@dataclass(frozen=True)
class TermsEncoder:
    """TF-IDF of every text column, side by side.

    Shape:
        encode(cells)["terms"]: (rows, terms) float32, sparse
    """

    names: tuple[str, ...]
    terms: tuple[Terms, ...]

    def layout(self) -> Layout:
        return Layout(terms=tuple((name, len(terms.words)) for name, terms in zip(self.names, self.terms, strict=True)))

    def encode(self, cells: Mapping[str, np.ndarray]) -> dict[str, Any]:
        from scipy.sparse import hstack

        parts = [terms.encode(cells[name].tolist()) for name, terms in zip(self.names, self.terms)]
        return {"terms": parts[0] if len(parts) == 1 else hstack(parts, format="csr")}

    def to_dict(self) -> dict[str, Any]:
        return {"form": "terms", "names": list(self.names), "terms": [terms.to_dict() for terms in self.terms]}


@dataclass(frozen=True)
class TopicsEncoder:
    """Every text as its place along the leading topics, and a few counts of its characters.

    Shape:
        encode(cells)["numbers"]: (rows, sum of topics + 5 counts and a missing flag a column) float32, without NaN
    """

    names: tuple[str, ...]
    terms: tuple[Terms, ...]
    topics: tuple[np.ndarray, ...]

    def layout(self) -> Layout:
        names: list[str] = []
        for name, topics in zip(self.names, self.topics):
            names += [f"{name} topic {i + 1}" for i in range(topics.shape[1])]
            names += [f"{name} {count}" for count in COUNTS] + [f"{name} is missing"]
        return Layout(numbers=tuple(names))

    def encode(self, cells: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
        parts: list[np.ndarray] = []
        for name, terms, topics in zip(self.names, self.terms, self.topics):
            texts = cells[name].tolist()
            # one term scaled to unit variance would drown the rest; topics of rows of length 1 are left on their scale
            parts += [
                np.asarray(terms.encode(texts) @ topics.astype(np.float32)) * 8.0,
                np.array([_counts(text) for text in texts]).reshape(-1, 6),
            ]
        return {"numbers": np.concatenate(parts, axis=1).astype(np.float32)}

    def to_dict(self) -> dict[str, Any]:
        return {
            "form": "topics", "names": list(self.names), "terms": [terms.to_dict() for terms in self.terms],
            "topics": [base64.b64encode(topics.tobytes()).decode("ascii") for topics in self.topics],
            "n_topics": [topics.shape[1] for topics in self.topics],
        }  # fmt: skip


@dataclass(frozen=True)
class FeaturesEncoder:
    """Every text as the features of its column's frozen checkpoint; columns without one as topics, or as places among them.

    Shape:
        encode(cells)["numbers"]: (rows, hidden size a column with a checkpoint + the others' topics) float32
    """

    names: tuple[str, ...]
    checkpoints: Mapping[str, Checkpoint]
    max_tokens: int
    rest: TopicsEncoder | PlacesEncoder | None = None

    def layout(self) -> Layout:
        names = [
            f"{name} feature {i + 1}"
            for name, checkpoint in self.checkpoints.items()
            for i in range(int(checkpoint.config["hidden_size"]))
        ]
        return Layout(numbers=(*names, *(self.rest.layout().numbers if self.rest is not None else ())))

    def encode(self, cells: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
        # of length 1 over hundreds of columns: brought to the scale that networks and penalties are made for
        parts = [
            sentence_features(checkpoint, cells[name].tolist(), self.max_tokens)
            * np.sqrt(checkpoint.config["hidden_size"])
            for name, checkpoint in self.checkpoints.items()
        ]
        if self.rest is not None:
            parts.append(self.rest.encode(cells)["numbers"])
        return {"numbers": np.concatenate(parts, axis=1).astype(np.float32)}

    def to_dict(self) -> dict[str, Any]:
        return {
            "form": "features", "names": list(self.names), "max_tokens": self.max_tokens,
            "checkpoints": {name: [found.name, found.hash] for name, found in self.checkpoints.items()},
            "rest": None if self.rest is None else self.rest.to_dict(),
        }  # fmt: skip


@dataclass(frozen=True)
class TokensEncoder:
    """Every text as codes of its tokens: 0 is padding.

    Of a column with a checkpoint the tokens are the checkpoint's pieces. Of others they are words, or pieces that are
    learned on the training rows: 1 is unknown, the most frequent is 2.

    Shape:
        encode(cells)[name].load(): (rows, longest of these rows, at least 1) int32
    """

    names: tuple[str, ...]
    cutters: tuple[Words | Pieces | Pretrained, ...]
    max_tokens: int
    augment: bool = True

    @staticmethod
    def fit(cells: Mapping[str, np.ndarray], recipe: Any, pretrained: Mapping[str, Checkpoint]) -> TokensEncoder:
        cutters: list[Words | Pieces | Pretrained] = []
        for name, column in cells.items():
            if name in pretrained:
                cutters.append(Pretrained(pretrained[name]))
            else:
                cutter = Pieces if recipe.tokeniser == "bpe" else Words
                cutters.append(cutter.fit([text for text in column.tolist() if text], recipe.vocabulary))
        return TokensEncoder(tuple(cells), tuple(cutters), recipe.max_tokens, recipe.augment)

    def layout(self) -> Layout:
        specs = (
            Spec(name, "text", (min(self.max_tokens, cutter.longest),), "int32", cutter.size, cutter.checkpoint)
            for name, cutter in zip(self.names, self.cutters, strict=True)
        )
        return Layout(blocks=tuple(specs))

    def encode(self, cells: Mapping[str, np.ndarray]) -> dict[str, Block]:
        return {name: self._block(cells[name], cutter) for name, cutter in zip(self.names, self.cutters, strict=True)}

    def _block(self, column: np.ndarray, cutter: Words | Pieces | Pretrained) -> Block:
        rows = np.empty(len(column), object)
        rows[:] = cutter.cut(column.tolist(), self.max_tokens)
        return Block(rows, padded, word_dropout if self.augment and not cutter.checkpoint else None)

    def to_dict(self) -> dict[str, Any]:
        return {
            "form": "tokens", "names": list(self.names), "cutters": [cutter.to_dict() for cutter in self.cutters],
            "max_tokens": self.max_tokens, "augment": self.augment,
        }  # fmt: skip

    @staticmethod
    def from_dict(data: Mapping[str, Any]) -> TokensEncoder:
        cutters = tuple(cutter_of(cutter) for cutter in data["cutters"])
        return TokensEncoder(tuple(data["names"]), cutters, data["max_tokens"], data["augment"])


def _topics(cells: Mapping[str, np.ndarray]) -> TopicsEncoder:
    terms = tuple(Terms.fit(column.tolist(), MOST_TOPIC_TERMS) for column in cells.values())
    found = (topics_of(t.encode(column.tolist())) for t, column in zip(terms, cells.values()))
    return TopicsEncoder(tuple(cells), terms, tuple(found))


def padded(rows: Sequence[np.ndarray] | np.ndarray) -> np.ndarray:
    """Return rows of codes as one array, filled up with padding.

    Examples:
        >>> padded([np.array([2, 3]), np.array([4])]).tolist()
        [[2, 3], [4, 0]]
    """
    longest = max((len(row) for row in rows), default=0)
    array = np.full((len(rows), max(longest, 1)), PADDING, np.int32)
    for i, row in enumerate(rows):
        array[i, : len(row)] = row
    return array


def word_dropout(tokens: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Return tokens, a few of them unknown, so that a network does not lean on single words.

    Source:
        Iyyer et al., "Deep Unordered Composition Rivals Syntactic Methods for Text Classification", ACL 2015.
    """
    gone = (rng.random(tokens.shape) < WORD_DROPOUT) & (tokens != PADDING)
    return np.where(gone, np.int32(UNKNOWN), tokens)


def _counts(text: str | None) -> list[float]:
    if text is None:
        return [0.0] * len(COUNTS) + [1.0]
    n = len(text)
    digits, capitals, marks = (len(kind.findall(text)) for kind in _CHARACTERS)
    return [
        float(np.log1p(n)) - 4.0,
        float(np.log1p(text.count(" "))) - 2.0,
        10 * digits / n,
        10 * capitals / n,
        10 * marks / n,
        0.0,
    ]


def _spread(sizes: Sequence[int]) -> dict[str, float]:
    if not sizes:
        return {}
    return {
        "mean": float(np.mean(sizes)),
        **{f"q{q}": float(np.percentile(sizes, q)) for q in QUANTILES},
        "max": float(max(sizes)),
    }
