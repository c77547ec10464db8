"""What the checks of proxies share: which candidates they look at, and how loud they are about each.

Knows the facts that `steps.explore.proxy` writes; what is wrong with a candidate is each check's.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from fieldguide.core.contracts import Check
from fieldguide.core.finding import Finding, Severity
from fieldguide.parts.checks._answers import count, fire, not_applicable, passed, skipped

Candidate = Mapping[str, Any]
Complaint = tuple[str, str, Mapping[str, Any]]
"""Sentence, remedy, evidence."""


def looked_at(
    check: Check,
    proxies: Mapping[str, Any] | None,
    judge: Callable[[Candidate], Complaint | None],
    fine: str,
    needs: Callable[[Candidate], str] = lambda candidate: "",
) -> list[Finding]:
    """Return a finding for every candidate that has the fault, or one silence.

    A candidate that is learned (or any, where none is) is a warning; one that is only declared is a note.

    Args:
        judge: returns what is wrong with a candidate, or None.
        fine: the sentence where nothing is; begins after "3 proxies:".
        needs: returns why a candidate cannot be judged, or an empty text.
    """
    if proxies is None:
        return [not_applicable(check, "study.yaml declares no proxies.")]
    rows: Sequence[Candidate] = [row for row in proxies["candidates"] if not row["is_outcome"]]
    learned = any(row["learned"] for row in rows)
    found, silent = [], []
    for row in rows:
        why = needs(row)
        if why:
            silent.append(f"{row['name']!r}: {why}")
            continue
        complaint = judge(row)
        if complaint is not None:
            sentence, remedy, evidence = complaint
            loud: Severity = check.severity if row["learned"] or not learned else "info"
            found.append(fire(check, sentence, remedy, severity=loud, evidence={"proxy": row["name"], **evidence}))
    if found:
        return found
    if len(silent) == len(rows):
        return [skipped(check, f"No proxy could be judged. {'; '.join(silent)}.")]
    return [passed(check, f"{count(len(rows) - len(silent), 'proxy', 'proxies')}: {fine}")]
