"""Evaluate: the same evidence for predictions made elsewhere.

Takes answers with the name of each row, puts them beside the study's truth, and judges them as any candidate is judged. Rows
behind the seal cost a look: they are left out, or whoever calls has opened it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import polars as pl

from fieldguide.core.bench import Bench, Trial
from fieldguide.core.candidate import original_scale
from fieldguide.core.contracts import Threshold
from fieldguide.core.errors import DataError, GateError, listed, nearest
from fieldguide.core.figures import count, verb
from fieldguide.core.files.source import open_source
from fieldguide.core.finding import Finding
from fieldguide.core.leaderboard import difference, judge, threshold_for
from fieldguide.core.problem import Output, Problem
from fieldguide.core.score import told
from fieldguide.core.split import Split
from fieldguide.steps.checking import checked

FEWEST_TO_CHOOSE = 50
"""Development rows below which a threshold follows from the costs alone."""


FAR_FROM_ONE = 0.01
"""Probabilities of one row that sum to something further from 1 are no probabilities; nearer, they were rounded."""


@dataclass(frozen=True)
class Answers:
    """Predictions made elsewhere.

    Shape:
        rows: (answered,) indices into the study's table, each once
        predictions[i]: (answered, width) of output i, on the original scale
    """

    rows: np.ndarray
    predictions: tuple[np.ndarray, ...]


def read_answers(data: Any, problem: Problem, key: str | None, keys: pl.Series | None, n_rows: int) -> Answers:
    """Return the rows that are named and what is predicted for them, from a file or data frame.

    Args:
        data: has the key column (or `row`, counted from 0) and per output `probability_<label>` or `prediction` columns
            (`probability_<output>_<label>` and `prediction_<output>` where there are several outputs).
        key: the study's key column, or None.
        keys: its values for every row of the table.
        n_rows: rows of the table.

    Raises:
        DataError: rows cannot be named, a row is unknown or stands twice, or a prediction is missing.
    """
    frame = open_source(data).collect()
    name = key if key in frame.columns else "row"
    if name not in frame.columns:
        raise DataError(
            "the predictions do not name their rows", rule=f"there is a column {key or 'row'!r}" + (" or 'row'" if key else " (counted from 0)"),
            found=f"the columns are {listed(frame.columns)}", do=f"add the column {key or 'row'!r}",
        )  # fmt: skip
    if name == "row":
        rows = frame["row"].cast(pl.Int64, strict=False).fill_null(-1).to_numpy()
    else:
        assert keys is not None
        places = pl.DataFrame({"k": keys.cast(pl.String), "i": np.arange(n_rows)}).unique("k", keep="first")
        rows = (
            pl.DataFrame({"k": frame[name].cast(pl.String)})
            .join(places, on="k", how="left", maintain_order="left")["i"]
            .fill_null(-1)
            .to_numpy()
        )
    strange = np.flatnonzero((rows < 0) | (rows >= n_rows))
    if len(strange):
        raise DataError(
            f"{len(strange):,} rows of the predictions are not in the study", rule="every row is one of the study's table",
            found=f"such as {name} {frame[name][int(strange[0])]!r}", do="leave them out, or name them as the study does",
        )  # fmt: skip
    if len(np.unique(rows)) < len(rows):
        raise DataError(
            "some rows are predicted twice",
            rule="a row is predicted once",
            found=f"{len(rows) - len(np.unique(rows)):,} repeats",
            do="leave one prediction for each row",
        )
    return Answers(rows, tuple(_predicted(frame, output, len(problem.outputs) > 1) for output in problem.outputs))


def unsealed(answers: Answers, split: Split) -> tuple[Answers, int]:
    """Return the answers without those to sealed rows, and how many these are.

    Raises:
        GateError: too few are left to judge.
    """
    sealed = np.isin(answers.rows, split.test)
    if sealed.any() and np.isin(answers.rows, split.development).sum() < 2:
        raise GateError(
            "the predictions are of sealed rows",
            rule="sealed rows cost a look; it is asked for, and counted beside the number for ever",
            found=f"{int(sealed.sum()):,} of {count(len(sealed), 'predicted row')} {verb(int(sealed.sum()), 'is', 'are')} sealed, the others are too few to judge",
            do='ask for the look with --test (and --reason "…" where it is not the first), or predict development rows',
        )
    return Answers(answers.rows[~sealed], tuple(p[~sealed] for p in answers.predictions)), int(sealed.sum())


def evaluate(
    bench: Bench,
    truths: tuple[np.ndarray, ...],
    answers: Answers,
    blocks: np.ndarray,
    split: Split,
    bar: Trial,
    *,
    looks: int,
    weights: np.ndarray | None = None,
    n_left_out: int = 0,
) -> tuple[dict[str, Any], tuple[Finding, ...]]:
    """Judge predictions on the development rows and on the sealed rows they cover, and beside the bar.

    Shape:
        truths[i], blocks: (rows of the study's table,)
        weights: what these rows count in scores, or None

    Args:
        bar: the best baseline; compared on the development rows both have answered.
        looks: at the sealed rows, this one included.
        n_left_out: sealed rows that were predicted and are not judged.
    """
    problem, rows = bench.problem, answers.rows
    facts: dict[str, Any] = {"scores": [], "calibration": [], "n_rows": len(rows), "n_left_out": n_left_out}
    thresholds = _thresholds(problem, truths, answers, split, weights)
    for name, part in (("validation", split.development), ("test", split.test)):
        mask = np.isin(rows, part)
        if mask.sum() < 2:
            continue
        judged = judge(
            problem, [truth[rows[mask]] for truth in truths], tuple(p[mask] for p in answers.predictions), blocks[rows[mask]],
            seed=bench.seed, rows=name, looks=looks if name == "test" else 0, thresholds=thresholds,
            weights=None if weights is None else weights[rows[mask]],
        )  # fmt: skip
        facts["scores"] += judged["scores"]
        facts["calibration"] += judged["calibration"]
    common, ours, theirs = np.intersect1d(rows, split.work[bar.rows], return_indices=True)
    if len(common) > 1:
        beside = original_scale(bar.raw, problem.outputs)[0][theirs]
        against = difference(
            problem.output, truths[0][common], answers.predictions[0][ours], beside, blocks[common], seed=bench.seed,
            weights=None if weights is None else weights[common],
        )  # fmt: skip
        facts["difference"] = {"bar": bar.name, **against}
    facts["sentence"] = "; ".join(f"{s['rows']} {told(s)}" for s in facts["scores"])
    if any(s["rows"] == "test" for s in facts["scores"]):
        facts["sentence"] += f", look {looks} at the sealed rows; the next one, finalize's too, needs a reason"
    elif n_left_out:
        facts["sentence"] += (
            f"; {count(n_left_out, 'sealed row')} {verb(n_left_out, 'was', 'were')} left out: --test judges {verb(n_left_out, 'it', 'them')} too, "
            f"and is look {looks + 1}"
        )
    return facts, checked("evaluate", facts=facts)


def _thresholds(
    problem: Problem, truths: tuple[np.ndarray, ...], answers: Answers, split: Split, weights: np.ndarray | None
) -> list[Threshold]:
    """Thresholds chosen on the development rows, never on sealed ones; decisions made elsewhere are judged as they stand."""
    known = np.isin(answers.rows, split.development)
    own = None if weights is None else weights[answers.rows[known]]
    found: list[Threshold] = []
    for output, truth, predicted in zip(problem.outputs, truths, answers.predictions):
        if output.family not in ("binary", "multilabel") or np.isin(predicted, (0.0, 1.0)).all():
            found.append(None)
        elif known.sum() >= FEWEST_TO_CHOOSE:
            found.append(
                threshold_for(output, truth[answers.rows[known]], predicted[known], problem.costs, weights=own)
            )
        elif output.family == "multilabel":
            found.append(None)
        else:
            wrong = problem.costs
            found.append(
                wrong["false_positive"] / (wrong["false_positive"] + wrong["false_negative"]) if wrong else None
            )
    return found


def _predicted(frame: pl.DataFrame, output: Output, several: bool) -> np.ndarray:
    suffix = f"_{output.name}" if several else ""
    if output.family == "vector":
        return np.stack([_numbers(frame, f"prediction{suffix}_{entry}") for entry in output.labels], axis=1)
    if output.task.family == "values":
        return _numbers(frame, f"prediction{suffix}")[:, None]
    return _shares(frame, output, suffix)


def _shares(frame: pl.DataFrame, output: Output, suffix: str) -> np.ndarray:
    """Return probabilities of labels, or labels as probabilities of 0 and 1."""
    wanted = [f"probability{suffix}_{label}" for label in output.labels]
    present = [name for name in wanted if name in frame.columns]
    if output.family == "binary" and len(present) == 1:
        one = _probabilities(frame, present)[:, 0]
        return np.stack([1 - one, one] if present[0] == wanted[1] else [one, 1 - one], axis=1)
    if len(present) == len(wanted):
        shares = _probabilities(frame, wanted)
        sums = shares.sum(axis=1)
        if output.family != "multilabel" and (np.abs(sums - 1.0) > FAR_FROM_ONE).any():
            row = int(np.abs(sums - 1.0).argmax())
            raise DataError(
                f"the probabilities of {output.name!r} do not sum to 1", rule="one of the labels is right in every row",
                found=f"they sum to {sums[row]:g} in row {row}", do="divide each by their sum, or give one column of labels",
            )  # fmt: skip
        return shares
    name = f"prediction{suffix}"
    if name not in frame.columns or present:
        raise DataError(
            f"the predictions of {output.name!r} are incomplete", rule=f"there are columns {listed(wanted)}, or one column {name!r}",
            found=f"the columns are {listed(frame.columns)}", do="add these columns",
        )  # fmt: skip
    if output.family == "multilabel":  # an empty text is a set without labels
        return output.code(frame[name].fill_null("")).astype(np.float64)
    codes = output.code(frame[name].cast(pl.String))
    return np.eye(len(output.labels))[codes]


def _probabilities(frame: pl.DataFrame, names: Sequence[str]) -> np.ndarray:
    """Return columns of probabilities: (rows, names), each between 0 and 1."""
    columns = []
    for name in names:
        values = _numbers(frame, name)
        outside = np.flatnonzero((values < 0) | (values > 1))
        if len(outside):
            raise DataError(
                f"column {name!r} holds no probabilities", rule="a probability lies between 0 and 1",
                found=f"{values[outside[0]]:g} in row {outside[0]}, and {len(outside) - 1:,} more", do="give probabilities, not scores",
            )  # fmt: skip
        columns.append(values)
    return np.stack(columns, axis=1)


def _numbers(frame: pl.DataFrame, name: str) -> np.ndarray:
    if name not in frame.columns:
        raise DataError(
            f"there is no column {name!r}{nearest(name, frame.columns)}",
            rule="every output has its columns",
            found=f"the columns are {listed(frame.columns)}",
            do=f"add the column {name!r}",
        )
    values = frame[name].cast(pl.Float64, strict=False)
    if values.null_count() or not values.is_finite().all():
        row = int(np.flatnonzero(~values.is_finite().fill_null(False).to_numpy())[0])
        raise DataError(
            f"column {name!r} is not a number in row {row}",
            rule="every row has a prediction",
            found=repr(frame[name][row]),
            do="give a finite number for every row",
        )
    return values.to_numpy()
