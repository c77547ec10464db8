"""SHAP values of linear candidates: each coefficient times how far the row's value lies from the background's mean.

Knows coefficients and links; other candidates it declines.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from fieldguide.core.explanation import Explanation, summed
from fieldguide.core.rows import Rows
from fieldguide.core.sources import Sources, sources_of

SCALES = {
    "sigmoid": "log-odds", "members": "log-odds", "softmax": "log-odds, up to a constant", "exp": "log of the expected value",
    "identity": "value", "cumulative": "log-odds of the level or a higher one (of the lowest: of any above)",
}  # fmt: skip
MOST_TOKENS = 20


@dataclass(frozen=True)
class Linear:
    """Contributions of columns to a linear score, in closed form.

    Formula: phi_j = b_j (x_j - mean of x_j over the background), summed over what a column is encoded as; the base is the
    background's mean score. Of a TF-IDF text every term has its own part: a term's weight times its coefficient, less the
    background's mean of it; terms that a row does not have are told together as "other".

    Source:
        Lundberg and Lee, "A Unified Approach to Interpreting Model Predictions", NeurIPS 2017, corollary 1.
    """

    name: ClassVar[str] = "linear"
    title: ClassVar[str] = "linear SHAP"

    def declines(self, predictor: Any) -> str:
        """Return why it cannot explain a predictor; "" where it can."""
        fits = getattr(getattr(predictor, "estimator", None), "fits", None)
        able = fits and all(hasattr(fit, "levels") and hasattr(fit, "intercept") for fit in fits)
        return "" if able else "it has no coefficients"

    def explain(
        self, predictor: Any, rows: Rows, background: Rows, *, output: int, which: np.ndarray, seed: int
    ) -> Explanation:
        """Return contributions; `seed` has no part in it."""
        names = tuple(column.name for column in rows.columns)
        sources, fit = sources_of(predictor.transform, names), predictor.estimator.fits[output]
        seen, against = (predictor.transform.encode(part.cells, len(part)) for part in (rows, background))
        values, base = np.zeros((len(rows), len(names))), np.zeros(len(rows))
        details: dict[str, list[Mapping[str, Any]]] = {}
        terms = _Terms.of(predictor.transform, sources) if seen.layout.n_terms else None
        if terms is not None:
            details = {names[place]: [{}] * len(rows) for place in np.unique(sources.terms).tolist()}
        for column in np.unique(which).tolist():
            mine = np.flatnonzero(which == column)
            k, sign = (0, 1.0 if column == 1 else -1.0) if fit.link == "sigmoid" else (column, 1.0)
            k, cut = (0, max(column - 1, 0)) if fit.link == "cumulative" else (k, k)
            scale = float(fit.scale[k]) if fit.link == "identity" else 1.0
            centre = (
                float(fit.centre[k])
                if fit.link == "identity"
                else float(np.log(fit.scale[k]))
                if fit.link == "exp"
                else 0.0
            )
            parts, mean = _parts(fit, k, sources, seen.take(mine), against)
            if terms is not None:
                more, shift = terms.parts(
                    fit.numbers[len(sources.numbers) :, k], seen.arrays["terms"][mine], against.arrays["terms"]
                )
                parts, mean = parts + more, mean + shift
                terms.tell(
                    details,
                    mine,
                    fit.numbers[len(sources.numbers) :, k] * sign * scale,
                    seen.arrays["terms"],
                    sign * scale * more,
                )
            values[mine] = sign * scale * parts
            base[mine] = sign * scale * (float(fit.intercept[cut]) + mean) + centre
        return Explanation(
            names, values, base, self._scores(fit, predictor, rows, output, which), SCALES[fit.link], details
        )

    @staticmethod
    def _scores(fit: Any, predictor: Any, rows: Rows, output: int, which: np.ndarray) -> np.ndarray:
        """Return the scores by way of the predictions themselves, so that the error tells of a mistake in the parts."""
        prediction = predictor.raw(rows.cells, len(rows))[output]
        if fit.link == "softmax":  # a score is known up to a constant: taken from the design
            batch = predictor.transform.encode(rows.cells, len(rows))
            return _scores_of(fit, batch)[np.arange(len(rows)), which]
        if fit.link == "cumulative":
            above = 1.0 - np.cumsum(prediction, axis=1)[np.arange(len(rows)), np.maximum(which - 1, 0)]
            above = np.clip(above, 1e-15, 1 - 1e-15)
            return np.asarray(np.log(above) - np.log1p(-above))
        mine = prediction[np.arange(len(rows)), which]
        if fit.link in ("sigmoid", "members"):
            sure = np.clip(mine, 1e-15, 1 - 1e-15)
            return np.asarray(np.log(sure) - np.log1p(-sure))
        return np.asarray(np.log(mine) if fit.link == "exp" else mine)


def _parts(fit: Any, k: int, sources: Sources, seen: Any, against: Any) -> tuple[np.ndarray, float]:
    """Return contributions of numbers and codes to score k, (rows, columns), and the background's mean of what they add."""
    coefficients = fit.numbers[: len(sources.numbers), k]
    mean = against.numbers.astype(np.float64).mean(axis=0)
    found = summed((seen.numbers - mean) * coefficients, sources.numbers, len(sources.names))
    shift = float(mean @ coefficients)
    starts = np.cumsum([0, *(n for _, n in seen.layout.codes)])[:-1].astype(np.int64)
    if len(starts):
        levels = fit.levels[:, k]
        usual = levels[against.codes + starts].mean(axis=0)
        found += summed(levels[seen.codes + starts] - usual, sources.codes, len(sources.names))
        shift += float(usual.sum())
    return found, shift


