"""FG335: the target cannot be told from its own shuffles."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

from fieldguide.core.finding import Finding, Severity
from fieldguide.parts.checks._answers import count, fire, not_applicable, number, passed


@dataclass(frozen=True)
class Unpredictable:
    """The inputs tell nothing of the target that a quick model could find: the first assumption of every study fails.

    Formula: a permutation test on at most 20,000 rows. The share of the target's variance that a cross-fitted ridge regression
    on bins, levels and random hidden units explains, against the same for 199 shuffles: p = (1 + shuffles that do as well)
    / 200. Where that finds nothing, a small boosting model on at most 4,000 rows against the normal distribution of 19
    shuffled fits. The smaller p counts, doubled. Whole blocks are shuffled and held out together; along time, runs of
    neighbours. Fires when p exceeds 0.05.

    Why: you hypothesise that the outputs can be predicted given the inputs. If nothing beats chance, no network will, and
    every difference between candidates is noise.

    Remedy: ask what is known before the outcome and could cause it, and bring it in; or choose another target.

    Source: Ojala and Garriga (2010), Permutation tests for studying classifier performance; Phipson and Smyth (2010).

    Needs: assumptions (the facts of `explore`).
    """

    name: ClassVar[str] = "fg335_unpredictable"
    code: ClassVar[str] = "FG335"
    title: ClassVar[str] = "The target cannot be predicted"
    step: ClassVar[str] = "explore"
    severity: ClassVar[Severity] = "warning"

    def run(self, *, assumptions: Sequence[Mapping[str, Any]]) -> list[Finding]:
        tests = [test for test in assumptions if test.get("kind") == "predictable"]
        failed = [test for test in tests if not test["holds"]]
        remedy = "Bring in columns that are known before the outcome and could cause it, or choose another target."
        if failed:
            return [
                fire(self, self._told(test), remedy, columns=[test["output"]], evidence=dict(test)) for test in failed
            ]
        if not tests:
            return [not_applicable(self, "Nothing was tested.")]
        least = max(tests, key=lambda test: float(test["p"]))
        return [
            passed(
                self,
                f"{least['output']!r} is predicted better than its shuffles (p {number(least['p'])}).",
                dict(least),
            )
        ]

    def _told(self, test: Mapping[str, Any]) -> str:
        shuffles = count(test["n_shuffles"], "shuffle")
        return (
            f"Quick models predict {test['output']!r} no better than its shuffles (p {number(test['p'])} of {shuffles}, "
            f"{count(test['n'], 'row')}): nothing beats chance."
        )
