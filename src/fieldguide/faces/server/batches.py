"""Batches: many rows of one request, answered in one call per arm and logged as one Arrow blob per arm."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import polars as pl

from fieldguide.core.answering import Answered, Problem, missing_columns, read_request, read_typed
from fieldguide.core.online.log import PREDICTIONS, SERIES, Batch, Entry, cell_schema, now
from fieldguide.core.online.log_cells import blob_of
from fieldguide.core.online.log_media import frame_apart
from fieldguide.core.rows import Rows
from fieldguide.faces.server.answers import Refused, framed, listed
from fieldguide.faces.server.arms import Arm, Dealt
from fieldguide.faces.server.bodies import Asked
from fieldguide.faces.server.engine import broken, refusals
from fieldguide.faces.server.histories import whence


class Unfit(Refused):
    """A batch that breaks a contract; carries what the log keeps of it."""

    entries: Sequence[Entry] = ()


def answer_batch(
    request: str, asked: Asked, dealt: Sequence[tuple[Arm, Dealt, np.ndarray]], seconds: float, as_rows: bool
) -> tuple[list[Entry], Any]:
    """Answer a batch; return what is to be logged, and the answers: a frame, or rows as plain data.

    Args:
        dealt: arms with the numbers of their rows; together every row once.
        seconds: already spent on the request [s].

    Raises:
        Unfit: a column is missing or a cell is broken; nothing of the batch is answered.
    """
    entries: list[Entry] = []
    parts: list[Any] = []
    for number, (arm, how, at) in enumerate(dealt):
        name = request if len(dealt) == 1 else f"{request}.{number}"
        part = _part(asked, at)
        rows, typed, sent = _read(request, arm, part, at)
        answers = arm.decided(arm.answer(rows, sent), typed)
        units = _units(asked, at)
        if arm.contract.media:
            typed, media = frame_apart(typed, [arm.contract.columns[i].name for i in arm.contract.media], now())
            entries += media
        said = logged(answers, arm.contract.rules).with_columns(_whence(arm, part))
        entries.append(Batch(
            name, now(), arm.name, arm.model, arm.contract.version, len(at), blob_of(units, said, typed), seconds,
            how.experiment, how.propensity,
        ))  # fmt: skip
        ids = pl.Series("id", [f"{name}-{i}" for i in range(len(at))])
        if as_rows:
            parts += zip(at.tolist(), listed(arm.contract, answers, ids.to_list()))
        else:
            parts.append(framed(arm.contract, answers, ids).with_columns(at=pl.Series(at)))
    if as_rows:
        return entries, [row for _, row in sorted(parts, key=lambda part: part[0])]
    frame = parts[0] if len(parts) == 1 else pl.concat(parts, how="diagonal_relaxed").sort("at")
    return entries, frame.drop("at")


def logged(answers: Answered, rules: str = "") -> pl.DataFrame:
    """Return prediction, score and outputs of answers, and what rules of a version decided, as the log has them."""
    outputs = np.ascontiguousarray(answers.outputs(), np.float64)
    found = pl.DataFrame({
        "prediction": [str(decision) for decision in answers.decisions], "score": np.ascontiguousarray(answers.scores),
        "outputs": pl.Series("outputs", outputs).cast(pl.List(pl.Float64)),
    })  # fmt: skip
    if answers.ruled is None:
        return found
    decision, rule = answers.ruled
    return found.with_columns(pl.Series("decision", decision), pl.Series("rule", rule), pl.lit(rules).alias("rules"))


def _whence(arm: Arm, part: Any) -> list[pl.Series]:
    """Return the series and last step of windows as columns of the log; none where nothing is forecast. Raises Refused: 422."""
    spec = arm.contract.model.forecasts
    if spec is None:
        return []
    if isinstance(part, pl.DataFrame):
        part = part.select([name for name in ("series", str(spec["time"])) if name in part.columns]).to_dicts() or [
            {}
        ] * len(part)
    found = whence(arm.contract, part)
    wrong = [one for one in found if isinstance(one, Problem)]
    if wrong:
        raise Refused(422, "the times of the windows cannot be read", wrong)
    return [pl.Series(name, [one[i] for one in found], dtype=PREDICTIONS[name]) for i, name in enumerate(SERIES)]  # type: ignore[index]


def _part(asked: Asked, at: np.ndarray) -> Any:
    if len(at) == asked.n_rows:
        return asked.rows
    return asked.rows[at] if isinstance(asked.rows, pl.DataFrame) else [asked.rows[i] for i in at]


def _units(asked: Asked, at: np.ndarray) -> pl.Series:
    if asked.units is None or isinstance(asked.units, str):
        return pl.Series("unit", [asked.units], dtype=pl.String).new_from_index(0, len(at))
    return pl.Series("unit", [asked.units[i] for i in at], dtype=pl.String)


def _read(request: str, arm: Arm, part: Any, at: np.ndarray) -> tuple[Rows, pl.DataFrame, Sequence[Any]]:
    """Return cells, the typed frame for the log, and the rows as a foreign system is sent them."""
    names = [column.name for column in arm.contract.columns]
    if isinstance(part, pl.DataFrame):
        problems = missing_columns(arm.contract, part.columns)
        if not problems:
            sent = [column.name for column in arm.contract.sent]
            rows, typed, problems = read_typed(arm.contract, part.select(sent))
            if rows is not None:
                return rows, typed.select(names), [] if arm.scorer is None else part.select(sent).to_dicts()
    else:
        rows, cells, problems = read_request(arm.contract, part)
        if rows is not None:
            schema = cell_schema(arm.contract.columns)
            columns = [
                pl.Series(name, list(values), dtype=dtype) for (name, dtype), values in zip(schema.items(), zip(*cells))
            ]
            return rows, pl.DataFrame(columns), part
    problems = [
        replace(p, row=None if p.row is None else int(at[p.row])) for p in problems
    ]  # as the caller counts them
    refused = Unfit(422, broken(problems).what, problems)
    refused.entries = refusals(request, arm, problems)
    raise refused
