"""Wrong requests: every one is a 4xx of the one shape; the OpenAPI document is kept; no request is a mistake of ours."""

from __future__ import annotations

import io
import json
import random
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import polars as pl
import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, given
from hypothesis import settings as hypothesis_settings
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import response_schema_conformance, status_code_conformance
from serving_cases import Served, arms_of, model_folder, rows, serving

from fieldguide.faces.server.answers import ARROW, PARQUET

GOOD = rows(1)[0]
WRONG: list[tuple[bytes, int, str]] = [
    (b"", 400, "JSON"), (b"\xff\xfe", 400, "JSON"), (b"{", 400, "JSON"), (b"nope", 400, "JSON"), (b'{"rows": [NaN]}', 400, "JSON"),
    (b'{"rows": [{"age": Infinity}]}', 400, "JSON"), (b"[" * 100_000, 400, "JSON"), (b"1" * 5_000, 400, "JSON"),
    (b'{"rows": [{"city": "\\ud800"}]}', 400, "JSON"), (b"\xef\xbb\xbf{}", 400, "JSON"),
    (b"[]", 422, "the body is an object"), (b"null", 422, "the body is an object"), (b"{}", 422, "rows is a list"),
    (b'{"rows": {}}', 422, "rows is a list"), (b'{"rows": []}', 422, "rows is a list"), (b'{"rows": [1]}', 422, "a row is an object"),
    (b'{"rows": [[]]}', 422, "a row is an object"), (b'{"row": []}', 422, "the entries of a request are"),
    (json.dumps({"rows": [{}] * 10_001}).encode(), 422, "at most 10,000 rows"), (b'{"rows": [{}]}', 422, "every column"),
    (json.dumps({"rows": [GOOD], "unit": ""}).encode(), 422, "a unit is"), (json.dumps({"rows": [GOOD], "unit": True}).encode(), 422, "a unit is"),
    (json.dumps({"rows": [GOOD], "unit": "u" * 201}).encode(), 422, "a unit is"), (json.dumps({"rows": [GOOD], "unit": [1]}).encode(), 422, "a unit is"),
    (json.dumps({"rows": [GOOD], "units": ["a", "b"]}).encode(), 422, "one unit per row"),
    (json.dumps({"rows": [GOOD], "unit": "a", "units": ["a"]}).encode(), 422, "stands alone"),
    (json.dumps({"rows": [GOOD], "arm": 3}).encode(), 422, "arm is the name"), (json.dumps({"rows": [GOOD], "arm": "x"}).encode(), 404, "the arms are"),
]  # fmt: skip
CELLS = [
    "",
    "x",
    [],
    {},
    [1],
    {"a": 1},
    1e400,
    -(10**400),
    "1e999",
    True,
    "\0",
    "\U0001f600" * 1000,
    "1970-13-01",
    10**18,
]


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    folder: Path = model_folder(tmp_path_factory.getbasetemp())
    with serving(arms_of(folder), f"{tmp_path_factory.mktemp('log')}/log.db") as served:
        yield served


def post(served: Served, body: bytes, kind: str = "application/json") -> Any:
    return served.client.post("/predict", content=body, headers={"content-type": kind})


def shaped(response: Any) -> list[dict[str, Any]]:
    body = response.json()
    assert set(body) == {"error", "what", "request", "n", "problems"}
    assert body["problems"] and all(set(p) == {"row", "column", "rule", "value", "send"} for p in body["problems"])
    return body["problems"]


@pytest.mark.parametrize(("body", "status", "rule"), WRONG, ids=range(len(WRONG)))
def test_a_wrong_request_is_told_what_is_wrong(served: Served, body: bytes, status: int, rule: str) -> None:
    response = post(served, body)
    assert response.status_code == status, response.text
    assert rule in shaped(response)[0]["rule"]


def test_a_broken_cell_is_told_by_row_column_value_and_what_to_send(served: Served) -> None:
    (problem,) = shaped(served.predict(GOOD, {**GOOD, "age": "old"}))
    assert (problem["row"], problem["column"], problem["rule"], problem["value"]) == (
        1,
        "age",
        "a number, or null",
        "'old'",
    )
    assert problem["send"].endswith("or null") and float(problem["send"].split()[0]) > 0
    less = {name: value for name, value in GOOD.items() if name not in ("city", "joined")}
    assert [(p["row"], p["column"]) for p in shaped(served.predict(less))] == [(0, "city"), (0, "joined")]


def test_a_request_that_others_wait_with_is_not_refused_for_them(served: Served) -> None:
    engine = served.client.app.state.server.engine  # type: ignore[attr-defined]
    before = engine._answer
    held: list[Any] = []
    engine._answer = lambda jobs: held.extend(jobs)  # collect, then answer together
    found: dict[int, Any] = {}
    asked = {0: GOOD, 1: {**GOOD, "spend": "much"}, 2: GOOD}
    threads = [threading.Thread(target=lambda i=i: found.update({i: served.predict(asked[i])})) for i in asked]
    for thread in threads:
        thread.start()
    while len(held) < 3:
        pass
    engine._answer = before
    engine._answer(held)
    for thread in threads:
        thread.join()
    assert [found[i].status_code for i in range(3)] == [200, 422, 200]
    assert shaped(found[1])[0]["row"] == 0


