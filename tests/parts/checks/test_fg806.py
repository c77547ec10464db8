"""FG806: the shipped model has seen the rows it was judged on."""

from __future__ import annotations

from check_cases import only

from fieldguide.parts.checks.fg806_newest import NewestLearned
from fieldguide.testing import check_check


def test_a_second_fit_on_all_rows_is_told() -> None:
    fires, quiet = ({"facts": {"n_refit": 850, "n_shipped": n}} for n in (1000, 850))
    finding = only(check_check(NewestLearned(), fires, quiet))
    assert finding.sentence.startswith(
        "The shipped model was fitted again on all 1,000 rows, once the newest 150 were judged"
    )
