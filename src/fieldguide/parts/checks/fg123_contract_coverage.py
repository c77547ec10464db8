"""FG123: a feature that covers fewer rows than its contract promises."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from fieldguide.core.finding import Finding, Severity
from fieldguide.core.settings import setting
from fieldguide.parts.checks._answers import count, fire, passed, percent
from fieldguide.parts.checks._contract import Held, features, held


@dataclass(frozen=True)
class ContractCoverage:
    """A feature that has a value in fewer rows than the contract's floor.

    Formula: rows with a value that is neither missing nor the declared default, as a share of all, k of n. It fires
    below the floor where so few would be a chance of at most 1 in 1,000 were the floor true: the normal
    approximation of the binomial, one-sided, over as many features as have a floor (Bonferroni).

    Why: a source that breaks leaves its column empty or full of its default; every score of yesterday was with it.

    Remedy: ask the source what broke, or lower the floor in contract.yaml if this is how it will be.

    Needs: contract.
    """

    name: ClassVar[str] = "fg123_contract_coverage"
    code: ClassVar[str] = "FG123"
    title: ClassVar[str] = "Coverage below the floor"
    step: ClassVar[str] = "frame"
    severity: ClassVar[Severity] = "warning"

    level: float = setting(0.001, "chance of firing on a table whose coverage is exactly at its floors")

    @held
    def run(self, *, contract: Held) -> list[Finding]:
        from statistics import NormalDist

        floored = [feature for feature in features(contract) if feature["floor"] is not None]
        bound = NormalDist().inv_cdf(1 - self.level / max(1, len(floored)))
        n = max(1, contract["n_rows"])
        findings = []
        for feature in floored:
            floor, share = feature["floor"], feature["coverage"]
            if share < floor - bound * (floor * (1 - floor) / n) ** 0.5 and share < floor:
                but = "" if feature["default"] is None else f", the default {feature['default']!r} not counted"
                sentence = f"{feature['column']!r} has a value in {percent(share)} of {n:,} rows{but}; the contract promises {percent(floor)}."
                evidence = {"coverage": share, "floor": floor, "n_known": feature["n_known"]}
                remedy = "Ask its source what broke, or lower coverage in contract.yaml if it stays so."
                findings.append(fire(self, sentence, remedy, columns=[feature["column"]], evidence=evidence))
        return findings or [passed(self, f"{count(len(floored), 'feature')} with a coverage floor keep it.")]
