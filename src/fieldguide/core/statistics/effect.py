"""An effect: by how much a measure differs between two arms, with every interval a reader may need.

Knows two arms' units (numerators, denominators, covariates); nothing of plans, logs and decisions. One function for means and ratios,
with and without covariates, at a fixed horizon and at any look.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from fieldguide.core.statistics.cuped import adjusted
from fieldguide.core.statistics.ratio import Ratio, ratio
from fieldguide.core.statistics.sequential import BURN_IN, always_valid_p, always_valid_reach, mixture_scale

ALPHA = 0.05


@dataclass(frozen=True)
class Sample:
    """The units of one arm, as one measure sees them.

    Args:
        numerator: of each unit.
        denominator: of each unit; None for a mean per unit.
        covariates: known before the unit was exposed; None where there are none.

    Shape:
        numerator, denominator: (units,)
        covariates: (units, covariates)
    """

    numerator: np.ndarray
    denominator: np.ndarray | None = None
    covariates: np.ndarray | None = None

    def take(self, rows: np.ndarray) -> Sample:
        return Sample(
            self.numerator[rows],
            None if self.denominator is None else self.denominator[rows],
            None if self.covariates is None else self.covariates[rows],
        )

    def __len__(self) -> int:
        return len(self.numerator)


@dataclass(frozen=True)
class Effect:
    """Candidate less control.

    Args:
        control, candidate: value of each arm, as counted.
        n_control, n_candidate: units.
        value: difference, adjusted where there are covariates.
        error: its standard error, over units.
        interval: (low, high) at 1 − alpha, for one look at a moment fixed before.
        p: its two-sided p-value (Welch).
        always_interval: (low, high) that holds at all looks together; infinite before the burn-in.
        always_p: p-value that holds at all looks, of this look; 1 before the burn-in.
        lift: value / control, with its interval; NaN unless the control is clearly above 0.
        kept: share of the variance that covariates left; 1 without.
    """

    control: float
    candidate: float
    n_control: int
    n_candidate: int
    value: float
    error: float
    interval: tuple[float, float]
    p: float
    always_interval: tuple[float, float]
    always_p: float
    lift: float
    lift_interval: tuple[float, float]
    kept: float = 1.0

    def to_dict(self) -> dict[str, Any]:
        """Return plain data; a number that is not finite is None."""
        found = {}
        for name, value in vars(self).items():
            found[name] = [_plain(end) for end in value] if isinstance(value, tuple) else _plain(value)
        return found

    @staticmethod
    def from_dict(data: Mapping[str, Any]) -> Effect:
        """Return the effect that `to_dict` described; what was not finite is NaN, or an end of an open interval."""
        values: dict[str, Any] = {}
        for name, value in data.items():
            if isinstance(value, list):
                values[name] = tuple(s * math.inf if v is None else v for s, v in zip((-1, 1), value))
            else:
                values[name] = math.nan if value is None else value
        return Effect(**values)


def effect(control: Sample, candidate: Sample, alpha: float = ALPHA, scale: float | None = None) -> Effect:
    """Estimate by how much the candidate's arm differs from the control's.

    Args:
        control, candidate: their units.
        alpha: 1 − the coverage of the intervals.
        scale: τ of the sequential test, from the plan; None: made best for the present error, which is only valid where the
            time of this look was not chosen by the data.

    Source: see `core.statistics.ratio`, `core.statistics.cuped`, `core.statistics.sequential`; degrees of freedom by Welch (1947).

    Examples:
        >>> rng = np.random.default_rng(1)
        >>> found = effect(Sample(rng.normal(0, 1, 4_000)), Sample(rng.normal(0.2, 1, 4_000)))
        >>> round(found.value, 1), found.p < 0.001, found.always_p < 0.001
        (0.2, True, True)
    """
    from scipy.special import stdtr, stdtrit

    arms = ratio(control.numerator, control.denominator), ratio(candidate.numerator, candidate.denominator)
    value, kept, influences = arms[1].value - arms[0].value, 1.0, (arms[0].influence, arms[1].influence)
    before, also = control.covariates, candidate.covariates
    if before is not None and also is not None and min(map(len, influences)) > 2 and math.isfinite(value):
        less = adjusted(*influences, before, also)
        value, kept, influences = value - less.shift, less.kept, less.influences
    n = len(influences[0]), len(influences[1])
    if min(n) < 2 or not math.isfinite(value):
        return _unknown(arms, value)
    parts = [float((part**2).sum()) / (size - 1) / size for part, size in zip(influences, n)]
    error = math.sqrt(sum(parts))
    if error == 0:
        return _unknown(arms, value)
    freedom = error**4 / sum(part**2 / (size - 1) for part, size in zip(parts, n))
    reach = -float(stdtrit(freedom, alpha / 2)) * error
    p = 2 * float(stdtr(freedom, -abs(value) / error))
    always_p, always_reach = 1.0, math.inf
    if min(n) >= BURN_IN:
        tau = mixture_scale(error, alpha) if scale is None else scale
        always_p = float(always_valid_p(value, error, tau))
        always_reach = float(always_valid_reach(error, tau, alpha))
    lift, lift_reach = _lift(arms, value, parts, -float(stdtrit(freedom, alpha / 2)))
    return Effect(
        arms[0].value, arms[1].value, n[0], n[1], value, error, (value - reach, value + reach), p,
        (value - always_reach, value + always_reach), always_p, lift, (lift - lift_reach, lift + lift_reach), kept,
    )  # fmt: skip


def _lift(arms: tuple[Ratio, Ratio], value: float, parts: list[float], quantile: float) -> tuple[float, float]:
    """Return value / control and the half-width of its interval (delta method); NaN where the control may be 0 or is below."""
    base = arms[0].value
    if base <= 0 or base < 2 * math.sqrt(parts[0]):  # of a loss, a gain is a negative share: it would read as a fall
        return math.nan, math.nan
    spread = parts[1] / base**2 + parts[0] * ((value + base) / base**2) ** 2
    return value / base, quantile * math.sqrt(spread)


def _unknown(arms: tuple[Ratio, Ratio], value: float) -> Effect:
    nothing = (math.nan, math.nan)
    return Effect(
        arms[0].value, arms[1].value, arms[0].n, arms[1].n, value, math.nan, nothing, math.nan, (-math.inf, math.inf), 1.0,
        math.nan, nothing,
    )  # fmt: skip


def _plain(value: Any) -> Any:
    return None if isinstance(value, float) and not math.isfinite(value) else value
