"""Answering a request: what the model saw in each row, what it says, and which cells it refuses to read.

Knows a model's contract and its predictor. Where requests come from, where answers go and what is logged is the server's;
`Model.predict` answers files and frames, and takes broken cells as missing, which a server does not.
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

from fieldguide.core.contracts import Predictions
from fieldguide.core.files.media import FILE_KINDS
from fieldguide.core.model import Model
from fieldguide.core.online.log import cell_schema, contract_version
from fieldguide.core.online.log_media import media_columns
from fieldguide.core.reading import read_frame
from fieldguide.core.rows import Rows
from fieldguide.core.table import Column, Table

SHOWN = 60
"""Characters of a broken value that are repeated to whoever sent it."""


@dataclass(frozen=True)
class Problem:
    """One thing wrong with a request.

    Args:
        rule: what holds of a right request.
        row: number of the row, counted from 0; None: the request as a whole.
        column: the column; None: the row as a whole.
        value: what stood there, shortened.
        send: what to send instead.
    """

    rule: str
    row: int | None = None
    column: str | None = None
    value: str = ""
    send: str = ""

    def to_dict(self) -> dict[str, Any]:
        return {"row": self.row, "column": self.column, "rule": self.rule, "value": self.value, "send": self.send}


@dataclass(frozen=True)
class Answered:
    """Answers to some rows.

    Args:
        predictions: one array per output.
        decisions: per row, the first output's decision in words.
        scores: per row, one number of the first output, see `scores_of`.
        ruled: what the model's rules decide, and the rule that decided, row by row; None where it has none.

    Shape:
        predictions[i]: (rows, labels) or (rows, d)
        scores: (rows,) float64
    """

    predictions: Predictions
    decisions: list[Any]
    scores: np.ndarray
    ruled: tuple[list[str], list[str]] | None = None

    def part(self, start: int, end: int) -> Answered:
        """Return some rows of it."""
        return Answered(
            tuple(p[start:end] for p in self.predictions), self.decisions[start:end], self.scores[start:end],
            None if self.ruled is None else (self.ruled[0][start:end], self.ruled[1][start:end]),
        )  # fmt: skip

    def outputs(self) -> np.ndarray:
        """Return all probabilities or values side by side, (rows, sum of widths) float64."""
        return self.predictions[0] if len(self.predictions) == 1 else np.concatenate(self.predictions, axis=1)


@dataclass(frozen=True)
class Contract:
    """What a request must hold for one model, and how it is read.

    Args:
        model: the model.
        sent: the columns a caller sends.
        columns: the columns that are logged: those and the derived ones, the model's before those that only its rules read.
        examples: values each column may have, from the golden rows.
        hash: of the model folder, 16 hex digits.
        version: of the columns and their reading.
        rules: version of the rules the model carries; "" where it carries none.
        media: places of the columns that hold images or sounds, whose bytes are logged once.
    """

    model: Model
    sent: tuple[Column, ...]
    columns: tuple[Column, ...]
    examples: Mapping[str, Any]
    hash: str
    version: str
    rules: str = ""
    media: tuple[int, ...] = ()

    @staticmethod
    def of(model: Model) -> Contract:
        """Return the contract of a model."""
        rows = model.golden.get("rows") or [{}]
        own = {column.name for column in model.columns}
        asked = () if model.rules is None else tuple(c for c in model.rules.columns if c.name not in own)
        columns = (*model.columns, *asked)
        sent = tuple(column for column in columns if "expression" not in column.read)
        examples = {
            column.name: next((row[column.name] for row in rows if row.get(column.name) is not None), None) for column in sent
        }  # fmt: skip
        version = "" if model.rules is None else model.rules.rules.version
        return Contract(
            model, sent, columns, examples, folder_hash(model.folder), contract_version(columns), version, media_columns(columns)
        )  # fmt: skip

    @property
    def derives(self) -> bool:
        """Whether a column is computed from others."""
        return len(self.sent) < len(self.columns)

    @property
    def read(self) -> tuple[Column, ...]:
        """The columns a caller sends that the model itself reads."""
        own = {column.name for column in self.model.columns}
        return tuple(column for column in self.sent if column.name in own)

    def golden(self) -> list[dict[str, Any]]:
        """Return the golden rows as a caller would send them: what only rules read is missing in them."""
        return [{column.name: row.get(column.name) for column in self.sent} for row in self.model.golden["rows"]]

    def example(self) -> dict[str, Any]:
        """Return a row that is answered: the first golden row."""
        row = (self.model.golden.get("rows") or [{}])[0]
        return {column.name: row.get(column.name) for column in self.sent}


def folder_hash(folder: Path | None) -> str:
    """Return the hash of a model folder: of its manifest, which holds the hash of every file. "" for none."""
    if folder is None:
        return ""
    return hashlib.sha256((folder / "manifest.json").read_bytes()).hexdigest()[:16]


def read_request(
    contract: Contract, rows: Sequence[Mapping[str, Any]]
) -> tuple[Rows | None, list[tuple[Any, ...]], list[Problem]]:
    """Read rows given as mappings: cells for the predictor, cells for the log, and what is wrong.

    Gives the predictor bit for bit what `Model.predict_rows` gives it.

    Returns:
        (cells, row by row what the model saw, problems); cells are None where there is a problem.
    """
    problems = missing(contract, rows)
    if problems:
        return None, [], problems
    if contract.derives:
        names = [column.name for column in contract.sent]
        return read_batch(contract, pl.DataFrame({name: [row[name] for row in rows] for name in names}, strict=False))
    cells, saw = {}, []
    own = contract.model.columns
    for number_of, column in enumerate(contract.sent):
        modality, name = contract.model.modality(column.modality), column.name
        values = []
        for number, row in enumerate(rows):
            value, broken = modality.read_value(row[name], column)
            if broken:
                problems.append(_broken(contract, column, number, row[name]))
            values.append(value)
        saw.append(values)
        if not problems and number_of < len(own):  # what only rules read comes last
            cells[name] = _array(modality, column.modality, values)
    if problems:
        return None, [], problems
    encoded = tuple(column for column in own if column.encoded)
    return Rows(encoded, cells, n_rows=len(rows)), list(zip(*saw)), []


def read_batch(contract: Contract, raw: pl.DataFrame) -> tuple[Rows | None, list[tuple[Any, ...]], list[Problem]]:
    """Read a data frame as `read_request` reads mappings."""
    rows, typed, problems = read_typed(contract, raw)
    return rows, [] if rows is None else typed.rows(), problems


def read_typed(contract: Contract, raw: pl.DataFrame) -> tuple[Rows | None, pl.DataFrame, list[Problem]]:
    """Read a data frame whose columns are all there; return cells, the typed frame for the log, and what is wrong."""
    table, violations = read_frame(raw, contract.columns, contract.model.modality)
    problems = []
    for violation in violations:
        column = next(column for column in contract.columns if column.name == violation.column)
        for row in violation.rows:
            problems.append(_broken(contract, column, row, raw[column.name][row]))
    if problems:
        return None, table.frame, problems
    own = Table(table.frame.select([column.name for column in contract.model.columns]), contract.model.columns)
    return Rows.of(own, (), contract.model.modality), table.frame, []


def ruled(contract: Contract, answers: Answered, seen: pl.DataFrame | Sequence[tuple[Any, ...]]) -> Answered:
    """Return answers with what the model's rules decide by them; as they are where it carries none.

    Args:
        seen: the rows as the model saw them, in the order of the contract's columns: a typed frame, or row by row.
    """
    rules = contract.model.rules
    if rules is None:
        return answers
    if not isinstance(seen, pl.DataFrame):
        schema = cell_schema(rules.columns)
        at = {column.name: i for i, column in enumerate(contract.columns)}
        seen = pl.DataFrame([pl.Series(n, [row[at[n]] for row in seen], dtype=dtype) for n, dtype in schema.items()])
    found = rules.answer(answers.predictions, contract.model.thresholds, seen)
    return replace(answers, ruled=(found["decision"].to_list(), found["rule"].to_list()))


def answered(model: Model, rows: Rows) -> Answered:
    """Answer rows that were read."""
    predictions = model.predictor.predict(rows.cells, len(rows))
    decisions = model.decide(predictions)[0]
    return Answered(predictions, decisions, scores_of(model, predictions[0], decisions))


def scores_of(model: Model, prediction: np.ndarray, decisions: Sequence[Any]) -> np.ndarray:
    """Return one number per row of the first output: what experiments compare.

    Probability of the positive class (binary), of the decision (more classes), of the likeliest label (a set); the value; the
    first entry (a vector); the membership in the likeliest cluster, the first coordinate (without a target).
    """
    output = model.outputs[0]
    if output.targetless:
        sure: np.ndarray = output.task.score(prediction)  # type: ignore[attr-defined]
        return sure
    if output.family == "multilabel":
        return prediction.max(axis=1)
    if output.family != "multiclass":
        return prediction[:, 1 if output.family == "binary" else 0]
    at = {label: i for i, label in enumerate(output.labels)}
    return prediction[np.arange(len(prediction)), [at[decision] for decision in decisions]]


def missing(contract: Contract, rows: Sequence[Mapping[str, Any]]) -> list[Problem]:
    """Return the columns that are absent, row by row."""
    problems = []
    for number, row in enumerate(rows):
        for column in contract.sent:
            if column.name not in row:
                problems.append(_absent(contract, column, number))
    return problems


def missing_columns(contract: Contract, names: Sequence[str]) -> list[Problem]:
    """Return the columns that a batch does not have."""
    return [_absent(contract, column, None) for column in contract.sent if column.name not in names]


def typical_effects(contract: Contract, rows: Sequence[Mapping[str, Any]]) -> list[dict[str, float]]:
    """Return, per row, how much each column's value moves the score from what it would be at a typical value.

    For a row x and a column j: f(x) − mean over golden rows g of f(x with x_j := g_j). The golden rows' cells are drawn
    column by column from training rows, so this is the difference to the column's training-typical value while all other
    cells stay. It is a one-at-a-time difference, not a Shapley value: effects do not add up to the prediction where
    columns act together.

    Raises:
        ValueError: a row breaks the contract (check with `read_request` first).
    """
    golden, columns = contract.golden(), contract.read
    varied = [{**row, column.name: other[column.name]} for row in rows for column in columns for other in golden]
    cells, _, problems = read_request(contract, [*rows, *varied])
    if cells is None:
        raise ValueError(f"a row breaks the contract: {problems[0]}")
    answers = answered(contract.model, cells)
    output, scores = contract.model.outputs[0], answers.scores
    if output.family == "multiclass":  # the score of the row's own decision throughout
        at = {label: i for i, label in enumerate(output.labels)}
        per_row = len(columns) * len(golden)
        own = [at[decision] for decision in answers.decisions[: len(rows)]]
        scores = answers.predictions[0][np.arange(len(scores)), own + [label for label in own for _ in range(per_row)]]
    elif output.family in ("multilabel", "structure") and answers.predictions[0].shape[1]:
        # the part of the answer that is the row's score: its likeliest label, its own cluster, the first coordinate
        mine = np.argmax(answers.predictions[0][: len(rows)] == scores[: len(rows), None], axis=1)
        scores = answers.predictions[0][
            np.arange(len(scores)), np.concatenate([mine, np.repeat(mine, len(columns) * len(golden))])
        ]
    moved = scores[len(rows) :].reshape(len(rows), len(columns), len(golden)).mean(axis=2)
    return [{column.name: float(scores[i] - moved[i, j]) for j, column in enumerate(columns)} for i in range(len(rows))]


CHEAP = ("tree", "linear")
"""Explainers that answer within a request."""


def own_parts(contract: Contract, rows: Sequence[Mapping[str, Any]]) -> dict[str, Any] | None:
    """Return Shapley values of each row by the model's own trees or coefficients; None where it has neither.

    Of the first output: of two labels the second, of more or of a set each row's likeliest, of values the first. A linear model is
    held against the golden rows, trees against their training rows. Corrected (calibrated) models and blends have none.

    Returns:
        explainer, scale, and per row base, score, parts by column, and by how much they do not add up.

    Raises:
        ValueError: a row breaks the contract (check with `read_request` first).
    """
    model = contract.model
    explainer = next(
        (e for e in (model.find("explainers", name)() for name in CHEAP) if not e.declines(model.predictor)), None
    )
    if explainer is None:
        return None
    asked, _, problems = read_request(contract, rows)
    background, _, more = read_request(contract, contract.golden())
    if asked is None or background is None:
        raise ValueError(f"a row breaks the contract: {(problems or more)[0]}")
    output, which = model.outputs[0], np.zeros(len(asked), np.int64)
    if output.family == "binary":
        which[:] = 1
    elif output.family in ("multiclass", "multilabel"):
        which = model.predictor.predict(asked.cells, len(asked))[0].argmax(axis=1)
    found = explainer.explain(model.predictor, asked, background, output=0, which=which, seed=0)
    gaps = found.base + found.values.sum(axis=1) - found.scores
    return {
        "explainer": explainer.name, "scale": found.scale,
        "rows": [
            {
                "base": float(found.base[i]), "score": float(found.scores[i]), "parts": dict(zip(found.names, found.values[i].tolist())),
                "error": float(gaps[i]),
            }
            for i in range(len(asked))
        ],
    }  # fmt: skip


def _array(modality: Any, kind: str, values: list[Any]) -> np.ndarray:
    """Return read values as `Modality.cells` would, without an array per value."""
    if kind in ("number", "boolean"):
        return np.array([math.nan if value is None else value for value in values], np.float64)
    if kind == "category":
        cells = np.empty(len(values), object)
        cells[:] = values
        return cells
    return modality.cell(values[0]) if len(values) == 1 else np.concatenate([modality.cell(v) for v in values])


def _absent(contract: Contract, column: Column, row: int | None) -> Problem:
    return Problem(
        "a row has every column the model reads; its value may be null", row, column.name, "no such column", f"{column.name}: {_sample(contract, column)}"
    )  # fmt: skip


def _broken(contract: Contract, column: Column, row: int, value: Any) -> Problem:
    what = {
        "number": "a number",
        "boolean": "true or false",
        "datetime": "a date and time",
        "category": "a text or a number",
        "image": "an image as a data: URI in base64",
        "audio": "a sound as a data: URI in base64",
    }
    rule = f"{what.get(column.kind, f'a {column.kind}')}, or null"
    return Problem(rule, row, column.name, ascii(value)[:SHOWN], _sample(contract, column))


def _sample(contract: Contract, column: Column) -> str:
    example = contract.examples.get(column.name)
    if column.kind in FILE_KINDS and isinstance(example, str):
        return f"{example[:40]}… or null"
    return "null" if example is None else f"{example!r} or null" if isinstance(example, str) else f"{example} or null"
