"""Tables of texts that checks are tested on, and sounds as files."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import polars as pl

from fieldguide.core.table import Column, Table
from fieldguide.parts import modality

ENGLISH = (
    "I will be there when the train comes", "this is what we have to do about it", "she has not been told and they know it",
    "we were not sure that it would be there", "can you do this for me if it is not too late",
)  # fmt: skip
GERMAN = (
    "das ist nicht so einfach wie es klingt",
    "ich habe es nicht gesehen und er auch nicht",
    "wir sind noch nicht da",
)


def texts(cells: list[str | None], name: str = "note") -> Table:
    """Return a typed table of one column of texts."""
    typed, broken = modality("text").read(pl.Series(name, cells, pl.String), Column(name, "text"))
    assert not broken.any()
    return Table(pl.DataFrame({name: typed}), (Column(name, "text"),))


def english(n: int = 200) -> list[str | None]:
    """Return different English texts."""
    return [f"{ENGLISH[i % len(ENGLISH)]} {'again ' * (i % 7)}number {i}" for i in range(n)]


def sounds(folder: Path, waves: list[np.ndarray], rates: list[int] | None = None) -> Table:
    """Return a typed table of a column `said`, each wave written as a file."""
    import soundfile

    folder.mkdir(parents=True, exist_ok=True)
    for i, wave in enumerate(waves):
        soundfile.write(folder / f"{i}.wav", wave, 8_000 if rates is None else rates[i])
    column = Column("said", "audio", read={"root": str(folder)})
    typed, broken = modality("audio").read(pl.Series("said", [f"{i}.wav" for i in range(len(waves))]), column)
    assert not broken.any()
    return Table(pl.DataFrame({"said": typed}), (column,))


def tone(seed: int, n: int = 2_000, loud: float = 0.3) -> np.ndarray:
    return (loud * np.sin(np.arange(n) * (0.1 + 0.01 * seed))).astype(np.float32)
