"""FG348: texts that were cut off at one length."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from fieldguide.core.finding import Finding, Severity
from fieldguide.core.settings import setting
from fieldguide.core.table import Table
from fieldguide.parts.checks._answers import count, fire, not_applicable, passed, percent, verb
from fieldguide.parts.checks._texts import quoted, texts_of

WINDOW = 0.1  # of the greatest length: how often texts are nearly as long, without being cut
SPACES = 2  # characters that a cut text may be shorter: white space at its end is no part of it


@dataclass(frozen=True)
class CutTexts:
    """Many texts that end at exactly the same, greatest length: a field or an export that held no more.

    Formula: texts of the greatest length of the column [characters], or up to 2 less (white space at the end), where these are at
    least 10 and 1 % of the texts, and ten times as many as any shorter length of the last tenth has.

    Why: what was cut off is missing in all of them, and where the model is asked, texts may come whole.

    Remedy: export the column without a limit; where there is none to be had, cut the texts in use at the same place.

    Needs: media.
    """

    name: ClassVar[str] = "fg348_cut_texts"
    code: ClassVar[str] = "FG348"
    title: ClassVar[str] = "Texts that were cut off"
    step: ClassVar[str] = "explore"
    severity: ClassVar[Severity] = "warning"

    share: float = setting(0.01, "share of a column's texts that must have the greatest length")
    least: int = setting(10, "texts that must have it")
    times: float = setting(10.0, "times as many as have a length a little shorter")
    shortest: int = setting(50, "characters below which a field of fixed length is no cut")

    def run(self, *, media: Table) -> list[Finding]:
        columns = texts_of(media)
        if not columns:
            return [not_applicable(self, "There is no column of texts.")]
        found = []
        for name, texts in columns.items():
            lengths = np.array([0 if text is None else len(text) for text in texts], np.int64)
            n, longest = int((lengths > 0).sum()), int(lengths.max(initial=0))
            rows = np.flatnonzero(lengths >= longest - SPACES)
            if longest < self.shortest or len(rows) < max(self.least, self.share * n):
                continue
            near = lengths[(lengths < longest - SPACES) & (lengths >= (1 - WINDOW) * longest)]
            usual = int(np.bincount(near).max()) if len(near) else 0
            if len(rows) < self.times * max(usual, 1) or len(rows) == n:
                continue
            sentence = (
                f"{count(len(rows), 'text')} of {name!r} ({percent(len(rows) / n)}) {verb(len(rows), 'ends', 'end')} at {longest:,} characters, "
                f"and none is longer: they were cut off, such as {quoted([t and '…' + t[-30:] for t in texts], rows, 1)}."
            )
            remedy = "Export the column without a limit, or cut texts at the same place where the model is asked."
            evidence = {"n": len(rows), "length": longest, "most_of_a_shorter_length": usual}
            found.append(fire(self, sentence, remedy, columns=[name], evidence=evidence))
        return found or [passed(self, "Texts do not end at one length.")]
