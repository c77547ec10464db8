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
from fieldguide.core.errors import StudyError, listed
from fieldguide.core.finding import Finding
from fieldguide.parts.learners._range import rate_range


def rates(
    bench: Bench, candidates: Sequence[Candidate], standard: Sequence[str], clock: Clock
) -> tuple[dict[str, Any], tuple[Finding, ...]]:
    """Run the range test of every network that takes part.

    Args:
        candidates: the networks that take part.
        standard: names of those that could.
        clock: the time for all of them; at least one step is made of each.

    Returns:
        facts (`networks`, one `rate_range` each, and the sentence), no findings.

    Raises:
        StudyError: no network takes part.
    """
    if not candidates:
        raise StudyError(
            "there is no network to test", rule="a learning rate is a network's",
            found=f"study.yaml lets none of {listed(standard)} take part",
            do="add one to learners.use, or take it out of learners.skip",
        )  # fmt: skip
    effort = Effort(bench.seed, bench.threads, clock)
    tests = {c.name: rate_range(c.learner, bench.encoded(c), bench.problem.outputs, effort) for c in candidates}
    said = [
        test["sentence"] if name == test["learner"] else f"{name}: {test['sentence']}" for name, test in tests.items()
    ]
    return {"sentence": "; ".join(said), "networks": tests}, ()
