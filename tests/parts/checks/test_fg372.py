"""FG372: rules that read the future."""

from __future__ import annotations

from check_cases import only

from fieldguide.parts.checks.fg372_late_rule import LateRule
from fieldguide.testing import check_check


def test_a_column_that_comes_later_is_named_with_the_reason():
    later = [{"column": "paid", "why": "`proxies` says that it is known only afterwards"}]
    finding = only(check_check(LateRule(), {"facts": {"later": later}}, {"facts": {"later": []}}))
    assert finding.severity == "error"
    assert finding.columns == ("paid",)
    assert finding.sentence == (
        "The rules read 1 column that cannot be known at prediction time ('paid': `proxies` says that it is known only afterwards)."
    )
