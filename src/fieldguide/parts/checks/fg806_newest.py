"""FG806: the shipped model has seen the rows it was judged on."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

from fieldguide.core.finding import Finding, Severity
from fieldguide.parts.checks._answers import count, fire, passed


@dataclass(frozen=True)
class NewestLearned:
    """Along time the shipped model is fitted again on all rows, once the newest were judged.

    Formula: rows the shipped model is fitted on, less rows the judged one was.

    Why: the sealed rows are the newest, and what the model will be asked is newer still. Shipped as it was judged, the model would
    lack them, be older when it is asked than it was when it was judged, and lose more to drift than the score shows. Fitted again
    with the same settings for as many steps a row, it is as old as the judged one was. Its score is that of its recipe.

    Remedy: to ship the very model that was judged, set `split.newest: leave`.

    Needs: facts (n_refit, n_shipped).
    """

    name: ClassVar[str] = "fg806_newest"
    code: ClassVar[str] = "FG806"
    title: ClassVar[str] = "The newest rows are learned from once they were judged"
    step: ClassVar[str] = "finalize"
    severity: ClassVar[Severity] = "info"

    def run(self, *, facts: Mapping[str, Any]) -> list[Finding]:
        judged, shipped = facts["n_refit"], facts.get("n_shipped", facts["n_refit"])
        if shipped == judged:
            return [passed(self, f"The shipped model is the one that was judged, fitted on {judged:,} rows.")]
        sentence = (
            f"The shipped model was fitted again on all {shipped:,} rows, once the newest {shipped - judged:,} were judged: the score "
            f"is that of the same recipe fitted on the {count(judged, 'row')} before them."
        )
        return [fire(self, sentence, "To ship the very model that was judged, set split.newest: leave.",
                     evidence={"n_refit": judged, "n_shipped": shipped})]  # fmt: skip
