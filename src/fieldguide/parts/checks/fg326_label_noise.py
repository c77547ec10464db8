"""FG326: labels that are probably wrong."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from fieldguide.core.contracts import Roles
from fieldguide.core.finding import Finding, Severity
from fieldguide.core.problem import Output, Problem
from fieldguide.core.settings import setting
from fieldguide.core.statistics.label_noise import confident_learning
from fieldguide.core.table import Table
from fieldguide.parts.checks._answers import count, fire, not_applicable, number, passed, percent, skipped

MOST_NAMED = 50
FLOORS = (
    0.0,
    0.0005,
    0.001,
    0.002,
    0.003,
    0.005,
    0.007,
    0.01,
    0.015,
    0.02,
    0.03,
    0.04,
    0.05,
    0.06,
    0.08,
    0.1,
    0.12,
    0.15,
    0.2,
    0.25,
)
SURE = 0.95
TOP = 0.2
"""The most confident part of the rows of each predicted class: their errors are the floor."""


@dataclass(frozen=True)
class WrongLabels:
    """Rows whose label a model contradicts where it is most sure, more often than a hard problem explains.

    Formula: out-of-sample probabilities of the probe. The chance that the most probable class is not the given label is
    modelled as e + (1 - 2e) sigmoid(a_k + b_k logit(1 - confidence)), with a_k and b_k per predicted class: in a hard but
    clean problem errors vanish as confidence grows (e = 0), while wrong labels fall on sure rows as on others and leave a
    floor e. It fires when the likelihood ratio of e against 0 is above 12 (chi-squared, p < 0.001), e is between 1 % and 25 %,
    and the error rate among the surest fifth of each predicted class is above 1 % with certainty (Clopper-Pearson bound at
    0.1 %). Which rows they are, confident learning says: thresholds per class, the joint of given and true labels, the
    largest normalised margins first. As a note it fires when predictions of at least 95 % are wrong more than twice as
    often as they say themselves (Poisson, p < 1e-6). A model that has learned exactly how often labels are wrong hides them: silence is
    no proof of clean labels. Rows of one group may err together: counts and ratio are divided by how much wider the errors of
    groups vary than those of as many single rows (design effect, 1 where no rows belong together).

    Why: wrong labels teach the model errors, and a test set with wrong labels puts a ceiling on every score and may turn
    a comparison around.

    Remedy: look at the rows named (numbers count development rows from 0), correct or remove them. Judge on
    corrected labels.

    Source: Northcutt, Jiang and Chuang (2021), Confident Learning; Northcutt, Athalye and Mueller (2021), Pervasive Label
    Errors in Test Sets.

    Needs: table, problem, roles, probe (rows, predictions).
    """

    name: ClassVar[str] = "fg326_label_noise"
    code: ClassVar[str] = "FG326"
    title: ClassVar[str] = "Labels that are probably wrong"
    step: ClassVar[str] = "explore"
    severity: ClassVar[Severity] = "warning"

    floor: float = setting(0.01, "error rate among the surest rows that must be exceeded with certainty")
    ceiling: float = setting(0.25, "error rate among the surest rows from which the problem is called hard, not noisy")
    ratio: float = setting(12.0, "likelihood ratio, 2 ln, from which a floor of errors is sure")

    def run(self, *, table: Table, problem: Problem, roles: Roles, probe: Any) -> list[Finding]:
        if probe is None:
            return [skipped(self, "No probe was fitted: too few rows, or no features.")]
        found = []
        for output, prediction in zip(problem.outputs, probe.predictions):
            if output.task.family == "classes":
                truth = output.code(table.frame[output.name])[probe.rows]
                blocks = roles.blocks[probe.rows]
                found.append(
                    self._judge(output, truth, np.asarray(prediction, np.float64), np.asarray(probe.rows), blocks)
                )
        return found or [not_applicable(self, "The target is no class.")]

    def _judge(
        self, output: Output, truth: np.ndarray, prediction: np.ndarray, rows: np.ndarray, blocks: np.ndarray
    ) -> Finding:
        guessed, sure = prediction.argmax(axis=1), prediction.max(axis=1)
        wrong = guessed != truth
        wider = _design_effect(wrong - (1 - sure), blocks)
        if len(truth) < 300 * wider:
            together = "" if wider == 1 else f", which err together as {len(truth) / wider:,.0f} would,"
            return skipped(self, f"{len(truth):,} rows{together} are too few to tell wrong labels from hard cases.")
        top = _places(guessed, sure) < TOP
        parts = [top & (guessed == k) for k in range(prediction.shape[1])] if output.family == "binary" else [top]
        parts = [part for part in parts if part.sum() >= 50 * wider]
        least = min((_lower(wrong[part].sum() / wider, part.sum() / wider) for part in parts), default=0.0)
        floor, ratio = floor_of(wrong, sure, guessed)
        ratio /= wider
        evidence: dict[str, Any] = {
            "output": output.name, "floor": floor, "ratio": ratio, "surest": [float(wrong[part].mean()) for part in parts],
        }  # fmt: skip
        enough = len(parts) == (2 if output.family == "binary" else 1)
        noisy = enough and least > self.floor and self.floor <= floor < self.ceiling and ratio > self.ratio
        if not noisy and _contradicted(wrong, sure, wider):
            return self._doubtful(output, truth, prediction, rows, wrong, sure, evidence)
        if not noisy:
            text = f"Among the surest fifth of the predictions of {output.name!r}, {percent(float(wrong[top].mean()))} are wrong"
            return passed(self, f"{text}, as a problem without wrong labels may have it.", evidence)
        noise = confident_learning(truth, prediction)
        n = round(floor * len(truth))
        chosen = noise.rows[:MOST_NAMED]
        evidence |= {
            "share": floor, "confident_share": noise.share, "rows": rows[noise.rows[: min(MOST_NAMED, max(n, 1))]],
            "given": [output.labels[i] for i in truth[chosen]][: max(n, 1)],
            "guessed": [output.labels[i] for i in noise.guessed[:MOST_NAMED]][: max(n, 1)],
        }  # fmt: skip
        sentence = (
            f"About {percent(floor)} of the labels of {output.name!r} seem wrong ({count(n, 'row')} of {len(truth):,}): even the surest "
            f"predictions, a fifth of all, fail in {percent(float(wrong[top].mean()))}, and a hard problem does not explain it "
            f"(likelihood ratio {number(ratio)})."
        )
        remedy = (
            "Look at the rows named in the evidence, and correct or remove wrong labels before judging models by them."
        )
        return fire(self, sentence, remedy, columns=[output.name], evidence=evidence)

    def _doubtful(
        self, output: Output, truth: np.ndarray, prediction: np.ndarray, rows: np.ndarray, wrong: np.ndarray,
        sure: np.ndarray, evidence: dict[str, Any],
    ) -> Finding:  # fmt: skip
        """Return a note on rows whose label the model contradicts although it is sure; it may be the model that errs."""
        noise = confident_learning(truth, prediction)
        chosen = noise.rows[:MOST_NAMED]
        high = sure >= SURE
        n, expected = int(wrong[high].sum()), float((1 - sure[high]).sum())
        evidence |= {
            "share": noise.share, "rows": rows[chosen], "given": [output.labels[i] for i in truth[chosen]],
            "guessed": [output.labels[i] for i in noise.guessed[:MOST_NAMED]], "contradicted": n, "expected": expected,
        }  # fmt: skip
        sentence = (
            f"{count(n, 'label')} of {output.name!r} contradict a model that gives another class at least {percent(SURE)}, where "
            f"its own probabilities expect {number(expected)}: the labels or the model are wrong."
        )
        remedy = "Look at the rows named in the evidence, the most doubtful first."
        return fire(self, sentence, remedy, severity="info", columns=[output.name], evidence=evidence)


def _design_effect(errors: np.ndarray, blocks: np.ndarray) -> float:
    """Return how much wider sums of errors over blocks vary than sums of as many independent ones, at least 1.

    Source: Kish (1965), Survey Sampling (design effect).

    Examples:
        >>> _design_effect(np.array([1.0, -1.0, 1.0, -1.0]), np.arange(4)), _design_effect(np.array([1.0, 1, -1, -1]), np.array([0, 0, 1, 1]))
        (1.0, 2.0)
    """
    centred = errors - errors.mean()
    sums = np.bincount(np.unique(blocks, return_inverse=True)[1], weights=centred)
    total = float((centred**2).sum())
    return max(1.0, float((sums**2).sum()) / total) if total > 0 and len(sums) < len(errors) else 1.0


def _contradicted(wrong: np.ndarray, sure: np.ndarray, wider: float) -> bool:
    """Return whether a sure model errs far more often than its own probabilities say."""
    from scipy.special import pdtrc

    high = sure >= SURE
    n, expected = int(wrong[high].sum() / wider), float((1 - sure[high]).sum()) / wider
    return n >= 5 and n > 2 * expected and float(pdtrc(n - 1, expected)) < 1e-6


def _places(guessed: np.ndarray, sure: np.ndarray) -> np.ndarray:
    """Return each row's place by confidence among the rows of its predicted class: (rows,) in [0, 1), surest first."""
    places = np.ones(len(sure))
    for k in np.unique(guessed):
        rows = np.flatnonzero(guessed == k)
        places[rows[np.argsort(-sure[rows], kind="stable")]] = np.arange(len(rows)) / len(rows)
    return places


