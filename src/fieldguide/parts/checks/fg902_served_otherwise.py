"""FG902: features that are served otherwise than the offline path makes them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

from fieldguide.core.finding import Finding, Severity
from fieldguide.core.settings import setting
from fieldguide.parts.checks._answers import count, fire, names, not_applicable, number, passed, percent


@dataclass(frozen=True)
class ServedOtherwise:
    """Columns whose served cells differ from those the offline path makes of the same units.

    Formula: each logged prediction meets the offline row of its unit (the last one at or before it, where offline rows have a
    time); cells are compared one by one, numbers within 1e-9 relative. A column is named when at least 0.1 % of the rows that met,
    and 3 of them, differ.

    Why: a feature that is computed twice, once for training and once for serving, is two features: smoothed here and not there,
    rounded, in another unit, or with a default for missing. The model answers about rows it has never learned, and no offline
    score tells.

    Remedy: compute the feature in one place (a derived column is inside the model), or log what was served and train on the log
    (`fieldguide join --from-log`).

    Source: Sculley et al. (2015), Hidden Technical Debt in Machine Learning Systems; Polyzotis et al. (2019), Data Validation for
    Machine Learning, on training–serving skew by joining logs with training rows.

    Needs: matched (n, columns, n_scores, mean_move, largest_move).
    """

    name: ClassVar[str] = "fg902_served_otherwise"
    code: ClassVar[str] = "FG902"
    title: ClassVar[str] = "Features served otherwise than made offline"
    step: ClassVar[str] = "replay"
    severity: ClassVar[Severity] = "error"

    least: float = setting(0.001, "share of rows from which a column that differs is named")

    def run(self, *, matched: Mapping[str, Any]) -> list[Finding]:
        n = matched["n"]
        if not n:
            return [not_applicable(self, "No logged unit stands in the offline table.")]
        found = {
            name: entry for name, entry in matched["columns"].items() if entry["n"] >= 3 and entry["share"] >= self.least
        }  # fmt: skip
        evidence = {"n": n, "columns": found, "n_scores": matched["n_scores"], "mean_move": matched["mean_move"]}
        if not found:
            return [
                passed(self, f"Served cells of {count(n, 'row')} are those the offline path makes.", evidence=evidence)
            ]
        order = sorted(found, key=lambda name: -found[name]["share"])
        worst = found[order[0]]
        example = worst["example"]
        sentence = (
            f"{names(order)} {'is' if len(order) == 1 else 'are'} served otherwise than the offline path makes "
            f"{'it' if len(order) == 1 else 'them'}: {order[0]!r} in {percent(worst['share'])} of {count(n, 'row')}, such as "
            f"{_said(example['served'])} served and {_said(example['offline'])} offline for unit {example['unit']!r}; the answers of "
            f"{count(matched['n_scores'], 'row')} would move, by {number(matched['mean_move'])} on average."
        )
        remedy = f"Compute {names(order)} in one place for training and serving, or train on the log: fieldguide join --from-log."
        return [fire(self, sentence, remedy, columns=order, evidence=evidence)]


def _said(value: Any) -> str:
    return "nothing" if value is None else number(value) if isinstance(value, float) else repr(value)
