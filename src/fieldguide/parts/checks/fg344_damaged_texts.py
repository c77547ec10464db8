"""FG344: texts whose characters were damaged on their way."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import ClassVar

from fieldguide.core.finding import Finding, Severity
from fieldguide.core.settings import setting
from fieldguide.core.table import Table
from fieldguide.core.words.damage import WORDS, damage_of
from fieldguide.parts.checks._answers import count, fire, not_applicable, passed, percent, verb
from fieldguide.parts.checks._texts import quoted, texts_of


@dataclass(frozen=True)
class DamagedTexts:
    """Texts with the marks of a wrong encoding: "CafÃ©", replacement characters, control characters, entities of web pages.

    Formula: texts that hold UTF-8 read as Latin-1 or Windows-1252, the character U+FFFD, a control character, or an HTML
    entity, per column and kind.

    Why: "cafÃ©" and "café" are two words to a model, and only one of them comes when it is asked. Where some sources were
    exported wrongly and others were not, the damage tells the source, and with it often the answer.

    Remedy: export the table again as UTF-8. What was misread can be mended (encode as Windows-1252, decode as UTF-8), what was
    replaced is lost; unescape entities before the table is written.

    Needs: media.
    """

    name: ClassVar[str] = "fg344_damaged_texts"
    code: ClassVar[str] = "FG344"
    title: ClassVar[str] = "Damaged texts"
    step: ClassVar[str] = "explore"
    severity: ClassVar[Severity] = "warning"

    share: float = setting(0.01, "share of a column's texts from which it is a warning")

    def run(self, *, media: Table) -> list[Finding]:
        columns = texts_of(media)
        if not columns:
            return [not_applicable(self, "There is no column of texts.")]
        found = []
        for name, texts in columns.items():
            kinds = [damage_of(text) if text else "" for text in texts]
            rows = [row for row, kind in enumerate(kinds) if kind]
            if not rows:
                continue
            n = sum(text is not None for text in texts)
            counts = Counter(kind for kind in kinds if kind)
            told = ", ".join(f"{times:,} {WORDS[kind]}" for kind, times in counts.most_common())
            sentence = (
                f"{count(len(rows), 'text')} of {name!r} ({percent(len(rows) / n)}) {verb(len(rows), 'is', 'are')} damaged: {told}, "
                f"such as {quoted(texts, rows)}."
            )
            severity: Severity = "warning" if len(rows) > self.share * n else "info"
            remedy = "Export the table again as UTF-8; unescape entities before it is written."
            evidence = {"n": len(rows), "kinds": dict(counts), "rows": rows[:50]}
            found.append(fire(self, sentence, remedy, severity=severity, columns=[name], evidence=evidence))
        return found or [passed(self, "No text shows the marks of a wrong encoding.")]
