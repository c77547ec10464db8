"""FG345: a column of texts in several languages."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from fieldguide.core.finding import Finding, Severity
from fieldguide.core.settings import setting
from fieldguide.core.table import Table
from fieldguide.core.words.languages import UNKNOWN, languages_of
from fieldguide.parts.checks._answers import fire, not_applicable, passed, percent
from fieldguide.parts.checks._texts import texts_of


@dataclass(frozen=True)
class MixedLanguages:
    """A column whose texts are in several languages.

    Formula: the language of each text by its script and its little words ("the", "und", "que"), of evenly spaced 5,000 where
    there are more; languages that at least 2 % of the texts whose language is known are in, and at least 5 texts. Texts whose language is not
    known count for none.

    Why: languages share few words, so each is learned from its own rows only: a fiftieth of the rows is a fiftieth of what
    there is to learn from. Where the languages differ in their answers, a model learns the language.

    Remedy: look at the score by language (a column with the language, named in `slices`), use a checkpoint of many languages, or
    keep one language (`population`).

    Source: Grefenstette (1995), Comparing two language identification schemes.

    Needs: media.
    """

    name: ClassVar[str] = "fg345_mixed_languages"
    code: ClassVar[str] = "FG345"
    title: ClassVar[str] = "Texts in several languages"
    step: ClassVar[str] = "explore"
    severity: ClassVar[Severity] = "warning"

    share: float = setting(0.02, "share of the texts of known language from which a language is named")
    least: int = setting(5, "texts from which a language is named")
    many: float = setting(0.1, "share outside the most frequent language from which it is a warning")

    def run(self, *, media: Table) -> list[Finding]:
        columns = texts_of(media)
        if not columns:
            return [not_applicable(self, "There is no column of texts.")]
        found, told = [], []
        for name, texts in columns.items():
            counts = languages_of(texts)
            known = {language: n for language, n in counts.items() if language != UNKNOWN}
            total = sum(known.values())
            named = {lang: n for lang, n in known.items() if n >= max(self.least, self.share * total)}
            if named:
                told.append(f"{name!r}: {next(iter(named))}")
            if len(named) < 2:
                continue
            others = 1 - next(iter(named.values())) / total
            shares = ", ".join(f"{language} {percent(n / total)}" for language, n in named.items())
            unknown = counts.get(UNKNOWN, 0)
            rest = f"; of {percent(unknown / (total + unknown))} the language is not known" if unknown else ""
            sentence = f"The texts of {name!r} are in several languages: {shares}{rest}."
            severity: Severity = "warning" if others > self.many else "info"
            remedy = "Look at the score by language, take a checkpoint of many languages, or keep one of them."
            found.append(
                fire(self, sentence, remedy, severity=severity, columns=[name], evidence={"languages": counts})
            )
        said = "; ".join(told) or "texts too short to tell"
        return found or [passed(self, f"Every column of texts is in one language, as far as can be told ({said}).")]
