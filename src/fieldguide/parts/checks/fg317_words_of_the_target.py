"""FG317: words of the target in the cells of a column."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
import polars as pl

from fieldguide.core.finding import Finding, Severity
from fieldguide.core.problem import Output, Problem
from fieldguide.core.seeds import generator
from fieldguide.core.settings import setting
from fieldguide.core.table import Table
from fieldguide.parts.checks._answers import count, fire, names, not_applicable, passed, percent, verb
from fieldguide.parts.checks._identities import recoded

MOST_ROWS = 20_000
FEWEST_ROWS = 20
WORD = r"\p{L}{3,}"
# Words that name a target or a label without saying what it is about.
GENERIC = frozenset((
    "target", "label", "class", "category", "status", "flag", "type", "outcome", "result", "value", "response", "event",
    "code", "group", "the", "and", "not", "has", "was", "yes", "yeah", "true", "false", "none", "other", "others",
    "unknown", "positive", "negative", "high", "low", "middle", "medium", "good", "bad", "big", "small", "new", "old",
    "will", "any", "all", "number", "total", "output",
))  # fmt: skip


@dataclass(frozen=True)
class Spoken:
    """A word of the target in a column: where it stands, which label it goes with, how exactly."""

    column: str
    word: str
    label: str
    precision: float
    coverage: float
    n: int
    named: bool
    free_text: bool

    def to_dict(self) -> dict[str, Any]:
        return {
            "column": self.column, "word": self.word, "label": self.label, "precision": self.precision,
            "coverage": self.coverage, "n": self.n, "named": self.named,
        }  # fmt: skip


@dataclass(frozen=True)
class WordsOfTheTarget:
    """Cells that speak of the outcome: "cancelled by user" in the notes, where the target is whether it was cancelled.

    Formula: for each word of three letters or more, P(label | word) and P(word | label) over rows (20,000 at most). A
    word that shares its stem with a label, or with the name of a target of two classes, is named when at least 90 % of
    its rows have that label (Wilson's lower bound, four deviations, beyond half way from the base rate to one) and it
    stands in 2 % of the label's rows. The column is left out when 97 % do and it stands in half of the label's rows. In
    free text any word is named that says the label in 99 % of its rows and stands in 80 % of the label's.

    Why: notes, reasons and statuses are written by people who know how it ended. A model that reads them learns to read
    the answer. In free text a subject may simply be called by its name: there a word alone is a note.

    Remedy: ask when the text was written. If after the outcome, set `data.columns.<name>: ignore`; if it is known in
    time and was left out, `data.columns.<name>: feature`.

    Source: Kaufman, Rosset, Perlich and Stitelman (2012), Leakage in Data Mining.

    Needs: table, problem, truths.
    """

    name: ClassVar[str] = "fg317_words_of_the_target"
    code: ClassVar[str] = "FG317"
    title: ClassVar[str] = "Words of the target in cells"
    step: ClassVar[str] = "explore"
    excludes: ClassVar[bool] = True
    severity: ClassVar[Severity] = "warning"

    precise: float = setting(0.9, "share of a word's rows with its label, from which it is named")
    stands: float = setting(0.02, "share of a label's rows that have the word, from which it is named")
    sure_precise: float = setting(0.97, "share of a word's rows with its label, from which the column is left out")
    sure_stands: float = setting(0.5, "share of a label's rows that have the word, from which the column is left out")

    def run(self, *, table: Table, problem: Problem, truths: Sequence[np.ndarray]) -> list[Finding]:
        columns = [c for c in table.columns if c.role == "feature" and c.kind in ("category", "text")]
        columns = [c for c in columns if table.frame[c.name].dtype == pl.String]
        outputs = [(o, t) for o, t in zip(problem.outputs, truths) if o.task.family == "classes"]
        if not columns or not outputs:
            why = (
                "No column holds words."
                if not columns
                else "The target has no classes whose words could be looked for."
            )
            return [not_applicable(self, why)]
        findings = []
        for output, truth in outputs:
            found: list[Spoken] = []
            for column in columns:
                if recoded(table.frame[column.name], truth, output) is None:
                    found += self._spoken(table.frame[column.name], truth, output, column.kind == "text")
            findings.append(self._judge(output, found, len(columns)))
        return findings

    def _judge(self, output: Output, found: Sequence[Spoken], n_columns: int) -> Finding:
        if not found:
            return passed(self, f"No word in {count(n_columns, 'column')} speaks of {output.name!r}.")
        found = sorted(found, key=lambda s: (-s.coverage * s.precision, s.column, s.word))
        sure = [s for s in found if s.named and s.precision >= self.sure_precise and s.coverage >= self.sure_stands]
        exclude = list(dict.fromkeys(s.column for s in sure))
        columns = list(dict.fromkeys(s.column for s in found))
        said = "; ".join(
            f"{s.word!r} in {s.column!r} goes with {s.label!r} in {percent(s.precision)} of {s.n:,} rows "
            f"({percent(s.coverage)} of all {s.label!r})"
            for s in found[:3]
        )
        sentence = f"{said}."
        evidence: dict[str, Any] = {"output": output.name, "words": [s.to_dict() for s in found[:20]]}
        if exclude:
            evidence["exclude"] = exclude
            sentence += f" {names(exclude)} {verb(len(exclude), 'is', 'are')} left out of every model."
            remedy = (
                f"Nothing, unless the words were there before the outcome; then set data.columns.{exclude[0]}: feature."
            )
            return fire(self, sentence, remedy, columns=columns, evidence=evidence)
        loud = any(not s.free_text or (s.precision >= 0.99 and s.coverage >= self.sure_stands) for s in found)
        remedy = f"Ask when {names(columns)} {verb(len(columns), 'was', 'were')} written; if after the outcome, set data.columns.{columns[0]}: ignore."
        return fire(self, sentence, remedy, severity="warning" if loud else "info", columns=columns, evidence=evidence)

    def _spoken(self, cells: pl.Series, truth: np.ndarray, output: Output, free_text: bool) -> Iterator[Spoken]:
        rows = np.sort(generator(0, "words").permutation(len(truth))[:MOST_ROWS])
        truth = truth[rows]
        words = cells[rows].str.to_lowercase().str.extract_all(WORD).list.unique()
        frame = pl.DataFrame({"word": words, "label": truth}).explode("word").drop_nulls()
        counts = frame.group_by("word", "label").len().sort("word", "label")
        totals = counts.group_by("word").agg(
            pl.col("len").sum().alias("n"), pl.col("len").max().alias("hits"),
            pl.col("label").sort_by("len", descending=True).first(),
        )  # fmt: skip
        sizes = np.bincount(truth, minlength=len(output.labels))
        stems = _stems(output)
        for word, n, hits, code in totals.filter(pl.col("n") >= FEWEST_ROWS).sort("word").iter_rows():
            base, coverage, precision = sizes[code] / len(truth), hits / sizes[code], hits / n
            if precision < self.precise or _wilson_low(hits, n) <= (1 + base) / 2:
                continue
            named = any(_same_stem(stem, word) for stem in stems.get(int(code), ()))
            telling = free_text and precision >= 0.99 and coverage >= 0.8 and base <= 0.6
            if (named and coverage >= self.stands) or telling:
                label = output.labels[code]
                yield Spoken(cells.name, word, label, precision, coverage, n, named, free_text)


def _stems(output: Output) -> dict[int, list[str]]:
    """Return, for each label, the words of its name; the target's own name stands for the second of two classes."""
    found = {code: _words(label) for code, label in enumerate(output.labels)}
    if len(output.labels) == 2:
        found[1] = [*found[1], *_words(output.name)]
    return found


def _words(text: str) -> list[str]:
    spaced = re.sub(r"(?<=[a-z])(?=[A-Z])", " ", text)
    return [word for word in re.findall(r"[^\W\d_]{3,}", spaced.lower()) if word not in GENERIC]


def _same_stem(one: str, two: str) -> bool:
    """Whether two words begin alike up to their endings.

    Examples:
        >>> _same_stem("cancelled", "cancellation"), _same_stem("ham", "hamburger"), _same_stem("churned", "church")
        (True, False, False)
    """
    if min(len(one), len(two)) < 5:
        return one == two
    stem = max(5, min(len(one), len(two)) - 3)
    return one[:stem] == two[:stem]


def _wilson_low(hits: int, n: int, z: float = 4.0) -> float:
    rate, w = hits / n, z * z / n
    return (rate + w / 2 - z * math.sqrt(rate * (1 - rate) / n + w / (4 * n))) / (1 + w)
