"""What the checks of contract.yaml share: the silence where there is none, and the features it holds.

Knows the facts that `steps.frame.contract` writes; judges none of them.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import wraps
from typing import Any

from fieldguide.core.contracts import Check
from fieldguide.core.finding import Finding
from fieldguide.parts.checks._answers import not_applicable

Held = Mapping[str, Any]
"""What `steps.frame.contract` found of a contract that is there."""


def held(run: Callable[..., list[Finding]]) -> Callable[..., list[Finding]]:
    """Make a check's `run` of the one that judges a contract: a study without contract.yaml is not applicable.

    Returns:
        run(self, *, contract), where contract is None without contract.yaml.
    """

    @wraps(run)
    def judged(self: Check, *, contract: Held | None) -> list[Finding]:
        if contract is None:
            return [not_applicable(self, "There is no contract.yaml: nothing is promised of the columns.")]
        return run(self, contract=contract)

    return judged


def features(contract: Held) -> list[Mapping[str, Any]]:
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
