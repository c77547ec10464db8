"""Served rows: what a model answered, with the cells it saw, what came of it, and whether it had time to.

Knows the log's rows of one model as arrays that a metric reads. What is judged with them is `steps.online.gap`'s and `steps.online.refresh`'s.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

import numpy as np
import polars as pl

from fieldguide.core.answering import folder_hash
from fieldguide.core.documents.join_sections import duration
from fieldguide.core.errors import ConfigError, DataError, listed
from fieldguide.core.model import Model
from fieldguide.core.online.log import OUTCOME, LogStore, Query, cells
from fieldguide.core.online.log import now as present
from fieldguide.core.problem import Output
from fieldguide.steps.online.outcome_values import labels_in, spelled
from fieldguide.steps.online.outcomes import joined, judged_until

PROPENSITY = "propensity"
"""Name of the outcome that holds the chance with which the decision of a request was taken."""
BITS = ("0", "1")


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
        columns: which of the logged outputs are those of the judged output.

    Shape:
        truth: (rows,), or (rows, width) of label sets and vectors
        known, arrived, mature, propensity: (rows,)
    """

    records: pl.DataFrame
    cells: pl.DataFrame
    truth: np.ndarray
    known: np.ndarray
    arrived: np.ndarray
    mature: np.ndarray
    propensity: np.ndarray | None
    until: datetime | None
    columns: slice = field(default_factory=lambda: slice(None))

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

    @property
    def outputs(self) -> np.ndarray:
        """The judged output's predictions as they were served: (rows, width)."""
        return np.array(self.records["outputs"].to_list(), dtype=float)[:, self.columns]

    def take(self, rows: np.ndarray) -> ServedRows:
        """Return some of the rows, by mask or index."""
        index = np.flatnonzero(rows) if rows.dtype == bool else rows
        return replace(
            self, records=self.records[index], cells=self.cells[index], truth=self.truth[index], known=self.known[index],
            arrived=self.arrived[index], mature=self.mature[index],
            propensity=None if self.propensity is None else self.propensity[index],
        )  # fmt: skip


def served_rows(
    store: LogStore, model: Model, outcome: str, wait: str | None = None, absent: str | None = None, now: datetime | None = None,
    output: Output | None = None,
) -> ServedRows:  # fmt: skip
    """Return what a model answered and what came of it.

    Args:
        outcome: the outcome in the log that is the output's truth; "outcome" where there is none of it: one under the output's name.
        wait: how long outcomes take; None: by their delay curve.
        absent: what a row without an outcome counts as once it is old enough; None: as not known.
        now: the moment of the look.
        output: the output that is judged; None: the first.

    Raises:
        DataError: the log does not hold the model, or holds none of its outcomes, or one that is no truth of the output; the model has no
            target.
    """
    now = now or present()
    output = output or model.outputs[0]
    with_target(output)
    if output.task.name == "forecast":
        raise DataError(
            f"{output.name!r} is a forecast, whose truth arrives step by step", rule="a row is learned from with its whole truth",
            found=f"the task is {output.task.name}",
            do="add the new rows of the series to the study's table, and run the study again",
        )  # fmt: skip
    key = folder_hash(model.folder)
    outcome = outcome_of(store, output, outcome)
    records, held = answered_with(store, key, joined(store, Query(model=key, end=now, known=now), outcome), now)
    arrived = records["happened"].is_not_null().to_numpy()
    if not arrived.any():
        raise DataError(
            f"the log holds no outcome {outcome!r} of the model", rule="a score needs outcomes", found=names_of(store),
            do="send them to /outcomes, or name the outcome by --outcome",
        )  # fmt: skip
    until = judged_until(records, now) if wait is None else now - timedelta(microseconds=pause(wait))
    mature = np.ones(len(arrived), dtype=bool) if until is None else (records["time"] <= until).to_numpy()
    truth = coded(output, records, arrived, absent)
    known = arrived | (absent is not None)
    return ServedRows(
        records, held, truth, known, arrived, mature, propensities(store, records), until, columns_of(model, output)
    )


def with_target(output: Output) -> None:
    """Raise DataError where an output has no truth that could come."""
    if output.targetless:
        raise DataError(
            f"{output.name!r} ({output.task.name}) has no target, and no outcome can judge it", rule="a score needs a truth that comes later",
            found=f"the task is {output.task.name}",
            do="see by fieldguide replay whether what is served is still like what was learned from, or try two of them in an experiment",
        )  # fmt: skip


def outcome_of(store: LogStore, output: Output, outcome: str) -> str:
    """Return under which name outcomes of an output lie in a log: as asked, or where there are none without a name, the output's own."""
    if outcome == OUTCOME and not store.outcomes(Query(name=OUTCOME)).height:
        return output.name if store.outcomes(Query(name=output.name)).height else outcome
    return outcome


def names_of(store: LogStore) -> str:
    """Return which outcomes a log holds, in words."""
    counts = store.outcomes()["name"].value_counts(sort=True, name="n").rows()
    return "the log holds " + (
        listed([f"{n:,} named {name!r}" for name, n in counts]) if counts else "no outcomes at all"
    )


def columns_of(model: Model, output: Output) -> slice:
    """Return which of the logged outputs, which stand side by side, are those of one output."""
    names = [one.name for one in model.outputs]
    start = sum(one.width for one in model.outputs[: names.index(output.name)])
    return slice(start, start + output.width)


