"""FG502: nothing beats guessing."""

from __future__ import annotations

from check_cases import bench_of, only, trial_of

from fieldguide.parts.checks.fg502_no_signal import NoSignal
from fieldguide.testing import check_check

PRIOR, LINEAR = trial_of("prior", "trivial"), trial_of("linear")


def case(low, high, bar=LINEAR):
    return {
        "bench": bench_of(value=(low + high) / 2, low=low, high=high),
        "trials": [PRIOR, LINEAR],
        "bar": bar,
        "trivial": PRIOR,
    }


def test_an_interval_around_nothing_warns():
    finding = only(check_check(NoSignal(), case(-0.01, 0.05), case(0.1, 0.2)))
    assert finding.severity == "warning"
    assert finding.sentence == (
        "Nothing clearly beats guessing; linear against the trivial rule: ROC AUC better by 0.02 [−0.01, 0.05]."
    )


def test_a_bar_that_is_worse_or_trivial_is_an_error():
    assert only(NoSignal().run(**case(-0.05, -0.01))).severity == "error"
    finding = only(NoSignal().run(**case(0.1, 0.2, bar=PRIOR)))
    assert finding.severity == "error"
    assert finding.sentence == "Nothing beats guessing on 100 validation rows: the best baseline is the trivial rule."


def test_an_unknown_interval_is_no_proof():
    bench = bench_of(value=0.1, low=None, high=None)
    assert only(NoSignal().run(bench=bench, trials=[PRIOR, LINEAR], bar=LINEAR, trivial=PRIOR)).severity == "warning"


def test_where_only_the_trivial_rule_was_tried_nothing_is_known():
    assert only(NoSignal().run(**{**case(0.1, 0.2, bar=PRIOR), "trials": [PRIOR]})).status == "skipped"
