"""Replay: logged values give the logged answers; what is served otherwise, from a planted cause, is caught by name."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest

from conftest import Command
from fieldguide.core.answering import Contract, answered, read_request
from fieldguide.core.candidate import Candidate, fit
from fieldguide.core.contracts import Effort
from fieldguide.core.model import Model
from fieldguide.core.online.log import LogStore, Prediction, Query, Refusal
from fieldguide.core.result import Result
from fieldguide.parts import find, modality
from fieldguide.parts.stores import open_log
from fieldguide.steps.online.replay import offline_rows, replay, typed_rows
from fieldguide.workflow import Study, load_model

START = datetime(2024, 5, 1)
PRIOR = 20
"""Shows that smoothing adds in training."""


def adverts(n: int, seed: int) -> pl.DataFrame:
    """Return what is known of adverts: clicks and shows so far, a price, a place; and the click rate, smoothed."""
    rng = np.random.default_rng(seed)
    shows = rng.geometric(0.05, n)
    clicks = rng.binomial(shows, 0.1)
    place = rng.choice(["top", "side"], n)
    rate = (clicks + 0.1 * PRIOR) / (shows + PRIOR)
    bought = rng.random(n) < 1 / (1 + np.exp(-(20 * (rate - 0.1) + (place == "top"))))
    return pl.DataFrame({
        "advert": [f"a{i}" for i in range(n)], "shows": shows, "clicks": clicks, "price": rng.gamma(2, 3, n).round(2),
        "place": place, "rate": rate, "bought": np.where(bought, "yes", "no"),
    })  # fmt: skip


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> tuple[Model, Path]:
    """A linear model of adverts, and the table it was trained on."""
    folder = tmp_path_factory.mktemp("adverts")
    adverts(600, 1).drop("shows", "clicks").write_csv(folder / "training.csv")
    (folder / "study").mkdir()
    study = Study.create(folder / "training.csv", target="bought", out=folder / "made")
    settings = study.folder / "study.yaml"
    text = settings.read_text().replace(
        "  table: ../training.csv", "  table: ../training.csv\n  derive: {gap: price - rate}"
    )
    settings.write_text(text)
    study = Study(study.folder)
    learned = study.material.rows_of(study.material.to_learn)
    fitted, _ = fit(
        Candidate.of("linear", find("learners", "linear")()), learned, None, study.problem.outputs, modality, Effort()
    )
    study._bench.packaged(fitted, [None], {}, None).save(folder / "model")
    return load_model(folder / "model"), folder


def serve(store: LogStore, model: Model, rows: pl.DataFrame, *, name: str = "m") -> None:
    """Log rows as the server does, a minute apart."""
    contract = Contract.of(model)
    from dataclasses import replace

    from fieldguide.faces.server.arms import Arm

    store.append([Arm("now", replace(contract, hash=name), name).served()])
    sent = rows.to_dicts()
    read, saw, problems = read_request(contract, sent)
    assert read is not None, problems
    answers = answered(model, read)
    outputs = answers.outputs().tolist()
    store.append([
        Prediction(
            f"r{i}-0", f"r{i}", sent[i].get("advert"), START + timedelta(minutes=i), "now", name, contract.version, saw[i],
            str(answers.decisions[i]), float(answers.scores[i]), outputs[i],
        )
        for i in range(len(sent))
    ])  # fmt: skip


@pytest.fixture
def store(tmp_path: Path) -> Iterator[LogStore]:
    opened = open_log(f"{tmp_path}/log.db")
    yield opened
    opened.close()


def found(result: Result) -> dict[str, Any]:
    return {finding.code: finding for finding in result.findings if finding.fired}


def test_what_was_logged_gives_what_was_answered(world: tuple[Model, Path], store: LogStore) -> None:
    model, folder = world
    serve(store, model, adverts(500, 2))
    result = replay(store, model, "m", Query(), training=typed_rows(model, folder / "training.csv"))
    assert not found(result), found(result)
    assert result["replayed"]["n"] == 500 and result["replayed"]["n_beyond"] == 0
    assert result["replayed"]["largest"] < 1e-12
    assert {f.code for f in result.findings if f.status == "passed"} >= {"FG901", "FG903", "FG905", "FG906", "FG907"}
    assert next(f for f in result.findings if f.code == "FG902").status == "skipped"  # no offline table was given


def test_a_rate_smoothed_in_training_and_not_in_serving_is_caught_by_name(
    world: tuple[Model, Path], store: LogStore
) -> None:
    model, folder = world
    served = adverts(500, 3)
    serve(store, model, served.with_columns(rate=pl.col("clicks") / pl.col("shows")))
    served.drop("bought").write_csv(folder / "offline.csv")
    result = replay(
        store, model, "m", Query(), training=typed_rows(model, folder / "training.csv"),
        offline=offline_rows(model, folder / "offline.csv", "advert"),
    )  # fmt: skip
    assert "FG901" not in found(result), "the model answers the same values alike: the difference is in the values"
    finding = found(result)["FG902"]
    assert finding.columns[0] == "rate" and set(finding.columns) == {"rate", "gap"}, (
        "the rate, and what is derived of it"
    )
    entry = result["matched"]["columns"]["rate"]
    truth = served.with_columns(raw=pl.col("clicks") / pl.col("shows"))
    assert entry["n"] == (truth["raw"] - truth["rate"]).abs().gt(1e-9).sum()
    assert entry["largest"] == pytest.approx((truth["raw"] - truth["rate"]).abs().max())
    assert set(result["matched"]["columns"]) == {"rate", "gap"} and result["matched"]["n"] == 500
    assert "rate" in found(result)["FG903"].columns, "it is seen without the units, too"


def test_offline_rows_are_met_as_of_the_prediction(world: tuple[Model, Path], store: LogStore, tmp_path: Path) -> None:
    model, _ = world
    rows = adverts(20, 5)
    serve(store, model, rows)
    later = rows.with_columns(price=pl.col("price") + 100, known=pl.lit("2024-06-01"))
    pl.concat([rows.with_columns(known=pl.lit("2024-04-01")), later]).write_csv(tmp_path / "versions.csv")
    result = replay(
        store, model, "m", Query(), offline=offline_rows(model, tmp_path / "versions.csv", "advert", "known")
    )
    assert result["matched"]["n"] == 20 and not result["matched"]["columns"]
    twice = replay(store, model, "m", Query(), offline=offline_rows(model, tmp_path / "versions.csv", "advert"))
    assert twice["matched"]["n"] == 0, "without a time, a unit that stands twice meets nobody"


def test_another_model_or_code_path_is_caught(world: tuple[Model, Path], store: LogStore) -> None:
    model, _ = world
    serve(store, model, adverts(100, 4))
    contract = Contract.of(model)
    rows = adverts(3, 6).to_dicts()
    _, saw, _ = read_request(contract, rows)
    other = [
        Prediction(f"x{i}-0", f"x{i}", None, START, "now", "m", contract.version, saw[i], "yes", 0.9, [0.1, 0.9]) for i in range(3)
    ]  # fmt: skip
    store.append(other)
    finding = found(replay(store, model, "m", Query()))["FG901"]
    assert (
        finding.evidence["n_beyond"] == 3
        and finding.evidence["n"] == 103
        and finding.evidence["example"].startswith("x")
    )
    gap = [column.name for column in model.columns].index("gap")
    cells = list(saw[0])
    cells[gap] += 1.0
    store.append([Prediction("y-0", "y", None, START, "now", "m", contract.version, cells, "yes", 0.9, [0.1, 0.9])])
    assert found(replay(store, model, "m", Query()))["FG901"].columns == ("gap",)


def test_drift_new_levels_lost_columns_and_refusals_are_found(world: tuple[Model, Path], store: LogStore) -> None:
    model, folder = world
    rows = adverts(1_000, 7).with_row_index()
    late = pl.col("index") >= 500
    serve(store, model, rows.with_columns(
        price=pl.when(late).then(pl.col("price") * 3).otherwise("price"), place=pl.when(late).then(pl.lit("inside")).otherwise("place"),
        rate=pl.when(pl.col("index") >= 800).then(None).otherwise("rate"),
    ))  # fmt: skip
    store.append([Refusal(f"z{i}", START, "now", "m", 0, "price", "a number, or null", "'free'") for i in range(80)])
    result = replay(store, model, "m", Query(), training=typed_rows(model, folder / "training.csv"))
    fired = found(result)
    assert set(fired) == {"FG904", "FG905", "FG906", "FG907"}
    assert "price" in fired["FG904"].columns and fired["FG905"].columns[0] in ("rate", "gap")
    assert fired["FG906"].columns == ("place",) and "'inside'" in fired["FG906"].sentence
    windows = result["traffic"]["windows"]
    assert sum(window["n"] for window in windows) == 1_000 and len(windows) == 5
    price = next(column for column in result["traffic"]["columns"] if column["column"] == "price")
    assert price["index_by_window"][0] < 0.1 < price["index_by_window"][-1]


def test_the_command_line_replays_and_ends_in_one_where_it_differs(
    world: tuple[Model, Path], store: LogStore, tmp_path: Path, command: Command
) -> None:
    import json

    from fieldguide.core.answering import folder_hash

    model, folder = world
    served = adverts(300, 8)
    serve(store, model, served, name=folder_hash(folder / "model"))
    arguments = [
        "replay",
        folder / "model",
        "--log",
        f"sqlite:///{tmp_path}/log.db",
        "--training",
        folder / "training.csv",
    ]
    good = command(*arguments, "--json")
    assert good.status == 0 and json.loads(good.out)["facts"]["replayed"]["n"] == 300
    served.drop("bought").with_columns(rate=pl.col("rate") * 2).write_csv(tmp_path / "other.csv")
    bad = command(*arguments, "--offline", tmp_path / "other.csv", "--unit", "advert")
    assert bad.status == 1 and "FG902" in bad.out and "'rate'" in bad.out
    assert command(*arguments, "--offline", tmp_path / "other.csv").status == 2
    assert (
        "has no column 'adverd' (did you mean 'advert'?)"
        in command(*arguments, "--offline", tmp_path / "other.csv", "--unit", "adverd").err
    )


def test_a_time_without_traffic_is_said_and_is_no_finding(
    world: tuple[Model, Path], store: LogStore, tmp_path: Path
) -> None:
    model, folder = world
    serve(store, model, adverts(50, 9))
    adverts(5, 9).write_csv(tmp_path / "offline.csv")
    result = replay(
        store, model, "m", Query(start=START + timedelta(days=9)), training=typed_rows(model, folder / "training.csv"),
        offline=offline_rows(model, tmp_path / "offline.csv", "advert"),
    )  # fmt: skip
    assert result["sentence"] == "no answered row in this time"
    assert not found(result)
    assert {f.code: f.status for f in result.findings}["FG903"] == "not_applicable"
