"""FG947: were outcomes changed after the log had heard of them?"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

from fieldguide.core.finding import Finding, Severity
from fieldguide.parts.checks._answers import fire, not_applicable, number, passed, percent

MANY = 0.01
"""Share of corrected outcomes from which it is a warning."""


@dataclass(frozen=True)
class CorrectedOutcomes:
    """Outcomes were sent again with another value: the last one stands, the earlier stay in the log.

    Formula: corrected outcomes / outcomes of the name; from 1 % on a warning.

    Why: a number that was judged on what stood before does not hold any more, and outcomes that are corrected late are not known when the
    delay curve says they are. A sender that corrects much may have a fault.

    Remedy: judge again what was judged before the last correction, and wait as long as corrections take (`--wait`); ask the sender why.

    Needs: gap (corrected: {n, n_outcomes, names: [{name, n, of, days, example}]}).
    """

    name: ClassVar[str] = "fg947_corrected_outcomes"
    code: ClassVar[str] = "FG947"
    title: ClassVar[str] = "Outcomes were corrected"
    step: ClassVar[str] = "gap"
    severity: ClassVar[Severity] = "warning"

    def run(self, *, gap: Mapping[str, Any]) -> list[Finding]:
        found = gap.get("corrected")
        if found is None:
            return [not_applicable(self, "Outcomes come from no log.")]
        if not found["n"]:
            return [passed(self, f"None of {found['n_outcomes']:,} outcomes was corrected.")]
        said, severe = [], False
        for one in found["names"]:
            share = one["of"] / max(1, one["n_outcomes"])
            severe |= share >= MANY
            example = f"{one['example']['from']} became {one['example']['to']}"
            said.append(
                f"{one['of']:,} of {one['n_outcomes']:,} outcomes {one['name']!r} ({percent(share, 2)}), in the median {number(one['days'])} days after they were first heard of ({example})"
            )
        sentence = f"Outcomes were corrected: {'; '.join(said)}."
        remedy = "Judge again what was judged before the last correction; wait as long as corrections take (--wait)."
        return [fire(self, sentence, remedy, severity=None if severe else "info", evidence=dict(found))]
