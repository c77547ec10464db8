"""Judging a phase: from units to effects with intervals that hold, faults of engineering first.

Takes a plan, its traffic and what earlier looks found; gives what a design needs for its verdict, and the facts that checks and faces
read. Reads no log and writes no journal.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import numpy as np
import polars as pl

from fieldguide.core.contracts import Design
from fieldguide.core.documents.plan import Plan
from fieldguide.core.figures import number, percent
from fieldguide.core.online.assignment import Allocation
from fieldguide.core.online.experiment import Judged, Measured, Phase
from fieldguide.core.statistics.cuped import balance
from fieldguide.core.statistics.effect import Effect, Sample, effect
from fieldguide.core.statistics.multiplicity import benjamini_hochberg, holm
from fieldguide.core.statistics.ratio import ratio
from fieldguide.core.statistics.sample_ratio import sample_ratio
from fieldguide.core.statistics.sample_size import planned_error, smallest_shown, units_needed
from fieldguide.core.statistics.sequential import mixture_scale
from fieldguide.steps.online.identity import ALPHA as PATHS_ALPHA
from fieldguide.steps.online.identity import paths_compared
from fieldguide.steps.online.traffic import Traffic, Units, units_of

STRAYED = 0.01
"""Share of units in two arms, or in another arm than was dealt, from which an experiment is void."""
FEWEST_STRAYED = 5
"""Fewer may be a test request."""
UNBALANCED = 0.001
EARLY = 5.0
"""How many times stricter a gain is judged before the planned end, where the plan decides there: both together stay near alpha."""
SMALLEST_SLICE = 50
MOST_LEVELS = 10


@dataclass(frozen=True)
class Before:
    """What earlier looks at a phase left behind.

    Args:
        scales: τ of the sequential test by measure, fixed at the first look.
        p: the smallest always-valid p-value so far, by measure.
        n_looks: how many looks there were.
        n_peeks: how many of them while the phase dealt traffic, so that its end may have been chosen by what they showed.
        n_planned: units in all, as planned; None where no power calculation was possible.
        dealt: whether our own assignment dealt the units, so that the log can be held against it.
        stopped: whether the phase was ended before its planned number of units.
    """

    scales: Mapping[str, float] = field(default_factory=dict)
    p: Mapping[str, float] = field(default_factory=dict)
    n_looks: int = 0
    n_peeks: int = 0
    n_planned: int | None = None
    dealt: bool = False
    stopped: bool = False


def judge(
    plan: Plan, design: Design, phase: Phase, traffic: Traffic, before: Before, now: datetime | None,
    identity: Mapping[str, Any] | None = None, cells: pl.DataFrame | None = None,
) -> tuple[Judged, dict[str, Any]]:  # fmt: skip
    """Judge a phase.

    Args:
        identity: for arms that must be one system: every score held against the other path's; see `steps.online.identity`.
        cells: id and cells of the requests, for comparing what two paths saw.

    Returns:
        what the design reads, and the facts: ratio, measures, covariates, strays, delay, identity, paths, scales.
    """
    units = units_of(plan, traffic, now)
    arms = list(plan.arms)
    counts = dict(units.frame["arm"].value_counts(name="n").iter_rows())
    mature = units.mature
    n_mature = mature.height
    if plan.decide == "at_end" and before.n_planned is not None and mature["first"].null_count() == 0:
        # The units met first are judged, as many as were planned: whoever looks again later reads the same figures.
        mature = mature.sort("first", "unit").head(before.n_planned)
    parts = [mature.filter(pl.col("arm") == arm) for arm in arms]
    covariates, unbalanced = _covariates(units, parts)
    n = sum(part.height for part in parts)
    # Without a planned number of units only an end that nobody chose by looking is an end.
    ended = now is None or (before.stopped and not before.n_peeks)
    complete = ended if before.n_planned is None else n >= before.n_planned
    always = plan.decide == "any_time" or not complete
    scales = {name: scale for name, scale in before.scales.items() if scale > 0}
    measured = _measured(plan, design, units, dict(zip(arms, parts)), covariates, before, scales)
    strays = _strays(plan, phase, units, before)
    paths = _paths(traffic, units, arms, cells) if design.identical else None
    judged = Judged(
        phase, sample_ratio(counts, phase.shares), measured, complete, before.n_planned,
        tuple(_alarms(identity, paths, strays, len(arms))), plan.alpha, always,
        plan.alpha if complete or plan.decide == "any_time" else plan.alpha / EARLY,
    )  # fmt: skip
    facts = {
        **judged.to_dict(), "n_units": units.frame.height, "n_mature": n_mature, "n_judged": n, "n_requests": traffic.rows.height,
        "n_looks": before.n_looks + 1, "scales": scales, "covariates": {"n": len(units.covariates), "used": covariates, "unbalanced": unbalanced},
        "strays": strays, "identity": identity, "paths": paths, "decide": plan.decide,
        "delay": None if units.delay is None else {**units.delay.to_dict(), "age_days": units.age.total_seconds() / 86_400},
        "days": _days(units.frame), "naive": _as_rows(plan, units, arms),
    }  # fmt: skip
    return judged, facts


def _measured(
    plan: Plan, design: Design, units: Units, parts: Mapping[str, pl.DataFrame], covariates: bool, before: Before, scales: dict[str, float]
) -> tuple[Measured, ...]:  # fmt: skip
    """Return every measure of every candidate against the control, the primary ones first.

    Of several candidates the intervals hold together (Bonferroni), and the primary measure's p-values are corrected by Holm.
    """
    order = sorted(
        plan.measures, key=lambda name: ("primary", "secondary", "guardrail").index(plan.measures[name].role)
    )
    several = len(plan.candidates) > 1
    level, control = plan.alpha / len(plan.candidates), parts[plan.control]
    planned = (
        None if before.n_planned is None else before.n_planned / max(1, sum(part.height for part in parts.values()))
    )
    found: dict[str, Effect] = {}
    of: dict[str, tuple[str, str]] = {}  # the measure and the arm that a name stands for
    for measure in order:
        for arm in plan.candidates:
            name = f"{measure} ({arm})" if several else measure
            one, other = (units.sample(measure, part, covariates) for part in (control, parts[arm]))
            grown = None if planned is None else planned * (len(one) + len(other))
            if name not in scales and (scale := _scale(plan, measure, one, other, grown, level)) is not None:
                scales[name] = scale
            found[name], of[name] = effect(one, other, level, scales.get(name)), (measure, arm)
    # The primary measure was named before and decides alone; identical arms must not differ in anything.
    deciding = [name for name in found if not design.identical and plan.measures[of[name][0]].role == "primary"]
    others = [name for name in found if name not in deciding]
    corrected = {"holm": holm, "benjamini_hochberg": benjamini_hochberg}[plan.correct]
    always = {name: min(found[name].always_p, before.p.get(name, 1.0)) for name in found}
    adjusted: dict[str, float] = {}
    running: dict[str, float] = {}
    for names, correct in ((deciding, holm), (others, corrected)):
        adjusted.update(zip(names, correct(np.array([found[name].p for name in names])).tolist()))
        running.update(zip(names, holm(np.array([always[name] for name in names])).tolist()))
    return tuple(
        Measured(
            name, said.role, 1 if said.better == "higher" else -1, found[name], adjusted[name], running[name], said.margin, said.effect,
            _slices(units, [control, parts[arm]], measure, level) if said.role == "primary" else {}, arm if several else "",
        )
        for name, (measure, arm) in of.items() for said in (plan.measures[measure],)
    )  # fmt: skip


def _scale(plan: Plan, name: str, one: Sample, other: Sample, n_planned: float | None, level: float) -> float | None:
    """Return τ: best where the planned difference is shown, or where the planned number of units is there.

    Args:
        n_planned: units of these two arms.

    Returns:
        None where nothing varies yet: it is fixed at a later look, for a τ that changed from look to look would hold at none.
    """
    named = plan.measures[name].effect
    if named is not None:
        return mixture_scale(planned_error(named, level, plan.power), level)
    sizes = [max(len(one), 2), max(len(other), 2)]
    grown = max(1.0, (n_planned or 4 * sum(sizes)) / sum(sizes))
    values = [ratio(sample.numerator, sample.denominator) for sample in (one, other)]
    error = math.sqrt(sum(value.variance / n for value, n in zip(values, sizes)) / grown)
    rounding = 1e-12 * max(abs(value.value) for value in values)
    return mixture_scale(error, level) if math.isfinite(error) and error > rounding else None


def _covariates(units: Units, parts: list[pl.DataFrame]) -> tuple[bool, list[dict[str, Any]]]:
    """Return whether what was known before may adjust, and which of it differs between the arms and therefore may not."""
    if not units.covariates or min(part.height for part in parts) < SMALLEST_SLICE:
        return False, []
    control, *others = (part.select(units.covariates).to_numpy() for part in parts)
    p = np.nanmin([balance(control, other) for other in others], axis=0)
    level = UNBALANCED / (len(p) * len(others))
    off = [{"covariate": name, "p": float(value)} for name, value in zip(units.covariates, p) if value < level]
    return not off, off


def _slices(units: Units, parts: list[pl.DataFrame], name: str, level: float) -> dict[str, Effect]:
    found: dict[str, Effect] = {}
    for column in units.slices:
        levels = units.frame[column].drop_nulls().value_counts(sort=True, name="n").head(MOST_LEVELS)[column].to_list()
        for value in sorted(levels, key=str):
            inside = [part.filter(pl.col(column) == value) for part in parts]
            if min(part.height for part in inside) >= SMALLEST_SLICE:
                one, other = (units.sample(name, part, covariates=False) for part in inside)
                found[f"{column} = {value}"] = effect(one, other, level)
    return found


def _strays(plan: Plan, phase: Phase, units: Units, before: Before) -> dict[str, Any]:
    """Count units that were in more than one arm, and those in another arm than the one they were dealt."""
    frame, n = units.frame, max(1, units.frame.height)
    both = int((frame["n_arms"] > 1).sum())
    wrong = 0
    if before.dealt:
        dealt = Allocation(plan.dealt, phase.shares).deal(frame["unit"].to_list())
        wrong = sum(said is not None and said != seen for said, seen in zip(dealt, frame["arm"].to_list()))
    return {"both": both, "wrong": wrong, "n": frame.height, "share_both": both / n, "share_wrong": wrong / n}


def _paths(traffic: Traffic, units: Units, arms: list[str], cells: pl.DataFrame | None) -> dict[str, Any]:
    """Compare what the two paths saw and gave, at the first request of each unit."""
    first = traffic.rows.sort("time").group_by("unit", maintain_order=True).agg(
        pl.col("id").first(), pl.col("score").first(), pl.col("seconds").mean()
    )  # fmt: skip
    if cells is not None:
        first = first.join(cells.unique("id"), on="id", how="left")
    whole = units.frame.select("unit", "arm", "requests").join(first.drop("id"), on="unit", how="left")
    control, *others = (whole.filter(pl.col("arm") == arm).drop("unit", "arm") for arm in arms)
    found = [paths_compared(control, other) for other in others]
    return found[0] if len(found) == 1 else _together(arms[1:], found)


def _together(arms: Sequence[str], found: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """Return the comparisons of several paths with the control's as one, corrected for how many paths there are; the slowest is told."""
    columns = [
        {**one, "sentence": f"{arm}: {one['sentence']}", "adjusted_p": min(1.0, one["adjusted_p"] * len(arms)), "arm": arm}
        for arm, part in zip(arms, found) for one in part["columns"]
    ]  # fmt: skip
    columns.sort(key=lambda one: one["adjusted_p"])
    slower = [part["slower"] for part in found if part["slower"] is not None]
    return {
        "columns": columns, "different": [one for one in columns if one["adjusted_p"] <= PATHS_ALPHA], "n_tests": len(columns),
        "n_control": found[0]["n_control"], "n_candidate": sum(part["n_candidate"] for part in found),
        "slower": max(slower, key=lambda one: abs(math.log(one["ratio"]))) if slower else None,
    }  # fmt: skip


