"""Proxy quality: is an event that stands for the outcome soon enough, frequent enough, predictable, and robust?

Takes development rows and what study.yaml declares under `proxies`; gives one table of all candidates with a recommendation.
Scores come from the quick model of `steps.explore.signal`, cross-fitted over whole units: they compare labels, never candidates.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from fieldguide.core.contracts import Roles
from fieldguide.core.documents.proxy_sections import OUTCOME, Proxies, candidates
from fieldguide.core.problem import Problem
from fieldguide.core.seeds import generator
from fieldguide.core.statistics.bootstrap import numbered, resampled
from fieldguide.core.statistics.delay import DelayCurve, kaplan_meier
from fieldguide.core.statistics.power import ALPHA, POWER, smallest_effect
from fieldguide.core.table import Table
from fieldguide.parts import find
from fieldguide.steps.explore.signal import Design, against_chance, auc, crossfit, design_of, ranks_of
from fieldguide.steps.frame.events import Event, as_events, read_event, times_of, until_of

SHARES = (0.5, 0.9, 0.99)
MATURE = 0.9
"""A row counts as judged once it was followed for as long as 90 % of the events that come take."""
FEWEST_POSITIVES = 20
FEWEST_MATURE = 100
MOST_CURVE = 60
REPLICATES = 300
RULE = (
    "Out are candidates that cannot be told from chance or are too sparse. Of the rest, those whose quick model ranks the "
    "outcome within one standard error of the best stay (without an outcome: all); of these the one whose events arrive first, "
    "then the one with most rows on its rarer side."
)


@dataclass(frozen=True)
class Waiting:
    """How long an event takes, from one moment to another.

    Args:
        curve: share arrived by the wait.
        n_before: rows in which it happened before the start: counted as at once.
        late: share of the events that will come and have not yet, of the rows as they are.

    Shape:
        followed: (rows,) time under observation, NaN where not known
    """

    curve: DelayCurve
    n_before: int
    late: float
    followed: np.ndarray

    def to_dict(self, unit: str) -> dict[str, Any]:
        keep: Any = (
            np.unique(np.linspace(0, max(0, len(self.curve.times) - 1), MOST_CURVE).astype(int))
            if len(self.curve.times)
            else []
        )
        points = [{"wait": float(self.curve.times[i]), "arrived": float(self.curve.arrived[i])} for i in keep]
        return {
            **{name: self.curve.wait(share) for name, share in zip(("median", "p90", "p99"), SHARES)},
            "unit": unit, "n": self.curve.n, "n_waiting": self.curve.n_waiting, "followed": self.curve.followed,
            "n_before": self.n_before, "late": self.late, "curve": points,
        }  # fmt: skip


def waiting(start: np.ndarray, event: np.ndarray, until: np.ndarray) -> Waiting | None:
    """Return the delay from a start to an event, rows still waiting included; None where no row can be followed.

    Shape:
        start: (rows,) NaN: not started
        event: (rows,) NaN: not happened (yet)
        until: (rows,) end of observation
    """
    end = np.where(np.isnan(event), until, event)
    followed = until - start
    usable = ~np.isnan(end - start) & ((end >= start) | ~np.isnan(event))
    if not usable.any():
        return None
    observed = ~np.isnan(event[usable])
    durations = (end - start)[usable]
    curve = kaplan_meier(np.maximum(durations, 0), observed)
    return Waiting(curve, int((durations < 0).sum()), _late(curve, followed[usable]), followed)


def _late(curve: DelayCurve, followed: np.ndarray) -> float:
    """Return 1 − (events expected to have arrived) / (events expected in all), rows as old as they are."""
    if not len(curve.times):
        return 0.0
    ages = np.maximum(followed[~np.isnan(followed)], 0)
    place = np.searchsorted(curve.times, ages, side="right")
    arrived = np.concatenate([[0.0], curve.arrived])[place]
    return float(1 - arrived.mean() / curve.arrived[-1]) if len(ages) else 0.0


@dataclass(frozen=True)
class _Clock:
    """Moments of the rows: of the row itself, and up to when it was observed."""

    row: np.ndarray | None
    until: np.ndarray | None
    unit: str
    stated: bool


def _clock(table: Table, proxies: Proxies, events: Mapping[str, Event]) -> _Clock:
    timed = [event.time for event in events.values() if event.time is not None]
    if not timed:
        return _Clock(None, None, "", False)
    names = [e.time for e in proxies.values() if e.time is not None]
    unit = "days" if table.column(names[0]).kind == "datetime" else "units"
    moments = table.role("time")
    row = times_of(table, moments[0].name) if moments and unit == "days" else None
    said = proxies[OUTCOME].observed_until if OUTCOME in proxies else None
    if said is not None:
        return _Clock(row, until_of(table, said), unit, True)
    latest = max(np.nanmax(values, initial=-np.inf) for values in (*timed, *([] if row is None else [row])))
    return _Clock(row, np.full(table.n_rows, latest), unit, False)


@dataclass(frozen=True)
class Judged:
    """A label with what is known of it: its waits, and its values on rows that were followed long enough.

    Shape:
        label: (rows,) float64, NaN where not known or not followed long enough
    """

    event: Event
    since_row: Waiting | None
    label: np.ndarray

    @property
    def known(self) -> np.ndarray:
        return ~np.isnan(self.label)

    @property
    def positives(self) -> int:
        return int((np.nan_to_num(self.label) > 0).sum())

    @property
    def rarer(self) -> int:
        known = self.label[self.known]
        counts = np.unique(known, return_counts=True)[1]
        return int(counts.sum() - counts.max()) if len(counts) else 0


def matured(event: Event, clock: _Clock) -> Judged:
    """Return an event's labels on rows followed for as long as 90 % of its arrivals take; the others are not known yet.

    Young rows are set aside whether or not it has happened: to keep those in which it has would raise the rate.
    """
    if event.time is None or clock.row is None or clock.until is None:
        return Judged(event, None, event.label)
    came = np.where(event.happened, event.time, np.nan)
    found = waiting(clock.row, came, clock.until)
    wait = None if found is None else found.curve.wait(MATURE)
    if found is None or wait is None:
        return Judged(event, found, event.label)
    old = found.followed >= wait
    return Judged(event, found, np.where(old, event.label, np.nan) if old.sum() >= FEWEST_MATURE else event.label)


# --- the whole -------------------------------------------------------------------------------------------------------


def proxy_quality(
    table: Table,
    problem: Problem,
    roles: Roles,
    proxies: Proxies,
    slices: Mapping[str, np.ndarray] | None = None,
    *,
    seed: int = 0,
) -> dict[str, Any] | None:
    """Judge every candidate of `proxies` on development rows, and recommend one.

    Args:
        table: typed development rows.
        problem: its costs judge decisions; its targets say which candidate is learned.
        roles: blocks and times of the same rows.
        proxies: the section of study.yaml.
        slices: name -> (rows,) mask, of the declared slices.
        seed: of samples, folds, shuffles and resamples.

    Returns:
        facts as plain data: outcome, candidates (the outcome itself among them, for comparison), recommended, why, rule;
        None where study.yaml declares no proxies.
    """
    if not candidates(proxies):
        return None
    design = design_of(table, roles, seed=seed)
    table = as_events(table)
    events = {name: read_event(table, name, section.event, section.time) for name, section in proxies.items()}
    clock = _clock(table, proxies, events)
    labels = {name: matured(event, clock) for name, event in events.items()}
    outcome = labels.get(OUTCOME)
    if outcome is not None and (outcome.rarer < FEWEST_POSITIVES or outcome.known.sum() < FEWEST_MATURE):
        outcome = None
    work = _worked(design, table, roles, outcome, problem, seed)
    rows = [_candidate(name, labels[name], labels.get(OUTCOME), proxies, clock, work, slices or {}) for name in labels]
    for row in rows:
        row["learned"] = row["name"] in problem.targets
    name, why = recommend(rows)
    return {
        "sentence": f"{len(candidates(proxies))} proxies compared; recommended: {name}. {why}" if name else f"No proxy is recommended. {why}",
        "outcome": None if OUTCOME not in labels else _told(labels[OUTCOME], clock, usable=outcome is not None),
        "candidates": rows, "recommended": name, "why": why, "rule": RULE, "n_rows": table.n_rows, "n_judged": len(design.rows),
        "alpha": ALPHA, "power": POWER,
    }  # fmt: skip


@dataclass(frozen=True)
class _Work:
    """What every candidate is judged with: one design, the outcome on its rows, and a ranking learned from the outcome itself."""

    design: Design
    table: Table
    roles: Roles
    outcome: np.ndarray | None
    reference: np.ndarray | None
    amount: bool
    costs: Mapping[str, float]
    seed: int

    @property
    def blocks(self) -> np.ndarray:
        return self.design.units

    def fit(self, labels: np.ndarray, again: str = "") -> np.ndarray:
        """Return cross-fitted predictions; labels that are amounts are learned by their ranks."""
        return crossfit(self.design, labels, generator(self.seed, "proxy folds", again))


def _worked(design: Design, table: Table, roles: Roles, outcome: Judged | None, problem: Problem, seed: int) -> _Work:
    work = _Work(design, table, roles, None, None, False, problem.costs, seed)
    if outcome is None:
        return work
    label, amount = outcome.label[design.rows], outcome.event.amount
    ranking = work.fit((ranks_of(label) if amount else label)[:, None])[:, 0]
    return replace(work, outcome=label, reference=ranking, amount=amount)


def _told(judged: Judged, clock: _Clock, *, usable: bool) -> dict[str, Any]:
    known = judged.known
    return {
        "event": judged.event.text, "n_known": int(known.sum()), "n_young": int((~np.isnan(judged.event.label)).sum() - known.sum()),
        "positives": judged.positives, "rate": float(np.mean(judged.label[known] > 0)) if known.any() else None, "usable": usable,
        "observed_until_stated": clock.stated, "delay": None if judged.since_row is None else judged.since_row.to_dict(clock.unit),
    }  # fmt: skip


def _candidate(
    name: str,
    judged: Judged,
    outcome: Judged | None,
    proxies: Proxies,
    clock: _Clock,
    work: _Work,
    slices: Mapping[str, np.ndarray],
) -> dict[str, Any]:
    label = judged.label[work.design.rows]
    goal = ranks_of(label) if judged.event.amount else label
    found: dict[str, Any] = {
        "name": name, "event": judged.event.text, "amount": judged.event.amount, "is_outcome": name == OUTCOME,
        **sparsity(judged, work.roles.blocks, slices), "delay": _delays(judged, outcome, clock),
    }  # fmt: skip
    if judged.rarer < 2:
        return {**found, "predictability": None, "outcome_score": None, "agreement": None, "variants": []}
    test = against_chance(work.design, goal, seed=work.seed)
    known = ~np.isnan(label)
    found["predictability"] = {
        "metric": "explained" if judged.event.amount else "roc_auc", "explained": test.explained, "by_chance": test.by_chance,
        "score": test.explained if judged.event.amount else auc(label[known] > 0, test.predicted[known, 0]),
        "p": test.p, "n_shuffles": test.n_shuffles, "n": int(known.sum()),
    }  # fmt: skip
    ranking = work.fit(goal[:, None])[:, 0]
    found["outcome_score"] = outcome_score(ranking, work)
    found["agreement"] = None if name == OUTCOME else agreement(label, judged.event.amount, work)
    found["variants"] = variants(name, proxies, judged, goal, ranking, work)
    return found


def _delays(judged: Judged, outcome: Judged | None, clock: _Clock) -> dict[str, Any]:
    told = {"row": None if judged.since_row is None else judged.since_row.to_dict(clock.unit), "outcome": None}
    if outcome is None or outcome.event is judged.event or clock.until is None:
        return told
    if judged.event.time is not None and outcome.event.time is not None:
        start = np.where(judged.event.happened, judged.event.time, np.nan)
        came = np.where(outcome.event.happened, outcome.event.time, np.nan)
        found = waiting(start, came, clock.until)
        told["outcome"] = None if found is None else found.to_dict(clock.unit)
    return told


def sparsity(judged: Judged, blocks: np.ndarray, slices: Mapping[str, np.ndarray]) -> dict[str, Any]:
    """Return positives, and the smallest rise of their rate that two halves of the rows would show, overall and per slice.

    Rows of one block count as one where they say the same: the rows are divided by the design effect
    1 + (mean block size − 1) · intraclass correlation.
    """

    def of(mask: np.ndarray) -> dict[str, Any]:
        known = judged.known & mask
        n, positive = int(known.sum()), np.nan_to_num(judged.label[known]) > 0
        rate = float(positive.mean()) if n else 0.0
        n_free = n / design_effect(positive, blocks[known]) if n else 0.0
        rise = smallest_effect(rate, n_free / 2, n_free / 2)
        return {
            "n_known": n, "positives": int(positive.sum()), "rate": rate, "n_independent": n_free, "smallest_rise": rise,
            "smallest_relative": None if rise is None or not rate else rise / rate,
        }  # fmt: skip

    everyone = np.ones(len(judged.label), bool)
    return {**of(everyone), "slices": [{"name": name, **of(mask)} for name, mask in slices.items()]}


def design_effect(values: np.ndarray, blocks: np.ndarray) -> float:
    """Return by how much dependent rows inflate the variance of a mean: 1 for rows that are each a block.

    Source:
        Kish (1965), Survey Sampling, section 5.4; the correlation by analysis of variance.

    Examples:
        >>> design_effect(np.array([0.0, 0, 1, 1, 0, 0, 1, 1]), np.array([0, 0, 1, 1, 2, 2, 3, 3]))
        2.0
    """
    codes, n_blocks = numbered(blocks)
    values, n = np.asarray(values, np.float64), len(values)
    if n_blocks == n or n_blocks < 2:
        return 1.0
    sizes = np.bincount(codes)
    means = np.bincount(codes, weights=values) / sizes
    between = (sizes * (means - values.mean()) ** 2).sum() / (n_blocks - 1)
    within = ((values - means[codes]) ** 2).sum() / (n - n_blocks)
    size = (n - (sizes**2).sum() / n) / (n_blocks - 1)
    total = between + (size - 1) * within
    correlation = (between - within) / total if total > 0 else 0.0
    return float(max(1.0, 1 + ((sizes**2).sum() / n - 1) * max(0.0, correlation)))


# --- under the outcome -----------------------------------------------------------------------------------------------


def _ranks_outcome(ranking: np.ndarray, truth: np.ndarray, amount: bool) -> Any:
    """Return a statistic of weightings: ROC AUC under a yes-or-no outcome, rank correlation under an amount."""
    if not amount:
        metric, prediction = find("metrics", "roc_auc")(), np.stack([-ranking, ranking], axis=1)
        return lambda weights: metric.resample((truth > 0).astype(np.int64), prediction, weights)
    a, b = ranks_of(ranking), ranks_of(truth)

    def correlation(weights: np.ndarray) -> np.ndarray:
        share = weights / weights.sum(axis=1, keepdims=True)
        x, y = a - (share @ a)[:, None], b - (share @ b)[:, None]
        return (share * x * y).sum(1) / np.sqrt((share * x * x).sum(1) * (share * y * y).sum(1))

    return correlation


def outcome_score(ranking: np.ndarray, work: _Work) -> dict[str, Any] | None:
    """Return how well a ranking learned from a candidate orders the outcome, and what learning from the outcome itself would add.

    Both with intervals; the difference is paired and positive where the candidate teaches more.
    """
    if work.outcome is None or work.reference is None:
        return None
    known = ~np.isnan(work.outcome)
    truth, blocks = work.outcome[known], work.blocks[known]
    mine, its = (_ranks_outcome(side[known], truth, work.amount) for side in (ranking, work.reference))
    found = resampled(mine, blocks, work.seed, REPLICATES)
    gap = resampled(lambda w: mine(w) - its(w), blocks, work.seed, REPLICATES)
    return {
        "difference": gap.estimate, "difference_interval": list(gap.interval),
        "metric": "spearman" if work.amount else "roc_auc", "value": found.estimate, "interval": list(found.interval),
        "error": found.error, "n": int(known.sum()),
    }  # fmt: skip


def agreement(label: np.ndarray, amount: bool, work: _Work) -> dict[str, Any] | None:
    """Return how the label goes with the outcome, row by row; both known."""
    if work.outcome is None:
        return None
    both = ~np.isnan(label) & ~np.isnan(work.outcome)
    if both.sum() < FEWEST_MATURE or len(np.unique(label[both])) < 2:
        return None
    a, b = (ranks_of(side[both]) for side in (label, work.outcome))
    found = resampled(_ranks_outcome(a, b, True), work.blocks[both], work.seed, REPLICATES)
    told = {"correlation": found.estimate, "interval": list(found.interval), "n": int(both.sum())}
    if not amount and not work.amount:
        yes, came = label[both] > 0, work.outcome[both] > 0
        told |= {
            "rate_with": float(came[yes].mean()),
            "rate_without": float(came[~yes].mean()),
            "recall": float(yes[came].mean()),
        }
    return told


def variants(
    name: str, proxies: Proxies, judged: Judged, goal: np.ndarray, ranking: np.ndarray, work: _Work
) -> list[dict[str, Any]]:
    """Return what other definitions of a candidate change: the ranking, the decisions, and their cost under the outcome.

    The same definition learned on other folds is the measure of noise.
    """
    texts = proxies[name].variants
    if not texts:
        return []
    labels, told = [goal], []
    for text in texts:
        event = read_event(work.table, name, text, proxies[name].time)
        label = np.where(judged.known, event.label, np.nan)[work.design.rows]
        labels.append(ranks_of(label) if event.amount else label)
        told.append({"event": text, "positives": int((np.nan_to_num(label) > 0).sum())})
    known = [~np.isnan(label) for label in labels]
    again = work.fit(goal[:, None], "again")[:, 0]
    rankings = [work.fit(label[:, None])[:, 0] for label in labels[1:]]
    noise = _moved(ranking, again, work)
    for entry, label, seen, other in zip(told, labels[1:], known[1:], rankings):
        if len(np.unique(label[seen])) < 2:
            entry["silence"] = "it is the same in all rows"
            continue
        entry |= {**_moved(ranking, other, work), "noise": noise, **_under_outcome(ranking, other, work, len(texts))}
    return told


def _moved(a: np.ndarray, b: np.ndarray, work: _Work) -> dict[str, float]:
    """Return rank correlations of two rankings, and the share of decisions that flip between them."""
    flips = float(np.mean(_acts(a, work) != _acts(b, work)))
    return {
        "spearman": float(np.corrcoef(ranks_of(a), ranks_of(b))[0, 1]),
        "kendall": kendall(a, b),
        "flips": flips,
    }


def kendall(a: np.ndarray, b: np.ndarray, most: int = 2_000) -> float:
    """Return Kendall's tau-b, of evenly spaced rows where there are more than `most`: all pairs are looked at.

    Examples:
        >>> round(kendall(np.array([1.0, 2, 3]), np.array([1.0, 3, 2])), 3)
        0.333
    """
    rows = np.linspace(0, len(a) - 1, min(most, len(a))).astype(int)
    one, two = (np.sign(side[rows][:, None] - side[rows]).astype(np.float32) for side in (a, b))
    untied = np.sqrt(float((one * one).sum()) * float((two * two).sum()))
    return float((one * two).sum() / untied) if untied else 0.0


def _acts(ranking: np.ndarray, work: _Work) -> np.ndarray:
    """Return on which rows one would act: at the threshold of least cost under the outcome, else on as many as have it.

    Without an outcome, on the upper tenth.
    """
    n = len(ranking)
    order = np.argsort(-ranking, kind="stable")
    share = 0.1
    if work.outcome is not None and not work.amount:
        truth = work.outcome[order] > 0
        known = ~np.isnan(work.outcome[order])
        share = float(truth[known].mean())
        if work.costs:
            right = np.cumsum(np.where(known, truth, False)) * work.costs["false_negative"]
            wrong = np.cumsum(np.where(known, ~truth, False)) * work.costs["false_positive"]
            share = (int(np.argmax(np.concatenate([[0.0], right - wrong])))) / n
    acts = np.zeros(n, bool)
    acts[order[: round(share * n)]] = True
    return acts


def _under_outcome(a: np.ndarray, b: np.ndarray, work: _Work, n_variants: int) -> dict[str, Any]:
    """Return what changes under the outcome, from the candidate to the variant, with Bonferroni's intervals."""
    if work.outcome is None:
        return {}
    known = ~np.isnan(work.outcome)
    truth, blocks, level = work.outcome[known], work.blocks[known], 1 - 0.05 / n_variants
    one, two = (_ranks_outcome(side[known], truth, work.amount) for side in (a, b))
    found = resampled(lambda w: two(w) - one(w), blocks, work.seed, REPLICATES, level)
    told: dict[str, Any] = {"outcome_difference": found.estimate, "outcome_interval": list(found.interval)}
    if work.costs and not work.amount:
        costs = [_costs(_acts(side, work)[known], truth > 0, work.costs) for side in (a, b)]
        found = resampled(lambda w: (w @ (costs[1] - costs[0])) / w.sum(1), blocks, work.seed, REPLICATES, level)
        told |= {
            "cost": float(costs[0].mean()),
            "cost_difference": found.estimate,
            "cost_interval": list(found.interval),
        }
    return told


