"""A proxy beside the outcome it stands for: how it ranks the outcome, how it goes with it, and what another definition changes.

Knows rankings, decisions and their cost; rankings come from the quick model of `steps.explore.signal`, cross-fitted over whole units.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from fieldguide.core.contracts import Roles
from fieldguide.core.documents.proxy_sections import Proxies
from fieldguide.core.problem import Problem
from fieldguide.core.seeds import generator
from fieldguide.core.statistics.bootstrap import resampled
from fieldguide.core.table import Table
from fieldguide.parts import find
from fieldguide.steps.explore.proxy_waiting import FEWEST_MATURE, Judged
from fieldguide.steps.explore.signal import Design, crossfit, ranks_of
from fieldguide.steps.frame.events import read_event

REPLICATES = 300


@dataclass(frozen=True)
class Work:
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


def worked(design: Design, table: Table, roles: Roles, outcome: Judged | None, problem: Problem, seed: int) -> Work:
    work = Work(design, table, roles, None, None, False, problem.costs, seed)
    if outcome is None:
        return work
    label, amount = outcome.label[design.rows], outcome.event.amount
    ranking = work.fit((ranks_of(label) if amount else label)[:, None])[:, 0]
    return replace(work, outcome=label, reference=ranking, amount=amount)


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


def outcome_score(ranking: np.ndarray, work: Work) -> dict[str, Any] | None:
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


def agreement(label: np.ndarray, amount: bool, work: Work) -> dict[str, Any] | None:
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
    name: str, proxies: Proxies, judged: Judged, goal: np.ndarray, ranking: np.ndarray, work: Work
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


def _moved(a: np.ndarray, b: np.ndarray, work: Work) -> dict[str, float]:
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


def _acts(ranking: np.ndarray, work: Work) -> np.ndarray:
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


def _under_outcome(a: np.ndarray, b: np.ndarray, work: Work, n_variants: int) -> dict[str, Any]:
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
