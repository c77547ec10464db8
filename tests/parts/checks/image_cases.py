"""Tables of small images that checks are tested on."""

from __future__ import annotations

import io
from typing import Any

import numpy as np
import polars as pl
from PIL import Image

from fieldguide.core.files.media import uri_of
from fieldguide.core.table import Column, Table
from fieldguide.parts import modality


def picture(seed: int, size: tuple[int, int] = (12, 12), mode: str = "RGB", form: str = "PNG", **more: Any) -> str:
    """Return a picture of noise as a `data:` URI."""
    shades = np.random.default_rng(seed).integers(0, 255, (size[1], size[0], 3), np.uint8)
    file = io.BytesIO()
    Image.fromarray(shades).convert(mode).save(file, form, **more)
    return uri_of(file.getvalue(), f"image/{form.lower()}")


def blank(shade: int = 0) -> str:
    file = io.BytesIO()
    Image.new("L", (8, 8), shade).save(file, "PNG")
    return uri_of(file.getvalue(), "image/png")


def images(cells: list[str | None], **others: Any) -> Table:
    """Return a typed table of a column `photo`, and others as they are."""
    column = Column("photo", "image")
    typed, broken = modality("image").read(pl.Series("photo", cells, pl.String), column)
    assert not broken.any()
    more = tuple(Column(name, "number") for name in others)
    return Table(pl.DataFrame({"photo": typed, **others}), (column, *more))
