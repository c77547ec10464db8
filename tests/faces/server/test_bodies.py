"""How large a body may be, alone and together with others, in bytes and in rows."""

from __future__ import annotations

import io
from collections.abc import Iterator
from pathlib import Path

import polars as pl
import pytest
from serving_cases import Served, arms_of, model_folder, rows, serving

from fieldguide.faces.server.answers import ARROW, PARQUET


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    folder: Path = model_folder(tmp_path_factory.getbasetemp())
    with serving(arms_of(folder), f"{tmp_path_factory.mktemp('log')}/log.db") as served:
        yield served


@pytest.mark.parametrize("kind", ["parquet", "ipc", "ipc_stream"])
def test_a_small_body_of_very_many_rows_is_refused_before_it_is_unpacked(
    served: Served, kind: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("fieldguide.faces.server.bodies.MOST_TABLE_ROWS", 1_000)
    for n, status in ((1_000, 200), (1_001, 413)):
        buffer = io.BytesIO()
        getattr(pl.DataFrame(rows(1) * n), f"write_{kind}")(buffer)
        headers = {"content-type": PARQUET if kind == "parquet" else ARROW}
        response = served.client.post("/predict", content=buffer.getvalue(), headers=headers)
        assert response.status_code == status
    assert response.json()["problems"][0]["rule"] == "a batch has at most 1,000 rows"


def test_bodies_together_are_bounded_and_let_go(served: Served, monkeypatch: pytest.MonkeyPatch) -> None:
    server = served.client.app.state.server  # type: ignore[attr-defined]
    assert served.predict(*rows(1)).status_code == 200 and server.held == 0
    monkeypatch.setattr("fieldguide.faces.server.handlers.HELD", 0)
    response = served.predict(*rows(1))
    assert response.status_code == 503 and "all bodies together" in response.json()["problems"][0]["rule"]
    assert server.held == 0
