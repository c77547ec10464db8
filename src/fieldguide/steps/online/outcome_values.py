"""What an outcome may be: one value, a label set, the entries of a vector, the steps of a forecast; and whether a model's answers can be judged by it.

Knows outputs as a log tells of them (name, task, labels) and how their truths are written. To which prediction an outcome belongs is
`steps.online.outcomes`', what is judged `steps.online.served_rows`' and `steps.online.forecast_rows`'.
"""

from __future__ import annotations

import json
import math
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import lru_cache
from typing import Any

import polars as pl

from fieldguide.core.answering import SHOWN, Problem
from fieldguide.core.errors import DataError, listed, nearest
from fieldguide.core.files.sink import SET_SEPARATOR
from fieldguide.core.online.log import OUTCOME, Outcome, Served
from fieldguide.core.online.outcome_identity import coded
from fieldguide.parts import find
from fieldguide.parts.modalities.category import folded

LONGEST = 200
"""Characters of an id, a unit, a name, a key or a label."""
LONGEST_VALUE = 20_000
"""Characters of a value: a horizon of a thousand steps in a cell of a file."""
MOST_ENTRIES = 2_000
MARKS = (SET_SEPARATOR, ";", ",", "/", "+", " ")
"""What may stand between the labels of a set in one text: a study reads any of them, and a model knows its labels."""
RULE = "value is a number, a text or a truth value, a list of them, or numbers by name"


def value_problem(value: Any) -> str:
    """Return why a value is no outcome; an empty text where it is one.

    Examples:
        >>> value_problem(["a", "b"]), value_problem({"x": 1.5}), value_problem([1.5, None])
        ('', '', '')
        >>> value_problem([[1]]) == value_problem(None) == RULE
        True
    """
    if isinstance(value, Mapping):
        fits = 0 < len(value) <= MOST_ENTRIES
        return (
            "" if fits and all(_word(name) and name and _number(one) for name, one in value.items()) else RULE
        )  # fmt: skip
    if isinstance(value, (list, tuple)):
        fits = len(value) <= MOST_ENTRIES
        return "" if fits and all(one is None or _word(one) or _number(one) for one in value) else RULE
    return "" if _number(value) or (isinstance(value, str) and len(value) <= LONGEST_VALUE) else RULE


def _number(value: Any) -> bool:
    if isinstance(value, bool):
        return True
    return isinstance(value, (int, float)) and abs(value) < 1e300 and math.isfinite(value)


def _word(value: Any) -> bool:
    return isinstance(value, str) and len(value) <= LONGEST


@dataclass(frozen=True)
class Expected:
    """The outputs whose truth an outcome may be, as the log tells of the models that were served.

    Args:
        outputs: by the name of an outcome, name, task and labels of the outputs whose truth it may be; a name that is not there is one of
            a further measure.
    """

    outputs: Mapping[str, tuple[Mapping[str, Any], ...]] = field(default_factory=dict)

    @staticmethod
    def of(served: Iterable[Served]) -> Expected:
        """Return what is expected by the models of a log; an outcome without a name is of the first output of each."""
        found: dict[str, dict[str, Mapping[str, Any]]] = {}
        for one in served:
            for number, output in enumerate(one.outputs):
                for name in (OUTCOME, str(output["name"])) if number == 0 else (str(output["name"]),):
                    found.setdefault(name, {})[json.dumps(dict(output), sort_keys=True)] = output
        return Expected({name: tuple(outputs.values()) for name, outputs in found.items()})

    def problem(self, outcome: Outcome, row: int) -> Problem | None:
        """Return why no model of the log can be judged by an outcome; None where one can, or where it is a further measure."""
        found = None
        for output in self.outputs.get(outcome.name, ()):
            found = _refused(outcome, output, row)
            if found is None:
                return None
        return found

    def read(self, outcome: Outcome) -> Outcome:
        """Return an outcome in the one spelling in which the log has it: a label as the model has it, a label set as the list of its labels."""
        for output in self.outputs.get(outcome.name, ()):
            if output["task"] == "multilabel" and _refused(outcome, output, 0) is None:
                return replace(outcome, value=list(labels_in(coded(outcome.value)[1], output["labels"])))
            classes = find("tasks", str(output["task"]))().family == "classes"
            label = spelled(outcome.value, output["labels"]) if classes and isinstance(outcome.value, str) else ""
            if label in output["labels"]:
                return replace(outcome, value=label)
        return outcome


