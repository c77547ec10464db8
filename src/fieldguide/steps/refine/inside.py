"""Inside: what can be seen in fitted candidates: words that weigh in a linear one, embeddings that a network learned from scratch,
and the words that weighed in the worst answers.

Takes fitted candidates and the bench; development rows only. What is shared out to the columns of a row is `steps.explain`'s.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from fieldguide.core.bench import Bench, Trial
from fieldguide.core.candidate import Encodings, Fitted, fit
from fieldguide.core.clock import Clock
from fieldguide.core.contracts import Effort
from fieldguide.core.evaluate import stopping_rows, stops_on
from fieldguide.core.seeds import seed_for
from fieldguide.core.sources import sources_of
from fieldguide.parts import find

EACH, MOST_LABELS = 12, 12
"""Words to each side of a label, and labels, the first in order."""
ON_MAP = 200
"""Words or levels on a map, the most frequent ones."""
FEWEST = 8
"""Fewer make no map."""
TOLD = 6
"""Words of a worst answer, the strongest."""
EXPLAINED_SECONDS = 1.0
"""Time to explain a row of a network that reads texts [s]; what it took on one core, rounded up."""
MARGIN = 1.5


def inside(fitted: Fitted) -> dict[str, Any]:
    """Return what can be seen in a fitted candidate: `words` of a linear one, `maps` of a network; nothing of others.

    Returns:
        words: output, column, label, and (word, weight) pairs, those that speak for the label first; weight is the coefficient:
            what a text of this word alone would add to the score. maps: column, kind, of, points {word, x, y}, share of the
            variance on the map.
    """
    found: dict[str, Any] = {}
    words = _weighing(fitted)
    maps = _maps(fitted)
    return {**found, **({"words": words} if words else {}), **({"maps": maps} if maps else {})}


def seen_in(bench: Bench, trials: Sequence[Trial]) -> list[dict[str, Any]]:
    """Return what was seen in the trials' last fits, by candidate; those in which there is nothing to see are left out."""
    found = ((trial.name, bench.inside(trial.entry)) for trial in trials)
    return [{"candidate": name, **seen} for name, seen in found if seen]


def _weighing(fitted: Fitted) -> list[dict[str, Any]]:
    """Return the words with the largest coefficients, label by label."""
    fits = getattr(fitted.estimator, "fits", ())
    if not fits or not fitted.transform.layout.n_terms or not hasattr(fits[0], "numbers"):
        return []
    columns = [name for _, names, _ in fitted.transform.parts for name in names]
    sources = sources_of(fitted.transform, columns)
    words = _terms_of(fitted)
    told = []
    for output, one in zip(fitted.outputs, fits, strict=True):
        weights = np.asarray(one.numbers[len(sources.numbers) :], np.float64)  # (terms, scores)
        for place in np.unique(sources.terms).tolist():
            mine = np.flatnonzero(sources.terms == place)
            for k in range(min(weights.shape[1], MOST_LABELS)):
                label = _label(output, one.link, k)
                pairs = _strongest([words[i] for i in mine.tolist()], weights[mine, k])
                if pairs:
                    told.append({"output": output.name, "column": columns[place], "label": label, "words": pairs})
    return told


def _terms_of(fitted: Fitted) -> list[str]:
    words: list[str] = []
    for _, _, encoder in fitted.transform.parts:
        if encoder.layout().n_terms:
            words += [str(word) for terms in encoder.terms for word in terms.words]  # type: ignore[attr-defined]
    return words


def _label(output: Any, link: str, k: int) -> str:
    """Return what a score speaks for: a label, or the output's value."""
    if link == "sigmoid":
        return str(output.labels[1])
    return str(output.labels[k]) if output.labels else output.name


def _strongest(words: Sequence[str], weights: np.ndarray) -> list[list[Any]]:
    """Return the words with the largest weights, then those with the smallest, none of weight 0."""
    order = np.argsort(-weights, kind="stable")
    chosen = list(dict.fromkeys([*order[:EACH].tolist(), *order[-EACH:].tolist()]))
    return [[words[i], round(float(weights[i]), 4)] for i in chosen if abs(weights[i]) > 1e-9]


