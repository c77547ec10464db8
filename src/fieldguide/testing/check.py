"""The contract of a check: one code, a docstring that is its docs section, findings one can act on, typed silence.

Knows `core.contracts.Check` only; when a particular check fires is tested beside it.
"""

from __future__ import annotations

import dataclasses
import inspect
import json
import re
from collections.abc import Mapping
from typing import Any

from fieldguide.core.finding import SEVERITIES, Finding

CODE = re.compile(r"FG[1-9][0-9]{2}")
SILENCES = ("passed", "not_applicable", "skipped")


def check_check(check: Any, fires_on: Mapping[str, Any], quiet_on: Mapping[str, Any]) -> list[Finding]:
    """Assert that a check keeps the contract on a case it fires on and a case it is quiet on.

    Args:
        check: an instance of the check.
        fires_on: what its `run` needs, in a case in which at least one finding fires.
        quiet_on: the same, in a case in which none does.

    Returns:
        the findings that fired, for tests of their words.

    Raises:
        AssertionError: names the rule that does not hold.
    """
    check_class(type(check))
    needs = inspect.signature(check.run).parameters
    for name, values in (("fires_on", fires_on), ("quiet_on", quiet_on)):
        assert set(values) == set(needs), f"{name} gives {sorted(values)}, and run needs {sorted(needs)}"
    fired = [finding for finding in check_findings(check, fires_on) if finding.fired]
    assert fired, f"{check.code} is silent on the case it should fire on"
    quiet = check_findings(check, quiet_on)
    loud = [finding.sentence for finding in quiet if finding.fired]
    assert not loud, f"{check.code} fires on the case it should be quiet on: {loud}"
    return fired


def check_class(check: type) -> None:
    """Assert what holds of a check before it has run: its class variables, settings, docstring and signature.

    Raises:
        AssertionError: names the rule that does not hold.
    """
    assert dataclasses.is_dataclass(check), "a check is a dataclass"
    cls = _untyped(check)
    assert cls.__dataclass_params__.frozen, "a check is frozen"
    assert CODE.fullmatch(cls.code), f"a code is FG and three digits, not {cls.code!r}"
    own = not cls.__module__.startswith("fieldguide.") or cls.name == cls.__module__.rpartition(".")[2]
    assert own, f"the name {cls.name!r} is the name of its file, {cls.__module__}"
    assert cls.title and cls.title[0].isupper() and not cls.title.endswith("."), f"a title is a heading: {cls.title!r}"
    assert cls.step and cls.severity in SEVERITIES, f"{cls.code} names its step and a severity of {SEVERITIES}"
    parts = sections(cls)
    for heading in ("What", "Formula", "Why", "Remedy"):
        assert parts.get(heading), f"the docstring of {cls.code} has no {heading}"
    assert parts["What"].endswith((".", "?")), f"the docstring of {cls.code} begins with a sentence"
    for parameter in inspect.signature(cls.run).parameters.values():
        assert parameter.name == "self" or parameter.kind is parameter.KEYWORD_ONLY, (
            f"{cls.code}.run takes keyword arguments only, the values it needs"
        )
    for field in dataclasses.fields(check):
        assert field.metadata.get("doc"), f"the setting {field.name!r} of {cls.code} has no line for the docs"


def _untyped(value: Any) -> Any:
    return value


def check_findings(check: Any, values: Mapping[str, Any]) -> list[Finding]:
    """Run a check twice and assert what holds of any of its findings.

    Raises:
        AssertionError: names the rule that does not hold.
    """
    found = check.run(**values)
    assert isinstance(found, list) and found, f"{check.code} returns a finding or a typed silence, never nothing"
    assert found == check.run(**values), f"{check.code} finds something else the second time"
    for finding in found:
        assert finding.code == check.code, f"{check.code} returns the code {finding.code}"
        assert finding.sentence.endswith((".", "?")) and finding.sentence[0] not in " .", (
            f"a sentence is one: {finding.sentence!r}"
        )
        text = json.dumps(finding.to_dict(), allow_nan=False)
        assert Finding.from_dict(json.loads(text)).to_dict() == json.loads(text), "a finding survives JSON"
        assert SEVERITIES.index(finding.severity) >= SEVERITIES.index(check.severity), (
            f"{check.code} says {check.severity} and fires with {finding.severity}"
        )
        if finding.fired:
            assert finding.remedy.endswith("."), f"{check.code} fires without a remedy"
            assert re.search(r"\d", finding.sentence), f"{check.code} fires without a number: {finding.sentence!r}"
        else:
            assert finding.status in SILENCES, f"{check.code} has the status {finding.status!r}"
            assert not finding.remedy, f"{check.code} is silent and has a remedy"
    return found


def sections(check: type) -> dict[str, str]:
    """Return the paragraphs of a check's docstring by heading, in order; the first one is "What".

    Examples:
        >>> class Check:
        ...     '''Rows that repeat others.
        ...
        ...     Why: copies flatter the score.
        ...     '''
        >>> sections(Check)
        {'What': 'Rows that repeat others.', 'Why': 'copies flatter the score.'}
    """
    found: dict[str, str] = {}
    heading = "What"
    for paragraph in re.split(r"\n\s*\n", inspect.cleandoc(check.__doc__ or "")):
        named = re.match(r"(Formula|Why|Remedy|Needs|Source): *", paragraph)
        if named:
            heading, paragraph = named[1], paragraph[named.end() :]
        text = " ".join(line.strip() for line in paragraph.split("\n"))
        found[heading] = f"{found[heading]}\n\n{text}" if heading in found else text
    return found
