"""FG355: one file under several labels."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from fieldguide.core.files.media import FILE_KINDS
from fieldguide.core.finding import Finding, Severity
from fieldguide.core.problem import Problem
from fieldguide.core.table import Table
from fieldguide.parts.checks._answers import count, fire, not_applicable, passed, verb
from fieldguide.parts.checks._files import codes, examples, files_of, levels


@dataclass(frozen=True)
class SameFileOtherLabel:
    """The same image or sound, byte by byte, stands in rows of different classes.

    Formula: files by the hash of their content; those whose rows have more than one class. Only where files are the only
    columns: beside others the same file may well mean two things.

    Why: one of the labels is wrong, or the classes are not exclusive. Whatever is predicted for such a file is wrong for one
    of its rows, and a copy that lies in two folders was often moved by hand and left behind.

    Remedy: look at the files named and keep the right label.

    Needs: media, problem, truths.
    """

    name: ClassVar[str] = "fg355_same_file_other_label"
    code: ClassVar[str] = "FG355"
    title: ClassVar[str] = "One file under several labels"
    step: ClassVar[str] = "explore"
    severity: ClassVar[Severity] = "warning"

    def run(self, *, media: Table, problem: Problem, truths: Sequence[np.ndarray]) -> list[Finding]:
        columns = {name: facts for kind in FILE_KINDS for name, facts in files_of(media, kind).items()}
        if not columns or len(media.features) > 1:
            return [not_applicable(self, "Rows are not single images or sounds.")]
        ((name, facts),) = columns.items()
        texts = levels(facts, "hash")
        known = np.flatnonzero(texts != "")
        file = codes(texts[known])
        found = []
        for output, truth in zip(problem.outputs, truths):
            if output.task.family != "classes":
                continue
            pairs = np.unique(np.stack([file, truth[known]], axis=1), axis=0)
            twice = np.flatnonzero(np.bincount(pairs[:, 0], minlength=int(file.max(initial=0)) + 1) > 1)
            if not len(twice):
                continue
            rows = known[np.isin(file, twice)]
            sentence = (
                f"{count(len(twice), 'file')} of {name!r} {verb(len(twice), 'stands', 'stand')} in rows of different {output.name!r} "
                f"({count(len(rows), 'row')}): {examples(media, name, rows, 4)}."
            )
            evidence = {"n_files": len(twice), "rows": rows[:50], "output": output.name}
            found.append(
                fire(self, sentence, "Look at them and keep the right label.", columns=[name], evidence=evidence)
            )
        return found or [passed(self, f"No file of {name!r} stands under two labels.")]
