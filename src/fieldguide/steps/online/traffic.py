"""Traffic: from a log, or a file of rows, to one row per unit, whose outcomes had the same time to arrive.

Knows how a log is read between two moments, which outcomes belong to which unit, and which units are old enough to be judged. What
is made of them is `steps.online.experiment`'s and `steps.online.gap`'s.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path

import numpy as np
import polars as pl

from fieldguide.core.documents.join_sections import duration
from fieldguide.core.documents.plan import MeasureSection, Plan
from fieldguide.core.errors import DataError, listed, nearest
from fieldguide.core.files.source import open_source
from fieldguide.core.online.assignment import Allocation
from fieldguide.core.online.log import OUTCOMES, LogStore, Query, predictions, shown
from fieldguide.core.statistics.delay import DelayCurve, kaplan_meier
from fieldguide.core.statistics.effect import Sample
from fieldguide.parts.stores import open_log
from fieldguide.steps.online.outcome_values import labels_in
from fieldguide.steps.online.row_errors import row_errors

BEFORE = timedelta(days=28)
"""How far before the start a unit's scores and outcomes are looked up, to take variance out."""
ARRIVED = 0.95
"""Share of the outcomes that arrive at all, from which on a unit counts as judged where no window is set."""
DAY = timedelta(days=1)
IN_FILES = ("score", "seconds", "requests")
"""Built-in measures that a file of rows holds without naming them; an error stands in a column, if at all."""


@dataclass(frozen=True)
class Traffic:
    """Answered rows and what came of them.

    Args:
        rows: id, unit, arm, time, score, seconds; of a file also its other columns. Without times `time` is null.
        outcomes: as `core.online.log.OUTCOMES`; empty where the rows of a file hold them.
        before: rows before the start, for covariates.
        origin: what to call it in messages.
        held: whether the outcomes stand in columns of `rows`.
    """

    rows: pl.DataFrame
    outcomes: pl.DataFrame
    before: pl.DataFrame
    origin: str
    held: bool = False


@dataclass(frozen=True)
class Units:
    """One row per unit that was met first between two moments.

    Args:
        frame: unit, arm, first, n_arms, requests, `mature`; per measure `numerator_<name>` (of errors also `denominator_<name>`); `before_<i>`; slices.
        measures: what is measured.
        covariates: columns that were known before exposure.
        slices: columns by which effects are also shown.
        delay: how long outcomes take, in days, or None where no times are known.
        age: how old a unit must be to be judged.
    """

    frame: pl.DataFrame
    measures: Mapping[str, MeasureSection]
    covariates: tuple[str, ...] = ()
    slices: tuple[str, ...] = ()
    delay: DelayCurve | None = None
    age: timedelta = field(default_factory=timedelta)

    @property
    def mature(self) -> pl.DataFrame:
        """The units old enough to be judged."""
        return self.frame.filter(pl.col("mature"))

    def sample(self, measure: str, rows: pl.DataFrame, covariates: bool = True) -> Sample:
        """Return units as one measure sees them.

        Args:
            rows: some rows of `frame`.
            covariates: whether to hand on what was known before exposure.
        """
        said = self.measures[measure]
        known = rows.select(self.covariates).to_numpy() if covariates and self.covariates else None
        per = f"denominator_{measure}" if f"denominator_{measure}" in rows.columns else "requests"
        return Sample(
            rows[f"numerator_{measure}"].to_numpy(),
            rows[per].to_numpy().astype(float) if said.per == "request" or per != "requests" else None,
            known,
        )


def is_log(place: str | Path) -> bool:
    """Whether a plan's log is a store; otherwise it is a file of rows.

    Examples:
        >>> is_log("sqlite:///log.db"), is_log(Path("log.db")), is_log(Path("players.csv.gz"))
        (True, True, False)
    """
    suffixes = {".csv", ".tsv", ".txt", ".parquet", ".pq", ".arrow", ".feather", ".ipc"}
    return isinstance(place, str) or not suffixes & set(place.suffixes)


