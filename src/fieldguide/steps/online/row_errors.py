"""Row errors: how far each logged answer is from what came, whatever was asked: the measure `error` of an experiment.

Knows answers, outcomes and the outputs that the log tells of, so that arms whose models are not at hand are measured alike. A model's own metric
is `steps.online.gap`'s.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

import numpy as np
import polars as pl

from fieldguide.core.errors import DataError
from fieldguide.core.figures import count
from fieldguide.core.online.log import LogStore, Query, Served
from fieldguide.core.problem import Output
from fieldguide.core.series.ahead import unit_of
from fieldguide.core.series.frequency import Frequency
from fieldguide.core.series.panel import HISTORY
from fieldguide.parts import find
from fieldguide.steps.online.forecast_rows import times_of, values_of
from fieldguide.steps.online.outcomes import joined_to
from fieldguide.steps.online.served_rows import coded, outcome_of, with_target

ERRORS = {"id": pl.String, "error": pl.Float64, "judged": pl.Float64}


def row_errors(store: LogStore, rows: pl.DataFrame, known: datetime | None = None) -> pl.DataFrame:
    """Return the summed error of each answered row whose outcome is known, and how many parts of it were judged.

    Classes and label sets: the Brier score, squared errors of the probabilities summed over labels (of two labels half of it, of sets the
    mean), values the absolute error, vectors its mean over entries; forecasts the absolute error of every step that is known, in mean changes over
    a season of the window the model saw, so that large and small series count alike.

    Args:
        rows: answered rows of any models of the log, as `core.online.log.PREDICTIONS`.
        known: outcomes as they were known then; None: all.

    Returns:
        id, error, judged: one row per answer that can be judged; judged is 1, or the number of known steps of a forecast.

    Raises:
        DataError: a model has no target, or an outcome is no truth of it.
    """
    served = {one.model: one for one in store.served()}
    found = [pl.DataFrame(schema=ERRORS)]
    for (model,), part in rows.group_by("model", maintain_order=True):
        one = served.get(str(model))
        if one is None or not one.outputs:
            continue
        said: Mapping[str, Any] = one.outputs[0]
        output = Output(str(said["name"]), find("tasks", str(said["task"]))(), tuple(said["labels"]))
        with_target(output)
        name = outcome_of(store, output, "outcome")
        outcomes = store.outcomes(Query(name=name, known=known))
        ahead = next((column.read["ahead"] for column in one.columns if "ahead" in column.read), None)
        found.append(
            _of_rows(output, part, outcomes) if ahead is None else _of_steps(store, one, ahead, output, part, outcomes)
        )
    return pl.concat(found)


def _of_rows(output: Output, rows: pl.DataFrame, outcomes: pl.DataFrame) -> pl.DataFrame:
    told = joined_to(rows, outcomes).filter(pl.col("happened").is_not_null())
    if not told.height:
        return pl.DataFrame(schema=ERRORS)
    truth = coded(output, told, np.ones(told.height, bool), None)
    answers = np.array(told["outputs"].to_list(), dtype=float)[:, : output.width]
    if answers.shape[1] != output.width:
        raise DataError(
            f"answers to {output.name!r} have {count(answers.shape[1], 'part')}", rule=f"an answer has {output.width}",
            found=f"row {told['id'][0]}", do="name measures of an experiment whose arms answer the same question",
        )  # fmt: skip
    if output.task.family == "values":
        error = np.abs(output.plain(truth).reshape(answers.shape) - answers).mean(axis=1)
    elif output.family == "multilabel":
        error = ((answers - truth) ** 2).mean(axis=1)
    else:
        error = ((answers - np.eye(output.width)[truth]) ** 2).sum(axis=1) / (2 if output.width == 2 else 1)
    return pl.DataFrame({"id": told["id"], "error": error, "judged": np.ones(told.height)}, schema=ERRORS)


def _of_steps(
    store: LogStore, served: Served, spec: Mapping[str, Any], output: Output, rows: pl.DataFrame, outcomes: pl.DataFrame
) -> pl.DataFrame:
    times = times_of(rows, Frequency.from_dict(spec["frequency"]), output.width)
    values, _, _ = values_of(outcomes, rows, times)
    known = np.isfinite(values)
    window = Query(rows["time"].min(), None)  # type: ignore[arg-type]
    seen = {
        ident: unit_of(np.array(cell, dtype=float)[None], int(spec["season"]))[0]
        for part in store.scan_cells(served.model, window) for ident, cell in zip(part.records["id"], part.cells[HISTORY])
    }  # fmt: skip
    scale = np.array([seen[ident] for ident in rows["id"]])[:, None]
    answers = np.array(rows["outputs"].to_list(), dtype=float)[:, : output.width]
    error = np.where(known, np.abs(values - answers) / scale, 0.0).sum(axis=1)
    found = pl.DataFrame({"id": rows["id"], "error": error, "judged": known.sum(axis=1).astype(float)}, schema=ERRORS)
    return found.filter(pl.col("judged") > 0)
