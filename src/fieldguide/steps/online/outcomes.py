"""Outcomes: what came of predictions, read from requests and files into the log, and joined to what was predicted.

Knows how an outcome is written, to which prediction it belongs, and which predictions have waited long enough to be judged.
What is judged, and how, is the business of replay and experiments.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

from fieldguide.core.answering import SHOWN, Problem
from fieldguide.core.errors import DataError
from fieldguide.core.figures import count, verb
from fieldguide.core.files.source import open_source
from fieldguide.core.online.log import EVERYTHING, OUTCOME, LogStore, Outcome, Query, now, predictions, utc
from fieldguide.core.online.outcome_identity import identity
from fieldguide.core.statistics.delay import DelayCurve, kaplan_meier
from fieldguide.steps.online.outcome_values import LONGEST, Expected, value_problem

FIELDS = ("id", "unit", "series", "value", "time", "name", "key")
CHUNK = 10_000
"""Outcomes written in one transaction."""
EXPECTED = Expected()


@dataclass(frozen=True)
class Taken:
    """What became of outcomes that were handed in.

    Args:
        written: outcomes that are in the log now and were not before; corrections are among them.
        repeated: outcomes that were in the log already, and were not written again.
        corrections: outcomes that take the place of an earlier one, which stays in the log.
    """

    written: int = 0
    repeated: int = 0
    corrections: int = 0

    def __add__(self, other: Taken) -> Taken:
        return Taken(
            self.written + other.written, self.repeated + other.repeated, self.corrections + other.corrections
        )  # fmt: skip

    def to_dict(self) -> dict[str, int]:
        return {"written": self.written, "repeated": self.repeated, "corrections": self.corrections}


def taken(store: LogStore, outcomes: Sequence[Outcome]) -> Taken:
    """Return what will become of outcomes when they are appended, by what the log has of them now."""
    seen: set[str] = set()
    of: set[str] = set()
    counts = {"": 0, "same": 0, "other": 0}
    for outcome, found in zip(outcomes, store.held(outcomes)):
        about, token = identity(outcome)
        if token is not None and token in seen:
            found = "same"
        elif about is not None and about in of and found == "":
            found = "other"
        seen |= {token} if token else set()
        of |= {about} if about else set()
        counts[found] += 1
    return Taken(counts[""] + counts["other"], counts["same"], counts["other"])


def outcomes_of(
    records: Iterable[Any], received: datetime, sent_as: str | None = None, expected: Expected = EXPECTED
) -> tuple[list[Outcome], list[Problem]]:
    """Read outcomes given as mappings: `id`, `unit` or `series`, `value`, and perhaps `time`, `name` and `key`.

    Args:
        received: when they arrived; the time of those that name none.
        sent_as: a name of all of them together, the same when they are sent again: outcomes that nothing else tells apart get their key
            from it (those of a unit without a time).
        expected: what the models of the log can be judged by; an outcome of theirs that none can be judged by is a problem.

    Examples:
        >>> outcomes_of([{"unit": "u1", "value": True}, {"unit": "u2"}], datetime(2024, 5, 1))[1][0].rule
        'value is a number, a text or a truth value, a list of them, or numbers by name'
    """
    found, problems = [], []
    for number, record in enumerate(records):
        wrong = _problem(record, number)
        if wrong is not None:
            problems.append(wrong)
            continue
        time = record.get("time")
        try:
            happened = received if time is None else utc(time)
        except DataError as error:
            problems.append(Problem(error.rule, number, "time", ascii(time)[:SHOWN], "2024-05-01T12:00:00Z"))
            continue
        unit, series, name, key = (record.get(field) for field in ("unit", "series", "name", "key"))
        if key is None and unit is not None and time is None and sent_as is not None:
            key = f"{sent_as}/{number}"
        outcome = Outcome(
            happened, record["value"], record.get("id"), None if unit is None else str(unit), OUTCOME if name is None else name, received,
            None if key is None else str(key), time is not None, None if series is None else str(series),
        )  # fmt: skip
        wrong = expected.problem(outcome, number)
        if wrong is None:
            found.append(expected.read(outcome))
        else:
            problems.append(wrong)
    return found, problems


def _problem(record: Any, number: int) -> Problem | None:
    example = '{"id": "…", "value": 1}'
    if not isinstance(record, Mapping):
        return Problem("an outcome is an object", number, value=ascii(record)[:SHOWN], send=example)
    for field in record:
        if field not in FIELDS:
            return Problem(f"an outcome has {', '.join(FIELDS)}", number, ascii(field)[:SHOWN], "", example)
    ident, value = record.get("id"), record.get("value")
    if sum(record.get(field) is not None for field in ("id", "unit", "series")) != 1:
        rule = "an outcome names a prediction by id, a unit, or a series that is forecast, not both"
        return Problem(rule, number, "id", ascii(ident)[:SHOWN], example)
    for field in ("id", "unit", "series", "name", "key"):
        given = record.get(field)
        kinds: Any = (str, int) if field in ("unit", "series", "key") else str
        if given is not None and (
            not isinstance(given, kinds) or isinstance(given, bool) or not 0 < len(str(given)) <= LONGEST
        ):
            return Problem(
                f"{field} is a text of 1 to {LONGEST} characters", number, field, ascii(given)[:SHOWN], "a text"
            )
    if rule := value_problem(value):
        return Problem(rule, number, "value", ascii(value)[:SHOWN], '"value": 1')
    if record.get("series") is not None and record.get("time") is None:
        rule = "an outcome of a series names the time of the step whose value it is"
        return Problem(rule, number, "time", "no time", '"time": "2024-05-01"')
    return None


def take_file(store: LogStore, path: Path) -> Taken:
    """Write the outcomes of a file (CSV, TSV, Parquet, Arrow) into a log; return what became of them.

    The file has the columns `id`, `unit` or `series`, `value`, and perhaps `time`, `name` and `key`. The same file may be taken again, after a
    crash say: what is in the log already is not written again.

    Raises:
        DataError: a row is no outcome, or none that a model of the log can be judged by; nothing of the file's part from there on is written, what was written is told.
    """
    n, total = 0, Taken()
    sent_as, expected = _named(path), Expected.of(store.served())
    for frame in open_source(path).slices(CHUNK):
        plain = frame.with_columns(pl.selectors.temporal().dt.to_string("iso:strict"))
        records = [
            {k: v for k, v in row.items() if v is not None and k in FIELDS} for row in plain.iter_rows(named=True)
        ]
        found, problems = outcomes_of(records, now(), f"{sent_as}/{n}", expected)
        if problems:
            first = problems[0]
            raise DataError(
                f"{path} is no list of outcomes: {first.rule}", rule="id, unit or series, value, and perhaps time, name and key",
                found=f"row {n + (first.row or 0) + 1}, column {first.column}: {first.value}; {count(n, 'outcome')} {verb(n, 'was', 'were')} written before",
                do=f"send {first.send}",
            )  # fmt: skip
        total += taken(store, found)
        store.append(found)
        n += len(found)
    return total


def _named(path: Path) -> str:
    """Return a name of a file by its bytes."""
    with path.open("rb") as file:
        return "file " + hashlib.file_digest(file, "blake2b").hexdigest()[:32]


def corrected(store: LogStore, query: Query = EVERYTHING) -> dict[str, Any]:
    """Return how many outcomes were corrected after the log had heard of them, by name, with an example of each and how late they came."""
    found = store.corrections(query)
    stand = store.outcomes(query)
    by_name = []
    for (name,), part in found.group_by("name", maintain_order=True):
        last = part[-1].to_dicts()[0]
        late = (part["recorded"] - part["was_recorded"]).dt.total_seconds().to_numpy()
        by_name.append({
            "name": name, "n": part.height, "n_outcomes": stand.filter(pl.col("name") == name).height,
            "of": int(part.select(pl.struct("id", "unit", "time").n_unique()).item()),
            "example": {"id": last["id"], "unit": last["unit"], "from": last["was_label"], "to": last["label"], "when": str(last["recorded"])},
            "days": float(np.median(late)) / 86_400,
        })  # fmt: skip
    return {"n": found.height, "n_outcomes": stand.height, "names": by_name}


def joined(store: LogStore, query: Query = EVERYTHING, name: str = OUTCOME) -> pl.DataFrame:
    """Return predictions with their outcome: by id, else the unit's first outcome at or after the prediction.

    Where several outcomes name one prediction, the one that happened first counts; where one was corrected, its correction. A
    prediction without one has nulls. With `query.known`, what the log had heard of by then.

    Returns:
        the columns `core.online.log.PREDICTIONS`, and `number`, `label`, `happened`, `recorded`.
    """
    return joined_to(predictions(store, query), store.outcomes(Query(name=name, known=query.known)))


def joined_to(rows: pl.DataFrame, outcomes: pl.DataFrame) -> pl.DataFrame:
    """Return predictions, in the order of time, with those of some outcomes of one name that are theirs; see `joined`."""
    rows = rows.sort("time", maintain_order=True)
    found = outcomes.rename({"time": "happened"}).sort("happened", maintain_order=True)
    told = ("number", "label", "happened", "recorded")
    by_id = found.filter(pl.col("id").is_not_null()).unique("id", keep="first", maintain_order=True).select("id", *told)
    by_unit = found.filter(pl.col("unit").is_not_null()).select("unit", *told).with_columns(at=pl.col("happened"))
    direct = rows.join(by_id, on="id", how="left", maintain_order="left")
    if not by_unit.height:
        return direct
    later = rows.select("id", "unit", "time").filter(pl.col("unit").is_not_null()).sort("time").join_asof(
        by_unit.sort("at"), left_on="time", right_on="at", by="unit", strategy="forward", check_sortedness=False
    )  # fmt: skip
    both = direct.join(later.select("id", *told), on="id", how="left", suffix="_of_unit", maintain_order="left")
    has_own = pl.col("happened").is_not_null()
    return both.with_columns(
        pl.when(has_own).then(pl.col(name)).otherwise(pl.col(f"{name}_of_unit")).alias(name) for name in told
    ).drop([f"{name}_of_unit" for name in told])


def delay(rows: pl.DataFrame, at: datetime) -> DelayCurve | None:
    """Return how long outcomes take to be *recorded*, from predictions to `at`; None where there is no prediction.

    Args:
        rows: as `joined` returns them.
        at: when it is asked: predictions without an outcome have waited until then.

    Source:
        the Kaplan–Meier curve of `core.statistics.delay`, in seconds.
    """
    if not rows.height:
        return None
    arrived = rows["recorded"].is_not_null()
    end = rows["recorded"].fill_null(at)
    seconds = ((end - rows["time"]).dt.total_microseconds() / 1e6).to_numpy()
    return kaplan_meier(np.maximum(seconds, 0.0), arrived.to_numpy())


def judged_until(rows: pl.DataFrame, at: datetime, share: float = 0.95) -> datetime | None:
    """Return the time up to which predictions may be judged: `share` of the outcomes that come at all have come by then.

    Later predictions are too young: those of them whose outcome is known are the quick ones, and not like the others. Where each has
    its outcome, nothing is waited for. None where no outcome has arrived.
    """
    if rows.height and not rows["recorded"].null_count():
        return at
    curve = delay(rows, at)
    wait = None if curve is None else curve.wait(share)
    return None if wait is None else at - timedelta(seconds=wait)
