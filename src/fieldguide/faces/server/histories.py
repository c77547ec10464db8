"""Histories: rows of series with their times, as a table has them, laid out as the windows a forecasting model reads.

Knows which requests are histories and how forecasts are said step by step. How rows become windows is `core.series.ahead`'s, the same code
that `predict` asks of files; from there on a series is a row like any other: dealt, answered, logged with the window the model saw.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import polars as pl

from fieldguide.core.answering import SHOWN, Contract, Problem
from fieldguide.core.errors import DataError, FieldguideError
from fieldguide.core.online.log import utc
from fieldguide.core.reading import Violation
from fieldguide.core.series.ahead import Ahead, ahead, spread
from fieldguide.core.series.panel import HISTORY
from fieldguide.faces.server.answers import Refused
from fieldguide.faces.server.arms import Arm, Deal, Dealt
from fieldguide.faces.server.bodies import Asked

PLAIN = (str, int, float, bool, type(None))


@dataclass(frozen=True)
class Laid:
    """A history as a request for windows, one row a series.

    Args:
        asked: the request that is answered in its place.
        names: of the series, in the order of its rows.
        arms: who answers each.
        laid: the history as each arm reads it, by name of the arm.
    """

    asked: Asked
    names: tuple[str, ...]
    arms: tuple[Arm, ...]
    laid: Mapping[str, Ahead]

    def told(self, rows: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
        """Return answers in which a forecast is a list of steps with their times."""
        return [self._told(i, row) for i, row in enumerate(rows)]

    def frame(self, rows: Sequence[Mapping[str, Any]]) -> pl.DataFrame:
        """Return the same as a table, a row a step, as `predict` writes it, with the id of the answer it belongs to."""
        steps = [
            {"id": row["id"], **({"series": row["series"]} if "series" in row else {}), **step} for row in self.told(rows) for step in row["forecast"]
        ]  # fmt: skip
        time = str(_spec(self.arms[0].contract)["time"])
        return pl.DataFrame(steps).with_columns(pl.col(time).str.to_datetime(time_unit="us"))

    def _told(self, number: int, row: Mapping[str, Any]) -> dict[str, Any]:
        arm, name = self.arms[number], self.names[number]
        spec = _spec(arm.contract)
        asked = self.laid[arm.name]
        at = asked.names.index(name)
        one = Ahead([asked.rows[at]], (name,), asked.times[at : at + 1], asked.unit[at : at + 1], ())
        values = pl.Series(list(row["prediction"].values()), dtype=pl.Float64).to_numpy()[None]
        steps = spread(one, values, arm.contract.model.evidence.get("interval"), False, str(spec["time"]))
        time = str(spec["time"])
        said = [{**step, time: step[time].isoformat()} for step in steps.to_dicts()]
        named = {"series": name} if named_series(spec) else {}
        return {"id": row["id"], **named, "forecast": said, **({"arm": row["arm"]} if "arm" in row else {})}


def is_history(contract: Contract, asked: Asked) -> bool:
    """Whether a request holds rows of series with times, and not windows: what `Model.predict` asks of a file."""
    if contract.model.forecasts is None:
        return False
    if isinstance(asked.rows, pl.DataFrame):
        return HISTORY not in asked.rows.columns
    return not any(HISTORY in row for row in asked.rows)


def whence(
    contract: Contract, rows: Sequence[Mapping[str, Any]]
) -> list[tuple[str | None, datetime | None]] | list[Problem]:
    """Return each window's series and the time of its last known step, as the log keeps them; None where a row does not say.

    Outcomes name a series and a time: without these two a forecast is judged by its id alone.

    Returns:
        (series, time) row by row; or what is wrong with them.
    """
    spec = _spec(contract)
    time = str(spec["time"])
    years = any(one["name"] == time and one["kind"] == "number" for one in spec["columns"])
    found: list[tuple[str | None, datetime | None]] = []
    problems = []
    for number, row in enumerate(rows):
        series, value = row.get("series"), row.get(time)
        try:
            origin = None if value is None else _year(value) if years and not isinstance(value, str) else utc(value)
        except (DataError, ValueError, TypeError, OverflowError):
            problems.append(
                Problem(
                    f"{time} is the time of a window's last step",
                    number,
                    time,
                    ascii(value)[:SHOWN],
                    "2024-05-01, or leave it out",
                )
            )
            continue
        found.append((None if series is None else str(series), origin))
    return problems or found


def _year(value: Any) -> datetime:
    return datetime(int(value), 1, 1)


def named_series(spec: Mapping[str, Any]) -> bool:
    """Whether a model's table holds more than one series."""
    return bool(spec["series"]) or len(spec["targets"]) > 1


