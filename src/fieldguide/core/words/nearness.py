"""What is near what in an embedding, and how far that agrees with what people say.

Knows cosines, ranks and intervals; nothing of how vectors were learned or how answers are shown.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import polars as pl

from fieldguide.core.errors import DataError, listed
from fieldguide.core.statistics.bootstrap import wilson
from fieldguide.core.words.embedding import Embedding

Z = 1.959963984540054
QUESTIONS_AT_ONCE = 512


def unit(vectors: np.ndarray) -> np.ndarray:
    """Return rows scaled to length 1; a row of zeros stays.

    Examples:
        >>> unit(np.array([[3.0, 4.0], [0.0, 0.0]])).tolist()
        [[0.6, 0.8], [0.0, 0.0]]
    """
    length = np.linalg.norm(vectors, axis=1, keepdims=True)
    return np.divide(vectors, length, out=np.zeros_like(vectors), where=length > 0)


def neighbours(embedding: Embedding, word: str, n: int = 10, beside: bool = False) -> list[tuple[str, float]]:
    """Return the words nearest to a word by cosine, the nearest first.

    Args:
        beside: not what is alike, but what stands beside it: contexts by the probability that the model gives them,
            which is s(u_c . v_w) against noise.

    Raises:
        DataError: the word is unknown.
    """
    code = embedding.code(word)
    if beside:
        logits = embedding.outputs @ embedding.inputs[code]
        return _top(embedding, 1.0 / (1.0 + np.exp(-logits.astype(np.float64))), n, (code,))
    vectors = unit(embedding.inputs)
    return _top(embedding, vectors @ vectors[code], n, (code,))


def analogy(embedding: Embedding, a: str, b: str, c: str, n: int = 10) -> list[tuple[str, float]]:
    """Return what is to `c` as `b` is to `a`: the words nearest to b - a + c, all scaled to length 1 (3CosAdd).

    Source:
        Mikolov et al. 2013, "Linguistic Regularities in Continuous Space Word Representations".
    """
    vectors = unit(embedding.inputs)
    codes = [embedding.code(word) for word in (a, b, c)]
    wanted = unit((vectors[codes[1]] - vectors[codes[0]] + vectors[codes[2]])[None])[0]
    return _top(embedding, vectors @ wanted, n, codes)


def _top(embedding: Embedding, scores: np.ndarray, n: int, without: Iterable[int]) -> list[tuple[str, float]]:
    left = np.setdiff1d(np.arange(len(embedding)), list(without))
    best = left[np.argsort(-scores[left], kind="stable")[:n]]
    return [(embedding.words[i], float(scores[i])) for i in best]


@dataclass(frozen=True)
class Agreement:
    """How far an embedding agrees with a set of judgements: value, 95 % interval, how many were judged and how many not."""

    metric: str
    value: float
    interval: tuple[float, float]
    n: int
    n_unknown: int
    sections: Mapping[str, tuple[int, int]]

    def to_dict(self) -> dict[str, Any]:
        return {
            "metric": self.metric, "value": self.value, "interval": list(self.interval), "n": self.n,
            "n_unknown": self.n_unknown, "sections": {name: list(of) for name, of in self.sections.items()},
        }  # fmt: skip


def similarity(embedding: Embedding, pairs: Sequence[tuple[str, str, float]]) -> Agreement:
    """Return Spearman's rank correlation of cosines with what people said of pairs of words.

    The interval is Fisher's with the variance (1 + r^2 / 2) / (n - 3). Pairs with an unknown word are counted, not judged.

    Raises:
        DataError: fewer than four pairs have both words.

    Source:
        Bonett and Wright 2000, "Sample size requirements for estimating Pearson, Kendall and Spearman correlations".
    """
    known = [(x, y, score) for x, y, score in ((_code(embedding, a), _code(embedding, b), s) for a, b, s in pairs)
             if x is not None and y is not None]  # fmt: skip
    if len(known) < 4:
        raise DataError(
            "too few pairs can be judged", rule="at least four pairs have both words in the embedding",
            found=f"{len(known)} of {len(pairs):,}", do="take a set of the corpus's own words",
        )  # fmt: skip
    vectors = unit(embedding.inputs)
    left, right = [x for x, _, _ in known], [y for _, y, _ in known]
    cosine = (vectors[left] * vectors[right]).sum(1)
    value = _spearman(cosine, np.array([score for _, _, score in known]))
    spread = Z * math.sqrt((1 + value**2 / 2) / (len(known) - 3))
    middle = math.atanh(min(max(value, -0.999999), 0.999999))
    return Agreement(
        "spearman",
        value,
        (math.tanh(middle - spread), math.tanh(middle + spread)),
        len(known),
        len(pairs) - len(known),
        {},
    )


def _code(embedding: Embedding, word: str) -> int | None:
    return embedding.codes.get(word, embedding.codes.get(word.lower()))


def _spearman(x: np.ndarray, y: np.ndarray) -> float:
    one, two = (pl.Series(values).rank("average").to_numpy().astype(np.float64) for values in (x, y))
    if one.std() == 0.0 or two.std() == 0.0:
        raise DataError(
            "the pairs cannot be ranked",
            rule="judgements and cosines differ between pairs",
            found="all are equal",
            do="give pairs that people judged differently",
        )
    return float(np.corrcoef(one, two)[0, 1])


def analogies(embedding: Embedding, questions: Mapping[str, Sequence[tuple[str, str, str, str]]]) -> Agreement:
    """Return the share of questions "a is to b as c is to what" whose nearest word is the right one.

    The interval is Wilson's. The three given words are no answers; questions with an unknown word are counted, not judged.

    Args:
        questions: by section.

    Raises:
        DataError: no question has all four words.
    """
    vectors, sections, n_asked = unit(embedding.inputs), {}, 0
    for name, section in questions.items():
        n_asked += len(section)
        coded = [[_code(embedding, word) for word in question] for question in section]
        known = np.array([codes for codes in coded if None not in codes], np.int64).reshape(-1, 4)
        right = 0
        for first in range(0, len(known), QUESTIONS_AT_ONCE):
            some = known[first : first + QUESTIONS_AT_ONCE]
            scores = (vectors[some[:, 1]] - vectors[some[:, 0]] + vectors[some[:, 2]]) @ vectors.T
            np.put_along_axis(scores, some[:, :3], -np.inf, axis=1)
            right += int((scores.argmax(1) == some[:, 3]).sum())
        sections[name] = (right, len(known))
    n, right = sum(of for _, of in sections.values()), sum(hit for hit, _ in sections.values())
    if n == 0:
        raise DataError(
            "no analogy can be judged", rule="at least one question has all four words in the embedding",
            found=f"0 of {n_asked:,}, in {listed(questions)}", do="take a set of the corpus's own words",
        )  # fmt: skip
    return Agreement("accuracy", right / n, wilson(right, n), n, n_asked - n, sections)