def _alarms(
    identity: Mapping[str, Any] | None, paths: Mapping[str, Any] | None, strays: Mapping[str, Any], n_arms: int = 2
) -> list[str]:
    """Return the faults of engineering, the surest first."""
    found = []
    if identity is not None and identity["n_unequal"]:
        where = identity["where"]
        lies = (
            ""
            if where is None
            else f"; {percent(where['share_of_unequal'], 0)} of them lie where {where['column']} is {where['level']}"
        )
        found.append(
            f"{identity['n_unequal']:,} of {identity['n']:,} scores differ between the two paths "
            f"(by {number(identity['largest'], 3)} at most){lies}"
        )
    for one in paths["different"] if paths is not None else ():
        found.append(f"the two paths see different requests: {one['sentence']} (p {one['adjusted_p']:.2g})")
    slower = paths["slower"] if paths is not None else None
    if slower is not None and slower["different"]:
        found.append(
            f"one path takes {slower['ratio']:.2f} times as long (median {number(slower['candidate'], 3)} s against {number(slower['control'], 3)} s)"
        )
    if strays["share_both"] > STRAYED and strays["both"] >= FEWEST_STRAYED:
        found.append(
            f"{strays['both']:,} of {strays['n']:,} units were in {'both arms' if n_arms == 2 else 'more than one arm'}: the assignment is not sticky"
        )
    if strays["share_wrong"] > STRAYED and strays["wrong"] >= FEWEST_STRAYED:
        found.append(
            f"{strays['wrong']:,} of {strays['n']:,} units were answered by another arm than the one they were dealt"
        )
    return found


