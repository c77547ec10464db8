"""Scores of texts for trees: out of fold by whole blocks, of the right coefficients, kept with the model."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from scipy.sparse import csr_matrix

from fieldguide.core.batch import Batch, Encoded, Layout
from fieldguide.core.candidate import Candidate, fit
from fieldguide.core.clock import Clock
from fieldguide.core.contracts import Effort
from fieldguide.core.errors import ModelError
from fieldguide.core.problem import Output
from fieldguide.core.rows import Rows
from fieldguide.core.table import Column, Table
from fieldguide.parts import find, modality
from fieldguide.parts.learners import _word_scores
from fieldguide.parts.learners.boosting import Boosting

N = 400
REGRESSION = Output("y", find("tasks", "regression")())
LEARNER = Boosting(learning_rate=0.2, n_rounds=60, patience=15)
RARE = [f"word{i}" for i in range(60)]


@pytest.fixture(scope="module")
def listings() -> tuple[Rows, np.ndarray]:
    """Prices by a number, by what sixty rarish words of a text are worth, and by nothing else."""
    rng = np.random.default_rng(0)
    worth = rng.normal(size=len(RARE))
    said = rng.random((N, len(RARE))) < 0.1
    x = rng.normal(size=N)
    y = x + said @ worth + 0.1 * rng.normal(size=N)
    texts = [" ".join(["a", "room", *np.array(RARE)[row]]) for row in said]
    table = Table(pl.DataFrame({"note": texts, "x": x}), (Column("note", "text"), Column("x", "number")))
    return dataclasses.replace(Rows.of(table, (), modality), truths=(y,)), y


def encoded(rows: Rows, blocks: np.ndarray | None = None) -> Encoded:
    found: list[Encoded] = []

    def catch(self: object, train: Encoded, stop: object, outputs: object, effort: object) -> object:
        found.append(train)
        return Boosting.fit(LEARNER, train, None, (REGRESSION,), Effort(n_steps=1))

    learner = type("Catching", (Boosting,), {"fit": catch})()
    fit(Candidate.of("boosting", learner), rows, None, (REGRESSION,), modality, Effort())
    return dataclasses.replace(found[0], blocks=blocks)


def error(rows: Rows, names: tuple[str, ...], truth: np.ndarray) -> float:
    kept = dataclasses.replace(
        rows, columns=tuple(c for c in rows.columns if c.name in names), cells={n: rows.cells[n] for n in names}
    )
    train, stop, judged = (kept.take(np.arange(a, b)) for a, b in ((0, 250), (250, 300), (300, N)))
    fitted, _ = fit(Candidate.of("boosting", LEARNER), train, stop, (REGRESSION,), modality, Effort())
    found = fitted.predict(judged.cells, len(judged))[0][:, 0]
    return float(np.mean((found - truth[300:]) ** 2))


def test_trees_read_what_many_rare_words_tell_beside_a_number(listings: tuple[Rows, np.ndarray]) -> None:
    rows, truth = listings
    both, number, text = (error(rows, names, truth) for names in (("note", "x"), ("x",), ("note",)))
    assert both < 0.6 * min(number, text)


def test_a_score_of_a_block_does_not_know_its_own_targets(listings: tuple[Rows, np.ndarray]) -> None:
    rows, truth = listings
    blocks = np.repeat(np.arange(N // 4), 4)
    mine = blocks == 7  # shifted by as much as leaves the penalty where it is, which all rows choose
    changed = dataclasses.replace(rows, truths=(np.where(mine, truth + 8.0, truth),))

    def scores(of: Rows) -> np.ndarray:
        _, beside, _ = _word_scores.learned(encoded(of, blocks), (REGRESSION,), 0, Clock())
        return np.asarray(beside.batch.numbers[:, -1])

    before, after = scores(rows), scores(changed)
    spread = (truth + 8.0 * mine).std() / truth.std()  # targets are learned on their own scale, which moved
    shift = np.median(after[mine] * spread - before[mine])
    assert np.allclose(after[mine] * spread - shift, before[mine], atol=0.02)
    assert not np.allclose(after[~mine] * spread - shift, before[~mine], atol=0.02)


def test_the_coefficients_are_those_of_ridge_regression() -> None:
    from sklearn.linear_model import Ridge

    rng = np.random.default_rng(1)
    terms, worth = csr_matrix((rng.random((200, 12)) < 0.3).astype(np.float32)), rng.normal(size=12)
    y = terms @ worth + 0.3 * rng.normal(size=200)
    layout = Layout(terms=(("note", 12),))
    numbers, codes = np.zeros((200, 0), np.float32), np.zeros((200, 0), np.int32)
    rows = Encoded(Batch(layout, {"numbers": numbers, "codes": codes, "terms": terms}), (y,))
    scores, beside, cut = _word_scores.learned(rows, (REGRESSION,), 0, Clock())
    found = scores.beside(rows.batch)
    gaps = []
    for penalty in (1000.0, 100.0, 10.0, 1.0, 0.1, 0.01):
        peer = Ridge(alpha=penalty).fit(terms, (y - y.mean()) / y.std())
        gaps.append(float(np.abs(found.numbers[:, 0] - peer.predict(terms)).max()))
    assert min(gaps) < 0.02 and not cut
    assert found.layout.numbers == ("note score 1",) and found.layout.n_terms == 0 and "terms" not in found.arrays
    apart = np.corrcoef(beside.batch.numbers[:, 0], found.numbers[:, 0])[0, 1]
    assert 0.9 < apart < 1.0  # like those of the whole, and not the same


@pytest.mark.parametrize("task", ["binary", "multiclass", "ordinal", "count", "multilabel", "vector"])
def test_every_task_has_scores(task: str, listings: tuple[Rows, np.ndarray], tmp_path: Path) -> None:
    rows, values = listings
    part = find("tasks", task)()
    level = np.digitize(values, np.quantile(values, [0.3, 0.7]))
    truth = {
        "binary": (level > 0).astype(np.int64), "multiclass": level, "ordinal": level, "count": level.astype(float),
        "multilabel": np.stack([level > 0, level > 1], axis=1).astype(np.int64), "vector": np.stack([values, -values], axis=1),
    }[task]  # fmt: skip
    labels = {"binary": ("0", "1"), "multilabel": ("a", "b"), "vector": ("a", "b")}.get(task, ("0", "1", "2"))
    output = Output("y", part, labels if task != "count" else ())
    named = dataclasses.replace(rows, truths=(truth,))
    fitted, batch = fit(Candidate.of("b", LEARNER), named, None, (output,), modality, Effort(n_steps=8))
    before = fitted.predict(rows.cells, N)[0]
    data = fitted.estimator.save(tmp_path)
    again = LEARNER.load(tmp_path, data)
    batch = fitted.transform.encode(rows.cells, N)
    assert np.array_equal(again.predict(batch)[0], before)
    assert np.allclose(again.predict(batch.take(slice(3, 4)))[0], before[3:4], atol=1e-6)


def test_damaged_scores_are_refused(listings: tuple[Rows, np.ndarray], tmp_path: Path) -> None:
    rows, _ = listings
    fitted, _ = fit(Candidate.of("b", LEARNER), rows, None, (REGRESSION,), modality, Effort(n_steps=2))
    data = fitted.estimator.save(tmp_path)
    with pytest.raises(ModelError, match="the scores of texts cannot be read"):
        LEARNER.load(tmp_path, {**data, "words": [[["note", 3]], 1]})
    (tmp_path / "words.safetensors").write_bytes(b"x")
    with pytest.raises(ModelError, match="the scores of texts cannot be read"):
        LEARNER.load(tmp_path, data)


def test_few_blocks_have_no_score_and_a_clock_that_is_over_is_told(listings: tuple[Rows, np.ndarray]) -> None:
    rows, _ = listings
    few, _ = fit(Candidate.of("b", LEARNER), rows.take(np.arange(15)), None, (REGRESSION,), modality, Effort(n_steps=2))
    assert few.predict(rows.cells, N)[0].shape == (N, 1) and few.estimator.scores.tables == ()
    # one round is all that is asked for: what the clock cut short are the scores
    late, _ = fit(
        Candidate.of("b", LEARNER), rows, None, (REGRESSION,), modality, Effort(clock=Clock.of(0.0), n_steps=1)
    )
    assert late.estimator.stopped == "clock" and late.estimator.inner.stopped == "steps"


def test_trees_go_on_from_their_scores(listings: tuple[Rows, np.ndarray]) -> None:
    rows, truth = listings
    fitted, _ = fit(Candidate.of("b", LEARNER), rows, None, (REGRESSION,), modality, Effort(n_steps=5))
    further = LEARNER.continued(fitted.estimator, encoded(rows), None, (REGRESSION,), Effort(n_steps=20))
    batch = fitted.transform.encode(rows.cells, N)
    errors = [float(np.mean((part.predict(batch)[0][:, 0] - truth) ** 2)) for part in (fitted.estimator, further)]
    assert errors[1] < 0.7 * errors[0]


def test_what_a_text_adds_is_told_beside_the_columns(listings: tuple[Rows, np.ndarray]) -> None:
    rows, truth = listings
    fitted, _ = fit(Candidate.of("b", LEARNER), rows, None, (REGRESSION,), modality, Effort(n_steps=30))
    explainer = find("explainers", "tree")()
    assert explainer.declines(fitted) == ""
    told = explainer.explain(fitted, rows, rows, output=0, which=np.zeros(N, np.int64), seed=0)
    assert told.names == ("note", "x")
    assert np.allclose(told.values.sum(axis=1) + told.base, fitted.predict(rows.cells, N)[0][:, 0], atol=1e-5)
    x = rows.cells["x"]
    assert np.corrcoef(told.values[:, 1], x)[0, 1] > 0.9 and np.corrcoef(told.values[:, 0], truth - x)[0, 1] > 0.9
