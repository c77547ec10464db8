"""Outcomes that are more than one value: label sets, vectors, several outputs, forecasts; told over HTTP and in files, judged by `gap`."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
from serving_cases import Served, serving

from conftest import Command
from fieldguide.core.answering import Contract
from fieldguide.core.candidate import Candidate, fit
from fieldguide.core.contracts import Effort
from fieldguide.core.errors import ConfigError, DataError
from fieldguide.core.model import Model
from fieldguide.core.online.log import Entry, Outcome, Prediction, Query
from fieldguide.faces.report.online import gap as section
from fieldguide.faces.server.arms import Arm
from fieldguide.parts import find, modality
from fieldguide.parts.stores import open_log
from fieldguide.steps.online.gap import gap_of_log
from fieldguide.steps.online.outcomes import take_file
from fieldguide.steps.online.refresh import refresh_of_log
from fieldguide.steps.online.replay import replay, typed_rows
from fieldguide.steps.online.row_errors import row_errors
from fieldguide.workflow import Study, load_model

N = 160


def rooms(n: int = N, seed: int = 0) -> pl.DataFrame:
    """Return rows with a label set and a vector that two numbers drive."""
    rng = np.random.default_rng(seed)
    x = rng.normal(size=(n, 2)).round(3)
    signal = x + rng.normal(0, 0.5, (n, 2))
    member = {"sad": signal[:, 0] > 0.5, "happy": signal[:, 0] < 0.1, "calm": signal[:, 1] > 0}
    return pl.DataFrame({
        "x0": x[:, 0], "x1": x[:, 1], "mood": ["; ".join(name for name in member if member[name][i]) for i in range(n)],
        "left": (10 * signal[:, 0] + rng.normal(0, 3, n)).round(2), "top": (5 * signal[:, 1] + rng.normal(0, 2, n)).round(2),
    })  # fmt: skip


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A model of a label set and a vector, with the scores it promises."""
    base = tmp_path_factory.mktemp("several")
    rooms(300).write_csv(base / "table.csv")
    (base / "study.yaml").write_text(
        "problem: {outputs: [{column: mood, task: multilabel, separator: '; ', blank: none}, "
        "{name: box, columns: [left, top], task: vector}]}\ndata: {table: table.csv}\nthreads: 1\n"
    )
    made = Study(base)
    rows, outputs = made.material.rows_of(made.material.to_learn), made.problem.outputs
    learner = find("learners", "boosting")(n_rounds=30)
    fitted, _ = fit(Candidate.of("boosting", learner), rows, None, outputs, modality, Effort())
    promises = [("mood", "f1_micro", 0.95), ("box", "rmse_mean", 0.5)]
    evidence = {
        "scores": [{"output": o, "metric": m, "value": v, "interval": [v - 0.05, v + 0.05], "n": 45, "rows": "test", "looks": 1} for o, m, v in promises]
    }  # fmt: skip
    made._bench.packaged(fitted, [None, None], evidence, made.material.key).save(base / "model")
    return base / "model"


@pytest.fixture
def served(folder: Path, tmp_path: Path) -> Iterator[Served]:
    contract = Contract.of(load_model(folder))
    with serving((Arm("rooms", contract, contract.hash),), f"{tmp_path}/log.db") as served:
        yield served


def asked(served: Served, table: pl.DataFrame) -> list[str]:
    """Ask for every row and return the ids of the answers."""
    rows = table.select("x0", "x1").to_dicts()
    return [
        one["id"]
        for start in range(0, len(rows), 50)
        for one in served.predict(*rows[start : start + 50]).json()["predictions"]
    ]


def tell(served: Served, *outcomes: dict[str, Any]) -> Any:
    return served.client.post("/outcomes", json={"outcomes": list(outcomes)})


