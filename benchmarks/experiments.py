"""Experiments: how often an A/A test cries wolf, whether power is as planned, whether intervals cover, with and without peeking.

Simulated experiments of known truth, judged by the functions that `fieldguide experiment` calls, beside what is commonly done instead:
a test of shares over rows (statsmodels), and stopping at the first p below 5 %. Run `python -m benchmarks.experiments`.
"""

from __future__ import annotations

import argparse
import math
import time
from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np
import polars as pl

from fieldguide.core.documents.plan import Plan
from fieldguide.core.online.log import OUTCOMES
from fieldguide.core.statistics.effect import Sample, effect
from fieldguide.core.statistics.multiplicity import benjamini_hochberg, holm
from fieldguide.core.statistics.sample_ratio import sample_ratio
from fieldguide.core.statistics.sample_size import planned_error, units_needed
from fieldguide.core.statistics.sequential import BURN_IN, mixture_scale
from fieldguide.parts import find
from fieldguide.steps.online.judge import EARLY, Before, judge
from fieldguide.steps.online.traffic import Traffic

ALPHA = 0.05
LOOKS = 20


@dataclass(frozen=True)
class World:
    """Where units come from.

    Args:
        name: as the table calls it.
        draw: (rng, n, lift) -> the units of one arm.
        truth: the difference that a lift makes; None where it is the lift itself.
    """

    name: str
    draw: Callable[[np.random.Generator, int, float], Sample]
    shares: tuple[float, float] = (0.5, 0.5)
    n: int = 4_000
    rows: bool = False
    lifts: tuple[float, ...] = field(default=(0.0,))


def conversion(rng: np.random.Generator, n: int, lift: float) -> Sample:
    """One unit in ten does it."""
    return Sample((rng.random(n) < 0.10 + lift).astype(float))


def spending(rng: np.random.Generator, n: int, lift: float) -> Sample:
    """One unit in five spends, a lognormal sum: skewed, as money is."""
    spent = (rng.random(n) < 0.2) * rng.lognormal(2.0, 1.0, n)
    return Sample(spent * (1 + lift))


def clicks(rng: np.random.Generator, n: int, lift: float) -> Sample:
    """Clicks over views; units differ in how much they view and in how readily they click."""
    views = 1 + rng.negative_binomial(1, 0.1, n)
    rate = rng.beta(0.5, 9.5, n) + lift
    return Sample(rng.binomial(views, np.clip(rate, 0, 1)).astype(float), views.astype(float))


def foreseen(rng: np.random.Generator, n: int, lift: float) -> Sample:
    """A value of which a score from before knows half the variance."""
    score = rng.normal(size=n)
    return Sample(score + rng.normal(size=n) + lift, None, score[:, None])


WORLDS = (
    World("conversion 10 %", conversion), World("spending, skewed", spending), World("clicks / views, delta method", clicks, rows=True),
    World("value with CUPED", foreseen), World("conversion, 99 + 1", conversion, (0.99, 0.01), 40_000),
)  # fmt: skip


def _arms(world: World, rng: np.random.Generator, lift: float = 0.0, n: int | None = None) -> tuple[Sample, Sample]:
    total = n or world.n
    sizes = rng.multinomial(total, world.shares)
    return world.draw(rng, int(sizes[0]), 0.0), world.draw(rng, int(sizes[1]), lift)


def _true_error(world: World) -> float:
    """Return the standard error at the end, as a plan would take it from a log of the same world."""
    rng = np.random.default_rng(99)
    return effect(*_arms(world, rng)).error


def false_alarms(world: World, experiments: int, seed: int = 0) -> dict[str, float]:
    """Return shares of A/A tests that find a difference: at the end, at any of 20 looks, and by the common ways."""
    scale = mixture_scale(_true_error(world), ALPHA)
    found = dict.fromkeys(("end", "rows", "always", "naive", "early", "cover", "cover_always"), 0)
    rng = np.random.default_rng(seed)
    for _ in range(experiments):
        one, other = _arms(world, rng)
        looks = []
        for share in np.linspace(1 / LOOKS, 1, LOOKS):
            part = [sample.take(np.arange(max(2, round(share * len(sample))))) for sample in (one, other)]
            looks.append(effect(*part, ALPHA, scale))
        end = looks[-1]
        always = min(look.always_p for look in looks) <= ALPHA
        found["end"] += end.p <= ALPHA
        found["always"] += always
        found["naive"] += min(look.p for look in looks if look.p == look.p) <= ALPHA
        # What a plan that decides at its end does: stopped early by overwhelming evidence, judged as usual at the end otherwise.
        found["early"] += min(look.always_p for look in looks[:-1]) <= ALPHA / EARLY or end.p <= ALPHA
        found["cover"] += end.interval[0] <= 0 <= end.interval[1]
        found["cover_always"] += all(look.always_interval[0] <= 0 <= look.always_interval[1] for look in looks)
        if world.rows:
            found["rows"] += _rows_p(one, other) <= ALPHA
    return {name: n / experiments for name, n in found.items()}


