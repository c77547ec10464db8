"""FG927: would stopping now be peeking?"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

from fieldguide.core.finding import Finding, Severity
from fieldguide.parts.checks._answers import count, fire, not_applicable, passed


@dataclass(frozen=True)
class Peeking:
    """Before the planned end the usual p-value calls a difference real, and the one that holds at every look does not.

    Formula: p <= alpha for the measure that decides, running always-valid p > alpha, the planned number of units not reached.

    Why: who looks often and stops at the first p below 5 % is wrong not in 5 % of experiments without a difference but in 20 or 30 %.

    Remedy: go on to the planned end, or decide by the always-valid interval.

    Source: Johari, Koomen, Pekelis, Walsh (2022), Always Valid Inference.

    Needs: judged (measures, complete, alpha, n_looks, n_planned).
    """

    name: ClassVar[str] = "fg927_peeking"
    code: ClassVar[str] = "FG927"
    title: ClassVar[str] = "A difference that only one look believes"
    step: ClassVar[str] = "experiment"
    severity: ClassVar[Severity] = "warning"

    def run(self, *, judged: Mapping[str, Any]) -> list[Finding]:
        deciding = [measure for measure in judged["measures"] if measure["role"] == "primary"]
        if judged["complete"]:
            return [not_applicable(self, "The planned number of units is reached.")]
        alpha, usual = judged["alpha"], "p" if len(deciding) == 1 else "adjusted_p"  # of several candidates: corrected
        tempting = [
            one for one in deciding
            if one[usual] is not None and one[usual] <= alpha and one["running_p"] is not None and one["running_p"] > alpha
        ]  # fmt: skip
        if not tempting:
            return [passed(self, f"No look tempts to stop too early, after {count(judged['n_looks'], 'look')}.")]
        one = min(tempting, key=lambda measure: float(measure[usual]))
        p, running = one[usual], one["running_p"]
        of = f" of {judged['n_planned']:,} planned" if judged["n_planned"] else ""
        sentence = (
            f"{one['name']} differs at this look (p {p:.2g}) with {one['n_control'] + one['n_candidate']:,}{of} units, and not at every look "
            f"(always-valid p {running:.2g}, {count(judged['n_looks'], 'look')} so far)."
        )
        return [fire(self, sentence, "Go on to the planned end, or decide by the always-valid interval.", evidence=one)]
