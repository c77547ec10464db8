"""FG924: does the candidate change one thing only?"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

from fieldguide.core.finding import Finding, Severity
from fieldguide.parts.checks._answers import count, fire, passed


@dataclass(frozen=True)
class SeveralChanges:
    """An arm changes more than one thing against the control, such as the model and the features together.

    Formula: the entries of `changes` of an arm; two or more.

    Why: a difference then has no one cause. A worse model can hide behind better features, and what is learned cannot be used again.

    Remedy: change one thing at a time: first the path (A/A), then the features under the old model, then the model.

    Source: Zinkevich, Rules of Machine Learning; Kohavi, Tang, Xu (2020), chapter 3.

    Needs: plan (arms: {name: {changes}}, identical).
    """

    name: ClassVar[str] = "fg924_several_changes"
    code: ClassVar[str] = "FG924"
    title: ClassVar[str] = "More than one change at a time"
    step: ClassVar[str] = "experiment"
    severity: ClassVar[Severity] = "warning"

    def run(self, *, plan: Mapping[str, Any]) -> list[Finding]:
        arms = plan["arms"]
        findings = []
        for name, arm in arms.items():
            changes = list(arm.get("changes") or ())
            allowed = 0 if plan.get("identical") else 1
            if len(changes) > allowed:
                what = (
                    "must be the control itself and changes"
                    if plan.get("identical")
                    else f"changes {len(changes)} things at a time:"
                )
                sentence = f"The arm {name!r} {what} {', '.join(changes)} ({count(len(changes), 'change')})."
                remedy = "Change one thing at a time: first the path by an A/A test, then the features, then the model."
                findings.append(fire(self, sentence, remedy, evidence={"arm": name, "changes": changes}))
        return findings or [passed(self, "Each arm changes one thing at most.")]
