"""The one evaluation, and the poison test: held-out rows move no fitted value."""

from __future__ import annotations

from dataclasses import replace
from itertools import count
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from conftest import houses, people
from fieldguide import parts
from fieldguide.core.candidate import Blend, Candidate, Encodings, Fitted, calibrated, corrected, encode, fit
from fieldguide.core.clock import Clock
from fieldguide.core.contracts import Effort, Roles
from fieldguide.core.errors import SplitError
from fieldguide.core.evaluate import Evaluation, evaluate, refit_steps, stopping_rows
from fieldguide.core.problem import Output
from fieldguide.core.reading import read_frame
from fieldguide.core.rows import Rows
from fieldguide.core.settings import with_values
from fieldguide.core.split import Fold
from fieldguide.core.table import Column

CHEAP = {
    "boosting": {"n_rounds": 30}, "mlp": {"n_epochs": 3, "d_hidden": 16}, "tabm": {"n_epochs": 2, "k": 2, "d_block": 16},
}  # fmt: skip
ELSEWHERE = (
    "forecasts",
    "suggests",
    "targetless",
)  # what a learner has that belongs to another task than those of a table
LEARNERS = sorted(
    name for name in parts.names("learners") if not any(hasattr(parts.find("learners", name), of) for of in ELSEWHERE)
)


def rows_of(kind: str, n_rows: int = 240) -> tuple[Rows, Output]:
    if kind == "binary":
        frame, target, task, labels = people(n_rows), "bought", "binary", ("no", "yes")
        kinds = {"age": "number", "city": "category", "member": "boolean", "spend": "number", "joined": "datetime"}
    else:
        frame, target, task, labels = houses(n_rows), "price", "regression", ()
        kinds = {"size": "number", "rooms": "number", "district": "category"}
    columns = [Column(name, k) for name, k in kinds.items()]
    columns.append(Column(target, "category" if labels else "number", "target"))
    output = Output(target, parts.find("tasks", task)(), labels)
    table, _ = read_frame(frame, columns, parts.modality)
    return Rows.of(table, (output,), parts.modality), output


def candidate_of(name: str) -> Candidate:
    return Candidate.of(name, with_values(parts.find("learners", name)(), CHEAP.get(name, {})))


def run(
    candidate: Candidate, rows: Rows, output: Output, folds: list[Fold], caches: dict | None = None, effort: Effort | None = None
) -> Evaluation:  # fmt: skip
    roles = Roles(np.arange(len(rows), dtype=np.uint64), np.arange(len(rows)))
    splitter = parts.find("splitters", "random")()
    return evaluate(
        candidate,
        rows,
        folds,
        (output,),
        roles=roles,
        splitter=splitter,
        modalities=parts.modality,
        effort=effort or Effort(3, 1),
        caches=caches,
    )


def poisoned(rows: Rows, where: np.ndarray) -> Rows:
    """Return rows with wild features and wrong truths in some of them."""
    cells = {}
    for name, values in rows.cells.items():
        changed = values.copy()
        changed[where] = "poison" if values.dtype == object else 1e6
        cells[name] = changed
    truth = rows.truths[0].copy()
    truth[where] = 1 - truth[where] if truth.dtype.kind == "i" else -1e6
    return replace(rows, cells=cells, truths=(truth,))


@pytest.mark.parametrize("name", LEARNERS)
@pytest.mark.parametrize("kind", ["binary", "values"])
def test_held_out_rows_move_no_fitted_value(name: str, kind: str) -> None:
    rows, output = rows_of(kind)
    held = np.arange(0, len(rows), 4)
    fold = Fold(np.setdiff1d(np.arange(len(rows)), held), held)
    clean = run(candidate_of(name), rows, output, [fold])
    dirty = run(candidate_of(name), poisoned(rows, held), output, [fold])
    probe = rows.take(fold.train)
    assert clean.fitted.transform.to_dict() == dirty.fitted.transform.to_dict()
    before, after = (e.fitted.predict(probe.cells, len(probe))[0] for e in (clean, dirty))
    assert np.array_equal(before, after)


@pytest.mark.parametrize("name", ["linear", "boosting"])
def test_training_rows_do_move_fitted_values(name: str) -> None:
    """The poison test can fail: poison in a training row is seen."""
    rows, output = rows_of("binary")
    fold = Fold(np.arange(0, 180), np.arange(180, 240))
    clean = run(candidate_of(name), rows, output, [fold])
    dirty = run(candidate_of(name), poisoned(rows, np.arange(0, 60)), output, [fold])
    assert not np.array_equal(clean.predictions[0], dirty.predictions[0])


