"""FG109: rows whose outcomes have not arrived."""

from __future__ import annotations

from check_cases import only

from fieldguide.parts.checks.fg109_still_arriving import StillArriving
from fieldguide.testing import check_check

FOUND = {"column": "day", "from": "2024-03-01T00:00:00", "n": 120, "rate_before": 0.3, "rate_after": 0.08, "p": 1e-9}


def test_immature_rows_are_named_with_what_is_done_about_them() -> None:
    quiet = {"population": {"immature": None}, "n_rows": 900}
    fires = {"population": {"immature": {**FOUND, "left_out": True}}, "n_rows": 900}
    finding = only(check_check(StillArriving(), fires, quiet))
    assert finding.severity == "warning" and finding.columns == ("day",)
    assert "120 rows from 2024-03-01T00:00:00 on by 'day' have 8 % positives, 30 % before" in finding.sentence
    assert finding.sentence.endswith("so these rows are neither taught nor judged.")
    kept = StillArriving().run(population={"immature": {**FOUND, "left_out": False}}, n_rows=900)
    assert only(kept).sentence.endswith("so these rows are kept, as study.yaml says.")
