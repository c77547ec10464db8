"""FG209: rows that describe the same unit, which no column names."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from fieldguide.core.entities import Entities
from fieldguide.core.finding import Finding, Severity
from fieldguide.parts.checks._answers import fire, names, passed


@dataclass(frozen=True)
class SameUnit:
    """Rows that share the exact attributes of one unit: visits of a patient, pupils of a school, without its id.

    Formula: two numbers or more, of 20 values at least, mark units where 90 % of the rows have a combination of their values that
    is met again, and where rows that share a combination outnumber 2.5 times those in the cells next to it (one step
    of the values in any of the numbers). Rounded, binned or dependent numbers fill neighbouring cells as densely as any;
    the attributes of units stand alone. Quiet where a unit would have more than 60 rows in the mean, where one would
    have ten times the mean (a default value), where nothing else varies within units (copies: FG203), where the values
    go step by step along the file (rates of the day), and where a group or a time divides the rows.

    Why: a model learns a unit by its attributes and recognises it in other rows. Spread over the parts, these make
    the score good for units that are known, and for no others. So they were kept in one part.

    Remedy: declare the column that names the unit (`data.group`). If the model will only meet units that it knows, set
    `split.by: random`.

    Needs: entities.
    """

    name: ClassVar[str] = "fg209_same_unit"
    code: ClassVar[str] = "FG209"
    title: ClassVar[str] = "Rows that describe the same unit"
    step: ClassVar[str] = "split"
    severity: ClassVar[Severity] = "warning"

    def run(self, *, entities: Entities | None) -> list[Finding]:
        if entities is None:
            return [
                passed(self, "No numbers repeat together as attributes of one unit would, beyond copies and groups.")
            ]
        sentence = f"Rows with equal {names(entities.columns)} describe the same unit: {entities.why}. They were kept in one part."
        remedy = (
            "Declare the column that names the unit under data.group, or, if the model will only meet units that it "
            "knows, set split.by: random."
        )
        evidence = {"columns": list(entities.columns), "n_entities": entities.n_entities}
        return [fire(self, sentence, remedy, columns=entities.columns, evidence=evidence)]
