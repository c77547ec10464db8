"""Texts: reading, describing, terms, topics and tokens."""

from __future__ import annotations

import numpy as np
import polars as pl
import pytest
from sklearn.feature_extraction.text import TfidfVectorizer

from fieldguide.core.table import Column
from fieldguide.core.transform import Recipe
from fieldguide.parts.modalities._terms import Terms, topics_of
from fieldguide.parts.modalities.text import Text, padded, word_dropout
from fieldguide.testing.modality import check_modality

TEXTS = ["Call me NOW!", "call her now?", "", "Ünïcode 🙂 fine", None, "call me call me", "me", "now now", "a b c d e f", " x "]


def cells_of(*texts):
    cells = np.empty(len(texts), object)
    cells[:] = texts
    return cells


def test_contract():
    check_modality(Text(), pl.Series("said", TEXTS))


def test_description_counts_what_is_there():
    typed, broken = Text().read(pl.Series("said", ["one two", "one two", "caf\ufffd", "", "naïve Ã©"]), Column("said", "text"))
    facts = Text().describe(typed)
    assert (facts["n"], facts["missing"], facts["repeated"], facts["damaged"], facts["not_ascii"]) == (5, 1, 1, 2, 2)
    assert facts["n_words"]["max"] == 2 and facts["top"][0] == {"word": "one", "count": 2} and not broken.any()


def test_weights_are_scikit_learns():
    texts = ["the cat sat", "the dog sat down", "a cat and a dog", "cat cat cat sat down"]
    theirs = TfidfVectorizer(ngram_range=(1, 2), sublinear_tf=True, min_df=2, token_pattern=r"\w+")
    wanted = theirs.fit_transform(texts).toarray()
    terms = Terms.fit(texts)
    places = [terms.words.index(word) for word in theirs.get_feature_names_out()]
    assert len(places) == len(terms.words)
    np.testing.assert_allclose(terms.encode(texts).toarray()[:, places], wanted, atol=1e-6)
    assert terms.encode([None, "unseen"]).nnz == 0


def test_topics_span_what_the_best_approximation_spans():
    matrix = Terms.fit(TEXTS[:2] * 3 + ["me now call", "now"]).encode(["call me now", "call her now", "me", "now call"])
    found = topics_of(matrix, 2)
    right = np.linalg.svd(matrix.toarray(), full_matrices=False)[2][:2]
    np.testing.assert_allclose(found @ found.T, right.T @ right, atol=2e-3)  # float16
    assert topics_of(matrix[:1], 2).shape == (matrix.shape[1], 0)


def test_tokens_are_the_training_words_and_a_row_depends_on_itself_only():
    recipe = Recipe(media="blocks", max_tokens=4)
    encoder = Text().fit({"said": cells_of("call me now", "call me later", None)}, recipe)
    assert encoder.words == (("call", "me"),)
    block = encoder.encode({"said": cells_of("now call me call me", None, "me")})["said"]
    assert block.load().tolist() == [[1, 2, 3, 2], [0, 0, 0, 0], [3, 0, 0, 0]]
    assert block[np.array([1])].load().tolist() == [[0]]
    assert encoder.layout().blocks[0].size == 4 and encoder.layout().blocks[0].shape == (4,)


def test_word_dropout_never_touches_padding():
    tokens = padded([np.arange(2, 102, dtype=np.int32), np.array([5], np.int32)])
    dropped = word_dropout(tokens, np.random.default_rng(0))
    assert (dropped[tokens == 0] == 0).all() and 0 < (dropped == 1).sum() < 20


@pytest.mark.parametrize("media", ["flat", "sparse", "blocks"])
def test_every_form_survives_its_own_description(media):
    encoder = Text().fit({"said": cells_of(*TEXTS)}, Recipe(media=media))
    again = Text().load(encoder.to_dict())
    for name, array in encoder.encode({"said": cells_of("call me now", None)}).items():
        other = again.encode({"said": cells_of("call me now", None)})[name]
        dense = [a.load() if hasattr(a, "load") else getattr(a, "toarray", lambda a=a: a)() for a in (array, other)]
        np.testing.assert_allclose(dense[0], dense[1], atol=1e-4)
