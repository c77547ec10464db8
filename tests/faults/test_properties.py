"""What holds for any rows: nothing is learned from rows that were not given, encoders survive their own description, the seal follows
content, and the log keeps what it acknowledged."""

from __future__ import annotations

import json
import shutil
import tempfile
from datetime import datetime
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fieldguide import parts
from fieldguide.core.batch import Batch
from fieldguide.core.online.log import Outcome, Query, utc
from fieldguide.core.reading import read_frame
from fieldguide.core.rows import Rows
from fieldguide.core.table import Column, Table, row_keys
from fieldguide.core.transform import Recipe, Transform
from fieldguide.parts import modality
from fieldguide.parts.stores import open_log
from fieldguide.steps.split.split import Request, divide

IMAGES = tuple(
    f"data:image/x-portable-graymap;base64,{text}"
    for text in ("UDUgNCA0IDI1NQoAAAAAAAAAAAAAAAAAAAAA", "UDUgNCA0IDI1NQr///////////////8AAAAA", "UDUgNCA0IDI1NQoAAP//AAD//wAA//8AAP//")
)  # fmt: skip
WORDS = st.lists(
    st.sampled_from(["a", "quick", "brown", "fox", "jumps", "over", "one", "lazy", "dog", "é", "3"]), max_size=6
).map(" ".join)
CELLS: dict[str, Any] = {
    "number": st.one_of(st.none(), st.floats(-1e6, 1e6).map(str), st.sampled_from(["1e300", "-0.0", "x", "inf", " 3 "])),
    "category": st.one_of(st.none(), st.sampled_from(["red", "green", "blue", "Red", " red", "é"]), st.text(max_size=4)),
    "boolean": st.one_of(st.none(), st.sampled_from(["yes", "no", "true", "0", "maybe"])),
    "datetime": st.one_of(st.none(), st.dates(datetime(1900, 1, 1).date(), datetime(2100, 1, 1).date()).map(str), st.just("soon")),
    "text": st.one_of(st.none(), WORDS),
    "series": st.one_of(st.none(), st.lists(st.floats(-1e3, 1e3), min_size=1, max_size=9).map(json.dumps), st.just("[1, x]")),
    "image": st.one_of(st.none(), st.sampled_from(IMAGES), st.just("data:image/png;base64,aGk=")),
}  # fmt: skip
COLUMNS = tuple(Column(kind, kind) for kind in CELLS)
RECIPES = st.sampled_from([
    Recipe(), Recipe(scaling="robust", min_count=1), Recipe(scaling="quantile", max_levels=2), Recipe(missing="keep", dates="elapsed"),
    Recipe(media="sparse"), Recipe(media="blocks"),
])  # fmt: skip
N = 12


@st.composite
def tables(draw: Any) -> pl.DataFrame:
    cells = {kind: draw(st.lists(strategy, min_size=N, max_size=N)) for kind, strategy in CELLS.items()}
    return pl.DataFrame(cells, schema=dict.fromkeys(CELLS, pl.String))


def rows_of(raw: pl.DataFrame) -> Rows:
    return Rows.of(read_frame(raw, COLUMNS, modality)[0], (), modality)


def arrays(batch: Batch) -> dict[str, Any]:
    """Return what a batch holds, blocks and sparse arrays as plain ones."""
    found: dict[str, Any] = {}
    for name, array in batch.arrays.items():
        inner = getattr(array, "cells", array)
        found[name] = inner.toarray() if hasattr(inner, "toarray") else inner
    return found


def same(a: Batch, b: Batch) -> None:
    left, right = arrays(a), arrays(b)
    assert left.keys() == right.keys()
    for name in left:
        if isinstance(left[name], np.ndarray) and left[name].dtype != object:
            assert np.array_equal(left[name], right[name], equal_nan=left[name].dtype.kind == "f"), name
        else:
            assert [np.asarray(x).tolist() for x in left[name]] == [np.asarray(x).tolist() for x in right[name]], name


