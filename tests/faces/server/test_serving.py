"""The server in this process: what it answers, what it logs, whom it lets in, what it tells of itself."""

from __future__ import annotations

import io
import itertools
import os
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import polars as pl
import pytest
from serving_cases import Served, arms_of, model_folder, rows, serving

from conftest import people
from fieldguide.core.answering import Contract, read_request
from fieldguide.core.errors import ConfigError, DataError, StudyError
from fieldguide.core.model import Model
from fieldguide.core.online.assignment import Allocation
from fieldguide.core.online.log import Query, cells, predictions
from fieldguide.core.problem import Output
from fieldguide.core.table import Column
from fieldguide.faces.server.answers import ARROW, PARQUET
from fieldguide.faces.server.arms import Arm, Dealt, allocated, opened
from fieldguide.faces.server.dealing import Dealing
from fieldguide.faces.server.handlers import Settings
from fieldguide.parts import find
from fieldguide.parts.stores import open_log
from fieldguide.steps.online.replay import typed_rows
from fieldguide.workflow import load_model

PROBLEM = {"row", "column", "rule", "value", "send"}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return model_folder(tmp_path_factory.getbasetemp())


@pytest.fixture(scope="module")
def served(folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    with serving(arms_of(folder), f"{tmp_path_factory.mktemp('log')}/log.db") as served:
        yield served


def refused(response: Any, status: int) -> dict[str, Any]:
    """The one shape of everything that is wrong; returns its first problem."""
    assert response.status_code == status, response.text
    body = response.json()
    assert set(body) == {"error", "what", "request", "n", "problems"} and body["n"] >= len(body["problems"]) >= 1
    assert all(set(problem) == PROBLEM and problem["rule"] for problem in body["problems"])
    return body["problems"][0]


# --- answers and their log ----------------------------------------------------------------------------------------------


def test_rows_are_answered_as_the_model_answers_them_and_are_in_the_log(served: Served, folder: Path) -> None:
    asked = rows(5)
    asked[1]["age"] = None
    body = served.predict(*asked, unit="u1").json()
    truth = load_model(folder).predict(asked)
    assert [row["prediction"] for row in body["predictions"]] == truth["prediction"].to_list()
    shares = [row["probabilities"]["yes"] for row in body["predictions"]]
    assert np.allclose(shares, truth["probability_yes"], atol=1e-6)
    assert body["arm"] == "people" and body["model"] == "people-hash"
    logged = cells(served.store, "people-hash")
    mine = logged.records.with_row_index().filter(pl.col("request") == body["request"])
    assert mine["id"].to_list() == [row["id"] for row in body["predictions"]]
    assert mine["score"].to_list() == shares, "what is logged is what was sent, bit for bit"
    assert mine["unit"].to_list() == ["u1"] * 5 and mine["contract"].n_unique() == 1
    saw = logged.cells[mine["index"].to_list()].to_dicts()
    assert [row["spend"] for row in saw] == [row["spend"] for row in asked]
    assert [row["member"] for row in saw] == [row["member"] == "yes" for row in asked]
    assert str(saw[0]["joined"].date()) == asked[0]["joined"] and saw[1]["age"] is None


@pytest.mark.parametrize("kind", [ARROW, PARQUET, "application/vnd.apache.arrow.stream"])
def test_a_batch_is_answered_as_single_rows_are_and_is_one_blob(served: Served, kind: str) -> None:
    frame = pl.DataFrame(rows(40)).with_columns(pl.format("u{}", pl.int_range(pl.len())).alias("who"))
    buffer = io.BytesIO()
    {PARQUET: frame.write_parquet, ARROW: frame.write_ipc}.get(kind, frame.write_ipc_stream)(buffer)
    before = served.store.counts()["predictions"]
    response = served.client.post("/predict?unit=who", content=buffer.getvalue(), headers={"content-type": kind})
    assert response.status_code == 200
    read = pl.read_parquet if kind == PARQUET else pl.read_ipc
    answers = read(io.BytesIO(response.content))
    single = [row["probabilities"]["yes"] for row in served.predict(*rows(40)).json()["predictions"]]
    assert np.allclose(answers["probability_yes"], single, atol=1e-6)
    assert served.store.counts()["predictions"] == before + 80
    logged = predictions(served.store).filter(pl.col("request") == response.headers["x-request-id"])
    assert logged["id"].to_list() == answers["id"].to_list() and logged["unit"].to_list() == frame["who"].to_list()
    assert logged["score"].to_list() == answers["probability_yes"].to_list()
    as_json = {"content-type": kind, "accept": "application/json"}
    listed = served.client.post("/predict", content=buffer.getvalue(), headers=as_json).json()["predictions"]
    assert [row["probabilities"]["yes"] for row in listed] == answers["probability_yes"].to_list()


def test_many_json_rows_are_a_batch_too(served: Served) -> None:
    body = served.predict(*rows(100), unit=17).json()
    assert len(body["predictions"]) == 100
    logged = predictions(served.store).filter(pl.col("request") == body["request"])
    assert logged["id"].to_list() == [row["id"] for row in body["predictions"]] and logged[
        "unit"
    ].unique().to_list() == ["17"]


def test_no_answer_leaves_without_its_log(served: Served, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(entries: Any) -> None:
        raise StudyError("the disk is full", rule="every answer is logged before it is sent", found="no space left")

    monkeypatch.setattr(served.store, "append", full)
    problem = refused(served.predict(*rows(1)), 503)
    assert "logged before" in problem["rule"] and "no space" not in str(problem), "the inside is not the caller's"
    assert "logged before" in refused(served.predict(*rows(100)), 503)["rule"]
    assert refused(served.client.get("/ready"), 503)["rule"] == "the log can be written"
    monkeypatch.undo()
    assert served.predict(*rows(1)).status_code == 200 and served.client.get("/ready").json()["ready"]


def test_who_is_not_ready_learns_by_himself_that_the_log_can_be_written_again(
    served: Served, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    def full(entries: Any) -> None:
        raise StudyError("the disk is full", found="no space left on /secret/place")

    monkeypatch.setattr(served.store, "append", full)
    for _ in range(2):
        refused(served.predict(*rows(1)), 503)
    assert "secret" not in str(refused(served.client.get("/ready"), 503))
    monkeypatch.undo()
    for _ in range(6_000):  # a proxy asks only /ready until it says yes; a minute is long enough for any machine
        if served.client.get("/ready").status_code == 200:
            break
        time.sleep(0.01)
    assert served.client.get("/ready").json()["ready"]
    assert capfd.readouterr().err.count("/secret/place") == 1, "whoever runs the server is told why, once"


def test_an_assignment_that_was_not_written_is_written_with_the_next_answer(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(entries: Any) -> None:
        raise StudyError("the disk is full")

    arms = arms_of(folder, "now", "next")
    deal = allocated(lambda unit: "next", {"now": 0.5, "next": 0.5}, "exp", arms)
    with serving(arms, f"{tmp_path}/log.db", Settings(deal=deal)) as served:
        for n, unit in ((1, "few"), (70, "many")):
            monkeypatch.setattr(served.store, "append", full)
            refused(served.predict(*rows(n), unit=unit), 503)
            monkeypatch.undo()
            assert served.predict(*rows(n), unit=unit).status_code == 200
        assert set(served.store.assignments()["unit"]) == {"few", "many"}


def test_a_broken_row_of_a_batch_is_named_as_the_caller_counts(folder: Path, tmp_path: Path) -> None:
    arms = arms_of(folder, "now", "next")
    deal = allocated(lambda unit: "now" if int(str(unit)) % 2 else "next", {"now": 0.5, "next": 0.5}, "exp", arms)
    asked = rows(70)
    asked[41] = {**asked[41], "age": "old"}
    with serving(arms, f"{tmp_path}/log.db", Settings(deal=deal)) as served:
        problem = refused(served.predict(*asked, units=list(range(70))), 422)
        assert (problem["row"], problem["column"]) == (41, "age")
    with closing(open_log(f"{tmp_path}/log.db")) as store:
        assert store.refusals()["row"].to_list() == [41]


def test_a_plan_that_cannot_be_read_for_a_moment_deals_as_before(
    folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    def running(place: Path) -> Any:
        if (place / "plan").read_text() == "half":
            raise ConfigError("the plan cannot be read")

    (tmp_path / "plan").write_text("whole")
    seconds = itertools.count(step=10)
    dealing = Dealing(tmp_path, arms_of(folder, "now"), running, lambda: float(next(seconds)))
    (tmp_path / "plan").write_text("half")
    os.utime(tmp_path / "plan", (1, 1))  # two changes within one tick of the file system have the same time
    assert dealing("u").arm == "now" and "deals as before" in capsys.readouterr().err


# --- arms ---------------------------------------------------------------------------------------------------------------


def test_the_first_arm_answers_and_others_where_they_are_named(folder: Path, tmp_path: Path) -> None:
    with serving(arms_of(folder, "now", "next"), f"{tmp_path}/log.db") as served:
        assert served.predict(*rows(1)).json()["arm"] == "now"
        assert served.predict(*rows(1), arm="next").json()["model"] == "next-hash"
        assert "did you mean 'next'" in refused(served.predict(*rows(1), arm="nexd"), 404)["send"]
        assert [one.arm for one in served.store.served()] == ["now", "next"]


def test_units_are_dealt_to_arms_and_their_assignment_is_logged_once(folder: Path, tmp_path: Path) -> None:
    arms = arms_of(folder, "now", "next")
    shares = {"now": 0.5, "next": 0.5}
    deal = allocated(
        lambda unit: None if unit == "out" else ("now" if int(str(unit)) % 2 else "next"), shares, "exp", arms
    )
    with serving(arms, f"{tmp_path}/log.db", Settings(deal=deal)) as served:
        for _ in range(2):
            assert served.predict(*rows(1), unit="1").json()["arm"] == "now"
            mixed = served.predict(*rows(4), units=["1", "2", "3", "out"]).json()
        assert [row["arm"] for row in mixed["predictions"]] == ["now", "next", "now", "now"] and mixed["arm"] is None
        many = pl.DataFrame(rows(70)).with_columns(pl.int_range(pl.len()).alias("who"))
        buffer = io.BytesIO()
        many.write_ipc(buffer)
        headers = {"content-type": ARROW, "accept": "application/json"}
        batch = served.client.post("/predict?unit=who", content=buffer.getvalue(), headers=headers).json()
        logged = predictions(served.store)
        by_id = dict(zip(logged["id"], zip(logged["unit"], logged["arm"], logged["score"])))
        for number, row in enumerate(batch["predictions"]):
            unit, arm, score = by_id[row["id"]]
            assert (
                unit == str(number)
                and arm == ("now" if number % 2 else "next")
                and score == row["probabilities"]["yes"]
            )
        outside = logged.filter(pl.col("unit") == "out")
        assert set(outside["experiment"]) == {""} and outside["propensity"].null_count() == 2
        assert set(logged.filter(pl.col("unit") == "2")["propensity"]) == {0.5}
        dealt = served.store.assignments(Query(experiment="exp"))
        assert (
            dict(zip(dealt["unit"], dealt["arm"]))["3"] == "now"
            and len(dealt) == 70
            and "out" not in set(dealt["unit"])
        )


def test_an_experiment_deals_only_to_arms_that_are_served(folder: Path) -> None:
    with pytest.raises(ConfigError, match="deals to the arm 'nexd', which is not served"):
        allocated(lambda unit: None, {"nexd": 0.5}, "exp", arms_of(folder, "now", "next"))


def test_a_foreign_system_answers_and_is_logged_with_the_models_values(folder: Path, tmp_path: Path) -> None:
    with serving(
        arms_of(folder, scorer=lambda sent: [row["age"] / 1000 for row in sent]), f"{tmp_path}/log.db"
    ) as served:
        asked = [{**row, "age": 40.0 + i} for i, row in enumerate(rows(70))]
        for n in (2, 70):
            body = served.predict(*asked[:n], arm="today").json()
            assert [row["probabilities"]["yes"] for row in body["predictions"]] == [(40 + i) / 1000 for i in range(n)]
        assert cells(served.store, "foreign:today").cells["age"].to_list()[:2] == [40.0, 41.0]
        refused(served.client.post("/explain", json={"rows": asked[:1], "arm": "today"}), 422)
        asked[0]["age"] = 3000.0
        assert "scores from 3 to 3" in refused(served.predict(asked[0], arm="today"), 503)["value"]


def test_arms_on_the_command_line(folder: Path) -> None:
    arms = opened([str(folder), f"next={folder}", "now=python:operator:length_hint"], lambda path: load_model(path))
    assert [arm.name for arm in arms] == ["served", "next", "now"]
    assert arms[0].model == arms[1].model and len(arms[0].model) == 16 and arms[2].model == "foreign:now"
    for wrong, message in (
        ([str(folder)] * 2, "same name"), (["now=http://localhost:1/"], "no model among"), ([str(folder), "x=python:nothing:f"], "cannot be found"),
    ):  # fmt: skip
        with pytest.raises(ConfigError, match=message):
            opened(wrong, lambda path: load_model(path))


# --- what it tells ------------------------------------------------------------------------------------------------------


def test_an_explanation_is_the_difference_to_typical_values(served: Served, folder: Path) -> None:
    row = {**rows(1)[0], "age": 79.0}
    body = served.client.post("/explain", json={"rows": [row]}).json()
    model = load_model(folder)
    golden = model.golden["rows"]
    varied = [{**row, "age": other["age"]} for other in golden]
    truth = [answer[0][0, 1] for answer in (model.predict_rows([one])[0] for one in [row, *varied])]
    assert body["effects"][0]["age"] == pytest.approx(truth[0] - np.mean(truth[1:]), abs=1e-6)
    assert set(body["effects"][0]) == set(row) and "not Shapley values" in body["method"]
    kinds = {member.candidate.kind for member in getattr(model.predictor, "members", (model.predictor,))}
    assert (body["shap"] is None) == (kinds not in ({"simple"}, {"boosting"}))
    if body["shap"] is not None:  # parts add up to the log-odds of the answer
        (told,) = body["shap"]["rows"]
        assert told["base"] + sum(told["parts"].values()) == pytest.approx(told["score"], abs=1e-6)
        assert 1 / (1 + np.exp(-told["score"])) == pytest.approx(truth[0], abs=1e-6)


def test_the_documents_example_is_answered(served: Served) -> None:
    document = served.client.get("/openapi.json").json()
    schemas = document["components"]["schemas"]
    assert set(schemas["Row"]["required"]) == set(rows(1)[0])
    assert served.client.post("/predict", json=schemas["Request"]["example"]).status_code == 200
    assert served.client.post("/outcomes", json=schemas["Outcomes"]["example"]).json()["written"] == 1


def test_outcomes_sent_again_are_written_once_and_changes_are_corrections(served: Served) -> None:
    sent = {
        "outcomes": [
            {"id": "w-0", "value": 1, "time": "2024-05-01"},
            {"unit": "again", "value": 1},
            {"unit": "again", "value": 1},
        ]
    }
    named = {"Idempotency-Key": "batch 17"}
    before = served.store.counts()["outcomes"]
    first = served.client.post("/outcomes", json=sent, headers=named).json()
    again = served.client.post("/outcomes", json=sent, headers=named).json()
    assert {k: first[k] for k in ("written", "repeated", "corrections")} == {
        "written": 3,
        "repeated": 0,
        "corrections": 0,
    }
    assert {k: again[k] for k in ("written", "repeated", "corrections")} == {
        "written": 0,
        "repeated": 3,
        "corrections": 0,
    }
    assert served.store.counts()["outcomes"] == before + 3
    sent["outcomes"][0]["value"] = 0
    assert served.client.post("/outcomes", json=sent, headers=named).json()["corrections"] == 1
    assert served.store.corrections().filter(pl.col("id") == "w-0").select("was_number", "number").rows() == [
        (1.0, 0.0)
    ]
    wrong = refused(served.client.post("/outcomes", json=sent, headers={"Idempotency-Key": "x" * 300}), 422)
    assert "Idempotency-Key is 1 to 200" in wrong["rule"]


def test_info_tells_contract_evidence_and_looks(served: Served) -> None:
    (arm,) = served.client.get("/info").json()["arms"]
    assert {column["name"] for column in arm["columns"]} == set(rows(1)[0])
    assert (
        arm["scores"][0]["rows"] == "test" and len(arm["looks"]) == 1 and arm["outputs"][0]["labels"] == ["no", "yes"]
    )


def test_what_happens_is_counted(served: Served) -> None:
    served.predict({**rows(1)[0], "age": "old"})
    text = served.client.get("/metrics").text
    assert 'fieldguide_contract_breaks_total{arm="people",column="age"}' in text
    assert 'fieldguide_requests_total{path="/predict",status="422"}' in text
    rows_ = next(line for line in text.splitlines() if line.startswith("fieldguide_rows_total"))
    assert float(rows_.split()[-1]) >= 1 and "fieldguide_log_seconds_bucket" in text


def test_a_broken_cell_is_in_the_log_of_refusals(served: Served) -> None:
    served.predict(rows(1)[0], {**rows(1)[0], "spend": "much"})
    served.predict(*rows(99), {**rows(1)[0], "spend": "too much"})
    served.predict(rows(1)[0])  # the log is written in order
    last = served.store.refusals()[-2:]
    assert last.select("row", "column", "value", "arm").rows() == [
        (1, "spend", "'much'", "people"),
        (99, "spend", "'too much'", "people"),
    ]


# --- who is let in, and how much ----------------------------------------------------------------------------------------


def test_a_key_a_rate_and_a_size_are_kept(folder: Path, tmp_path: Path) -> None:
    settings = Settings(max_bytes=2_000, rate=3, key="secret")
    with serving(arms_of(folder), f"{tmp_path}/log.db", settings) as served:
        for headers in (
            {},
            {"authorization": "Bearer wrong"},
            {"x-api-key": "secre"},
            {"authorization": "Basic secret"},
        ):
            response = served.client.post("/predict", json={"rows": rows(1)}, headers=headers)
            assert refused(response, 401)["send"] == "Authorization: Bearer KEY"
        assert served.client.get("/health").status_code == served.client.get("/ready").status_code == 200
        served.client.headers["x-api-key"] = "secret"
        assert "at most 2,000 bytes" in refused(served.predict(*rows(30)), 413)["rule"]
        chunked = served.client.post("/predict", content=iter([b" " * 1500] * 2))
        assert "at most 2,000 bytes" in refused(chunked, 413)["rule"]
        assert served.predict(*rows(1)).status_code == 200
        response = served.predict(*rows(1))
        assert "3 times a second" in refused(response, 429)["rule"] and response.headers["retry-after"] == "1"


def test_a_deal_is_plain(folder: Path, tmp_path: Path) -> None:
    with serving(arms_of(folder, "a", "b"), f"{tmp_path}/log.db", Settings(deal=lambda unit: Dealt("b"))) as served:
        assert served.predict(*rows(1)).json()["arm"] == "b"


# --- experiments and watching -----------------------------------------------------------------------------------------------


def test_a_phase_that_starts_while_serving_deals_at_once(folder: Path, tmp_path: Path) -> None:
    arms, now = arms_of(folder, "now", "next"), {"phase": None, "time": 0.0}
    (tmp_path / "experiment").mkdir()
    journal = tmp_path / "experiment" / "journal.jsonl"
    dealing = Dealing(tmp_path / "experiment", arms, lambda path: now["phase"], lambda: now["time"])
    with serving(arms, f"{tmp_path}/log.db", Settings(deal=dealing, explores=dealing.explores)) as served:
        body = served.predict(*rows(1), unit="u1").json()
        assert body["arm"] == "now" and "explore" not in body
        journal.write_text("started")
        now["phase"] = SimpleNamespace(experiment="exp", allocation=Allocation("salt", {"next": 1.0}), explore=0.5)
        assert served.predict(*rows(1), unit="u1").json()["arm"] == "now", "the folder is looked at every so often"
        now["time"] = 2.5
        answers = [served.predict(*rows(1), unit="u1").json() for _ in range(40)]
        assert {answer["arm"] for answer in answers} == {"next"} and {answer["explore"] for answer in answers} == {
            True,
            False,
        }
        assert served.store.assignments()["experiment"].to_list() == ["exp"]
        now["phase"], now["time"] = None, 5.0
        assert served.predict(*rows(1), unit="u1").json()["arm"] == "next", "nothing in the folder changed"
        journal.write_text("started, stopped")
        now["time"] = 7.5
        assert served.predict(*rows(1), unit="u1").json()["arm"] == "now"


def test_what_is_served_is_held_against_training_on_metrics(folder: Path, tmp_path: Path) -> None:
    arms = arms_of(folder)
    learned = {"people": typed_rows(arms[0].contract.model, people(2_000, seed=21).drop("bought"))}
    with serving(arms, f"{tmp_path}/log.db", Settings(training=learned, watch=60)) as served:
        asked = [{**row, "spend": row["spend"] * 4, "city": "Atlantis"} for row in rows(600, seed=22)]
        assert served.predict(*asked).status_code == 200
        watch = served.client.app.state.server.watch  # type: ignore[attr-defined]
        watch.look()
        lines = dict(line.rsplit(" ", 1) for line in served.client.get("/metrics").text.splitlines() if line[:1] != "#")
        assert float(lines['fieldguide_drift_index{arm="people",column="spend"}']) > 0.5
        assert float(lines['fieldguide_drift_index{arm="people",column="age"}']) < 0.1
        assert float(lines['fieldguide_unseen_share{arm="people",column="city"}']) == 1.0
        assert float(lines['fieldguide_findings{severity="warning"}']) == 2.0


class Fixed:
    """A predictor that knows its answers: what is sent of every kind of output is the question, not how it is found."""

    def __init__(self, outputs: tuple[Output, ...], *answers: list[float]) -> None:
        self.outputs, self.answers = outputs, answers

    def predict(self, cells: Any, n_rows: int) -> Any:
        return tuple(np.tile(np.array(answer, float), (n_rows, 1)) for answer in self.answers)


SPECIES = Output("species", find("tasks", "multiclass")(), ("cat", "dog", "fox"))
TAGS = Output("tags", find("tasks", "multilabel")(), ("big", "red"))
WEIGHT = Output("weight", find("tasks", "regression")())
PLACE = Output("place", find("tasks", "vector")(), ("x", "y"))
SHARES = {"cat": 0.2, "dog": 0.7, "fox": 0.1}


@pytest.mark.parametrize(
    ("outputs", "answers", "prediction", "probabilities", "score"),
    [
        ((SPECIES,), ([0.2, 0.7, 0.1],), "dog", SHARES, 0.7),
        ((TAGS,), ([0.9, 0.2],), ["big"], {"big": 0.9, "red": 0.2}, 0.9),
        ((WEIGHT,), ([2.5],), 2.5, None, 2.5),
        ((PLACE,), ([1.5, -2.0],), {"x": 1.5, "y": -2.0}, None, 1.5),
        ((WEIGHT,), ([float("nan")],), None, None, None),
        ((SPECIES, WEIGHT), ([0.2, 0.7, 0.1], [2.5]), {"species": "dog", "weight": 2.5}, {"species": SHARES}, 0.7),
    ],
)  # fmt: skip
def test_every_kind_of_output_is_sent_and_logged(
    tmp_path: Path, outputs: Any, answers: Any, prediction: Any, probabilities: Any, score: Any
) -> None:
    columns = (Column("age", "number"),)
    golden = {"rows": [{"age": 1.0}], "answers": [[answer] for answer in answers], "tolerance": float("inf")}
    model = Model(columns, outputs, Fixed(outputs, *answers), find, (None,) * len(outputs), golden=golden)
    contract = Contract.of(model)
    with serving((Arm("now", contract, "m"),), f"{tmp_path}/log.db") as served:
        for n in (1, 70):
            sent = served.predict(*[{"age": 3}] * n).json()["predictions"]
            assert (
                len(sent) == n
                and sent[-1]["prediction"] == prediction
                and sent[-1].get("probabilities") == probabilities
            )
        buffer = io.BytesIO()
        pl.DataFrame({"age": [1.0, 2.0]}).write_ipc(buffer)
        response = served.client.post("/predict", content=buffer.getvalue(), headers={"content-type": ARROW})
        assert pl.read_ipc(io.BytesIO(response.content)).height == 2
        logged = cells(served.store, "m")
        assert logged.records.height == 73 and logged.cells["age"].to_list() == [3.0] * 71 + [1.0, 2.0]
        flat = [value for answer in answers for value in answer]
        if score is not None:
            assert (
                logged.records["outputs"].to_list() == [flat] * 73 and logged.records["score"].to_list() == [score] * 73
            )


def test_what_waits_for_the_log_is_written_before_the_server_ends(folder: Path, tmp_path: Path) -> None:
    url = f"{tmp_path}/log.db"
    with serving(arms_of(folder), url) as served:
        quick = served.store.append

        def slow(entries: Any) -> None:
            time.sleep(0.3)
            quick(entries)

        served.store.append = slow  # type: ignore[method-assign]
        refused(served.predict({**rows(1)[0], "age": "old"}), 422)  # nobody waits for its entry
    with closing(open_log(url)) as store:
        assert store.refusals()["column"].to_list() == ["age"]


def test_an_address_is_asked_as_experiments_ask_it(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """One rule for foreign systems: scores, or predictions as this server gives them; whatever fails is the arm's failure."""
    answers = {"http://127.0.0.1:9/scores": b'{"scores": [0.25, 0.5]}', "http://127.0.0.1:9/short": b'{"scores": []}'}
    monkeypatch.setattr("urllib.request.urlopen", lambda request, timeout: io.BytesIO(answers[request.full_url]))
    arms = opened([str(folder), *(f"{name.rsplit('/')[-1]}={name}" for name in answers)], lambda path: load_model(path))
    read = read_request(arms[0].contract, rows(2))[0]
    assert arms[1].answer(read, rows(2)).scores.tolist() == [0.25, 0.5]
    with pytest.raises(DataError, match=r"the arm 'short' failed.*gave 0 answers"):
        arms[2].answer(read, rows(2))
