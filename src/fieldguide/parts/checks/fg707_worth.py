"""FG707: what is each kind of data worth?"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

from fieldguide.core.errors import listed
from fieldguide.core.finding import Finding, Severity
from fieldguide.parts.checks._answers import fire, not_applicable


@dataclass(frozen=True)
class Worth:
    """What texts, images, sounds, series and the table's own columns each add to the answer.

    Formula: the best candidate before the search is fitted again, on the same folds, without one kind of data after the
    other, and on each alone; the worth of a kind is the paired difference `whole - without it`, with its interval.

    Why: columns are convenient and cheap, and a score on them can look good enough. Where the task is one of
    perception, a person would look at the picture or read the text; a model that does without misses what they see. And
    a kind that adds nothing costs time, memory and a source that can break.

    Remedy: for a kind that adds nothing: leave it out, or give it a better encoder (a pretrained checkpoint) before you
    believe it. For columns that carry everything: ask whether they will be there, and as good, when it is asked.

    Needs: facts (worth: {candidate, kinds: [{kind, columns, without: {difference}, alone}], sentence}).
    """

    name: ClassVar[str] = "fg707_worth"
    code: ClassVar[str] = "FG707"
    title: ClassVar[str] = "What each kind of data is worth"
    step: ClassVar[str] = "refine"
    severity: ClassVar[Severity] = "info"

    def run(self, *, facts: Mapping[str, Any]) -> list[Finding]:
        found = facts.get("worth")
        if not found:
            return [not_applicable(self, "The columns are of one kind: there is nothing to take apart.")]
        told = [line for line in found["kinds"] if line["without"] is not None]
        if not told:
            return [not_applicable(self, "No time was left to measure what each kind of data is worth.")]
        useless = [line["kind"] for line in told if line["without"]["difference"]["interval"][0] <= 0]
        columns = tuple(name for line in told if line["kind"] in useless for name in line["columns"])
        remedy = (
            f"Leave out {listed(useless)}, or give it a better encoder before you believe that it says nothing."
            if useless
            else "Keep all of them; see that each is there when it is asked."
        )
        return [
            fire(
                self, f"Of what {found['candidate']} gains, {found['sentence']}.", remedy, columns=columns,
                evidence={line["kind"]: line["without"]["difference"]["value"] for line in told},
            )
        ]  # fmt: skip
