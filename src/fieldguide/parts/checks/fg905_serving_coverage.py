"""FG905: features that are missing in serving more often than in training."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from fieldguide.core.finding import Finding, Severity
from fieldguide.core.online.served import Traffic
from fieldguide.core.settings import setting
from fieldguide.parts.checks._answers import count, fire, names, not_applicable, passed, percent


@dataclass(frozen=True)
class ServingCoverage:
    """Features that are missing in served rows more often than in training rows, in some window.

    Formula: share of missing cells per column and window, less the share in training. A column is named when the difference is
    5 points or more and a one-sided two-proportion z test has p < 0.001 after Bonferroni's correction for columns and windows;
    rows of one unit count once. An error when a column that training mostly had is missing in nearly every row of a window.

    Why: a feature that stops arriving leaves no error: the model goes on answering from what is left, as it learned to do for the
    few rows without it.

    Remedy: mend the feed of the column. Until then judge the model on rows without it: that is the score you serve.

    Needs: traffic.
    """

    name: ClassVar[str] = "fg905_serving_coverage"
    code: ClassVar[str] = "FG905"
    title: ClassVar[str] = "Features missing in serving"
    step: ClassVar[str] = "replay"
    severity: ClassVar[Severity] = "error"

    points: float = setting(0.05, "difference of shares from which a column is named")

    def run(self, *, traffic: Traffic) -> list[Finding]:
        n_training, n_windows = traffic.training.height, len(traffic.windows)
        if not n_windows or not n_training:
            return [not_applicable(self, "No row was served or none was trained on.")]
        found: dict[str, dict[str, Any]] = {}
        for column in traffic.columns:
            before = traffic.training[column.name].null_count() / n_training
            gone = traffic.served[column.name].is_null().to_numpy()
            sizes = np.bincount(traffic.window, minlength=n_windows)
            shares = np.bincount(traffic.window, gone, minlength=n_windows) / np.maximum(sizes, 1)
            at = int(shares.argmax())
            n = max(1.0, float(sizes[at]) * min(1.0, traffic.weight))
            p = _p(before, n_training, float(shares[at]), n)
            if shares[at] - before >= self.points and p * len(traffic.columns) * n_windows < 1e-3:
                start = traffic.windows[int(np.argmax(shares - before >= self.points))][0]
                found[column.name] = {
                    "training": before,
                    "served": float(shares[at]),
                    "since": f"{start:%Y-%m-%d %H:%M}",
                    "p": p,
                }
        evidence = {"columns": found, "n_columns": len(traffic.columns), "n_windows": n_windows}
        if not found:
            return [
                passed(
                    self,
                    f"None of {count(len(traffic.columns), 'column')} is missing more often than in training.",
                    evidence=evidence,
                )
            ]
        order = sorted(found, key=lambda name: found[name]["training"] - found[name]["served"])
        worst = found[order[0]]
        lost = [name for name in order if found[name]["served"] > 0.95 and found[name]["training"] < 0.5]
        sentence = (
            f"{names(order)} {'is' if len(order) == 1 else 'are'} missing in serving more often than in training: {order[0]!r} in up to "
            f"{percent(worst['served'])} of a window's rows, in training in {percent(worst['training'])}, first in the window from "
            f"{worst['since']}."
        )
        severity: Severity = "error" if lost else "warning"
        return [
            fire(
                self, sentence, f"Mend the feed of {names(order)}.", severity=severity, columns=order, evidence=evidence
            )
        ]


def _p(before: float, n_before: float, after: float, n_after: float) -> float:
    """Return the one-sided p value that `after` is the greater share (pooled two-proportion z test, half a row of slack)."""
    pooled = (before * n_before + after * n_after + 0.5) / (n_before + n_after + 1)
    spread = math.sqrt(pooled * (1 - pooled) * (1 / n_before + 1 / n_after))
    return 0.5 * math.erfc((after - before - 0.5 / n_after) / spread / math.sqrt(2))
