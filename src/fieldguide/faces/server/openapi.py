"""The OpenAPI document: the server's routes with the model's own columns, and an example that is answered.

Knows OpenAPI 3.1 and the columns of a contract; written here and not derived from handlers, which read bodies by hand.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from fieldguide.core.answering import Contract
from fieldguide.core.table import Column
from fieldguide.faces.server.answers import ARROW, JSON, PARQUET
from fieldguide.faces.server.arms import Arm
from fieldguide.faces.server.bodies import LONGEST, MOST_ROWS
from fieldguide.steps.online.outcome_values import LONGEST as LONGEST_TEXT
from fieldguide.steps.online.outcome_values import LONGEST_VALUE, MOST_ENTRIES

MOST_EXPLAINED = 16
"""Rows of one request that are explained: each asks the model some hundred times."""
WRONG = {
    "400": "the body cannot be read", "401": "the key is missing or wrong", "404": "there is no such path or arm",
    "405": "the path takes another method", "413": "the body is too large", "415": "the type of the body is not read",
    "422": "the request has another shape, or a cell breaks the model's contract", "429": "too many requests",
    "503": "the log cannot be written, or too many rows wait; nothing was answered",
}  # fmt: skip


def document(arms: Mapping[str, Arm], version: str, keyed: bool) -> dict[str, Any]:
    """Return the OpenAPI document of a server.

    Args:
        keyed: requests carry a key.
    """
    contract = next(iter(arms.values())).contract
    targets = ", ".join(output.name for output in contract.model.outputs)
    rows = {"Row": row_schema(contract)}
    if contract.model.forecasts is not None:
        rows["HistoryRow"] = history_schema(contract)
    schemas = {
        **rows, "Request": request_schema(contract, list(arms), MOST_ROWS), "Answer": _answer(contract),
        "Explain": request_schema(contract, list(arms), MOST_EXPLAINED), "Refusal": _REFUSAL, "Outcomes": _OUTCOMES,
    }  # fmt: skip
    secured: dict[str, Any] = {"security": [{"bearer": []}, {"header": []}]} if keyed else {}
    schemes = {
        "bearer": {"type": "http", "scheme": "bearer"},
        "header": {"type": "apiKey", "in": "header", "name": "X-API-Key"},
    }
    return {
        "openapi": "3.1.0",
        "info": {"title": f"fieldguide: {targets}", "version": version, "description": f"Predictions of {targets}, logged before they are sent."},
        "paths": _paths(), "components": {"schemas": schemas, **({"securitySchemes": schemes} if keyed else {})}, **secured,
    }  # fmt: skip


def row_schema(contract: Contract) -> dict[str, Any]:
    """Return the JSON schema of a row: every column the caller sends, each of which may be null."""
    return {
        "type": "object", "required": [column.name for column in contract.sent], "additionalProperties": True,
        "description": "Every column must be there; its value may be null. Further columns are ignored.",
        "properties": {column.name: _cell(column, contract.examples.get(column.name)) for column in contract.sent},
        "example": contract.example(),
    }  # fmt: skip


def history_schema(contract: Contract) -> dict[str, Any]:
    """Return the JSON schema of a row of a history: the table's own columns, of the past and of the steps to come."""
    spec = contract.model.forecasts
    assert spec is not None
    columns = [Column.from_dict(column) for column in spec["columns"]]
    return {
        "type": "object", "required": [column.name for column in columns], "additionalProperties": True,
        "description": "A row of the table as it was in training: its time, its series, its targets; what is known beforehand also of the "
        f"{spec['horizon']} steps to come, their targets null. What comes after the last known step of each series is answered.",
        "properties": {column.name: _cell(column, None) for column in columns},
    }  # fmt: skip


def _rows_of(contract: Contract, most: int) -> dict[str, Any]:
    row = {"$ref": "#/components/schemas/Row"}
    if contract.model.forecasts is None or most == MOST_EXPLAINED:
        return row
    return {"anyOf": [row, {"$ref": "#/components/schemas/HistoryRow"}]}