def read_traffic(plan: Plan, start: datetime | None, end: datetime | None, known: datetime | None = None) -> Traffic:
    """Return what was answered by the plan's arms between two moments, and what came of it.

    Args:
        known: the moment of the look: errors are those of outcomes that were recorded by then; None: all.

    Raises:
        DataError: the file lacks a column, or the log holds no answer of the plan's arms.
    """
    place = plan.of_log()
    if not is_log(place):
        return _of_file(plan, Path(place), start, end)
    store = open_log(str(place), create=False)
    try:
        # An answer of another experiment may bear the name of one of our arms.
        mine = pl.col("arm").is_in(list(plan.arms)) & pl.col("experiment").is_in(["", plan.name])
        rows = predictions(store, Query(start=start, end=end))
        kept = _from_first_dealt(rows.filter(mine), plan)
        if not kept.height and rows.height:
            _no_arm(plan, rows["arm"].unique().to_list())
        before = rows.head(0)
        if start is not None:
            before = predictions(store, Query(start=start - BEFORE, end=start)).filter(pl.col("unit").is_not_null())
        outcomes = store.outcomes(Query(start=None if start is None else start - BEFORE))
        kept = with_errors(plan, store, _known_units(kept), known)
    finally:
        store.close()
    return Traffic(kept, outcomes, before, shown(str(place)))


def with_errors(plan: Plan, store: LogStore, rows: pl.DataFrame, known: datetime | None) -> pl.DataFrame:
    """Return answered rows with `error` and `judged` where a measure of the plan reads them; see `steps.online.row_errors`."""
    if all((said.outcome or name) != "error" for name, said in plan.measures.items()):
        return rows
    return rows.join(row_errors(store, rows, known), on="id", how="left", maintain_order="left")


def _from_first_dealt(rows: pl.DataFrame, plan: Plan) -> pl.DataFrame:
    """Leave out what nobody dealt before the experiment's first own answer: servers hear of a start a moment later.

    A log that never names the experiment (a foreign system's) is taken whole; what is not dealt later on counts, so that
    callers who choose their arm themselves are seen.
    """
    dealt = pl.col("experiment") == plan.name
    first = rows.filter(dealt)["time"].min()
    if first is None:
        return rows
    rows = rows.filter(dealt | (pl.col("time") >= first))
    if sum(plan.shares.values()) > 1 - 1e-9:
        return rows
    # Whoever is in no arm is answered by the first one all the same, and is none of its units.
    arm_of = Allocation(plan.dealt, plan.shares)
    outside = [unit for unit in rows.filter(~dealt)["unit"].drop_nulls().unique() if arm_of(unit) is None]
    return rows.filter(dealt | ~pl.col("unit").is_in(outside))


def _of_file(plan: Plan, path: Path, start: datetime | None, end: datetime | None) -> Traffic:
    said, raw = plan.columns, open_source(path).collect()
    asked = [said.unit, said.arm, *(c for c in (said.time, said.id, said.score) if c), *said.before, *plan.slices]
    asked += [m.outcome or name for name, m in plan.measures.items() if (m.outcome or name) not in IN_FILES]
    absent = [column for column in dict.fromkeys(asked) if column not in raw.columns]
    if absent:
        raise DataError(
            f"{path.name} lacks {listed(repr(a) + nearest(a, raw.columns) for a in absent)}",
            rule="columns and measures of the plan stand in the file", found=f"its columns are {listed(raw.columns)}",
            do="name them under `columns:` and `outcome:` in experiment.yaml",
        )  # fmt: skip
    time = pl.lit(None, pl.Datetime("us")) if said.time is None else _times(raw[said.time]).alias("time")
    rows = raw.with_columns(
        pl.col(said.unit).cast(pl.String).alias("unit"), pl.col(said.arm).cast(pl.String).alias("arm"), time.alias("time"),
        (pl.int_range(pl.len()).cast(pl.String) if said.id is None else pl.col(said.id).cast(pl.String)).alias("id"),
        (pl.lit(None, pl.Float64) if said.score is None else pl.col(said.score).cast(pl.Float64, strict=False)).alias("score"),
    )  # fmt: skip
    rows = rows if "seconds" in rows.columns else rows.with_columns(pl.lit(None, pl.Float64).alias("seconds"))
    arms = rows["arm"].drop_nulls().unique().to_list()
    rows = rows.filter(pl.col("arm").is_in(list(plan.arms)))
    if not rows.height:
        _no_arm(plan, arms)
    if said.time is not None:
        rows = rows.filter(
            (pl.col("time") >= start) if start else pl.lit(True), (pl.col("time") < end) if end else True
        )
    return Traffic(_known_units(rows), pl.DataFrame(schema=OUTCOMES), rows.head(0), str(path), held=True)


