"""The four answers of a check: fired, passed, not applicable, skipped; and the words their sentences are made of.

Knows findings; how numbers read is `core.figures`, what is worth saying is each check's.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from fieldguide.core.contracts import Check
from fieldguide.core.errors import listed
from fieldguide.core.figures import count, number, percent, span, verb
from fieldguide.core.finding import Finding, Severity
from fieldguide.core.plain import plain

__all__ = [
    "count", "fire", "names", "not_applicable", "number", "passed", "percent", "plain", "skipped", "span", "verb",
]  # fmt: skip

Evidence = Mapping[str, Any] | None


def fire(
    check: Check,
    sentence: str,
    remedy: str,
    *,
    severity: Severity | None = None,
    columns: Iterable[str] = (),
    evidence: Evidence = None,
) -> Finding:
    """Return a finding that fires, as severe as the check says unless `severity` says less."""
    facts = plain(dict(evidence or {}))
    return Finding(check.code, severity or check.severity, sentence, "fired", remedy, tuple(columns), evidence=facts)


def passed(check: Check, sentence: str, evidence: Evidence = None) -> Finding:
    """Return the silence of a check that looked and found nothing wrong."""
    return Finding(check.code, check.severity, sentence, "passed", evidence=plain(dict(evidence or {})))


def not_applicable(check: Check, why: str, evidence: Evidence = None) -> Finding:
    """Return the silence of a check that has nothing to look at here."""
    return Finding(check.code, check.severity, why, "not_applicable", evidence=plain(dict(evidence or {})))


def skipped(check: Check, why: str, evidence: Evidence = None) -> Finding:
    """Return the silence of a check that should have looked and could not."""
    return Finding(check.code, check.severity, why, "skipped", evidence=plain(dict(evidence or {})))


def names(columns: Iterable[str], limit: int = 4) -> str:
    """Return column names in quotes, the first few.

    Examples:
        >>> names(["age", "pay"])
        "'age', 'pay'"
    """
    return listed((repr(column) for column in columns), limit)