def request_schema(contract: Contract, arms: Sequence[str], most: int) -> dict[str, Any]:
    """Return the JSON schema of a request of at most `most` rows."""
    unit = {"type": ["string", "integer"], "minLength": 1, "maxLength": LONGEST}
    return {
        "type": "object", "required": ["rows"], "additionalProperties": False,
        "properties": {
            "rows": {"type": "array", "minItems": 1, "maxItems": most, "items": _rows_of(contract, most)},
            "unit": {**unit, "description": "Whom all rows are about: one unit always gets the same arm."},
            "arm": {"type": "string", "enum": list(arms), "description": "Who shall answer; absent: whoever is dealt."},
        },
        "example": {"rows": [contract.example()], "unit": "user 17"},
    }  # fmt: skip


def _cell(column: Column, example: Any) -> dict[str, Any]:
    plain = column.kind == "number" and not column.read
    kinds: dict[str, list[str]] = {"category": ["string", "number", "null"]}
    schema: dict[str, Any] = {"type": ["number", "null"] if plain else kinds.get(column.kind, ["string", "null"])}
    if plain:
        schema |= {"minimum": -1e15, "maximum": 1e15}
    if column.kind not in ("number", "category", "text", "id"):
        # What a boolean or a date may look like was found in the data; a JSON schema cannot say it better than an example.
        schema = {"description": f"A {column.kind}, written as in training, or null."}
    return schema if example is None else {**schema, "examples": [example]}


def _answer(contract: Contract) -> dict[str, Any]:
    probabilities = {"type": "object", "description": "probability of each label; for classes only"}
    prediction: dict[str, Any] = {
        "description": "a label, a list of labels, a value or values by entry; the number of a cluster or none, coordinates; by output where "
        "there are several"
    }
    row: dict[str, Any] = {
        "type": "object", "required": ["id", "prediction"],
        "properties": {
            "id": {"type": "string"}, "prediction": prediction, "probabilities": probabilities, "arm": {"type": "string"},
            "memberships": {"type": "object", "description": "how much the row belongs to each cluster, by its number; for clusters only"},
        },
    }  # fmt: skip
    if contract.model.rules is not None:
        rules = contract.model.rules.rules
        row["properties"] |= {
            "decision": {"type": "string", "enum": list(rules.decisions), "description": "what follows from the rules"},
            "rule": {
                "type": "string",
                "enum": list(rules.names),
                "description": "the rule that decided: the first that holds",
            },
            "rules": {"type": "string", "const": rules.version, "description": "version of the rules"},
        }
    spec = contract.model.forecasts
    if spec is not None:
        step = {"type": "object", "required": [spec["time"], "step", "prediction"], "properties": {
            spec["time"]: {"type": "string"}, "step": {"type": "integer", "minimum": 1},
            **{name: {"type": ["number", "null"]} for name in ("prediction", "prediction_low", "prediction_high")},
        }}  # fmt: skip
        row["required"] = ["id"]
        row["properties"] |= {
            "series": {"description": "of a history: the series that is forecast"},
            "forecast": {
                "type": "array",
                "items": step,
                "description": "of a history: its coming steps, in place of prediction",
            },
        }
    return {
        "type": "object", "required": ["predictions", "model", "arm"],
        "properties": {
            "predictions": {"type": "array", "items": row},
            "model": {"type": ["string", "null"], "description": "hash of the model folder; null where rows got several arms"},
            "arm": {"type": ["string", "null"]}, "request": {"type": "string"},
            "explore": {"type": "boolean", "description": "decide at random: the experiment explores a share of requests"},
        },
    }  # fmt: skip


