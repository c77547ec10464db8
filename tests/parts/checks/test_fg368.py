"""FG368: values missing beside series."""

from __future__ import annotations

from check_cases import only
from series_cases import series_of

from fieldguide.parts.checks.fg368_covariate_gaps import CovariateGaps
from fieldguide.testing import check_check


def beside(*missing: int) -> list[dict[str, object]]:
    roles = (("promoted", "known_future"), ("visits", "observed"))
    return [
        {"column": name, "role": role, "n_steps": 800, "n_missing": n}
        for (name, role), n in zip(roles, missing, strict=True)
    ]


def test_values_that_are_missing_beside_series_are_told_by_how_many_they_are():
    clean = series_of(beside=beside(0, 0))
    found = only(check_check(CovariateGaps(), series_of(beside=beside(8, 200)), clean))
    assert found.sentence == (
        "Values are missing beside the series, and each takes the last one before it: 'visits' (observed) 25 % of the steps, "
        "'promoted' (known_future) 1 % of the steps."
    )
    assert found.severity == "warning" and found.columns == ("visits", "promoted")
    assert only(CovariateGaps().run(**series_of(beside=beside(8, 0)))).severity == "info"
    assert only(CovariateGaps().run(**clean)).status == "passed"


def test_without_such_columns_there_is_nothing_to_look_at():
    assert only(CovariateGaps().run(**series_of())).status == "not_applicable"