def _days(frame: pl.DataFrame) -> float | None:
    first = frame["first"].drop_nulls()
    return None if len(first) < 2 else float((first.max() - first.min()).total_seconds()) / 86_400  # type: ignore[operator,union-attr]


def _as_rows(plan: Plan, units: Units, arms: list[str]) -> dict[str, Any] | None:
    """Return how much too sure a test over rows would be: the ratio of its standard error to that over units (primary measure)."""
    mature = units.mature
    per = mature["requests"].to_numpy().astype(float)
    if not len(per) or per.max(initial=0.0) <= 1:
        return None
    spread = []
    for arm in arms:
        part = mature.filter(pl.col("arm") == arm)
        sample = units.sample(plan.primary, part, covariates=False)
        rows = part["requests"].to_numpy().astype(float)
        by_unit = ratio(sample.numerator, rows)
        # Were rows independent, a row's variance would be that of its unit's total over its rows.
        rate = by_unit.value
        counted = f"denominator_{plan.primary}" not in mature.columns  # an error is no count of requests
        binary = counted and plan.measures[plan.primary].take == "sum" and 0 < rate < 1
        spread.append((by_unit.error, math.sqrt(rate * (1 - rate) / max(1.0, rows.sum())) if binary else math.nan))
    units_error, rows_error = (math.hypot(*column) for column in zip(*spread))
    if not (math.isfinite(units_error) and math.isfinite(rows_error)) or rows_error <= 0:
        return None
    return {"rows_per_unit": float(per.mean()), "understated": units_error / rows_error}


