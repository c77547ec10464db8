"""FG204: what is judged is later than what is learned from."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from fieldguide.core.contracts import Roles
from fieldguide.core.finding import Finding, Severity
from fieldguide.core.split import Split
from fieldguide.core.table import Table
from fieldguide.parts.checks._answers import count, fire, not_applicable, passed, percent, verb


@dataclass(frozen=True)
class ArrowOfTime:
    """Held-out rows that are not later than the rows learned from, in a table whose rows have a time.

    Formula: max(time of development) < min(time of sealed), and the same for the training and validation rows of
    every fold.

    Why: in use, a model answers about the future. Judged on rows from between its training rows it can interpolate,
    and drift stays invisible until after deployment.

    Remedy: let `split.by` be chronological, or give a later test set. Where time truly does not matter, set
    `split.by: random`; the report then says so.

    Needs: table, split, roles (of all rows).
    """

    name: ClassVar[str] = "fg204_arrow_of_time"
    code: ClassVar[str] = "FG204"
    title: ClassVar[str] = "The arrow of time"
    step: ClassVar[str] = "split"
    severity: ClassVar[Severity] = "error"

    def run(self, *, table: Table, split: Split, roles: Roles) -> list[Finding]:
        times = roles.times
        if times is None:
            columns = [column.name for column in table.role("time")]
            if not columns:
                return [not_applicable(self, "No time column is declared or sure.")]
            sentence = (
                f"The {len(split.test):,} sealed rows were drawn at random, although {columns[0]!r} gives the "
                "time of each row."
            )
            remedy = "Set split.by: chronological if the model will answer about the future."
            return [
                fire(self, sentence, remedy, severity="warning", columns=columns, evidence={"scheme": split.scheme})
            ]
        last = times[split.development].max()
        early = int((times[split.test] <= last).sum())
        if early and split.scheme.startswith("given"):
            sentence = (
                f"{early:,} of the {len(split.test):,} rows of the given test set "
                f"({percent(early / len(split.test))}) are not later than the development rows."
            )
            remedy = "Its score says nothing about the future; give a later test set to learn that."
            return [fire(self, sentence, remedy, severity="warning", evidence={"early_rows": early})]
        inside = split.roles.times
        assert inside is not None, "development rows keep the times of all rows"
        wrong = [i for i, fold in enumerate(split.folds) if inside[fold.train].max() >= inside[fold.validation].min()]
        if early or wrong:
            sentence = (
                f"{count(early, 'sealed row')} {verb(early, 'is', 'are')} not later than the development rows, and in "
                f"{count(len(wrong), 'fold')} validation rows are not later than training rows."
            )
            return [fire(self, sentence, "Report this as a bug.", evidence={"early_rows": early, "folds": wrong})]
        cut = str(np.datetime64(int(times[split.test].min()), "us").astype("datetime64[s]"))
        begins = cut.removesuffix("T00:00:00").replace("T", " ")
        sentence = (
            f"Every sealed row is later than every development row (the seal begins {begins}), and so it is in "
            f"each of {count(len(split.folds), 'fold')}."
        )
        return [passed(self, sentence, evidence={"cut": cut})]