def _maps(fitted: Fitted) -> list[dict[str, Any]]:
    """Return maps of the embeddings that a network learned from scratch: of words, and of levels of categories."""
    net = getattr(fitted.estimator, "net", None)
    description = getattr(fitted.estimator, "description", None)
    if net is None or description is None:
        return []
    found = []
    spelled = _spelled(fitted)
    for spec, encoder in zip(description.layout.blocks, getattr(net, "encoders", ())):
        words = spelled.get(spec.name, {})
        if spec.kind == "text" and words and hasattr(encoder, "embedding"):
            found.append(_map(encoder.embedding.weight, words, spec.name, "text"))
    categories = getattr(net, "categories", None)
    for name, rows in _tables(categories, description.layout.codes):
        if spelled.get(name):
            found.append(_map(rows, spelled[name], name, "category"))
    return [one for one in found if one is not None]


def _spelled(fitted: Fitted) -> dict[str, dict[int, str]]:
    """Return, by column, the word or level behind each code, the most frequent first."""
    found: dict[str, dict[int, str]] = {}
    for kind, names, encoder in fitted.transform.parts:
        if kind == "category":
            for name, levels in zip(names, encoder.levels, strict=True):  # type: ignore[attr-defined]
                found[name] = dict(enumerate(levels, 2))
        elif kind == "text" and encoder.layout().blocks:
            for name, cutter in zip(names, encoder.cutters, strict=True):  # type: ignore[attr-defined]
                found[name] = {
                    code: word for code, word in cutter.spelled.items() if any(map(str.isalpha, word)) and len(word) > 1
                }
    return found


def _tables(categories: Any, codes: Sequence[tuple[str, int]]) -> list[tuple[str, Any]]:
    """Return the rows of each code column's embedding, where it has one: columns of one width share a table."""
    found = []
    for n, table in enumerate(getattr(categories, "tables", ())):
        columns, offsets = (categories.get_buffer(f"{what}_{n}").tolist() for what in ("columns", "offsets"))
        for place, offset in zip(columns, offsets, strict=True):
            name, cardinality = codes[place]
            found.append((name, table.weight[offset : offset + cardinality]))
    return found


def _map(rows: Any, words: Mapping[int, str], column: str, kind: str) -> dict[str, Any] | None:
    """Return the most frequent words on the two directions in which their vectors differ most; None for too few."""
    chosen = list(words.items())[:ON_MAP]
    if len(chosen) < FEWEST:
        return None
    vectors = rows.detach().cpu().double().numpy()[[code for code, _ in chosen]]
    centred = vectors - vectors.mean(axis=0)
    left, values, right = np.linalg.svd(centred, full_matrices=False)
    flat = left[:, :2] * values[:2]
    flat = flat * np.where(
        np.abs(right[:2]).max(axis=1) == right[:2].max(axis=1), 1.0, -1.0
    )  # a direction's sign is arbitrary
    if flat.shape[1] < 2 or not values[0] > 0:
        return None
    points = [
        {"word": word, "x": round(float(x), 4), "y": round(float(y), 4)} for (_, word), (x, y) in zip(chosen, flat)
    ]
    share = float((values[:2] ** 2).sum() / (values**2).sum())
    return {
        "column": column,
        "kind": kind,
        "of": len(words),
        "points": points,
        "share": share,
        "width": vectors.shape[1],
    }


# --- the worst answers -------------------------------------------------------------------------------------------------


