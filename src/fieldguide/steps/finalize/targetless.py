"""Judge what was made without a target: is there anything there, what sets each cluster apart, what of a row is kept.

Takes the model's answers to the sealed rows as points, and development points to fit again on halves. The score itself is
`core.leaderboard`'s. Figures say how sure a grouping is; what a group means, only a person can say.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from fieldguide.core.batch import Batch, Encoded, Layout
from fieldguide.core.bench import Bench, Trial
from fieldguide.core.contracts import Effort, Learner
from fieldguide.core.leaderboard import metric_of
from fieldguide.core.model import Model
from fieldguide.core.problem import Output
from fieldguide.core.rows import Rows
from fieldguide.core.score import score
from fieldguide.core.seeds import generator, seed_for
from fieldguide.core.settings import values_of, with_values
from fieldguide.core.space import Reference
from fieldguide.core.statistics.bootstrap import bootstrap_weights
from fieldguide.core.statistics.structure import NOISE, adjusted_rand, intruders, neighbours_of
from fieldguide.parts import find
from fieldguide.parts.learners._points import principal_axes
from fieldguide.steps.explore.targetless import dealt_anew
from fieldguide.steps.finalize.apart import apart

PAIRS = 8
"""How often development rows are halved; each half is fitted by itself."""
HALF = 1_000
"""Most rows of a half."""
JUDGED = 2_000
"""Most sealed rows on which the halves are compared."""
DRAWN = 800
NEIGHBOURS = (5, 10, 20, 50)
QUICK_STEPS = 15
"""Passes of an autoencoder that is fitted for a comparison only."""
CLEAR = 2.58
LEAST = 0.03
"""The smallest difference of a stability or a silhouette that matters."""


def targetless_facts(
    bench: Bench, model: Model, bar: Model, rows: Rows, answers: np.ndarray, bar_answers: np.ndarray, blocks: np.ndarray, reference: Reference
) -> dict[str, Any]:  # fmt: skip
    """Return what is told of sealed rows without a target.

    Args:
        rows: the sealed rows, with their points as truth.
        answers, bar_answers: of the model and of the bar.
        blocks: (rows,) unit ids.

    Returns:
        `map` (sealed rows on two axes) and, of clusters, `stability` and `clusters`; of a reduction, `kept`, `neighbours` and `columns`.
    """
    output, points = bench.problem.output, np.asarray(rows.truths[0])
    if output.task.name == "clustering":
        groups = output.task.decide(answers, None)
        told = apart(rows, points, groups)
        steady = stability(bench, model, points, groups, blocks, reference)
        for cluster in told:
            cluster["jaccard"] = steady["jaccard"].get(cluster["cluster"])
        return {
            "task": "clustering", "n_clusters": answers.shape[1], "none": float(np.mean(groups == NOISE)), "clusters": told, "stability": steady,
            "map": cluster_map(bench.rows.truths[0], points, groups, bench.seed), "words": _words(model),
        }  # fmt: skip
    d = len(output.labels)
    return {
        "task": "reduction", "n_components": answers.shape[1] - d, "n_axes": int((reference.space.scale > 0).sum()), "words": _words(model),
        "kept": _kept(output, points, answers, bar_answers, blocks, bench.seed, rows.score_weights), "neighbours": _neighbours(points, answers[:, :-d], bar_answers[:, :-d]),
        "columns": _rebuilt(points, answers[:, -d:], bar_answers[:, -d:], reference), "map": reduced_map(rows, answers[:, :-d], bench.seed),
    }  # fmt: skip


def counted(bench: Bench, trial: Trial) -> Trial:
    """Return the trial with as many clusters as were judged, where the learner would count them anew on the rows of a refit."""
    learner = trial.candidate.learner
    if bench.problem.output.task.name != "clustering" or values_of(learner).get("k") != 0:
        return trial
    return replace(
        trial, candidate=replace(trial.candidate, learner=with_values(learner, {"k": trial.raw[0].shape[1]}))
    )


def opening(structure: Mapping[str, Any]) -> str:
    """Return what has to be said before any score: that there is nothing to be grouped; else ""."""
    verdict = structure.get("stability", {}).get("verdict")
    if verdict == "none":
        return "there are no clusters here: rows are grouped no more steadily than one heap would be; "
    return (
        "the clusters are those of single columns: dealt anew, columns are grouped as steadily; "
        if verdict == "columns"
        else ""
    )


def _words(model: Model) -> str:
    return str(getattr(getattr(model.predictor, "estimator", None), "words", ""))


# --- is anything there? ------------------------------------------------------------------------------------------------


def stability(
    bench: Bench, model: Model, points: np.ndarray, groups: np.ndarray, blocks: np.ndarray, reference: Reference
) -> dict[str, Any]:
    """Fit the chosen learner on halves of the development rows and ask two such fits whether they group sealed rows alike.

    The same is done with the columns dealt anew each by itself (what single columns say is left), and with one heap: normal rows with the
    covariance of the real ones. Clusters are there where real rows are grouped more steadily, or into groups farther apart, than either.
    A table of one column (texts, images) has nothing to deal: it is held against one heap alone.

    Shape:
        points: (sealed, d); groups: (sealed,) the model's own clusters

    Returns:
        real, dealt (of several columns), heap: {value: mean adjusted Rand index, interval, score, score_sd}; jaccard: cluster to how well it is found again;
        verdict: "clusters", "columns" (single columns show them) or "none"; pairs, n_half, n_judged.

    Source:
        stability by halves: Lange, Roth, Braun, Buhmann (2004), "Stability-based validation of clustering solutions";
        clusters found again: Hennig (2007), "Cluster-wise assessment of cluster stability".
    """
    learner = _as_shipped(model.predictor.candidate.learner, int(groups.max(initial=NOISE)) + 1)  # type: ignore[attr-defined]
    known = np.asarray(bench.rows.truths[0])
    rng = generator(bench.seed, "stability")
    judged = np.sort(rng.permutation(len(points))[:JUDGED])
    spread = np.cov(known.T).reshape(known.shape[1], -1)
    worlds: dict[str, tuple[np.ndarray, np.ndarray]] = {
        "real": (known, points[judged]),
        "heap": (_heap(rng, known, spread, len(known)), _heap(rng, known, spread, len(judged))),
    }
    if len(set(reference.columns)) > 1:
        worlds["dealt"] = (
            dealt_anew(known, reference.columns, bench.seed, 1),
            dealt_anew(points[judged], reference.columns, bench.seed, 2),
        )
    output, metric = bench.problem.output, metric_of(bench.problem.output)
    n_half = min(HALF, len(known) // 2)
    found: dict[str, Any] = {}
    jaccard: dict[int, list[float]] = {}
    for name, (learned, asked) in worlds.items():
        pairs, scores = [], []
        for number in range(PAIRS):
            order = generator(bench.seed, "halves", number).permutation(len(learned))
            labels = []
            for side, half in enumerate((order[:n_half], order[n_half : 2 * n_half])):
                answer = _fitted(
                    learner,
                    learned[half],
                    reference.columns,
                    output,
                    seed_for(bench.seed, "half", 2 * number + side),
                    bench.threads,
                )(asked)
                labels.append(output.task.decide(answer, None))
                scores.append(metric.score(asked, answer))
            pairs.append((labels[0], labels[1]))
            if name == "real":
                _found_again(jaccard, groups[judged], labels)
        units = blocks[judged] if name == "real" else np.arange(len(asked))
        found[name] = {
            **_agreement(pairs, units, bench.seed),
            "score": float(np.mean(scores)),
            "score_sd": float(np.std(scores)),
        }
    return {
        **found, "verdict": _verdict(found), "pairs": PAIRS, "n_half": n_half, "n_judged": len(judged), "metric": metric.name, "title": metric.title,
        "jaccard": {str(code + 1): float(np.mean(values)) for code, values in sorted(jaccard.items())},
    }  # fmt: skip


def _as_shipped(learner: Learner, n_clusters: int) -> Learner:
    """Return the learner with as many clusters as were shipped, where it can be told."""
    return with_values(learner, {"k": max(1, n_clusters)}) if "k" in values_of(learner) else learner


def _heap(rng: np.random.Generator, known: np.ndarray, spread: np.ndarray, n: int) -> np.ndarray:
    drawn: np.ndarray = rng.multivariate_normal(known.mean(axis=0), spread, n, method="eigh")
    return drawn


def batch_of(points: np.ndarray, columns: Sequence[str]) -> Batch:
    """Return points as an encoded batch in which axes of one column stay together. Shape: points (rows, d)."""
    place = {name: i for i, name in enumerate(dict.fromkeys(columns))}
    names = tuple(f"c{place[name]} {i}" for i, name in enumerate(columns))
    layout = Layout(names, columns=tuple(f"c{i}" for i in place.values()))
    return Batch(layout, {"numbers": points.astype(np.float32), "codes": np.zeros((len(points), 0), np.int32)})


def _fitted(
    learner: Learner, points: np.ndarray, columns: Sequence[str], output: Output, seed: int, threads: int
) -> Callable[[np.ndarray], np.ndarray]:
    quick = QUICK_STEPS if values_of(learner).get("features") == "autoencoder" else None
    estimator = learner.fit(
        Encoded(batch_of(points, columns), (points,)), None, (output,), Effort(seed, threads, n_steps=quick)
    )
    return lambda rows: estimator.predict(batch_of(rows, columns))[0]


def _agreement(pairs: Sequence[tuple[np.ndarray, np.ndarray]], blocks: np.ndarray, seed: int) -> dict[str, Any]:
    """Return the mean agreement of pairs of groupings, and its interval over pairs and rows."""
    values = np.array([adjusted_rand(a, b) for a, b in pairs])
    rng, drawn = generator(seed, "pairs"), []
    for chunk in bootstrap_weights(blocks, 200, seed):
        for weights in chunk:
            taken = rng.integers(0, len(pairs), len(pairs))
            drawn.append(np.mean([adjusted_rand(pairs[i][0], pairs[i][1], weights) for i in taken]))
    low, high = np.quantile(drawn, [0.025, 0.975])
    value = float(values.mean())
    return {"value": value, "interval": [min(float(low), value), max(float(high), value)], "sd": float(values.std())}


def _verdict(found: Mapping[str, Mapping[str, Any]]) -> str:
    if not _beyond(found["real"], found["heap"]):
        return "none"
    return "clusters" if "dealt" not in found or _beyond(found["real"], found["dealt"]) else "columns"


def _beyond(real: Mapping[str, Any], other: Mapping[str, Any]) -> bool:
    """Whether real rows are clearly grouped more steadily, or into groups that are farther apart."""
    return any(
        real[name] - other[name] > max(LEAST, CLEAR * float(np.hypot(real[sd], other[sd])) / np.sqrt(n))
        for name, sd, n in (("value", "sd", PAIRS), ("score", "score_sd", PAIRS))
    )


def _found_again(jaccard: dict[int, list[float]], own: np.ndarray, fits: Sequence[np.ndarray]) -> None:
    """Add, for each of the model's clusters, how well the likest cluster of each fit matches it: shared rows of all rows of the two."""
    for code in np.unique(own[own >= 0]):
        mine = own == code
        for labels in fits:
            able = [
                float((mine & (labels == other)).sum() / (mine | (labels == other)).sum())
                for other in np.unique(labels[labels >= 0])
            ]
            jaccard.setdefault(int(code), []).append(max(able, default=0.0))


