"""Off-policy: what another policy would have earned on the traffic of this one's log, by three estimators with their intervals.

Takes logged decisions with their propensities and a policy's chances; gives IPS, SNIPS and doubly robust values. The arithmetic is
`core.statistics.inverse_propensity`'s; the reward model of the last is fitted here, on other units than those it is asked for.
"""

from __future__ import annotations

import time
from typing import Any

import numpy as np

from fieldguide.core.errors import DataError
from fieldguide.core.figures import number, span
from fieldguide.core.result import Result
from fieldguide.core.seeds import generator
from fieldguide.core.statistics.inverse_propensity import doubly_robust, ips, snips
from fieldguide.steps.checking import checked

FOLDS = 2
SMOOTHING = 20.0
"""Decisions that the mean reward is worth in the reward of a rare action."""


def off_policy(
    actions: np.ndarray, rewards: np.ndarray, propensities: np.ndarray, chances: np.ndarray, *, units: np.ndarray | None = None,
    contexts: np.ndarray | None = None, seed: int = 0,
) -> Result:  # fmt: skip
    """Estimate the value of a policy from another policy's log.

    Args:
        actions: code of the logged action, 0 … n_actions - 1.
        rewards: what it earned.
        propensities: chance with which the logging policy took it, in (0, 1].
        chances: chances with which the policy in question takes each action.
        units: unit of each decision; intervals are over units. None: every decision its own.
        contexts: code of the context of each decision (a position, a segment), for the reward model; None: one.
        seed: of the folds.

    Shape:
        actions, rewards, propensities, units, contexts: (decisions,)
        chances: (decisions, n_actions), rows sum to 1

    Returns:
        facts: logged (the log's own mean), estimates [{estimator, value, interval, error, n, n_effective, largest}], overlap.

    Raises:
        DataError: lengths differ, a reward is no number, a propensity is not in (0, 1], or chances do not sum to 1.

    Source: see `core.statistics.inverse_propensity`.
    """
    began = time.perf_counter()
    actions, rewards = np.asarray(actions, dtype=np.int64), np.asarray(rewards, dtype=float)
    propensities, chances = np.asarray(propensities, dtype=float), np.asarray(chances, dtype=float)
    _sound(actions, rewards, propensities, chances)
    n, n_actions = chances.shape
    weights = chances[np.arange(n), actions] / propensities
    codes = np.arange(n) if units is None else np.unique(units, return_inverse=True)[1]
    where = np.zeros(n, dtype=np.int64) if contexts is None else np.unique(contexts, return_inverse=True)[1]
    expected = _expected(actions, rewards, where, codes, n_actions, seed)
    found = [
        ips(weights, rewards, units), snips(weights, rewards, units),
        doubly_robust(weights, rewards, expected[np.arange(n), actions], (chances * expected).sum(1), units),
    ]  # fmt: skip
    logged = snips(np.ones(n), rewards, units)
    overlap = found[0].n_effective / n
    facts = {
        "sentence": f"The policy would earn {number(found[1].value)} {span(found[1].interval)} per decision "
        f"where the log's earned {number(logged.value)}; {n:,} decisions tell as much as {found[0].n_effective:,.0f} of its own",
        "logged": {"value": logged.value, "interval": list(logged.interval)}, "estimates": [one.to_dict() for one in found], "n": n,
        "n_actions": n_actions, "overlap": overlap, "mean_weight": float(weights.mean()), "mean_weight_error": float(weights.std(ddof=1) / np.sqrt(n)),
    }  # fmt: skip
    return Result("off_policy", facts, checked("off_policy", off_policy=facts), time.perf_counter() - began)


def _sound(actions: np.ndarray, rewards: np.ndarray, propensities: np.ndarray, chances: np.ndarray) -> None:
    lengths = len(actions), len(rewards), len(propensities), len(chances)
    if chances.ndim != 2 or len(set(lengths)) > 1 or lengths[0] < 2:
        raise DataError(
            "the decisions are not given as they must be", rule="two or more, each with an action, a reward, a propensity and a row of chances",
            found=f"{lengths[0]:,}, {lengths[1]:,}, {lengths[2]:,} and chances of shape {chances.shape}",
            do="give four arrays with a row for each decision",
        )  # fmt: skip
    if not np.isfinite(rewards).all():
        unknown = int((~np.isfinite(rewards)).sum())
        raise DataError(
            "rewards are missing",
            rule="a reward is a number",
            found=f"{unknown:,} of {len(rewards):,} are none",
            do="leave out decisions whose reward is not known yet",
        )
    wrong = ~((propensities > 0) & (propensities <= 1))
    if wrong.any():
        raise DataError(
            "logged propensities are not chances", rule="a propensity is above 0 and at most 1",
            found=f"{int(wrong.sum()):,} of {len(wrong):,}, such as {propensities[wrong][0]:g}",
            do="log the chance with which the action was drawn",
        )  # fmt: skip
    sums = chances.sum(1)
    if (chances < 0).any() or not np.allclose(sums, 1, atol=1e-3):
        raise DataError(
            "the policy's chances are not chances", rule="one row per decision, not below 0, summing to 1",
            found=f"shape {chances.shape}, sums from {sums.min():.4g} to {sums.max():.4g}",
            do="give the chance of every action for every decision",
        )  # fmt: skip
    if len(actions) and (actions.min() < 0 or actions.max() >= chances.shape[1]):
        raise DataError(
            "an action has no chance",
            rule="an action is the number of a column of chances, from 0",
            found=f"actions up to {actions.max()}, {chances.shape[1]} columns of chances",
            do="number the actions from 0, or add their columns",
        )


def _expected(
    actions: np.ndarray, rewards: np.ndarray, where: np.ndarray, units: np.ndarray, n_actions: int, seed: int
) -> np.ndarray:
    """Return the reward expected of every action at each decision: its smoothed mean in the context, from other units.

    A simple model on purpose: it has only to take variance out, the weights keep the estimate right where it is wrong.

    Shape:
        returns: (decisions, n_actions)
    """
    fold_of = generator(seed, "reward model").permutation(int(units.max()) + 1)[units] % FOLDS
    found = np.zeros((len(actions), n_actions))
    n_contexts = int(where.max()) + 1
    for fold in range(FOLDS):
        train, asked = fold_of != fold, fold_of == fold
        base = float(rewards[train].mean()) if train.any() else 0.0
        cell = where[train] * n_actions + actions[train]
        sums = np.bincount(cell, rewards[train], n_contexts * n_actions)
        counts = np.bincount(cell, minlength=n_contexts * n_actions)
        table = ((sums + SMOOTHING * base) / (counts + SMOOTHING)).reshape(n_contexts, n_actions)
        found[asked] = table[where[asked]]
    return found


def policy_table(actions: np.ndarray, contexts: np.ndarray, n_actions: int) -> dict[Any, np.ndarray]:
    """Return the share of each action in each context of a policy's own log: its chances, where it looks at nothing else.

    Examples:
        >>> policy_table(np.array([0, 1, 1, 1]), np.array(["left"] * 4), 2)["left"].tolist()
        [0.25, 0.75]
    """
    found = {}
    for context in np.unique(contexts):
        counts = np.bincount(actions[contexts == context], minlength=n_actions).astype(float)
        found[context.item()] = counts / counts.sum()
    return found