def _refused(outcome: Outcome, output: Mapping[str, Any], row: int) -> Problem | None:
    task, name, labels = find("tasks", str(output["task"]))(), str(output["name"]), tuple(output["labels"])
    shown = ascii(outcome.value)[:SHOWN]
    if task.family == "structure":
        rule = f"an outcome judges an answer by its truth, and {name!r} ({output['task']}) has none: its rows are told apart by themselves"
        return Problem(rule, row, "name", outcome.name, '"name": "bought", say, as a measure of an experiment')
    several = isinstance(outcome.value, (list, tuple, Mapping))
    if output["task"] == "forecast":
        return _refused_forecast(outcome, name, labels, row)
    if outcome.series is not None:
        return Problem(
            f"a series has outcomes where it is forecast; {name!r} is no forecast",
            row,
            "series",
            ascii(outcome.series)[:SHOWN],
            '"id": "…" or "unit": "…"',
        )
    if task.family == "sets":
        unknown = next((one for one in labels_in(coded(outcome.value)[1], labels) if one not in labels), None)
        if unknown is None:
            return None
        rule = f"every label of {name!r} is one of {listed(map(repr, labels), 12)}"
        return Problem(
            rule, row, "value", f"the unknown label {unknown!r}{nearest(unknown, labels)}", f'"value": ["{labels[0]}"]'
        )
    if task.family == "values" and len(labels) > 1:
        try:
            task.encode(pl.Series(name, [coded(outcome.value)[1]]), labels)
        except DataError:
            example = json.dumps(dict.fromkeys(labels, 0.5))
            return Problem(
                f"an outcome of {name!r} has a number for each of {listed(labels, 12)}",
                row,
                "value",
                shown,
                f'"value": {example}'[:300],
            )
        return None
    if several:
        return Problem(f"an outcome of {name!r} is one value", row, "value", shown, '"value": 1')
    return None


def _refused_forecast(outcome: Outcome, name: str, labels: Sequence[str], row: int) -> Problem | None:
    number, text = coded(outcome.value)
    shown = ascii(outcome.value)[:SHOWN]
    if number is not None and not isinstance(outcome.value, bool):
        if outcome.dated:
            return None
        rule = f"one value of the forecast {name!r} names the time of its step"
        return Problem(rule, row, "time", "no time", '"time": "2024-05-01"')
    steps = steps_in(text)
    if steps is None:
        return Problem(
            f"an outcome of the forecast {name!r} is a number, or a list of them for the horizon",
            row,
            "value",
            shown,
            '"value": 11.5',
        )
    if outcome.id is None:
        rule = (
            f"a list for the horizon of {name!r} names the prediction it belongs to; a series has one value at a time"
        )
        return Problem(rule, row, "id", "no id", '"series": "…", "time": "2024-05-01", "value": 11.5')
    if not 0 < len(steps) <= len(labels):
        return Problem(
            f"the horizon of {name!r} has {len(labels)} steps",
            row,
            "value",
            f"{len(steps)} values",
            f"at most {len(labels)}, null where one is not known yet",
        )
    return None


def labels_in(text: str, labels: Sequence[str]) -> tuple[str, ...]:
    """Return the labels of a set as an outcome's text has them: a JSON list, or labels with a mark between them.

    Of several marks the one counts with which most parts are labels of the model. A number and a truth value are labels as they are spelled.

    Examples:
        >>> labels_in('["a", "b"]', ("a", "b")), labels_in("a; b", ("a", "b")), labels_in("", ("a",))
        (('a', 'b'), ('a', 'b'), ())
        >>> labels_in("rock, paper", ("rock, paper", "scissors")), labels_in("a|x", ("a", "b"))
        (('rock, paper',), ('a', 'x'))
    """
    parts = _listed(text)
    if parts is not None:
        return tuple(dict.fromkeys(_label(part, labels) for part in parts if part is not None and part != ""))
    ways = [(text,), *(text.split(mark) for mark in MARKS)]
    read = [tuple(dict.fromkeys(_label(p.strip(), labels) for p in way if p.strip())) for way in ways]
    return max(read, key=lambda found: (all(one in labels for one in found), sum(one in labels for one in found)))


def _label(part: Any, labels: Sequence[str]) -> str:
    return spelled({True: "true", False: "false"}[part] if isinstance(part, bool) else str(part), labels)


def spelled(text: str, labels: Sequence[str]) -> str:
    """Return the label that a text spells: the one of the same number, or the one from which case and spaces alone set it apart.

    The text itself where it spells none, or more than one.

    Examples:
        >>> spelled("2.0", ("1", "2")), spelled("YES", ("no", "yes")), spelled("A", ("a", "a ")), spelled("b", ("a",))
        ('2', 'yes', 'A', 'b')
    """
    return text if text in labels else _by_sense(tuple(labels)).get(_sense(text), text)


@lru_cache(maxsize=64)
def _by_sense(labels: tuple[str, ...]) -> Mapping[float | str, str]:
    """Return labels by what they say, without those that say the same as another."""
    senses = Counter(map(_sense, labels))
    return {_sense(label): label for label in labels if senses[_sense(label)] == 1}


def _sense(text: str) -> float | str:
    try:
        number = float(text)
    except ValueError:
        return folded(text)
    return number if math.isfinite(number) else folded(text)


def steps_in(text: str) -> list[float | None] | None:
    """Return the values of a horizon as an outcome's text has them, None where a step is not known; None where it is no list of numbers.

    Examples:
        >>> steps_in("[11.5, null, 12]"), steps_in("many")
        ([11.5, None, 12.0], None)
    """
    parts = _listed(text)
    if parts is None or not all(one is None or (_number(one) and not isinstance(one, bool)) for one in parts):
        return None
    return [None if one is None else float(one) for one in parts]


def _listed(text: str) -> list[Any] | None:
    if not text.lstrip().startswith("["):
        return None
    try:
        found = json.loads(text)
    except json.JSONDecodeError:
        return None
    return found if isinstance(found, list) else None