def _rows_p(one: Sample, other: Sample) -> float:
    """Return what a test of two shares over rows says (statsmodels): the common way, and the wrong one."""
    from statsmodels.stats.proportion import proportions_ztest

    counts = [sample.numerator.sum() for sample in (one, other)]
    rows = [sample.denominator.sum() for sample in (one, other) if sample.denominator is not None]
    return float(proportions_ztest(counts, rows)[1])


def power(world: World, lift: float, variance: float, experiments: int, seed: int = 1) -> dict[str, float]:
    """Plan for a lift with 80 % power, run it, and return how often it is shown, by units planned."""
    n = units_needed(lift, variance, world.shares, ALPHA, 0.8)
    scale = mixture_scale(planned_error(lift, ALPHA, 0.8), ALPHA)
    rng = np.random.default_rng(seed)
    shown = always = cover = 0
    for _ in range(experiments):
        one, other = _arms(world, rng, lift, n)
        found = effect(one, other, ALPHA, scale)
        shown += found.p <= ALPHA and found.value > 0
        cover += found.interval[0] <= lift <= found.interval[1]
        looks = np.linspace(1 / LOOKS, 1, LOOKS)
        parts = ([sample.take(np.arange(max(2, round(s * len(sample))))) for sample in (one, other)] for s in looks)
        always += any(effect(*part, ALPHA, scale).always_p <= ALPHA for part in parts)
    return {"n": n, "power": shown / experiments, "always": always / experiments, "cover": cover / experiments}


def ratios(experiments: int, seed: int = 2) -> dict[str, float]:
    """Return how often a sound experiment, and one that loses 5 % of an arm, is called a mismatch."""
    rng = np.random.default_rng(seed)
    alarms = dict.fromkeys(("end", "looks", "naive looks", "lost"), 0)
    for _ in range(experiments):
        steps = rng.multinomial(500, (0.5, 0.5), size=LOOKS).cumsum(0)
        looks = [sample_ratio({"a": int(a), "b": int(b)}, {"a": 0.5, "b": 0.5}) for a, b in steps]
        alarms["end"] += looks[-1].p <= 0.01
        alarms["looks"] += min(look.always_p for look in looks) <= 0.01
        alarms["naive looks"] += min(look.p for look in looks) <= 0.01
        a, b = rng.multinomial(20_000, (0.5, 0.5))
        lost = sample_ratio({"a": int(a), "b": int(rng.binomial(b, 0.95))}, {"a": 0.5, "b": 0.5})
        alarms["lost"] += lost.p <= 0.01
    return {name: n / experiments for name, n in alarms.items()}


def many(experiments: int, measures: int = 20, seed: int = 3) -> dict[str, float]:
    """Return the share of A/A tests with any of 20 measures significant, uncorrected and corrected."""
    rng = np.random.default_rng(seed)
    p = np.array([
        [effect(Sample(rng.normal(size=300)), Sample(rng.normal(size=300))).p for _ in range(measures)]
        for _ in range(experiments)
    ])  # fmt: skip
    return {
        "uncorrected": float((p.min(1) <= ALPHA).mean()),
        "holm": float(np.mean([holm(row).min() <= ALPHA for row in p])),
        "benjamini_hochberg": float(np.mean([benjamini_hochberg(row).min() <= ALPHA for row in p])),
    }


def several(n_arms: int, experiments: int, lift: float = 0.0, n: int | None = None, seed: int = 4) -> dict[str, float]:
    """Judge experiments of several candidates, all alike but the first, which is better by a lift: as `experiment verdict` does.

    Returns:
        any: share in which any candidate is shown to differ; plain: the same without correction; peeking: at any of ten looks by
        always-valid readings; best: share in which the first is shipped; cover: share in which all intervals hold.
    """
    names = ["control", *(f"arm {i}" for i in range(1, n_arms))]
    total = n or 1_000 * n_arms
    said = Plan.from_dict({
        "name": "many", "log": "rows.csv", "arms": {name: {} for name in names}, "measures": {"bought": {"role": "primary"}}, "units": total,
    })  # fmt: skip
    design, rng = find("designs", "ab")(), np.random.default_rng(seed)
    found = dict.fromkeys(("any", "plain", "peeking", "best", "cover"), 0)
    for _ in range(experiments):
        arm = rng.integers(0, n_arms, total)
        bought = (rng.random(total) < 0.2 + lift * (arm == 1)).astype(float)
        rows = pl.DataFrame({
            "id": np.arange(total).astype(str), "unit": np.arange(total).astype(str), "arm": np.array(names)[arm], "bought": bought,
            "time": pl.Series([None] * total, dtype=pl.Datetime("us")), "score": np.zeros(total), "seconds": np.zeros(total),
        })  # fmt: skip
        (phase,) = design.phases(said.shares)
        before, low = Before(n_planned=total), 1.0
        for share in np.linspace(0.1, 1, 10) if not lift else (1.0,):
            part = rows.head(round(share * total))
            judged, facts = judge(
                said,
                design,
                phase,
                Traffic(part, pl.DataFrame(schema=OUTCOMES), part.head(0), "", held=True),
                before,
                None,
            )
            low = min(low, *(m.always_p for m in judged.measured))
            before = Before(facts["scales"], {m.name: m.effect.always_p for m in judged.measured}, n_planned=total)
        found["any"] += any(m.adjusted_p <= ALPHA for m in judged.measured)
        found["plain"] += any(m.effect.p <= ALPHA for m in judged.measured)
        found["peeking"] += low <= ALPHA
        verdict = design.verdict([judged])
        found["best"] += verdict.decision == "ship" and (verdict.arm or names[1]) == names[1]
        truth = [lift if name == names[1] else 0.0 for name in names[1:]]
        found["cover"] += all(m.effect.interval[0] <= t <= m.effect.interval[1] for m, t in zip(judged.measured, truth))
    return {name: count / experiments for name, count in found.items()}


