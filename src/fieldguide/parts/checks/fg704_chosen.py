"""FG704: what was chosen, and whether a network is in it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

from fieldguide.core.bench import Trial
from fieldguide.core.finding import Finding, Severity
from fieldguide.core.score import short
from fieldguide.parts.checks._answers import fire, not_applicable, number, passed, percent
from fieldguide.parts.checks._facts import real


@dataclass(frozen=True)
class Chosen:
    """The chosen candidate, and the part a network has in it.

    Formula: the candidate with the best validation score within the limits; the weight of networks among its
    members.

    Why: networks alone often lose to boosting on tables, and still improve an ensemble with it. Whoever ships the
    model should know which of the three it is.

    Remedy: where no network is in it, ship without: it needs no deep learning library at all.

    Needs: trials, facts (chosen, blend: {members, weights}, entries: [{candidate, kind, scores}]).
    """

    name: ClassVar[str] = "fg704_chosen"
    code: ClassVar[str] = "FG704"
    title: ClassVar[str] = "The chosen candidate"
    step: ClassVar[str] = "refine"
    severity: ClassVar[Severity] = "info"

    def run(self, *, trials: Sequence[Trial], facts: Mapping[str, Any]) -> list[Finding]:
        if any(getattr(getattr(trial.candidate, "learner", None), "targetless", False) for trial in trials):
            return [not_applicable(self, "The task has no target: no network is meant to hit one.")]
        kinds = {trial.name: trial.candidate.kind for trial in trials}
        blend = facts.get("blend") or {"members": [facts["chosen"]], "weights": [1.0]}
        members = dict(zip(blend["members"], blend["weights"]))
        weight = sum(w for name, w in members.items() if kinds.get(name) == "network")
        entries = list(facts.get("entries") or ())
        score = next((entry["scores"][0] for entry in entries if entry["candidate"] == facts["chosen"]), None)
        said = facts["chosen"] + (f" ({short(score)})" if score else "")
        evidence = {"chosen": facts["chosen"], "members": members, "network_weight": weight}
        if weight >= 1:
            return [passed(self, f"The chosen candidate is {said}: a network.", evidence=evidence)]
        if weight > 0:
            return [
                passed(
                    self,
                    f"The chosen candidate is {said}; networks have {percent(weight)} of its weight.",
                    evidence=evidence,
                )
            ]
        networks = [entry for entry in entries if entry.get("kind") == "network"]
        best = networks[0] if networks else None  # entries are ranked
        against = (
            f"; the best network, {best['candidate']}, reaches {number(real(best['scores'][0]['value']))}"
            if best
            else ""
        )
        sentence = f"The chosen candidate is {said}, with no network in it (0 of {len(members)}){against}."
        return [
            fire(
                self,
                sentence,
                "Ship it without a network: it needs no deep learning library at all.",
                evidence=evidence,
            )
        ]
