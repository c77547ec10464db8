"""FG358: sounds that were recorded too loud."""

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
class ClippedSounds:
    """Sounds that stand at the end of the scale: recorded too loud, or made louder until they were cut.

    Formula: sounds of which one sample in a thousand has 99.9 % of full scale at least.

    Why: clipping adds overtones that the source did not have. Where some recordings are clipped and others are not, a model
    learns the recorder.

    Remedy: record with less gain; where that cannot be done again, see whether clipped and other sounds are answered alike
    (`slices`).

    Needs: media.
    """

    name: ClassVar[str] = "fg358_clipped_sounds"
    code: ClassVar[str] = "FG358"
    title: ClassVar[str] = "Clipped sounds"
    step: ClassVar[str] = "explore"
    severity: ClassVar[Severity] = "warning"

    samples: float = setting(0.001, "share of a sound's samples at full scale from which it is clipped")
    named: float = setting(0.01, "share of the sounds from which it is told")
    share: float = setting(0.1, "share of the sounds from which it is a warning")

    def run(self, *, media: Table) -> list[Finding]:
        columns = files_of(media, "audio")
        if not columns:
            return [not_applicable(self, "There is no column of sounds.")]
        found = []
        for name, facts in columns.items():
            loud = [i for i, f in enumerate(facts) if f is not None and f.get("clipped", 0.0) > self.samples]
            clipped, n = np.array(loud, np.int64), sum(f is not None for f in facts)
            if not n or len(clipped) < max(1, self.named * n):
                continue
            sentence = f"{count(len(clipped), 'sound')} of {name!r} ({percent(len(clipped) / n)}) {verb(len(clipped), 'is', 'are')} clipped: {examples(media, name, clipped)}."
            severity: Severity = "warning" if len(clipped) > self.share * n else "info"
            evidence = {"rows": clipped[:50], "n": len(clipped)}
            remedy = "Record with less gain, or see whether clipped and other sounds are answered alike."
            found.append(fire(self, sentence, remedy, severity=severity, columns=[name], evidence=evidence))
        return found or [passed(self, "Hardly any sound is clipped.")]
