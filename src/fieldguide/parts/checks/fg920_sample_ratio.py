"""FG920: did the arms receive the units they were planned to receive?"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

from fieldguide.core.finding import Finding, Severity
from fieldguide.parts.checks._answers import fire, not_applicable, passed

REMEDY = "Trust no figure of this experiment: find who is missing, mend it, prove it by an A/A test, begin anew."


@dataclass(frozen=True)
class SampleRatio:
    """The arms did not receive their planned shares of the units, so that whoever is missing may differ between them.

    Formula: Pearson's chi-square of the counts of units against the planned shares, at 1 %; while an experiment runs, the inverse of a
    Dirichlet-multinomial Bayes factor, which holds at every look.

    Why: a lost or doubled unit is hardly ever lost at random: a redirect that times out, a crash, a filter of robots in one arm.
    A difference between the arms can be the doing of who is counted, and no statistic afterwards can tell.

    Remedy: trust no figure of this experiment. Compare who is missing: by browser, country, time of day, first request; mend it, prove
    it by an A/A test, and begin anew.

    Source: Fabijan et al. (2019), Diagnosing Sample Ratio Mismatch in Online Controlled Experiments.

    Needs: judged (ratio: {counts, expected, p, always_p, mismatched}).
    """

    name: ClassVar[str] = "fg920_sample_ratio"
    code: ClassVar[str] = "FG920"
    title: ClassVar[str] = "Sample ratio mismatch"
    step: ClassVar[str] = "experiment"
    severity: ClassVar[Severity] = "error"

    def run(self, *, judged: Mapping[str, Any]) -> list[Finding]:
        ratio = judged["ratio"]
        counts, expected = ratio["counts"], ratio["expected"]
        said = ", ".join(f"{arm} {n:,} instead of {expected[arm]:,.0f}" for arm, n in counts.items())
        evidence = {"counts": counts, "expected": expected, "p": ratio["p"], "always_p": ratio["always_p"]}
        if sum(counts.values()) == 0:
            return [not_applicable(self, "No unit was seen yet.")]
        if ratio["mismatched"]:
            return [
                fire(
                    self,
                    f"The arms did not receive their shares (p {ratio['p']:.2g}): {said} units.",
                    REMEDY,
                    evidence=evidence,
                )
            ]
        return [passed(self, f"The arms received their shares (p {ratio['p']:.2g}).", evidence)]
