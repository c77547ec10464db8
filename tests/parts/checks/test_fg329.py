"""FG329: codes for unknown among numbers."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from along_cases import columns_of, given, needed, run

from fieldguide.parts.checks.fg329_sentinel import Sentinel
from fieldguide.testing import check_check

CHECK = Sentinel()


def coded(values, code, share=0.05):
    return np.where(np.random.default_rng(1).random(len(values)) < share, code, values)


@pytest.mark.parametrize(
    "code, said, severity",
    [(-1.0, "-1", "info"), (-99.0, "-99", "warning"), (999.0, "999", "info"), (99_999_999.0, "99999999", "info")],
)
def test_a_code_far_from_the_rest_is_named(code, said, severity):
    columns = columns_of()
    case = given({**columns, "size": coded(columns["size"], code)})
    (finding,) = check_check(CHECK, needed(CHECK, case), needed(CHECK, given(columns)))
    assert finding.severity == severity
    assert f"'size' is {said} in 1" in finding.sentence
    assert finding.remedy == f'If it means unknown, set data.columns.size: {{read: {{missing: ["{said}"]}}}}.'
    assert finding.evidence["propose"] == {"size": {"missing": said}}


def test_one_code_in_several_columns_is_a_warning():
    columns = columns_of()
    columns["size"], columns["visits"] = coded(columns["size"], -1.0), coded(columns["visits"], -1.0)
    finding = run(CHECK, given(columns))
    assert (finding.severity, finding.columns) == ("warning", ("size", "visits"))


@pytest.mark.parametrize("rest", ["around zero", "a scale", "up to 98", "flags of -1 and 1"])
def test_values_are_no_codes(rest):
    rng = np.random.default_rng(0)
    values = {
        "around zero": rng.integers(-3, 4, 3000), "a scale": rng.integers(-1, 3, 3000), "up to 98": rng.integers(0, 100, 3000),
        "flags of -1 and 1": rng.choice([-1, 1], 3000),
    }[rest]  # fmt: skip
    assert run(CHECK, given({**columns_of(), "x": values * 1.0})).status == "passed"


def test_a_code_that_is_read_as_missing_is_noted():
    case = given({**columns_of()})
    table = case["table"]
    columns = tuple(replace(c, read={"missing": ["n.a.", "-999"]}) if c.name == "size" else c for c in table.columns)
    finding = run(CHECK, {**case, "table": replace(table, columns=columns)})
    assert (finding.status, finding.severity, finding.columns) == ("fired", "info", ("size",))
    assert finding.sentence == "Numbers that stand for unknown are read as missing in 1 column: -999 in 'size'."
    assert "remove its line from study.yaml (data.columns.size.read.missing)" in finding.remedy
