"""A/A: the present system against itself, through the new code path."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import ClassVar

from fieldguide.core.online.experiment import Judged, Phase, Verdict, mismatch, said


@dataclass(frozen=True)
class AA:
    """The present system against itself through the new code path: any difference is a fault of engineering.

    Equality of every score comes first, then what each path sees of its requests, how long it takes, what comes of it, and the
    sample ratio. A measure with a margin (seconds to answer, say) may differ by what lies within it. No model is compared before this
    is sound.

    Source: Kohavi, Tang, Xu (2020), Trustworthy Online Controlled Experiments, chapter 19.
    """

    name: ClassVar[str] = "aa"
    title: ClassVar[str] = "A/A test"
    identical: ClassVar[bool] = True

    def phases(self, shares: Mapping[str, float]) -> tuple[Phase, ...]:
        return (Phase("aa", dict(shares)),)

    def verdict(self, judged: Sequence[Judged]) -> Verdict:
        last = judged[-1]
        faults = [mismatch(last.ratio)] if last.mismatched else []
        faults += last.alarms
        differing = [m for m in last.measured if (m.always_p if last.always else m.adjusted_p) <= last.alpha]
        shown = [m for m in differing if not m.negligible(last.always)]
        faults += [f"two paths of one system differ: {said(m, last.always)}" for m in shown]
        reasons = tuple(said(measure, last.always) for measure in last.measured)
        if faults:
            words = f"An engineering bug, not a difference of models: {faults[0]}."
            return Verdict("bug", words, (*faults, *reasons))
        n = sum(last.ratio.counts.values())
        if not last.complete:
            of = f" of {last.n_planned:,}" if last.n_planned is not None else ""
            return Verdict("undecided", f"No difference so far between the two paths, in {n:,}{of} units.", reasons)
        return Verdict("sound", f"The two paths are one system: no difference in {n:,} units.", reasons)
