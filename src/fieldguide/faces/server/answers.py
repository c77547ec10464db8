"""What is sent back: answers, and the one shape of everything that is wrong.

Knows JSON, Arrow and Parquet on the wire; nothing of how an answer was found.
"""

from __future__ import annotations

import io
import json
import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import polars as pl
from starlette.responses import Response

from fieldguide.core.answering import Answered, Contract, Problem
from fieldguide.core.problem import Output

JSON, ARROW, PARQUET = "application/json", "application/vnd.apache.arrow.file", "application/vnd.apache.parquet"
MEMBERSHIP = "membership_"
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
    """Return answers row by row: id, prediction, and the probabilities of labels, or the memberships in clusters; by output where there are
    several.

    Where the model carries rules also the decision, the rule that made it, and the version of the rules.
    """
    rows = _signals(contract, answers, ids)
    if answers.ruled is not None:
        for row, decision, rule in zip(rows, *answers.ruled):
            row |= {"decision": decision, "rule": rule, "rules": contract.rules}
    return rows


def _signals(contract: Contract, answers: Answered, ids: Sequence[str]) -> list[dict[str, Any]]:
    outputs = contract.model.outputs
    decided = [answers.decisions] if len(outputs) == 1 else contract.model.decide(answers.predictions)
    parts = [_said(*one) for one in zip(outputs, answers.predictions, decided)]
    if len(parts) == 1:
        predictions, probabilities = parts[0]
        if probabilities is None:
            return [{"id": name, "prediction": value} for name, value in zip(ids, predictions)]
        of = "memberships" if outputs[0].targetless else "probabilities"
        return [
            {"id": name, "prediction": value, of: shares}
            for name, value, shares in zip(ids, predictions, probabilities)
        ]
    names = [output.name for output in outputs]
    return [
        {
            "id": ident, "prediction": {name: part[0][i] for name, part in zip(names, parts)},
            "probabilities": {name: part[1][i] for name, part in zip(names, parts) if part[1] is not None},
        }
        for i, ident in enumerate(ids)
    ]  # fmt: skip


def _said(output: Output, prediction: np.ndarray, decisions: Sequence[Any]) -> tuple[Sequence[Any], list[Any] | None]:
    """Return what is said of one output, row by row: decisions, and probabilities by label or memberships by cluster where there are any."""
    if output.family == "vector":
        return [dict(zip(output.labels, row)) for row in prediction.tolist()], None
    if output.targetless:
        told = output.task.told(prediction, output.labels)  # type: ignore[attr-defined]
        clusters = [name.removeprefix(MEMBERSHIP) for name in told if name.startswith(MEMBERSHIP)]
        return decisions, [dict(zip(clusters, row)) for row in prediction.tolist()] if clusters else None
    if output.family == "values":
        return decisions, None
    return decisions, [dict(zip(output.labels, row)) for row in prediction.tolist()]


def framed(contract: Contract, answers: Answered, ids: pl.Series) -> pl.DataFrame:
    """Return answers as the frame `Model.predict` returns, with `id` as its first column."""
    decided = {} if answers.ruled is None else {"decision": answers.ruled[0], "rule": answers.ruled[1]}
    return contract.model._answers(answers.predictions, ids, decided)


def table(frame: pl.DataFrame, kind: str, headers: Mapping[str, str]) -> Response:
    """Return a frame as an Arrow or Parquet response."""
    buffer = io.BytesIO()
    if kind == PARQUET:
        frame.write_parquet(buffer, compression="lz4")
    else:
        frame.write_ipc(buffer)
    return Response(buffer.getvalue(), 200, dict(headers), media_type=kind)