def weighed(
    bench: Bench, members: Sequence[Trial], weights: Sequence[float], rows: Sequence[int], clock: Clock
) -> dict[str, Any]:
    """Return the words that weighed in the answers to some development rows, by the member that weighs most and can be asked.

    The member is fitted again as it was when these rows were held out: same rows, same seed. A linear one tells exact
    parts; a network is asked only where there is time to fit it again.

    Args:
        rows: development rows, each in the validation rows of some fold.

    Returns:
        candidate, scale, title, and rows: {row: {column: [[word, part], …]}}; or `silence`, why there is nothing.
    """
    texts = [column.name for column in bench.rows.columns if column.kind == "text"]
    if not texts or not rows:
        return {"silence": "there is no column of texts"}
    able = [trial for _, trial in sorted(zip(weights, members), key=lambda pair: -pair[0]) if _reads(trial)]
    if not able:
        return {"silence": "no member of the answer reads words"}
    for trial in able:
        folds = _folds(bench, rows)
        seconds = trial.entry["seconds"] * len(folds) / max(1, trial.entry.get("n_folds", len(bench.folds)))
        seconds += len(rows) * EXPLAINED_SECONDS if trial.candidate.kind == "network" else 0.0
        if MARGIN * seconds <= clock.left():
            return _parts(bench, trial, folds, texts)
    return {"silence": f"no time was left to fit {able[0].name} again"}


def _reads(trial: Trial) -> bool:
    """Whether a candidate's words can be told: a linear one on terms, or a network that learns its own embedding of them."""
    if trial.candidate.learner.name == "linear":
        return trial.candidate.recipe.media == "sparse"
    return trial.candidate.kind == "network" and trial.candidate.recipe.media == "blocks"


def _folds(bench: Bench, rows: Sequence[int]) -> dict[int, list[int]]:
    """Return, by fold of the first repeat, which of the rows it held out."""
    found: dict[int, list[int]] = {}
    for number, fold in enumerate(bench.folds):
        held = (
            [row for row in rows if row in set(fold.validation.tolist())]
            if fold.repeat == bench.folds[0].repeat
            else []
        )
        if held:
            found[number] = held
    return found


def _parts(bench: Bench, trial: Trial, folds: Mapping[int, Sequence[int]], texts: Sequence[str]) -> dict[str, Any]:
    told: dict[str, Any] = {}
    explainer: Any = None
    scale = ""
    for number, held in folds.items():
        fitted = _as_it_was(bench, trial, number)
        explainer = next((one for one in _explainers() if not one.declines(fitted)), None)
        if explainer is None:
            return {"silence": f"{trial.name} keeps its words to itself"}
        part, background = bench.rows.take(np.array(held)), bench.rows.take(bench.folds[number].train[:200])
        answered = fitted.predict(part.cells, len(part))[0]
        which = (
            answered.argmax(axis=1)
            if fitted.outputs[0].task.family in ("classes", "sets")
            else np.zeros(len(part), np.int64)
        )
        seen = explainer.explain(fitted, part, background, output=0, which=which.astype(np.int64), seed=bench.seed)
        scale = seen.scale
        for i, row in enumerate(held):
            told[str(row)] = {name: _told(seen.details[name][i]) for name in texts if name in seen.details}
    return {"candidate": trial.name, "title": explainer.title, "scale": scale, "rows": told}


def _explainers() -> list[Any]:
    return [find("explainers", name)() for name in ("linear", "gradient")]


def _as_it_was(bench: Bench, trial: Trial, number: int) -> Fitted:
    """Fit a trial's candidate on a fold's training rows, with the seed and the stopping rows it had then."""
    candidate, fold = trial.candidate, bench.folds[number]
    train, stop = stopping_rows(candidate, fold.train, bench.roles, bench.splitter)
    seed = seed_for(seed_for(bench.seed, trial.entry["key"]), "fold", number)
    shared = bench.caches.setdefault((number, stops_on(candidate.learner)), Encodings({}))
    fitted, _ = fit(
        candidate, bench.rows.take(train), None if stop is None else bench.rows.take(stop), bench.problem.outputs, bench.modality,
        Effort(seed, bench.threads), shared, bench.rows.take(fold.validation),
    )  # fmt: skip
    return fitted


def _told(detail: Mapping[str, Any]) -> list[list[Any]]:
    """Return the strongest words of a text with their parts, words that come twice together."""
    sums: dict[str, float] = {}
    for token, value in zip(detail.get("tokens", ()), detail.get("values", ()), strict=True):
        sums[str(token)] = sums.get(str(token), 0.0) + float(value)
    sums.pop("other", None)
    strongest = sorted(sums.items(), key=lambda pair: -abs(pair[1]))[:TOLD]
    return [[token, round(value, 4)] for token, value in strongest if abs(value) > 1e-9]