_REFUSAL = {
    "type": "object", "required": ["error", "what", "request", "n", "problems"],
    "properties": {
        "error": {"type": "string"}, "what": {"type": "string"}, "request": {"type": "string"},
        "n": {"type": "integer", "description": "problems in all; the first 20 are listed"},
        "problems": {"type": "array", "items": {
            "type": "object", "required": ["row", "column", "rule", "value", "send"],
            "properties": {
                "row": {"type": ["integer", "null"]}, "column": {"type": ["string", "null"]}, "rule": {"type": "string"},
                "value": {"type": "string"}, "send": {"type": "string"},
            },
        }},
    },
}  # fmt: skip
_TEXT = {"type": "string", "minLength": 1, "maxLength": LONGEST_TEXT}
_OUTCOME = {
    "value": {
        "description": "a number, a label or a truth value; the labels of a set; the entries of a vector, in order or by name; of a forecast "
        "the value at `time`, or by id those of the horizon, null where one is not known yet",
        "anyOf": [
            {"type": ["number", "string", "boolean"], "maxLength": LONGEST_VALUE, "minimum": -1e15, "maximum": 1e15},
            {
                "type": "array",
                "maxItems": MOST_ENTRIES,
                "items": {
                    "type": ["number", "string", "boolean", "null"],
                    "maxLength": LONGEST_TEXT,
                    "minimum": -1e15,
                    "maximum": 1e15,
                },
            },
            {
                "type": "object",
                "minProperties": 1,
                "maxProperties": MOST_ENTRIES,
                "additionalProperties": {"type": "number", "minimum": -1e15, "maximum": 1e15},
            },
        ],
    },
    "name": _TEXT,
    "key": {
        "type": ["string", "integer"],
        "minLength": 1,
        "maxLength": LONGEST_TEXT,
        "description": "sent again under it, it is the same outcome, or a correction",
    },
}
_TIME = {
    "type": "string",
    "examples": ["2024-05-01T12:00:00Z"],
    "description": "ISO 8601, UTC where it names no zone; absent: now",
}
_OUTCOMES = {
    "type": "object", "required": ["outcomes"], "additionalProperties": False,
    "properties": {"outcomes": {"type": "array", "minItems": 1, "maxItems": MOST_ROWS, "items": {"oneOf": [
        {"type": "object", "additionalProperties": False, "required": [*who, "value"], "properties": {who[0]: _TEXT, **_OUTCOME, "time": _TIME}}
        for who in (["id"], ["unit"], ["series", "time"])
    ]}}},
    "example": {"outcomes": [{"unit": "user 17", "value": 1, "time": "2024-05-01T12:00:00Z"}]},
}  # fmt: skip


_TAKEN = {
    "type": "object", "required": ["written", "repeated", "corrections", "request"],
    "properties": {**{name: {"type": "integer"} for name in ("written", "repeated", "corrections")}, "request": {"type": "string"}},
}  # fmt: skip
_IDEMPOTENT = {
    "name": "Idempotency-Key", "in": "header", "schema": {"type": "string", "minLength": 1, "maxLength": LONGEST_TEXT, "pattern": "^[!-~]+$"},
    "description": "the same when the request is sent again: outcomes of units that name neither time nor key are then told apart by it",
}  # fmt: skip


def _paths() -> dict[str, Any]:
    def body(name: str, *, tables: bool = False) -> dict[str, Any]:
        content: dict[str, Any] = {JSON: {"schema": {"$ref": f"#/components/schemas/{name}"}}}
        if tables:
            content |= {kind: {"schema": {"type": "string", "format": "binary"}} for kind in (ARROW, PARQUET)}
        return {"requestBody": {"required": True, "content": content}}

    def told(what: str, schema: dict[str, Any] | None = None, kind: str = JSON) -> dict[str, Any]:
        wrong = {"application/json": {"schema": {"$ref": "#/components/schemas/Refusal"}}}
        return {"responses": {
            "200": {"description": what, "content": {kind: {"schema": schema or {"type": "object"}}}},
            **{status: {"description": why, "content": wrong} for status, why in WRONG.items()},
        }}  # fmt: skip

    answer = told("one answer per row, in order", {"$ref": "#/components/schemas/Answer"})
    for kind in (ARROW, PARQUET):
        answer["responses"]["200"]["content"][kind] = {"schema": {"type": "string", "format": "binary"}}
    parameters = [
        {"name": "unit", "in": "query", "schema": {"type": "string"}, "description": "batches: the column that says whom a row is about"},
        {"name": "arm", "in": "query", "schema": {"type": "string"}, "description": "batches: who shall answer"},
    ]  # fmt: skip
    return {
        "/predict": {"post": {"summary": "Answer rows", "parameters": parameters, **body("Request", tables=True), **answer}},
        "/explain": {"post": {"summary": "How much each column's value moves the answer", **body("Explain"), **told("effects per row and column")}},
        "/outcomes": {"post": {"summary": "Tell what came of predictions", "parameters": [_IDEMPOTENT], **body("Outcomes"), **told("how many were written, how many were there already, how many of them are corrections", _TAKEN)}},
        "/health": {"get": {"summary": "The process answers", **told("alive")}},
        "/ready": {"get": {"summary": "Golden rows were replayed and the log can be written", **told("ready")}},
        "/info": {"get": {"summary": "Contract, evidence and arms", **told("what is served")}},
        "/metrics": {"get": {"summary": "Counters for Prometheus", **told("counters", {"type": "string"}, "text/plain")}},
    }  # fmt: skip
