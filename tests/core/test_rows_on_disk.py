"""Fits on rows that lie on disk: every learner learns what it learns of the same rows in memory, and of no other rows."""

from __future__ import annotations

from pathlib import Path
from typing import Any, cast

import numpy as np
import polars as pl
import pytest

from conftest import people, small_study
from fieldguide.core import batch
from fieldguide.core.balance import WAYS
from fieldguide.core.candidate import Blend, Candidate, fit
from fieldguide.core.contracts import Effort
from fieldguide.core.files import shelf, stored
from fieldguide.core.files.shelf import is_shelved
from fieldguide.core.files.stored import Parts
from fieldguide.core.problem import Output
from fieldguide.core.reading import read_frame
from fieldguide.core.rows import Kept, Rows
from fieldguide.core.table import Column, Table
from fieldguide.core.transform import Recipe, Transform
from fieldguide.parts import find, modality
from fieldguide.parts.learners import _design, _lightgbm, boosting
from fieldguide.parts.modalities import category, datetime
from fieldguide.steps.finalize.finalize import sampled_of
from fieldguide.workflow import Study
from test_workflow import facts_of

LEARNERS = ("prior", "rule", "linear", "neighbours", "boosting", "mlp", "tabm")
KINDS = {"age": "number", "city": "category", "member": "boolean", "spend": "number", "joined": "datetime"}
N = 700


@pytest.fixture
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    """Lower every stated size, so that few rows go the way of many."""
    monkeypatch.setattr(stored, "LARGEST", 500)
    monkeypatch.setattr(batch, "MOST_ROWS", 300)
    monkeypatch.setattr(boosting, "MOST_AT_ONCE", 300)
    monkeypatch.setattr(category, "MANY_ROWS", 100)
    monkeypatch.setattr(datetime, "ROWS", 100)
    monkeypatch.setattr(_design, "BLOCK", 100)
    for module in (shelf, _lightgbm):
        monkeypatch.setattr(module, "STEP", 64)


def frame_of(bump: float = 0.0) -> pl.DataFrame:
    """Return typed rows; those whose number divides by seven are moved by `bump`."""
    columns = [*(Column(name, kind) for name, kind in KINDS.items()), Column("bought", "category", "target")]
    typed = read_frame(people(N), columns, modality)[0].frame
    moved = pl.int_range(pl.len()) % 7 == 0
    return typed.with_columns(
        pl.when(moved).then(pl.col(c) + bump).otherwise(pl.col(c)).alias(c) for c in ("age", "spend")
    )


def rows_of(frame: pl.DataFrame, chosen: np.ndarray, values: bool = False) -> Rows:
    target = Column("bought", "category", "target")
    outputs = (output_of(values),)
    features = [Column(name, kind) for name, kind in KINDS.items() if not values or name != "spend"]
    columns = (*features, Column("spend", "number", "target") if values else target)
    picked = frame.select([c.name for c in columns])
    return Rows.of(Table(picked, columns).take(chosen), outputs, modality)


def output_of(values: bool) -> Output:
    if values:
        return Output("spend", find("tasks", "regression")(), ())
    return Output("bought", find("tasks", "binary")(), ("no", "yes"))


def both(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, values: bool = False, bump: float = 0.0) -> tuple[Rows, Rows]:
    """Return the same rows in memory and on disk; the rows that are moved by `bump` are not among them."""
    chosen = np.flatnonzero(np.arange(N) % 7)
    frame = frame_of(bump)
    parts = Parts(tmp_path, N * 6)
    for part in frame.iter_slices(150):
        parts.add(part)
    disk = rows_of(parts.whole(), chosen, values)
    with monkeypatch.context() as large:
        large.setattr(stored, "LARGEST", 10**9)
        memory = rows_of(frame_of(), chosen, values)
    assert isinstance(disk.cells, Kept)
    assert not isinstance(memory.cells, Kept)
    return memory, disk


def fitted(name: str, rows: Rows, recipe: dict[str, Any], values: bool = False) -> Any:
    learner = find("learners", name)()
    effort = Effort(3, 1, n_steps=None if name in LEARNERS[:4] else 8)
    return fit(Candidate.of(name, learner, recipe), rows, None, (output_of(values),), modality, effort)[0]


