"""Pricing strategy: a usual price, raised or lowered by how likely a booking is and by demand.

Knows three models and one formula: boosted trees of the offered price, boosted trees of the booking, a demand curve on top, and
two numbers that minimise the interval loss. Networks that minimise it whole are `mlp` and `tabm`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any, ClassVar, Literal

import numpy as np

from fieldguide.core.batch import Batch, Encoded
from fieldguide.core.contracts import Effort, Predictions
from fieldguide.core.errors import ConfigError, nearest
from fieldguide.core.settings import Choice, Range, setting
from fieldguide.parts.learners._boosters import Booster, BoostingEstimator, load_boosters
from fieldguide.parts.learners.boosting import Boosting

N_FOLDS = 5
"""Parts of the training rows: signals of each come from models of the others."""
LOWEST = 0.05
"""The least share of the usual price that is ever suggested."""
GRID = np.exp(np.linspace(np.log(0.5), np.log(2.0), 81))
"""Multiples of the usual price among which the expected revenue is compared."""
_PRICE = SimpleNamespace(name="regression", family="values", loss="squared_error", activation="identity")
_BOOKED = SimpleNamespace(name="binary", family="classes", loss="binary_cross_entropy", activation="sigmoid")


@dataclass(frozen=True)
class Strategy:
    """Suggest P V, where P is a usual price and V says how far to go up or down from it.

    Formula:
        V = 1 + θ1 (q^(φ^(-q D)) - θ2), φ = `phi_high`, where D > 0; V = 1 + θ1 (q^(φ^(-(1 - q) D)) - θ2), φ = `phi_low`,
        else. q is the probability of a booking at P, D a demand signal of mean 0 and deviation 1. θ1 and θ2 minimise the
        interval loss on the training rows.

    What is the paper's: V, the asymmetry 1 < φ_high < φ_low < 2, and that θ minimise the interval loss. What is ours: θ are of all
    rows (the paper learns them for each listing from its calendar); P is a number column (`reference`) or, without one, what boosted
    trees expect as offered price; D is a number column (`demand`) or the logit of the trees' booking probability; and
    logit q = a + b logit(trees) - s ln(offer / P), s >= 0, so that a higher price is never booked more often.

    All signals that θ, a, b and s are fitted on are cross-fitted inside the training rows: a row's own outcome is in none of them.

    Source:
        Ye et al., "Customized Regression Model for Airbnb Dynamic Pricing", KDD 2018, sections 3 and 4.

    Examples:
        >>> Strategy(reference="usual_price").losses
        ('interval',)
    """

    name: ClassVar[str] = "strategy"
    kind: ClassVar[Literal["boosting"]] = "boosting"
    stops_early: ClassVar[bool] = False
    steps_scale: ClassVar[bool] = False
    in_memory: ClassVar[int | None] = None
    recipe: ClassVar[Mapping[str, Any]] = {"scaling": "none", "missing": "keep"}
    losses: ClassVar[tuple[str, ...]] = ("interval",)
    suggests: ClassVar[str] = "strategy"  # or "revenue": see the learner of that name

    reference: str = setting("", "the number column that holds a row's usual price; empty: expected from offers")
    demand: str = setting("", "the number column that holds a demand signal; empty: the logit of a booking")
    phi_high: float = setting(1.2, "φ where demand is above its mean; in (1, phi_low)", space=Choice((1.1, 1.2, 1.4)))
    phi_low: float = setting(1.6, "φ where demand is below its mean; in (phi_high, 2)")
    n_rounds: int = setting(150, "trees of each model", capacity=1, space=Range(50, 400, log=True, integer=True))
    learning_rate: float = setting(0.06, "share of each tree that is kept", capacity=1)
    num_leaves: int = setting(15, "leaves of a tree", capacity=1, space=Range(4, 64, log=True, integer=True))

    def fit(self, train: Encoded, stop: Encoded | None, outputs: tuple[Any, ...], effort: Effort) -> StrategyEstimator:
        """Fit the models of all rows, cross-fit their signals, and then a, b, s and θ on these; `stop` is not used.

        Raises:
            ConfigError: the task is not `price`, or a setting has no meaning.
        """
        self._check(train, outputs)
        offer, booked = np.abs(train.targets[0]).reshape(-1), train.targets[0].reshape(-1) > 0
        rng, n = np.random.default_rng(effort.seed), len(train)
        n_folds = min(N_FOLDS, n)
        fold = rng.permutation(np.arange(n) % n_folds)
        usual, chance, hurried = np.empty(n), np.empty(n), False
        for number in range(n_folds):
            fit, held = np.flatnonzero(fold != number), np.flatnonzero(fold == number)
            models = self._models(train.take(fit), offer[fit], booked[fit], effort, 1 / (n_folds + 1 - number))
            usual[held], chance[held] = self._signals(models.boosters, train.batch.take(held))
            hurried |= models.stopped == "clock"
        models = self._models(train, offer, booked, effort, 1.0)
        stopped = "clock" if hurried or models.stopped == "clock" else ""
        weights = np.ones(n) if train.weights is None else np.asarray(train.weights, np.float64)
        curve = _curve(_logit(chance), np.log(offer / usual), booked, weights)
        signal = self._demand(train.batch, chance)
        known = signal[np.isfinite(signal)]
        centre, spread = (float(known.mean()), float(known.std()) or 1.0) if len(known) else (0.0, 1.0)
        estimator = StrategyEstimator(self, models.boosters, curve, (centre, spread), (0.0, 0.0), stopped=stopped)
        if self.suggests == "strategy":
            said = outputs[0].loss  # None: the loss as it is by default
            bounds = (0.7, 1.3) if said is None else (said.c1, said.c2)
            theta = _theta(estimator.lift(chance, signal), usual, offer, booked, weights, *bounds)
            return replace(estimator, theta=theta)
        return estimator

    def load(self, folder: Path, data: Mapping[str, Any]) -> StrategyEstimator:
        """Return the estimator that `StrategyEstimator.save` wrote."""
        trees = load_boosters(folder, data["trees"])
        learner = type(self)(**data["settings"])
        curve, demand, theta = (tuple(data[name]) for name in ("curve", "demand", "theta"))
        return StrategyEstimator(learner, trees.boosters, curve, demand, theta, stopped=data["stopped"])

    def _check(self, train: Encoded, outputs: tuple[Any, ...]) -> None:
        if len(outputs) != 1 or outputs[0].task.loss != "interval":
            raise ConfigError(
                "the learner strategy suggests prices", rule="it has one output, whose task is price",
                found=f"{outputs[0].name!r} is {outputs[0].task.name}", do="leave it out of learners.use",
            )  # fmt: skip
        if not 1 < self.phi_high < self.phi_low < 2:
            raise ConfigError(
                f"phi_high is {self.phi_high:g} and phi_low {self.phi_low:g}", rule="1 < phi_high < phi_low < 2",
                found=f"phi_high: {self.phi_high:g}, phi_low: {self.phi_low:g}",
                do="learners.settings.strategy: {phi_high: 1.2, phi_low: 1.6}",
            )  # fmt: skip
        known = train.batch.layout.numbers
        for key, name in (("reference", self.reference), ("demand", self.demand)):
            if name and name not in known:
                raise ConfigError(
                    f"strategy.{key} names {name!r}, which is no number the models see{nearest(name, known)}",
                    rule="it is a number column that is a feature",
                    found=f"numbers are {', '.join(known)}",
                    do=f"set learners.settings.strategy.{key}, or leave it out",
                )  # fmt: skip

    def _models(
        self, rows: Encoded, offer: np.ndarray, booked: np.ndarray, effort: Effort, share: float
    ) -> BoostingEstimator:
        """Return boosted trees of the log of the offered price and of the booking, each in half of a share of the time left."""
        learner = Boosting(n_rounds=self.n_rounds, learning_rate=self.learning_rate, num_leaves=self.num_leaves)
        found = []
        for task, target, labels, part in (
            (_PRICE, np.log(offer), (), share / 2),
            (_BOOKED, booked.astype(np.int64), ("0", "1"), share / 2 / (1 - share / 2)),
        ):
            output = SimpleNamespace(
                name=task.name, task=task, labels=labels, width=max(1, len(labels)), loss=None, weight=1.0
            )
            own = Effort(effort.seed, effort.threads, effort.clock.share(part))
            found.append(learner.fit_singles(replace(rows, targets=(target,)), None, (output,), own))
        stopped = "clock" if any(fitted.stopped == "clock" for fitted in found) else ""
        return BoostingEstimator(tuple(fitted.boosters[0] for fitted in found), None, stopped)

    def _signals(self, models: tuple[Booster, ...], batch: Batch) -> tuple[np.ndarray, np.ndarray]:
        """Return usual prices and the trees' probabilities of a booking, (rows,) each."""
        boosters = BoostingEstimator(models, None, "")
        price, booking = boosters.predict(batch)
        usual = np.exp(price[:, 0])
        if self.reference:
            given = batch.numbers[:, batch.layout.numbers.index(self.reference)].astype(np.float64)
            usual = np.where(given > 0, given, usual)  # a missing usual price is not above 0
        return usual, np.clip(booking[:, 1], 1e-4, 1 - 1e-4)

    def _demand(self, batch: Batch, chance: np.ndarray) -> np.ndarray:
        if not self.demand:
            return _logit(chance)
        return batch.numbers[:, batch.layout.numbers.index(self.demand)].astype(np.float64)


