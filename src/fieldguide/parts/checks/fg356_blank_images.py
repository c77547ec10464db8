"""FG356: images that show nothing."""

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
class BlankImages:
    """Images of one shade: black frames, white pages, placeholders.

    Formula: images whose 16 x 16 shades deviate by less than 2 of 255.

    Why: nothing can be learned from them but the share of their labels, and a placeholder that stands for "no picture" tells
    what the picture was to tell: whether somebody cared to take one.

    Remedy: leave the cell empty where there is no picture, or take the rows out.

    Needs: media.
    """

    name: ClassVar[str] = "fg356_blank_images"
    code: ClassVar[str] = "FG356"
    title: ClassVar[str] = "Images that show nothing"
    step: ClassVar[str] = "explore"
    severity: ClassVar[Severity] = "warning"

    share: float = setting(0.01, "share of the images from which it is a warning")

    def run(self, *, media: Table) -> list[Finding]:
        columns = files_of(media)
        if not columns:
            return [not_applicable(self, "There is no column of images.")]
        found = []
        for name, facts in columns.items():
            blank = np.array([i for i, f in enumerate(facts) if f is not None and f.get("phash") == ""], np.int64)
            n = sum(f is not None for f in facts)
            if not len(blank):
                continue
            sentence = (
                f"{count(len(blank), 'image')} of {name!r} ({percent(len(blank) / n)}) {verb(len(blank), 'shows', 'show')} one shade only: "
                f"{examples(media, name, blank)}."
            )
            severity: Severity = "warning" if len(blank) > self.share * n else "info"
            remedy = "Leave the cell empty where there is no picture, or take the rows out."
            found.append(
                fire(
                    self,
                    sentence,
                    remedy,
                    severity=severity,
                    columns=[name],
                    evidence={"rows": blank[:50], "n": len(blank)},
                )
            )
        return found or [passed(self, "Every image shows more than one shade.")]