def test_overlapping_folds_are_refused() -> None:
    rows, output = rows_of("binary")
    with pytest.raises(SplitError, match="a validation row is also a training row"):
        run(candidate_of("prior"), rows, output, [Fold(np.arange(100), np.arange(90, 200))])


def test_repeats_are_averaged_per_row() -> None:
    rows, output = rows_of("values")
    first, second = np.arange(0, 120), np.arange(120, 240)
    folds = [Fold(first, second, 0), Fold(second, first, 0), Fold(first[:60], second, 1), Fold(second, first, 1)]
    found = run(candidate_of("prior"), rows, output, folds)
    truth = rows.truths[0]
    assert found.rows.tolist() == list(range(240))
    expected = (truth[first].mean() + truth[first[:60]].mean()) / 2
    assert np.allclose(found.predictions[0][second, 0], expected)


class Standing(Clock):
    """A clock on which as much is left as one says."""

    def left(self) -> float:
        return self.ends


@pytest.mark.parametrize(("left", "n_folds"), [(1.21, 4), (1.19, 2), (0.0, 2)])
def test_a_further_repeat_is_begun_only_when_it_can_be_finished(
    monkeypatch: pytest.MonkeyPatch, left: float, n_folds: int
) -> None:
    """Each fold takes a second; the first repeat is run whole, so that every row is judged."""
    rows, output = rows_of("values")
    first, second = np.arange(0, 120), np.arange(120, 240)
    folds = [Fold(first, second, 0), Fold(second, first, 0), Fold(first[:60], second, 1), Fold(second, first, 1)]
    monkeypatch.setattr("fieldguide.core.evaluate.time", SimpleNamespace(perf_counter=count().__next__))
    found = run(candidate_of("prior"), rows, output, folds, effort=Effort(3, 1, Standing(left)))
    assert (found.n_folds, found.seconds) == (n_folds, n_folds)
    assert len(found.rows) == 240


def test_folds_of_the_first_repeat_share_the_clock_evenly(monkeypatch: pytest.MonkeyPatch) -> None:
    rows, output = rows_of("values")
    shares = []
    monkeypatch.setattr(Standing, "share", lambda self, rate: shares.append(rate) or self)
    blocks = np.array_split(np.arange(240), 3)
    folds = [Fold(np.setdiff1d(np.arange(240), block), block, repeat) for repeat in (0, 1) for block in blocks]
    run(candidate_of("prior"), rows, output, folds, effort=Effort(3, 1, Standing(60.0)))
    assert shares == [1 / 3, 1 / 2]  # the last, and every later one, may take all that is left


def test_shared_encodings_change_nothing() -> None:
    rows, output = rows_of("binary")
    folds = [Fold(np.arange(0, 180), np.arange(180, 240))]
    caches: dict[tuple[int, bool], Encodings] = {}
    alone = run(candidate_of("linear"), rows, output, folds)
    run(candidate_of("neighbours"), rows, output, folds, caches)
    shared = run(candidate_of("linear"), rows, output, folds, caches)
    assert np.array_equal(alone.predictions[0], shared.predictions[0])


def test_a_learner_gets_as_many_rows_as_it_takes_and_the_score_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    rows, output = rows_of("binary")
    monkeypatch.setattr(parts.find("learners", "neighbours"), "in_memory", 50)
    fold = Fold(np.arange(180), np.arange(180, 240))
    found, again = (run(candidate_of("neighbours"), rows, output, [fold]) for _ in range(2))
    assert found.fitted is not None and (found.n_fit, len(found.fitted.estimator.rows.numbers)) == (50, 50)
    assert np.array_equal(found.predictions[0], again.predictions[0])
    assert run(candidate_of("prior"), rows, output, [fold]).n_fit == 180
    repeated = replace(candidate_of("prior"), recipe=replace(candidate_of("prior").recipe, balance="oversample"))
    assert run(repeated, rows, output, [fold]).n_fit == 180  # a refit's steps are scaled by rows, not by repeated ones


def test_refit_steps_scale_gradient_steps_and_not_rounds() -> None:
    learners = {name: parts.find("learners", name)() for name in ("mlp", "boosting", "prior")}
    assert refit_steps(learners["mlp"], (90, 100, 500), 800, 1000) == 125
    assert refit_steps(learners["boosting"], (90, 100, 500), 800, 1000) == 100
    assert refit_steps(learners["prior"], (), 800, 1000) is None