def test_label_sets_and_vectors_are_judged_output_by_output(
    served: Served, folder: Path, tmp_path: Path, command: Command
) -> None:
    table = rooms(seed=1)
    ids = asked(served, table)
    ways = (
        lambda s: s.split("; ") if s else [],
        lambda s: s.replace("; ", "|"),
        lambda s: json.dumps(s.split("; ") if s else []),
    )
    moods = [{"id": i, "value": ways[k % 3](mood)} for k, (i, mood) in enumerate(zip(ids, table["mood"]))]
    boxes = [
        {"id": i, "name": "box", "value": {"top": top, "left": left} if k % 2 else [left, top]}
        for k, (i, left, top) in enumerate(zip(ids, table["left"], table["top"]))
    ]
    assert tell(served, *moods, *boxes).json()["written"] == 2 * N
    assert tell(served, moods[0], boxes[0]).json()["repeated"] == 2, "the same set, told again"
    log = f"sqlite:///{tmp_path}/log.db"
    facts = gap_of_log(folder, log, wait="0d").facts
    model = load_model(folder)
    answers, _ = model.predict_rows(table.to_dicts())
    truth = np.array([[name in mood.split("; ") for name in model.outputs[0].labels] for mood in table["mood"]])
    assert facts["output"] == "mood" and facts["metric"] == "f1_micro" and facts["n_mature"] == N
    assert facts["online"]["value"] == pytest.approx(
        find("metrics", "f1_micro")().score(truth.astype(int), (answers[0] >= 0.5).astype(int))
    )
    (box,) = facts["outputs"]
    right = find("metrics", "rmse_mean")().score(table.select("left", "top").to_numpy(), answers[1])
    assert box["output"] == "box" and box["online"]["value"] == pytest.approx(right)
    assert {part["name"]: part["value"] for part in box["parts"]}["skew"] == pytest.approx(0, abs=1e-9)
    parts = {part["name"]: part["value"] for part in facts["parts"]}
    assert parts["drift"] is None
    sets = pl.col("mood").str.split("; ").list
    rooms(200, seed=6).with_columns(sets.contains(one).alias(one) for one in ("sad", "happy", "calm")).drop(
        "mood"
    ).write_csv(tmp_path / "rows.csv")
    held = gap_of_log(folder, log, tmp_path / "rows.csv", wait="0d").facts
    for one in (held, *held["outputs"]):
        assert abs({part["name"]: part["value"] for part in one["parts"]}["drift"]) < 0.5, (
            "rows with their truth, a column an entry"
        )
    done = command("gap", folder, "--log", log, "--output", "box", "--wait", "0d", "--json")
    assert json.loads(done.out)["facts"]["metric"] == "rmse_mean" and not json.loads(done.out)["facts"]["outputs"]
    assert "micro F1 of mood" in command("gap", folder, "--log", log, "--wait", "0d").out
    with pytest.raises(ConfigError, match=r"no output 'moods' .did you mean 'mood'"):
        gap_of_log(folder, log, output="moods")


@pytest.mark.parametrize(
    ("outcome", "rule", "value"),
    [
        ({"id": "r", "value": ["calm", "happi"]}, "every label of 'mood' is one of 'calm', 'happy', 'sad'", "'happi' (did you mean 'happy'?)"),
        ({"id": "r", "value": "sad|glad", "name": "mood"}, "every label of 'mood'", "'glad'"),
        ({"id": "r", "value": [1, 2, 3], "name": "box"}, "a number for each of left, top", "[1, 2, 3]"),
        ({"id": "r", "value": 3, "name": "box"}, "a number for each of left, top", "3"),
        ({"series": "a", "time": "2024-05-01", "value": 1.0}, "'mood' is no forecast", "'a'"),
        ({"series": "a", "value": 1.0}, "names the time of the step", "no time"),
        ({"id": "r", "value": [[1]]}, "value is a number", "[[1]]"),
        ({"id": "r", "value": {}}, "value is a number", "{}"),
    ],
)  # fmt: skip
def test_what_no_answer_can_be_judged_by_is_refused_before_it_is_written(
    served: Served, tmp_path: Path, outcome: dict[str, Any], rule: str, value: str
) -> None:
    refused = tell(served, {"id": "r", "value": ["sad"]}, outcome)
    (problem,) = refused.json()["problems"]
    assert refused.status_code == 422 and problem["row"] == 1 and problem["send"]
    assert rule in problem["rule"] and value in problem["value"]
    assert served.store.counts()["outcomes"] == 0


