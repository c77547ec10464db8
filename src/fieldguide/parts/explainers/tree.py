"""SHAP values of boosted trees, exact and path dependent, by LightGBM itself.

Knows boosters, their links and the columns they read; other candidates it declines.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from fieldguide.core.explanation import Explanation, summed
from fieldguide.core.rows import Rows
from fieldguide.core.sources import sources_of

SCALES = {
    "sigmoid": "log-odds",
    "softmax": "log-odds, up to a constant",
    "cumulative": "log-odds of the level or a higher one (of the lowest: of any above)",
    "exp": "log of the expected value",
    "identity": "value",
}


@dataclass(frozen=True)
class Tree:
    """Contributions of columns to a booster's score: on the scale that trees add up on, before the last layer.

    Formula: the Shapley value of the game v(S) = E[score | columns in S], the expectation over each tree's training rows; the base
    is E[score].

    Source:
        Lundberg et al., "From local explanations to global understanding with explainable AI for trees", Nature Machine
        Intelligence 2, 2020, algorithm 2; LightGBM's `predict_contrib`.
    """

    name: ClassVar[str] = "tree"
    title: ClassVar[str] = "tree SHAP"

    def declines(self, predictor: Any) -> str:
        """Return why it cannot explain a predictor; "" where it can."""
        boosters = getattr(getattr(predictor, "estimator", None), "boosters", None)
        if not boosters or not all(hasattr(getattr(b, "trees", None), "contributions") for b in boosters):
            return "it has no trees"
        if any("is_linear=1" in booster.trees.text for booster in boosters):
            return "its leaves hold lines, whose contributions LightGBM does not give"
        return ""

    def explain(
        self, predictor: Any, rows: Rows, background: Rows, *, output: int, which: np.ndarray, seed: int
    ) -> Explanation:
        """Return contributions; `background` and `seed` have no part in it."""
        names = tuple(column.name for column in rows.columns)
        batch = predictor.transform.encode(rows.cells, len(rows))
        sources = sources_of(predictor.transform, names)
        estimator = predictor.estimator
        of_scores: list[int] = []
        if (words := getattr(estimator, "scores", None)) is not None:  # what texts add stands behind the other numbers
            batch, of_scores = words.beside(batch), [names.index(name) for name in words.names]
        places = np.concatenate([sources.numbers, np.array(of_scores, np.int64), sources.codes])
        x = np.concatenate([batch.numbers, batch.codes.astype(np.float32)], axis=1)
        groups = getattr(estimator, "groups", ()) or [("plain", 1)] * len(predictor.outputs)
        first = sum(n for _, n in groups[:output])
        several = groups[output][0] != "plain"
        values, base, scores = np.zeros((len(rows), len(names))), np.zeros(len(rows)), np.zeros(len(rows))
        link = "identity"
        for number, booster in enumerate(estimator.boosters[first : first + groups[output][1]]):
            mine = np.flatnonzero(which == number) if several else np.arange(len(rows))
            if not len(mine):
                continue
            link = booster.link
            column = which[mine] if link == "softmax" else np.zeros(len(mine), np.int64)
            parts = booster.trees.contributions(x[mine])[np.arange(len(mine)), column]
            said = booster.trees.scores(x[mine])[np.arange(len(mine)), column]
            sign = np.where(which[mine] == 1, 1.0, -1.0) if link == "sigmoid" and not several else np.ones(len(mine))
            scale, centre = (booster.scale, booster.centre) if link == "identity" else (1.0, 0.0)
            if link == "cumulative":  # one score for all levels; a level has its cut
                centre = np.array(booster.cuts)[np.maximum(which[mine] - 1, 0)]
            values[mine] = summed(parts[:, :-1], places, len(names)) * (sign * scale)[:, None]
            base[mine], scores[mine] = sign * scale * parts[:, -1] + centre, sign * scale * said + centre
        return Explanation(names, values, base, scores, SCALES[link])
