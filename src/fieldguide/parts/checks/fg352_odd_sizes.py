"""FG352: a few images of quite another size."""

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
class OddSizes:
    """A few images that are many times larger or smaller than the others.

    Formula: images whose longer side is at least 4 times the median longer side, or at most a quarter of it, where these are
    at most 5 % of the images.

    Why: few pictures of another size come from another camera, another export, or from before cropping. Brought to the
    same pixels they show the thing smaller or larger than the others do, and they are where labels go wrong.

    Remedy: look at the files named; crop or export them as the others were.

    Needs: media.
    """

    name: ClassVar[str] = "fg352_odd_sizes"
    code: ClassVar[str] = "FG352"
    title: ClassVar[str] = "Images of another size"
    step: ClassVar[str] = "explore"
    severity: ClassVar[Severity] = "info"

    times: float = setting(4.0, "how many times the median side an odd one is, or is smaller")
    share: float = setting(0.05, "most images that may be odd; more are a second size, not oddities")

    def run(self, *, media: Table) -> list[Finding]:
        columns = files_of(media)
        if not columns:
            return [not_applicable(self, "There is no column of images.")]
        found = []
        for name, facts in columns.items():
            sides = np.array([0 if f is None else max(f.get("width", 0), f.get("height", 0)) for f in facts])
            known = sides > 0
            middle = float(np.median(sides[known])) if known.any() else 0.0
            odd = np.flatnonzero(known & ((sides >= self.times * middle) | (sides * self.times <= middle)))
            if not len(odd) or len(odd) > self.share * known.sum():
                continue
            of_odd = [facts[row] or {} for row in odd.tolist()]
            sizes = sorted({f"{f.get('width')} x {f.get('height')}" for f in of_odd})
            sentence = (
                f"{count(len(odd), 'image')} of {name!r} ({percent(len(odd) / known.sum())}) {verb(len(odd), 'is', 'are')} of quite another size "
                f"({', '.join(sizes[:3])}) than the others (longer side {middle:,.0f} pixels): {examples(media, name, odd)}."
            )
            evidence = {"rows": odd[:50], "n": len(odd), "median_side": middle, "sizes": sizes[:20]}
            remedy = "Look at them, and crop or export them as the others were."
            found.append(fire(self, sentence, remedy, columns=[name], evidence=evidence))
        return found or [passed(self, "No image is many times larger or smaller than the others.")]
