"""FG365: few independent targets."""

from __future__ import annotations

from check_cases import only
from series_cases import series_of

from fieldguide.parts.checks.fg365_few_targets import FewIndependentTargets
from fieldguide.testing import check_check


def test_few_targets_that_share_no_step():
    found = only(
        check_check(FewIndependentTargets(), series_of(independent_targets={"test": 2, "validation": 5}), series_of())
    )
    assert (
        found.sentence
        == "The sealed stretch holds 2 targets of 14 steps that share none with another: its interval rests on so few."
    )
    assert found.severity == "warning"
    assert only(FewIndependentTargets().run(**series_of(independent_targets={"test": 5}))).severity == "info"