# --- maps --------------------------------------------------------------------------------------------------------------


def cluster_map(known: np.ndarray, points: np.ndarray, groups: np.ndarray, seed: int) -> dict[str, Any]:
    """Return sealed rows on the two leading principal axes of development rows, with their clusters."""
    centre = np.asarray(known).mean(axis=0)
    axes, shares = principal_axes(np.asarray(known) - centre)
    placed = (points - centre) @ axes[:, :2]
    placed = np.pad(placed, ((0, 0), (0, 2 - placed.shape[1])))
    rows = np.sort(generator(seed, "map").permutation(len(points))[:DRAWN])
    names = ["none" if code < 0 else str(code + 1) for code in groups[rows].tolist()]
    return {
        "x": placed[rows, 0].round(4).tolist(), "y": placed[rows, 1].round(4).tolist(), "of": names, "n": len(points),
        "shares": shares[:2].tolist(),
    }  # fmt: skip


def reduced_map(rows: Rows, coordinates: np.ndarray, seed: int) -> dict[str, Any]:
    """Return sealed rows at their first two coordinates, and of the plain columns the one that the map orders most, to colour them by."""
    placed = np.pad(coordinates, ((0, 0), (0, max(0, 2 - coordinates.shape[1]))))[:, :2]
    chosen = np.sort(generator(seed, "map").permutation(len(placed))[:DRAWN])
    name, values = _ordered_most(rows, placed)
    shown = {} if name is None else {"by": name, "of": [None if v != v else float(v) for v in values[chosen]]}
    return {
        "x": placed[chosen, 0].round(4).tolist(),
        "y": placed[chosen, 1].round(4).tolist(),
        "n": len(placed),
        **shown,
    }


