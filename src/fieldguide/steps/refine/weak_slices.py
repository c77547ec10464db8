"""Weak slices: parts of the rows on which an answer is clearly worse, found by a search that pays for having searched.

Takes judged rows (validation rows, out-of-fold predictions) and their table. Searches one half of the blocks, confirms on the
other, so that what is reported of a slice was not part of finding it. Slices are expressions: the same text goes under
`slices` in study.yaml and is judged again on the sealed rows. Declared slices are `core.slices`'s.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from fieldguide.core.contracts import Metric, Threshold
from fieldguide.core.leaderboard import calibratable, metric_of, readable
from fieldguide.core.plain import finite
from fieldguide.core.problem import Output
from fieldguide.core.score import score, weights_for
from fieldguide.core.seeds import generator
from fieldguide.core.statistics.bootstrap import Resampled, resampled
from fieldguide.core.statistics.calibration import ratio_interval
from fieldguide.core.table import Table
from fieldguide.steps.refine.conditions import Condition, conditions_of, masks_of

FEWEST_ROWS = 200
SMALLEST, SMALLEST_SHARE, LARGEST_SHARE = 25, 0.02, 0.7
MOST_ROWS = 20_000
PARENTS = 30
"""Single conditions that are paired with every other one."""
MOST_TRIED = {"score": 8, "calibration": 4}
"""Slices taken to the second half, by what is wrong with them: each costs the others some certainty."""
REMAINS = 0.5
"""A slice is taken when it stands out by this share of its strength also without the rows of the slices taken before it."""
MOST_LOOKED_AT = 300
PAIR_PREMIUM = 1.15
"""By how much a pair of conditions must stand out more than either alone."""
LEVEL = 0.05
REPLICATES = 600
EXCESS = 0.25
"""The least a weak slice falls short: its distance from a perfect score is greater by this share than the others'."""
BIAS = 0.1
"""The least bias that matters: |ratio - 1| of probabilities, or the mean error in standard deviations of the error."""


@dataclass(frozen=True)
class Judged:
    """Rows with their truth and one answer.

    Shape:
        truth, blocks: (rows,)
        prediction: as the metric reads it
        calibrated: (rows,) probability of label 1, or value; None where there is neither
        weights: (rows,) what rows count in scores, or None
    """

    metric: Metric
    truth: np.ndarray
    prediction: np.ndarray
    calibrated: np.ndarray | None
    blocks: np.ndarray
    weights: np.ndarray | None = None

    def take(self, rows: np.ndarray) -> Judged:
        calibrated, weights = (None if part is None else part[rows] for part in (self.calibrated, self.weights))
        return Judged(self.metric, self.truth[rows], self.prediction[rows], calibrated, self.blocks[rows], weights)

    def under(self, drawn: np.ndarray) -> np.ndarray:
        """Return the metric under many weightings, greater is better; each row's own weight multiplies them."""
        own = weights_for(self.metric, self.weights)
        found = self.metric.resample(self.truth, self.prediction, drawn if own is None else drawn * own)
        return found if self.metric.greater_is_better else -found

    @property
    def bias(self) -> np.ndarray | None:
        """Return, per row, how much more is predicted than happened, less the mean of all rows; None without a value."""
        if self.calibrated is None:
            return None
        wrong = np.asarray(self.calibrated - self.truth, dtype=np.float64)
        return wrong - np.average(wrong, weights=self.weights)


def weak_slices(table: Table, judged: Judged, *, seed: int = 0) -> dict[str, Any]:
    """Search the rows for slices on which the answer is worse, or too high or too low, and confirm what is found.

    Single conditions (levels, quartile and half ranges, missing cells) and pairs of them are ranked on a random half of the
    blocks; the best few are tested on the other half, one-sided, by the bootstrap over blocks, with the false discovery
    rate held at 5 %. What is reported (score, gap, calibration, n) is of the second half alone, and intervals of the
    slices that passed have the level 1 - 0.05 · passed / tested, so that choosing them costs no coverage.

    Args:
        table: typed rows, in the order of `judged`.
        judged: their truth and the answer.
        seed: of the halves and the bootstrap.

    Returns:
        facts: slices (those worse than their own predictions promise first, then by the gap), n_searched, n_tested, n (rows of the second half), whole; or a `silence`.

    Source: Benjamini & Hochberg (1995), Controlling the False Discovery Rate; Benjamini & Yekutieli (2005), False
    Discovery Rate-Adjusted Multiple Confidence Intervals for Selected Parameters.

    Examples:
        >>> import polars as pl
        >>> from fieldguide.core.table import Column
        >>> from fieldguide.parts import find
        >>> rng = np.random.default_rng(0)
        >>> city, noise = rng.choice(["Lima", "Oslo"], 800), rng.normal(size=800)
        >>> table = Table(pl.DataFrame({"city": city}), (Column("city", "category"),))
        >>> judged = Judged(find("metrics", "rmse")(), np.where(city == "Oslo", 3, 1) * noise, np.zeros(800), None, np.arange(800))
        >>> [found["name"] for found in weak_slices(table, judged)["slices"]]
        ["city = 'Oslo'"]
    """
    return weak_slices_of(table, {"": judged}, seed=seed)


