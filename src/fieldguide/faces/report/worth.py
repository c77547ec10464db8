"""What each kind of data is worth: the table of the ablation, from the facts of refine."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from fieldguide.faces.report import blocks
from fieldguide.faces.report.blocks import Block, column
from fieldguide.faces.report.facts import Recorded, at
from fieldguide.faces.report.figures import ABSENT, decimals_for, valued


def worth(r: Recorded, f: Mapping[str, Any]) -> list[Block]:
    """Return the score of the best candidate without each kind of data and on each alone; nothing where there is one kind."""
    found = at(f, "worth")
    if not found:
        return []
    kinds = found["kinds"]
    places = decimals_for([at(found, "score", "interval")])
    paired = decimals_for([at(k, "without", "difference", "interval") for k in kinds if at(k, "without")])
    rows = [
        [
            f"{k['kind']}: {', '.join(k['columns'][:4])}{' …' if len(k['columns']) > 4 else ''}",
            valued(at(k, "alone", "score"), places) if at(k, "alone") else ABSENT,
            valued(at(k, "without", "score"), places) if at(k, "without") else ABSENT,
            valued(at(k, "without", "difference"), paired, True) if at(k, "without") else ABSENT,
        ]
        for k in kinds
    ]
    columns = [
        column("kind of data"), column(f"{r.title}, on it alone", True), column(f"{r.title}, without it", True),
        column("what it adds, paired", True),
    ]  # fmt: skip
    note = f"{found['candidate']} on all kinds: {valued(at(found, 'score'), places)}. Fitted again on the same folds for every line."
    return [blocks.heading("What each kind of data is worth"), blocks.table(columns, rows, note=note)]
