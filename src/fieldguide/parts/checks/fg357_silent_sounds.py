"""FG357: sounds that say nothing."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from fieldguide.core.finding import Finding, Severity
from fieldguide.core.settings import setting
from fieldguide.core.table import Table
from fieldguide.parts.checks._answers import count, fire, not_applicable, passed, percent, verb
from fieldguide.parts.checks._files import examples, files_of


@dataclass(frozen=True)
class SilentSounds:
    """Sounds without sound: a microphone that was off, a file that was written too early.

    Formula: sounds whose root mean square is below 0.0001 of full scale (-80 dB), over the whole file.

    Why: nothing can be learned from them but the share of their labels, and why a recording is silent may tell the label.

    Remedy: leave the cell empty where there is no recording, or take the rows out.

    Needs: media.
    """

    name: ClassVar[str] = "fg357_silent_sounds"
    code: ClassVar[str] = "FG357"
    title: ClassVar[str] = "Silent sounds"
    step: ClassVar[str] = "explore"
    severity: ClassVar[Severity] = "warning"

    share: float = setting(0.01, "share of the sounds from which it is a warning")

    def run(self, *, media: Table) -> list[Finding]:
        columns = files_of(media, "audio")
        if not columns:
            return [not_applicable(self, "There is no column of sounds.")]
        found = []
        for name, facts in columns.items():
            silent = np.array([i for i, f in enumerate(facts) if f is not None and f.get("silent")], np.int64)
            n = sum(f is not None for f in facts)
            if not len(silent):
                continue
            sentence = f"{count(len(silent), 'sound')} of {name!r} ({percent(len(silent) / n)}) {verb(len(silent), 'is', 'are')} silent: {examples(media, name, silent)}."
            severity: Severity = "warning" if len(silent) > self.share * n else "info"
            remedy = "Leave the cell empty where there is no recording, or take the rows out."
            evidence = {"rows": silent[:50], "n": len(silent)}
            found.append(fire(self, sentence, remedy, severity=severity, columns=[name], evidence=evidence))
        return found or [passed(self, "No sound is silent.")]
