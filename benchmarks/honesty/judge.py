"""Judging what a tool said about a world: the true score, whether it lies in the interval, whether the fault was named.

Knows worlds, answers and findings as plain data; nothing of the tools that gave them.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

from benchmarks.honesty.world import Fault, World
from fieldguide.core.finding import SEVERITIES
from fieldguide.core.score import score
from fieldguide.parts import find

TEST_SHARE = 0.15
DRAWS = 5


def judged(fault: Fault, world: World, said: dict[str, Any], answers: Path, seed: int) -> dict[str, Any]:
    """Return the evidence of one run.

    Args:
        said: reported, interval, declined, findings, as the tool wrote them.
        answers: the tool's predictions for the fresh rows; missing where it gave none.

    Returns:
        true: score of the shipped model on fresh rows; clean_width: of an interval of that score with 15 % of the file's rows, the
        median of five draws; inside, width_ratio, named, by (codes that named it), warnings (codes of warnings and errors).
    """
    true, clean_width = truth(world, answers, seed) if answers.exists() else (None, None)
    interval = said["interval"] if said["interval"] and None not in said["interval"] else None
    # A model that answers all rows alike has a clean width of nothing: no ratio.
    return {
        "true": true, "clean_width": clean_width, "n_rows": world.train.height, "metric": world.metric, "may_decline": world.may_decline,
        "inside": bool(interval[0] <= true <= interval[1]) if interval and true is not None else None,
        "width_ratio": (interval[1] - interval[0]) / clean_width if interval and clean_width and clean_width > 1e-9 else None,
        **naming(fault, said["findings"]),
    }  # fmt: skip


def naming(fault: Fault, findings: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """Return whether findings name the fault, by which codes, and the codes of all warnings and errors."""
    allowed = SEVERITIES[: SEVERITIES.index(fault.least) + 1]
    by = {
        f["code"]
        for f in findings
        if f["code"] in fault.codes
        and f["severity"] in allowed
        and (not fault.columns or not f["columns"] or set(fault.columns) & set(f["columns"]))
    }
    warnings = sorted(f["code"] for f in findings if f["severity"] in ("warning", "error"))
    return {"named": bool(by), "by": sorted(by), "warnings": warnings}


def truth(world: World, answers: Path, seed: int) -> tuple[float, float]:
    """Return the score of the answers on all fresh rows, and the width a clean split's interval would have."""
    metric = find("metrics", world.metric)()
    table = pl.read_csv(answers)
    prediction = table.to_numpy().astype(np.float64)
    values: np.ndarray
    if world.metric == "roc_auc":
        values = world.fresh[world.target].cast(pl.String).replace_strict(
            {label: code for code, label in enumerate(table.columns)}, return_dtype=pl.Int64
        ).to_numpy()  # fmt: skip
    else:
        values, prediction = world.fresh[world.target].to_numpy().astype(np.float64), prediction[:, 0]
    rng = np.random.default_rng([seed, 9])
    widths = []
    for _ in range(DRAWS):
        n = min(len(values), max(10, round(TEST_SHARE * world.train.height)))
        rows = rng.choice(len(values), n, replace=False)
        low, high = score(metric, values[rows], prediction[rows], np.arange(n), seed=seed)[1]
        widths.append(high - low)
    return float(metric.score(values, prediction)), float(np.nanmedian(widths))
