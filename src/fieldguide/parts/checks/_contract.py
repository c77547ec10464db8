"""What the checks of contract.yaml share: the silence where there is none, and the features it holds.

Knows the facts that `steps.contract` writes; judges none of them.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from fieldguide.core.contracts import Check
from fieldguide.core.finding import Finding
from fieldguide.parts.checks._answers import not_applicable

Contract = Mapping[str, Any] | None


def absent(check: Check, contract: Contract) -> list[Finding]:
    """Return the silence of a check where a study has no contract.yaml; empty where it has one."""
    if contract is not None:
        return []
    return [not_applicable(check, "There is no contract.yaml: nothing is promised of the columns.")]


def features(contract: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """Return the features of the contract that the table has."""
    return [feature for feature in contract["features"] if feature["present"]]


def moved(changed: Mapping[str, Any]) -> str:
    """Return what changed, in words.

    Examples:
        >>> moved({"unit": ["EUR", "USD"]})
        "unit ('EUR' before, 'USD' now)"
    """
    return ", ".join(f"{name} ({_short(was)} before, {_short(now)} now)" for name, (was, now) in changed.items())


def _short(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= 60 else text[:56] + " …" + text[-1]