def _no_arm(plan: Plan, found: Sequence[str]) -> None:
    raise DataError(
        "none of the rows was answered by an arm of the plan", rule="arms are named as the log names them",
        found=f"the plan has {listed(plan.arms)}, the log {listed(found)}", do="correct the names under `arms:`",
    )  # fmt: skip


def _known_units(rows: pl.DataFrame) -> pl.DataFrame:
    """Return the rows that say whom they are about: the others cannot be dealt to an arm."""
    return rows.filter(pl.col("unit").is_not_null())


def _times(values: pl.Series) -> pl.Series:
    if values.dtype.is_numeric():  # seconds since 1970, as `core.online.log.utc` reads them
        return (values.cast(pl.Float64) * 1e6).round().cast(pl.Int64).cast(pl.Datetime("us"))
    if values.dtype != pl.String:
        return values.cast(pl.Datetime("us"))
    for zoned in (False, True):
        read = values.str.to_datetime(time_unit="us", strict=False, time_zone="UTC" if zoned else None)
        if read.null_count() == values.null_count():
            return read.dt.replace_time_zone(None)
    raise DataError(
        f"the column {values.name!r} holds no times",
        rule="times are ISO 8601, such as 2024-05-01T12:00:00",
        found=f"such as {values.drop_nulls().head(1).to_list()}",
        do="write times so, or name another column",
    )


def units_of(plan: Plan, traffic: Traffic, now: datetime | None = None) -> Units:
    """Aggregate rows to units: outcomes within the window after each unit's first request, and whether it is old enough.

    Rows of one unit depend on each other, which is why nothing below is ever computed over rows.

    Args:
        now: the moment of the look; outcomes recorded later are not known yet. None: everything is known.
    """
    rows = traffic.rows
    window = None if plan.window is None else timedelta(microseconds=duration(plan.window))
    first = rows.group_by("unit", maintain_order=True).agg(
        pl.col("time").min().alias("first"), pl.col("arm").sort_by("time").first(), pl.col("arm").n_unique().alias("n_arms"),
        *(pl.col(name).sort_by("time").first() for name in plan.slices if name in rows.columns),
    )  # fmt: skip
    rows = rows.join(first.select("unit", "first"), on="unit")
    inside = (
        rows if window is None else rows.filter(pl.col("first").is_null() | (pl.col("time") < pl.col("first") + window))
    )
    frame = first.join(inside.group_by("unit").agg(pl.len().cast(pl.Float64).alias("requests")), on="unit", how="left")
    outcomes = _outcomes_of(traffic, first, rows, window, now)
    for name, said in plan.measures.items():
        totals = _totals(name, said, inside, outcomes, traffic)
        frame = frame.join(totals, on="unit", how="left").with_columns(
            pl.col(one).fill_null(0.0) for one in totals.columns if one != "unit"
        )
    frame, covariates = _covariates(plan, frame, traffic)
    delay = None if now is None or traffic.held else _delay(first, outcomes, now)
    age = timedelta(microseconds=plan.age)
    wait = None if age or delay is None or _all_told(plan, inside, outcomes) else delay.wait(ARRIVED)
    if wait is not None:
        age = wait * DAY
    old = pl.lit(True) if now is None or not age else (pl.col("first").is_null() | (pl.col("first") + age <= now))
    slices = tuple(name for name in plan.slices if name in frame.columns)
    return Units(frame.with_columns(old.alias("mature")), plan.measures, covariates, slices, delay, age)


