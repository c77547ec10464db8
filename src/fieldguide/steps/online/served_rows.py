"""Served rows: what a model answered, with the cells it saw, what came of it, and whether it had time to.

Knows the log's rows of one model as arrays that a metric reads. What is judged with them is `steps.online.gap`'s and `steps.online.refresh`'s.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

import numpy as np
import polars as pl

from fieldguide.core.answering import folder_hash
from fieldguide.core.documents.join_sections import duration
from fieldguide.core.errors import ConfigError, DataError
from fieldguide.core.model import Model
from fieldguide.core.online.log import LogStore, Query, cells
from fieldguide.core.online.log import now as present
from fieldguide.core.problem import Output
from fieldguide.steps.online.outcomes import joined, judged_until

PROPENSITY = "propensity"
"""Name of the outcome that holds the chance with which the decision of a request was taken."""


@dataclass(frozen=True)
class ServedRows:
    """Rows in the order they were answered.

    Args:
        records: as `steps.online.outcomes.joined` returns them.
        cells: as the model saw them; same rows.
        truth: coded; of no meaning where not `known`.
        known: whether an outcome is there, or its absence counts as one.
        arrived: whether an outcome is there.
        mature: whether the row is old enough for its outcome to have come.
        propensity: chance with which the decision was taken; None where none was logged.
        until: the time up to which rows are mature; None where it is not known.

    Shape:
        truth, known, arrived, mature, propensity: (rows,)
    """

    records: pl.DataFrame
    cells: pl.DataFrame
    truth: np.ndarray
    known: np.ndarray
    arrived: np.ndarray
    mature: np.ndarray
    propensity: np.ndarray | None
    until: datetime | None

    def __len__(self) -> int:
        return self.records.height

    @property
    def units(self) -> np.ndarray:
        """Codes of the units; a row of nobody is its own."""
        named = self.records.select(pl.coalesce("unit", pl.format("\x00{}", "id")).alias("unit"))["unit"]
        return np.unique(named.to_numpy().astype(str), return_inverse=True)[1].astype(np.int64)

    @property
    def times(self) -> np.ndarray:
        """Microseconds since 1970."""
        return self.records["time"].to_physical().to_numpy()

    def outputs(self, output: Output) -> np.ndarray:
        """Return the first output's predictions as they were served: (rows, width)."""
        width = output.width
        found = np.array(self.records["outputs"].to_list(), dtype=float)
        return found[:, :width]

    def take(self, rows: np.ndarray) -> ServedRows:
        """Return some of the rows, by mask or index."""
        index = np.flatnonzero(rows) if rows.dtype == bool else rows
        return replace(
            self, records=self.records[index], cells=self.cells[index], truth=self.truth[index], known=self.known[index],
            arrived=self.arrived[index], mature=self.mature[index],
            propensity=None if self.propensity is None else self.propensity[index],
        )  # fmt: skip


def served_rows(
    store: LogStore, model: Model, outcome: str, wait: str | None = None, absent: str | None = None, now: datetime | None = None
) -> ServedRows:  # fmt: skip
    """Return what a model answered and what came of it.

    Args:
        outcome: the outcome in the log that is the model's target.
        wait: how long outcomes take; None: by their delay curve.
        absent: what a row without an outcome counts as once it is old enough; None: as not known.
        now: the moment of the look.

    Raises:
        DataError: the log does not hold the model, or holds none of its outcomes.
    """
    now = now or present()
    if model.outputs[0].joint:
        raise DataError(
            f"an answer for {model.outputs[0].name!r} has several parts, and an outcome is one value", rule="outcomes judge single answers",
            do="judge its rows offline: fieldguide join --from-log gives what was served",
        )  # fmt: skip
    key = folder_hash(model.folder)
    logged = cells(store, key, Query(end=now))
    if not logged.records.height:
        raise DataError(
            "the model has answered nothing", rule="the gap is between a promise and answers", do="name its log"
        )
    rows = joined(store, Query(model=key, end=now, known=now), outcome)
    seen = logged.cells.with_columns(logged.records["id"].alias("\x00id"))
    both = rows.join(seen, left_on="id", right_on="\x00id", how="inner", suffix="\x00", maintain_order="left")
    renamed = {f"{name}\x00" if name in rows.columns else name: name for name in logged.cells.columns}
    held = both.select([pl.col(at).alias(name) for at, name in renamed.items()])
    records = both.select(rows.columns)
    arrived = records["happened"].is_not_null().to_numpy()
    if not arrived.any():
        raise DataError(
            f"the log holds no outcome {outcome!r} of the model", rule="a score needs outcomes",
            do="send them to /outcomes, or name the outcome by --outcome",
        )  # fmt: skip
    until = judged_until(records, now) if wait is None else now - timedelta(microseconds=_pause(wait))
    mature = np.ones(len(arrived), dtype=bool) if until is None else (records["time"] <= until).to_numpy()
    truth = coded(model.outputs[0], records, arrived, absent)
    known = arrived | (absent is not None)
    return ServedRows(records, held, truth, known, arrived, mature, _propensity(store, records), until)


def _pause(wait: str) -> int:
    """Return a pause in microseconds; 0 and a unit is none. Raises ConfigError: it is no length of time."""
    if wait.strip() in ("0", "0d", "0h", "0m", "0s"):
        return 0
    try:
        return duration(wait)
    except ValueError as error:
        raise ConfigError(
            f"{wait!r} is no length of time", rule="a number and its unit, such as 7d, 12h or 90min", found=str(error), do="name --wait anew"
        ) from None  # fmt: skip


def coded(output: Output, records: pl.DataFrame, arrived: np.ndarray, absent: str | None) -> np.ndarray:
    """Return outcomes as the task codes them; where there is none, `absent`, or any value.

    A truth value or 0 and 1 stand for a binary target's two labels, whatever these are called; 2.0 is the label 2.

    Raises:
        DataError: an outcome is no label of the target, or no number.
    """
    if output.task.family == "values":
        values = records["number"].to_numpy().astype(float)
        if np.isnan(values[arrived]).any():
            raise DataError(f"outcomes of {output.name!r} are no numbers", rule="the target is a number")
        return np.where(arrived, values, float(absent or 0.0))
    words = ["" if label is None else label for label in records["label"].to_list()]
    default = output.labels[0] if absent is None else absent
    texts = [word if there else default for word, there in zip(words, arrived)]
    said = {text: _label(output.labels, text) for text in set(texts)}
    return output.code(pl.Series(output.name, [said[text] for text in texts]))


def _label(labels: Sequence[str], text: str) -> str:
    """Return the label that an outcome's text stands for; the text itself where it is none."""
    if text in labels:
        return text
    try:
        number = {"false": 0.0, "true": 1.0}[text] if text in ("false", "true") else float(text)
    except ValueError:
        return text
    if len(labels) == 2 and number in (0, 1):
        return labels[int(number)]
    whole = str(int(number)) if number.is_integer() else text
    return whole if whole in labels else text


def _propensity(store: LogStore, records: pl.DataFrame) -> np.ndarray | None:
    found = store.outcomes(Query(name=PROPENSITY)).filter(pl.col("id").is_not_null()).unique("id")
    if not found.height:
        return None
    values = records.select("id").join(found.select("id", "number"), on="id", how="left", maintain_order="left")[
        "number"
    ]
    known = values.to_numpy().astype(float)
    return known if np.isfinite(known).all() and (known > 0).all() else None
