"""Weak slices in words: which output they are weak for, by which metric, and what is wrong there.

Knows the facts that refine and finalize write of a slice; which slices are told is the checks' to decide.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from fieldguide.core.problem import Output, Problem
from fieldguide.parts.checks._answers import number, span
from fieldguide.parts.checks._facts import ends, off, real


def output_of(problem: Problem, name: str | None) -> Output:
    """Return the output of that name; the first where there is none."""
    return next((output for output in problem.outputs if output.name == name), problem.output)


def title_of(problem: Problem, name: str | None) -> str:
    """Return the title of the metric that judges an output."""
    metric = output_of(problem, name).metric
    return "" if metric is None else metric.title


def told_slice(part: Mapping[str, Any], problem: Problem, wholes: Mapping[str, Any] | None = None) -> str:
    """Return a slice in words, with its output in front where the study has several.

    Args:
        wholes: the score of each output on all rows, told beside the slice's where it is known.
    """
    title = title_of(problem, part.get("output"))
    several = len(problem.outputs) > 1
    before = f"{output_of(problem, part.get('output')).name!r} where {part['name']}" if several else str(part["name"])
    if part["why"] == "calibration":
        return f"{before}: {off(part)} on {part['n']:,} rows"
    known = " (as its predictions promise)" if part.get("as_promised") else ""
    whole = (wholes or {}).get(str(part.get("output")))
    beside = f" against {number(real(whole))} on all" if several and whole is not None else ""
    score = f"{title} {number(real(part['value']))} {span(ends(part['interval']))}"
    return f"{before}: {score}{beside} on {part['n']:,} rows{known}"
