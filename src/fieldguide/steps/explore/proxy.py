"""Proxy quality: is an event that stands for the outcome soon enough, frequent enough, predictable, and robust?

Takes development rows and what study.yaml declares under `proxies`; gives one table of all candidates with a recommendation.
Scores come from the quick model of `steps.explore.signal`, cross-fitted over whole units: they compare labels, never candidates.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from fieldguide.core.contracts import Roles
from fieldguide.core.documents.proxy_sections import OUTCOME, Proxies, candidates
from fieldguide.core.problem import Problem
from fieldguide.core.statistics.bootstrap import numbered
from fieldguide.core.statistics.power import ALPHA, POWER, smallest_effect
from fieldguide.core.table import Table
from fieldguide.steps.explore.proxy_outcome import Work, agreement, outcome_score, variants, worked
from fieldguide.steps.explore.proxy_waiting import FEWEST_MATURE, Clock, Judged, clock_of, matured, waiting
from fieldguide.steps.explore.signal import against_chance, auc, design_of, ranks_of
from fieldguide.steps.frame.events import as_events, read_event

FEWEST_POSITIVES = 20
RULE = (
    "Out are candidates that cannot be told from chance or are too sparse. Of the rest, those whose quick model ranks the "
    "outcome within one standard error of the best stay (without an outcome: all); of these the one whose events arrive first, "
    "then the one with most rows on its rarer side."
)


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
    clock = clock_of(table, proxies, events)
    labels = {name: matured(event, clock) for name, event in events.items()}
    outcome = labels.get(OUTCOME)
    if outcome is not None and (outcome.rarer < FEWEST_POSITIVES or outcome.known.sum() < FEWEST_MATURE):
        outcome = None
    work = worked(design, table, roles, outcome, problem, seed)
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


def _told(judged: Judged, clock: Clock, *, usable: bool) -> dict[str, Any]:
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
    clock: Clock,
    work: Work,
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


def _delays(judged: Judged, outcome: Judged | None, clock: Clock) -> dict[str, Any]:
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
