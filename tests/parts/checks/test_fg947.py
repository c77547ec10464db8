"""FG947: outcomes were corrected."""

from __future__ import annotations

from typing import Any

from check_cases import only
from experiment_cases import gap

from fieldguide.parts.checks.fg947_corrected_outcomes import CorrectedOutcomes
from fieldguide.testing import check_check


def corrected(n: int, of: int = 1_000) -> dict[str, Any]:
    """Return the facts of a gap in which so many outcomes were corrected."""
    example = {"id": "r1-0", "unit": None, "from": "0", "to": "1", "when": "2024-05-03"}
    one = {"name": "click", "n": n, "of": n, "n_outcomes": of, "days": 2.5, "example": example}
    return gap() | {"corrected": {"n": n, "n_outcomes": of, "names": [one] if n else []}}


def test_many_corrections_are_a_warning_with_how_late_they_came():
    finding = only(check_check(CorrectedOutcomes(), {"gap": corrected(30)}, {"gap": corrected(0)}))
    assert finding.severity == "warning"
    assert "30 of 1,000 outcomes 'click' (3.00 %), in the median 2.5 days after" in finding.sentence
    assert "0 became 1" in finding.sentence


def test_a_few_are_to_be_known_of_and_without_a_log_nothing_is_said():
    (few,) = CorrectedOutcomes().run(gap=corrected(3))
    assert few.fired and few.severity == "info"
    (none,) = CorrectedOutcomes().run(gap=gap())
    assert none.status == "not_applicable"
