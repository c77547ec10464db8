"""Explainers: the contract on every task, and the numbers against closed forms and the lightgbm package."""

from __future__ import annotations

import sys

import numpy as np
import pytest

from fieldguide.core.candidate import Blend, Candidate, Fitted, fit
from fieldguide.core.contracts import Effort, Explainer
from fieldguide.core.errors import MissingExtra
from fieldguide.core.explanation import Explanation, summed
from fieldguide.core.problem import Output
from fieldguide.core.rows import Rows
from fieldguide.core.sources import origins, sources_of
from fieldguide.core.table import Column
from fieldguide.parts import find, modality, names
from fieldguide.testing.explainer import TASKS, check_explainer, example, fitted

BOOSTING = find("learners", "boosting")(n_rounds=12, learning_rate=0.3)
LINEAR = find("learners", "linear")(penalty=1.0)
MLP = find("learners", "mlp")(n_layers=1, d_hidden=16, n_epochs=25, batch_size=32)
TREE, CLOSED, SAMPLED = (find("explainers", name)() for name in ("tree", "linear", "sampling"))
GRADIENT = find("explainers", "gradient")(n_samples=96)


def test_every_explainer_keeps_the_protocol() -> None:
    assert names("explainers") == ("gradient", "linear", "sampling", "tree")
    assert all(isinstance(find("explainers", name)(), Explainer) for name in names("explainers"))


@pytest.mark.parametrize(("explainer", "learner", "error"), [(TREE, BOOSTING, 1e-9), (CLOSED, LINEAR, 1e-6)])
def test_contract(explainer: Explainer, learner: object, error: float) -> None:
    check_explainer(explainer, learner, TASKS, error)


def test_contract_of_what_is_sampled() -> None:
    check_explainer(SAMPLED, BOOSTING, ("binary", "regression"), 1e-9)


def test_contract_of_gradients() -> None:
    check_explainer(GRADIENT, MLP, ("binary", "vector"), 0.35)


def test_tree_values_are_those_of_the_lightgbm_package(tmp_path: object) -> None:
    import lightgbm

    predictor, background, rows = fitted(BOOSTING, "binary")
    found = TREE.explain(predictor, rows, background, output=0, which=np.ones(len(rows), int), seed=0)
    batch = predictor.transform.encode(rows.cells, len(rows))
    x = np.concatenate([batch.numbers, batch.codes], axis=1)
    peer = lightgbm.Booster(model_str=predictor.estimator.boosters[0].trees.text).predict(x, pred_contrib=True)
    places = np.concatenate(
        [sources_of(predictor.transform, found.names).numbers, sources_of(predictor.transform, found.names).codes]
    )
    assert np.allclose(found.values, summed(peer[:, :-1], places, 4), atol=1e-9)
    shares = predictor.predict(rows.cells, len(rows))[0][:, 1]
    assert np.allclose(1 / (1 + np.exp(-(found.base + found.values.sum(axis=1)))), shares, atol=1e-9)
    other = TREE.explain(predictor, rows, background, output=0, which=np.zeros(len(rows), int), seed=0)
    assert np.allclose(other.values, -found.values)


def test_linear_values_are_coefficients_times_centred_values() -> None:
    predictor, background, rows = fitted(LINEAR, "regression")
    found = CLOSED.explain(predictor, rows, background, output=0, which=np.zeros(len(rows), int), seed=0)
    fit_ = predictor.estimator.fits[0]
    seen, against = (predictor.transform.encode(part.cells, len(part)) for part in (rows, background))
    at = [seen.layout.numbers.index(name) for name in ("age", "age missing")]
    by_hand = ((seen.numbers - against.numbers.mean(axis=0))[:, at] @ fit_.numbers[at, 0]) * fit_.scale[0]
    assert np.allclose(found.values[:, 0], by_hand)
    city = fit_.scale[0] * (fit_.levels[seen.codes[:, 0], 0] - fit_.levels[against.codes[:, 0], 0].mean())
    assert np.allclose(found.values[:, found.names.index("city")], city)
    assert np.allclose(found.base + found.values.sum(axis=1), predictor.predict(rows.cells, len(rows))[0][:, 0])
    usual = predictor.predict(background.cells, len(background))[0].mean()
    assert np.allclose(found.base, usual)


