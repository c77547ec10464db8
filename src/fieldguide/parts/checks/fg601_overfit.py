"""FG601: can the network learn a handful of rows by heart?"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

from fieldguide.core.finding import Finding, Severity
from fieldguide.parts.checks._answers import fire, not_applicable, number, passed, skipped
from fieldguide.parts.checks._facts import real

REMEDIES = {
    "labels": (
        "Look for rows with the same features and different targets: labels may be wrong, or a column is missing."
    ),
    "scale": "Scale the inputs: set recipe.scaling to standard or quantile, and look for far values.",
    "learning rate": "Change the learning rate, as the diagnosis says.",
    "capacity": "Raise the width or the depth.",
    "near": (
        "Nothing is wrong with the network: the inputs are too few to tell these rows apart. Bring in columns that do, or go by the baselines."
    ),
}


@dataclass(frozen=True)
class OverfitCheck:
    """A network that cannot drive the loss of a small batch towards zero.

    Formula: the loss of a few training rows after at most some hundred steps without regularisation, against the
    loss of the best constant answer (start) and the least that identical inputs allow (floor). Reached: 5 % of the
    way from floor to start.

    Why: a network that cannot learn 64 rows by heart has a fault that more rows and more epochs only hide:
    contradicting labels, inputs out of scale, a learning rate that jumps or creeps, too little capacity.

    Remedy: follow the diagnosis. The network is marked failed and the study goes on with its baselines.

    Source: Goodfellow, Bengio, Courville, Deep Learning (2016), section 11.5.

    Needs: facts (overfit: {network: {reached, loss, start, floor, rows, diagnosis, sentence}}).
    """

    name: ClassVar[str] = "fg601_overfit"
    code: ClassVar[str] = "FG601"
    title: ClassVar[str] = "The overfit check"
    step: ClassVar[str] = "train"
    severity: ClassVar[Severity] = "warning"

    def run(self, *, facts: Mapping[str, Any]) -> list[Finding]:
        checks = facts.get("overfit") or {}
        if not checks:
            return [not_applicable(self, "No network was checked.")]
        return [self._judge(name, found) for name, found in checks.items()]

    def _judge(self, name: str, found: Mapping[str, Any]) -> Finding:
        loss, start, floor = (real(found.get(key)) for key in ("loss", "start", "floor"))
        keys = ("reached", "loss", "start", "floor", "rows", "diagnosis", "experiments")
        evidence = {"network": name, **{key: found[key] for key in keys if key in found}}
        said = found.get("sentence") or f"The loss went from {number(start)} to {number(loss)}."
        if found["reached"]:
            return passed(self, f"{name}: {said}", evidence=evidence)
        diagnosis = found.get("diagnosis") or "unknown"
        if diagnosis == "clock":
            return skipped(self, f"{name}: {said}", evidence=evidence)
        remedy = REMEDIES.get(diagnosis, "Inspect the encoded rows (fieldguide prepare): no single cause explains it.")
        tied = diagnosis == "near" or (diagnosis == "labels" and floor > 0.5 * start)
        severity: Severity = "info" if tied else "warning"
        return fire(
            self, f"{name} failed the overfit check ({diagnosis}). {said}", remedy, severity=severity, evidence=evidence
        )
