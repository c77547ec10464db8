"""The contract suite of checks says which rule a check breaks."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import pytest

from fieldguide.core.finding import Finding
from fieldguide.testing import check_check


@dataclass(frozen=True)
class Few:
    """Tables with few rows.

    Formula: rows < 10.

    Why: noise.

    Remedy: collect more.
    """

    name: ClassVar[str] = "few"
    code: ClassVar[str] = "FG999"
    title: ClassVar[str] = "Few rows"
    step: ClassVar[str] = "explore"
    severity: ClassVar[str] = "warning"

    def run(self, *, n_rows):
        if n_rows < 10:
            return [Finding(self.code, "warning", f"Only {n_rows} rows.", "fired", "Collect more.")]
        return [Finding(self.code, "warning", f"{n_rows} rows are enough.", "passed")]


def answering(**changes):
    """Return the check with its fired finding changed."""

    def run(self, *, n_rows):
        fields = {
            "code": "FG999",
            "severity": "warning",
            "sentence": "Only 3 rows.",
            "remedy": "Collect more.",
        } | changes
        return [Finding(**fields)] if n_rows < 10 else [Finding("FG999", "warning", "Enough.", "passed")]

    return dataclass(frozen=True)(type("Few", (Few,), {"run": run, "__doc__": Few.__doc__, "__module__": __name__}))()


def test_a_check_that_keeps_the_contract_passes():
    assert [finding.sentence for finding in check_check(Few(), {"n_rows": 3}, {"n_rows": 30})] == ["Only 3 rows."]


@pytest.mark.parametrize(
    "changes, rule",
    [
        ({"code": "FG998"}, "FG999 returns the code FG998"),
        ({"sentence": "Only a few rows."}, "fires without a number"),
        ({"sentence": "Only 3 rows"}, "a sentence is one"),
        ({"remedy": ""}, "fires without a remedy"),
        ({"severity": "error"}, "says warning and fires with error"),
        ({"evidence": {"share": float("nan")}}, "not JSON compliant"),
    ],
)
def test_a_broken_finding_is_named(changes, rule):
    with pytest.raises((AssertionError, ValueError), match=rule):
        check_check(answering(**changes), {"n_rows": 3}, {"n_rows": 30})


def test_silence_and_noise_are_named():
    with pytest.raises(AssertionError, match="FG999 is silent on the case it should fire on"):
        check_check(Few(), {"n_rows": 30}, {"n_rows": 30})
    with pytest.raises(AssertionError, match="FG999 fires on the case it should be quiet on"):
        check_check(Few(), {"n_rows": 3}, {"n_rows": 3})


def test_a_class_without_its_docs_is_named():
    bare = type("Few", (Few,), {"__doc__": "Tables with few rows.", "__module__": __name__})
    with pytest.raises(AssertionError, match="the docstring of FG999 has no Formula"):
        check_check(dataclass(frozen=True)(bare)(), {"n_rows": 3}, {"n_rows": 30})
    wrong = type("Few", (Few,), {"code": "X1", "__doc__": Few.__doc__, "__module__": __name__})
    with pytest.raises(AssertionError, match="a code is FG and three digits"):
        check_check(dataclass(frozen=True)(wrong)(), {"n_rows": 3}, {"n_rows": 30})