def test_a_linear_network_has_the_closed_form_of_shapley_values() -> None:
    """Expected gradients of a function without bends are exact up to the draw of the background."""
    predictor, background, rows = fitted(LINEAR, "regression")
    exact = CLOSED.explain(predictor, rows, background, output=0, which=np.zeros(len(rows), int), seed=0)
    drawn = SAMPLED.explain(predictor, rows, background, output=0, which=np.zeros(len(rows), int), seed=0)
    gaps = np.abs(drawn.values - exact.values).mean(axis=0)
    assert (gaps < 0.35 * exact.importance() + 0.5).all()
    assert np.corrcoef(drawn.values.ravel(), exact.values.ravel())[0, 1] > 0.98


def test_sampled_values_of_two_columns_are_the_shapley_values() -> None:
    """With two columns and one background row, both orders are all there are."""
    columns = (Column("a", "number"), Column("b", "number"))

    class Product:
        outputs = (Output("y", find("tasks", "regression")()),)

        def predict(self, cells: dict[str, np.ndarray], n_rows: int) -> tuple[np.ndarray, ...]:
            return ((cells["a"] * cells["b"])[:, None],)

    rows = Rows(columns, {"a": np.array([3.0]), "b": np.array([5.0])}, n_rows=1)
    background = Rows(columns, {"a": np.array([1.0]), "b": np.array([2.0])}, n_rows=1)
    found = SAMPLED.explain(Product(), rows, background, output=0, which=np.zeros(1, int), seed=0)
    assert found.values.tolist() == [[7.0, 6.0]]  # ½((6 - 2) + (15 - 5)), ½((5 - 2) + (15 - 6))
    assert found.error()["largest"] == 0.0


def test_what_cannot_be_explained_is_declined() -> None:
    linear, background, rows = fitted(LINEAR, "binary")
    assert TREE.declines(linear) == "it has no trees"
    assert GRADIENT.declines(linear) == "it has no gradients"
    assert CLOSED.declines(fitted(BOOSTING, "binary")[0]) == "it has no coefficients"
    leaves = find("learners", "boosting")(n_rounds=3, linear_leaves=True)
    assert "lines" in TREE.declines(fitted(leaves, "regression")[0])
    blend = Blend((linear, linear), (0.5, 0.5))
    assert all(explainer.declines(blend) for explainer in (TREE, CLOSED, GRADIENT))
    assert SAMPLED.declines(blend) == ""
    assert (
        SAMPLED.explain(blend, rows, background, output=0, which=np.ones(len(rows), int), seed=0).error()["share"]
        < 1e-9
    )


def test_without_captum_the_install_line_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    predictor, background, rows = fitted(MLP, "binary")
    monkeypatch.setitem(sys.modules, "captum.attr", None)
    with pytest.raises(MissingExtra, match=r"needs the package 'captum'.*fieldguide\[explain\]"):
        GRADIENT.explain(predictor, rows, background, output=0, which=np.ones(len(rows), int), seed=0)


def test_explaining_leaves_the_network_as_it_was() -> None:
    predictor, background, rows = fitted(MLP, "binary")
    before, state = predictor.predict(rows.cells, len(rows))[0], np.random.get_state()[1].copy()
    GRADIENT.explain(predictor, rows, background, output=0, which=np.ones(len(rows), int), seed=0)
    assert np.array_equal(predictor.predict(rows.cells, len(rows))[0], before)
    assert np.array_equal(np.random.get_state()[1], state)
    assert "forward" not in vars(predictor.estimator.net.categories)


# --- media --------------------------------------------------------------------------------------------------------------


def said(n_rows: int = 120) -> tuple[Rows, tuple[Output, ...]]:
    rng = np.random.default_rng(2)
    truth = rng.integers(0, 2, n_rows)
    filler = ["the", "house", "stands", "there", "today", "again"]
    texts = np.empty(n_rows, object)
    texts[:] = [" ".join([*rng.choice(filler, 4), "good" if t else "bad", rng.choice(filler)]) for t in truth]
    size = rng.normal(size=n_rows)
    columns = (Column("said", "text"), Column("size", "number"))
    return Rows(columns, {"said": texts, "size": size}, (truth,), None, n_rows), (
        Output("y", find("tasks", "binary")(), ("no", "yes")),
    )


def learned(learner: object, rows: Rows, outputs: tuple[Output, ...]) -> Fitted:
    return fit(Candidate.of("c", learner), rows, None, outputs, modality, Effort(seed=0))[0]  # type: ignore[arg-type]


