"""FG505: baselines over the limits."""

from __future__ import annotations

from check_cases import bench_of, only, problem_of, trial_of

from fieldguide.core.problem import Limits
from fieldguide.parts.checks.fg505_over_limits import OverLimits
from fieldguide.testing import check_check

FAST = trial_of("linear", latency_ms=0.1, megabytes=0.01)
SLOW = trial_of("neighbours", latency_ms=12.3, megabytes=40.0)


def bench(**limits):
    return bench_of(problem_of(limits=Limits(**limits)))


def test_a_slow_baseline_is_named():
    finding = only(
        check_check(
            OverLimits(),
            {"bench": bench(latency_ms=5), "trials": [FAST, SLOW]},
            {"bench": bench(latency_ms=5), "trials": [FAST]},
        )
    )
    assert finding.sentence == "1 baseline of 2 is over the limits: neighbours (12.3 ms of 5 ms)."
    assert finding.severity == "info"


def test_none_within_the_limits_warns():
    finding = only(OverLimits().run(bench=bench(latency_ms=5, megabytes=1), trials=[SLOW]))
    assert finding.severity == "warning"
    assert "12.3 ms of 5 ms, 40 MB of 1 MB" in finding.sentence


def test_without_limits_there_is_nothing_to_keep():
    assert only(OverLimits().run(bench=bench(), trials=[SLOW])).status == "not_applicable"
