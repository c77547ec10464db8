"""What is sent back: answers, and the one shape of everything that is wrong.

Knows JSON, Arrow and Parquet on the wire; nothing of how an answer was found.
"""

from __future__ import annotations

import io
import json
import math
from collections.abc import Mapping, Sequence
from typing import Any

import polars as pl
from starlette.responses import Response

from fieldguide.core.answering import Answered, Contract, Problem

JSON, ARROW, PARQUET = "application/json", "application/vnd.apache.arrow.file", "application/vnd.apache.parquet"
MOST = 20
"""Problems that are listed; how many there are is always told."""
KINDS = {
    400: "BadRequest", 401: "Unauthorized", 404: "NotFound", 405: "MethodNotAllowed", 408: "TooSlow", 413: "TooLarge",
    415: "UnsupportedType", 422: "ContractError", 429: "TooMany", 500: "InternalError", 503: "Unavailable",
}  # fmt: skip


class Refused(Exception):
    """A request that is not answered.

    Args:
        status: HTTP status.
        what: what happened, one sentence.
        problems: what is wrong, where, and what to send instead.
        headers: HTTP headers to send along.
    """

    def __init__(
        self, status: int, what: str, problems: Sequence[Problem] = (), headers: Mapping[str, str] | None = None
    ) -> None:
        super().__init__(what)
        self.status, self.what, self.problems, self.headers = status, what, tuple(problems), dict(headers or {})

    def to_dict(self, request: str = "") -> dict[str, Any]:
        """Return the one shape of a wrong request.

        Examples:
            >>> Refused(400, "the body is empty", [Problem("a body is JSON")]).to_dict()["problems"][0]["rule"]
            'a body is JSON'
        """
        return {
            "error": KINDS.get(self.status, "Error"), "what": self.what, "request": request, "n": len(self.problems),
            "problems": [problem.to_dict() for problem in self.problems[:MOST]],
        }  # fmt: skip


def refusal(refused: Refused, request: str = "") -> Response:
    """Return a refusal as a response."""
    return Response(encoded(refused.to_dict(request)), refused.status, refused.headers, media_type=JSON)


_ENCODE = json.JSONEncoder(separators=(",", ":"), allow_nan=False, check_circular=False).encode


def encoded(data: Any) -> bytes:
    """Return plain data as JSON; numbers that are not finite as null."""
    try:
        return _ENCODE(data).encode()
    except ValueError:
        return _ENCODE(_finite(data)).encode()


def _finite(data: Any) -> Any:
    if isinstance(data, float):
        return data if math.isfinite(data) else None
    if isinstance(data, dict):
        return {name: _finite(value) for name, value in data.items()}
    return [_finite(value) for value in data] if isinstance(data, (list, tuple)) else data


def listed(contract: Contract, answers: Answered, ids: Sequence[str]) -> list[dict[str, Any]]:
    """Return answers row by row: id, prediction, and the probabilities of classes."""
    outputs, labels = contract.model.outputs, contract.model.outputs[0].labels
    if len(outputs) == 1:
        if outputs[0].task.family != "classes":
            return [{"id": name, "prediction": value} for name, value in zip(ids, answers.decisions)]
        return [
            {"id": name, "prediction": decision, "probabilities": dict(zip(labels, row))}
            for name, decision, row in zip(ids, answers.decisions, answers.predictions[0].tolist())
        ]
    decided = contract.model.decide(answers.predictions)
    rows: list[dict[str, Any]] = []
    for i, name in enumerate(ids):
        row: dict[str, Any] = {"id": name, "prediction": {}, "probabilities": {}}
        for output, prediction, decisions in zip(outputs, answers.predictions, decided):
            row["prediction"][output.name] = decisions[i]
            if output.task.family == "classes":
                row["probabilities"][output.name] = dict(zip(output.labels, prediction[i].tolist()))
        rows.append(row)
    return rows


def framed(contract: Contract, answers: Answered, ids: pl.Series) -> pl.DataFrame:
    """Return answers as a frame: id, prediction, `probability_<label>`; several outputs carry their names."""
    several = len(contract.model.outputs) > 1
    columns: dict[str, Any] = {"id": ids}
    decided = contract.model.decide(answers.predictions) if several else [answers.decisions]
    for output, prediction, decisions in zip(contract.model.outputs, answers.predictions, decided):
        suffix = f"_{output.name}" if several else ""
        columns[f"prediction{suffix}"] = decisions
        for i, label in enumerate(output.labels if output.task.family == "classes" else ()):
            columns[f"probability{suffix}_{label}"] = prediction[:, i]
    return pl.DataFrame(columns)


def table(frame: pl.DataFrame, kind: str, headers: Mapping[str, str]) -> Response:
    """Return a frame as an Arrow or Parquet response."""
    buffer = io.BytesIO()
    if kind == PARQUET:
        frame.write_parquet(buffer, compression="lz4")
    else:
        frame.write_ipc(buffer)
    return Response(buffer.getvalue(), 200, dict(headers), media_type=kind)
