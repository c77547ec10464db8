"""FG706: are there parts of the rows that the chosen answer serves badly?"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

from fieldguide.core.bench import Bench
from fieldguide.core.errors import listed
from fieldguide.core.finding import Finding, Severity
from fieldguide.parts.checks._answers import count, fire, not_applicable, number, passed
from fieldguide.parts.checks._facts import real
from fieldguide.parts.checks._weak import title_of, told_slice


@dataclass(frozen=True)
class FoundSlices:
    """Slices that nobody declared and on which the chosen answer is clearly worse, or predicts too much or too little.

    Formula: levels, ranges between quartiles, missing cells, and pairs of these are ranked on one half of the judged
    blocks by the gap `score of the rest - score of the slice`, in standard errors (and by the mean error, against the
    mean error of all rows). The best dozen, no two nearly the same rows, are tested on the other half by the bootstrap
    over blocks, with the false discovery rate held at 5 %. A slice must also fall short of a perfect score by a quarter
    more than the other rows do, or have a calibration ratio 0.1 away from 1. Score, gap, ratio and n are those of the
    second half; intervals have the level 1 - 0.05 · passed / tested.

    Why: a mean over all rows hides where an answer fails, and the slices that matter are not always those one thinks
    of. A search finds some by chance: hence the second half. Some slices are only hard: what a strong column tells is
    used up within a slice of it, and a metric that ranks (ROC AUC) falls. So beside the score stands what the
    predictions promise of themselves: the score if each probability came true as often as it says. A slice as bad as
    promised is one where the answer knows that it cannot tell; more or better columns help, another model rarely.

    Remedy: look at rows of the slice; collect more of them, or a column that matters there; declare it under `slices`,
    so that it is watched from now on; leave these cases to a person.

    Source: Benjamini & Hochberg (1995); Benjamini & Yekutieli (2005); Chung et al., "Slice Finder", ICDE 2019.

    Needs: bench, facts (weak_slices: {slices: [{name, output, why, n, value, interval, gap, ratio}], n_searched, n_tested,
    whole, wholes, silence}).
    """

    name: ClassVar[str] = "fg706_found_slices"
    code: ClassVar[str] = "FG706"
    title: ClassVar[str] = "Weak slices found"
    step: ClassVar[str] = "refine"
    severity: ClassVar[Severity] = "info"

    def run(self, *, bench: Bench, facts: Mapping[str, Any]) -> list[Finding]:
        found, outputs = facts.get("weak_slices") or {}, bench.problem.outputs
        if not found or found.get("silence") or bench.problem.output.metric is None:
            return [not_applicable(self, _sentence(found.get("silence") or "No slices were searched for"))]
        several = len(outputs) > 1
        looked = f" of {count(len(outputs), 'output')}" if several else ""
        searched = f"{count(found['n_searched'], 'slice')}{looked} searched, {found['n_tested']:,} tested on {found['n']:,} other rows"
        evidence = {name: found[name] for name in ("n_searched", "n_tested", "n", "whole")}
        if not found["slices"]:
            return [passed(self, f"No slice is clearly worse than the rest ({searched}).", evidence=evidence)]
        wholes = found.get("wholes") or {}
        told = [told_slice(part, bench.problem, wholes) for part in found["slices"]]
        all_rows = "" if several else f"; {title_of(bench.problem, '')} {number(real(found['whole']))} on all"
        names = [part["name"] for part in found["slices"]]
        named = {"outputs": [part.get("output") for part in found["slices"]], "wholes": wholes} if several else {}
        return [
            fire(
                self,
                f"{count(len(told), 'slice')} found on which the answer is clearly worse or off ({searched}{all_rows}): {listed(told, 3)}.",
                "Look at rows of these slices, declare those that matter under slices, and decide whether the model may answer there.",
                evidence={**evidence, "slices": names, **named},
            )
        ]


def _sentence(words: str) -> str:
    return f"{words[0].upper()}{words[1:]}."