def _outcomes_of(
    traffic: Traffic, first: pl.DataFrame, rows: pl.DataFrame, window: timedelta | None, now: datetime | None
) -> pl.DataFrame:
    """Return outcomes with their unit, within each unit's window and known at `now`."""
    known = traffic.outcomes
    if now is not None:
        known = known.filter(pl.col("recorded").is_null() | (pl.col("recorded") <= now), pl.col("time") <= now)
    by_id = known.filter(pl.col("id").is_not_null()).drop("unit").join(rows.select("id", "unit"), on="id")
    by_unit = known.filter(pl.col("id").is_null())
    found = pl.concat([by_id.select(list(OUTCOMES)), by_unit.select(list(OUTCOMES))]).join(
        first.select("unit", "first"), on="unit"
    )
    # What happened before a unit was met cannot be the doing of its arm.
    found = found.filter(pl.col("first").is_null() | (pl.col("time") >= pl.col("first")))
    return found if window is None else found.filter(pl.col("time") < pl.col("first") + window)


def _all_told(plan: Plan, inside: pl.DataFrame, outcomes: pl.DataFrame) -> bool:
    """Whether every answer has its outcome by id, of each name that is measured: nothing that is to come can set quick units apart."""
    for name in {said.outcome or name for name, said in plan.measures.items()} - {"requests", "score", "seconds"}:
        of_name = pl.col("judged").is_not_null() if name == "error" else pl.col("name") == name
        told = (inside if name == "error" else outcomes).filter(of_name, pl.col("id").is_not_null())
        if inside.join(told.select("id"), on="id", how="anti").height:
            return False
    return True


def _totals(
    name: str, said: MeasureSection, inside: pl.DataFrame, outcomes: pl.DataFrame, traffic: Traffic
) -> pl.DataFrame:
    """Return unit and numerator of one measure."""
    source, column = said.outcome or name, f"numerator_{name}"
    per_unit = said.per == "unit"
    if source == "requests" and source not in traffic.rows.columns:
        return inside.group_by("unit").agg(pl.len().cast(pl.Float64).alias(column))
    if source == "error" and not traffic.held:  # of the answers whose outcome is known: the others say nothing
        told = inside.filter(pl.col("judged").is_not_null()).group_by("unit")
        return told.agg(pl.col("error").sum().alias(column), pl.col("judged").sum().alias(f"denominator_{name}"))
    if source in ("score", "seconds") or traffic.held:
        values = inside.select("unit", numbers(inside[source], said.positive).alias(column))
        built_in = source in ("score", "seconds") and per_unit
        value = pl.col(column).mean() if built_in else pl.col(column).sum()
    else:
        of_series = traffic.outcomes.filter((pl.col("name") == source) & pl.col("series").is_not_null())
        if of_series.height:
            raise DataError(
                f"outcomes of the measure {name!r} are values of series", rule="a measure sums what came of units, and a series' value is of no unit",
                found=f"{of_series.height:,} outcomes such as that of series {of_series['series'][0]!r}",
                do="measure `error`, which judges the forecasts themselves, or send what came of units under a name of its own",
            )  # fmt: skip
        mine = outcomes.filter(pl.col("name") == source)
        values = mine.select("unit", _values(mine, name, said.positive).alias(column))
        value = pl.col(column).sum()
    if said.take == "any":
        value = (pl.col(column) > 0).any().cast(pl.Float64)
    return values.group_by("unit").agg(value)


def _values(outcomes: pl.DataFrame, name: str, positive: str | None) -> pl.Series:
    """Return outcomes as numbers: 1 where the label is the positive one."""
    if positive is not None:  # a label set counts where the label is in it
        held = outcomes["label"].map_elements(
            lambda text: positive in labels_in(text, (positive,)) if text.startswith("[") else text == positive,
            pl.Boolean,
        )
        return held.cast(pl.Float64)
    unread = outcomes.filter(pl.col("number").is_null() & pl.col("label").is_not_null())
    if unread.height:
        raise DataError(
            f"the outcomes of the measure {name!r} are labels", rule="a measure is a number, or a label that counts as 1",
            found=f"{unread.height:,} outcomes such as {unread['label'][0]!r}",
            do=f"set measures.{name}.positive, or measure `error`, which judges the answers by them",
        )  # fmt: skip
    return outcomes["number"]


