"""FG904: features that drift while a model is served."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import polars as pl

from fieldguide.core.finding import Finding
from fieldguide.core.online.served import Traffic
from fieldguide.parts.checks._answers import count, not_applicable
from fieldguide.parts.checks.fg903_serving_skew import ServingSkew, judged


@dataclass(frozen=True)
class ServingDrift(ServingSkew):
    """Features whose served values are distributed otherwise in the newest window than in the first.

    Formula: as FG903, between the first window of served rows and the newest; corrected for all columns and for the
    windows in between. Windows hold about equally many rows, at least 200, at most eight of them.

    Why: the model was as good as its score on the rows it was made for. Where features move away from these, it answers about
    rows it has hardly seen, and its score is of the past.

    Remedy: train again on newer rows (`fieldguide join --from-log`, then the same study), and see by `fieldguide recency` how
    often that is worth it. If a column moved because its meaning changed, mend it.

    Source: Gama et al. (2014), A survey on concept drift adaptation.

    Needs: traffic.
    """

    name: ClassVar[str] = "fg904_serving_drift"
    code: ClassVar[str] = "FG904"
    title: ClassVar[str] = "Drift of served features"

    def run(self, *, traffic: Traffic) -> list[Finding]:
        n = len(traffic.windows)
        if n < 2:
            return [not_applicable(self, f"{count(traffic.served.height, 'served row')} fill one window only.")]
        first, newest = (traffic.served.filter(pl.Series(traffic.window == i)) for i in (0, n - 1))
        return judged(self, first, newest, traffic, f"in the newest of {n} windows of serving than in the first", (
            "Train again on newer rows, such as the log's: fieldguide join --from-log; ask fieldguide recency how often."
        ), self.named, self.large, n - 1)  # fmt: skip
