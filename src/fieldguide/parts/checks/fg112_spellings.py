"""FG112: levels that differ in their spelling alone."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

from fieldguide.core.errors import listed
from fieldguide.core.finding import Finding, Severity
from fieldguide.core.table import Column
from fieldguide.parts.checks._answers import count, fire, passed, verb


@dataclass(frozen=True)
class Spellings:
    """Levels of a column, or labels of the target, that differ in case and spaces alone.

    Formula: levels that are the same text in small letters, with one space wherever there are several.

    Why: `Yes`, `yes` and `YES` are three classes to a model, each with a share of the rows. A question with two answers
    becomes one of many classes, and its score means something else. In a feature the rows of one level are learned apart.

    Remedy: `data.columns.<name>.read.case: ignore` reads them as one, in new rows as well. Where case tells things apart,
    leave them.

    Needs: columns.
    """

    name: ClassVar[str] = "fg112_spellings"
    code: ClassVar[str] = "FG112"
    title: ClassVar[str] = "Levels that differ in spelling alone"
    step: ClassVar[str] = "frame"
    severity: ClassVar[Severity] = "warning"

    def run(self, *, columns: Sequence[Column]) -> list[Finding]:
        several = {
            c.name: c.facts["spellings"] for c in columns
            if c.facts.get("spellings") and c.read.get("case") != "ignore" and c.kind == "category" and c.role in ("target", "feature")
        }  # fmt: skip
        if not several:
            return [passed(self, "No levels differ in case or spaces alone.")]
        targets = [c.name for c in columns if c.name in several and c.role == "target"]
        order = [*targets, *(name for name in several if name not in targets)]
        told = listed((f"{name!r} ({'; '.join(_equal(group) for group in several[name][:3])})" for name in order), 3)
        sentence = f"{count(len(order), 'column')} {verb(len(order), 'has', 'have')} levels that differ in case or spaces alone: {told}."
        if targets:
            sentence += " Each spelling of the target is a class of its own."
        said = ", ".join(f"{name!r}: {{read: {{case: ignore}}}}" for name in order[:3])
        remedy = f"If they are the same, write data: {{columns: {{{said}}}}}."
        severity: Severity = "warning" if targets else "info"
        return [fire(self, sentence, remedy, severity=severity, columns=order, evidence={"spellings": several})]


def _equal(group: Sequence[str]) -> str:
    return " = ".join(map(repr, group[:4]))