def numbers(values: pl.Series, positive: str | None = None) -> pl.Series:
    """Return a column of a file as numbers: yes and no, true and false are 1 and 0; a label counts as 1 where it is named.

    Raises:
        DataError: a cell is neither.

    Examples:
        >>> numbers(pl.Series("won", ["true", "False", "1"])).to_list()
        [1.0, 0.0, 1.0]
    """
    if positive is not None:
        return (values.cast(pl.String) == positive).cast(pl.Float64)
    if values.dtype != pl.String:
        return values.cast(pl.Float64)
    words = (
        values.str.to_lowercase()
        .str.strip_chars()
        .replace({"true": "1", "false": "0", "yes": "1", "no": "0", "": None})
    )
    read = words.cast(pl.Float64, strict=False)
    wrong = values.filter(read.is_null() & words.is_not_null())
    if len(wrong):
        raise DataError(
            f"the column {values.name!r} holds cells that are no numbers", rule="a measure is a number, or a label that counts as 1",
            found=f"{len(wrong):,} cells such as {wrong[0]!r}", do="set positive: to the label that counts as 1",
        )  # fmt: skip
    return read


def _covariates(plan: Plan, frame: pl.DataFrame, traffic: Traffic) -> tuple[pl.DataFrame, tuple[str, ...]]:
    """Add what was known of each unit before it was exposed: scores and outcomes before the start, or columns of the file."""
    if traffic.held:
        found: list[pl.DataFrame] = []
        for i, column in enumerate(plan.columns.before):
            values = traffic.rows.select("unit", numbers(traffic.rows[column]).alias(f"before_{i}"))
            found.append(values.group_by("unit").agg(pl.col(f"before_{i}").mean()))
    else:
        source = plan.measures[plan.primary].outcome or plan.primary
        past, ids = traffic.before, traffic.before.select("id", "unit")
        scores = past.group_by("unit").agg(
            pl.col("score").mean().alias("before_0"), pl.len().cast(pl.Float64).alias("before_1")
        )
        mine = traffic.outcomes.filter(pl.col("name") == source, pl.col("number").is_not_null())
        mine = mine.drop("unit").join(ids, on="id")
        found = [scores, mine.group_by("unit").agg(pl.col("number").sum().alias("before_2"))] if past.height else []
    for part in found:
        frame = frame.join(part, on="unit", how="left")
    names_of = [c for c in frame.columns if c.startswith("before_") and frame[c].n_unique() > 1]
    if "before_2" in names_of and not traffic.held:  # a unit that was there and did nothing did 0
        frame = frame.with_columns(pl.when(pl.col("before_0").is_not_null()).then(pl.col("before_2").fill_null(0.0)))
    return frame.with_columns(pl.col(c).cast(pl.Float64).fill_null(np.nan) for c in names_of), tuple(names_of)


def _delay(first: pl.DataFrame, outcomes: pl.DataFrame, now: datetime) -> DelayCurve | None:
    """Return the curve of the time from a unit's first request to its first recorded outcome [days]."""
    heard = outcomes.with_columns(pl.max_horizontal("time", "recorded").alias("heard"))
    known = first.join(heard.group_by("unit").agg(pl.col("heard").min()), on="unit", how="left")
    known = known.filter(pl.col("first").is_not_null())
    if not known.height:
        return None
    waited = (pl.col("heard").fill_null(now) - pl.col("first")).dt.total_microseconds() / 86_400e6
    durations = known.select(waited.alias("waited"))["waited"].to_numpy()
    return kaplan_meier(np.maximum(durations, 0.0), known["heard"].is_not_null().to_numpy())


def logged_cells(url: str, columns: Iterable[str] | None, query: Query) -> pl.DataFrame:
    """Return id and cells of all models' answers, as the models saw them; a column that a model lacks is null there.

    Args:
        columns: the columns wanted; None: all.
    """
    store = open_log(url, create=False)
    try:
        frames = []
        for model in dict.fromkeys(served.model for served in store.served()):
            for part in store.scan_cells(model, query):
                wanted = [c for c in part.cells.columns if columns is None or c in set(columns)]
                frames.append(pl.concat([part.records.select("id"), part.cells.select(wanted)], how="horizontal"))
    finally:
        store.close()
    return pl.concat(frames, how="diagonal_relaxed") if frames else pl.DataFrame(schema={"id": pl.String})
