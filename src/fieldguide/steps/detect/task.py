"""Detect the task: what kind of prediction the target asks for, and what only a person can answer.

Sees the target's type and the shares of its values, nothing else: no other column is at hand here.
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import polars as pl

from fieldguide.core.cell import texts_of
from fieldguide.core.documents.document import in_one_line
from fieldguide.core.errors import DataError, listed
from fieldguide.core.table import MISSING, Column
from fieldguide.parts import find, modality
from fieldguide.parts.modalities.category import in_one_case
from fieldguide.steps.detect.columns import words_of
from fieldguide.steps.detect.roles import RolesGuess

FEW_VALUES = 20  # integers with at most so many values could be classes
MAX_CLASSES = 200
SMALL_COUNTS = 20.0  # whole numbers from 0 whose mean is no larger are likely to be counted
MOST_LEVELS = 12  # whole numbers of more different values are hardly grades
_CLASS_WORDS = {
    "class", "classes", "label", "target", "type", "category", "species", "digit", "cluster", "segment", "kind",
    "cover", "outcome", "diagnosis", "code", "activity", "letter", "variety", "brand",
}  # fmt: skip
_VALUE_WORDS = {
    "count", "cnt", "number", "num", "n", "quality", "score", "rating", "grade", "age", "price", "cost", "amount",
    "total", "days", "hours", "minutes", "years", "visits", "sales", "quantity", "rings", "rank", "points", "length",
    "size", "demand", "value", "stars",
}  # fmt: skip
_LEVEL_WORDS = {
    "low", "lower", "medium", "middle", "moderate", "high", "higher", "small", "large", "poor", "fair", "good", "bad", "excellent", "average",
    "never", "rarely", "seldom", "sometimes", "often", "always", "disagree", "agree", "strongly", "strong", "weak", "slightly", "very", "mild",
    "severe", "none", "some", "minor", "major", "niedrig", "mittel", "hoch", "schlecht", "gut", "sehr", "selten", "manchmal", "oft", "nie", "immer",
}  # fmt: skip
_COUNT_WORDS = {
    "count",
    "counts",
    "cnt",
    "number",
    "num",
    "n",
    "visits",
    "claims",
    "events",
    "calls",
    "clicks",
    "orders",
}


@dataclass(frozen=True)
class TaskGuess:
    """What the target seems to ask for.

    Args:
        task: "binary", "multiclass", "multilabel", "regression" or "vector".
        kind: the kind the target columns must be read as: "category", "boolean" or "number".
        labels: class labels in code order (binary: negative, positive), labels of a set, entries of a vector; else empty.
        positive: the label of the event; None unless binary.
        why: one sentence.
        n_missing: rows without a target.
        shares: label to share of the known rows; empty for values.
        questions: what only a person can answer.
        separator: what stands between the labels of a set in one text; empty where it is a list, or there is no set.
    """

    task: str
    kind: str
    labels: tuple[str, ...] = ()
    positive: str | None = None
    why: str = ""
    n_missing: int = 0
    shares: dict[str, float] = field(default_factory=dict)
    questions: tuple[str, ...] = ()
    separator: str = ""

    def to_dict(self) -> dict[str, Any]:
        return {
            "task": self.task, "kind": self.kind, "labels": list(self.labels), "positive": self.positive,
            "why": self.why, "n_missing": self.n_missing,
            "shares": dict(self.shares), "questions": list(self.questions),
        }  # fmt: skip


def detect_task(raw: pl.Series, column: Column, stated: str | None = None) -> TaskGuess:
    """Return the task that a target asks for.

    Args:
        raw: raw target cells.
        column: the target as `detect_columns` saw it.
        stated: the task that a person stated; many classes are taken for such where it says so.

    Raises:
        DataError: no value, one value, a date, or texts that hardly repeat.

    Examples:
        >>> from fieldguide.core.files.source import open_source
        >>> from fieldguide.steps.detect.columns import detect_columns
        >>> source = open_source({"income": ["<=50K"] * 7 + [">50K"] * 3})
        >>> guess = detect_task(source.collect()["income"], detect_columns(source, targets=["income"])[0])
        >>> guess.task, guess.positive
        ('binary', '>50K')
    """
    texts, _ = texts_of(raw)
    tokens = sorted({*column.read.get("missing", MISSING), ""})
    known = texts.set(texts.is_in(tokens).fill_null(False), None).drop_nulls()
    known = in_one_case(known) if column.read.get("case") == "ignore" else known
    n_missing = raw.len() - known.len()
    counts = known.value_counts(name="n").sort(["n", known.name], descending=[True, False])
    levels = dict(zip(counts[known.name].to_list(), counts["n"].to_list()))
    _refuse(column, levels, n_missing, raw.len(), many=stated in ("multiclass", "ordinal"))
    if len(levels) == 2:
        return _binary(column, known, levels, n_missing)
    if column.kind == "number":
        return _numeric(raw, column, levels, n_missing)
    return _multiclass(column, levels, n_missing, f"{len(levels)} different texts", ())


def _refuse(column: Column, levels: dict[str, int], n_missing: int, n_rows: int, many: bool = False) -> None:
    name = column.name
    if not levels:
        raise DataError(
            f"the target {name!r} has no values",
            rule="a target is known in some rows",
            found=f"{n_missing:,} missing cells",
            do="choose another target, or check the export",
        )
    if len(levels) == 1:
        raise DataError(
            f"the target {name!r} has one value only", rule="a target has at least two different values",
            found=f"{next(iter(levels))!r} in all {n_rows - n_missing:,} rows"
            + (f", {n_missing:,} rows without it" if n_missing else ""),
            do="choose another target, or add rows with another outcome",
        )  # fmt: skip
    if len(levels) > 2 and column.kind == "datetime":
        raise DataError(
            f"the target {name!r} is a date", rule="a target is a class or a number",
            found=f"such as {next(iter(levels))!r}",
            do="predict a duration: add a column with the days from a date known at prediction time",
        )  # fmt: skip
    n_known = sum(levels.values())
    if (
        column.kind != "number"
        and len(levels) > 2
        and (len(levels) == n_known or len(levels) > max(0.5 * n_known, 2) or (len(levels) > MAX_CLASSES and not many))
    ):
        seen = n_known / len(levels)
        more = (
            f"; if they are {len(levels):,} classes all the same, say task: multiclass"
            if seen >= 5 and not many
            else ""
        )
        broken = column.facts.get("broken", {}).get("examples", [])
        raise DataError(
            f"the target {name!r} has too many different texts to be classes",
            rule=f"a class is seen in several rows, and there are at most {MAX_CLASSES}",
            found=f"{len(levels):,} different texts in {n_known:,} rows, such as {listed(map(repr, list(levels)[:3]))}"
            + (f"; not numbers: {listed(broken, 3)}" if broken else ""),
            do=f"choose another target, group its values, or, if they should be numbers, clean the cells that are not{more}",
        )  # fmt: skip


def _binary(column: Column, known: pl.Series, levels: dict[str, int], n_missing: int) -> TaskGuess:
    negative, positive = find("tasks", "binary")().labels(known, None)
    n = sum(levels.values())
    share = levels[positive] / n
    reason = "the rarer" if share < 0.5 and levels[positive] < levels[negative] else "read as the event by its name"
    question = f"is {positive!r} the outcome of interest in {column.name!r} (the positive class)?"
    return TaskGuess(
        "binary", "boolean" if column.kind == "boolean" else "category", (negative, positive), positive,
        f"two different values; {positive!r} ({share:.1%} of the known rows) is taken as positive: {reason}",
        n_missing, {label: levels[label] / n for label in (negative, positive)}, (question,),
    )  # fmt: skip


def _multiclass(
    column: Column, levels: dict[str, int], n_missing: int, why: str, questions: tuple[str, ...]
) -> TaskGuess:
    n = sum(levels.values())
    labels = find("tasks", "multiclass")().labels(pl.Series(column.name, list(levels)), None)
    shares = {label: levels[label] / n for label in labels if label in levels}
    rare = [label for label, count in levels.items() if count < 5]
    if (
        3 <= len(levels) <= MOST_LEVELS
        and not questions
        and sum(bool(_words(label) & _LEVEL_WORDS) for label in labels) >= 2
    ):
        named = in_one_line({"column": column.name})[1:-1]
        said = f"problem.outputs: [{{{named}, task: ordinal, labels: [lowest, …, highest]}}] in place of target"
        questions = (f"are the labels of {column.name!r} levels in order? Then {said}",)
    asked = (
        (
            *questions,
            f"{listed(map(repr, rare), 3)} of {column.name!r} stand in fewer than 5 rows: keep, merge or drop them?",
        )
        if rare
        else questions
    )
    return TaskGuess(
        "multiclass",
        "category",
        tuple(labels),
        None,
        why,
        n_missing,
        shares,
        asked,
    )


def _words(label: str) -> set[str]:
    return set(re.findall(r"\w+", label.lower()))


def _numeric(raw: pl.Series, column: Column, levels: dict[str, int], n_missing: int) -> TaskGuess:
    typed = modality("number").read(raw, column)[0].drop_nulls()
    values = typed.unique().sort().to_list()
    n_missing = raw.len() - typed.len()
    whole = all(value.is_integer() for value in values)
    k = len(values)
    if k < 2:
        raise DataError(
            f"the target {column.name!r} has one value only",
            rule="a target has at least two different values",
            found=repr(values),
            do="check the export, or name another target",
        )
    if not whole or k > FEW_VALUES or typed.len() < 5 * k:
        why = f"a number with {k:,} different values from {values[0]:g} to {values[-1]:g}"
        counted = f"does {column.name!r} count events, 0, 1, 2 and so on (task: count), or is it an amount (task: regression)?"
        few = float(typed.mean() or 0.0) <= SMALL_COUNTS and not words_of(column.name) & _VALUE_WORDS
        asked = (counted,) if whole and values[0] == 0 and (few or words_of(column.name) & _COUNT_WORDS) else ()
        return TaskGuess("regression", "number", why=why, n_missing=n_missing, questions=asked)
    classes, why = _are_classes(column.name, typed, values)
    ordered = "levels in order (task: ordinal), " if 3 <= k <= MOST_LEVELS else ""
    counted = " or events counted (task: count)" if values[0] >= 0 else ""
    question = (
        f"are the {k} whole numbers of {column.name!r} classes without order (task: multiclass), {ordered}"
        f"amounts (task: regression){counted}?"
    )
    if classes:
        return _multiclass(column, levels, n_missing, why, (question,))
    return TaskGuess("regression", "number", why=why, n_missing=n_missing, questions=(question,))


def _are_classes(name: str, typed: pl.Series, values: Sequence[float]) -> tuple[bool, str]:
    """Return whether few whole numbers are codes of classes: by name, else by how they start, run on and are spread."""
    k, words = len(values), words_of(name)
    told = f"{k} different whole numbers from {values[0]:g} to {values[-1]:g}"
    if words & _VALUE_WORDS or re.search(r"(count|score|rating|age|quality)$", name.lower()):
        return False, f"{told}, and its name says amount"
    if words & _CLASS_WORDS or re.search(r"(class|label|type|species)$", name.lower()):
        return True, f"{told}, and its name says class"
    running = values[0] in (0.0, 1.0) and values[-1] - values[0] == k - 1
    if not running or k > 10:
        return (
            False,
            f"{told}, which do not run from 0 or 1 as codes do" if not running else f"{told}: too many for codes",
        )
    counts = typed.value_counts(name="n").sort(typed.name)["n"].to_list()
    tail = counts[counts.index(max(counts)) :]
    falling = all(a >= b for a, b in itertools.pairwise(tail))
    if k >= 5 and len(tail) >= 4 and falling and min(counts) < 0.02 * sum(counts):
        return False, f"{told}, spread as counts are: fewer and fewer towards {values[-1]:g}"
    return True, f"{told}, running on as codes do"


def questions(columns: Sequence[Column], roles: RolesGuess, task: TaskGuess) -> list[dict[str, str]]:
    """Return what only a person can answer, as plain data: `key` (where in study.yaml), `question`, `guess`.

    `guess` is what stands until somebody answers; it is empty where nothing can be guessed.

    Examples:
        >>> [entry["key"] for entry in questions((), RolesGuess(), TaskGuess("regression", "number"))][:3]
        ['problem.goal', 'problem.unit', 'problem.decision']
    """
    asked = [
        _question(
            "problem.goal", "What should become better through the predictions? One sentence; the report opens with it."
        ),
        _question("problem.unit", "What is one row: one customer, one visit, one hour?"),
        _question("problem.decision", "Who decides what with a prediction?"),
        _question(
            "problem.prediction_time", "At which moment is it made? What is known only later cannot be a feature."
        ),
        _question("problem.success", "What is the smallest gain over the baseline that is worth shipping?", "0"),
    ]
    if task.task == "binary":
        asked.append(
            _question("problem.costs", f"What does a false {task.positive!r} cost, and what a missed one?", "1 and 1")
        )
    features = [c for c in columns if c.role == "feature" and c.kind not in ("constant", "empty", "id")]
    if features:
        asked.append(_question(
            "data.columns", "Which of these columns are not yet known when the prediction is made? Mark them ignore."
            + _named_later(columns),
            f"all known: {listed([c.name for c in features], 12)}",
        ))  # fmt: skip
    asked += [
        _question("problem.positive" if task.task == "binary" else "problem.task", text, task.positive or task.task)
        for text in task.questions
    ]
    if task.n_missing:
        asked.append(
            _question(
                "population.train", f"{task.n_missing:,} rows have no target: why? They are left out.", "left out"
            )
        )
    for column in columns:
        asked += [
            _question(f"data.columns.{column.name}", text, str(dict(column.read)))
            for text in column.facts.get("questions", [])
        ]
    asked += _role_questions(roles)
    return asked


def _named_later(columns: Sequence[Column]) -> str:
    """Name the columns of a wide table that are called by a later year than the target is: its future."""
    years = {c.name: int(c.name) for c in columns if re.fullmatch(r"(1[89]|20|21)\d\d", c.name)}
    targets = [years[c.name] for c in columns if c.role == "target" and c.name in years]
    later = [repr(c.name) for c in columns if c.role != "target" and targets and years.get(c.name, 0) > max(targets)]
    if not later:
        return ""
    return f" By {'its name' if len(later) == 1 else 'their names'} {listed(later, 3)} {'is' if len(later) == 1 else 'are'} later than the target."


def _role_questions(roles: RolesGuess) -> list[dict[str, str]]:
    asked = []
    for guesses, role, text in (
        (
            roles.time,
            "time",
            "Does {column!r} tell when a row was collected ({why})? Then later rows judge earlier ones",
        ),
        (
            roles.group,
            "group",
            "Do rows with the same {column!r} belong together ({why})? Then they never stand on both sides of a split",
        ),
    ):
        if any(guess.sure for guess in guesses):
            continue
        asked += [
            _question(f"data.{role}", text.format(column=g.column, why=g.why) + ".", "not used")
            for g in guesses[: 1 if role == "time" else 2]
        ]
    return asked


def _question(key: str, question: str, guess: str = "") -> dict[str, str]:
    return {"key": key, "question": question, "guess": guess}
