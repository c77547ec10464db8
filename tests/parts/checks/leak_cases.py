"""Cases of leaks: what explore hands to a check, measured as explore measures it."""

from __future__ import annotations

from typing import Any

import numpy as np
from check_cases import problem_of, profile_of, regression, roles_of, table_of

from fieldguide.core.problem import Problem
from fieldguide.steps.explore.explore import associations
from fieldguide.steps.explore.probe import probe


def explored(truth: Any, problem: Problem | None = None, blocks: Any = None, **columns: Any) -> dict[str, Any]:
    """Return table, problem, truths, profile and probe of a target and its columns; a float target is a value."""
    truth = np.asarray(truth)
    classes = truth.dtype.kind in "biu"
    problem = problem or (problem_of() if classes else regression())
    truth = truth.astype(np.int64) if classes else truth
    output = problem.output
    target = [output.labels[code] for code in truth] if classes else truth
    table = table_of({"sold": "target"}, **columns, sold=target)
    profile = {**profile_of(table), "associations": {"sold": associations(table, truth, output)}}
    roles = roles_of(len(truth), blocks)
    return {
        "table": table, "problem": problem, "truths": (truth,), "profile": profile, "roles": roles,
        "probe": probe(table, problem, roles),
    }  # fmt: skip


def handed(case: dict[str, Any], check: Any) -> dict[str, Any]:
    """Return what the check's `run` names of a case."""
    import inspect

    return {name: case[name] for name in inspect.signature(check.run).parameters}


def features(n: int, seed: int = 0) -> dict[str, np.ndarray]:
    """Return four honest columns, the first two of which tell a little."""
    rng = np.random.default_rng(seed)
    return {f"x{i}": rng.normal(size=n) for i in range(4)}


def events(columns: dict[str, np.ndarray], seed: int = 1) -> np.ndarray:
    """Return who had the event, about one in four, from the first two columns and much chance."""
    rng = np.random.default_rng(seed)
    x0, x1 = columns["x0"], columns["x1"]
    return np.asarray(x0 + 0.5 * x1 + 2 * rng.normal(size=len(x0)) > 1.4)
