"""FG604: a loss that became infinite or NaN."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

from fieldguide.core.bench import Trial
from fieldguide.core.errors import listed
from fieldguide.core.finding import Finding, Severity
from fieldguide.parts.checks._answers import count, fire, not_applicable, passed, verb
from fieldguide.parts.checks._facts import real


@dataclass(frozen=True)
class LossNotFinite:
    """Networks whose loss became NaN or infinite during training.

    Formula: the first epoch of the learning curve that is marked failed, or whose training loss is not finite.

    Why: from that step on every weight is lost. The weights from before are kept, so there is a score, but of a
    network that was hardly trained.

    Remedy: lower the learning rate; look for far values among the encoded numbers (FG401); fit a skewed target on a
    log scale.

    Needs: trials (entries with history: [{epoch, train, validation, failed}]).
    """

    name: ClassVar[str] = "fg604_loss_not_finite"
    code: ClassVar[str] = "FG604"
    title: ClassVar[str] = "A loss that is not finite"
    step: ClassVar[str] = "train"
    severity: ClassVar[Severity] = "warning"

    def run(self, *, trials: Sequence[Trial]) -> list[Finding]:
        if not trials:
            return [not_applicable(self, "No network was trained.")]
        broken = {
            trial.name: epoch for trial in trials if (epoch := _first_bad(trial.entry.get("history") or ())) is not None
        }
        if not broken:
            return [passed(self, f"The loss stayed finite in {count(len(trials), 'network')}.")]
        said = listed(f"{name} in epoch {epoch}" for name, epoch in broken.items())
        sentence = f"The loss of {count(len(broken), 'network')} became infinite or NaN: {said}."
        remedy = (
            f"Lower {verb(len(broken), 'its', 'their')} learning rate, and look for far values among the "
            "encoded numbers (FG401)."
        )
        return [fire(self, sentence, remedy, evidence={"epochs": broken})]


def _first_bad(history: Sequence[Mapping[str, Any]]) -> int | None:
    for number, record in enumerate(history, 1):
        train = real(record.get("train"))
        if record.get("failed") or ("train" in record and train - train != 0):
            return int(record.get("epoch", number))
    return None