def test_along_time_a_learner_may_stop_on_rows_of_all_of_the_time() -> None:
    n = 600
    rng = np.random.default_rng(0)
    roles = Roles(rng.integers(0, 2**63, n).astype(np.uint64), np.arange(n) // 3, times=np.arange(n))
    splitter, train = parts.find("splitters", "chronological")(), np.arange(100, 600)
    boosting = parts.find("learners", "boosting")()
    latest = stopping_rows(Candidate.of("b", boosting), train, roles, splitter)
    anywhere = stopping_rows(Candidate.of("b", replace(boosting, stops_on="any")), train, roles, splitter)
    for kept, held in (latest, anywhere):
        assert held is not None and np.array_equal(np.sort(np.concatenate([kept, held])), train)
        assert len(held) == pytest.approx(0.15 * 500, abs=6)
        assert not np.isin(roles.blocks[kept], roles.blocks[held]).any(), "whole blocks"
    assert latest[1].min() > latest[0].max()
    assert anywhere[1].min() < 150 and anywhere[1].max() > 550


@pytest.mark.parametrize(
    ("n_rows", "n_kept", "stops"), [(20, 15, True), (19, 14, False), (20, 16, False), (20, 10, True), (20, 9, False)]
)
def test_too_few_rows_are_all_fitted_on(n_rows: int, n_kept: int, stops: bool) -> None:
    """From 20 rows on, 10 at least to fit on and 5 at least to stop on; else the learner stops on nothing."""
    asked = []

    class Splitter:
        def hold_out(self, roles: Roles, share: float, name: str) -> tuple[np.ndarray, np.ndarray]:
            asked.append((len(roles.keys), share, name))
            return np.arange(n_kept), np.arange(n_kept, n_rows)

    train = np.arange(100, 100 + n_rows)
    roles = Roles(np.arange(200, dtype=np.uint64), np.arange(200))
    fitted, stopped = stopping_rows(candidate_of("mlp"), train, roles, Splitter())
    assert asked == ([(n_rows, 0.15, "early stopping")] if n_rows >= 20 else [])
    assert np.array_equal(fitted, train[:n_kept] if stops else train)
    assert np.array_equal(stopped, train[n_kept:]) if stops else stopped is None
    assert stopping_rows(candidate_of("prior"), train, roles, Splitter())[1] is None


def test_a_fit_stops_on_the_rows_it_was_given_to_stop_on() -> None:
    seen: list[Any] = []
    rows, output = rows_of("values")

    class Spy:
        name, kind, stops_early, steps_scale, in_memory, recipe = "spy", "boosting", True, False, 50, {}

        def fit(self, train: Any, stop: Any, outputs: Any, effort: Any) -> Any:
            seen.append((len(train), None if stop is None else stop.targets[0].tolist()))
            return SimpleNamespace()

    spy = Candidate("spy", Spy(), candidate_of("boosting").recipe)  # type: ignore[arg-type]
    train, stop = rows.take(np.arange(100)), rows.take(np.arange(100, 130))
    fitted, _ = fit(spy, train, stop, (output,), parts.modality, Effort())
    fit(spy, rows.take(np.arange(40)), None, (output,), parts.modality, Effort())
    assert seen == [(50, stop.truths[0].tolist()), (40, None)]
    assert fitted.n_fit == 50


@pytest.mark.parametrize(("learner", "fitted"), [("linear", [80.0, 120.0]), ("mlp", [80.0, -120.0])])
def test_who_minimises_the_loss_of_a_price_is_told_whether_it_was_booked(learner: str, fitted: list[float]) -> None:
    """The code of an offer that was not booked is below 0: a learner of plain numbers would learn a negative price."""
    price = Output("price", parts.find("tasks", "price")())
    rows = Rows((Column("x", "number"),), {"x": np.zeros(2)}, (np.array([80.0, -120.0]),), n_rows=2)
    batch = SimpleNamespace()
    found = encode(batch, rows, (price,), parts.find("learners", learner)())  # type: ignore[arg-type]
    assert found.targets[0].tolist() == fitted


def test_what_corrects_probabilities_stands_behind_the_whole_answer() -> None:
    half = SimpleNamespace(correct=lambda prediction: prediction / 2)
    one = Fitted(candidate_of("prior"), None, None, ())  # type: ignore[arg-type]
    blend = Blend((one, one), (0.7, 0.3))
    assert calibrated(blend, (half,)) == Blend((one, one), (0.7, 0.3), (half,))
    assert calibrated(one, (half,)) == Blend((one,), (1.0,), (half,))
    assert calibrated(blend, ()) is blend and calibrated(one, (None, None)) is one
    said = (np.array([0.8, 0.4]), np.array([6.0, 2.0]))
    first, second = corrected(said, (half, None))
    assert first.tolist() == [0.4, 0.2] and second is said[1]
    assert corrected(said, ()) is said
    nothing = (np.zeros(0), np.zeros(0))
    assert corrected(nothing, (half, None)) is nothing
    with pytest.raises(ValueError, match="zip"):
        corrected(said, (half,))
