"""The head and the tail of every batch: a wrong one is an error that names the cell, for every modality."""

from __future__ import annotations

import dataclasses

import numpy as np
import polars as pl
import pytest

from fieldguide import parts
from fieldguide.core.batch import Block, Layout, Spec
from fieldguide.core.ends import look_at_rows
from fieldguide.core.errors import DataError
from fieldguide.core.rows import Rows
from fieldguide.core.table import Column, Table
from fieldguide.core.transform import Recipe, Transform

PHOTO = Spec("photo", "image", (3, 4, 4))
SAID = Spec("said", "text", (5,), "int32", 9)
CELLS = np.array(["/data/cats/1.png", "/data/cats/2.png", "/data/dogs/3.png"], object)


def made(array, spec=PHOTO, cells=CELLS):
    return Block(cells, lambda cells: array, spec=spec)


def altered(row, value, shape=(3, 3, 4, 4), dtype=np.float32):
    array = np.zeros(shape, dtype)
    array[row] = value
    return array


@pytest.mark.parametrize(
    ("block", "words"),
    [
        (made(np.zeros((3, 1, 4, 4), np.float32)), r"'photo' is not encoded .*\(rows, 3, 4, 4\) float32.*'cats/1\.png', became \(3, 1, 4, 4\)"),
        (made(np.zeros((3, 3, 4, 4))), r"became \(3, 3, 4, 4\) float64"),
        (made(np.zeros((2, 3, 4, 4), np.float32)), r"3 cells.*became \(2, 3, 4, 4\)"),
        (made(altered(0, np.nan)), r"finite values.*'cats/1\.png' became an array with 48 values that are no numbers"),
        (made(altered(2, np.inf)), r"'dogs/3\.png' became"),
        (made(altered(2, 9, (3, 4), np.int32), SAID), r"codes from 0 to 8.*'dogs/3\.png' became a code of 9"),
        (made(altered(0, -1, (3, 4), np.int32), SAID), r"'cats/1\.png' became a code of -1"),
        (made(np.zeros((3, 6), np.int32), SAID), r"\(rows, 5\) int32.*became \(3, 6\)"),
    ],
)  # fmt: skip
def test_a_wrong_block_names_its_cell(block, words):
    with pytest.raises(DataError, match=words):
        block.load()


def test_a_right_block_is_left_alone_and_a_part_of_it_is_looked_at_as_well():
    whole = np.zeros((3, 3, 4, 4), np.float32)
    assert made(whole).load() is whole
    bad = Block(
        CELLS, lambda cells: np.full((len(cells), 3, 4, 4), np.nan, np.float32), lambda array, rng: array, PHOTO
    )
    with pytest.raises(DataError, match=r"'cats/2\.png' became"):
        bad[np.array([1])].load(np.random.default_rng(0))
    assert made(np.zeros((3, 2), np.int32), SAID).load().shape == (3, 2)  # as long as the longest of the batch
    assert made(np.zeros((0, 3, 4, 4), np.float32), cells=CELLS[:0]).load().shape[0] == 0


@pytest.mark.parametrize(
    ("numbers", "codes", "missing", "words"),
    [
        ([[1.0, 0.0], [np.inf, 0.0]], [[0], [1]], False, r"'age' is not encoded .*row 1, 7\.0 became inf"),
        ([[np.nan, 0.0], [1.0, 0.0]], [[0], [1]], False, r"row 0, 5\.0 became nan"),
        ([[1.0, 0.0], [1.0, np.inf]], [[0], [1]], True, r"'age missing' is not encoded .*row 1, 7\.0 became inf"),
        ([[1.0, 0.0], [1.0, 0.0]], [[0], [3]], False, r"'city'.*codes from 0 to 2.*row 1, 'Oslo' became the code 3"),
        ([[1.0], [1.0]], [[0], [1]], False, r"1 numbers and 1 codes a row"),
    ],
)  # fmt: skip
def test_a_wrong_row_names_its_column_and_cell(numbers, codes, missing, words):
    layout = Layout(numbers=("age", "age missing"), codes=(("city", 3),))
    cells = {"age": np.array([5.0, 7.0]), "city": np.array(["Lima", "Oslo"], object)}
    with pytest.raises(DataError, match=words):
        look_at_rows(layout, np.array(numbers, np.float32), np.array(codes, np.int32), cells, missing)


def test_missing_values_may_be_kept():
    layout, numbers, codes = Layout(numbers=("age",)), np.array([[np.nan]], np.float32), np.zeros((1, 0), np.int32)
    with pytest.raises(DataError, match="became nan"):
        look_at_rows(layout, numbers, codes, {"age": np.array([5.0])}, False)
    assert look_at_rows(layout, numbers, codes, {"age": np.array([5.0])}, True) is None


VALUES = {
    "number": [1.5, 2.0, 7.0, 3.0], "category": ["a", "b", "a", "b"], "boolean": [True, False, True, True], "text": ["call me", "me now", "call now", "me"],
    "series": ["[1.0, 2.0]", "[2.0, 3.0]", "[1.0]", "[4.0, 4.0]"],
}  # fmt: skip
DTYPES = {"number": pl.Float64, "boolean": pl.Boolean}


@pytest.mark.parametrize("kind", [*VALUES, "datetime", "image", "audio"])
def test_every_modality_is_looked_at(kind, tmp_path, monkeypatch):
    """A modality whose encoder gives one wrong row is caught in training and in the first batch of whoever uses it."""
    frame = pl.DataFrame({"x": _values(kind, tmp_path)})
    column = Column("x", kind, read={"root": str(tmp_path)} if kind in ("image", "audio") else {})
    rows = Rows.of(Table(frame, (column,)), (), parts.modality)
    fitted = Transform.fit(Recipe(media="blocks", min_count=1, pixels=8), rows, parts.modality)
    assert len(fitted.encode(rows.cells, 4)) == 4
    ((name, names, encoder),) = fitted.parts

    class Wrong:
        def __getattr__(self, what):
            return getattr(encoder, what)

        def encode(self, cells):
            arrays = encoder.encode(cells)
            for key, array in arrays.items():
                if isinstance(array, Block):
                    arrays[key] = dataclasses.replace(
                        array, decode=lambda cells, decode=array.decode: _spoiled(decode(cells))
                    )
                else:
                    arrays[key] = _spoiled(array)
            return arrays

    batch = None
    with pytest.raises(DataError, match=r"'x[^']*' is not encoded as its layout says"):
        batch = Transform(fitted.recipe, ((name, names, Wrong()),)).encode(rows.cells, 4)
        for block in batch.blocks:
            block.load()
    assert (batch is not None) == (kind in ("text", "image", "audio", "series"))  # media when they are decoded


def _values(kind, folder):
    if kind == "datetime":
        return pl.datetime_range(pl.datetime(2024, 1, 1), pl.datetime(2024, 1, 4), "1d", eager=True)
    if kind == "image":
        image = pytest.importorskip("PIL.Image")
        for i in range(4):
            image.new("L", (8, 8), 60 * i).save(folder / f"{i}.png")
        return [str(folder / f"{i}.png") for i in range(4)]
    if kind == "audio":
        soundfile = pytest.importorskip("soundfile")
        for i in range(4):
            soundfile.write(folder / f"{i}.wav", np.sin(np.arange(800) * (0.1 + i)), 8_000)
        return [str(folder / f"{i}.wav") for i in range(4)]
    return pl.Series(VALUES[kind], dtype=DTYPES.get(kind, pl.String))


def _spoiled(array):
    array = array.copy()
    array[-1] = 10**6 if array.dtype == np.int32 else np.inf
    return array
