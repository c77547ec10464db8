"""The log: what was served, to whom, by which arm, and what came of it. The online counterpart of the journal.

Knows the entries (predictions, batches, refusals, outcomes, assignments, the contracts of served models), the questions that
may be asked of them, and what every store must be. How entries lie on a disk is each store's (`parts/stores`); what is
made of them is the business of the steps `replay`, `outcomes`, `join` and `experiment`.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Any, ClassVar, Protocol, runtime_checkable
from urllib.parse import quote

import polars as pl

from fieldguide.core.errors import ConfigError, DataError, listed
from fieldguide.core.table import Column

PREDICTIONS: dict[str, Any] = {
    "id": pl.String, "request": pl.String, "unit": pl.String, "time": pl.Datetime("us"), "arm": pl.String, "model": pl.String,
    "contract": pl.String, "experiment": pl.String, "propensity": pl.Float64, "prediction": pl.String, "score": pl.Float64,
    "outputs": pl.List(pl.Float64), "seconds": pl.Float64, "decision": pl.String, "rule": pl.String, "rules": pl.String,
    "series": pl.String, "origin": pl.Datetime("us"),
}  # fmt: skip
"""Columns of the frames that `LogStore.scan` yields."""
RULED = ("decision", "rule", "rules")
"""Those of them that are there where the model carries rules, else null."""
SERIES = ("series", "origin")
"""Those of them that are there where the row is a forecast whose series and last known step were told, else null."""
OUTCOMES: dict[str, Any] = {
    "id": pl.String, "unit": pl.String, "name": pl.String, "time": pl.Datetime("us"), "recorded": pl.Datetime("us"),
    "number": pl.Float64, "label": pl.String, "series": pl.String,
}  # fmt: skip
CORRECTIONS: dict[str, Any] = {
    **OUTCOMES, "was_number": pl.Float64, "was_label": pl.String, "was_time": pl.Datetime("us"), "was_recorded": pl.Datetime("us"),
}  # fmt: skip
"""Columns of `LogStore.corrections`: the outcome that stands since, and what it took the place of."""
ASSIGNMENTS: dict[str, Any] = {
    "experiment": pl.String, "unit": pl.String, "arm": pl.String, "time": pl.Datetime("us"), "propensity": pl.Float64,
}  # fmt: skip
REFUSALS: dict[str, Any] = {
    "request": pl.String, "time": pl.Datetime("us"), "arm": pl.String, "model": pl.String, "row": pl.Int64,
    "column": pl.String, "rule": pl.String, "value": pl.String,
}  # fmt: skip
OUTCOME = "outcome"
"""The name of an outcome that was given none: the model's own target."""
Value = float | str | bool | Sequence[Any] | Mapping[str, Any]
"""What an outcome may be; what is not one value is kept as JSON text in its label."""


@dataclass(frozen=True)
class Prediction:
    """One answered row.

    Args:
        id: `<request>-<row>`; unique in a log.
        request: the request it was answered in.
        unit: whom it is about, as text; None where the caller named nobody.
        time: when it was answered, UTC without zone.
        arm: the name under which the model was served.
        model: hash of the model folder; `foreign:<arm>` for a system that is not a `Model`.
        contract: version of the columns and their reading; see `contract_version`.
        cells: every feature value as the model saw it, in the order of the contract's columns: number, text, boolean,
            datetime or None.
        prediction: the decision in words (a label or a value).
        score: probability of the positive class (binary), of the decision (more classes), or the value; see
            `core.answering.scores_of`. NaN is kept as null.
        outputs: all probabilities or values, output after output.
        seconds: from the request's arrival to its answer [s]; the log's own commit not included.
        experiment: the experiment whose assignment chose the arm; "".
        propensity: probability with which this arm was dealt to this unit; None where nothing was dealt.
        decision: what the model's rules decide; None where it carries none.
        rule: the rule that decided.
        rules: their version.
        series: of a forecast, the series that is continued; None where the caller did not say.
        origin: of a forecast, the time of its last known step.
    """

    id: str
    request: str
    unit: str | None
    time: datetime
    arm: str
    model: str
    contract: str
    cells: Sequence[Any]
    prediction: str
    score: float
    outputs: Sequence[float]
    seconds: float = 0.0
    experiment: str = ""
    propensity: float | None = None
    decision: str | None = None
    rule: str | None = None
    rules: str | None = None
    series: str | None = None
    origin: datetime | None = None


