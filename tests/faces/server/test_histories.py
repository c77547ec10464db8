"""Histories: a forecasting model is asked by rows of series with times, as `predict` is by a file; logged and replayed like any row."""

from __future__ import annotations

import io
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
from serving_cases import Served, arms_of, serving

from fieldguide.core.errors import DataError
from fieldguide.core.model import Model
from fieldguide.core.online.log import Outcome, Query, cells
from fieldguide.faces.server.arms import Dealt
from fieldguide.faces.server.handlers import Settings
from fieldguide.steps.online.log_export import exported
from fieldguide.steps.online.outcomes import joined
from fieldguide.steps.online.replay import replay
from fieldguide.steps.online.served_rows import served_rows
from fieldguide.workflow import Study, load_model

MONTHS = [str(month) + "-01" for month in np.arange("2004-01", "2012-01", dtype="datetime64[M]")]
LATER = [str(month) + "-01" for month in np.arange("2012-01", "2012-05", dtype="datetime64[M]")]
PARQUET = "application/vnd.apache.parquet"


def sales() -> pl.DataFrame:
    """Return monthly sales of two shops of very different size; promoted months are known beforehand."""
    rng, frames = np.random.default_rng(2), []
    for shop, level in {"a": 10.0, "b": 1000.0}.items():
        promoted = (rng.random(len(MONTHS)) < 0.2).astype(int)
        course = 1 + 0.3 * np.sin(np.arange(len(MONTHS)) * np.pi / 6) + 0.05 * rng.normal(size=len(MONTHS))
        frames.append(
            pl.DataFrame(
                {
                    "month": MONTHS,
                    "shop": [shop] * len(MONTHS),
                    "promoted": promoted,
                    "sold": level * course * (1 + promoted),
                }
            )
        )
    return pl.concat(frames)


def history() -> pl.DataFrame:
    """Return the last three years, and what is known beforehand of four months to come."""
    coming = pl.DataFrame({"month": LATER * 2, "shop": ["a"] * 4 + ["b"] * 4, "promoted": [0, 1, 0, 0] * 2})
    return pl.concat([sales().filter(pl.col("month") >= "2009"), coming], how="diagonal_relaxed")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    base = tmp_path_factory.mktemp("history")
    sales().write_csv(base / "table.csv")
    (base / "study.yaml").write_text(
        "problem: {task: forecast, target: sold, horizon: 4, window: 12}\n"
        "data: {table: table.csv, time: month, series: shop, known_future: [promoted]}\n"
        "learners: {use: [nlinear]}\nbudget: {trials: 0, minutes: }\nthreads: 1\n"
    )
    study = Study(base)
    study.baseline()
    study.package("nlinear", base / "model")
    return base / "model"


@pytest.fixture(scope="module")
def model(folder: Path) -> Model:
    return load_model(folder)


