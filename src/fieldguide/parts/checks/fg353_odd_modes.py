"""FG353: a few images that are stored otherwise than the rest."""

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
from fieldguide.parts.checks._files import examples, files_of

GROUPS = {"L": "grey", "1": "black and white", "LA": "grey with alpha", "RGB": "colour", "RGBA": "colour with alpha", "P": "palette",
    "CMYK": "CMYK", "F": "floats", "I": "deep grey"}  # fmt: skip


@dataclass(frozen=True)
class OddModes:
    """A few images that are stored otherwise than the others: grey among coloured ones, CMYK, 16 bits, animations, turned by EXIF.

    Formula: the mode of each file (colour, grey, palette, CMYK, 16 bits, with alpha), whether it has several frames, and
    whether its EXIF turns it; groups other than the largest that hold at most 5 % of the images together.

    Why: all of them are read (turned upright, laid on white, 8 bits a channel, the first frame), but few pictures that were
    saved otherwise come from elsewhere: another scanner, another program, the web.

    Remedy: look at the files named; nothing has to be converted.

    Needs: media.
    """

    name: ClassVar[str] = "fg353_odd_modes"
    code: ClassVar[str] = "FG353"
    title: ClassVar[str] = "Images stored otherwise"
    step: ClassVar[str] = "explore"
    severity: ClassVar[Severity] = "info"

    share: float = setting(0.05, "most images that may be odd; more are a second kind, not oddities")

    def run(self, *, media: Table) -> list[Finding]:
        columns = files_of(media)
        if not columns:
            return [not_applicable(self, "There is no column of images.")]
        found = []
        for name, facts in columns.items():
            groups = [None if f is None else _group(f) for f in facts]
            counts = Counter(group for group in groups if group is not None)
            n = sum(counts.values())
            largest = counts.most_common(1)[0][0] if counts else ""
            odd = np.array([i for i, group in enumerate(groups) if group is not None and group != largest], np.int64)
            if not len(odd) or len(odd) > self.share * n:
                continue
            told = ", ".join(f"{times:,} {group}" for group, times in counts.most_common()[1:5])
            sentence = (
                f"{count(len(odd), 'image')} of {name!r} ({percent(len(odd) / n)}) {verb(len(odd), 'is', 'are')} stored otherwise than the others ({largest}): {told}, "
                f"such as {examples(media, name, odd)}."
            )
            evidence = {"counts": dict(counts), "rows": odd[:50], "n": len(odd)}
            found.append(
                fire(
                    self,
                    sentence,
                    "Look at them: they may come from another source.",
                    columns=[name],
                    evidence=evidence,
                )
            )
        return found or [passed(self, "All images are stored alike, or in groups of more than a few.")]


def _group(facts: Mapping[str, Any]) -> str:
    mode = str(facts.get("mode", ""))
    group = "16-bit grey" if mode.startswith("I;16") else GROUPS.get(mode, mode)
    group += ", animated" if facts.get("frames", 1) > 1 else ""
    return group + (", turned by EXIF" if facts.get("turned", 1) > 1 else "")