@dataclass(frozen=True)
class Batch:
    """Many rows answered in one request, kept as one blob.

    Args:
        n_rows: how many.
        rows: Arrow IPC with `PREDICTIONS` columns unit, prediction, score, outputs, those of `RULED` and of `SERIES` where they are known, and the
            cells as `cell_<i>`, LZ4.
    """

    request: str
    time: datetime
    arm: str
    model: str
    contract: str
    n_rows: int
    rows: bytes
    seconds: float = 0.0
    experiment: str = ""
    propensity: float | None = None


@dataclass(frozen=True)
class Refusal:
    """A cell or a row that broke a model's contract and was not answered."""

    request: str
    time: datetime
    arm: str
    model: str
    row: int | None
    column: str | None
    rule: str
    value: str


@dataclass(frozen=True)
class Outcome:
    """What came of a prediction, a unit or a series, known later.

    Args:
        time: when it happened, UTC without zone.
        value: a number, a label or a truth value; a list (a label set, the entries of a vector, the steps of a horizon, None where one is
            not known yet), or entries by name.
        id: the prediction it belongs to; or None and `unit` or `series`.
        unit: whom it is about.
        name: which outcome: `outcome` is the model's target; others are guardrails and further metrics.
        recorded: when the log heard of it; the store sets it where it is None.
        key: a name of the outcome that its sender chose: sent again under it, it is the same outcome, or a correction.
        dated: False: nobody said when it happened, and `time` is when it was heard of.
        series: the series whose value at `time` it is: every forecast of that step is judged by it.
    """

    time: datetime
    value: Value
    id: str | None = None
    unit: str | None = None
    name: str = OUTCOME
    recorded: datetime | None = None
    key: str | None = None
    dated: bool = True
    series: str | None = None


@dataclass(frozen=True)
class Assignment:
    """Which arm a unit was dealt in an experiment; the first one stands, later ones of the same unit are ignored."""

    experiment: str
    unit: str
    arm: str
    time: datetime
    propensity: float


@dataclass(frozen=True)
class Served:
    """The contract of a model that was served, so that a log can be read without the model's folder.

    Args:
        model: hash of the model folder.
        contract: version of the contract.
        columns: the columns whose cells are logged, in order.
        outputs: name, task and labels of each output, as plain data.
        arm: the name it was first served under.
    """

    model: str
    contract: str
    columns: tuple[Column, ...]
    outputs: tuple[Mapping[str, Any], ...]
    arm: str
    time: datetime


@dataclass(frozen=True)
class Media:
    """An image or a sound that a request brought: kept once, however many rows refer to it.

    Args:
        hash: of head and content; rows refer to it as `media:<hash>`, see `core.online.log_media`.
        head: of the `data:` URI, before its comma; "": `content` is the whole cell as it was written.
        content: the bytes.
        time: when it was last sent; it is forgotten with the last row that refers to it.
    """

    hash: str
    head: str
    content: bytes
    time: datetime


Entry = Prediction | Batch | Refusal | Outcome | Assignment | Served | Media


@dataclass(frozen=True)
class Query:
    """Which entries are asked for.

    Args:
        start: from this time on, UTC without zone, inclusive.
        end: before this time.
        model: hash of one model.
        arm: one arm.
        experiment: one experiment.
        name: one kind of outcome.
        known: outcomes as they were known then: what was recorded later is not seen, corrections neither.
    """

    start: datetime | None = None
    end: datetime | None = None
    model: str | None = None
    arm: str | None = None
    experiment: str | None = None
    name: str | None = None
    known: datetime | None = None


EVERYTHING = Query()


@dataclass(frozen=True)
class Logged:
    """Answered rows with their cells; both frames have the same rows in the same order.

    Args:
        records: `PREDICTIONS` columns.
        cells: one typed column per column of the served contract.
    """

    records: pl.DataFrame
    cells: pl.DataFrame