def _scores_of(fit: Any, batch: Any) -> np.ndarray:
    n = batch.numbers.shape[1]
    scores = batch.numbers.astype(np.float64) @ fit.numbers[:n] + fit.intercept
    if batch.layout.n_terms:
        scores = scores + batch.arrays["terms"].astype(np.float64) @ fit.numbers[n:]
    starts = np.cumsum([0, *(n for _, n in batch.layout.codes)])[:-1].astype(np.int64)
    return np.asarray(scores + fit.levels[batch.codes + starts].sum(axis=1) if len(starts) else scores)


@dataclass(frozen=True)
class _Terms:
    """The terms of all text columns, side by side: their words, and whose they are."""

    words: Sequence[str]
    places: np.ndarray
    names: tuple[str, ...]

    @staticmethod
    def of(transform: Any, sources: Sources) -> _Terms:
        words: list[str] = []
        for _, _, encoder in transform.parts:
            if encoder.layout().n_terms:
                words += [str(word) for terms in encoder.terms for word in terms.words]
        return _Terms(words, sources.terms, sources.names)

    def parts(self, coefficients: np.ndarray, seen: Any, against: Any) -> tuple[np.ndarray, float]:
        """Return contributions of texts, (rows, columns), and the background's mean of what they add."""
        found, shift = np.zeros((seen.shape[0], len(self.names))), 0.0
        for place in np.unique(self.places).tolist():
            own = np.where(self.places == place, coefficients, 0.0)
            usual = float((against.astype(np.float64) @ own).mean())
            found[:, place] = seen.astype(np.float64) @ own - usual
            shift += usual
        return found, shift

    def tell(
        self, details: dict[str, list[Mapping[str, Any]]], rows: np.ndarray, coefficients: np.ndarray, seen: Any, parts: np.ndarray
    ) -> None:  # fmt: skip
        """Write the strongest terms of some rows; what the rest adds up to is called "other"."""
        for at, row in enumerate(rows.tolist()):
            line = seen[row]
            added = line.data.astype(np.float64) * coefficients[line.indices]
            for place in np.unique(self.places).tolist():
                own = np.flatnonzero(self.places[line.indices] == place)
                own = own[np.argsort(-np.abs(added[own]), kind="stable")][:MOST_TOKENS]
                tokens = [self.words[line.indices[i]] for i in own.tolist()]
                values = [float(added[i]) for i in own.tolist()]
                details[self.names[place]][row] = {
                    "kind": "tokens", "tokens": [*tokens, "other"], "values": [*values, float(parts[at, place]) - sum(values)]
                }  # fmt: skip