def test_a_file_with_an_unknown_label_is_told_in_four_parts_and_other_measures_are_taken(
    served: Served, tmp_path: Path
) -> None:
    (tmp_path / "file.csv").write_text('id,value,name\nr,"sad, calm",mood\nr,glum,feeling\nr,"[1.5, 2]",box\n')
    assert take_file(served.store, tmp_path / "file.csv").written == 3, "a further measure may be any label"
    (tmp_path / "bad.csv").write_text("id,value,name\nr,sad|glum,mood\n")
    with pytest.raises(DataError) as told:
        take_file(served.store, tmp_path / "bad.csv")
    assert "every label of 'mood' is one of 'calm', 'happy', 'sad'" in told.value.what
    assert "the unknown label 'glum'" in told.value.found and told.value.rule and told.value.do


# --- forecasts -----------------------------------------------------------------------------------------------------------

MONTHS = [datetime(2004 + k // 12, k % 12 + 1, 1) for k in range(108)]
LEVELS = {"a": 10.0, "b": 1000.0}


def sales(last: int = 96) -> pl.DataFrame:
    """Return monthly sales of two shops of very different size, up to a month."""
    rng, frames = np.random.default_rng(2), []
    for shop, level in LEVELS.items():
        course = 1 + 0.3 * np.sin(np.arange(108) * np.pi / 6) + 0.05 * rng.normal(size=108)
        frames.append(pl.DataFrame({"month": MONTHS, "shop": [shop] * 108, "sold": (level * course).round(3)})[:last])
    return pl.concat(frames)


@pytest.fixture(scope="module")
def forecaster(tmp_path_factory: pytest.TempPathFactory) -> Path:
    base = tmp_path_factory.mktemp("forecaster")
    sales().write_csv(base / "table.csv", datetime_format="%Y-%m-%d")
    (base / "study.yaml").write_text(
        "problem: {task: forecast, target: sold, horizon: 4, window: 12}\n"
        "data: {table: table.csv, time: month, series: shop}\n"
        "learners: {use: [seasonal_naive]}\nbudget: {trials: 0, minutes: }\nthreads: 1\n"
    )
    study = Study(base)
    study.baseline()
    study.package("seasonal_naive", base / "model")
    return base / "model"


@pytest.fixture
def shops(forecaster: Path, tmp_path: Path) -> Iterator[Served]:
    contract = Contract.of(load_model(forecaster))
    with serving((Arm("shops", contract, contract.hash),), f"{tmp_path}/log.db") as served:
        yield served


def forecast(served: Served, last: int, **more: Any) -> dict[str, dict[str, Any]]:
    """Ask what comes after a month; return the answers by series."""
    rows = sales(last).with_columns(pl.col("month").dt.strftime("%Y-%m-%d")).to_dicts()
    return {one["series"]: one for one in served.predict(*rows, **more).json()["predictions"]}


def value(shop: str, month: int) -> float:
    return float(sales(108).filter(pl.col("shop") == shop)["sold"][month])


def scaled_error(model: Model, answer: dict[str, Any], shop: str, month: int, step: int) -> float:
    return abs(answer["forecast"][step]["prediction"] - value(shop, month)) / model.evidence["scales"]["of"][shop]


def test_a_forecast_is_judged_step_by_step_by_the_values_of_its_series(
    shops: Served, forecaster: Path, tmp_path: Path, command: Command
) -> None:
    """Two overlapping forecasts a shop; of the coming months three are known, told in three ways, one of them in a file."""
    log, model = f"sqlite:///{tmp_path}/log.db", load_model(forecaster)
    early, late = forecast(shops, 95), forecast(shops, 97)
    logged = next(shops.store.scan())
    assert (
        logged["series"].to_list() == ["a", "b"] * 2
        and logged["origin"].to_list() == [MONTHS[94]] * 2 + [MONTHS[96]] * 2
    )
    with pytest.raises(
        DataError, match=r"no value 'outcome' of any step that was forecast.*from 2011-12-01T00:00:00 to 2012-05-01"
    ):
        gap_of_log(forecaster, log)
    month = early["a"]["forecast"][0]["month"]
    assert tell(shops, {"series": "a", "time": month, "value": 99.0}).json()["written"] == 1
    again = tell(
        shops,
        {"series": "a", "time": month, "value": value("a", 95)},
        {"unit": "b", "time": month, "value": value("b", 95)},
    )
    assert again.json() == {"written": 2, "repeated": 0, "corrections": 1, "request": again.json()["request"]}, (
        "a figure is revised"
    )
    file = pl.DataFrame(
        {
            "series": ["a", "b"] * 2,
            "time": [MONTHS[96]] * 2 + [MONTHS[97]] * 2,
            "value": [value(s, m) for m in (96, 97) for s in "ab"],
        }
    )
    file.write_csv(tmp_path / "known.csv")
    assert "Wrote 4 outcomes" in command("outcomes", tmp_path / "known.csv", "--log", log).out
    facts = gap_of_log(forecaster, log, wait="0d").facts
    errors = {step: [] for step in range(4)}  # type: dict[int, list[float]]
    for answers, first in ((early, 95), (late, 97)):
        for shop in "ab":
            for step in range(4):
                if first + step <= 97:
                    errors[step].append(scaled_error(model, answers[shop], shop, first + step, step))
    assert facts["metric"] == "mase" and facts["of"] == "steps" and facts["n_known"] == 8
    assert facts["online"]["value"] == pytest.approx(np.mean([one for some in errors.values() for one in some]))
    assert [one["n"] for one in facts["steps"]] == [4, 2, 2, 0] and facts["steps"][3]["value"] is None
    assert facts["steps"][1]["value"] == pytest.approx(np.mean(errors[1])) and facts["scaled"].endswith(
        "as in the study"
    )
    assert {part["name"]: part["value"] for part in facts["parts"]}["skew"] == pytest.approx(0, abs=1e-9)
    assert facts["corrected"]["n"] == 1 and facts["unmatched"]["n"] == 0
    assert "+4" in command("gap", forecaster, "--log", log, "--wait", "0d").out
    page = str(section(None, facts))  # type: ignore[arg-type]
    assert "Step by step" in page and "steps with an outcome" in page, "and so does the report"


def test_a_forecast_is_judged_by_its_id_and_by_a_list_of_which_some_is_not_known_yet(
    shops: Served, forecaster: Path, tmp_path: Path
) -> None:
    log, model = f"sqlite:///{tmp_path}/log.db", load_model(forecaster)
    answer = forecast(shops, 96, unit="the chain")
    told = tell(shops, {"id": answer["a"]["id"], "value": [value("a", 96), None, value("a", 98)]})
    assert told.json()["written"] == 1
    step = answer["b"]["forecast"][1]
    tell(shops, {"id": answer["b"]["id"], "time": step["month"], "value": value("b", 97)})
    tell(
        shops,
        {"unit": "the chain", "time": step["month"], "value": 5.0},
        {"series": "a", "time": "2012-01-15", "value": 5.0},
    )
    facts = gap_of_log(forecaster, log, wait="0d").facts
    right = [
        scaled_error(model, answer["a"], "a", 96, 0),
        scaled_error(model, answer["a"], "a", 98, 2),
        scaled_error(model, answer["b"], "b", 97, 1),
    ]
    assert facts["n_known"] == 3 and facts["online"]["value"] == pytest.approx(np.mean(right))
    found = row_errors(shops.store, next(shops.store.scan()))
    assert found["judged"].to_list() == [2.0, 1.0], "the same steps as a measure of an experiment"
    assert facts["unmatched"]["n"] == 2 and facts["unmatched"]["example"]["time"] == "2012-01-15 00:00:00"
    assert "2 of 4 outcomes belong to no step of any forecast, such as series a time 2012-01-15" in facts["sentence"]
    twice = [{"series": "b", "time": "2012-01-01", "value": said, "key": str(said)} for said in (5.0, value("b", 96))]
    tell(shops, twice[0])
    tell(shops, twice[1])
    tell(shops, {"id": answer["a"]["id"], "value": [value("a", 96 + k) for k in range(4)]})
    facts = gap_of_log(forecaster, log, wait="0d").facts
    assert facts["n_known"] == 6, "the list, told again when more of it is known"
    right = [scaled_error(model, answer[shop], shop, 96, 0) for shop in "ab"]
    assert facts["steps"][0]["value"] == pytest.approx(np.mean(right)), (
        "of two values of a step the one heard of last counts"
    )


def test_steps_whose_values_had_no_time_to_come_are_not_judged(shops: Served, forecaster: Path, tmp_path: Path) -> None:
    """Seven values in ten are known within two days, the others after forty: of the last month only the quick ones are there."""
    forecast(shops, 96)
    one = next(iter(shops.store.scan_cells(shops.arms[0].model)))
    log, now = f"{tmp_path}/late.db", MONTHS[95] + timedelta(days=20)
    store, rng, arm = open_log(log), np.random.default_rng(0), shops.arms[0]
    entries: list[Entry] = [arm.served()]
    for k in range(60, 95):
        for n, shop in enumerate("ab"):
            when = MONTHS[k] + timedelta(hours=1)
            entries.append(Prediction(
                f"{k}-{n}", f"{k}", shop, when, "shops", arm.model, "c", one.cells.row(n), "", 0.0, one.records["outputs"][n].to_list(),
                series=shop, origin=MONTHS[k],
            ))  # fmt: skip
    for k in range(61, 96):
        for shop in "ab":
            heard = MONTHS[k] + timedelta(days=2 if rng.random() < 0.7 else 40)
            entries += [Outcome(MONTHS[k], value(shop, k), series=shop, recorded=heard)] if heard <= now else []
    store.append(entries)
    store.close()
    facts = gap_of_log(forecaster, log, now=now).facts
    told = [MONTHS[k + step] for k in range(60, 95) for step in range(1, 5)]
    assert facts["until"] == (now - timedelta(days=40)).isoformat()
    assert facts["n"] == 2 * sum(month <= now for month in told), "months to come are not missed"
    assert facts["n_mature"] == 2 * sum(month <= MONTHS[94] for month in told), "but not December"


@pytest.mark.parametrize(
    ("outcome", "rule"),
    [
        ({"series": "a", "time": "2012-01-01", "value": "many"}, "a number, or a list of them"),
        ({"series": "a", "time": "2012-01-01", "value": [1.0]}, "names the prediction it belongs to"),
        ({"id": "r", "value": [1.0] * 5}, "has 4 steps"), ({"id": "r", "value": 1.0}, "names the time of its step"),
    ],
)  # fmt: skip
def test_what_is_no_value_of_a_forecast_is_refused(shops: Served, outcome: dict[str, Any], rule: str) -> None:
    refused = tell(shops, outcome)
    assert refused.status_code == 422 and rule in refused.json()["problems"][0]["rule"]


def test_what_a_forecast_is_not_judged_by_is_told(shops: Served, forecaster: Path, tmp_path: Path) -> None:
    forecast(shops, 96)
    tell(shops, {"series": "a", "time": "2012-01-01", "value": 1.0})
    with pytest.raises(ConfigError, match="offline rows are not taken for a forecast"):
        gap_of_log(forecaster, f"{tmp_path}/log.db", tmp_path / "rows.csv")


def test_a_model_of_several_outputs_is_retrained_in_all_of_them(
    served: Served, folder: Path, tmp_path: Path, command: Command
) -> None:
    table, log = rooms(300, seed=3), f"sqlite:///{tmp_path}/log.db"
    ids = asked(served, table)
    tell(served, *({"id": i, "value": mood} for i, mood in zip(ids, table["mood"])))
    with pytest.raises(DataError, match="the log holds no outcome 'box'"):
        refresh_of_log(folder, log, tmp_path / "new", wait="0d")
    tell(
        served,
        *({"id": i, "value": [left, top], "name": "box"} for i, left, top in zip(ids, table["left"], table["top"])),
    )
    command("join", tmp_path / "newer", "--from-log", log, "--as-of", "2100-01-01")
    newer = pl.read_parquet(tmp_path / "newer" / "from_log.parquet")
    assert newer.columns[-2:] == ["mood", "box"] and newer["box"].null_count() == 0 and newer["mood"][0].startswith("[")
    rooms(200, seed=4).write_csv(tmp_path / "earlier.csv")
    done = command(
        "refresh",
        folder,
        "--log",
        log,
        "--rows",
        tmp_path / "earlier.csv",
        "--wait",
        "0d",
        "-o",
        tmp_path / "new",
        "--json",
    )
    facts = json.loads(done.out)["facts"]
    assert (
        facts["metric"] == "f1_micro"
        and facts["n_served"] == 300
        and facts["n_earlier"] == 200
        and facts["outputs"] == ["mood", "box"]
    )
    new = load_model(tmp_path / "new")
    assert [output.name for output in new.outputs] == ["mood", "box"]
    answers, _ = new.predict_rows(table.head(5).to_dicts())
    assert [answer.shape for answer in answers] == [(5, 3), (5, 2)]


# --- without a target ----------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module", params=["clustering", "reduction"])
def targetless(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A model that groups rows into two clusters, or puts them on a map."""
    base = tmp_path_factory.mktemp(request.param)
    centres = np.repeat([0.0, 8.0], 60)
    rng = np.random.default_rng(0)
    pl.DataFrame({"x0": centres + rng.normal(size=120), "x1": centres + rng.normal(size=120)}).write_csv(
        base / "table.csv"
    )
    said = "clustering, clusters: 2" if request.param == "clustering" else "reduction, components: 1"
    (base / "study.yaml").write_text(
        f"problem: {{task: {said}}}\ndata: {{table: table.csv}}\nbudget: {{trials: 0, minutes: }}\nthreads: 1\n"
    )
    study = Study(base)
    study.baseline()
    study.package("principal_clusters" if request.param == "clustering" else "pca", base / "model")
    return base / "model"


def test_a_model_without_a_target_is_served_explained_logged_and_replayed(
    targetless: Path, tmp_path: Path, command: Command
) -> None:
    model, log = load_model(targetless), f"sqlite:///{tmp_path}/log.db"
    contract, output = Contract.of(model), model.outputs[0]
    with serving((Arm("space", contract, contract.hash),), f"{tmp_path}/log.db") as served:
        body = served.predict({"x0": 0.1, "x1": 0.2}, {"x0": 8.1, "x1": 7.9}, unit="u").json()["predictions"]
        rows = pl.DataFrame({"x0": [0.1, 8.1], "x1": [0.2, 7.9]})
        right = model.predict(rows)
        if output.task.name == "clustering":
            assert [one["prediction"] for one in body] == right["prediction"].to_list() and body[0][
                "prediction"
            ] != body[1]["prediction"]
            assert body[1]["memberships"] == dict(zip("12", right.row(1)[2:])) and "probabilities" not in body[0]
        else:
            assert [one["prediction"] for one in body] == [list(row[1:]) for row in right.rows()]
        told = served.client.post("/explain", json={"rows": [{"x0": 0.1, "x1": 0.2}]}).json()
        assert ("own cluster" if output.task.name == "clustering" else "first coordinate") in told["method"]
        row, golden = {"x0": 0.1, "x1": 0.2}, [one["x0"] for one in model.golden["rows"]]
        shares = model.predict_rows([row, *({**row, "x0": x0} for x0 in golden)])[0][0]
        own = shares[:, shares[0].argmax() if output.task.name == "clustering" else 0]
        assert told["effects"][0]["x0"] == pytest.approx(own[0] - own[1:].mean()), "of the same cluster throughout"
        (said,) = served.client.get("/info").json()["arms"][0]["outputs"]
        assert said["labels"] == [] and said["axes"] == ["x0", "x1"]
        refused = tell(served, {"unit": "u", "value": 1})
        assert refused.status_code == 422 and "has none" in refused.json()["problems"][0]["rule"]
        assert tell(served, {"unit": "u", "value": 1, "name": "bought"}).json()["written"] == 1, (
            "as a measure of an experiment"
        )
        again = replay(
            served.store, model, contract.hash, Query(), training=typed_rows(model, targetless.parent / "table.csv")
        )
        assert (
            again["replayed"]["n"] == again["replayed"]["n_exact"] == 2
            and again["traffic"]["columns"][0]["column"] == "x0"
        )
    for verb in (gap_of_log, refresh_of_log):
        with pytest.raises(DataError, match="has no target, and no outcome can judge it"):
            verb(targetless, log)
    command("join", tmp_path / "newer", "--from-log", log)
    assert pl.read_parquet(tmp_path / "newer" / "from_log.parquet").drop("prediction_time").rows() == [
        ("u", 0.1, 0.2),
        ("u", 8.1, 7.9),
    ]
