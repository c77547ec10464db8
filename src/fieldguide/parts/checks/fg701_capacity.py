"""FG701: was the network ever large enough to overfit?"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

from fieldguide.core.bench import Trial
from fieldguide.core.errors import listed
from fieldguide.core.finding import Finding, Severity
from fieldguide.parts.checks._answers import count, fire, not_applicable, number, passed, percent, verb


@dataclass(frozen=True)
class Capacity:
    """A network whose training loss was never clearly below its validation loss.

    Formula: (validation loss - training loss) / validation loss, on the learning curves of the coached moves:
    "overfits" when it is clear, "underfits" when it is not. Of several outputs the curves are those of their common loss; which
    of the others a move made clearly worse (p at most 5 % over their number) is told beside.

    Why: whoever never overfits does not know whether the network could have learned more. First raise capacity
    (layers, width, epochs) until training loss is clearly below validation loss, then regularise.

    Remedy: give refine more trials or minutes; if capacity was raised and nothing overfits, the rows hold no more
    than the network has found.

    Source: the workflow guide, the bias-variance trade-off ("first overfit, then generalize").

    Needs: trials, facts (moves: [{stage: "coach", candidate, direction, setting, to, diagnosis: {state, gap},
    after: {state, gap}, outputs: [{output, loses}]}]).
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
        costs = _costs(moves)
        evidence: dict[str, Any] = {"moves": len(moves), "raised": len(raised), "widest_gap": widest}
        if costs:
            evidence["cost_outputs"] = costs
        if any(state.get("state") == "overfits" for state in seen):
            text = (
                f"Training loss lies clearly below validation loss, by {percent(widest)}: the network can learn "
                "more than generalises."
            )
            return [passed(self, text + _told(costs), evidence=evidence)]
        said = f"the widest gap is {number(100 * widest)} % of the validation loss"
        sentence = f"The network never overfitted, though capacity was raised in {count(len(raised), 'move')}: {said}."
        if not raised:
            sentence = f"The network never overfitted, and capacity was not raised: {said}."
        remedy = (
            f"Give refine more trials or minutes; {verb(len(raised), 'one move is', 'so many moves are')} no "
            "proof that nothing is left to learn."
        )
        return [fire(self, sentence + _told(costs), remedy, evidence=evidence)]


def _costs(moves: Sequence[Mapping[str, Any]]) -> dict[str, int]:
    """Return how many moves made each output after the first clearly worse."""
    return dict(Counter(one["output"] for move in moves for one in move.get("outputs") or () if one["loses"]))


def _told(costs: Mapping[str, int]) -> str:
    """Return in words which outputs paid for moves; "" where none did."""
    if not costs:
        return ""
    told = listed([f"{name!r} in {count(n, 'move')}" for name, n in costs.items()], 3)
    return f" Of the outputs after the first, some got clearly worse, and such moves were not kept: {told}."