@settings(max_examples=8, deadline=None)
@given(tables(), tables(), st.lists(st.integers(0, N - 1), min_size=4, max_size=9, unique=True), RECIPES)
def test_rows_that_were_not_given_to_a_fit_move_nothing(
    raw: pl.DataFrame, poison: pl.DataFrame, fitted: list[int], recipe: Recipe
) -> None:
    inside = pl.Series([i in fitted for i in range(N)])
    poisoned = pl.DataFrame({name: raw[name].zip_with(inside, poison[name]) for name in raw.columns})
    clean, dirty = (rows_of(table).take(np.array(fitted)) for table in (raw, poisoned))
    one, other = (Transform.fit(recipe, rows, modality) for rows in (clean, dirty))
    assert json.dumps(one.to_dict(), sort_keys=True) == json.dumps(other.to_dict(), sort_keys=True)
    same(one.encode(clean.cells, len(clean)), other.encode(clean.cells, len(clean)))


@settings(max_examples=8, deadline=None)
@given(tables(), tables(), RECIPES)
def test_a_transform_survives_its_own_description(raw: pl.DataFrame, new: pl.DataFrame, recipe: Recipe) -> None:
    rows, other = rows_of(raw), rows_of(new)
    fitted = Transform.fit(recipe, rows, modality)
    again = Transform.from_dict(json.loads(json.dumps(fitted.to_dict())), modality)
    for asked in (rows, other):
        same(fitted.encode(asked.cells, len(asked)), again.encode(asked.cells, len(asked)))


SMALL = st.lists(
    st.tuples(st.sampled_from(["a", "b", "c", None]), st.integers(0, 6), st.floats(0, 1)), min_size=40, max_size=60,
    unique_by=lambda row: row[2],
)  # fmt: skip


@settings(max_examples=25, deadline=None)
@given(SMALL, st.randoms(use_true_random=False), st.integers(0, 8))
def test_the_seal_follows_content_whatever_the_order(cells: list[Any], random: Any, n_copies: int) -> None:
    def sealed(rows: list[Any]) -> set[Any]:
        frame = pl.DataFrame(rows, schema={"k": pl.String, "i": pl.Int64, "x": pl.Float64}, orient="row")
        columns = (Column("k", "category"), Column("i", "number"), Column("x", "number"))
        table = Table(frame.with_columns(y=pl.lit(1.0)), (*columns, Column("y", "number", "target")))
        splitters = {name: parts.find("splitters", name)() for name in ("random", "chronological")}
        split = divide(table, row_keys(frame), None, Request(folds=2), splitters).split
        assert not set(split.test) & set(split.development)
        test, rest = ({repr(rows[i]) for i in part} for part in (split.test, split.development))
        assert not test & rest, "a copy of a sealed row is learned from"
        return test

    first = sealed(cells)
    shuffled = list(cells)
    random.shuffle(shuffled)
    assert sealed(shuffled) == first
    copied = [*cells, *cells[:n_copies]]
    random.shuffle(copied)
    sealed(copied)


STEPS = st.lists(st.sampled_from(["append", "batch", "reopen", "crash", "forget nothing"]), min_size=1, max_size=25)


@settings(max_examples=20, deadline=None)
@given(STEPS)
def test_a_log_keeps_what_it_acknowledged_however_it_ends(steps: list[str]) -> None:
    """A crash is a copy of the files as they lie: what a process that is killed leaves."""
    with tempfile.TemporaryDirectory() as base:
        place, written = Path(base) / "0", 0
        place.mkdir()
        store = open_log(f"sqlite:///{place}/log.db")
        for number, step in enumerate(steps, start=1):
            if step in ("append", "batch"):
                n = 1 if step == "append" else 3
                store.append([Outcome(utc(0.0), float(written + i), unit=f"u{written + i}") for i in range(n)])
                written += n
            elif step == "crash":
                after = Path(base) / str(number)
                shutil.copytree(place, after)
                store.close()
                place, store = after, open_log(f"sqlite:///{after}/log.db")
            elif step == "reopen":
                store.close()
                store = open_log(f"sqlite:///{place}/log.db")
            units = store.outcomes(Query())["unit"].to_list()
            assert units == [f"u{i}" for i in range(written)]
        store.close()


def test_a_number_that_is_poisoned_would_be_seen() -> None:
    """The poison test itself: rows that were given do move a fit."""
    raw = pl.DataFrame({name: ["1", "2", "3", "4"] for name in ("number",)})
    one, other = (
        Transform.fit(Recipe(), Rows.of(read_frame(table, COLUMNS[:1], modality)[0], (), modality), modality)
        for table in (raw, raw.with_columns(number=pl.lit("9")))
    )
    assert one.to_dict() != other.to_dict()
    with pytest.raises(AssertionError):
        same(*(fitted.encode({"number": np.array([1.0, 2.0])}, 2) for fitted in (one, other)))
