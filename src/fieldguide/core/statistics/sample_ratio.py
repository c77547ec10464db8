"""Sample ratio: did the arms receive the shares of units they were planned to receive?

Knows counts and planned shares. A mismatch means that units are missing or counted twice, and that what is missing may differ
between the arms: nothing else that is said of the arms can then be trusted.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

ALPHA = 0.01
"""A mismatch makes every other figure void, and is looked for in every experiment: a hundred sound ones may alarm once."""
CONCENTRATION = 1_000.0
"""How near the planned shares the alternative of the sequential test lies: deviations of a few per cent."""


@dataclass(frozen=True)
class SampleRatio:
    """Counts of units by arm, held against the planned shares.

    Args:
        counts: units by arm.
        expected: units by arm as planned, for the same total.
        chi2: Pearson's statistic, with one degree of freedom less than arms.
        p: p-value for one look at a moment fixed before.
        always_p: p-value that holds however often it is looked at.
    """

    counts: Mapping[str, int]
    expected: Mapping[str, float]
    chi2: float
    p: float
    always_p: float

    def to_dict(self) -> dict[str, Any]:
        return {
            "counts": dict(self.counts), "expected": dict(self.expected), "chi2": self.chi2, "p": self.p,
            "always_p": self.always_p,
        }  # fmt: skip


def sample_ratio(counts: Mapping[str, int], shares: Mapping[str, float]) -> SampleRatio:
    """Test the counts of units against planned shares: Pearson's chi-square, and a sequential test beside it.

    The sequential p-value is 1 / the Bayes factor of a Dirichlet alternative around the planned shares against the shares
    themselves; the Bayes factor is a martingale under the plan, so that its inverse may be read at every look.

    Args:
        counts: units seen, by arm.
        shares: planned shares, of the same arms; only their ratio counts.

    Source:
        Fabijan et al. (2019), Diagnosing Sample Ratio Mismatch in Online Controlled Experiments; Lindon and Malek (2022),
        Anytime-Valid Inference for Multinomial Count Data.

    Examples:
        >>> found = sample_ratio({"gate_30": 44_700, "gate_40": 45_489}, {"gate_30": 0.5, "gate_40": 0.5})
        >>> round(found.chi2 ** 0.5, 2), round(found.p, 4)
        (2.63, 0.0086)
    """
    from scipy.special import chdtrc, gammaln

    arms = [arm for arm, share in shares.items() if share > 0]
    seen = np.array([counts.get(arm, 0) for arm in arms], dtype=float)
    planned = np.array([shares[arm] for arm in arms], dtype=float)
    planned /= planned.sum()
    total = seen.sum()
    expected = planned * total
    as_dict = dict(zip(arms, (int(n) for n in seen))), dict(zip(arms, expected.tolist()))
    if total == 0 or len(arms) < 2:
        return SampleRatio(*as_dict, 0.0, 1.0, 1.0)
    chi2 = float(((seen - expected) ** 2 / expected).sum())
    prior = CONCENTRATION * planned
    factor = gammaln(CONCENTRATION) - gammaln(total + CONCENTRATION)
    factor += (gammaln(seen + prior) - gammaln(prior) - seen * np.log(planned)).sum()
    return SampleRatio(*as_dict, chi2, float(chdtrc(len(arms) - 1, chi2)), min(1.0, math.exp(min(0.0, -float(factor)))))
