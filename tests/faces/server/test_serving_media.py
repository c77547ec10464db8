"""Images in requests: rows refer to them, their bytes are logged once, and replay answers them again."""

from __future__ import annotations

import base64
import io
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from serving_cases import Served, arms_of, serving

from fieldguide.core.bench import golden_rows
from fieldguide.core.candidate import Candidate, fit
from fieldguide.core.contracts import Effort
from fieldguide.core.model import Model
from fieldguide.core.online.log import Query, cells
from fieldguide.core.problem import Output
from fieldguide.core.reading import read_frame, samples_of
from fieldguide.core.rows import Rows
from fieldguide.core.table import Column
from fieldguide.parts import find, modality
from fieldguide.steps.online.replay import replay
from fieldguide.workflow import load_model

pytest.importorskip("PIL")
COLUMNS = (Column("photo", "image"), Column("size", "number"))
OUTPUT = Output("bright", find("tasks", "binary")(), ("no", "yes"))


def photo(level: int, seed: int = 0) -> str:
    from PIL import Image

    cells = np.clip(np.random.default_rng(seed).normal(level, 9, (24, 24, 3)), 0, 255).astype(np.uint8)
    buffer = io.BytesIO()
    Image.fromarray(cells).save(buffer, "PNG")
    return f"data:image/png;base64,{base64.b64encode(buffer.getvalue()).decode()}"


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    levels = [60 if i % 2 else 190 for i in range(60)]
    raw = pl.DataFrame(
        {"photo": [photo(level, i) for i, level in enumerate(levels)], "size": [float(i) for i in range(60)]}
    )
    table, _ = read_frame(raw, COLUMNS, modality)
    rows = replace(Rows.of(table, (), modality), truths=(np.array([level > 100 for level in levels]).astype(np.int64),))
    fitted, _ = fit(Candidate.of("linear", find("learners", "linear")()), rows, None, (OUTPUT,), modality, Effort())
    model = Model(COLUMNS, (OUTPUT,), fitted, find, (0.5,))
    golden = golden_rows(samples_of(table, COLUMNS, modalities=modality), COLUMNS, seed=1)
    answers = [p.tolist() for p in model.predict_rows(golden)[0]]
    out = tmp_path_factory.mktemp("photos") / "model"
    replace(model, golden={"rows": golden, "answers": answers, "tolerance": 1e-5}).save(out)
    return out


@pytest.fixture
def served(folder: Path, tmp_path: Path) -> Iterator[Served]:
    with serving(arms_of(folder), f"{tmp_path}/log.db") as served:
        yield served


def bytes_kept(store: object) -> int:
    (rows,) = store._select("SELECT COUNT(*), SUM(LENGTH(content)) FROM media")  # type: ignore[attr-defined]
    return int(rows[0][0])


def test_a_photo_is_logged_once_however_often_it_is_sent_and_replayed(served: Served, folder: Path) -> None:
    dark, light = photo(60, 900), photo(190, 901)
    for _ in range(3):
        body = served.predict(
            {"photo": dark, "size": 1}, {"photo": light, "size": 2}, {"photo": None, "size": 3}
        ).json()
        assert [row["prediction"] for row in body["predictions"]][:2] == ["no", "yes"]
    many = [{"photo": (dark, light)[i % 2], "size": i} for i in range(100)]  # a batch, logged as one blob
    assert served.predict(*many).status_code == 200
    assert bytes_kept(served.store) == 2
    (stored,) = served.store._select("SELECT cells FROM predictions ORDER BY seq LIMIT 1")  # type: ignore[attr-defined]
    assert "base64" not in stored[0][0] and "media:" in stored[0][0]
    seen = cells(served.store, "people-hash").cells["photo"].to_list()
    assert seen[:3] == [dark, light, None] and seen[9:11] == [dark, light]
    again = replay(served.store, load_model(folder), "people-hash", Query())["replayed"]
    assert (again["n"], again["n_beyond"]) == (109, 0)


def test_a_request_cannot_refer_to_what_somebody_else_sent(served: Served) -> None:
    served.predict({"photo": photo(60, 902), "size": 1})
    (rows,) = served.store._select("SELECT hash FROM media")  # type: ignore[attr-defined]
    answer = served.predict({"photo": f"media:{rows[0][0]}", "size": 1})
    assert answer.status_code == 422 and answer.json()["problems"][0]["column"] == "photo"
