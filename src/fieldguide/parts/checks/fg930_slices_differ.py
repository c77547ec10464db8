"""FG930: is the effect the same for everybody?"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from fieldguide.core.finding import Finding, Severity
from fieldguide.core.settings import setting
from fieldguide.core.statistics.multiplicity import holm
from fieldguide.parts.checks._answers import count, fire, not_applicable, number, passed, span


@dataclass(frozen=True)
class SlicesDiffer:
    """A part of the units reacts otherwise than the rest: the candidate helps some and harms others.

    Formula: for each slice, z = (d_slice - d_rest) / sqrt(s_slice^2 + s_rest^2), with the rest's effect from all slices of the same column;
    two-sided, Holm over all slices, at 1 %.

    Why: an average gain may hide a loss in one country or device, which a fix or a rule could spare.

    Remedy: look at the named slice before shipping; repeat it in another experiment, for a slice found by looking is a guess.

    Needs: judged (measures: [{slices}]).
    """

    name: ClassVar[str] = "fg930_slices_differ"
    code: ClassVar[str] = "FG930"
    title: ClassVar[str] = "The effect differs between slices"
    step: ClassVar[str] = "experiment"
    severity: ClassVar[Severity] = "warning"

    alpha: float = setting(0.01, "level after correction")

    def run(self, *, judged: Mapping[str, Any]) -> list[Finding]:
        deciding = [measure for measure in judged["measures"] if measure["role"] == "primary"]
        rows = [(one["name"], *row) for one in deciding for row in _rows(one)]  # of several candidates all together
        if not rows:
            return [not_applicable(self, "Fewer than two slices can be judged.")]
        adjusted = holm(np.array([row[4] for row in rows]))
        sure = sorted((p, *row) for p, row in zip(adjusted.tolist(), rows) if p <= self.alpha)
        if not sure:
            return [passed(self, f"The effect is the same in all {count(len(rows), 'slice')}, as far as noise allows.")]
        p, measure, name, part, mean, _ = sure[0]
        sentence = (
            f"Where {name}, {measure} changes by {number(part['value'])} {span(part['interval'])}, elsewhere by {number(mean)} "
            f"(p {p:.2g} after {count(len(rows), 'slice')})."
        )
        remedy = "Look at this slice before shipping, and repeat it in another experiment."
        return [fire(self, sentence, remedy, evidence={"slice": name, "p": p, **part, "elsewhere": mean})]


def _rows(one: Mapping[str, Any]) -> list[tuple[str, Mapping[str, Any], float, float]]:
    """Return a measure's slices beside the rest of their column: name, effect, effect elsewhere, p-value of no difference."""
    parts = {name: part for name, part in one["slices"].items() if part["value"] is not None and part["error"]}
    rows = []
    for name, part in parts.items():
        column = name.partition(" = ")[0]
        rest = [other for label, other in parts.items() if label != name and label.partition(" = ")[0] == column]
        if rest:
            weights = [1 / other["error"] ** 2 for other in rest]
            mean = sum(w * other["value"] for w, other in zip(weights, rest)) / sum(weights)
            z = (part["value"] - mean) / math.hypot(part["error"], sum(weights) ** -0.5)
            rows.append((name, part, mean, math.erfc(abs(z) / math.sqrt(2))))
    return rows
