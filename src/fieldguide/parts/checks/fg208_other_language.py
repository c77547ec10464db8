"""FG208: sealed texts in another language than those to learn from."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from fieldguide.core.finding import Finding, Severity
from fieldguide.core.settings import setting
from fieldguide.core.split import Split
from fieldguide.core.table import Table
from fieldguide.core.words.languages import UNKNOWN, languages_of
from fieldguide.parts.checks._answers import fire, not_applicable, passed, percent
from fieldguide.parts.checks._texts import texts_of


@dataclass(frozen=True)
class OtherLanguage:
    """The sealed texts are in other languages than the development texts.

    Formula: the share of each language among texts whose language is known, sealed against development rows. It fires where a
    share differs by 5 points at least, and by more than 4 standard errors of the difference (two shares, pooled).

    Why: words that were never met say nothing. A model of English texts answers Spanish ones by their punctuation.

    Remedy: after a random draw this does not happen: look how the rows are grouped. With a given test set, or along time, say which
    language the model is for (`population`), or collect texts of the others to learn from.

    Needs: table, split.
    """

    name: ClassVar[str] = "fg208_other_language"
    code: ClassVar[str] = "FG208"
    title: ClassVar[str] = "Sealed texts in another language"
    step: ClassVar[str] = "split"
    severity: ClassVar[Severity] = "warning"

    least: float = setting(0.05, "difference of two shares from which it matters")
    errors: float = setting(4.0, "standard errors of the difference that it must exceed, many languages looked at")

    def run(self, *, table: Table, split: Split) -> list[Finding]:
        columns = texts_of(table)
        if not columns:
            return [not_applicable(self, "There is no column of texts.")]
        found = []
        for name, texts in columns.items():
            parts = [languages_of([texts[int(row)] for row in rows]) for rows in (split.development, split.test)]
            here, there = ({lang: n for lang, n in part.items() if lang != UNKNOWN} for part in parts)
            n_here, n_there = sum(here.values()), sum(there.values())
            if not n_here or not n_there:
                continue
            moved = [
                (lang, here.get(lang, 0) / n_here, there.get(lang, 0) / n_there)
                for lang in dict.fromkeys([*here, *there])
                if self._differs(here.get(lang, 0), n_here, there.get(lang, 0), n_there)
            ]
            if not moved:
                continue
            told = ", ".join(f"{lang} {percent(there_)} against {percent(here_)}" for lang, here_, there_ in moved[:4])
            sentence = f"The sealed texts of {name!r} are in other languages than those to learn from: {told}."
            remedy = "Find out how the test rows were collected, and collect texts of these languages to learn from."
            found.append(fire(self, sentence, remedy, columns=[name], evidence={"development": here, "sealed": there}))
        return found or [passed(self, "Sealed texts are in the languages of the development texts.")]

    def _differs(self, a: int, n_a: int, b: int, n_b: int) -> bool:
        gap, pooled = abs(a / n_a - b / n_b), (a + b) / (n_a + n_b)
        error = float(np.sqrt(pooled * (1 - pooled) * (1 / n_a + 1 / n_b)))
        return gap >= self.least and gap > self.errors * error
