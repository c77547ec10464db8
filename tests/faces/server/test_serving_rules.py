"""Decisions by rules: a model that carries rules answers with the decision and the rule that made it; both are logged and made again."""

from __future__ import annotations

import io
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from serving_cases import Served, arms_of, model_folder, rows, serving

from fieldguide.core.language.rules import Rule, Rules, bind
from fieldguide.core.model import Model, attach_rules
from fieldguide.core.online.log import Query, cells, predictions
from fieldguide.core.table import Column
from fieldguide.steps.online.replay import replay
from fieldguide.workflow import load_model

PARQUET = "application/vnd.apache.parquet"
RULES = Rules(
    (
        Rule("gold", "tier = 'gold' and age > 30", "call"), Rule("keen", "`bought.probability` > 0.5", "call"),
        Rule("half", "older > 70", "write"),
    ),
    "wait",
)  # fmt: skip
SEEN = (Column("tier", "category"), Column("older", "number", read={"expression": "age * 2"}))
"""Columns that no model learned from: one is sent, one is derived."""


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    model = load_model(model_folder(tmp_path_factory.getbasetemp()))
    out = tmp_path_factory.mktemp("ruled") / "model"
    attach_rules(model, bind(RULES, model.outputs, (*model.columns, *SEEN)), out)
    return out


@pytest.fixture(scope="module")
def model(folder: Path) -> Model:
    return load_model(folder)


@pytest.fixture(scope="module")
def served(folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    with serving(arms_of(folder), f"{tmp_path_factory.mktemp('log')}/log.db") as served:
        yield served


def sent(n: int = 30, seed: int = 5) -> list[dict[str, Any]]:
    return [
        {**row, "tier": "gold" if i % 3 == 0 else "tin" if i % 3 == 1 else None} for i, row in enumerate(rows(n, seed))
    ]


def test_the_answer_holds_the_decision_and_the_rule_as_predict_gives_them(served: Served, model: Model) -> None:
    asked = sent()
    found = served.predict(*asked, unit="u").json()["predictions"]
    truth = model.predict(asked)
    assert [row["decision"] for row in found] == truth["decision"].to_list()
    assert [row["rule"] for row in found] == truth["rule"].to_list()
    assert set(truth["rule"]) == {"gold", "keen", "half", "(default)"}, "every rule decides somebody"
    assert {row["rules"] for row in found} == {RULES.version}
    assert [row["prediction"] for row in found] == truth["prediction"].to_list()


def test_decisions_are_logged_with_every_value_a_rule_read_and_made_again(served: Served, model: Model) -> None:
    asked = sent(12, seed=6)
    body = served.predict(*asked).json()
    logged = cells(served.store, "people-hash")
    mine = logged.records.with_row_index().filter(pl.col("request") == body["request"])
    assert mine.select("decision", "rule", "rules").rows() == [
        (r["decision"], r["rule"], r["rules"]) for r in body["predictions"]
    ]
    seen = logged.cells[mine["index"].to_list()]
    assert seen["tier"].to_list() == [row["tier"] for row in asked]
    ages = [row["age"] for row in asked]
    assert seen["older"].to_list() == [None if age is None else 2.0 * age for age in ages]
    again = replay(served.store, model, "people-hash", Query())
    assert again["decided"]["n"] == again["replayed"]["n"] > 0 and again["decided"]["n_otherwise"] == 0
    assert "0 made otherwise" in again["sentence"]
    assert {f.code: f.status for f in again.findings}["FG948"] == "passed"


def test_a_table_is_decided_and_logged_as_rows_are(served: Served, model: Model) -> None:
    frame = pl.DataFrame(sent(100, seed=7))
    buffer = io.BytesIO()
    frame.write_parquet(buffer)
    answer = served.client.post("/predict", content=buffer.getvalue(), headers={"content-type": PARQUET})
    assert answer.headers["x-rules"] == RULES.version
    found, truth = pl.read_parquet(io.BytesIO(answer.content)), model.predict(frame)
    assert found.select("decision", "rule").equals(truth.select("decision", "rule"))
    kept = predictions(served.store).filter(pl.col("request") == answer.headers["x-request-id"])
    assert kept["decision"].to_list() == truth["decision"].to_list() and set(kept["rules"]) == {RULES.version}
    assert replay(served.store, model, "people-hash", Query())["decided"]["n_otherwise"] == 0


def test_other_rules_over_the_same_log_are_found(served: Served, model: Model) -> None:
    served.predict(*sent(9, seed=8))
    turned = Rules((RULES.rules[1], RULES.rules[0]), "wait")
    other = replace(model, rules=bind(turned, model.outputs, (*model.columns, *SEEN)))
    found = replay(served.store, other, "people-hash", Query())
    fired = {f.code: f for f in found.findings if f.fired}
    assert "FG948" in fired and RULES.version in fired["FG948"].sentence and turned.version in fired["FG948"].sentence


def test_what_only_a_rule_reads_is_asked_for_and_explained_by_nobody(served: Served) -> None:
    (row,) = rows(1)
    refused = served.predict(row)
    assert refused.status_code == 422 and refused.json()["problems"][0]["column"] == "tier"
    effects = served.client.post("/explain", json={"rows": sent(2)}).json()["effects"]
    assert "tier" not in effects[0] and "age" in effects[0]
    (arm,) = served.client.get("/info").json()["arms"]
    assert arm["rules"]["version"] == RULES.version and [rule["name"] for rule in arm["rules"]["order"]] == [
        "gold",
        "keen",
        "half",
    ]


def test_the_document_tells_of_decisions(served: Served) -> None:
    schemas = served.client.get("/openapi.json").json()["components"]["schemas"]
    row = schemas["Answer"]["properties"]["predictions"]["items"]["properties"]
    assert row["decision"]["enum"] == ["call", "write", "wait"] and row["rules"]["const"] == RULES.version
    assert "tier" in schemas["Row"]["required"]
    assert served.client.post("/predict", json=schemas["Request"]["example"]).status_code == 200
