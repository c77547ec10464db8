"""Encoded columns dealt anew are what encoding dealt cells gives."""

from __future__ import annotations

import numpy as np
import polars as pl
import pytest

from fieldguide.core.rows import Rows
from fieldguide.core.sources import shuffled, sources_of
from fieldguide.core.table import Column, Table
from fieldguide.core.transform import Recipe, Transform
from fieldguide.parts import modality
from fieldguide.testing.modality import loaded_arrays

COLUMNS = (Column("age", "number"), Column("city", "category"), Column("said", "text"), Column("more", "text"))


@pytest.mark.parametrize("media", ["flat", "sparse", "blocks"])
@pytest.mark.parametrize("place", range(4))
def test_dealing_a_column_is_encoding_it_dealt(media, place):
    rng = np.random.default_rng(0)
    words = ["free", "call", "now", "late", "fine"]
    frame = pl.DataFrame({
        "age": [*rng.normal(size=11), None], "city": rng.choice(["a", "b"], 12),
        "said": [" ".join(rng.choice(words, 6)) for _ in range(12)], "more": [" ".join(rng.choice(words, 4)) for _ in range(12)],
    })  # fmt: skip
    rows = Rows.of(Table(frame, COLUMNS), (), modality)
    fitted = Transform.fit(Recipe(media=media, min_count=1), rows, modality)
    order = rng.permutation(12)
    dealt = shuffled(fitted.encode(rows.cells, 12), sources_of(fitted, list(rows.cells)), place, order)
    name = list(rows.cells)[place]
    wanted = fitted.encode({**rows.cells, name: rows.cells[name][order]}, 12)
    found, expected = (loaded_arrays(fitted.layout, batch.arrays) for batch in (dealt, wanted))
    for key in expected:
        np.testing.assert_allclose(found[key], expected[key], atol=1e-6)
