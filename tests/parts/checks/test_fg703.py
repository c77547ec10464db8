"""FG703: candidates over the limits."""

from __future__ import annotations

from check_cases import bench_of, only, problem_of

from fieldguide.core.problem import Limits
from fieldguide.parts.checks.fg703_rejected import Rejected
from fieldguide.testing import check_check

BENCH = bench_of(problem_of(limits=Limits(latency_ms=2)))
SLOW = {"candidate": "ensemble", "latency_ms": 6.25, "megabytes": 9.0}


def facts(rejected, chosen="boosting"):
    return {"rejected": rejected, "entries": [{"candidate": "boosting"}, SLOW], "chosen": chosen}


def test_a_rejected_candidate_is_named_with_its_measurements():
    finding = only(
        check_check(Rejected(), {"bench": BENCH, "facts": facts([SLOW])}, {"bench": BENCH, "facts": facts([])})
    )
    assert finding.sentence == "1 candidate of 2 was rejected for being over the limits: ensemble (6.25 ms, 9 MB)."
    assert finding.severity == "info"


def test_a_choice_over_the_limits_warns():
    finding = only(Rejected().run(bench=BENCH, facts=facts([SLOW], chosen="ensemble")))
    assert finding.severity == "warning"
    assert finding.sentence.startswith("All 2 candidates are over the limits, the chosen one too")


def test_without_limits_nothing_is_rejected():
    assert only(Rejected().run(bench=bench_of(), facts=facts([]))).status == "not_applicable"
