"""FG203: rows that repeat others."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from fieldguide.core.blocks import Duplicates
from fieldguide.core.finding import Finding, Severity
from fieldguide.core.settings import setting
from fieldguide.parts.checks._answers import count, fire, not_applicable, passed, percent, verb


@dataclass(frozen=True)
class DuplicateRows:
    """Rows whose features repeat those of another row, exactly or nearly.

    Formula: exact copies have equal content hashes. Near-duplicates agree in so many columns, and so closely, that
    chance cannot do it: each column has the probability p that two random rows agree at least as well, and Fisher's
    sum of -ln p exceeds what the best of all pairs of rows would reach. Where the columns hold fewer bits than it
    takes to tell the rows apart, equal rows are expected and left alone.

    Why: copies on both sides of a split let a model answer from memory. They are therefore kept in one part, which
    makes the score honest; why they exist is still worth knowing, because the model weighs each copy as a case of
    its own.

    Remedy: find out why rows repeat (a join that multiplies rows, an export run twice, resampling), and remove
    copies that are not cases. If they are repeated measurements of one unit, declare `data.group`.

    Source: Fisher (1925) for combining independent tests.

    Needs: duplicates.
    """

    name: ClassVar[str] = "fg203_duplicates"
    code: ClassVar[str] = "FG203"
    title: ClassVar[str] = "Duplicate and near-duplicate rows"
    step: ClassVar[str] = "split"
    severity: ClassVar[Severity] = "warning"

    most: float = setting(0.05, "share of rows that may be copies before it is a warning")

    def run(self, *, duplicates: Duplicates) -> list[Finding]:
        n_rows = len(duplicates.exact)
        if duplicates.natural:
            why = (
                f"The columns tell so little that equal rows are expected among {n_rows:,}; they were not kept "
                "together."
            )
            return [not_applicable(self, why)]
        exact, near = duplicates.n_exact, duplicates.n_near
        evidence = {"exact": exact, "near": near, "n_rows": n_rows, "searched": duplicates.searched}
        if duplicates.continuum:
            kept = (
                f"only the {count(exact, 'exact copy', 'exact copies')} {verb(exact, 'was', 'were')} kept together"
                if exact
                else "they were not kept together"
            )
            sentence = f"Near-duplicates chain through more than a twentieth of the {n_rows:,} rows, like points of a curve; {kept}."
            return [
                fire(
                    self,
                    sentence,
                    "If the rows follow one unit through time, declare data.group or data.time.",
                    evidence=evidence,
                )
            ]
        note = "" if duplicates.searched else f" Near-duplicates were not searched: {n_rows:,} rows are too many."
        if not exact and not near:
            return [passed(self, f"None of the {n_rows:,} rows repeats another.{note}", evidence=evidence)]
        share = (exact + near) / n_rows
        parts = [f"{count(exact, 'row')} {verb(exact, 'repeats', 'repeat')} another exactly"] if exact else []
        if near:
            parts.append(
                f"{near:,} nearly"
                if exact
                else f"{count(near, 'row')} nearly {verb(near, 'repeats', 'repeat')} another"
            )
        together = " together" if len(parts) > 1 else ""
        sentence = (
            f"{' and '.join(parts)}, {percent(share)} of {n_rows:,}{together}; copies were kept in one part.{note}"
        )
        remedy = "Find out why rows repeat; spread over the parts, the copies would have made the score too good."
        return [fire(self, sentence, remedy, severity="warning" if share > self.most else "info", evidence=evidence)]