def test_tokens_of_a_text_by_terms() -> None:
    rows, outputs = said()
    found = CLOSED.explain(
        learned(LINEAR, rows, outputs), rows.take(np.arange(9)), rows, output=0, which=np.ones(9, int), seed=0
    )
    assert found.error()["share"] < 1e-5
    for row in range(9):
        told = found.details["said"][row]
        assert sum(told["values"]) == pytest.approx(found.values[row, 0], abs=1e-9)
        words = dict(zip(told["tokens"], told["values"]))
        strongest = max((w for w in words if w != "other"), key=lambda w: abs(words[w]))
        assert ("good" in strongest) if rows.truths[0][row] else ("bad" in strongest)


def test_tokens_of_a_text_by_gradients() -> None:
    rows, outputs = said()
    net = find("learners", "fusion")(
        text="pool", d_embedding=16, d_hidden=16, n_epochs=40, batch_size=32, learning_rate=1e-2
    )
    found = GRADIENT.explain(
        learned(net, rows, outputs),
        rows.take(np.arange(8)),
        rows.take(np.arange(20)),
        output=0,
        which=np.ones(8, int),
        seed=0,
    )
    assert found.error()["share"] < 0.3
    for row in range(8):
        told = found.details["said"][row]
        assert len(told["tokens"]) == 6 and sum(told["values"]) == pytest.approx(found.values[row, 0], abs=1e-6)
        words = dict(zip(told["tokens"], told["values"]))
        assert max(words, key=lambda w: abs(words[w])) == ("good" if rows.truths[0][row] else "bad")


def test_steps_of_a_series_by_gradients() -> None:
    rng = np.random.default_rng(0)
    truth = rng.integers(0, 2, 80)
    cells = np.empty(80, object)
    for i, t in enumerate(truth):
        curve = rng.normal(0, 0.2, (1, 48)).astype(np.float32)
        curve[:, 30:36] += 2.0 * t
        cells[i] = curve
    rows = Rows((Column("curve", "series"),), {"curve": cells}, (truth,), None, 80)
    outputs = (Output("y", find("tasks", "binary")(), ("no", "yes")),)
    net = find("learners", "fusion")(series="fcn", d_embedding=8, d_hidden=8, n_epochs=6, batch_size=32)
    mine = np.flatnonzero(truth == 1)[:6]
    found = GRADIENT.explain(
        learned(net, rows, outputs),
        rows.take(mine),
        rows.take(np.flatnonzero(truth == 0)[:20]),
        output=0,
        which=np.ones(6, int),
        seed=0,
    )
    told = found.details["curve"][0]
    assert told["n_steps"] == 48 and len(told["values"]) == 32
    mean = np.mean([found.details["curve"][i]["values"] for i in range(6)], axis=0)
    inside = slice(30 * 32 // 48 - 1, 36 * 32 // 48 + 1)
    assert mean[inside].sum() > 0.6 * mean.sum() > 0
    assert sum(told["values"]) == pytest.approx(found.values[0, 0], abs=1e-6)


def test_regions_of_an_image_add_up() -> None:
    from fieldguide.parts.explainers.gradient import _detail

    cells = np.random.default_rng(0).normal(size=(3, 20, 20))
    grid = np.array(_detail("image", cells, None, {})["grid"])
    assert grid.shape == (8, 8) and grid.sum() == pytest.approx(cells.sum())
    assert grid[0, 0] == pytest.approx(cells[:, :3, :3].sum())


# --- what is explained, by name -----------------------------------------------------------------------------------------


def test_encoded_columns_go_back_to_their_source() -> None:
    rows, _ = example("binary")
    for recipe in ({"scaling": "quantile"}, {"scaling": "none", "missing": "keep"}):
        from fieldguide.core.settings import with_values
        from fieldguide.core.transform import Recipe, Transform

        transform = Transform.fit(with_values(Recipe(), recipe), rows, modality)
        sources = sources_of(transform, tuple(c.name for c in rows.columns))
        for name, place in zip(transform.layout.numbers, sources.numbers.tolist(), strict=True):
            assert name.split(" ")[0] == sources.names[place]
        assert [sources.names[place] for place in sources.codes.tolist()] == ["city"]


def test_a_name_that_comes_from_nowhere_is_refused() -> None:
    with pytest.raises(ValueError, match="'b month' comes from none of a"):
        origins(["a", "b month"], ["a"])


def test_the_additivity_error_tells_what_is_missing() -> None:
    found = Explanation(("a",), np.array([[1.0], [2.0]]), np.zeros(2), np.array([1.5, 2.0]), "value").error()
    assert found == {"largest": 0.5, "mean": 0.25, "share": 0.25 / 1.75}
