"""FG942: does it matter where retraining starts from?"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

from fieldguide.core.finding import Finding, Severity
from fieldguide.parts.checks._answers import fire, not_applicable, number, passed, span


@dataclass(frozen=True)
class WarmStart:
    """A version fitted further from the old weights and one fitted from scratch differ on the newest rows.

    Formula: paired difference, warm less scratch, on the newest rows, bootstrap over units; its interval excludes 0.

    Why: a warm start keeps what the old rows taught and costs a fraction of the time, but its transform is the old one's and old habits stay in its
    weights. From scratch forgets what the log does not hold. Which is better is a fact of the log, not of taste.

    Remedy: retrain by the better way; where scratch lacks the earlier rows, name them (`--rows`) before you judge it.

    Needs: refresh (differences: [{of, to, value, interval}], versions, metric_title, n_window, seconds_of).
    """

    name: ClassVar[str] = "fg942_warm_start"
    code: ClassVar[str] = "FG942"
    title: ClassVar[str] = "Where retraining starts matters"
    step: ClassVar[str] = "refresh"
    severity: ClassVar[Severity] = "info"

    def run(self, *, refresh: Mapping[str, Any]) -> list[Finding]:
        pairs = {(pair["of"], pair["to"]): pair for pair in refresh.get("differences", ())}
        pair = pairs.get(("warm", "scratch"))
        if pair is None:
            why = refresh.get("warm", {}).get("silence") or "no warm start was tried"
            return [not_applicable(self, f"Nothing to compare: {why}.")]
        low, high = pair["interval"]
        scores, title = refresh["versions"], refresh["metric_title"]
        said = f"{title} {number(scores['warm']['value'])} warm, {number(scores['scratch']['value'])} from scratch"
        if low is None or high is None:
            return [not_applicable(self, f"The difference has no interval: {said}.")]
        evidence = {"difference": dict(pair), "seconds": refresh.get("seconds_of")}
        if low <= 0 <= high:
            return [passed(self, f"A warm start and one from scratch are not shown to differ: {said}.", evidence)]
        better = "A warm start is better than" if low > 0 else "A warm start is worse than"
        sentence = f"{better} retraining from scratch on the newest {refresh['n_window']:,} rows: {said}, difference {span((low, high))}."
        remedy = "Retrain with --start warm." if low > 0 else "Retrain with --start scratch."
        return [fire(self, sentence, remedy, evidence=evidence)]
