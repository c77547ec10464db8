"""What framing gives: the problem, and the table it is asked of. Knows values; how they come about is the step's."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from fieldguide.core.finding import Finding
from fieldguide.core.problem import Problem
from fieldguide.core.series.panel import Examples
from fieldguide.core.table import Column, Table
from fieldguide.steps.split.split import Request


@dataclass(frozen=True)
class Framed:
    """The problem and its table.

    Shape:
        keys: (rows,) uint64 content hash of every column but the targets
        strata: (rows,) int64 class codes of the first output, or None
    """

    problem: Problem
    columns: tuple[Column, ...]
    table: Table
    keys: np.ndarray
    strata: np.ndarray | None
    request: Request
    facts: dict[str, Any]
    findings: tuple[Finding, ...]
    stale: Mapping[str, np.ndarray] = field(default_factory=dict)
    examples: Examples | None = None  # of a forecast: each row of the table is one