@runtime_checkable
class LogStore(Protocol):
    """A place where a log lies. Called by: the server's writer (append), replay, outcomes, join and experiments (scan …).

    `append` may be called from one thread while others read. Everything in one call is one transaction: on return it
    survives the end of the process by any means, and of the machine where the store's `durable` says so.
    """

    name: ClassVar[str]
    schemes: ClassVar[tuple[str, ...]]  # the URL schemes it opens

    @property
    def durable(self) -> bool:
        """Whether what `append` returned for survives a power cut, not only the end of the process."""

    def append(self, entries: Sequence[Entry]) -> None:
        """Write entries in one transaction. Raises StudyError (disk full, server gone): then none of them is there.

        An outcome that is there already (see `core.online.outcome_identity`) is not written again: whoever does not know whether it arrived sends it again.
        """

    def scan(self, query: Query = EVERYTHING) -> Iterator[pl.DataFrame]:
        """Yield answered rows in the order they were written (single rows first, then batches), as `PREDICTIONS` frames."""

    def scan_cells(self, model: str, query: Query = EVERYTHING) -> Iterator[Logged]:
        """Yield answered rows of one model with every cell as the model saw it, images and sounds too."""

    def outcomes(self, query: Query = EVERYTHING) -> pl.DataFrame:
        """Return the outcomes that stand (`OUTCOMES`); `start` and `end` are of the time they happened."""

    def corrections(self, query: Query = EVERYTHING) -> pl.DataFrame:
        """Return what took the place of an earlier outcome (`CORRECTIONS`), in the order in which it was heard of."""

    def held(self, outcomes: Sequence[Outcome]) -> list[str]:
        """Return, per outcome, what the log has of it: "" nothing, "same", or "other" (it would be a correction)."""

    def assignments(self, query: Query = EVERYTHING) -> pl.DataFrame:
        """Return the first assignment of each unit of each experiment (`ASSIGNMENTS`)."""

    def refusals(self, query: Query = EVERYTHING) -> pl.DataFrame:
        """Return what was not answered (`REFUSALS`)."""

    def served(self) -> tuple[Served, ...]:
        """Return the contracts of all models served, first served first."""

    def media(self, hashes: Sequence[str]) -> dict[str, str]:
        """Return images and sounds by their hash, as the `data:` URIs that were sent; what the log does not hold is left out."""

    def counts(self, query: Query = EVERYTHING) -> dict[str, int]:
        """Return the number of entries of each kind: predictions (rows of batches included), outcomes, assignments, refusals."""

    def forget(self, before: datetime) -> dict[str, int]:
        """Delete predictions, refusals and outcomes older than a time (retention); return how many of each. Assignments stay."""

    def close(self) -> None: ...


def predictions(store: LogStore, query: Query = EVERYTHING) -> pl.DataFrame:
    """Return answered rows as one frame of `PREDICTIONS` columns, ordered by time."""
    frames = list(store.scan(query))
    return pl.concat(frames).sort("time", maintain_order=True) if frames else pl.DataFrame(schema=PREDICTIONS)


def cells(store: LogStore, model: str, query: Query = EVERYTHING) -> Logged:
    """Return answered rows of one model with their cells, in one piece.

    Raises:
        DataError: the log has never seen the model.
    """
    found = list(store.scan_cells(model, query))
    if not found:
        return Logged(pl.DataFrame(schema=PREDICTIONS), pl.DataFrame(schema=cell_schema(served(store, model).columns)))
    return Logged(pl.concat([part.records for part in found]), pl.concat([part.cells for part in found]))


def served(store: LogStore, model: str) -> Served:
    """Return the contract of one model of a log.

    Raises:
        DataError: the log has never seen the model.
    """
    known = store.served()
    for one in known:
        if one.model == model:
            return one
    raise DataError(
        f"the log holds no model {model!r}", rule="a model's contract is logged when it is first served",
        found=f"models are {listed(one.model for one in known)}" if known else "the log holds no model at all",
        do="name the log that the model was served with",
    )  # fmt: skip


