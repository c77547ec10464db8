"""FG922: two paths see different requests."""

from __future__ import annotations

import pytest
from check_cases import only
from experiment_cases import judged

from fieldguide.parts.checks.fg922_paths_differ import PathsDiffer
from fieldguide.testing import check_check


def case(different=(), slower=None):
    return {
        "judged": judged(
            paths={"columns": list(different), "different": list(different), "n_tests": 9, "slower": slower}
        )
    }


LOST = {
    "column": "device",
    "what": "missing",
    "p": 1e-9,
    "adjusted_p": 9e-9,
    "sentence": "device is missing in 0.00% and 18.00%",
}


def test_a_column_that_one_path_loses_fires_by_name():
    finding = only(check_check(PathsDiffer(), case([LOST]), case()))
    assert finding.sentence == (
        "The two paths differ in what they see: device is missing in 0.00% and 18.00% (p 9e-09 after 9 tests)."
    )
    assert finding.columns == ("device",)


@pytest.mark.parametrize(("different", "status"), [(True, "fired"), (False, "passed")])
def test_a_path_that_is_much_slower_is_a_warning(different, status):
    slower = {"ratio": 1.8, "p": 1e-6, "control": 0.01, "candidate": 0.018, "different": different}
    finding = only(PathsDiffer().run(**case(slower=slower)))
    assert finding.status == status
    if different:
        assert finding.severity == "warning"
        assert "1.80 times as long" in finding.sentence
