"""FG205: rows that nobody uses."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from fieldguide.core.finding import Finding, Severity
from fieldguide.core.settings import setting
from fieldguide.core.split import Split
from fieldguide.core.table import Table
from fieldguide.parts.checks._answers import count, fire, passed, percent, verb


@dataclass(frozen=True)
class PurgedRows:
    """Rows that are in no part, because their group or their content lies on the other side of the seal.

    Formula: all rows less development rows less sealed rows, less those that are in no population (FG109, `population`). Purged are
    rows of a group on both sides of the cut in time: the side with fewer of its rows is given up.

    Why: keeping them would let the model learn from the units it is judged on. Many purged rows mean that groups
    and time pull in different directions, and that the rows left are no longer a fair sample.

    Remedy: nothing, when they are few. When they are many: declare a group that lives shorter, or move the cut.

    Needs: table, split.
    """

    name: ClassVar[str] = "fg205_purged_rows"
    code: ClassVar[str] = "FG205"
    title: ClassVar[str] = "Rows used by nobody"
    step: ClassVar[str] = "split"
    severity: ClassVar[Severity] = "warning"

    most: float = setting(0.2, "share of rows that may be purged before it is a warning")

    def run(self, *, table: Table, split: Split) -> list[Finding]:
        n = len(split.purged) - split.n_outside
        if not n:
            outside = f", but for {split.n_outside:,} outside the populations" if split.n_outside else ""
            return [passed(self, f"Each of the {table.n_rows:,} rows is used{outside}.", evidence={"n_purged": 0})]
        share = n / table.n_rows
        sentence = (
            f"{count(n, 'row')} ({percent(share)}) {verb(n, 'is', 'are')} used by nobody: "
            f"{verb(n, 'its', 'their')} group or content lies on the other side of the seal."
        )
        remedy = "Nothing to do if they are few; else declare a group that lives shorter, or another split.test."
        return [
            fire(
                self,
                sentence,
                remedy,
                severity="warning" if share > self.most else "info",
                evidence={"n_purged": n, "share": share},
            )
        ]
