"""FG703: candidates that are too slow or too large."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

from fieldguide.core.bench import Bench
from fieldguide.core.errors import listed
from fieldguide.core.finding import Finding, Severity
from fieldguide.parts.checks._answers import count, fire, not_applicable, number, passed, verb


@dataclass(frozen=True)
class Rejected:
    """Candidates that were not chosen because they are over the limits, by measurement.

    Formula: median latency of single rows and size on disk of the packaged candidate (ensembles: of all members
    together), against `problem.limits`.

    Why: the best score is worth nothing if it comes too late. The price of the limits is worth knowing as well: how
    much better a slower model would be.

    Remedy: nothing, if the limits stand. If all candidates are over them, relax `problem.limits` or serve on a
    faster machine.

    Needs: bench, facts (rejected: [{candidate, latency_ms, megabytes}], entries, chosen).
    """

    name: ClassVar[str] = "fg703_rejected"
    code: ClassVar[str] = "FG703"
    title: ClassVar[str] = "Candidates over the limits"
    step: ClassVar[str] = "refine"
    severity: ClassVar[Severity] = "warning"

    def run(self, *, bench: Bench, facts: Mapping[str, Any]) -> list[Finding]:
        limits = bench.problem.limits
        if limits.latency_ms is None and limits.megabytes is None:
            return [not_applicable(self, "problem.limits sets no limit.")]
        rejected = list(facts.get("rejected") or ())
        n = len(facts.get("entries") or rejected)
        if not rejected:
            return [passed(self, f"All {count(n, 'candidate')} keep the limits, as measured.")]
        said = listed((_measured(entry) for entry in rejected), 4)
        sentence = (
            f"{count(len(rejected), 'candidate')} of {n} {verb(len(rejected), 'was', 'were')} rejected for "
            f"being over the limits: {said}."
        )
        if facts.get("chosen") in {entry["candidate"] for entry in rejected}:
            sentence = f"All {count(n, 'candidate')} are over the limits, the chosen one too: {said}."
            return [
                fire(
                    self,
                    sentence,
                    "Relax problem.limits, or serve on a faster machine.",
                    evidence={"rejected": rejected},
                )
            ]
        return [
            fire(self, sentence, "Nothing to do if the limits stand.", severity="info", evidence={"rejected": rejected})
        ]


def _measured(entry: Mapping[str, Any]) -> str:
    parts = [f"{number(entry['latency_ms'])} ms"] if entry.get("latency_ms") is not None else []
    parts += [f"{number(entry['megabytes'])} MB"] if entry.get("megabytes") is not None else []
    return f"{entry['candidate']} ({', '.join(parts)})"
