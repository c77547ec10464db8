"""FG354: the form of a file tells its class."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from fieldguide.core.finding import Finding, Severity
from fieldguide.core.problem import Problem
from fieldguide.core.seeds import generator
from fieldguide.core.settings import setting
from fieldguide.core.table import Table
from fieldguide.parts.checks._answers import fire, not_applicable, passed, percent
from fieldguide.parts.checks._files import codes, files_of, levels

WAYS = {
    "size": ("width", "height"), "mode": ("mode",), "format": ("format",), "rotation by EXIF": ("turned",),
    "sample rate": ("rate",), "channels": ("channels",), "encoding": ("subtype",),
}  # fmt: skip


@dataclass(frozen=True)
class FormTellsClass:
    """The size, mode or format of files, which shows nothing of what is in them, tells the classes apart.

    Formula: rows are divided into two halves by a coin; each row's class is guessed as the most frequent class of the other
    half's files of the same form. Fires where that is right in 5 % of the rows more than the largest class is, and more
    often than after any of 200 shuffles of the classes.

    Why: positives from one camera and negatives from another make a classifier of cameras. It scores well on every split of
    these files and fails on the next one. Resizing does not remove it: sharpness, noise and borders tell the size still.

    Remedy: collect both classes in the same way, or crop and save all files alike before anything is learned; until then a
    test set of another source says what the score is worth.

    Needs: media, problem, truths.
    """

    name: ClassVar[str] = "fg354_form_tells_class"
    code: ClassVar[str] = "FG354"
    title: ClassVar[str] = "The form of files tells the class"
    step: ClassVar[str] = "explore"
    severity: ClassVar[Severity] = "warning"

    least: float = setting(0.05, "share of the rows by which the guess is better than the largest class")
    shuffles: int = setting(200, "shuffles of the classes that the guess must beat")

    def run(self, *, media: Table, problem: Problem, truths: Sequence[np.ndarray]) -> list[Finding]:
        columns = {**files_of(media), **files_of(media, "audio")}
        if not columns:
            return [not_applicable(self, "There is no column of images or sounds.")]
        outputs = [(o, t) for o, t in zip(problem.outputs, truths) if o.task.family == "classes"]
        if not outputs:
            return [not_applicable(self, "There are no classes to tell apart.")]
        found = []
        for name, facts in columns.items():
            for output, truth in outputs:
                strongest: tuple[float, str, int] | None = None
                for way, keys in WAYS.items():
                    texts = levels(facts, *keys)
                    if len(set(texts.tolist()) - {""}) < 2:
                        continue
                    gain = self._gain(codes(texts), truth, len(output.labels))
                    if gain > self.least and (strongest is None or gain > strongest[0]):
                        strongest = (gain, way, len(set(texts.tolist())))
                if strongest is not None:
                    gain, way, n = strongest
                    sentence = (
                        f"The {way} of the files of {name!r} ({n:,} different) tells {output.name!r}: guessed from it alone, "
                        f"{percent(gain)} more rows are right than by the largest class."
                    )
                    remedy = "Collect all classes in the same way, or crop and save all files alike, and judge on files of another source."
                    found.append(
                        fire(
                            self,
                            sentence,
                            remedy,
                            columns=[name],
                            evidence={"way": way, "gain": gain, "levels": n, "output": output.name},
                        )
                    )
        return found or [passed(self, "Size, mode and format of the files do not tell the class.")]

    def _gain(self, form: np.ndarray, truth: np.ndarray, n_labels: int) -> float:
        """Return how many more rows are right, as a share; 0 where shuffled classes do as well."""
        rng = generator(0, "form tells class")
        half = rng.permutation(len(truth)) % 2
        most = float(np.bincount(truth).max() / len(truth))
        gain = _right(form, truth, half, n_labels) - most
        if gain <= self.least:
            return gain
        best = max(_right(form, rng.permutation(truth), half, n_labels) for _ in range(self.shuffles)) - most
        return gain if gain > best else 0.0


def _right(form: np.ndarray, truth: np.ndarray, half: np.ndarray, n_labels: int) -> float:
    right, n_forms = 0, int(form.max()) + 1
    for side in (0, 1):
        seen, judged = half != side, half == side
        counts = np.bincount(form[seen] * n_labels + truth[seen], minlength=n_forms * n_labels).reshape(
            n_forms, n_labels
        )
        guess = np.where(counts.sum(axis=1) > 0, counts.argmax(axis=1), np.bincount(truth[seen]).argmax())
        right += int((guess[form[judged]] == truth[judged]).sum())
    return right / len(truth)