@pytest.fixture(scope="module")
def served(folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    with serving(arms_of(folder), f"{tmp_path_factory.mktemp('log')}/log.db") as served:
        yield served


def steps(body: dict[str, Any]) -> list[tuple[Any, ...]]:
    return [
        (one["series"], step["month"], step["prediction"], step["prediction_high"])
        for one in body["predictions"]
        for step in one["forecast"]
    ]


def truth(model: Model, rows: pl.DataFrame) -> list[tuple[Any, ...]]:
    found = model.predict(rows).select(
        "series", pl.col("month").dt.strftime("%Y-%m-%dT%H:%M:%S"), "prediction", "prediction_high"
    )
    return found.rows()


def test_a_history_is_answered_as_the_file_of_it_is(served: Served, model: Model) -> None:
    body = served.predict(*history().to_dicts()).json()
    assert steps(body) == truth(model, history())
    assert [step["step"] for step in body["predictions"][0]["forecast"]] == [1, 2, 3, 4]


def test_the_windows_the_model_saw_are_logged_and_replayed_bit_for_bit(served: Served, model: Model) -> None:
    body = served.predict(*history().to_dicts()).json()
    logged = cells(served.store, "people-hash")
    mine = logged.records.with_row_index().filter(pl.col("request") == body["request"])
    assert mine["unit"].to_list() == ["a", "b"], "without a unit each series is one"
    seen = logged.cells[mine["index"].to_list()]
    last = sales().filter(pl.col("shop") == "b")["sold"].to_list()[-12:]
    assert seen["history"].to_list()[1] == last
    assert len(seen["known"].to_list()[0]) == 16, "the window, and the steps to come"
    again = replay(served.store, model, "people-hash", Query())
    assert again["replayed"]["n"] == again["replayed"]["n_exact"] > 0
    served.store.append([Outcome(mine["time"][0], 11.5, id=mine["id"][0])])
    assert 11.5 in joined(served.store)["number"].to_list()
    (flat,) = exported(served.store, Query(start=mine["time"][0]), "people-hash", nested=False)
    assert flat["feature.history"].dtype == pl.String, "a file without lists holds a window as text"


def test_a_table_of_a_history_is_answered_as_predict_writes_it(served: Served, model: Model) -> None:
    buffer = io.BytesIO()
    history().write_parquet(buffer)
    asked = served.client.post("/predict", content=buffer.getvalue(), headers={"content-type": PARQUET})
    found = pl.read_parquet(io.BytesIO(asked.content))
    assert found.drop("id").equals(model.predict(history()))
    assert found["id"].n_unique() == 2
    told = served.client.post(
        "/predict", content=buffer.getvalue(), headers={"content-type": PARQUET, "accept": "application/json"}
    )
    assert steps(told.json()) == truth(model, history())
    again = replay(served.store, model, "people-hash", Query())
    assert again["replayed"]["n_beyond"] == 0


def test_a_forecast_is_not_trained_on_row_by_row(served: Served, model: Model) -> None:
    served.predict(*history().to_dicts())
    with pytest.raises(DataError, match="'sold' is a forecast, whose truth arrives step by step"):
        served_rows(served.store, model, "outcome")


def test_a_window_whose_time_cannot_be_read_is_refused(served: Served, model: Model) -> None:
    golden = {**model.golden["rows"][0], "series": "a", "month": "soon"}
    answer = served.predict(golden)
    assert answer.status_code == 422 and answer.json()["problems"][0]["column"] == "month"


def test_windows_are_answered_as_before(served: Served, model: Model) -> None:
    golden = model.golden["rows"][:2]
    body = served.predict(*golden).json()
    assert [list(row["prediction"].values()) for row in body["predictions"]] == model.predict_rows(golden)[0][
        0
    ].tolist()


@pytest.mark.parametrize(
    ("change", "rule", "row"),
    [
        (lambda rows: [{k: v for k, v in row.items() if k != "promoted"} for row in rows], "every column the contract names", None),
        (lambda rows: rows[:-1], "rows for the 4 coming steps have promoted", None),
        (lambda rows: [{**rows[0], "sold": {"a": 1}}, *rows[1:]], "a cell of a history is a number, a text or null", 0),
        (lambda rows: [*rows[:5], {**rows[5], "sold": "many"}, *rows[6:]], "number", 5),
    ],
)  # fmt: skip
def test_what_is_no_history_is_told(served: Served, change: Any, rule: str, row: int | None) -> None:
    answer = served.predict(*change(history().to_dicts()))
    assert answer.status_code == 422
    problem = answer.json()["problems"][0]
    assert rule in problem["rule"] and problem["row"] == row


def test_series_are_dealt_to_arms_and_one_unit_to_one(folder: Path, tmp_path: Path, model: Model) -> None:
    deal = {"a": Dealt("now", "trial", 0.5), "b": Dealt("next", "trial", 0.5)}
    settings = Settings(deal=lambda unit: deal.get(unit or "", Dealt("now")))
    with serving(arms_of(folder, "now", "next"), f"{tmp_path}/log.db", settings) as served:
        body = served.predict(*history().to_dicts()).json()
        assert body["arm"] is None and [one["arm"] for one in body["predictions"]] == ["now", "next"]
        told, right = steps(body), truth(model, history())
        assert [one[2] for one in told] == pytest.approx([one[2] for one in right], rel=1e-12), (
            "one series at a time, or two"
        )
        assert served.store.assignments()["unit"].to_list() == ["a", "b"]
        whole = served.predict(*history().to_dicts(), unit="b").json()
        assert whole["arm"] == "next"
        assert served.predict(*history().to_dicts(), arm="now").json()["arm"] == "now"
        wrong = served.predict(*history().to_dicts(), units=["u"] * history().height)
        assert wrong.status_code == 422 and "one unit" in wrong.json()["problems"][0]["rule"]


def test_the_document_tells_of_histories(served: Served) -> None:
    schemas = served.client.get("/openapi.json").json()["components"]["schemas"]
    assert set(schemas["HistoryRow"]["required"]) == {"month", "shop", "promoted", "sold"}
    assert "forecast" in schemas["Answer"]["properties"]["predictions"]["items"]["properties"]
    assert served.client.post("/predict", json=schemas["Request"]["example"]).status_code == 200