@pytest.mark.parametrize("values", [False, True])
@pytest.mark.parametrize("name", LEARNERS)
def test_a_learner_learns_the_same_from_disk(
    name: str, values: bool, small: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    memory, disk = both(tmp_path, monkeypatch, values, bump=1e6)  # rows that are not asked for move nothing
    one, other = fitted(name, memory, {}, values), fitted(name, disk, {}, values)
    assert one.transform.to_dict() == other.transform.to_dict()
    few = memory.take(np.arange(100))
    assert np.array_equal(one.predict(few.cells, 100)[0], other.predict(few.cells, 100)[0])
    assert one.n_fit == other.n_fit == len(memory)
    streamed = other.predict(disk.cells, len(disk))[0]  # rows on disk are answered slice by slice
    assert np.allclose(streamed, one.predict(memory.cells, len(memory))[0], rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("way", [way for way in WAYS if way != "none"])
def test_classes_are_balanced_the_same(way: str, small: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    memory, disk = both(tmp_path, monkeypatch)
    few = memory.take(np.arange(50))
    for name in ("linear", "boosting"):
        one, other = (fitted(name, rows, {"balance": way}) for rows in (memory, disk))
        assert np.array_equal(one.predict(few.cells, 50)[0], other.predict(few.cells, 50)[0])


@pytest.mark.parametrize("scaling", ["none", "standard", "robust", "quantile"])
def test_what_is_encoded_of_rows_on_disk_lies_on_disk(
    scaling: str, small: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    memory, disk = both(tmp_path, monkeypatch)
    transform = Transform.fit(Recipe(scaling=scaling), disk, modality)
    assert transform.to_dict() == Transform.fit(Recipe(scaling=scaling), memory, modality).to_dict()
    found, whole = transform.encode(disk.cells, len(disk)), transform.encode(memory.cells, len(memory))
    for name in ("numbers", "codes"):
        assert is_shelved(found.arrays[name])
        assert np.array_equal(found.arrays[name], whole.arrays[name], equal_nan=True)
    many = np.arange(400)[::-1]
    assert is_shelved(found.take(many).numbers)
    assert not is_shelved(found.take(many[:10]).numbers)
    assert np.array_equal(found.take(many).codes, whole.codes[many])


def test_rows_of_rows_on_disk(small: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    memory, disk = both(tmp_path, monkeypatch)
    for rows in (np.arange(0, 600, 2), np.array([5, 2, 2])):
        part = disk.take(rows)
        assert isinstance(part.cells, Kept) == (len(rows) > 3)
        for name in KINDS:
            wanted = memory.take(rows).cells[name]
            same = part.cells[name] == wanted
            assert (same | ((wanted != wanted) & (part.cells[name] != part.cells[name]))).all()


def test_a_continued_booster_begins_at_the_scores_of_blocks(small: None) -> None:
    rng = np.random.default_rng(0)
    numbers, codes = rng.normal(size=(500, 3)).astype(np.float32), rng.integers(0, 5, (500, 1)).astype(np.int32)
    y = (numbers[:, 0] + (codes[:, 0] > 2) > 0.5).astype(float)
    said = _lightgbm.parameters({"objective": "binary", "verbosity": -1, "num_threads": 1, "min_data_in_leaf": 5})
    texts = []
    for x in (np.concatenate([numbers, codes.astype(np.float32)], axis=1), _lightgbm.Sides(numbers, codes)):
        first = _lightgbm.Training(_lightgbm.Dataset(x, y, None, said), None, said)
        first.grow()
        after = _lightgbm.Trees(first.text(0), 4)
        more = _lightgbm.Training(_lightgbm.Dataset(x, y, None, said, after=after), None, said, after)
        more.grow()
        texts.append(more.text(0))
    assert texts[0] == texts[1]


def test_a_penalty_is_chosen_on_some_rows_and_used_on_all(monkeypatch: pytest.MonkeyPatch) -> None:
    rng = np.random.default_rng(0)
    design = _design.Design(
        rng.normal(size=(400, 2)), np.zeros((400, 0), np.int32), (), rng.normal(size=(400, 1)), np.ones(400)
    )
    assert _design.some(design, 0) is design
    monkeypatch.setattr(_design, "CHOSEN_ON", 150)
    part = _design.some(design, 0)
    assert len(part.truth) == 150
    assert np.isin(part.numbers[:, 0], design.numbers[:, 0]).all()


def test_a_learner_that_takes_fewer_rows_says_of_how_many(
    small: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    memory, disk = both(tmp_path, monkeypatch)
    monkeypatch.setattr(find("learners", "neighbours"), "in_memory", 200)
    one, other = fitted("neighbours", memory, {}), fitted("neighbours", disk, {})
    few = memory.take(np.arange(50))
    assert np.array_equal(one.predict(few.cells, 50)[0], other.predict(few.cells, 50)[0])
    whole = fitted("prior", disk, {})
    assert sampled_of(Blend((other, whole), (0.5, 0.5)), len(disk)) == {"neighbours": 200}
    assert sampled_of(whole, len(disk)) == {}


def test_a_study_of_a_table_on_disk_has_the_same_facts(
    small: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Everything from frame to finalize, with a sample to work on: whatever a step finds, it finds of both."""
    people(N).write_csv(tmp_path / "people.csv")
    found, studies = [], {}
    for where, largest in (("disk", 500), ("memory", 10**9)):
        monkeypatch.setattr(stored, "LARGEST", largest)
        study = small_study(tmp_path / where, tmp_path / "people.csv", "bought", trials=0, networks=False)
        text = (study.folder / "study.yaml").read_text().replace("data:\n", "data:\n  sample: 250\n")
        (study.folder / "study.yaml").write_text(text + "slices: [city]\n")
        study = studies[where] = Study(study.folder)
        study.run()
        study.finalize()
        assert isinstance(cast(Any, study.material.framed.table.frame), stored.Stored) == (where == "disk")
        assert isinstance(study.material.rows_of(study.material.to_learn).cells, Kept) == (where == "disk")
        assert not isinstance(study.material.rows.cells, Kept)
        found.append(facts_of(study))
    assert found[0] == found[1]
    assert '"n_refit": 595' in found[0]
    fits = [
        sorted((study.folder / "model").rglob("*.safetensors")) or sorted((study.folder / "model").rglob("trees*"))
        for study in studies.values()
    ]
    assert fits[0]
    assert [p.read_bytes() for p in fits[0]] == [p.read_bytes() for p in fits[1]]
