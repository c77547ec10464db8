"""Detect: what kind of column each column is, from its raw cells alone.

Sees names, cells and types, before the seal: nothing here relates a column to the target. Decides kinds and how cells
are read; which column is time, group or key is `roles`, what kind of task the target makes is `task`.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

from fieldguide.core.errors import ConfigError, listed, nearest
from fieldguide.core.files.media import FILE_KINDS
from fieldguide.core.files.source import Source
from fieldguide.core.table import KINDS, Column
from fieldguide.parts.modalities._curves import parsed
from fieldguide.parts.modalities.boolean import FALSE, TRUE
from fieldguide.steps.detect.named import named_kind, nameless, place_of
from fieldguide.steps.detect.sameness import spellings, with_totals
from fieldguide.steps.detect.sample import Cells, Sample, cells_of, sample_of, totals_of
from fieldguide.steps.detect.spelling import ENOUGH, Spelling, spell_datetime, spell_number

PAIRS = (("true", "false"), ("t", "f"), ("yes", "no"), ("y", "n"), ("on", "off"))
FEW_BROKEN = 0.05  # a column with a larger share of words among its numbers is not a column of numbers
NEARLY_UNIQUE = 0.95
SERIES_LOOKED_AT = 200
FEWEST_STEPS = 8
"""Numbers a cell, for most cells, from which a list without brackets is a series."""
_NUMBERS = re.compile(r"\[|[-+]?[0-9.]+(e[-+]?[0-9]+)?[\s,;]+[-+]?[0-9.]", re.IGNORECASE)
_EPOCHS = {"s": (3e8, 4.2e9), "ms": (3e11, 4.2e12)}  # 1979 to 2103
_ENTITIES = (
    "user|customer|client|account|passenger|patient|subject|participant|product|order|session|item|store|shop|member|person|"
    "employee|student|transaction|device|listing|host|movie|record|case|visit|encounter|ticket|invoice|loan|policy|driver|"
    "vehicle|sensor|machine|site|station|household|company|merchant|seller|vendor|author|event|message|sample|property|row|"
    "borrower|applicant|respondent|athlete|player|team|game|match|school|hospital|doctor|animal|speaker|campaign|post|video"
)
_WHO = re.compile(
    "individual|person|user|customer|client|account|passenger|patient|subject|participant|respondent|applicant|borrower|member|household|"
    "employee|student|donor|speaker"
)
_ID_WORDS = {
    "id",
    "ids",
    "uuid",
    "guid",
    "key",
    "pk",
    "index",
    "idx",
    "serial",
    "rownum",
    "rowid",
    "identifier",
    "rownumber",
}
_DATE_WORDS = {
    "date", "time", "datetime", "timestamp", "ts", "day", "dt", "epoch", "created", "updated", "modified", "at", "when",
    "dob",
    "birthdate", "birthday", "dteday",
}  # fmt: skip
_CODE_WORDS = {"zip", "zipcode", "postcode", "postal", "plz", "fips", "phone", "telephone"}


@dataclass(frozen=True)
class _Guess:
    kind: str
    why: str
    read: Mapping[str, Any] = field(default_factory=dict)
    questions: tuple[str, ...] = ()
    facts: Mapping[str, Any] = field(default_factory=dict)


def detect_columns(
    source: Source, *, given: Mapping[str, str] | None = None, targets: Sequence[str] = ()
) -> tuple[Column, ...]:
    """Return every column of a source with its kind, how its cells are read, and why.

    All rows are looked at up to a million, beyond that the head and a random sample; missing and distinct cells are
    counted in whole columns.

    Args:
        given: kinds that a person declared, by column name; "ignore" keeps the detected kind and sets the column aside.
        targets: the columns to predict: text stays category (its labels are kept as spelled), numbers stay numbers.

    Returns:
        columns in file order. `facts` holds n_rows, n_missing, n_unique, examples, why, and where there are any: broken
        (n, examples), questions, row_numbers, order (share of neighbouring rows in order), spellings (levels that differ in case alone),
        total (the last row sums up the others).

    Raises:
        ConfigError: a declared name or kind does not exist.

    Examples:
        >>> from fieldguide.core.files.source import open_source
        >>> days = ["2024-01-31", "2024-02-01", ""]
        >>> source = open_source({"age": ["31", "?", "58"], "smoker": ["yes", "no", "no"], "day": days})
        >>> [column.kind for column in detect_columns(source)]
        ['number', 'boolean', 'datetime']
    """
    given = dict(given or {})
    _refuse_unknown(source, given, targets)
    sample = sample_of(source)
    totals = totals_of(source, sample)
    columns: list[Column] = []
    bare: list[tuple[int, Cells]] = []
    for name in source.names:
        cells = cells_of(sample, name, totals)
        declared = given.get(name)
        if declared in (None, "ignore"):
            guess = _target_kind(cells) if name in targets else _kind(cells, source.root)
            if guess.kind == "id" and declared is None and "absent" not in guess.facts:
                bare.append((len(columns), cells))
        else:
            guess = _declared(cells, declared, source.root)
        role = "target" if name in targets else "ignore" if declared == "ignore" else "feature"
        columns.append(Column(name, guess.kind, role, guess.read, _facts(cells, guess, sample)))
    if not any(column.kind in FILE_KINDS for column in columns):  # else an identifier is only that
        for place, cells in bare:
            if (named := _picture_of_row(cells, source.root)) is not None:
                columns[place] = Column(cells.name, named.kind, "feature", named.read, _facts(cells, named, sample))
                break
    return with_totals(_agreed(tuple(columns)), sample)


def _refuse_unknown(source: Source, given: Mapping[str, str], targets: Sequence[str]) -> None:
    for name in (*given, *targets):
        if name not in source.names:
            raise ConfigError(
                f"{source.origin} has no column {name!r}{nearest(name, source.names)}", rule="every column that is named is in the table",
                found=f"the columns are {listed(source.names)}", do="name one of them",
            )  # fmt: skip
    for name, kind in given.items():
        if kind not in (*KINDS, "ignore"):
            raise ConfigError(
                f"column {name!r} has an unknown kind {kind!r}{nearest(kind, KINDS)}",
                rule="a column is of a kind that is known",
                found=repr(kind),
                do=f"use one of {', '.join(KINDS)} or ignore",
            )


def _facts(cells: Cells, guess: _Guess, sample: Sample) -> dict[str, Any]:
    facts: dict[str, Any] = {
        "n_rows": cells.n_rows, "n_missing": cells.n_missing, "n_unique": cells.n_unique,
        "examples": cells.texts.drop_nulls().unique(maintain_order=True).head(3).to_list(), "why": guess.why,
    }  # fmt: skip
    if not sample.whole:
        facts["n_looked_at"] = len(sample.rows)
    if guess.kind == "category" and (same := spellings(cells)):
        facts["spellings"] = same
    if guess.questions:
        facts["questions"] = list(guess.questions)
    return facts | dict(guess.facts)


def _kind(cells: Cells, root: Path) -> _Guess:
    """Return the kind of a feature: the first of these that fits."""
    if (named := named_kind(cells)) is not None:
        return _file_kind(cells, *named, root)
    for rule in (_empty, _constant, _native, _boolean, _number, _datetime, _series, _text, _id, _category):
        if (guess := rule(cells)) is not None:
            return guess
    raise AssertionError("every column is at least a category")


def _file_kind(cells: Cells, kind: str, why: str, root: Path) -> _Guess:
    """A column of names of files: what they hold where they are there; without them names are names, and never numbers."""
    place = place_of(cells, root)
    if place is not None:
        return _Guess(kind, why + (f", which lie in {place['folder']!r}" if place else ""), place)
    guess = _id(cells) or _category(cells)
    facts = {"absent": {"kind": kind, "example": str(cells.levels[0]), "root": str(root)}}
    return replace(guess, why=f"{guess.why}; they name {kind} files, and there are none such in {root}", facts=facts)


def _target_kind(cells: Cells) -> _Guess:
    for rule in (_empty, _constant, _native_target, _number_target, _date_target):
        if (guess := rule(cells)) is not None:
            return guess
    return _Guess("category", f"the target, with {cells.n_unique:,} different texts")


def _empty(cells: Cells) -> _Guess | None:
    return _Guess("empty", "every cell is missing") if len(cells.levels) == 0 else None


def _constant(cells: Cells) -> _Guess | None:
    if len(cells.levels) > 1 or cells.n_unique > 1 or cells.n_missing:
        return None
    return _Guess("constant", f"every cell is {cells.levels[0]!r}")


def _native(cells: Cells) -> _Guess | None:
    """Types that speak for themselves."""
    dtype = cells.raw.dtype
    if dtype == pl.Boolean:
        return _Guess("boolean", "its type is boolean")
    if dtype.is_temporal():
        return _Guess("datetime", f"its type is {dtype.base_type()}")
    if isinstance(dtype, pl.Categorical | pl.Enum):
        return _Guess("category", f"its type is categorical, with {cells.n_unique:,} levels")
    return None


def _series(cells: Cells) -> _Guess | None:
    """Lists of numbers, which Parquet has as such and CSV as texts in brackets, or with white space, commas or semicolons between."""
    if not cells.is_text or not _NUMBERS.match(str(cells.levels[0])):
        return None
    looked = cells.levels.head(SERIES_LOOKED_AT).to_list()
    found = [parsed(level) for level in looked]
    series = [one for one in found if one is not None]
    if len(series) < ENOUGH * len(looked):
        return None
    lengths = sorted(one.shape[1] for one in series)
    if not looked[0].startswith("[") and (
        lengths[len(lengths) // 2] < FEWEST_STEPS or cells.unique_rate < NEARLY_UNIQUE
    ):
        return None  # a few numbers that come again are codes, dates, sizes or sets of labels
    return _Guess("series", f"its cells are lists of {lengths[0]:,} to {lengths[-1]:,} numbers")


def _native_target(cells: Cells) -> _Guess | None:
    return _native(cells)


def _boolean(cells: Cells) -> _Guess | None:
    """Two words for yes and no. 0/1 and a lone word stay what they are: nothing is lost, and counts may be 0 and 1."""
    if not cells.is_text or not 2 <= len(cells.levels) <= 6:
        return None
    words = {level.lower() for level in cells.levels.to_list()}
    if any(words == set(pair) for pair in PAIRS):
        assert words <= {*TRUE, *FALSE}
        return _Guess("boolean", f"its cells are {listed(cells.levels.to_list())}")
    return None


def _number(cells: Cells) -> _Guess | None:
    spelling = spell_number(cells)
    n_broken, share = spelling.n_broken, spelling.share
    if share < 1 - FEW_BROKEN or (share == 0 and n_broken == 0):
        return None
    if cells.is_text and (guess := _codes(cells, spelling)) is not None:
        return guess
    whole = cells.levels.str.contains(r"^[+-]?[0-9]+$")
    integers = bool(cells.share(whole) == 1.0)
    if integers and (guess := _epoch(cells) or _integer_id(cells)) is not None:
        return guess
    why = "its cells are numbers" if not cells.is_text or spelling.read else "all its cells read as numbers"
    if spelling.read:
        why = f"its cells read as numbers ({_told(spelling.read)})"
    if spelling.n_broken:
        why = f"{1 - n_broken / cells.n_known:.1%} of its cells read as numbers; the others are words"
    return _Guess("number", why, spelling.read, _asked(spelling), _leftover(spelling))


def _number_target(cells: Cells) -> _Guess | None:
    spelling = spell_number(cells)
    if spelling.share < 1 - FEW_BROKEN or (cells.is_text and _codes(cells, spelling) is not None):
        return None
    return _Guess("number", "the target, a number", spelling.read, _asked(spelling), _leftover(spelling))


def _date_target(cells: Cells) -> _Guess | None:
    return _datetime(cells) if len(cells.levels) > 2 else None


def _told(read: Mapping[str, Any]) -> str:
    parts = []
    if "thousands" in read:
        parts.append(f"thousands marked by {read['thousands']!r}")
    if "decimal" in read:
        parts.append(f"decimals after {read['decimal']!r}")
    if "strip" in read:
        parts.append(f"without {read['strip']!r}")
    if "missing" in read:
        parts.append("some words mean missing")
    return ", ".join(parts)


def _asked(spelling: Spelling) -> tuple[str, ...]:
    return (spelling.question,) if spelling.question else ()


def _leftover(spelling: Spelling) -> dict[str, Any]:
    facts: dict[str, Any] = {}
    if spelling.n_broken:
        facts["broken"] = {"n": spelling.n_broken, "examples": list(spelling.broken)}
    if spelling.other is not None:
        facts["other_reading"] = dict(spelling.other)
    return facts


def _codes(cells: Cells, spelling: Spelling) -> _Guess | None:
    """Digits that are names: leading zeros, or a name such as zip."""
    if spelling.read.keys() - {"missing"}:
        return None
    zeros = cells.share(cells.levels.str.contains(r"^0[0-9]+$"))
    digits = cells.share(cells.levels.str.contains(r"^[0-9]+(-[0-9]+)?$"))
    if digits >= ENOUGH and (zeros > 0 or words_of(cells.name) & _CODE_WORDS):
        if id_like(cells.name) and cells.unique_rate >= NEARLY_UNIQUE:
            return _Guess("id", "its name and its nearly unique digits say identifier")
        return _Guess(
            "category", "its digits are codes (leading zeros)" if zeros else "its name says that its digits are codes"
        )
    return None


def _epoch(cells: Cells) -> _Guess | None:
    if not words_of(cells.name) & _DATE_WORDS:
        return None
    values = cells.levels.cast(pl.Float64, strict=False).drop_nulls()
    low, high = values.min(), values.max()
    for unit, (first, last) in _EPOCHS.items():
        if values.len() and isinstance(low, float) and isinstance(high, float) and first <= low and high <= last:
            return _Guess("datetime", f"its name says date and its numbers are {unit} since 1970", {"unit": unit})
    if isinstance(low, float) and isinstance(high, float) and low >= 19000101 and high < 21010000:
        spelling = spell_datetime(cells, compact=True)
        if spelling.share >= ENOUGH:
            return _Guess(
                "datetime",
                "its name says date and its digits are year, month, day",
                spelling.read,
                (),
                _leftover(spelling),
            )
    return None


def _integer_id(cells: Cells) -> _Guess | None:
    """Row numbers, unique integers with an id's name, and repeated integers with an id's name."""
    values = cells.texts.cast(pl.Int64, strict=False)
    if values.null_count():
        values = values.drop_nulls()
    elif cells.n_rows >= 10 and values.len() > 1:
        offsets = values.to_numpy() - cells.rows
        if offsets[0] in (0, 1) and (offsets == offsets[0]).all():
            return _Guess("id", f"it counts the rows from {offsets[0]}", facts={"row_numbers": True})
    unique = values.n_unique() / max(values.len(), 1)
    if not id_like(cells.name):
        if unique == 1.0 and values.len() >= 20 and _WHO.fullmatch(cells.name.strip().lower()):
            return _Guess("id", "its name says whom a row is about, and its integers are all different")
        return None
    if unique >= 0.9 and values.len() >= 10:
        return _Guess("id", "its name says identifier and its integers are (nearly) unique")
    if _is_index(cells.name):
        return None  # a repeated index counts something
    return _Guess("category", f"its name says identifier, and {cells.n_unique:,} values repeat")


def _datetime(cells: Cells) -> _Guess | None:
    if not cells.is_text:
        return None
    spelling = spell_datetime(cells)
    if spelling.share < ENOUGH:
        return None
    formats = spelling.read.get("formats", [])
    why = "its cells read as dates" + (f" in {len(formats)} formats" if len(formats) > 1 else "")
    if spelling.n_broken:
        why += f", but for {spelling.n_broken:,}"
    return _Guess("datetime", why, spelling.read, _asked(spelling), _leftover(spelling))


def _text(cells: Cells) -> _Guess | None:
    """Free text: many words, and hardly two cells alike."""
    if not cells.is_text or len(cells.levels) < 10:
        return None
    n_words = cells.levels.str.count_matches(r"\S+").cast(pl.Float64).to_numpy()
    n_chars = cells.levels.str.len_chars().cast(pl.Float64).to_numpy()
    words, chars = (float(np.average(sizes, weights=cells.counts)) for sizes in (n_words, n_chars))
    varied = cells.unique_rate
    if (
        (words >= 4 and varied >= 0.5)
        or (words >= 3 and varied >= NEARLY_UNIQUE)
        or (words >= 8 and len(cells.levels) > 100 and varied >= 0.1)
    ):
        return _Guess("text", f"free text, {words:.0f} words and {chars:.0f} characters on average")
    return None


def _id(cells: Cells) -> _Guess | None:
    if not cells.is_text or cells.n_known < 10:
        return None
    varied = cells.unique_rate
    if varied >= NEARLY_UNIQUE and cells.n_known >= 20:
        return _Guess("id", f"{varied:.0%} of its cells are different: nothing repeats that could be learned from")
    if varied >= 0.9 and id_like(cells.name):
        return _Guess("id", "its name says identifier and its cells are (nearly) unique")
    return None


def _category(cells: Cells) -> _Guess:
    spelling = spell_number(cells)
    why = f"{cells.n_unique:,} different texts"
    if 0.2 <= spelling.share < 1 - FEW_BROKEN:
        why += (
            f"; {1 - spelling.share:.0%} of its cells are words ({listed(spelling.broken, 3)}), too many for a number"
        )
    elif cells.n_unique > 100:
        why += ": a category of many levels"
    return _Guess("category", why)


def _picture_of_row(cells: Cells, root: Path) -> _Guess | None:
    """Identifiers that name a file each, without its suffix, in a folder beside the table."""
    if (found := nameless(cells, root)) is None:
        return None
    kind, read = found
    return _Guess(kind, f"its cells name files such as {read['folder']}/{cells.levels[0]}{read['suffix']}", read)


def _declared(cells: Cells, kind: str, root: Path) -> _Guess:
    """A kind that a person gave: only how to read it is left to find."""
    if kind in FILE_KINDS:
        return _Guess(kind, "declared", place_of(cells, root) or (nameless(cells, root) or ("", {}))[1])
    spelling = Spelling({}, 1.0)
    if kind == "number":
        spelling = spell_number(cells)
    elif kind == "datetime" and not cells.raw.dtype.is_temporal():
        epoch = _epoch(cells) if cells.share(cells.levels.str.contains(r"^[0-9]+$")) == 1.0 else None
        spelling = Spelling(epoch.read, 1.0) if epoch else spell_datetime(cells)
    elif kind == "boolean" and cells.raw.dtype != pl.Boolean:
        return _Guess(kind, "declared", _boolean_words(cells))
    return _Guess(kind, "declared", spelling.read, _asked(spelling), _leftover(spelling))


def _boolean_words(cells: Cells) -> dict[str, Any]:
    words = [level.lower() for level in cells.levels.to_list()]
    if set(words) <= {*TRUE, *FALSE} or len(words) != 2:
        return {}
    false, true = sorted(cells.levels.to_list())
    if words_known := {word for word in words if word in TRUE}:
        true = next(level for level in cells.levels.to_list() if level.lower() in words_known)
        false = next(level for level in cells.levels.to_list() if level != true)
    return {"true": [true], "false": [false]}


def _agreed(columns: tuple[Column, ...]) -> tuple[Column, ...]:
    """Let columns that are sure of their spelling answer for those that are not: one file, one locale."""
    sure = [column.read for column in columns if "questions" not in column.facts]
    comma = any(read.get("decimal") == "," for read in sure) and not any(read.get("thousands") == "," for read in sure)
    point = not any(read.get("decimal") == "," for read in sure) and any(map(_has_point, columns))
    first = {read["dayfirst"] for read in sure if "dayfirst" in read}
    return tuple(_settled(column, comma, point, first) for column in columns)


def _has_point(column: Column) -> bool:
    """Return whether cells surely have decimals after a point: 34.4 %, $1,234.50, and not 1.234, which may be a thousand."""
    if column.kind != "number" or "questions" in column.facts or column.read.get("thousands") == ".":
        return False
    return any(re.search(r"[0-9]\.([0-9]{1,2}|[0-9]{4,})(?![0-9])", str(cell)) for cell in column.facts["examples"])


def _settled(column: Column, comma: bool, point: bool, first: set[bool]) -> Column:
    other = column.facts.get("other_reading")
    if other is None:
        return column
    if column.kind == "number" and comma:
        read, why = other, "decimals after ',' as in other columns"
    elif column.kind == "number" and point:
        read, why = column.read, "decimals stand after '.' in other columns"
    elif "dayfirst" in other and len(first) == 1:
        read = other if first == {other["dayfirst"]} else column.read
        why = "day first" if read["dayfirst"] else "month first"
        why += " as in other columns"
    else:
        return column
    facts = {key: value for key, value in column.facts.items() if key not in ("questions", "other_reading")}
    facts["why"] = f"{facts['why']}; {why}"
    return Column(column.name, column.kind, column.role, read, facts)


def words_of(name: str) -> set[str]:
    """Return the words of a column name, in lower case.

    Examples:
        >>> sorted(words_of("PassengerId")), sorted(words_of("created_at"))
        (['id', 'passenger'], ['at', 'created'])
    """
    spaced = re.sub(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])", " ", name)
    return {word for word in re.split(r"[^a-z0-9#]+", spaced.lower()) if word}


def id_like(name: str) -> bool:
    """Return whether a name says identifier.

    Examples:
        >>> [name for name in ("customer_id", "userid", "PassengerId", "humid", "paid", "subject#") if id_like(name)]
        ['customer_id', 'userid', 'PassengerId', 'subject#']
    """
    words = words_of(name)
    return (
        bool(words & _ID_WORDS)
        or any(re.fullmatch(rf"({_ENTITIES})s?(id|key|no|nr|num|number|#)", word) for word in words)
        or (
            bool(words & {"no", "nr", "num", "number", "code", "#"})
            and any(re.fullmatch(rf"({_ENTITIES})", word) for word in words)
        )
    )


def _is_index(name: str) -> bool:
    return bool(words_of(name) & {"index", "idx", "key", "serial"})
