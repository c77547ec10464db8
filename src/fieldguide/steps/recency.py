"""Recency: how fast an answer ages. Train up to a period, score the periods after it; what would retraining less often cost?

Takes development rows in time, and one candidate with its settings fixed. Fits it up to each period, on sliding windows (as
many rows each, so that age is all that differs) and on growing ones, and once more with time shuffled, which shows how much the
figures move where nothing ages. The arithmetic of cells is `core.statistics.decay`'s. No sealed row is read.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import polars as pl

from fieldguide.core.bench import Bench, Trial, refitted
from fieldguide.core.contracts import Metric
from fieldguide.core.errors import StudyError, listed
from fieldguide.core.figures import number, span
from fieldguide.core.finding import Finding
from fieldguide.core.leaderboard import metric_of, readable
from fieldguide.core.plain import finite
from fieldguide.core.problem import Problem
from fieldguide.core.score import titled, weights_for
from fieldguide.core.seeds import generator, seed_for
from fieldguide.core.statistics.bootstrap import bootstrap_weights
from fieldguide.core.statistics.decay import Cells, Estimate, costs, curve, fresh_scores, recommended, windows_compared
from fieldguide.core.statistics.periods import (
    FEWEST_IN_PERIOD,
    FEWEST_PERIODS,
    Periods,
    in_periods,
    periods_for,
    schedules_of,
)
from fieldguide.core.table import Table
from fieldguide.steps.checking import checked

Answers = Callable[[np.ndarray, np.ndarray], np.ndarray]
"""(rows to fit on, rows to answer) -> what the metric reads of the latter."""

MOST_ROWS = 12_000
N_SHUFFLES = (4, 8)
MOST_FITS = 60
N_DRAWS = 200
PIECES = 4
"""Pieces of a period that are shuffled whole, so that neighbours in time stay neighbours."""


def recency(
    problem: Problem, truth: np.ndarray, times: np.ndarray, blocks: np.ndarray, answers: Answers, candidate: str, *,
    period: str | None = None, seed: int = 0, watch: Callable[[dict[str, Any]], None] = lambda event: None,
    weights: np.ndarray | None = None,
) -> tuple[dict[str, Any], tuple[Finding, ...]]:  # fmt: skip
    """Measure how the candidate's score falls with its age, and what retraining less often would cost.

    Rows of a block that also stands in an earlier period are not judged: a model may have seen them.

    Args:
        problem: its first output's metric judges; `success` is the cost that does not matter.
        truth, times, blocks: of the development rows that have a time.
        answers: fits the candidate on some rows and answers others.
        candidate: its name.
        period: see `periods_for`.
        weights: what rows count in scores, or None.

    Shape:
        truth, times, blocks, weights: (rows,)

    Returns:
        facts (curve, windows, schedules, recommended; or a silence) and findings FG711 to FG713.
    """
    metric = metric_of(problem.output)
    rng = generator(seed, "recency")
    rows = _sample(times, blocks, rng)
    periods = periods_for(times[rows], period)
    if isinstance(periods, str):
        return _silent(problem, periods)
    # Rows at equal times must not stand in an order that tells something.
    rows = rows[np.lexsort((rng.permutation(len(rows)), times[rows]))]
    design = _Design.of(periods, times[rows], blocks[rows])
    if design.n_judged < FEWEST_PERIODS - 2:
        return _silent(
            problem, f"only {design.n_judged} periods hold {FEWEST_IN_PERIOD} rows that no earlier period knows"
        )
    truth, blocks = truth[rows], blocks[rows]
    weights = None if weights is None else weights_for(metric, weights[rows])

    def answer(train: np.ndarray, judged: np.ndarray) -> np.ndarray:
        watch({"event": "trial", "candidate": candidate})
        return answers(rows[train], rows[judged])

    identity = np.arange(len(rows))
    n_copies = max(N_SHUFFLES[0], min(N_SHUFFLES[1], MOST_FITS // design.n_starts))
    still = np.stack([
        design.cells(metric, truth, weights, answer, order, sliding=True)[0] for order in _shuffled(design, blocks, n_copies, rng)
    ])  # fmt: skip
    windows = {}
    for window in ("sliding", "growing"):
        loss, given = design.cells(metric, truth, weights, answer, identity, sliding=window == "sliding")
        draws = design.resampled(metric, truth, weights, blocks, given, seed)
        windows[window] = Cells(loss, draws, still, design.n_rows, design.first)
    facts = _facts(problem, metric, titled(metric, weights), periods, design, windows, candidate, len(rows))
    return facts, checked("recency", problem=problem, facts=facts)


def age(
    bench: Bench, trial: Trial, table: Table, period: str | None = None
) -> tuple[dict[str, Any], tuple[Finding, ...]]:
    """Return `recency` of a trial's candidate on the development rows of a study.

    Args:
        table: the typed development rows, in the order of the bench's.

    Raises:
        StudyError: no column has the role of time.
    """
    column = next(iter(table.role("time")), None)
    if column is None:
        raise StudyError(
            "there is no time column", rule="ageing is measured along time", found=f"columns are {listed(table.names)}",
            do="name the column that says when a row was: data: {time: COLUMN} in study.yaml",
        )  # fmt: skip
    values = table.frame[column.name].cast(pl.Datetime("us"))
    known = np.flatnonzero(values.is_not_null().to_numpy())
    times = values.to_physical().fill_null(0).to_numpy()[known]
    answers = answers_of(bench, trial)
    return recency(
        bench.problem, bench.rows.truths[0][known], times, bench.roles.blocks[known],
        lambda train, judged: answers(known[train], known[judged]), trial.name, period=period, seed=bench.seed, watch=bench.watch,
        weights=bench.weights(known),
    )  # fmt: skip


def decay_of(
    metric: Metric, truth: np.ndarray, times: np.ndarray, blocks: np.ndarray, answers: Answers, n_periods: int, *, seed: int = 0,
    weights: np.ndarray | None = None,
) -> tuple[float, list[Estimate], Estimate] | None:  # fmt: skip
    """Return a short decay curve: a few equal periods, sliding windows of two or three of them, four shuffles of time.

    Shape:
        truth, times, blocks, weights: (rows,)

    Returns:
        the length of a period [microseconds], the added loss at ages 1, 2, …, and their mean; None where too few rows
        can be judged.
    """
    rng = generator(seed, "decay")
    rows = _sample(times, blocks, rng)
    span = float(np.ptp(times[rows])) if len(rows) else 0.0
    if span <= 0 or len(rows) < n_periods * FEWEST_IN_PERIOD:
        return None
    rows = rows[np.lexsort((rng.permutation(len(rows)), times[rows]))]
    periods = Periods("period", 1, (span + 1) / n_periods, n_periods, int(times[rows].min()))
    design = _Design.of(periods, times[rows], blocks[rows])
    if design.n_judged < 2:
        return None
    truth, blocks = truth[rows], blocks[rows]
    weights = None if weights is None else weights_for(metric, weights[rows])

    def answer(train: np.ndarray, judged: np.ndarray) -> np.ndarray:
        return answers(rows[train], rows[judged])

    still = np.stack([
        design.cells(metric, truth, weights, answer, order, sliding=True)[0] for order in _shuffled(design, blocks, N_SHUFFLES[0], rng)
    ])  # fmt: skip
    loss, given = design.cells(metric, truth, weights, answer, np.arange(len(rows)), sliding=True)
    draws = design.resampled(metric, truth, weights, blocks, given, seed)
    cells = Cells(loss, draws, still, design.n_rows, design.first)
    return periods.length, curve(cells), costs(cells, [cells.oldest])[0]


def answers_of(bench: Bench, trial: Trial) -> Answers:
    """Return how a trial's candidate answers: fitted with its settings fixed, for the steps its evaluation found best."""
    output, metric = bench.problem.output, metric_of(bench.problem.output)

    def answer(train: np.ndarray, judged: np.ndarray) -> np.ndarray:
        part, other = bench.rows.take(train), bench.rows.take(judged)
        fitted = refitted(bench, trial, part, seed_for(bench.seed, "recency", len(train)))
        return readable(output, fitted.predict(other.cells, len(other))[0], metric, trial.entry["thresholds"][0])

    return answer


