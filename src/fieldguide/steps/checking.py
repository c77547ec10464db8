"""Checking: run the checks of a step on the values it has. A check whose needs are not met says so, typed."""

from __future__ import annotations

import inspect
from collections.abc import Iterable
from dataclasses import replace
from typing import Any

from fieldguide.core.finding import SEVERITIES, Finding
from fieldguide.parts import find, names


def checked(step: str, which: bool | None = None, **values: Any) -> tuple[Finding, ...]:
    """Run every check of a step, most severe finding first.

    Args:
        step: name of the step; a check names the step it belongs to.
        which: only the checks that may exclude columns (their class says `excludes = True`), or only the others.
        values: what the step has; each check takes those its `run` names.
    """
    findings: list[Finding] = []
    for name in names("checks"):
        check = find("checks", name)()
        if check.step != step or which not in (None, getattr(check, "excludes", False)):
            continue
        needs = inspect.signature(check.run).parameters
        absent = [need for need in needs if need not in values]
        if absent:
            findings.append(Finding(check.code, "info", f"Not run: it needs {', '.join(absent)}.", "skipped"))
        else:
            findings += check.run(**{need: values[need] for need in needs})
    return ordered(replace(finding, step=step) for finding in findings)


def without_target(finding: Finding) -> Finding:
    """Return what a check of a target says where there is none: it has nothing to look at, rather than something it could not see."""
    if finding.status != "skipped" or not finding.sentence.startswith("Not run: it needs"):
        return finding
    return replace(finding, status="not_applicable", sentence="The task has no target.")


def ordered(findings: Iterable[Finding]) -> tuple[Finding, ...]:
    """Return findings, those that fired first, the most severe of them first."""
    return tuple(sorted(findings, key=lambda f: (not f.fired, SEVERITIES.index(f.severity), f.code)))
