"""FG506: baselines that minimise another loss than problem.loss."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

from fieldguide.core.bench import Trial
from fieldguide.core.errors import listed
from fieldguide.core.finding import Finding, Severity
from fieldguide.core.problem import Problem
from fieldguide.parts.checks._answers import count, fire, not_applicable, passed


@dataclass(frozen=True)
class LossReplaced:
    """Learners that cannot minimise the loss of `problem.loss`, and what they minimise in its place.

    Formula: the loss of the output against those the learner says it can minimise. Networks minimise any; boosting
    has objectives of its own for absolute_error, huber, pinball, poisson and weighted; the linear model for weighted. Rules,
    neighbours and forests average, and minimise nothing.

    Why: a baseline that aims elsewhere is no like for like. A quantile is not a mean, and a model of the mean loses by
    pinball loss without being worse.

    Remedy: judge by a metric that means the same to all candidates, and compare the network with itself under the
    task's own loss before the loss is believed to help.

    Needs: problem, trials.
    """

    name: ClassVar[str] = "fg506_loss_replaced"
    code: ClassVar[str] = "FG506"
    title: ClassVar[str] = "Losses that baselines replace"
    step: ClassVar[str] = "baseline"
    severity: ClassVar[Severity] = "info"

    def run(self, *, problem: Problem, trials: Sequence[Trial]) -> list[Finding]:
        named = [
            output
            for output in problem.outputs
            if output.loss is not None and (output.codes_more or not _same(output.loss.name, output.task.loss))
        ]
        if not named:
            return [not_applicable(self, "Every output has its task's own loss.")]
        replaced = {
            output.name: {
                trial.candidate.learner.name: output.plainly().task.loss
                for trial in trials
                if trial.candidate.kind not in ("trivial", "network")
                and not _able(trial.candidate.learner, output.loss.name)
            }
            for output in named
        }
        replaced = {name: learners for name, learners in replaced.items() if learners}
        if not replaced:
            return [passed(self, f"Every baseline minimises {listed(repr(output.loss.name) for output in named)}.")]
        said = listed(
            f"{listed(learners)} for {name!r} ({next(iter(learners.values()))} in place of "
            f"{next(output.loss.name for output in named if output.name == name)})"
            for name, learners in replaced.items()
        )
        n = sum(trial.candidate.kind not in ("trivial", "network") for trial in trials)
        everyone = {learner for learners in replaced.values() for learner in learners}
        remedy = "Judge by a metric that means the same to all, and compare the network with itself under the task's own loss."
        return [
            fire(
                self,
                f"{len(everyone)} of {count(n, 'baseline')} minimise another loss: {said}.",
                remedy,
                columns=list(replaced),
                evidence={"replaced": replaced},
            )
        ]


def _same(loss: str, own: str) -> bool:
    return loss == own or {loss, own} == {"cross_entropy", "binary_cross_entropy"}


def _able(learner: object, loss: str) -> bool:
    losses: tuple[str, ...] | None = getattr(learner, "losses", ())
    return losses is None or loss in losses
