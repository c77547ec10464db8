"""FG347: texts without a word."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import ClassVar

from fieldguide.core.finding import Finding, Severity
from fieldguide.core.settings import setting
from fieldguide.core.table import Table
from fieldguide.parts.checks._answers import count, fire, not_applicable, passed, percent, verb
from fieldguide.parts.checks._texts import texts_of

STANDS_FOR_NOTHING = frozenset(
    ["n/a", "na", "none", "null", "nil", "nan", "empty", "missing", "unknown", "test", "xxx", "tbd", "todo"]
)


@dataclass(frozen=True)
class WordlessTexts:
    """Texts that say nothing: no letter in them ("-", "...", "123"), or a word that stands for none ("n/a", "none", "test").

    Formula: texts without any letter, and texts that are a placeholder as a whole, per column. Empty texts are missing cells
    (FG301).

    Why: they are filled-in cells to every count, and nothing to a model. That somebody wrote nothing may well tell the
    answer, and will be said otherwise after the next change of a form.

    Remedy: leave the cell empty where there is no text (`data.columns.<name>: {read: {missing: [...]}}` does it for numbers
    and categories; texts are emptied in the table).

    Needs: media.
    """

    name: ClassVar[str] = "fg347_wordless_texts"
    code: ClassVar[str] = "FG347"
    title: ClassVar[str] = "Texts without a word"
    step: ClassVar[str] = "explore"
    severity: ClassVar[Severity] = "warning"

    share: float = setting(0.05, "share of a column's texts from which it is a warning")
    least: float = setting(0.002, "share of a column's texts below which nothing is said")

    def run(self, *, media: Table) -> list[Finding]:
        columns = texts_of(media)
        if not columns:
            return [not_applicable(self, "There is no column of texts.")]
        found = []
        for name, texts in columns.items():
            known = [text for text in texts if text is not None]
            said = Counter(text.lower() for text in known if _says_nothing(text))
            n = sum(said.values())
            if not n or n < self.least * len(known):
                continue
            told = ", ".join(f"{text[:20]!r} ({times:,})" for text, times in said.most_common(3))
            sentence = f"{count(n, 'text')} of {name!r} ({percent(n / len(known))}) {verb(n, 'holds', 'hold')} no word: {told}."
            severity: Severity = "warning" if n > self.share * len(known) else "info"
            remedy = "Leave the cell empty where there is no text."
            evidence = {"n": n, "texts": dict(said.most_common(20))}
            found.append(fire(self, sentence, remedy, severity=severity, columns=[name], evidence=evidence))
        return found or [passed(self, "Every text holds a word, but for a few at most.")]


def _says_nothing(text: str) -> bool:
    return not any(map(str.isalpha, text)) or text.lower().strip(" .-") in STANDS_FOR_NOTHING
