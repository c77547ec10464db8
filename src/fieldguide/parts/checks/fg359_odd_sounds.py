"""FG359: a few sounds of another rate or length."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from fieldguide.core.finding import Finding, Severity
from fieldguide.core.settings import setting
from fieldguide.core.table import Table
from fieldguide.parts.checks._answers import count, fire, not_applicable, passed, percent, verb
from fieldguide.parts.checks._files import Facts, examples, files_of


@dataclass(frozen=True)
class OddSounds:
    """A few sounds of another sample rate, of other channels, or many times longer or shorter than the rest.

    Formula: sounds whose rate or number of channels is not the most frequent one, and sounds at least 4 times as long as the
    median or at most a quarter of it; each where these are at most 5 % of the sounds.

    Why: all are brought to one rate and one channel, and cut or filled to one length. But few sounds that were recorded
    otherwise come from elsewhere; at a lower rate the high bands are empty; and of a long sound a network sees the middle only.

    Remedy: look at the files named; cut long recordings into pieces of the usual length.

    Needs: media.
    """

    name: ClassVar[str] = "fg359_odd_sounds"
    code: ClassVar[str] = "FG359"
    title: ClassVar[str] = "Sounds of another rate or length"
    step: ClassVar[str] = "explore"
    severity: ClassVar[Severity] = "info"

    times: float = setting(4.0, "how many times the median length an odd one is, or is shorter")
    share: float = setting(0.05, "most sounds that may be odd; more are a second kind, not oddities")

    def run(self, *, media: Table) -> list[Finding]:
        columns = files_of(media, "audio")
        if not columns:
            return [not_applicable(self, "There is no column of sounds.")]
        found = []
        for name, facts in columns.items():
            n = sum(f is not None for f in facts)
            ways = {"of another rate": self._rare(facts, "rate"), "of other channels": self._rare(facts, "channels")}
            ways["of quite another length"] = self._long(facts)
            for way, odd in ways.items():
                if not len(odd) or len(odd) > self.share * n:
                    continue
                usual = _usual(facts, way)
                sentence = (
                    f"{count(len(odd), 'sound')} of {name!r} ({percent(len(odd) / n)}) {verb(len(odd), 'is', 'are')} {way} than the others "
                    f"({usual}): {examples(media, name, odd)}."
                )
                evidence = {"rows": odd[:50], "n": len(odd), "way": way, "usual": usual}
                remedy = "Look at them: they may come from another source."
                found.append(fire(self, sentence, remedy, columns=[name], evidence=evidence))
        return found or [passed(self, "Sounds have one rate and like lengths, or come in groups of more than a few.")]

    def _rare(self, facts: Facts, what: str) -> np.ndarray:
        counts = Counter(f[what] for f in facts if f is not None and what in f)
        usual = counts.most_common(1)[0][0] if counts else None
        return np.array([i for i, f in enumerate(facts) if f is not None and f.get(what, usual) != usual], np.int64)

    def _long(self, facts: Facts) -> np.ndarray:
        seconds = np.array([np.nan if f is None else f.get("seconds", np.nan) for f in facts], np.float64)
        if np.isnan(seconds).all():
            return np.zeros(0, np.int64)
        middle = np.nanmedian(seconds)
        with np.errstate(invalid="ignore"):
            return np.flatnonzero((seconds >= self.times * middle) | (seconds * self.times <= middle))


def _usual(facts: Facts, way: str) -> str:
    def most(what: str) -> Any:
        return Counter(f[what] for f in facts if isinstance(f, Mapping) and what in f).most_common(1)[0][0]

    if way == "of another rate":
        return f"{most('rate'):,} Hz"
    if way == "of other channels":
        return count(most("channels"), "channel")
    return f"median {np.median([f['seconds'] for f in facts if f is not None and 'seconds' in f]):.3g} s"
