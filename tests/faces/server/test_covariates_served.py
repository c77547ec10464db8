"""A network that reads what stands beside its series, from the command line to the server: judged, packaged, loaded, asked by a history."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
from serving_cases import arms_of, serving

from fieldguide.core.online.log import Query
from fieldguide.parts.learners import _network
from fieldguide.steps.online.replay import replay
from fieldguide.workflow import load_model

DAYS = np.arange("2021-01-01", "2022-01-01", dtype="datetime64[D]")
LATER = [str(DAYS[-1] + step) for step in range(1, 5)]
PROMOTED = [0, 1, 0, 1]
SHOPS = {"a": (10.0, "city"), "b": (1000.0, "country")}


def sales() -> pl.DataFrame:
    """Return daily sales of two shops: a promotion is worth 80 % in the city and 30 % in the country, a visit a sale two days later."""
    rng, frames = np.random.default_rng(1), []
    for shop, (level, place) in SHOPS.items():
        promoted, visits = (rng.random(len(DAYS)) < 0.3).astype(int), rng.normal(100, 15, len(DAYS))
        course = 1 + (0.8 if place == "city" else 0.3) * promoted + 0.04 * rng.normal(size=len(DAYS))
        course[2:] += 0.01 * (visits[:-2] - 100)
        frames.append(
            pl.DataFrame({
                "day": [str(day) for day in DAYS], "shop": shop, "place": place, "promoted": promoted, "visits": visits.round(1),
                "sold": (level * course).round(3),
            })
        )  # fmt: skip
    return pl.concat(frames)


def history(**coming: Any) -> pl.DataFrame:
    """Return the sales, and what is known beforehand of four days to come."""
    later = [
        pl.DataFrame({"day": LATER, "shop": shop, "place": place, "promoted": PROMOTED}).with_columns(**coming)
        for shop, (_, place) in SHOPS.items()
    ]
    return pl.concat([sales(), *later], how="diagonal_relaxed")


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A study of one network; graphs are left out, since they take longer to write than all the rest."""
    monkeypatch.setattr(_network, "_installed", lambda package: False)
    sales().write_csv(tmp_path / "sales.csv")
    folder = tmp_path / "study"
    folder.mkdir()
    (folder / "study.yaml").write_text(
        "problem: {task: forecast, target: sold, horizon: 4, window: 28, metric: mase}\n"
        "data: {table: ../sales.csv, time: day, series: shop, known_future: [promoted], observed: [visits], static: [place]}\n"
        "learners: {use: [naive, nlinear, dlinear]}\nsplit: {validation: 0.2}\nbudget: {trials: 0, minutes: }\nthreads: 1\n"
    )
    return folder


def test_a_network_reads_what_stands_beside_a_series_wherever_it_is_asked(
    folder: Path, command: Any, tmp_path: Path
) -> None:
    said = command("run", folder, "--json")
    assert said.status == 0
    board = {entry["candidate"]: entry["score"]["value"] for entry in json.loads(said.out)["leaderboard"]}
    assert board["dlinear"] < 0.7 * board["nlinear"], "which reads the past of the series alone"
    assert command("package", folder, "dlinear", "-o", tmp_path / "model").status == 0

    model = load_model(tmp_path / "model")  # which replays the golden rows, one by one and together
    estimator = model.predictor.estimator  # type: ignore[attr-defined]
    assert estimator.reading.to_dict() == {"window": 28, "static": True, "known": 1, "observed": True}
    history().write_csv(tmp_path / "history.csv")
    asked = command("predict", tmp_path / "model", tmp_path / "history.csv", "-o", tmp_path / "ahead.csv")
    assert asked.status == 0 and "!" not in asked.out + asked.err
    answers = pl.read_csv(tmp_path / "ahead.csv")
    again = model.predict(history())
    np.testing.assert_array_equal(answers["prediction"], again["prediction"])
    city, country = again["prediction"].to_numpy().reshape(2, 4) / np.array([[10.0], [1000.0]])
    assert np.allclose(city, [1, 1.8, 1, 1.8], atol=0.35) and np.allclose(country, [1, 1.3, 1, 1.3], atol=0.35)
    assert (city[[1, 3]] - city[[0, 2]] > country[[1, 3]] - country[[0, 2]] + 0.15).all()
    seen = history(visits=pl.lit(9999.0))
    np.testing.assert_array_equal(
        model.predict(seen)["prediction"], again["prediction"], "no coming value is read of a column that is seen later"
    )

    with serving(arms_of(tmp_path / "model"), f"{tmp_path}/log.db") as served:
        body = served.predict(*history().to_dicts()).json()
        told = [step["prediction"] for one in body["predictions"] for step in one["forecast"]]
        np.testing.assert_array_equal(told, again["prediction"])
        replayed = replay(served.store, model, "people-hash", Query())["replayed"]
        assert replayed["n"] == replayed["n_exact"] == 2
        gone = history(promoted=pl.when(pl.col("day") == LATER[2]).then(None).otherwise("promoted"))
        refused = served.predict(*gone.to_dicts())
        assert refused.status_code == 422 and "promoted" in refused.text and LATER[2] in refused.text

    blind = history().with_columns(visits=pl.when(pl.col("shop") == "b").then(None).otherwise("visits"))
    blind.write_csv(tmp_path / "blind.csv")
    words = command("predict", tmp_path / "model", tmp_path / "blind.csv", "-o", tmp_path / "blind_ahead.csv")
    assert words.status == 0
    assert (
        "column 'visits': 28 cells are not a number in any of the 28 steps that are looked at" in words.out + words.err
    )
    found = pl.read_csv(tmp_path / "blind_ahead.csv")["prediction"].to_numpy().reshape(2, 4)
    np.testing.assert_allclose(found[0], again["prediction"][:4])
    assert np.allclose(found[1] / 1000.0, [1, 1.3, 1, 1.3], atol=0.5), "it stands at its mean"
    new = model.predict(history().with_columns(shop=pl.lit("new") + pl.col("shop"), place=pl.lit("sea")))
    assert np.isfinite(new["prediction"].to_numpy()).all(), "a series and a level that were never seen are answered"
