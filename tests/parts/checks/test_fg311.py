"""FG311: a metric changed after the fact."""

from __future__ import annotations

from fieldguide.parts.checks.fg311_metric_changed import MetricChanged
from fieldguide.testing import check_check

PROFILE = {"metrics": [{"metric": "accuracy"}]}


def test_contract() -> None:
    (found,) = check_check(
        MetricChanged(),
        fires_on={"profile": PROFILE, "metrics_before": ["log_loss", "accuracy"]},
        quiet_on={"profile": PROFILE, "metrics_before": ["accuracy"]},
    )
    assert found.sentence == "Models were judged by log loss before the metric became accuracy (1 change)."


def test_before_any_model_a_change_is_free() -> None:
    (found,) = MetricChanged().run(profile=PROFILE, metrics_before=[])
    assert found.status == "passed"
