"""Rates: the learning-rate range test of a study's networks, on the training rows of the first fold.

Takes the bench and candidates. Changes nothing: what it suggests is a line for `learners.settings` in study.yaml.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from fieldguide.core.bench import Bench
from fieldguide.core.candidate import Candidate
from fieldguide.core.clock import Clock
from fieldguide.core.contracts import Effort
from fieldguide.core.errors import StudyError
from fieldguide.core.finding import Finding
from fieldguide.parts.learners._range import rate_range


def rates(bench: Bench, candidates: Sequence[Candidate], clock: Clock) -> tuple[dict[str, Any], tuple[Finding, ...]]:
    """Run the range test of every candidate that is a network.

    Returns:
        facts (`networks`, one `rate_range` each, and the sentence), no findings.

    Raises:
        StudyError: no candidate is a network.
    """
    networks = [candidate for candidate in candidates if hasattr(candidate.learner, "optimiser")]
    if not networks:
        raise StudyError(
            "there is no network to test", rule="a learning rate is a network's",
            found=f"learners that take part: {', '.join(candidate.name for candidate in candidates) or 'none'}", do="let mlp or tabm take part",
        )  # fmt: skip
    effort = Effort(bench.seed, bench.threads, clock)
    tests = {c.name: rate_range(c.learner, bench.encoded(c), bench.problem.outputs, effort) for c in networks}
    return {"sentence": "; ".join(test["sentence"] for test in tests.values()), "networks": tests}, ()