@dataclass(frozen=True)
class StrategyEstimator:
    """A fitted strategy.

    Args:
        models: trees of the log of the offered price, and of the booking.
        curve: a, b and s of the demand curve.
        demand: mean and deviation of the demand signal in the training rows.
        theta: θ1 and θ1 θ2.
    """

    learner: Strategy
    models: tuple[Booster, ...]
    curve: tuple[float, ...]
    demand: tuple[float, ...]
    theta: tuple[float, ...]
    n_steps: int | None = None
    stopped: str = ""
    history: list[dict[str, Any]] = field(default_factory=list)

    def predict(self, batch: Batch) -> Predictions:
        """Return suggested prices.

        Shape:
            returns[0]: (rows, 1) float64, above 0
        """
        usual, chance = self.learner._signals(self.models, batch)
        if self.learner.suggests == "revenue":
            a, b, s = self.curve
            logits = (a + b * _logit(chance))[:, None] - s * np.log(GRID)
            multiple = GRID[np.argmax(GRID / (1 + np.exp(-logits)), axis=1)]
        else:
            multiple = 1 + self.theta[0] * self.lift(chance, self.learner._demand(batch, chance)) - self.theta[1]
        return ((usual * np.maximum(LOWEST, multiple))[:, None],)

    def lift(self, chance: np.ndarray, signal: np.ndarray) -> np.ndarray:
        """Return q^(φ^(-q D)) and its like below the mean of demand, (rows,), in (0, 1); q is at the usual price."""
        a, b, _ = self.curve
        q = 1 / (1 + np.exp(-(a + b * _logit(chance))))
        d = np.where(np.isfinite(signal), (signal - self.demand[0]) / self.demand[1], 0.0)
        power = np.where(d > 0, self.learner.phi_high ** (-q * d), self.learner.phi_low ** (-(1 - q) * d))
        lift: np.ndarray = q**power
        return lift

    @property
    def words(self) -> str:
        """The strategy in one line, for reports."""
        if self.learner.suggests == "revenue":
            return f"highest price × probability of a booking; demand falls by {self.curve[2]:.2f} in logit per unit of log price"
        theta1, product = self.theta
        return f"usual price × (1 + {theta1:.3f} lift - {product:.3f})"

    def save(self, folder: Path, draft: bool = False) -> dict[str, Any]:
        """Write the trees in LightGBM's text format; return the rest as plain data."""
        from fieldguide.core.settings import values_of

        trees = BoostingEstimator(self.models, None, "").save(folder, draft)
        return {
            "trees": trees, "settings": values_of(self.learner), "curve": list(self.curve), "demand": list(self.demand),
            "theta": list(self.theta), "n_steps": None, "stopped": self.stopped, "history": [],
        }  # fmt: skip