def weak_slices_of(table: Table, judged: Mapping[str, Judged], *, seed: int = 0) -> dict[str, Any]:
    """Search the rows for weak slices of every output, by the same halves, and confirm them together.

    The false discovery rate is held over the tests of all outputs: a study of five outputs finds no more by chance than one of one.

    Args:
        table: typed rows, in the order of each of `judged`.
        judged: the answer of each output by its name, the one candidates are ranked by first; all of the same rows and blocks.
        seed: of the halves and the bootstrap.

    Returns:
        as `weak_slices`; each slice names its `output`, `n_searched` and `n_tested` are of all, and `wholes` has the score of
        each output on all rows of the second half (`whole` that of the first).
    """
    first = next(iter(judged.values()))
    units = np.unique(first.blocks, return_inverse=True)[1]
    if len(units) < FEWEST_ROWS or units.max() < 20:
        return {
            "slices": [],
            "silence": f"{len(units):,} judged rows of {units.max() + 1:,} units are too few to search",
        }
    rng = generator(seed, "weak slices")
    if len(units) > MOST_ROWS:  # whole blocks of a sample
        kept = rng.permutation(units.max() + 1) < (units.max() + 1) * MOST_ROWS / len(units)
        rows = np.flatnonzero(kept[units])
        table, judged, units = table.take(rows), {name: one.take(rows) for name, one in judged.items()}, units[rows]
    half = (rng.permutation(units.max() + 1) % 2).astype(bool)[units]
    conditions = conditions_of(table)
    masks = masks_of(table, conditions)
    n_searched, chosen = 0, list[_Chosen]()
    for name, one in judged.items():
        searched = _Search.of(one.take(~half), masks[:, ~half], conditions)
        n_searched += searched.n_searched
        other = one.take(half)
        chosen += [
            _Chosen(name, other, found, np.logical_and.reduce([masks[i][half] for i in found.parts]))
            for found in searched.best()
        ]
    facts = {
        "n_searched": n_searched, "n_tested": len(chosen), "n": int(half.sum()), "metric": first.metric.name,
    }  # fmt: skip
    wholes = {name: _whole(one.take(half)) for name, one in judged.items()}
    named = {"wholes": wholes} if any(wholes) else {}
    return {
        **facts,
        **_confirmed(chosen, conditions, list(judged), seed),
        "whole": next(iter(wholes.values())),
        **named,
    }


def _whole(judged: Judged) -> float | None:
    """Return the score of all rows."""
    if not len(judged.truth):
        return None
    own = weights_for(judged.metric, judged.weights)
    return finite(float(judged.metric.score(judged.truth, judged.prediction, own)))


# --- the search --------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class _Found:
    """A slice that stands out in the first half: the conditions it is made of, and what is wrong there."""

    parts: tuple[int, ...]
    why: str
    strength: float