def _ordered_most(rows: Rows, placed: np.ndarray) -> tuple[str | None, np.ndarray]:
    """Return the column of numbers that is most alike among neighbours on the map."""
    from fieldguide.core.statistics.structure import nearest

    k = neighbours_of(len(placed), 10)
    best: tuple[float, str | None, np.ndarray] = (0.0, None, np.zeros(len(placed)))
    if k < 1:
        return None, best[2]
    near = nearest(placed, placed, k + 1)[0][:, 1:]
    for column in rows.columns:
        cells = rows.cells[column.name]
        if column.kind != "number" or cells.dtype == object:
            continue
        ranks = np.where(np.isfinite(cells), cells.argsort().argsort().astype(float), np.nan)
        if np.isfinite(cells).mean() < 0.9 or np.nanstd(cells) == 0:
            continue
        ranks = np.nan_to_num(ranks, nan=float(np.nanmean(ranks)))
        explained = 1.0 - float(((ranks - ranks[near].mean(axis=1)) ** 2).mean() / max(ranks.var(), 1e-12))
        if explained > best[0]:
            best = (explained, column.name, cells)
    return best[1], best[2]


# --- what a reduction keeps --------------------------------------------------------------------------------------------


def _kept(
    output: Output, points: np.ndarray, answers: np.ndarray, bar: np.ndarray, blocks: np.ndarray, seed: int, weights: np.ndarray | None,
) -> list[dict[str, Any]]:  # fmt: skip
    """Return every metric of a reduction, of the model and of the bar, with intervals; those that have a weighted form are weighted."""
    told = []
    for name in output.task.metrics:
        metric = output.metric if output.metric is not None and output.metric.name == name else find("metrics", name)()
        pair = [score(metric, points, given, blocks, seed, 400, weights) for given in (answers, bar)]
        told.append({
            "metric": name, "title": metric.title, "value": pair[0][0], "interval": list(pair[0][1]), "bar": pair[1][0], "bar_interval": list(pair[1][1]),
        })  # fmt: skip
    return told


