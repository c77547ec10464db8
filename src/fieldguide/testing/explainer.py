"""The contract of an explainer: it declines what it cannot explain, and what it explains adds up.

Knows `core.contracts.Explainer` and a small table of every simple kind; numbers against closed forms are tested beside each part.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from fieldguide.core.candidate import Candidate, fit
from fieldguide.core.contracts import Effort
from fieldguide.core.problem import Output
from fieldguide.core.rows import Rows
from fieldguide.core.table import Column
from fieldguide.parts import find, modality

COLUMNS = (
    Column("age", "number"), Column("city", "category"), Column("member", "boolean"), Column("joined", "datetime"),
)  # fmt: skip
TASKS = ("binary", "multiclass", "regression", "count", "multilabel", "vector", "ordinal")


def example(task: str, n_rows: int = 240, seed: int = 0) -> tuple[Rows, tuple[Output, ...]]:
    """Return rows of four columns, with missing cells, whose target follows from the first three.

    Examples:
        >>> rows, outputs = example("binary")
        >>> len(rows), outputs[0].labels
        (240, ('no', 'yes'))
    """
    rng = np.random.default_rng(seed)
    age, member = rng.normal(40, 12, n_rows), (rng.random(n_rows) < 0.4).astype(np.float64)
    city = np.empty(n_rows, object)
    city[:] = rng.choice(["Lima", "Oslo", "Quito"], n_rows).tolist()
    drive = (age - 40) / 12 + member + 1.5 * (city == "Oslo") + rng.normal(0, 0.3, n_rows)
    age[::17] = np.nan
    joined = 1.5e9 + 8.64e4 * rng.integers(0, 700, n_rows)
    cells = {"age": age, "city": city, "member": member, "joined": joined}
    labels = {
        "binary": ("no", "yes"),
        "multiclass": ("low", "middle", "high"),
        "multilabel": ("a", "b"),
        "vector": ("x", "y"),
        "ordinal": ("1", "2", "3"),
    }
    truths = {
        "binary": (drive > 0.8).astype(np.int64), "multiclass": np.digitize(drive, [0.2, 1.2]).astype(np.int64),
        "regression": 100 + 20 * drive, "count": rng.poisson(np.exp(0.4 * drive)).astype(np.float64),
        "multilabel": np.stack([drive > 0.5, drive < 1.0], 1).astype(np.int64), "vector": np.stack([drive, -2 * drive], 1),
        "ordinal": np.digitize(drive, [0.2, 1.2]).astype(np.int64),
    }  # fmt: skip
    output = Output("y", find("tasks", task)(), labels.get(task, ()))
    return Rows(COLUMNS, cells, (truths[task],), None, n_rows), (output,)


def fitted(learner: Any, task: str) -> tuple[Any, Rows, Rows]:
    """Return a learner fitted on an example, its background rows and the rows to explain."""
    rows, outputs = example(task)
    candidate = Candidate.of(learner.name, learner)
    found, _ = fit(candidate, rows.take(np.arange(180)), None, outputs, modality, Effort(seed=1))
    return found, rows.take(np.arange(100)), rows.take(np.arange(180, 240))


def check_explainer(explainer: Any, learner: Any, tasks: tuple[str, ...] = TASKS, error: float = 1e-6) -> None:
    """Assert that an explainer keeps the contract on what a learner fits.

    Args:
        learner: one whose fits it explains; it declines a constant.
        error: the largest mean additivity error, as a share of how far scores lie from their bases.

    Raises:
        AssertionError: names the rule that does not hold.

    Examples:
        >>> from fieldguide import parts
        >>> check_explainer(parts.find("explainers", "linear")(), parts.find("learners", "linear")(penalty=1.0), ("binary",))
    """
    settled = getattr(type(explainer), "__dataclass_params__", None)
    assert settled is not None and settled.frozen, "an explainer is a frozen dataclass"
    assert explainer.title, "an explainer has a title"
    assert explainer.declines(object()), "what answers nothing is declined, with a reason"
    for task in tasks:
        predictor, background, rows = fitted(learner, task)
        assert explainer.declines(predictor) == "", f"{explainer.name} explains {learner.name}"
        width = predictor.outputs[0].width
        which = np.arange(len(rows)) % width
        before = {name: cells.copy() for name, cells in rows.cells.items()}
        found = explainer.explain(predictor, rows, background, output=0, which=which, seed=3)
        assert found.names == tuple(column.name for column in rows.columns), "columns are the table's, in its order"
        assert found.values.shape == (len(rows), len(found.names)), "a value for each row and column"
        assert found.base.shape == found.scores.shape == (len(rows),), "a base and a score for each row"
        assert np.isfinite(found.values).all(), "values are finite"
        told = found.error()
        assert told["share"] <= error, (
            f"{task}: base and values add up to the score; the error is {told['share']:.3g} of its reach"
        )
        again = explainer.explain(predictor, rows, background, output=0, which=which, seed=3)
        assert np.array_equal(found.values, again.values), "the same seed gives the same values"
        for name, cells in before.items():
            assert cells.tolist() == rows.cells[name].tolist() or np.array_equal(
                cells.astype(np.float64), rows.cells[name].astype(np.float64), equal_nan=True
            ), "explaining changes no cell"
        drawn = found.importance()
        assert drawn[found.names.index("joined")] < drawn[found.names.index("city")], (
            f"{task}: what the target does not follow from weighs less than what it follows from"
        )
