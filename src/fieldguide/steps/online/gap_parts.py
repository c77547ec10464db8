"""The parts of a gap: the difference of two scores, split into differences of scores that differ in one thing each.

Knows arrays as a metric reads them; where promised, served and offline rows come from is `steps.online.gap`'s.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from fieldguide.core.candidate import Candidate
from fieldguide.core.contracts import Effort, Metric, Roles
from fieldguide.core.errors import DataError
from fieldguide.core.evaluate import evaluate
from fieldguide.core.problem import Output
from fieldguide.core.rows import Rows
from fieldguide.core.seeds import generator
from fieldguide.core.settings import with_values
from fieldguide.core.split import Fold
from fieldguide.core.statistics.bootstrap import LEVEL, bootstrap_weights
from fieldguide.core.table import Table
from fieldguide.parts import find, modality
from fieldguide.steps.online.served_rows import PROPENSITY

REPLICATES = 400
CAPPED = 0.99
"""Quantile at which weights are cut: beyond, a few rows would speak for all."""
WHAT = {
    "late labels": "rows whose outcome had no time to come are scored already",
    "skew": "the scores served are not those of the offline path on the same requests",
    "feedback": "the model's own decisions chose what was seen",
    "drift": "the rows that are asked are not those that were judged",
    "rest": "the relation itself changed, or noise",
}


@dataclass(frozen=True)
class Judged:
    """Rows as a metric reads them.

    Shape:
        truth, units: (rows,)
        prediction: (rows, labels) or (rows,), as `metric.reads` says
    """

    truth: np.ndarray
    prediction: np.ndarray
    units: np.ndarray


def gap(
    metric: Metric, promised: Mapping[str, Any], online: Judged, *, known: np.ndarray, mature: np.ndarray,
    recomputed: np.ndarray | None = None, propensity: np.ndarray | None = None, offline: Judged | None = None,
    likeness: np.ndarray | None = None, seed: int = 0,
) -> dict[str, Any]:  # fmt: skip
    """Split the difference of an online and a promised score into parts that sum to it.

    With N₀ the score of all known rows as served, N₁ of the mature ones, N₂ of these with the offline path's scores, N₃ of
    these weighted by 1 / propensity, N₄ of the offline rows weighted to look like the online ones, and S the promise:
    late labels = N₀ − N₁, skew = N₁ − N₂, feedback = N₂ − N₃, drift = N₄ − S, rest = N₃ − N₄.

    Intervals are percentiles of a bootstrap over units, online and offline drawn apart; that of the rest holds the promise's too.

    Args:
        metric: the judge.
        promised: value and interval.
        online: rows as served.
        known: which of them have an outcome, or count as having none.
        mature: which are old enough.
        recomputed: the offline path's predictions for the same requests; None: the skew part cannot be told.
        propensity: chance with which each row's decision was taken; None: nor the feedback part.
        offline: rows with truth that the promise was made of; None: nor drift.
        likeness: how much more often a row like each offline one is met online.

    Shape:
        known, mature, propensity: (online rows,)
        recomputed: as `online.prediction`
        likeness: (offline rows,)

    Returns:
        promised, online, gap: {value, interval}; parts: [{name, value, interval, what, why}]; n_known, n_mature.
    """
    n, judged = len(online.truth), known & mature
    if judged.sum() < 2 or not known.any():
        raise DataError(
            "no served row is old enough to be judged",
            rule="a score needs rows whose outcome has had its time to come, some with one",
            found=f"{int(known.sum()):,} of {n:,} rows have an outcome",
            do="wait, log outcomes by fieldguide outcomes, or name a shorter --wait",
        )
    weights = (
        np.ones(n) if propensity is None else np.minimum(1 / propensity, np.quantile(1 / propensity[judged], CAPPED))
    )
    offline_path = online.prediction if recomputed is None else recomputed
    plans = [  # (prediction, row weights) of N₀ to N₃
        (online.prediction, known.astype(float)), (online.prediction, judged.astype(float)),
        (offline_path, judged.astype(float)), (offline_path, judged * weights),
    ]  # fmt: skip
    draws = np.concatenate([np.ones((1, n), np.float32), *bootstrap_weights(online.units, REPLICATES, seed)])
    scores = np.array([_scored(metric, online.truth, prediction, draws * base) for prediction, base in plans])
    promise = np.full(draws.shape[0], float(promised["value"]))
    reweighted = promise.copy()
    if offline is not None and likeness is not None:
        others = np.concatenate([
            np.ones((1, len(offline.truth)), np.float32), *bootstrap_weights(offline.units, REPLICATES, seed + 1)
        ])  # fmt: skip
        plain = _scored(metric, offline.truth, offline.prediction, others)
        # Drift is told against the offline rows themselves: what they lack of the promise is no drift.
        reweighted = _scored(metric, offline.truth, offline.prediction, others * likeness) - plain + promise
        promise = plain - plain[0] + promise
        reweighted = reweighted + (plain - plain[0])
    else:
        low, high = promised.get("interval") or (None, None)
        if low is not None and high is not None:
            noise = generator(seed, "promise").normal(0, (high - low) / 3.92, len(promise) - 1)
            promise[1:], reweighted[1:] = promise[1:] + noise, reweighted[1:] + noise
    values = {
        "late labels": scores[0] - scores[1], "skew": scores[1] - scores[2], "feedback": scores[2] - scores[3],
        "drift": reweighted - promise, "rest": scores[3] - reweighted,
    }  # fmt: skip
    silent = {
        "skew": "" if recomputed is not None else "no scores of the offline path for the same requests were given",
        "feedback": "" if propensity is not None else f"no propensities were logged, or not for every row (an outcome named {PROPENSITY!r} by id)",
        "drift": "" if offline is not None and likeness is not None else "no offline rows with their truth were given",
    }  # fmt: skip
    parts = [_part(name, values[name], silent.get(name, "")) for name in WHAT]
    return {
        "promised": {**_interval(promise), "value": float(promised["value"])}, "online": _interval(scores[0]),
        "mature": _interval(scores[1]), "gap": _interval(scores[0] - promise), "parts": parts, "n": n,
        "n_known": int(known.sum()), "n_mature": int(judged.sum()),
    }  # fmt: skip


def _scored(metric: Metric, truth: np.ndarray, prediction: np.ndarray, weights: np.ndarray) -> np.ndarray:
    return np.asarray(metric.resample(truth, prediction, weights.astype(np.float32)), dtype=float)


def _interval(draws: np.ndarray) -> dict[str, Any]:
    held = draws[1:][np.isfinite(draws[1:])]
    if len(held) < REPLICATES // 2:
        return {"value": float(draws[0]), "interval": [None, None]}
    low, high = np.quantile(held, [(1 - LEVEL) / 2, (1 + LEVEL) / 2])
    return {"value": float(draws[0]), "interval": [float(low), float(high)]}


def _part(name: str, draws: np.ndarray, why: str) -> dict[str, Any]:
    found = {"value": None, "interval": [None, None]} if why else _interval(draws)
    return {"name": name, **found, "what": WHAT[name], "why": why}


def likeness_of(
    table: Table, n_offline: int, weights: np.ndarray | None, *, seed: int = 0, threads: int = 1
) -> tuple[np.ndarray, float] | None:
    """Return how much more often a row like each offline one is met online, and how well the two are told apart (AUC).

    Cross-fitted boosting tells the two sides apart; its odds are the likeness. Time columns are left out.

    Args:
        table: offline rows, then online ones.
        weights: of the online rows; None: equal.

    Source: Bickel, Brückner, Scheffer (2009), Discriminative Learning Under Covariate Shift.
    """
    table = table.without([column.name for column in table.role("time")])
    if not table.features or min(n_offline, table.n_rows - n_offline) < 50:
        return None
    truth = (np.arange(table.n_rows) >= n_offline).astype(np.int64)
    sides = np.ones(table.n_rows) if weights is None else np.concatenate([np.ones(n_offline), weights / weights.mean()])
    output = Output("side", find("tasks", "binary")(), ("offline", "online"))
    rows = replace(Rows.of(table, (), modality), truths=(truth,), weights=sides)
    fold_of = generator(seed, "likeness").permutation(np.arange(table.n_rows) % 2)
    folds = [Fold(np.flatnonzero(fold_of != side), np.flatnonzero(fold_of == side)) for side in (0, 1)]
    learner = with_values(find("learners", "boosting")(), {"n_rounds": 60, "learning_rate": 0.1, "num_leaves": 15})
    found = evaluate(
        Candidate.of("likeness", learner), rows, folds, (output,),
        roles=Roles(np.arange(table.n_rows, dtype=np.uint64), np.arange(table.n_rows), None, truth),
        splitter=find("splitters", "random")(), modalities=modality, effort=Effort(seed, threads),
    )  # fmt: skip
    chance = np.clip(found.predictions[0][:, 1], 1e-3, 1 - 1e-3)
    odds = (chance / (1 - chance))[truth[found.rows] == 0] * n_offline / (table.n_rows - n_offline)
    auc = float(find("metrics", "roc_auc")().score(truth[found.rows], found.predictions[0]))
    odds = np.minimum(odds, np.quantile(odds, CAPPED))
    return odds / odds.mean(), auc
