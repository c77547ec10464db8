"""FG327: columns and levels that come and go."""

from __future__ import annotations

import numpy as np
from along_cases import columns_of, given, needed, run

from fieldguide.parts.checks.fg327_coverage import Coverage
from fieldguide.testing import check_check

CHECK = Coverage()
LATE = np.arange(3000) >= 2500


def test_a_column_that_begins_late_is_a_note():
    columns = columns_of()
    late = {**columns, "size": [None if i < 1000 else v for i, v in enumerate(columns["size"])]}
    (finding,) = check_check(CHECK, needed(CHECK, given(late)), needed(CHECK, given(columns)))
    assert finding.severity == "info" and "exclude" not in finding.evidence
    assert finding.sentence.startswith("1 column comes or goes along 'day': 'size' is empty before 2024-04-")
    assert "(33 % of the rows)" in finding.sentence


def test_a_column_that_ends_is_a_warning():
    columns = columns_of()
    columns["size"] = [None if late else v for late, v in zip(LATE, columns["size"])]
    finding = run(CHECK, given(columns))
    assert finding.severity == "warning"
    assert "'size' is empty after 2024-09-0" in finding.sentence
    assert finding.sentence.endswith("'size' is left out of every model.")
    assert finding.evidence["exclude"] == ["size"]
    assert finding.remedy == "Nothing, unless the column is repaired; then set data.columns.size: feature."


def test_new_levels_are_counted():
    columns = columns_of()
    new = LATE & (np.random.default_rng(0).random(3000) < 0.3)
    columns["client"] = np.where(new, "Z", columns["client"])
    finding = run(CHECK, given(columns))
    assert "'client' has 1 new level in 2" in finding.sentence
    assert finding.remedy == "Expect levels in use that no training row has, and judge by a split along time."


def test_a_default_that_takes_over_is_a_warning():
    columns = columns_of()
    columns["size"] = np.where(LATE, 0.0, columns["size"])
    finding = run(CHECK, given(columns))
    assert finding.severity == "warning"
    assert "'size' is nearly always 0 from 2024-09-" in finding.sentence


def test_a_rare_level_that_is_first_seen_late_is_no_news():
    columns = columns_of()
    columns["client"] = np.where(np.arange(3000) > 2990, "Z", columns["client"])
    assert run(CHECK, given(columns)).status == "passed"
