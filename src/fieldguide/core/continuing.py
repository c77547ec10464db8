"""Warm starts: a fitted candidate is fitted further on newer rows, from what it has learned.

Knows which candidates can and that the transform stays as it was fitted: scales, bins and vocabularies are those of the old rows, and
a level that is new stays unknown. How an estimator goes on is its learner's (`continued`).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from fieldguide.core.balance import balanced
from fieldguide.core.batch import Encoded
from fieldguide.core.candidate import Blend, Fitted, Predictor, encode, sampled
from fieldguide.core.contracts import Effort
from fieldguide.core.problem import Output
from fieldguide.core.rows import Rows


def members_of(predictor: Predictor) -> tuple[Fitted, ...]:
    """Return the fitted candidates a predictor is made of."""
    if isinstance(predictor, Blend):
        return predictor.members
    assert isinstance(predictor, Fitted)
    return (predictor,)


def can_continue(fitted: Fitted) -> bool:
    """Whether a candidate's learner can fit further what it has fitted."""
    return hasattr(fitted.candidate.learner, "continued")


def why_not(predictor: Predictor) -> str:
    """Return why a predictor cannot be fitted further; "" where it can: one of its members at least."""
    members = members_of(predictor)
    if len(predictor.outputs) > 1:
        return "a warm start goes on with one output only"
    if not any(map(can_continue, members)):
        names = ", ".join(sorted({member.candidate.learner.name for member in members}))
        return f"{names} cannot be fitted further: networks for tables (mlp, tabm) and boosting can"
    return ""


def continued(
    fitted: Fitted, train: Rows, stop: Rows | None, effort: Effort, outputs: tuple[Output, ...] = ()
) -> Fitted:  # fmt: skip
    """Fit a candidate further; its transform stays, early stopping sees `stop`, nothing else is seen.

    Args:
        effort: `n_steps` exactly so many further steps, 0 leaves it as it is; None lets early stopping decide.
        outputs: with the loss they were fitted for, where it is not the task's own.

    Returns:
        the candidate as fitted further; itself where its learner cannot.
    """
    if not can_continue(fitted):
        return fitted
    outputs = outputs or fitted.outputs
    candidate = fitted.candidate
    rows = [None if part is None else _encoded(fitted, part, outputs) for part in (train, stop)]
    assert rows[0] is not None
    training, stopping = balanced(rows[0], rows[1], outputs[0], candidate.recipe.balance, effort.seed)
    training = sampled(training, candidate.learner.in_memory, effort.seed)
    estimator = candidate.learner.continued(fitted.estimator, training, stopping, outputs, effort)  # type: ignore[attr-defined]
    return replace(fitted, estimator=estimator, n_fit=len(train))


def continued_by(members: Sequence[Fitted], predictor: Predictor) -> Predictor:
    """Return a predictor with other members in the same places, weights and calibrators."""
    return replace(predictor, members=tuple(members)) if isinstance(predictor, Blend) else members[0]


def _encoded(fitted: Fitted, rows: Rows, outputs: tuple[Output, ...]) -> Encoded:
    batch = fitted.transform.encode(rows.cells, len(rows))
    return encode(batch, rows, outputs, fitted.candidate.learner)