def _logit(chance: np.ndarray) -> np.ndarray:
    odds: np.ndarray = np.log(chance / (1 - chance))
    return odds


def _curve(base: np.ndarray, dearer: np.ndarray, booked: np.ndarray, weights: np.ndarray) -> tuple[float, float, float]:
    """Return a, b, s of logit q = a + b base - s dearer, s >= 0, by least logistic loss with a small ridge.

    Shape:
        base, dearer, booked, weights: (rows,)
    """
    from scipy.optimize import minimize

    x = np.column_stack([np.ones(len(base)), base, -dearer])
    sign, total = np.where(booked, 1.0, -1.0), weights.sum()

    def objective(point: np.ndarray) -> tuple[float, np.ndarray]:
        margin = sign * (x @ point)
        away = point - np.array([0.0, 1.0, 1.0])
        slope = -(weights * sign / (1 + np.exp(np.clip(margin, -500, 500)))) @ x / total
        value = float(weights @ np.logaddexp(0.0, -margin) / total) + float(away @ away) / total
        return value, slope + 2 * away / total

    found = minimize(
        objective, np.array([0.0, 1.0, 1.0]), jac=True, method="L-BFGS-B", bounds=[(None, None), (0, None), (0, None)]
    )
    a, b, s = map(float, found.x)
    return a, b, s


def _theta(
    lift: np.ndarray,
    usual: np.ndarray,
    offer: np.ndarray,
    booked: np.ndarray,
    weights: np.ndarray,
    c1: float,
    c2: float,
) -> tuple[float, float]:
    """Return θ1 and θ1 θ2 that minimise the interval loss; it is convex in both, and linear between its kinks.

    Shape:
        lift, usual, offer, booked, weights: (rows,)
    """
    from scipy.optimize import minimize

    lower, upper = np.where(booked, offer, c1 * offer), np.where(booked, c2 * offer, offer)

    def objective(point: np.ndarray) -> float:
        suggested = usual * np.maximum(LOWEST, 1 + point[0] * lift - point[1])
        outside = np.maximum(0.0, lower - suggested) + np.maximum(0.0, suggested - upper)
        return float(weights @ outside / weights.sum())

    starts = ([0.0, 0.0], [0.5, 0.25], [1.0, 0.6])
    best = min(
        (minimize(objective, start, method="Nelder-Mead", options={"maxiter": 300}) for start in starts),
        key=lambda found: found.fun,
    )
    return float(best.x[0]), float(best.x[1])
