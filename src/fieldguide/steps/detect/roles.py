"""Detect roles: which columns are time, group, row numbers or key.

Sees features, their order and their repetitions, never the target. Acts only where it is sure; the rest are proposals
that a person settles in `study.yaml`.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import polars as pl

from fieldguide.core.cell import texts_of
from fieldguide.core.errors import listed
from fieldguide.core.files.source import Source
from fieldguide.core.language.expression import parse
from fieldguide.core.seeds import generator
from fieldguide.core.series.frequency import frequency_of
from fieldguide.core.table import ENCODED_KINDS, Column
from fieldguide.parts import modality
from fieldguide.steps.detect.calendar import free_name, is_year, time_parts
from fieldguide.steps.detect.columns import id_like, words_of
from fieldguide.steps.detect.sample import sample_of
from fieldguide.steps.detect.spelling import order_rate

IN_ORDER = 0.99  # share of neighbouring rows in time order that makes a column the time
SPAN_BINS = 20
SPAN_YEARS = 30
SAME = 0.9  # a column is constant within a group when this share of pairs of its rows agree
CLOSE = 0.1  # … or, for numbers, when the variance within groups is at most this share of the whole
FEWEST_GROUPS = 20
PAIRS = 20_000
# Dates of a thing's life, not of the row's collection: never sure …
_LIFE = re.compile(
    r"birth|born|^dob$|^bday|since|found|built|hire|expir|^due$|valid|until|death|died|next|renov|graduat|manufact|matur"
)
# … and dates that are the row's collection only where the rows are ordered by them.
_MAYBE = re.compile(r"build|open|join|regist|enrol|end|close|first|last|prev|releas|publish|licen|install|issue")
_EVENT = re.compile(r"^(date|datetime|timestamp|time|day|ts|when|dteday|datum|fecha|period|month|week|at)$")
_PEOPLE = {
    "individual", "user", "customer", "client", "patient", "subject", "participant", "person", "member", "household",
    "student",
    "employee", "speaker", "animal", "athlete", "player", "respondent", "applicant", "borrower", "family", "donor",
    "host",
    "account", "uid",
}  # fmt: skip
_FILLERS = {"id", "no", "nr", "num", "number", "code", "name", "ref", "reference", "key", ""}
# Numbered levels of these are steps of a scale, not units.
_SCALES = re.compile(
    r"week|month|quarter|year|day|hour|grade|class|level|stage|age|band|bin|bucket|rank|floor|cluster|decile"
)
MOST_EACH = 50  # rows per level (mean) above which a level is a class rather than a unit
MANY_UNITS, FEW_EACH = 100, 20  # levels, and rows of each, from which codes alone say that others will come


@dataclass(frozen=True)
class RoleGuess:
    """One column that may play a role; `sure` ones act, others are proposals."""

    column: str
    role: str  # "time", "group", "ignore" or "key"
    sure: bool
    why: str
    expression: str = ""  # of a column that is still to be derived
    step: str = ""  # where rows are one series: from one row to the next

    def to_dict(self) -> dict[str, Any]:
        more = {"expression": self.expression, "step": self.step}
        told = {"column": self.column, "role": self.role, "sure": self.sure, "why": self.why}
        return told | {name: value for name, value in more.items() if value}


@dataclass(frozen=True)
class RolesGuess:
    """Candidates per role, the likeliest first; at most one time and one group column are sure.

    Args:
        ignored: row numbers.
        key: the column that names a row in predictions, or None: number the rows.
        notes: what was seen and cannot act, one sentence each.
    """

    time: tuple[RoleGuess, ...] = ()
    group: tuple[RoleGuess, ...] = ()
    ignored: tuple[RoleGuess, ...] = ()
    key: RoleGuess | None = None
    notes: tuple[str, ...] = ()

    @property
    def sure(self) -> dict[str, str]:
        """Column name to role, for those that act; a key is listed unless it has another role."""
        found = {guess.column: guess.role for guess in (*self.ignored, *self.group, *self.time) if guess.sure}
        return found if self.key is None or self.key.column in found else found | {self.key.column: "key"}

    def to_dict(self) -> dict[str, Any]:
        return {
            "time": [guess.to_dict() for guess in self.time], "group": [guess.to_dict() for guess in self.group],
            "ignored": [guess.to_dict() for guess in self.ignored],
            "key": None if self.key is None else self.key.to_dict(), "notes": list(self.notes),
        }  # fmt: skip


def detect_roles(source: Source, columns: Sequence[Column]) -> RolesGuess:
    """Return which columns may be time, group, row numbers or key.

    Args:
        columns: as `detect_columns` gave them; targets and ignored columns are not looked at.

    Examples:
        >>> from fieldguide.core.files.source import open_source
        >>> from fieldguide.steps.detect.columns import detect_columns
        >>> source = open_source({"date": [f"2024-01-{day:02}" for day in range(1, 31)], "sold": list(range(30, 60))})
        >>> detect_roles(source, detect_columns(source, targets=["sold"])).sure
        {'date': 'time'}
    """
    features = [column for column in columns if column.role == "feature"]
    frame = sample_of(source).frame.select([column.name for column in features])
    rows = tuple(
        RoleGuess(c.name, "ignore", True, f"{c.facts.get('why')}: a place in the file, not a property")
        for c in features
        if c.facts.get("row_numbers")
    )
    key = _key(source, features)
    # An id of rows that is numbered through is a key when its name says so, else only a row number.
    rows = tuple(guess for guess in rows if key is None or guess.column != key.column)
    time, notes = _times(frame, features)
    timed = any(guess.sure for guess in time)
    return RolesGuess(time, _groups(frame, features, timed), rows, key, (*notes, *_calendar_note(features, time)))


def _key(source: Source, features: Sequence[Column]) -> RoleGuess | None:
    unique = [column for column in features if column.kind == "id" and _is_unique(source, column)]
    named = [column for column in unique if id_like(column.name)]
    plain = [column for column in unique if not column.facts.get("row_numbers")]
    for column in [*named, *plain][:1]:
        return RoleGuess(column.name, "key", True, f"all {column.facts['n_rows']:,} of its cells are different")
    return None


def _is_unique(source: Source, column: Column) -> bool:
    facts = column.facts
    if facts["n_missing"] or "n_looked_at" not in facts:
        return not facts["n_missing"] and bool(facts["n_unique"] == facts["n_rows"])
    if facts["n_unique"] < 0.9 * facts["n_rows"]:
        return False
    distinct = source.frame.select(pl.col(column.name).n_unique()).collect(engine="streaming").item()  # not an estimate
    return bool(distinct == facts["n_rows"])


def _times(frame: pl.DataFrame, features: Sequence[Column]) -> tuple[tuple[RoleGuess, ...], list[str]]:
    found: list[tuple[tuple[float, ...], RoleGuess]] = []
    notes = []
    if (made := _of_parts(frame, features)) is not None:
        found.append(((0.0, -1.0, 0.0, 0.0, float(len(features))), made))
    for position, column in enumerate(features):
        if made is None and is_year(column) and (guess := _years(frame[column.name], column)) is not None:
            found.append(((0.0, -1.0, 0.0, 0.0, float(len(features) + 1 + position)), guess))
        if column.kind != "datetime":
            continue
        values = modality("datetime").read(frame[column.name], column)[0].to_physical()
        known = values.drop_nulls()
        if known.n_unique() < 3:
            notes.append(
                f"{column.name!r} holds {known.n_unique()} different dates: too few to be the time of the rows"
            )
            continue
        rate, span = order_rate(values), _spread(known)
        sure, why = _is_time(column, rate, span, values.null_count() / max(values.len(), 1))
        rank = (-float(sure), -round(rate, 3), -float(span >= 0.9), float(known.median()), float(position))
        step = _one_series(values) if rate >= IN_ORDER else ""
        found.append((rank, RoleGuess(column.name, "time", sure, why, step=step)))
    guesses = [guess for _, guess in sorted(found, key=lambda pair: pair[0])]
    first = guesses[:1]
    later = [
        replace(g, sure=False, why=f"{g.why}; {guesses[0].column!r} comes before it", step="") for g in guesses[1:]
    ]
    return (*first, *later), notes


def _of_parts(frame: pl.DataFrame, features: Sequence[Column]) -> RoleGuess | None:
    """A year and a month (or a quarter) in columns of their own are proposed as the time where rows stand in their order."""
    parts = time_parts(features)
    if parts is None or any(column.kind == "datetime" for column in features):
        return None
    there = {column.name: column for column in features}
    numbers = [modality("number").read(frame[name], there[name])[0] for name in parts.names]
    moments = pl.DataFrame(numbers).select(sum(pl.col(n) * 100.0**-k for k, n in enumerate(parts.names))).to_series()
    if order_rate(moments) < IN_ORDER:
        return None
    name = free_name(frame.columns)
    why = f"{' and '.join(map(repr, parts.names))} tell it together, and rows are ordered by them"
    typed = pl.DataFrame(numbers).select(parse(parts.expression, dict.fromkeys(parts.names, "number")).polars())
    return RoleGuess(name, "time", False, why, parts.expression, _one_series(typed.to_series().to_physical()))


def _years(raw: pl.Series, column: Column) -> RoleGuess | None:
    """Years by which rows are ordered are proposed: they may as well be a property, such as the year of building."""
    years = modality("number").read(raw, column)[0]
    known = years.drop_nulls()
    whole = bool(((known == known.round()) & known.is_between(1500, 2199)).all())
    if not whole or known.n_unique() < 3 or order_rate(years) < IN_ORDER:
        return None
    dates = pl.DataFrame({"year": known}).select(pl.datetime(pl.col("year").cast(pl.Int32), 1, 1, time_unit="us"))
    why = f"its whole numbers are years, and rows are ordered by them ({order_rate(years):.1%} of neighbouring rows)"
    return RoleGuess(column.name, "time", False, why, step=_one_series(dates.to_series().to_physical()))


def _one_series(moments: pl.Series) -> str:
    """Return the step of rows that are one series, in words: no time is met twice, and nearly all stand on one step."""
    times = moments.drop_nulls().sort().to_numpy()
    if len(times) < FEWEST_GROUPS or len(times) < len(moments) or not np.diff(times).all():
        return ""
    found = frequency_of(times, np.array([0, len(times)]))
    if found is None or found[1] < IN_ORDER:
        return ""
    return found[0].words if int(found[0].numbers(times)[0][-1]) < 1.5 * len(times) + 1 else ""


def _is_time(column: Column, rate: float, span: float, missing: float) -> tuple[bool, str]:
    words = words_of(column.name)
    life, maybe, event = (any(pattern.search(word) for word in words) for pattern in (_LIFE, _MAYBE, _EVENT))
    if life:
        return (
            False,
            "as its name says, its dates belong to the life of each row's subject, not to the collection of rows",
        )
    if missing > 0.05:
        return False, f"{missing:.0%} of its dates are missing"
    if "questions" in column.facts:
        return False, "its dates can be read in two ways"
    if rate >= IN_ORDER:
        return True, f"rows are ordered by it ({rate:.1%} of neighbouring rows)"
    if span >= 0.9 and event and not maybe:
        return (
            True,
            f"its dates span the collection evenly ({span:.0%} of {SPAN_BINS} equal periods hold their share of rows)",
        )
    return False, f"rows are not ordered by it ({rate:.0%} of neighbouring rows)"


def _spread(known: pl.Series) -> float:
    """Return the share of 20 equal periods that hold a quarter of an equal share of rows or more; 0 past 30 years."""
    values = known.to_numpy()
    years = (values.max() - values.min()) / (365.25 * 86_400e6)
    if len(values) < 100 or years > SPAN_YEARS:
        return 0.0
    counts, _ = np.histogram(values, bins=SPAN_BINS)
    return float((counts >= len(values) / SPAN_BINS / 4).mean())


def _calendar_note(features: Sequence[Column], time: Sequence[RoleGuess]) -> list[str]:
    """Say it where the parts of a date stand in columns of their own."""
    if any(guess.sure for guess in time):
        return []
    parts = {part: [c.name for c in features if c.kind != "datetime" and c.name.lower() in names] for part, names in {
        "year": ("year", "yr", "yyyy"), "month": ("month", "mnth", "mon"), "day": ("day", "dayofmonth", "day_of_month"),
    }.items()}  # fmt: skip
    present = [name for names in parts.values() for name in names]
    if parts["month"] and parts["day"] and not parts["year"]:
        return [f"{listed(map(repr, present))} give a date without a year: no time column can be made of them"]
    if parts["year"] and len(present) >= 1:
        return [
            f"{listed(map(repr, present))} may tell when a row was collected, but no date column does: "
            "rows are not split by time"
        ]
    return []


def _groups(frame: pl.DataFrame, features: Sequence[Column], timed: bool) -> tuple[RoleGuess, ...]:
    candidates = [column for column in features if _may_group(column)]
    if not candidates:
        return ()
    cells = {c.name: _as_numbers(frame[c.name], c) for c in features if c.kind in ENCODED_KINDS}
    found = [guess for column in candidates if (guess := _group(frame[column.name], column, cells, timed)) is not None]
    guesses = [guess for _, guess in sorted(found, key=lambda pair: pair[0])]
    later = [RoleGuess(g.column, g.role, False, f"{g.why}; {guesses[0].column!r} is the likelier") for g in guesses[1:]]
    return (*guesses[:1], *later)


def _named(name: str) -> bool:
    """Return whether a name says identifier, or names a person or thing that is met again (subject, patient)."""
    bare = {word.strip("#") for word in words_of(name)} - _FILLERS
    return id_like(name) or bool(bare and bare <= _PEOPLE)


def _may_group(column: Column) -> bool:
    n_unique = column.facts.get("n_unique", 0)
    n_known = column.facts.get("n_rows", 0) - column.facts.get("n_missing", 0)
    named = _named(column.name)
    if column.kind not in ("category", "id") and not (column.kind == "number" and named):
        return False
    if n_unique < FEWEST_GROUPS or n_unique > 0.95 * n_known or column.facts.get("row_numbers"):
        return False
    # A category of few levels without such a name is of the domain (country, model), not an entity.
    return named or n_unique >= 0.02 * n_known


def _group(
    raw: pl.Series, column: Column, cells: Mapping[str, np.ndarray], timed: bool
) -> tuple[tuple[float, ...], RoleGuess] | None:
    """Return the rank and the guess of one candidate, or None where its rows have little in common."""
    n_unique, n_known = column.facts["n_unique"], column.facts["n_rows"] - column.facts["n_missing"]
    held, judged = _held(raw, {name: values for name, values in cells.items() if name != column.name})
    share = len(held) / judged if judged else 0.0
    named = _named(column.name)
    people = bool(words_of(column.name) & _PEOPLE) or any(column.name.lower().startswith(word) for word in _PEOPLE)
    told = f"{n_unique:,} values stand in {n_known / max(n_unique, 1):.1f} rows each"
    if held:
        told += f", and {len(held)} of {judged} other columns are (nearly) constant within them ({listed(held, 3)})"
    sure = named and judged >= 2 and (share >= 0.5 or (people and bool(held)))
    # Where time divides the rows, units that are known return; else each of these says that new ones will come.
    each, coded = n_known / max(n_unique, 1), column.kind != "number" and _coded(raw, column.name)
    if not timed and not sure and each <= MOST_EACH and _even(raw, column.kind):
        many = coded and n_unique >= MANY_UNITS and each <= FEW_EACH
        sure = (named and people) or (coded and len(held) >= 2) or many
        told += ", and its values are codes" if coded else ""
    if not named and not sure and (share < 0.5 or judged < 2) and not (coded and held):
        return None
    return (-float(sure), -float(named), -share, float(n_unique)), RoleGuess(column.name, "group", sure, told)


def _even(raw: pl.Series, kind: str) -> bool:
    """Return whether no level has ten times the mean rows, and numbers are whole: counts and amounts crowd at a few values."""
    texts = texts_of(raw)[0].drop_nulls()
    sizes = texts.value_counts()["count"].to_numpy()
    whole = kind != "number" or not bool(texts.str.contains(r"[.,]\d*[1-9]").any())
    return whole and bool(len(sizes) and sizes.max() <= max(20, 10 * sizes.mean()))


def _coded(raw: pl.Series, name: str) -> bool:
    """Return whether levels are numbered through (S-0001, S-0002) or hashes: given to units, not words of a domain.

    Examples:
        >>> _coded(pl.Series(["K10", "K207", "K31"]), "ref"), _coded(pl.Series(["A/5 21", "PC 17", "3"]), "ticket")
        (True, False)
        >>> _coded(pl.Series(["week 1", "week 2"]), "week"), _coded(pl.Series(["9f86d081", "60303ae2"]), "x")
        (False, True)
    """
    texts = texts_of(raw)[0].drop_nulls().unique().str.strip_chars()
    if _SCALES.search(name.lower()) or not len(texts):
        return False
    if float(texts.str.contains(r"^[0-9a-fA-F-]{8,}$").mean() or 0.0) >= 0.95:  # type: ignore[arg-type]
        both = texts.str.contains("[0-9]") & texts.str.contains("[a-fA-F]")
        return texts.str.len_chars().n_unique() == 1 and float(both.mean() or 0.0) >= 0.8  # type: ignore[arg-type]
    stems = texts.str.replace(r"\d+$", "#")
    stem, count = stems.value_counts(sort=True).row(0)
    return bool(count >= 0.95 * len(texts) and re.search("[A-Za-z].*#$", stem) and not _SCALES.search(stem.lower()))


def _as_numbers(raw: pl.Series, column: Column) -> np.ndarray:
    """Return (rows,) float64: values, or codes of levels in no order, so that being near means nothing."""
    typed = modality(column.kind).read(raw, column)[0]
    if column.kind == "number":
        return typed.to_numpy().astype(np.float64)
    if column.kind == "datetime":
        return typed.to_physical().cast(pl.Float64).to_numpy().astype(np.float64)
    codes = typed.cast(pl.String).rank("dense").fill_null(0).to_numpy().astype(np.int64)
    return generator(0, "codes").permutation(int(codes.max(initial=0)) + 1).astype(np.float64)[codes]


def _held(raw: pl.Series, cells: Mapping[str, np.ndarray]) -> tuple[list[str], int]:
    """Return the columns that are nearly constant or close within groups, and how many could be judged.

    Two rows drawn at random from one group are compared with two drawn from anywhere: a column that hardly varies
    anywhere says nothing. Neighbours in the file are not compared: they resemble each other in any ordered file.
    """
    draw = generator(0, "pairs", raw.name)
    codes = texts_of(raw)[0].rank("dense").fill_null(0).to_numpy().astype(np.int64)
    order = np.lexsort((draw.random(len(codes)), codes))
    right = 1 + np.flatnonzero((codes[order][1:] == codes[order][:-1]) & (codes[order][1:] > 0))
    if right.size > PAIRS:
        right = draw.choice(right, PAIRS, replace=False)
    if right.size < FEWEST_GROUPS:
        return [], 0
    within = order[right - 1], order[right]
    anywhere = draw.integers(0, len(codes), right.size), draw.integers(0, len(codes), right.size)
    held, judged = [], 0
    for name, values in cells.items():
        agree, agree_any = _agreeing(values, *within), _agreeing(values, *anywhere)
        if agree_any > 0.95:
            continue
        judged += 1
        close = _squared(values, *within) <= CLOSE * _squared(values, *anywhere)
        if close or (agree >= SAME and agree > (1 + agree_any) / 2):
            held.append(name)
    return held, judged


def _squared(cells: np.ndarray, one: np.ndarray, two: np.ndarray) -> float:
    gaps = cells[one] - cells[two]
    gaps = gaps[np.isfinite(gaps)]
    return float(np.mean(gaps**2)) if gaps.size else 0.0


def _agreeing(cells: np.ndarray, one: np.ndarray, two: np.ndarray) -> float:
    return float(np.mean((cells[one] == cells[two]) | (np.isnan(cells[one]) & np.isnan(cells[two]))))
