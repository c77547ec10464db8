"""The learner of several inputs, on texts beside columns: the contract, the graph, what the overfit check sees."""

from __future__ import annotations

import dataclasses
import json

import numpy as np
import pytest

from fieldguide.core.batch import Batch, Block, Encoded
from fieldguide.core.contracts import Effort
from fieldguide.parts.learners import _export, _graph, _network
from fieldguide.parts.learners._overfit import overfit
from fieldguide.parts.learners.fusion import Fusion
from fieldguide.testing import check_learner
from fieldguide.testing.learner import SAID, example

SMALL = Fusion(text="pool", d_embedding=8, d_hidden=16, n_epochs=8, batch_size=32, dropout=0.1, learning_rate=0.02)


def test_contract(tmp_path, monkeypatch):
    monkeypatch.setattr(_network, "_installed", lambda package: False)
    check_learner(SMALL, tmp_path, tasks=("binary",), tolerance=1e-5, seconds=1.0)


@pytest.mark.parametrize("form", ["cnn", "gru"])
def test_a_graph_answers_texts_of_any_length(form, tmp_path):
    rows, outputs = example("binary", 64, texts=True)
    fitted = dataclasses.replace(SMALL, text=form, n_epochs=2).fit(rows, None, outputs, Effort(seed=1))
    data = json.loads(json.dumps(fitted.save(tmp_path)))
    assert data["onnx"]["written"] and data["onnx"]["difference"] <= 1e-5
    loaded = SMALL.load(tmp_path, data)
    assert isinstance(loaded, _graph.GraphEstimator)
    lengths = np.array([len(cell) for cell in rows.batch.arrays["said"].cells])
    assert lengths.min() == 0 and 1 in lengths
    shortest, one_word = (rows.batch.take(np.flatnonzero(lengths == n)) for n in (0, 1))
    for batch in (rows.batch, shortest, one_word, rows.batch.take(slice(0, 1)), rows.batch.take(slice(0, 0))):
        assert np.allclose(loaded.predict(batch)[0], fitted.predict(batch)[0], atol=1e-5)


def test_a_graph_is_proven_on_one_word_on_the_longest_text_and_on_none():
    blocks = {n: _export._block(SAID, n, np.random.default_rng(n)).numpy() for n in _export.BATCHES}
    assert [block.shape[1] for block in blocks.values()] == [1, 10, SAID.shape[0]]
    assert blocks[1].all() and not blocks[7][0].any() and blocks[11][1:].any(axis=1).all()


def test_the_overfit_check_learns_rows_as_they_are():
    rows, outputs = example("binary", 40, texts=True, codes=False)

    def noise(tokens, rng):
        raise AssertionError("rows that are to be learned by heart were altered")

    block = rows.batch.arrays["said"]
    altered = {**rows.batch.arrays, "said": Block(block.cells, block.decode, noise)}
    facts = overfit(SMALL, Encoded(Batch(rows.batch.layout, altered), rows.targets), outputs, rows=32, steps=60)
    assert facts["loss"] < facts["start"]
