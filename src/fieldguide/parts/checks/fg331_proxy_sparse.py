"""FG331: a proxy that is too sparse to learn from."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

from fieldguide.core.errors import listed
from fieldguide.core.finding import Finding, Severity
from fieldguide.core.settings import setting
from fieldguide.parts.checks._answers import count, percent
from fieldguide.parts.checks._proxies import Candidate, Complaint, looked_at


@dataclass(frozen=True)
class ProxySparse:
    """A proxy with so few positives that these rows cannot show a difference of a size that matters.

    Formula: the smallest rise d of the rate p that half of the rows against the other half show at level 5 % with power 80 %,
    by the two-sided z-test of two shares: d with Φ((d − z s₀) / s₁) = 0.8, s₀² = p̄(1 − p̄)(2/n + 2/n), s₁² the sum of both
    halves' p(1 − p) · 2/n. Dependent rows count less: n is divided by 1 + (block size − 1) · intraclass correlation. Fires
    when d exceeds half of p, with fewer than 20 rows on the rarer side, or, as a note, for declared slices in which either holds.

    Why: without enough positives there are not many data, however many rows there are: features cannot be told from noise,
    and no later comparison of two models by this label can come out.

    Remedy: choose a more frequent event, a lower threshold or a longer window, or collect more rows.

    Source: Fleiss, Levin, Paik (2003), Statistical Methods for Rates and Proportions, section 4.2; Kish (1965) for the
    design effect.

    Needs: proxies (the facts of `explore`).
    """

    name: ClassVar[str] = "fg331_proxy_sparse"
    code: ClassVar[str] = "FG331"
    title: ClassVar[str] = "A proxy that is too sparse"
    step: ClassVar[str] = "explore"
    severity: ClassVar[Severity] = "warning"

    largest: float = setting(0.5, "the largest relative rise that may stay unseen")
    fewest: int = setting(20, "the fewest rows on the rarer side")

    def run(self, *, proxies: Mapping[str, Any] | None) -> list[Finding]:
        found = looked_at(self, proxies, self._judge, "frequent enough to show a rise of half their rate.")
        if proxies is not None and not any(f.severity == self.severity for f in found if f.fired):
            slices = [
                note
                for row in proxies["candidates"]
                if row["learned"] and not row["is_outcome"]
                for note in self._slices(row)
            ]
            found = [f for f in found if f.fired or not slices] + slices
        return found

    def _judge(self, row: Candidate) -> Complaint | None:
        if not self._sparse(row):
            return None
        said = f"{row['name']!r} has {count(row['positives'], 'positive')} in {count(row['n_known'], 'row')}"
        rise = row["smallest_relative"]
        told = (
            "no rise of its rate can be shown"
            if rise is None
            else f"a rise of its rate by less than {percent(rise)} cannot be shown"
        )
        return f"{said}: {told}.", "Choose a more frequent event, a lower threshold or a longer window.", _numbers(row)

    def _sparse(self, row: Mapping[str, Any]) -> bool:
        rise = row["smallest_relative"]
        rarer = min(row["positives"], row["n_known"] if row.get("amount") else row["n_known"] - row["positives"])
        return rarer < self.fewest or (
            not row.get("amount") and row["rate"] <= 0.5 and (rise is None or rise > self.largest)
        )

    def _slices(self, row: Candidate) -> list[Finding]:
        few = [part for part in row["slices"] if self._sparse({**part, "amount": row["amount"]})]
        if not few:
            return []
        told = listed((f"{part['name']} ({part['positives']:,})" for part in few), 4)
        sentence = f"In {count(len(few), 'slice')} of {len(row['slices'])}, {row['name']!r} is too sparse to be judged (positives): {told}."
        evidence = {"proxy": row["name"], "slices": [{"name": part["name"], **_numbers(part)} for part in few]}
        remedy = "Join slices, or do not promise anything about them."
        return [Finding(self.code, "info", sentence, remedy=remedy, evidence=evidence)]


def _numbers(row: Mapping[str, Any]) -> dict[str, Any]:
    return {
        key: row[key] for key in ("n_known", "positives", "rate", "n_independent", "smallest_rise", "smallest_relative")
    }