def _lower(k: float, n: float) -> float:
    """Return the lower Clopper-Pearson bound of a share at 0.1 %."""
    from scipy.special import betaincinv

    return float(betaincinv(k, n - k + 1, 0.001)) if k else 0.0


def floor_of(wrong: np.ndarray, sure: np.ndarray, guessed: np.ndarray) -> tuple[float, float]:
    """Return (e, 2 ln of the likelihood ratio against e = 0) of wrong ~ e + (1 - 2e) sigmoid(a_k + b_k logit(1 - sure)).

    Classes share one slope where there are more than two, because each has few rows.

    Shape:
        wrong: (rows,) bool
        sure: (rows,) float64, the largest probability
        guessed: (rows,) int64, the class that has it

    Examples:
        >>> rng = np.random.default_rng(0)
        >>> sure = rng.uniform(0.5, 1, 4000)
        >>> hard = rng.random(4000) > sure
        >>> e, ratio = floor_of(hard ^ (rng.random(4000) < 0.1), sure, np.zeros(4000, np.int64))
        >>> 0.05 < e < 0.15, ratio > 12, floor_of(hard, sure, np.zeros(4000, np.int64))[1] < 12
        (True, True, True)
    """
    y, doubt = wrong.astype(np.float64), np.clip(1 - sure, 1e-4, 1 - 1e-4)
    x = np.log(doubt / (1 - doubt))
    codes = np.unique(guessed, return_inverse=True)[1]
    own = np.eye(int(codes.max()) + 1)[codes]
    x = x - (np.bincount(codes, weights=x) / np.bincount(codes))[codes]
    slopes = own * x[:, None] if own.shape[1] <= 2 else x[:, None]
    design = np.column_stack([slopes, own])
    w = np.concatenate([np.ones(slopes.shape[1]), np.full(own.shape[1], -1.5)])
    found = []
    for e in FLOORS:
        w, likelihood = _fitted(design, y, e, w)
        found.append(likelihood)
    best = int(np.argmax(found))
    return FLOORS[best], 2 * (found[best] - found[0])


def _fitted(design: np.ndarray, y: np.ndarray, e: float, w: np.ndarray) -> tuple[np.ndarray, float]:
    """Return weights and log likelihood of P(y) = e + (1 - 2e) sigmoid(design @ w) by Fisher scoring."""
    best = -np.inf
    step = np.zeros(len(w))
    for _ in range(40):
        h = 1 / (1 + np.exp(-np.clip(design @ (w + step), -30, 30)))
        p = np.clip(e + (1 - 2 * e) * h, 1e-6, 1 - 1e-6)
        likelihood = float((y * np.log(p) + (1 - y) * np.log(1 - p)).sum())
        if likelihood < best:  # too far: halve the step
            step = step / 2
            continue
        w, gained, best = w + step, likelihood - best, likelihood
        if gained < 1e-4:
            break
        slope = (1 - 2 * e) * h * (1 - h)
        gradient = design.T @ ((y - p) / (p * (1 - p)) * slope)
        information = (design.T * (slope**2 / (p * (1 - p)))) @ design + 1e-3 * np.eye(len(w))
        step = np.clip(np.linalg.solve(information, gradient), -2, 2)
    return w, best