@pytest.mark.parametrize(
    ("method", "path", "status"), [("GET", "/nothing", 404), ("GET", "/predict", 405), ("POST", "/health", 405)]
)
def test_elsewhere_is_said_in_the_same_shape(served: Served, method: str, path: str, status: int) -> None:
    response = served.client.request(method, path)
    assert response.status_code == status
    shaped(response)


def test_damaged_batches_are_refused(served: Served) -> None:
    frame = pl.DataFrame(rows(20))
    arrow, parquet = io.BytesIO(), io.BytesIO()
    frame.write_ipc(arrow)
    frame.write_parquet(parquet)
    rng = random.Random(5)
    bodies = [
        (b"", ARROW),
        (b"", PARQUET),
        (b"ARROW1" * 50, ARROW),
        (b"PAR1" * 50, PARQUET),
        (arrow.getvalue(), PARQUET),
    ]
    for whole, kind in ((arrow.getvalue(), ARROW), (parquet.getvalue(), PARQUET)):
        bodies += [(whole[: rng.randrange(len(whole))], kind) for _ in range(10)]
    for body, kind in bodies:
        response = post(served, body, kind)
        assert response.status_code == 400, (body[:20], response.text)
        shaped(response)
    assert post(served, b"{}", "text/html").status_code == 415
    for less, status in ((frame.drop("age"), 422), (frame.clear(), 422), (frame.with_columns(age=pl.lit("x")), 422)):
        buffer = io.BytesIO()
        less.write_ipc(buffer)
        response = post(served, buffer.getvalue(), ARROW)
        assert response.status_code == status
        shaped(response)


def malformed(n: int, seed: int) -> Iterator[bytes]:
    """Yield requests made wrong: cells, columns, shapes and bytes of right ones. Not every one of them is wrong."""
    rng = random.Random(seed)
    right = [json.dumps({"rows": rows(2, seed=i), "unit": "u"}).encode() for i in range(5)]
    for _ in range(n):
        kind = rng.randrange(4)
        if kind == 0:
            row = dict(GOOD)
            for name in rng.sample(list(row), rng.randint(1, 3)):
                row[name] = rng.choice(CELLS)
            yield json.dumps({"rows": [row]}).encode()
        elif kind == 1:
            row = {name: value for name, value in GOOD.items() if rng.random() < 0.7}
            yield json.dumps({"rows": [row], rng.choice(["unit", "units", "arm", "x"]): rng.choice(CELLS)}).encode()
        else:
            body = bytearray(rng.choice(right))
            for _ in range(rng.randint(1, 4)):
                at = rng.randrange(len(body))
                if kind == 2:
                    body[at] = rng.randrange(256)
                else:
                    del body[at : at + rng.randint(1, 20)]
            yield bytes(body)


def check_malformed(served: Served, n: int, seed: int) -> dict[int, int]:
    found: dict[int, int] = {}
    for body in malformed(n, seed):
        response = post(served, body)
        found[response.status_code] = found.get(response.status_code, 0) + 1
        assert response.status_code == 200 or 400 <= response.status_code < 500, (body, response.text)
        if response.status_code != 200:
            shaped(response)
    return found


def test_malformed_requests_are_refused_in_the_one_shape(served: Served) -> None:
    found = check_malformed(served, 400, seed=3)
    assert found[400] > 50 and found[422] > 50, found


@pytest.mark.nightly
def test_ten_thousand_malformed_requests_are_refused_in_the_one_shape(served: Served) -> None:
    found = check_malformed(served, 20_000, seed=4)
    assert sum(n for status, n in found.items() if status != 200) >= 10_000, found


@pytest.mark.parametrize(
    "n_examples", [6, pytest.param(300, marks=pytest.mark.nightly)], ids=["few", "many"]
)  # fmt: skip
def test_the_openapi_document_is_kept(served: Served, n_examples: int) -> None:
    schema = schemathesis.openapi.from_asgi("/openapi.json", served.client.app)
    told = hypothesis_settings(
        max_examples=n_examples, deadline=None, derandomize=True, database=None, suppress_health_check=list(HealthCheck),
        phases=(Phase.explicit, Phase.generate),
    )  # fmt: skip
    checks = [not_a_server_error, status_code_conformance, response_schema_conformance]
    n_operations = 0
    for operation in schema.get_all_operations():
        n_operations += 1

        def keep(case: Any) -> None:
            case.call_and_validate(checks=checks)

        given(case=operation.ok().as_strategy())(told(keep))()
    assert n_operations == 7