def _neighbours(points: np.ndarray, placed: np.ndarray, bar: np.ndarray) -> list[dict[str, Any]]:
    """Return trustworthiness and continuity by the number of neighbours that are asked for."""
    able = sorted({neighbours_of(len(points), k) for k in NEIGHBOURS} - {0})
    return [
        {
            "k": k, "trustworthiness": float(intruders(points, placed, k).mean()), "continuity": float(intruders(placed, points, k).mean()),
            "bar_trustworthiness": float(intruders(points, bar, k).mean()), "bar_continuity": float(intruders(bar, points, k).mean()),
        }
        for k in able
    ]  # fmt: skip


def _rebuilt(points: np.ndarray, rebuilt: np.ndarray, bar: np.ndarray, reference: Reference) -> list[dict[str, Any]]:
    """Return the share of each column's variance that is rebuilt, the best kept first."""
    names = np.array(reference.columns)
    told = []
    for name in dict.fromkeys(reference.columns):
        mine = names == name
        total = float((points[:, mine] ** 2).sum())
        if total > 0:
            shares = [1.0 - float(((points[:, mine] - given[:, mine]) ** 2).sum()) / total for given in (rebuilt, bar)]
            told.append({"column": name, "share": shares[0], "bar": shares[1]})
    return sorted(told, key=lambda line: -line["share"])
