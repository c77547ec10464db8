"""FG128: two versions of one feature side by side."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from fieldguide.core.finding import Finding, Severity
from fieldguide.parts.checks._answers import count, fire, not_applicable, number, percent
from fieldguide.parts.checks._contract import Held, held


@dataclass(frozen=True)
class Migration:
    """Two versions of one feature in one table: how they relate, what each covers, whether the old one can go.

    Formula: on the rows with both: identity, a line b = a·x + c (Tukey's resistant line) or a recoding of levels, each
    in at least 99 % of them; else none. The old one can be retired when the new one covers 99 % of its rows and the
    relation is known.

    Why: during a migration a model may use either; two that say the same thing split their weight, and two that do not
    are two features.

    Remedy: keep one of them in the model by `data.columns.<old>: ignore`; retire the old one when this says so.

    Source: Tukey, Exploratory Data Analysis, 1977, chapter 10 (resistant line).

    Needs: contract.
    """

    name: ClassVar[str] = "fg128_migration"
    code: ClassVar[str] = "FG128"
    title: ClassVar[str] = "Two versions side by side"
    step: ClassVar[str] = "frame"
    severity: ClassVar[Severity] = "warning"

    @held
    def run(self, *, contract: Held) -> list[Finding]:
        findings = []
        for found in contract["migrations"]:
            old, new = found["old"], found["new"]
            how = {
                "identity": "they agree", "affine": f"{new!r} is {number(found.get('scale', 1))} times {old!r} plus {number(found.get('offset', 0))}",
                "recoding": f"{new!r} recodes {old!r}", "none": f"no simple relation was found: {found.get('why', 'too little in common')}",
            }[found["relation"]]  # fmt: skip
            where = (
                f" in {percent(found['agree'])} of {found['n_both']:,} rows with both"
                if found["relation"] != "none"
                else ""
            )
            covered = f"{old!r} covers {percent(found['old_share'])} of the rows, {new!r} {percent(found['new_share'])}"
            sentence = f"Of {found['feature']!r}, versions {found['old_version']} and {found['new_version']} stand side by side: {how}{where}; {covered}."
            unrelated = found["relation"] == "none"
            if found["retire"]:
                remedy = f"{old!r} can be retired: remove it, or set data.columns.{old}: ignore."
            elif unrelated:
                remedy = f"Do not put one for the other: find out what differs before {old!r} is retired."
            else:
                remedy = f"Wait with retiring {old!r} until {new!r} covers 99 % of its rows (now {percent(found['covers'])})."
            severity: Severity = "warning" if unrelated and found["n_both"] >= 20 else "info"
            findings.append(fire(self, sentence, remedy, severity=severity, columns=[old, new], evidence=dict(found)))
        return findings or [
            not_applicable(self, f"None of {count(len(contract['features']), 'feature')} stands in two versions.")
        ]