def laid_out(asked: Asked, arms: Mapping[str, Arm], deal: Deal) -> Laid:
    """Lay a history out as windows, each series by the arm it is dealt.

    Args:
        asked: its `unit` is whom all series are about; without one each named series is a unit of its own.
        deal: deals units to arms.

    Raises:
        Refused: 422, the rows are no history of this model, or a cell is broken.
    """
    if isinstance(asked.units, tuple):
        raise _refused(Problem(
            "a history is about one unit, or each of its series is one", value="a unit per row", send='"unit": "…", or no unit'
        ))  # fmt: skip
    frame = asked.rows if isinstance(asked.rows, pl.DataFrame) else _frame(asked.rows)
    first = arms[asked.arm] if asked.arm is not None else arms[deal(asked.units).arm]
    laid = {first.name: _laid(frame, first)}
    names = laid[first.name].names
    unnamed = asked.units is not None or not named_series(_spec(first.contract))
    units = asked.units if unnamed else tuple(map(str, names))
    dealt = [deal(unit) for unit in units] if isinstance(units, tuple) else [deal(units)] * len(names)
    if asked.arm is not None:
        dealt = [Dealt(asked.arm)] * len(names)
    chosen = tuple(arms[one.arm] for one in dealt)
    for arm in chosen:
        if arm.name not in laid:
            laid[arm.name] = _laid(frame, arm)
    rows = [laid[arm.name].rows[laid[arm.name].names.index(name)] for arm, name in zip(chosen, names)]
    return Laid(Asked(rows, units, asked.arm), names, chosen, laid)


def _spec(contract: Contract) -> Mapping[str, Any]:
    spec = contract.model.forecasts
    assert spec is not None
    return spec


def _frame(rows: Sequence[Mapping[str, Any]]) -> pl.DataFrame:
    for number, row in enumerate(rows):
        for name, value in row.items():
            if not isinstance(value, PLAIN):
                raise _refused(
                    Problem(
                        "a cell of a history is a number, a text or null", number, name, ascii(value)[:SHOWN], "null"
                    )
                )
    names = dict.fromkeys(name for row in rows for name in row)
    return pl.DataFrame({name: [row.get(name) for row in rows] for name in names}, strict=False)


def _laid(frame: pl.DataFrame, arm: Arm) -> Ahead:
    spec = arm.contract.model.forecasts
    if spec is None:
        raise _refused(Problem("a history is asked of a model that forecasts", value=arm.name, send="another arm"))
    try:
        found = ahead(frame, spec, arm.contract.model.modality)
    except FieldguideError as error:
        raise _refused(
            Problem(error.rule or error.what, None, None, error.found[:SHOWN], error.do), what=error.what
        ) from None
    if found.violations:
        raise _refused(*(_broken(violation, frame) for violation in found.violations))
    return found


def _broken(violation: Violation, frame: pl.DataFrame) -> Problem:
    row = violation.rows[0] if violation.rows else None
    return Problem(
        violation.rule,
        row,
        violation.column,
        ascii(violation.values[0])[:SHOWN] if violation.values else "",
        "null, where it is not known",
    )


def _refused(*problems: Problem, what: str = "the rows are no history that this model can be asked by") -> Refused:
    return Refused(422, what, problems)
