"""FG948: logged decisions do not follow from the rules."""

from __future__ import annotations

from typing import Any

from check_cases import only

from fieldguide.parts.checks.fg948_decided_otherwise import DecidedOtherwise
from fieldguide.testing import check_check

EXAMPLE = {"id": "r1-0", "served": "call", "by": "keen", "version": "aa", "offline": "write", "by_offline": "(default)"}


def case(n_otherwise: int, n: int = 200) -> dict[str, Any]:
    example = EXAMPLE if n_otherwise else None
    return {"decided": {"n": n, "n_rows": 200, "n_otherwise": n_otherwise, "example": example, "version": "bb"}}


def test_a_decision_that_does_not_follow_is_an_error_with_both_rules():
    finding = only(check_check(DecidedOtherwise(), case(3), case(0)))
    assert finding.severity == "error"
    assert finding.sentence == (
        "3 decisions of 200 (1.5 %) do not follow from the rules: r1-0 was 'call' by 'keen' (version aa), and the folder's rules "
        "(version bb) say 'write' by '(default)'."
    )


def test_without_rules_or_decisions_nothing_is_said():
    for found in (DecidedOtherwise().run(decided=None), DecidedOtherwise().run(**case(0, n=0))):
        assert found[0].status == "not_applicable"