def planned(n_arms: int, lift: float, variance: float) -> int:
    """Return the units in all arms that a plan of equal shares takes for a lift."""
    return math.ceil(units_needed(lift, variance, (0.5, 0.5), ALPHA / (n_arms - 1), 0.8) * n_arms / 2)


def main() -> None:
    """Print the tables as markdown."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--experiments", type=int, default=2_000, help="simulated experiments per cell")
    n = options.parse_args().experiments
    began = time.perf_counter()
    noise = 196 * math.sqrt(ALPHA * (1 - ALPHA) / n)
    print(
        f"A/A, {n:,} experiments a row, {LOOKS} looks, burn-in {BURN_IN} units an arm; 5 % ± {noise:.1f} is noise. In per cent.\n"
    )
    print(
        "| measure | at the end | any look, always-valid | early by always-valid p ≤ 1 %, else at the end | any look, usual p | rows as units (statsmodels) | interval covers | sequence covers at all looks |"
    )
    print("|---|---|---|---|---|---|---|---|")
    for world in WORLDS:
        found = false_alarms(world, n)
        cells = [found[name] for name in ("end", "always", "early", "naive")]
        rows = f"{100 * found['rows']:.1f}" if world.rows else "–"
        covers = [found["cover"], found["cover_always"]]
        told = " | ".join(f"{100 * x:.1f}" for x in cells)
        print(f"| {world.name} | {told} | {rows} | " + " | ".join(f"{100 * x:.1f}" for x in covers) + " |", flush=True)
    print(
        "\nPower, planned 80 % at the end.\n\n| measure | difference | units | shown at the end | shown at any look, always-valid | interval covers the difference |"
    )
    print("|---|---|---|---|---|---|")
    for world, lift, variance in (
        (WORLDS[0], 0.02, 0.10 * 0.90 / 2 + 0.12 * 0.88 / 2), (WORLDS[3], 0.1, 1.0), (WORLDS[4], 0.06, 0.16 * 0.84 * 0.99 + 0.1 * 0.9 * 0.01)
    ):  # fmt: skip
        found = power(world, lift, variance, max(200, n // 4))
        told = " | ".join(f"{100 * found[name]:.1f}" for name in ("power", "always", "cover"))
        print(f"| {world.name} | {lift:g} | {found['n']:,} | {told} |", flush=True)
    alarms = ratios(max(200, n // 2))
    print("\nSample ratio at 1 %: " + ", ".join(f"{name} {100 * share:.2f} %" for name, share in alarms.items()) + ".")
    told = ", ".join(f"{name} {100 * share:.1f} %" for name, share in many(max(200, n // 4)).items())
    print(f"Any of 20 measures in an A/A test: {told}.")
    print(
        "\nSeveral candidates, all alike (conversion 20 %), then one of them better by 5 points, at the planned units. In per cent.\n\n"
        "| arms | any shown, Holm | any shown, uncorrected | any shown at ten looks, always-valid | all intervals hold | the better one is shipped (planned 80) | units planned |"
    )
    print("|---|---|---|---|---|---|---|")
    for n_arms in (2, 3, 5):
        alike = several(n_arms, max(200, n // 2))
        units = planned(n_arms, 0.05, 0.2 * 0.8 / 2 + 0.25 * 0.75 / 2)
        better = several(n_arms, max(200, n // 2), 0.05, units)
        told = " | ".join(f"{100 * alike[name]:.1f}" for name in ("any", "plain", "peeking", "cover"))
        print(f"| {n_arms} | {told} | {100 * better['best']:.1f} | {units:,} |", flush=True)
    print(f"\n{time.perf_counter() - began:.0f} s on one core.")


if __name__ == "__main__":
    main()