@dataclass
class _Search:
    """Ranks slices of one half of the rows by how far they stand out, in standard errors up to a common factor."""

    judged: Judged
    masks: np.ndarray
    conditions: Sequence[Condition]
    strengths: dict[str, dict[tuple[int, ...], float]]
    n_searched: int = 0

    @staticmethod
    def of(judged: Judged, masks: np.ndarray, conditions: Sequence[Condition]) -> _Search:
        """Measure single conditions, then the pairs that one of the best of them takes part in."""
        whys = ("score",) if judged.bias is None else ("score", "calibration")
        search = _Search(judged, masks, conditions, {why: {} for why in whys})
        singles = [(i,) for i in range(len(masks))]
        search._measure(singles)
        parents = {
            part[0] for strengths in search.strengths.values()
            for part in sorted(strengths, key=lambda p: -strengths[p])[:PARENTS]
        }  # fmt: skip
        pairs = {
            (min(i, j), max(i, j)) for i in parents for j in range(len(masks))
            if conditions[i].column != conditions[j].column
        }  # fmt: skip
        search._measure(sorted(pairs))
        return search

    def _measure(self, slices: Sequence[tuple[int, ...]]) -> None:
        n = len(self.judged.truth)
        least = max(SMALLEST, SMALLEST_SHARE * n)
        step = max(1, 4_000_000 // max(1, n))
        for start in range(0, len(slices), step):
            part = slices[start : start + step]
            inside = np.stack([np.logical_and.reduce(self.masks[list(p)]) for p in part])
            counts = inside.sum(1)
            able = (counts >= least) & (counts <= LARGEST_SHARE * n)
            part, inside = [p for p, ok in zip(part, able) if ok], inside[able]
            self.n_searched += len(part)
            for why, values in _strengths(self.judged, inside).items() if part else ():
                self.strengths[why].update((p, float(v)) for p, v in zip(part, values) if math.isfinite(v) and v > 0)

    def best(self) -> list[_Found]:
        """Return the slices that stand out most, simple ones before pairs, each also without the rows of those before it."""
        chosen: list[_Found] = []
        for why, strengths in self.strengths.items():
            covered = np.zeros(len(self.judged.truth), bool)
            taken = 0
            for parts in sorted(strengths, key=lambda p: (-strengths[p], p))[:MOST_LOOKED_AT]:
                if taken == MOST_TRIED[why]:
                    break
                alone = max((strengths.get((i,), 0.0) for i in parts), default=0.0) if len(parts) > 1 else 0.0
                if strengths[parts] < PAIR_PREMIUM * alone:
                    continue
                mask = np.logical_and.reduce(self.masks[list(parts)])
                if covered.any() and self._left(mask, covered, why) < REMAINS * strengths[parts]:
                    continue
                covered |= mask
                taken += 1
                chosen.append(_Found(parts, why, strengths[parts]))
        return chosen

    def _left(self, mask: np.ndarray, covered: np.ndarray, why: str) -> float:
        """Return how far a slice stands out among the rows that no slice before it has."""
        rows = np.flatnonzero(~covered)
        inside = mask[rows]
        if not SMALLEST <= inside.sum() < len(rows) - SMALLEST:
            return 0.0
        found = float(_strengths(self.judged.take(rows), inside[None])[why][0])
        return found if math.isfinite(found) else 0.0


def _strengths(judged: Judged, inside: np.ndarray) -> dict[str, np.ndarray]:
    """Return by what is wrong how far slices stand out, in standard errors up to a common factor.

    Shape:
        inside: (slices, rows) bool
        returns: (slices,) each
    """
    n, counts, bias = inside.shape[1], inside.sum(1), judged.bias
    weights = inside.astype(np.float32)
    gap = judged.under(1 - weights) - judged.under(weights)
    sizes, everything = counts.astype(float), float(n)
    if judged.metric.reads == "probability" and judged.prediction.shape[1] == 2:  # the rarer label decides
        positive = (judged.truth == 1).astype(np.float32)
        hits = weights @ positive
        sizes, everything = hits * (counts - hits) / counts, float(positive.sum() * (n - positive.sum()) / n)
    size = np.sqrt(1 / (1 / np.maximum(sizes, 1e-9) + 1 / np.maximum(everything - sizes, 1)))
    found = {"score": gap * size}
    if bias is not None:
        if judged.weights is None:
            off = weights.astype(np.float64) @ bias / counts
        else:
            off = weights @ (judged.weights * bias) / np.maximum(weights @ judged.weights, 1e-300)
        spread = float(bias.std()) or 1.0
        found["calibration"] = np.abs(off) / spread * np.sqrt(counts / (1 - np.minimum(counts / n, 0.99)))
    return found


# --- the other half ----------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class _Chosen:
    """A slice of one output that the other half judges: `judged` and `inside` are of that half."""

    output: str
    judged: Judged
    found: _Found
    inside: np.ndarray


def _confirmed(
    chosen: Sequence[_Chosen], conditions: Sequence[Condition], outputs: Sequence[str], seed: int
) -> dict[str, Any]:
    tests = [_test(one.judged, one.inside, one.found.why, seed) for one in chosen]
    passed = benjamini_hochberg([p for _, p, _ in tests], LEVEL)
    level = 1 - LEVEL * len(passed) / max(1, len(tests))
    slices: dict[tuple[str, str], dict[str, Any]] = {}
    for i in sorted(passed):  # those found for their score come first
        one, (_, p, matters) = chosen[i], tests[i]
        name = " and ".join(conditions[part].text for part in one.found.parts)
        if not matters or (one.output, name) in slices:
            continue  # certain, and too small to matter; or found for its score and for its bias
        described = _described(one.judged, one.inside, seed, level)
        said = {"output": one.output} if one.output else {}
        slices[one.output, name] = {"name": name, **said, "why": one.found.why, **described, "p": p}
    order = sorted(
        slices.values(),
        key=lambda s: (
            s["why"] != "score", s["as_promised"] is True, outputs.index(s.get("output", "")), -(s["gap"]["value"] or 0.0), s["name"],
        ),
    )  # fmt: skip
    return {"slices": order, "level": level, "silence": ""}


def _test(judged: Judged, mask: np.ndarray, why: str, seed: int) -> tuple[float, float, bool]:
    """Return (effect, one-sided p, whether it matters) of a slice on rows that did not choose it.

    A bias was found on one side and is tested on both, which costs a factor of two and asks for nothing more.
    """
    n = int(mask.sum())
    if n < SMALLEST // 2 or n == len(mask):
        return math.nan, 1.0, False
    if why == "calibration":
        wrong = np.asarray(judged.calibrated - judged.truth, dtype=np.float64)
        found = resampled(
            lambda w: _mean(wrong, w, mask) - _mean(wrong, w, ~mask), judged.blocks, seed, REPLICATES,
            weights=judged.weights,
        )  # fmt: skip
        return found.estimate, _known(found.p), _biased(judged, mask, wrong)
    found = gap_to_rest(judged, mask, seed)
    p = _known(found.p)
    one_sided = p / 2 if found.estimate > 0 else 1 - p / 2
    return found.estimate, one_sided, found.estimate >= EXCESS * _shortfall(judged, ~mask)


def gap_to_rest(judged: Judged, mask: np.ndarray, seed: int, level: float = 0.95) -> Resampled:
    """Return by how much the score of a slice is worse than that of the other rows (positive: worse), over blocks."""
    inside, outside = mask.astype(np.float32), (~mask).astype(np.float32)
    return resampled(
        lambda w: judged.under(w * outside) - judged.under(w * inside), judged.blocks, seed, REPLICATES, level
    )


def _known(p: float) -> float:
    return p if math.isfinite(p) else 1.0


def _mean(values: np.ndarray, weights: np.ndarray, mask: np.ndarray) -> np.ndarray:
    chosen = weights[:, mask].astype(np.float64)
    total = chosen.sum(1)
    return np.divide(chosen @ values[mask], total, out=np.full(len(weights), np.nan), where=total > 0)


def _shortfall(judged: Judged, mask: np.ndarray) -> float:
    best = judged.metric.best if judged.metric.greater_is_better else -judged.metric.best
    value = float(judged.under(mask[None].astype(np.float32))[0])
    return abs(best - value) if math.isfinite(best) and math.isfinite(value) else 0.0


def _biased(judged: Judged, mask: np.ndarray, wrong: np.ndarray) -> bool:
    if judged.weights is not None:
        return _biased_by_weight(judged, judged.weights * mask, wrong)
    if judged.metric.families != ("values",) and judged.prediction.ndim > 1:
        happened = float(judged.truth[mask].sum())
        return happened > 0 and abs(float(wrong[mask].sum())) / happened >= BIAS
    return abs(float(wrong[mask].mean())) >= BIAS * float(wrong.std())


def _biased_by_weight(judged: Judged, inside: np.ndarray, wrong: np.ndarray) -> bool:
    """The same with what each row of the slice counts, (rows,), 0 outside."""
    if judged.metric.families != ("values",) and judged.prediction.ndim > 1:
        happened = float(inside @ judged.truth)
        return happened > 0 and abs(float(inside @ wrong)) / happened >= BIAS
    return bool(inside.any()) and abs(float(np.average(wrong, weights=inside))) >= BIAS * float(wrong.std())


def _described(judged: Judged, mask: np.ndarray, seed: int, level: float) -> dict[str, Any]:
    """Return a slice's score, its gap to the other rows, its mean error (prediction - truth) and its calibration ratio.

    The interval of the ratio is at 95 %, those of the others at `level`.
    """
    part = judged.take(mask)
    value, interval = score(
        part.metric, part.truth, part.prediction, part.blocks, seed, REPLICATES, part.weights, level
    )
    found = gap_to_rest(judged, mask, seed, level)
    bias: dict[str, Any] = {"value": None, "interval": [None, None]}
    ratio, ends = math.nan, (math.nan, math.nan)
    if part.calibrated is not None:
        ratio, ends = ratio_interval(part.truth, part.calibrated, part.blocks, seed, REPLICATES, part.weights)
        wrong, every = np.asarray(part.calibrated - part.truth, dtype=np.float64), np.ones(len(part.truth), bool)
        mean = resampled(lambda w: _mean(wrong, w, every), part.blocks, seed, REPLICATES, level, part.weights)
        bias = {"value": finite(mean.estimate), "interval": [finite(end) for end in mean.interval]}
    promise = promised(part)
    return {
        "n": int(mask.sum()), "value": finite(value), "interval": [finite(end) for end in interval], "promised": finite(promise),
        "as_promised": bool(interval[0] <= promise <= interval[1]) if math.isfinite(promise) else None,
        "gap": {"value": finite(found.estimate), "interval": [finite(end) for end in found.interval]},
        "bias": bias, "ratio": finite(ratio), "ratio_interval": [finite(end) for end in ends],
    }  # fmt: skip


def promised(judged: Judged) -> float:
    """Return the score that probabilities promise of themselves: the metric's value if each came true as often as it says.

    Each row counts as label 1 by its probability, as label 0 by the rest. Tells a slice in which the answer is wrong from
    one in which it knows that it cannot tell. NaN where there are no probabilities of two labels.
    """
    if judged.calibrated is None or judged.metric.families == ("values",) or judged.truth.dtype.kind == "f":
        return math.nan
    p, n = np.clip(np.asarray(judged.calibrated, np.float64), 0.0, 1.0), len(judged.truth)
    truth = np.repeat([1, 0], n).astype(judged.truth.dtype)
    own = 1.0 if judged.weights is None else judged.weights
    weights = np.concatenate([p * own, (1 - p) * own])[None]
    prediction = np.concatenate([judged.prediction, judged.prediction])
    return float(judged.metric.resample(truth, prediction, weights)[0])


def benjamini_hochberg(p: Sequence[float], rate: float) -> list[int]:
    """Return the indices that pass with the false discovery rate held at `rate`, the surest first.

    Source: Benjamini & Hochberg (1995).

    Examples:
        >>> benjamini_hochberg([0.001, 0.5, 0.02, 0.04], 0.05)
        [0, 2]
    """
    order = sorted(range(len(p)), key=lambda i: p[i])
    passed = [rank for rank, i in enumerate(order, 1) if p[i] <= rate * rank / len(p)]
    return order[: max(passed, default=0)]


def judged_of(output: Output, truth: np.ndarray, prediction: np.ndarray, threshold: Threshold, blocks: np.ndarray, weights: np.ndarray | None = None) -> Judged:  # fmt: skip
    """Return rows as they are searched, from an output's prediction on the original scale, (rows, width)."""
    metric = metric_of(output)
    calibrated = calibratable(output, prediction)
    return Judged(metric, truth, readable(output, prediction, metric, threshold), calibrated, blocks, weights)


def judged_again(judged: Judged, slices: Sequence[Mapping[str, Any]], masks: Mapping[str, np.ndarray], *, seed: int = 0) -> list[dict[str, Any]]:  # fmt: skip
    """Judge slices that were found elsewhere on rows that took no part in it (the sealed rows): no search, 95 % intervals.

    Args:
        judged: the rows and the answer.
        slices: what `weak_slices` found.
        masks: (rows,) bool by the name of a slice.

    Returns:
        for each slice name, why, n, value, gap, ratio and `holds`: True where it is clearly worse here too (or, for a
        bias, off to the same side), False where it is clearly not, None where these rows cannot tell.
    """
    found = []
    for part in slices:
        mask = np.asarray(masks[part["name"]])
        n = int(mask.sum())
        said = {"output": part["output"]} if "output" in part else {}
        facts: dict[str, Any] = {"name": part["name"], **said, "why": part["why"], "n": n, "holds": None}
        if SMALLEST // 2 <= n < len(mask):
            facts |= _described(judged, mask, seed, 0.95)
            facts["holds"] = _holds(facts, part)
        found.append(facts)
    return found


def _holds(facts: Mapping[str, Any], before: Mapping[str, Any]) -> bool | None:
    part = "gap" if facts["why"] == "score" else "bias"
    low, high = facts[part]["interval"]
    if low is None or high is None:
        return None
    above = part == "gap" or (before.get("bias", {}).get("value") or 0.0) >= 0
    low, high = (low, high) if above else (-high, -low)
    return True if low > 0 else False if high <= 0 else None
