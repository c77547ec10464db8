"""How long outcomes take: the Kaplan–Meier curve of a delay, where rows that still wait count as waiting.

Knows durations and which of them ended; knows no dates, no tables and no problem. Whoever asks turns dates into
durations, and decides what a recommended wait is good for.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

Z95 = 1.959963984540054


@dataclass(frozen=True)
class DelayCurve:
    """The share of outcomes that have arrived after a wait, with 95 % intervals.

    Args:
        times: distinct durations at which an outcome arrived, ascending, in the unit of the durations given.
        arrived: share of all rows whose outcome arrived by each time, 1 − S(t).
        low: lower end of the interval of `arrived`.
        high: upper end.
        n: rows the curve was made of.
        n_waiting: rows whose outcome had not arrived; each counts as waiting up to its own duration.
        followed: the longest duration of any row, arrived or waiting; the curve says nothing beyond it.

    Shape:
        times, arrived, low, high: (n_times,) float64

    Examples:
        >>> curve = kaplan_meier(np.array([1.0, 2.0, 2.0, 5.0]), np.array([True, True, False, False]))
        >>> curve.arrived.tolist(), curve.n_waiting
        ([0.25, 0.5], 2)
        >>> curve.at(1.5), curve.quantile(0.5), curve.quantile(0.9), curve.wait(0.9)
        (0.25, 2.0, None, 2.0)
    """

    times: np.ndarray
    arrived: np.ndarray
    low: np.ndarray
    high: np.ndarray
    n: int
    n_waiting: int
    followed: float

    def at(self, t: float) -> float:
        """Return the share arrived after a wait of t; past `followed` the share at its end, which is a lower bound."""
        index = int(np.searchsorted(self.times, t, side="right")) - 1
        return float(self.arrived[index]) if index >= 0 else 0.0

    def quantile(self, share: float) -> float | None:
        """Return the shortest wait after which `share` of *all rows* have their outcome, or None: it is never reached.

        It is never reached where more than 1 − share of the rows never get an outcome, or had too little time to.
        """
        # The curve is a product of fractions: a share that was reached exactly may be one rounding below itself.
        reached = np.flatnonzero(self.arrived >= share - 1e-12)
        return float(self.times[reached[0]]) if len(reached) else None

    def wait(self, share: float) -> float | None:
        """Return the shortest wait after which `share` of the outcomes *that arrive at all* are there.

        Most rows never buy, click or fall ill, so the curve levels off below 1, and a share of all rows may never be
        reached. The outcomes that arrive at all are taken to be those that arrive by the last time seen, F(last): the
        answer is the first t with F(t) ≥ share · F(last). Outcomes later than anything seen cannot be counted, so with
        a short follow-up the answer is too short: compare it with `followed`. None where no outcome arrived.
        """
        return self.quantile(share * float(self.arrived[-1])) if len(self.times) else None

    def to_dict(self) -> dict[str, Any]:
        """Return the curve as plain data, for facts and charts."""
        return {
            "times": self.times.tolist(), "arrived": self.arrived.tolist(), "low": self.low.tolist(),
            "high": self.high.tolist(), "n": self.n, "n_waiting": self.n_waiting, "followed": self.followed,
        }  # fmt: skip

    @staticmethod
    def from_dict(data: Mapping[str, Any]) -> DelayCurve:
        """Return the curve that `to_dict` described."""
        times, arrived, low, high = (
            np.asarray(data[name], dtype=float) for name in ("times", "arrived", "low", "high")
        )
        return DelayCurve(times, arrived, low, high, data["n"], data["n_waiting"], data["followed"])


def kaplan_meier(durations: np.ndarray, observed: np.ndarray) -> DelayCurve:
    """Estimate the delay of an outcome from rows of which some still wait.

    S(t) = ∏ over times tᵢ ≤ t of (1 − dᵢ / nᵢ), with dᵢ outcomes at tᵢ and nᵢ rows that had waited until tᵢ. A row that
    waits counts in every nᵢ up to its waiting time and in none after (an outcome and a censoring at the same time: the
    outcome comes first). The variance is Greenwood's, S(t)² · Σ dᵢ / (nᵢ (nᵢ − dᵢ)); the interval is made on the scale
    log(−log S), where it stays within 0 and 1.

    Args:
        durations: time from the start to the outcome, or waited so far, in any one unit; 0 or more.
        observed: True where the outcome arrived.

    Shape:
        durations: (rows,) float64
        observed: (rows,) bool

    Raises:
        ValueError: the shapes differ, there is no row, or a duration is negative or not a number.

    Source:
        Kaplan and Meier (1958), Nonparametric estimation from incomplete observations; Greenwood (1926); Kalbfleisch
        and Prentice (2002), The Statistical Analysis of Failure Time Data, section 1.4 (the interval).

    Examples:
        >>> kaplan_meier(np.array([3.0, 1.0, 2.0]), np.array([True, True, True])).arrived.round(3).tolist()
        [0.333, 0.667, 1.0]
    """
    durations, observed = np.asarray(durations, dtype=float), np.asarray(observed, dtype=bool)
    if durations.ndim != 1 or durations.shape != observed.shape or not len(durations):
        raise ValueError(f"durations {durations.shape} and observed {observed.shape} must be two equal, non-empty rows")
    if not (durations >= 0).all():  # also false for NaN
        raise ValueError("a duration is negative or not a number")
    values, inverse = np.unique(durations, return_inverse=True)
    left = np.bincount(inverse, minlength=len(values))
    at_risk = len(durations) - np.concatenate(([0], np.cumsum(left)[:-1]))
    events = np.bincount(inverse[observed], minlength=len(values))
    keep = events > 0
    times, events, at_risk = values[keep], events[keep].astype(float), at_risk[keep].astype(float)
    survived = np.cumprod(1 - events / at_risk)
    low, high = _interval(survived, events, at_risk)
    return DelayCurve(
        times, 1 - survived, 1 - high, 1 - low, len(durations), int((~observed).sum()), float(durations.max())
    )


def _interval(survived: np.ndarray, events: np.ndarray, at_risk: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return the ends of the interval of S; where S is 0 the variance is not defined and both ends are 0."""
    alive = survived > 0
    low, high = np.zeros_like(survived), np.zeros_like(survived)
    d, n, s = events[alive], at_risk[alive], survived[alive]
    spread = Z95 * np.sqrt(np.cumsum(d / (n * (n - d)))) / np.abs(np.log(s))
    low[alive], high[alive] = s ** np.exp(spread), s ** np.exp(-spread)
    return low, high