def answered_with(store: LogStore, model: str, rows: pl.DataFrame, now: datetime) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Return answered rows of a model and, in the same order, the cells it saw.

    Raises:
        DataError: it has answered nothing.
    """
    logged = cells(store, model, Query(end=now))
    if not logged.records.height:
        raise DataError(
            "the model has answered nothing",
            rule="the gap is between a promise and answers",
            found="0 rows of this model in the log",
            do="name its log",
        )
    seen = logged.cells.with_columns(logged.records["id"].alias("\x00id"))
    both = rows.join(seen, left_on="id", right_on="\x00id", how="inner", suffix="\x00", maintain_order="left")
    renamed = {f"{name}\x00" if name in rows.columns else name: name for name in logged.cells.columns}
    held = both.select([pl.col(at).alias(name) for at, name in renamed.items()])
    return both.select(rows.columns), held


def pause(wait: str) -> int:
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

    A truth value or 0 and 1 stand for a binary target's two labels, whatever these are called, unless one of them is called 0 or 1 itself; 2.0 is
    the label 2, and "Yes" is "yes" where no other label is.

    Raises:
        DataError: an outcome is no label of the target, or no number.
    """
    if output.family == "vector":
        return _vectors(output, records, arrived, absent)
    if output.task.family == "values":
        values = records["number"].to_numpy().astype(float)
        if np.isnan(values[arrived]).any():
            raise DataError(
                f"outcomes of {output.name!r} are no numbers",
                rule="the target is a number",
                found=f"{int(np.isnan(values[arrived]).sum()):,} of {int(arrived.sum()):,} are none",
                do="send the outcomes again as numbers: a correction replaces what was sent",
            )
        return np.where(arrived, values, number_of(absent, output) if absent else 0.0)
    words = ["" if label is None else label for label in records["label"].to_list()]
    if output.family == "multilabel":
        sets = [labels_in(word if there else absent or "", output.labels) for word, there in zip(words, arrived)]
        return output.code(pl.Series(output.name, [list(one) for one in sets], dtype=pl.List(pl.String)))
    default = output.labels[0] if absent is None else absent
    texts = [word if there else default for word, there in zip(words, arrived)]
    said = {text: _label(output.labels, text) for text in set(texts)}
    return output.code(pl.Series(output.name, [said[text] for text in texts]))


def number_of(absent: str, output: Output) -> float:
    """Return what an absent outcome of a number counts as. Raises ConfigError: it is no number."""
    try:
        return float(absent)
    except ValueError:
        raise ConfigError(
            f"an outcome of {output.name!r} that never came cannot count as {absent!r}", rule=f"{output.name} is a number",
            found=absent, do="name --absent anew, such as 0",
        ) from None  # fmt: skip


def truth_columns(output: Output, raw: pl.DataFrame, name: str) -> list[str]:
    """Return the columns of a table that hold an output's truth: its own, or one for each label or entry, as the study may have had them.

    Raises:
        DataError: neither is there.
    """
    if output.name in raw.columns:
        return [output.name]
    if output.joint and all(label in raw.columns for label in output.labels):
        return list(output.labels)
    each = f", or columns {listed(output.labels, 6)}" if output.joint else ""
    raise DataError(
        f"{name} has no column {output.name!r}", rule=f"rows with their truth have a column {output.name}{each}",
        found=f"its columns are {listed(raw.columns, 20)}", do="name the file that holds the truth",
    )  # fmt: skip


def coded_columns(output: Output, raw: pl.DataFrame) -> np.ndarray:
    """Return the truth of offline rows; label sets in any of the ways in which outcomes are read, or as a 0/1 column for each label."""
    columns = truth_columns(output, raw, "the table")
    if columns != [output.name]:
        marks = {"true": "1", "false": "0"}
        cells = [
            raw[one].cast(pl.String).str.to_lowercase().replace(marks).cast(pl.Float64, strict=False) for one in columns
        ]
        texts = [json.dumps(dict(zip(columns, row))) for row in zip(*cells)]
        if output.family == "multilabel":
            texts = [json.dumps([label for label, there in zip(columns, row) if there]) for row in zip(*cells)]
        return output.code(pl.Series(output.name, texts, dtype=pl.String))
    target = raw[output.name]
    if output.family == "multilabel" and target.dtype == pl.String:
        sets = [list(labels_in(text, output.labels)) for text in target]
        target = pl.Series(target.name, sets, dtype=pl.List(pl.String))
    elif output.task.family == "classes" and target.dtype == pl.String:
        target = target.replace({text: spelled(text, output.labels) for text in target.drop_nulls().unique()})
    return output.code(target)


def _vectors(output: Output, records: pl.DataFrame, arrived: np.ndarray, absent: str | None) -> np.ndarray:
    default = json.dumps([number_of(absent, output) if absent else 0.0] * output.width)
    texts = [label if there else default for label, there in zip(records["label"].to_list(), arrived)]
    return output.code(pl.Series(output.name, texts, dtype=pl.String))


def _label(labels: Sequence[str], text: str) -> str:
    """Return the label that an outcome's text stands for; the text itself where it is none."""
    found = spelled(text, labels)
    if found in labels or len(labels) != 2:
        return found
    truth = {"false": "0", "true": "1"}.get(text)
    if truth is None and not any(spelled(label, BITS) in BITS for label in labels):
        truth = spelled(text, BITS)  # where a label is itself 0 or 1, the other one cannot be meant by its place
    return labels[BITS.index(truth)] if truth in BITS else text


def propensities(store: LogStore, records: pl.DataFrame) -> np.ndarray | None:
    """Return the chance with which each row's decision was taken; None where it was not logged for every row."""
    found = store.outcomes(Query(name=PROPENSITY)).filter(pl.col("id").is_not_null()).unique("id")
    if not found.height:
        return None
    values = records.select("id").join(found.select("id", "number"), on="id", how="left", maintain_order="left")[
        "number"
    ]
    known = values.to_numpy().astype(float)
    return known if np.isfinite(known).all() and (known > 0).all() else None