def power_of(plan: Plan, design: Design, history: Traffic, now: datetime | None) -> dict[str, Any]:
    """Return what the logged variance and traffic allow: units and days, by phase; or why nothing can be said.

    Args:
        history: answers before the start, by whichever arm.
    """
    units = units_of(plan, history, now)
    whole = units.mature
    if now is None and history.held:
        whole = whole.filter(pl.col("arm") == plan.control)
    said = plan.measures[plan.primary]
    if whole.height < SMALLEST_SLICE:
        return {"silence": f"only {whole.height} units were seen before: their variance says nothing yet", "phases": []}
    sample = units.sample(plan.primary, whole, covariates=False)
    found = ratio(sample.numerator, sample.denominator)
    per_day = None if not _days(units.frame) else units.frame.height / max(1.0, _days(units.frame) or 1.0)
    phases = []
    for phase in design.phases(plan.shares):
        dealt, level = sum(phase.shares.values()), plan.alpha / len(plan.candidates)
        pairs = [(phase.shares[plan.control], phase.shares[arm]) for arm in plan.candidates]
        part: dict[str, Any] = {"phase": phase.name, "shares": dict(phase.shares), "units": plan.units, "days": None}
        if plan.units is None and said.effect is not None and found.variance > 0:
            # Of several candidates the one with the smallest share needs most; its units are that share of all.
            needed = [
                units_needed(said.effect, found.variance, pair, level, plan.power) * dealt / sum(pair) for pair in pairs
            ]
            part["units"] = math.ceil(max(needed) - 1e-6)
        if part["units"] is not None and per_day:
            part["days"] = part["units"] / (per_day * dealt) + units.age.total_seconds() / 86_400
        n = part["units"] or (14 * per_day * dealt if per_day else whole.height)
        sizes = [tuple(n * share / dealt for share in pair) for pair in pairs]
        part["shown"] = max(smallest_shown(found.variance, one, other, level, plan.power) for one, other in sizes)
        phases.append(part)
    return {
        "silence": "", "baseline": found.value, "variance": found.variance, "n_seen": whole.height, "per_day": per_day,
        "effect": said.effect, "phases": phases,
    }  # fmt: skip
