"""FG701: was the network ever large enough to overfit?"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

from fieldguide.core.bench import Trial
from fieldguide.core.finding import Finding, Severity
from fieldguide.parts.checks._answers import count, fire, not_applicable, number, passed, percent, verb


@dataclass(frozen=True)
class Capacity:
    """A network whose training loss was never clearly below its validation loss.

    Formula: (validation loss - training loss) / validation loss, on the learning curves of the coached moves:
    "overfits" when it is clear, "underfits" when it is not.

    Why: whoever never overfits does not know whether the network could have learned more. First raise capacity
    (layers, width, epochs) until training loss is clearly below validation loss, then regularise.

    Remedy: give refine more trials or minutes; if capacity was raised and nothing overfits, the rows hold no more
    than the network has found.

    Source: the workflow guide, the bias-variance trade-off ("first overfit, then generalize").

    Needs: trials, facts (moves: [{stage: "coach", candidate, direction, setting, to, diagnosis: {state, gap},
    after: {state, gap}}]).
    """

    name: ClassVar[str] = "fg701_capacity"
    code: ClassVar[str] = "FG701"
    title: ClassVar[str] = "Capacity to overfit"
    step: ClassVar[str] = "refine"
    severity: ClassVar[Severity] = "info"

    def run(self, *, trials: Sequence[Trial], facts: Mapping[str, Any]) -> list[Finding]:
        if not any(trial.candidate.kind == "network" for trial in trials):
            return [not_applicable(self, "No network was tried.")]
        moves = [move for move in facts.get("moves") or () if move.get("stage") == "coach"]
        seen = [
            state
            for move in moves
            for state in (move.get("diagnosis"), move.get("after"))
            if state and state.get("gap") is not None
        ]
        if not seen:
            return [
                fire(
                    self,
                    "The network's capacity was not explored: 0 moves were made.",
                    "Give refine more trials or minutes.",
                    evidence={"moves": 0},
                )
            ]
        widest = max(state["gap"] for state in seen)
        raised = [move for move in moves if move.get("direction") == "raise"]
        evidence = {"moves": len(moves), "raised": len(raised), "widest_gap": widest}
        if any(state.get("state") == "overfits" for state in seen):
            text = (
                f"Training loss lies clearly below validation loss, by {percent(widest)}: the network can learn "
                "more than generalises."
            )
            return [passed(self, text, evidence=evidence)]
        said = f"the widest gap is {number(100 * widest)} % of the validation loss"
        sentence = f"The network never overfitted, though capacity was raised in {count(len(raised), 'move')}: {said}."
        if not raised:
            sentence = f"The network never overfitted, and capacity was not raised: {said}."
        remedy = (
            f"Give refine more trials or minutes; {verb(len(raised), 'one move is', 'so many moves are')} no "
            "proof that nothing is left to learn."
        )
        return [fire(self, sentence, remedy, evidence=evidence)]