def find_store(url: str) -> tuple[str, str]:
    """Return the scheme and the URL of a log; a bare path is SQLite's.

    Examples:
        >>> find_store("predictions.db")
        ('sqlite', 'sqlite:///predictions.db')
        >>> find_store("postgresql://localhost/log")[0]
        'postgresql'

    Raises:
        ConfigError: the URL is empty.
    """
    if not url.strip():
        raise ConfigError(
            "the URL of the log is empty",
            rule="a log has an address",
            found=repr(url),
            do="name one, such as sqlite:///predictions.db",
        )
    scheme, mark, _ = url.partition("://")
    return (scheme, url) if mark else ("sqlite", f"sqlite:///{quote(url)}")


def shown(url: str) -> str:
    """Return a URL without its password, for messages.

    Examples:
        >>> shown("postgresql://me:secret@host/db")
        'postgresql://me:***@host/db'
        >>> shown("postgresql://host/db?user=me&password=secret")
        'postgresql://host/db?user=me&password=***'
    """
    # Up to the last @: a password that holds one, or a slash, should have been quoted, and is hidden all the same.
    hidden = re.sub(r"(://[^/@:]*):.*@", r"\1:***@", url)
    return re.sub(r"(?i)([?&][^=&]*password=)[^&]*", r"\1***", hidden)


def utc(time: datetime | date | str | float) -> datetime:
    """Return a time as UTC without zone: ISO text, seconds since 1970, a date, or a datetime (without a zone: UTC already).

    Examples:
        >>> utc("2024-05-01T12:00:00+02:00")
        datetime.datetime(2024, 5, 1, 10, 0)
        >>> utc(0.25)
        datetime.datetime(1970, 1, 1, 0, 0, 0, 250000)

    Raises:
        DataError: it is no time.
    """
    try:
        if isinstance(time, bool):
            raise ValueError("a truth value")
        if isinstance(time, (int, float)):
            return datetime.fromtimestamp(time, UTC).replace(tzinfo=None)
        if isinstance(time, str):
            time = datetime.fromisoformat(time)
        if not isinstance(time, datetime):
            return datetime(time.year, time.month, time.day)
        return time if time.tzinfo is None else time.astimezone(UTC).replace(tzinfo=None)
    except (ValueError, OverflowError, OSError, TypeError, AttributeError):
        raise DataError(
            "a time cannot be read", rule="ISO 8601 text, such as 2024-05-01T12:00:00Z, or seconds since 1970",
            found=repr(time)[:60],
            do="write it as 2024-05-01T12:00:00Z",
        ) from None  # fmt: skip


_EPOCH = datetime(1970, 1, 1)


def micros(time: datetime) -> int:
    """Return microseconds since 1970 of a UTC time without zone.

    Examples:
        >>> micros(datetime(1970, 1, 1, 0, 0, 1))
        1000000
    """
    elapsed = time - _EPOCH
    return (elapsed.days * 86_400 + elapsed.seconds) * 1_000_000 + elapsed.microseconds


def now() -> datetime:
    """Return the present time, UTC without zone."""
    return datetime.now(UTC).replace(tzinfo=None)


def contract_version(columns: Sequence[Column]) -> str:
    """Return the version of a contract: eight hex digits of what the columns are and how their cells are read.

    Examples:
        >>> contract_version([Column("age", "number")]) == contract_version([Column("age", "number", facts={"n": 1})])
        True
    """
    text = json.dumps([[c.name, c.kind, c.role, dict(c.read)] for c in columns], sort_keys=True, default=str)
    return hashlib.blake2b(text.encode(), digest_size=4).hexdigest()


def cell_schema(columns: Sequence[Column]) -> dict[str, Any]:
    """Return the types of logged cells by column: Float64, Boolean, Datetime("us"), lists of numbers (windows) or String."""
    types = {"number": pl.Float64, "boolean": pl.Boolean, "datetime": pl.Datetime("us"), "window": pl.List(pl.Float64)}
    wide = pl.List(pl.List(pl.Float64))  # several numbers a step
    return {
        column.name: wide if column.kind == "window" and "width" in column.read else types.get(column.kind, pl.String)
        for column in columns
    }
