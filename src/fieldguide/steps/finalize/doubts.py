"""Doubts: ways in which rows to come may differ from the sealed ones, each named by a finding of explore, and what the score is then.

A measured score holds while the world stays as the table shows it. Where explore found a reason to doubt that (cells missing
with the outcome, a column that has stopped, one source in another unit, equal rows with both labels, wrong labels), the same model is scored
a second time as if the reason were gone. The reported interval spans both: what is not known of the rows to come belongs into
it as much as what is not known of the sample. Every doubt is taken from development rows before the seal is opened; no
row is chosen by how well it was answered. Knows findings by their evidence; what is wrong with a column is each check's.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from fieldguide.core.bench import Bench
from fieldguide.core.contracts import Predictions, Threshold
from fieldguide.core.errors import listed
from fieldguide.core.figures import percent
from fieldguide.core.finding import Finding
from fieldguide.core.leaderboard import InTime, along_time, metric_of, readable
from fieldguide.core.rows import Rows
from fieldguide.core.score import score
from fieldguide.core.statistics.dependence import widened

FEWEST = 50
"""Rows below which a second score says too little to be told."""


@dataclass(frozen=True)
class Judged:
    """Rows with a model's answers to them.

    Shape:
        rows: features and truths
        answers[i]: (rows,) predictions of output i on the original scale
        keys, blocks: (rows,) content hashes of the features, unit ids
        times: (rows,) microseconds since 1970, or None
    """

    rows: Rows
    answers: Predictions
    keys: np.ndarray
    blocks: np.ndarray
    times: np.ndarray | None


@dataclass(frozen=True)
class Case:
    """The rows and answers of one doubt: how the world would have to be, and what is scored then.

    Shape:
        rows: (n,) places among the sealed rows
        truth, answer: of these rows
        weights: (n,) how much each counts, below 0 where it is taken away; None: all alike
    """

    says: str
    rows: np.ndarray
    truth: np.ndarray
    answer: np.ndarray
    weights: np.ndarray | None = None


Answer = Callable[[Mapping[str, np.ndarray], int], Predictions]


def doubted(
    bench: Bench, findings: Iterable[Finding], sealed: Judged, answer: Answer, threshold: Threshold
) -> list[dict[str, Any]]:
    """Return the score of the first output under every doubt that explore's findings name.

    Args:
        findings: explore's.
        sealed: the sealed rows with the model's answers.
        answer: the model, from cells to predictions.
        threshold: where decisions are cut.

    Returns:
        per doubt: code, says (the rows as they would be), value, interval, n; a doubt with fewer than
        50 rows, or whose rows cannot be judged, is left out.
    """
    output, metric = bench.problem.output, metric_of(bench.problem.output)
    weights, told = sealed.rows.score_weights, []
    for finding in findings:
        for case in _cases(finding, output.name, sealed, answer):
            rows, own = case.rows, case.weights
            if weights is not None:
                own = weights[rows] if own is None else weights[rows] * own
            if len(rows) < FEWEST or (own is not None and not own.any()):
                continue
            read, blocks = readable(output, case.answer, metric, threshold), sealed.blocks[rows]
            value, interval = score(metric, case.truth, read, blocks, seed=bench.seed, weights=own)
            if sealed.times is not None and case.weights is None:  # twins of a row would pass for neighbours
                here = InTime(sealed.times[rows], blocks, (case.truth,), (case.answer,), weights=own)
                wider, _ = along_time(output, 0, metric, threshold, here, None, bench.seed)
                interval = widened(value, interval, wider, metric.best, metric.worst)
            if all(math.isfinite(number) for number in (value, *interval)):
                told.append({
                    "code": finding.code, "says": case.says, "value": value, "interval": list(interval), "n": len(np.unique(rows)),
                })  # fmt: skip
    return told


def spanned(scores: Mapping[str, Any], doubts: Iterable[Mapping[str, Any]]) -> dict[str, Any]:
    """Return a score whose interval spans the doubts; the interval of sampling alone is kept as `sampling`.

    Examples:
        >>> spanned({"value": 0.9, "interval": [0.88, 0.92]}, [{"interval": [0.8, 0.85]}])
        {'value': 0.9, 'interval': [0.8, 0.92], 'sampling': [0.88, 0.92]}
        >>> spanned({"value": 0.9, "interval": [0.88, 0.92]}, [])
        {'value': 0.9, 'interval': [0.88, 0.92]}
    """
    low, high = scores["interval"]
    ends = [doubt["interval"] for doubt in doubts]
    if not ends or low is None or high is None:
        return dict(scores)
    whole = [min(low, *(end[0] for end in ends)), max(high, *(end[1] for end in ends))]
    return {**scores, "interval": whole, "sampling": [low, high]} if whole != [low, high] else dict(scores)


def _cases(finding: Finding, output: str, sealed: Judged, answer: Answer) -> Iterator[Case]:
    """Yield what a finding lets doubt; most let nothing doubt that rows or cells could show."""
    if not finding.fired:
        return
    evidence = finding.evidence
    if finding.code == "FG320" and finding.severity == "warning":
        names = {test["column"] for test in evidence["tests"] if test["with"] == "target"}
        yield from _known(sealed, sorted(names & set(sealed.rows.cells)))
    elif finding.code == "FG325":
        for name, found in evidence["breaks"].items():
            yield from _mended(sealed, name, found, answer)
    elif finding.code == "FG309" and evidence.get("beyond_chance"):
        yield from _agreeing(sealed)
    elif finding.code == "FG326" and finding.severity == "warning" and evidence["output"] == output:
        yield from _righted(sealed, evidence["share"])


def _known(judged: Judged, names: list[str]) -> Iterator[Case]:
    """Rows without any of the cells that are missing with the outcome: there missing cells tell nothing."""
    there = np.ones(len(judged.rows), bool)
    for name in names:
        there &= ~_missing(judged.rows.cells[name])
    if names and not there.all():
        says = f"on rows where {listed(map(repr, names))} {'is' if len(names) == 1 else 'are'} known"
        yield _some(judged, says, there)


def _mended(judged: Judged, name: str, found: Mapping[str, Any], answer: Answer) -> Iterator[Case]:
    """The same rows with a column in one unit; along time the latest unit is the one to come, and nothing is doubted."""
    cells = judged.rows.cells
    if name not in cells or found["times"] is None or found["kind"] == "time":
        return
    if found["kind"] == "segment":
        if found["segment"] not in cells:
            return
        odd = np.array([str(cell) == found["value"] for cell in cells[found["segment"]]])
        where = f"where {found['segment']!r} is {found['value']!r}"
    else:
        odd = cells[name] > found["bound"] if found["times"] > 1 else cells[name] < found["bound"]
        where = "in the rows named"
    if not odd.any():
        return
    one_unit = {**cells, name: np.where(odd, cells[name] / found["times"], cells[name])}
    says = f"with {name!r} {where} in the unit of the other rows"
    (first, *_) = answer(one_unit, len(judged.rows))
    yield Case(says, np.arange(len(judged.rows)), judged.rows.truths[0], first)


def _agreeing(judged: Judged) -> Iterator[Case]:
    """Rows whose equals have the same label: of those with both labels, one half must be wrong."""
    truth = judged.rows.truths[0]
    _, group = np.unique(judged.keys, return_inverse=True)
    low, high = np.full(group.max() + 1, np.inf), np.full(group.max() + 1, -np.inf)
    np.minimum.at(low, group, truth)
    np.maximum.at(high, group, truth)
    agree = (low == high)[group]
    if not agree.all():
        yield _some(judged, "on rows without an equal of another label", agree)


def _righted(judged: Judged, share: float) -> Iterator[Case]:
    """As many labels put right as explore found wrong, whichever they are: a row counts for its label, and a little against each other one.

    With K labels and a share e of them wrong, a row weighs (1 - e / (K - 1)) / (1 - e K / (K - 1)) with its own label and
    -e / (K - 1) / (1 - e K / (K - 1)) with every other: sums over rows are on average what they would be with right labels.

    Source: Natarajan, Dhillon, Ravikumar and Tewari, "Learning with Noisy Labels", NIPS 2013, lemma 1; for the area under
    the ROC curve, Menon, van Rooyen, Ong and Williamson, ICML 2015.
    """
    (answer, *_), truth = judged.answers, judged.rows.truths[0]
    k = answer.shape[1] if answer.ndim == 2 else 1
    if k < 2 or share * k >= k - 1:
        return
    against = -share / (k - 1) / (1 - share * k / (k - 1))
    labels, rows = np.repeat(np.arange(k), len(truth)), np.tile(np.arange(len(truth)), k)
    weights = np.where(labels == truth[rows], 1 - (k - 1) * against, against)
    yield Case(f"with the {percent(share, 1)} of labels that seem wrong put right", rows, labels, answer[rows], weights)


def _some(judged: Judged, says: str, which: np.ndarray) -> Case:
    """Some of the rows as they are."""
    rows = np.flatnonzero(which)
    return Case(says, rows, judged.rows.truths[0][rows], judged.answers[0][rows])


def _missing(cells: np.ndarray) -> np.ndarray:
    if cells.dtype.kind == "f":
        return np.isnan(cells)
    return np.fromiter((cell is None for cell in cells), bool, len(cells))