def _silent(problem: Problem, why: str) -> tuple[dict[str, Any], tuple[Finding, ...]]:
    facts = {"sentence": f"nothing can be said of ageing: {why}", "silence": why}
    return facts, checked("recency", problem=problem, facts=facts)


def _sample(times: np.ndarray, blocks: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Return rows to work on: all, or whole blocks drawn at random."""
    if len(times) <= MOST_ROWS:
        return np.arange(len(times))
    units = np.unique(blocks, return_inverse=True)[1]
    order = rng.permutation(units.max() + 1)
    return np.flatnonzero(order[units] < (units.max() + 1) * MOST_ROWS / len(times))


def _shuffled(design: _Design, blocks: np.ndarray, n: int, rng: np.random.Generator) -> Iterator[np.ndarray]:
    """Yield orders of the rows in which nothing depends on time: whole blocks, or whole pieces of periods, change places."""
    units = np.unique(blocks, return_inverse=True)[1]
    if units.max() + 1 > 0.9 * len(units):  # rows by themselves: what is near in time may depend on each other
        units = np.arange(len(blocks)) * (PIECES * len(design.n_rows)) // len(blocks)
    for _ in range(n):
        yield np.lexsort((np.arange(len(units)), rng.permutation(units.max() + 1)[units]))


@dataclass(frozen=True)
class _Design:
    """Which rows, by their place in time, are trained on and judged; the same for every order of the rows.

    Shape:
        period: (rows,) of each place, ascending
        judged: (rows,) False where a row's block stands in an earlier period
        n_rows: (periods,) judged rows
    """

    period: np.ndarray
    judged: np.ndarray
    n_rows: np.ndarray
    first: int

    @staticmethod
    def of(periods: Periods, times: np.ndarray, blocks: np.ndarray) -> _Design:
        period = periods.of(times)
        units = np.unique(blocks, return_inverse=True)[1]
        earliest = np.full(units.max() + 1, periods.n)
        np.minimum.at(earliest, units, period)
        judged = earliest[units] == period
        n_rows = np.bincount(period[judged], minlength=periods.n)
        judged &= n_rows[period] >= FEWEST_IN_PERIOD
        n_rows = np.where(n_rows >= FEWEST_IN_PERIOD, n_rows, 0)
        first = max(2, -(-periods.n // 3))
        while first < periods.n - 1 and np.searchsorted(period, first) < FEWEST_IN_PERIOD:
            first += 1
        return _Design(period, judged, n_rows, first)

    @property
    def n_starts(self) -> int:
        return len(self.n_rows) - self.first

    @property
    def n_judged(self) -> int:
        return int((self.n_rows[self.first :] > 0).sum())

    def cells(
        self,
        metric: Metric,
        truth: np.ndarray,
        weights: np.ndarray | None,
        answer: Answers,
        order: np.ndarray,
        *,
        sliding: bool,
    ) -> tuple[np.ndarray, list[np.ndarray]]:
        """Fit a model up to every period and judge it on all later ones.

        Args:
            order: which row stands at each place.

        Returns:
            (starts, periods) losses, and what each model answered at the places that are judged after it.
        """
        loss = np.full((self.n_starts, len(self.n_rows)), np.nan)
        size = int(np.searchsorted(self.period, self.first))
        given = []
        for start in range(self.n_starts):
            end = int(np.searchsorted(self.period, self.first + start))
            train = order[max(0, end - size) if sliding else 0 : end]
            places = np.flatnonzero(self.judged & (np.arange(len(order)) >= end))
            answered = answer(train, order[places]) if len(places) else np.zeros(0)
            given.append(answered)
            for period in np.unique(self.period[places]):
                part = self.period[places] == period
                rows = order[places[part]]
                own = None if weights is None else weights[rows]
                loss[start, period] = _loss(metric, truth[rows], answered[part], own)
        return loss, given

    def resampled(
        self,
        metric: Metric,
        truth: np.ndarray,
        weights: np.ndarray | None,
        blocks: np.ndarray,
        given: list[np.ndarray],
        seed: int,
    ) -> np.ndarray:
        """Return (draws, starts, periods) losses under resampled blocks; a draw has the same rows for every model."""
        places = np.flatnonzero(self.judged & (self.period >= self.first))
        drawn = np.concatenate(list(bootstrap_weights(blocks[places], N_DRAWS, seed)))
        drawn = drawn if weights is None else drawn * weights[places]
        found = np.full((N_DRAWS, self.n_starts, len(self.n_rows)), np.nan)
        for start, answered in enumerate(given):
            mine = places[len(places) - len(answered) :]
            for period in np.unique(self.period[mine]):
                part = np.flatnonzero(self.period[mine] == period)
                columns = part + len(places) - len(answered)
                found[:, start, period] = _loss(metric, truth[mine[part]], answered[part], drawn[:, columns])
        return found


def _loss(metric: Metric, truth: np.ndarray, answered: np.ndarray, weights: np.ndarray | None) -> Any:
    sign = -1.0 if metric.greater_is_better else 1.0
    if weights is None:
        return sign * float(metric.resample(truth, answered, np.ones((1, len(truth)), np.float32))[0])
    if weights.ndim == 1:
        return sign * float(metric.resample(truth, answered, weights[None])[0])
    return sign * metric.resample(truth, answered, weights)


# --- what is said ------------------------------------------------------------------------------------------------------


def _facts(
    problem: Problem,
    metric: Metric,
    title: str,
    periods: Periods,
    design: _Design,
    windows: dict[str, Cells],
    candidate: str,
    n_rows: int,
) -> dict[str, Any]:
    sliding = windows["sliding"]
    sign = -1.0 if metric.greater_is_better else 1.0
    fresh, rows = fresh_scores(sliding), sliding.rows[sliding.first :]
    known = np.isfinite(fresh) & (rows > 0)
    score = sign * float(np.average(fresh[known], weights=rows[known])) if known.any() else math.nan
    aged = curve(sliding)
    compared = windows_compared(windows["growing"], sliding)
    window = "sliding" if compared.interval[0] > 0 else "growing"
    plans = schedules_of(periods, sliding.oldest)
    found = {name: costs(cells, [every for _, every in plans]) for name, cells in windows.items()}
    choice = recommended(found[window], problem.success)
    return {
        "sentence": _sentence(metric, title, periods, score, found["sliding"][-1], plans[choice][0], sliding.oldest),
        "candidate": candidate, "metric": metric.name, "title": title, "greater_is_better": metric.greater_is_better,
        "period": periods.name, "n_periods": periods.n, "n_starts": design.n_starts, "n_rows": n_rows, "oldest": sliding.oldest,
        "n_judged": int(design.n_rows[design.first:].sum()), "score": finite(score),
        "best": finite(metric.best),
        "curve": [{"age": age, "score": finite(score + sign * e.value), **e.to_dict()} for age, e in enumerate(aged, 1)],
        "decay": found["sliding"][-1].to_dict(), "windows": {**compared.to_dict(), "better": window},
        "schedules": [
            {"name": name, "every": every, "cost": found[window][i].to_dict(), "sliding": found["sliding"][i].to_dict(), "growing": found["growing"][i].to_dict()}
            for i, (name, every) in enumerate(plans)
        ],
        "recommended": plans[choice][0], "why": _why(plans, found[window], choice, problem.success, window), "success": problem.success,
        "silence": "",
    }  # fmt: skip


def _sentence(
    metric: Metric, title: str, periods: Periods, score: float, never: Estimate, choice: str, oldest: int
) -> str:
    low, high = never.interval
    way = "falls" if metric.greater_is_better else "rises"
    change = f"{title} {number(score)} fresh {way} by {number(never.value, 3)} {span((low, high), 3)} on average"
    return f"{change} over {in_periods(oldest, periods.name)} without retraining; retrain {choice}"


def _why(plans: list[tuple[str, int]], found: list[Estimate], choice: int, success: float, window: str) -> str:
    name, cost = plans[choice][0], found[choice]
    low, high = cost.interval
    words = f"{name} costs {number(cost.value, 3)} {span((low, high), 3)} against {plans[0][0]} ({window} windows), "
    words = (
        words + f"not reliably more than {success:g}"
        if choice
        else f"{name} is the most frequent schedule these periods can tell"
    )
    if choice + 1 < len(plans):
        more, (least, most) = found[choice + 1], found[choice + 1].interval
        words += f"; {plans[choice + 1][0]} costs {number(more.value, 3)} {span((least, most), 3)}, reliably more than {success:g}"
    return words
