"""FG922: do both paths of one system see and give the same?"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

from fieldguide.core.finding import Finding, Severity
from fieldguide.parts.checks._answers import count, fire, not_applicable, number, passed


@dataclass(frozen=True)
class PathsDiffer:
    """In an A/A test the requests, scores or times to answer of the two paths differ by more than chance, though units were dealt at random.

    Formula: per column, at the first request of each unit: Kolmogorov-Smirnov for numbers, chi-square for levels and for missing cells,
    corrected together by Holm, at 0.1 %. Times to answer: Mann-Whitney at 0.1 % and medians that differ by 25 % or more.

    Why: a path that fills a column differently, loses it for some clients or takes much longer changes outcomes on its own.

    Remedy: compare how the named column is made in both paths; replay logged requests through each (`fieldguide replay`).

    Needs: judged (paths: {different, n_tests, slower}, or None).
    """

    name: ClassVar[str] = "fg922_paths_differ"
    code: ClassVar[str] = "FG922"
    title: ClassVar[str] = "Two paths see different requests"
    step: ClassVar[str] = "experiment"
    severity: ClassVar[Severity] = "error"

    def run(self, *, judged: Mapping[str, Any]) -> list[Finding]:
        paths = judged.get("paths")
        if not paths:
            return [not_applicable(self, "The arms are not one system through two paths.")]
        findings = []
        for one in paths["different"]:
            sentence = f"The two paths differ in what they see: {one['sentence']} (p {one['adjusted_p']:.2g} after {paths['n_tests']} tests)."
            remedy = f"Compare how {one['column']!r} is made in the two paths; replay logged requests through each."
            findings.append(fire(self, sentence, remedy, columns=(one["column"],), evidence=one))
        slower = paths["slower"]
        if slower is not None and slower["different"]:
            sentence = (
                f"One path takes {slower['ratio']:.2f} times as long to answer (median {number(slower['candidate'])} s "
                f"against {number(slower['control'])} s)."
            )
            findings.append(
                fire(self, sentence, "Find what the slower path waits for.", severity="warning", evidence=slower)
            )
        if findings:
            return findings
        return [
            passed(
                self,
                f"The two paths see the same requests ({count(paths['n_tests'], 'test')}).",
                {"n_tests": paths["n_tests"]},
            )
        ]