def _costs(acts: np.ndarray, truth: np.ndarray, costs: Mapping[str, float]) -> np.ndarray:
    return costs["false_positive"] * (acts & ~truth) + costs["false_negative"] * (~acts & truth)


# --- the choice ------------------------------------------------------------------------------------------------------


def recommend(rows: Sequence[Mapping[str, Any]], alpha: float = ALPHA) -> tuple[str | None, str]:
    """Return the candidate that `RULE` chooses, and why. The outcome itself may be the answer."""
    n = len(rows)
    able = [
        row for row in rows
        if row["predictability"] is not None and row["predictability"]["p"] * n <= alpha
        and min(row["positives"], row["n_known"] if row["amount"] else row["n_known"] - row["positives"]) >= FEWEST_POSITIVES
    ]  # fmt: skip
    if not able:
        return None, "None of them can be told from chance with enough positives."
    reasons = [f"{len(able)} of {n} can be predicted and are frequent enough"]
    judged = [row for row in able if row["outcome_score"] is not None]
    if judged:
        best = max(judged, key=lambda row: row["outcome_score"]["value"])["outcome_score"]
        bar = best["value"] - best["error"]
        able = [row for row in judged if row["outcome_score"]["value"] >= bar]
        reasons.append(
            f"{len(able)} {'ranks' if len(able) == 1 else 'rank'} the outcome within one standard error of the best ({best['value']:.3f})"
        )
    soonest = min(able, key=lambda row: (_arrives(row), -min(row["positives"], row["n_known"] - row["positives"])))
    if len(able) > 1:
        wait = _arrives(soonest)
        reasons.append(
            "of these its events arrive first" if np.isfinite(wait) else "of these it has most rows on its rarer side"
        )
    return str(soonest["name"]), "; ".join(reasons) + "."


def _arrives(row: Mapping[str, Any]) -> float:
    delay = row["delay"]["row"]
    return float(delay["p90"]) if delay is not None and delay["p90"] is not None else float("inf")
