"""Refresh: retrain on what was served, compare on the newest rows, and write a new version beside the old one.

Takes a model, its log and perhaps the rows it was trained on. How often it is worth it is measured by `steps.recency` on the same rows.
The old folder is never touched, and nothing is put into service: that is an experiment's to decide.
"""

from __future__ import annotations

import platform
import time
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

from fieldguide.core.bench import golden_rows
from fieldguide.core.candidate import (
    Blend,
    Candidate,
    Fitted,
    Predictor,
    calibrated,
    corrected,
    fit,
    mixed,
    original_scale,
)
from fieldguide.core.contracts import Effort, Metric, Predictions, Roles
from fieldguide.core.errors import DataError, StudyError
from fieldguide.core.evaluate import evaluate, refit_steps
from fieldguide.core.files.source import open_source
from fieldguide.core.leaderboard import readable
from fieldguide.core.model import Model
from fieldguide.core.problem import Problem
from fieldguide.core.reading import read_frame, samples_of
from fieldguide.core.result import Result
from fieldguide.core.rows import Rows
from fieldguide.core.score import compare, score
from fieldguide.core.split import Fold
from fieldguide.core.table import Table, row_keys
from fieldguide.parts import find, modality
from fieldguide.parts.stores import open_log
from fieldguide.steps.checking import checked
from fieldguide.steps.online.served_rows import ServedRows, served_rows
from fieldguide.steps.recency import recency

NEWEST = 0.2
"""Share of the rows, the newest, on which old and new are compared."""
FEWEST = 100
MOST_ROWS = 200_000
SLOW = ("network", "ensemble", "user")
"""Kinds of candidates that are too slow to be fitted dozens of times: their ageing is measured on boosting."""


@dataclass(frozen=True)
class Material:
    """Rows to train on, the oldest first.

    Args:
        n_earlier: how many of them come from before the log.

    Shape:
        blocks, times: (rows,)
    """

    table: Table
    rows: Rows
    blocks: np.ndarray
    times: np.ndarray
    n_earlier: int


def refresh_of_log(
    model: Path, log: str, out: Path | None = None, *, earlier: Path | None = None, outcome: str = "outcome",
    wait: str | None = None, absent: str | None = None, now: datetime | None = None, seed: int = 7, threads: int = 1,
) -> Result:  # fmt: skip
    """Retrain a model on its log with the settings it has, and write a new version beside the old.

    Args:
        model: folder of the model that is served.
        log: URL of the log.
        out: folder of the new version; None: the old one's name with the next number.
        earlier: rows from before the log with their truth, trained on as well.
        outcome: the outcome in the log that is the target.
        wait: how long outcomes take; None: by the delay curve.
        absent: what a row without an outcome counts as once it is old enough.
        now: the moment of the look.

    Raises:
        DataError: too few rows are old enough.
        StudyError: the new version's folder exists.
    """
    began = time.perf_counter()
    old = Model.load(model, find)
    out = _beside(model) if out is None else out
    if out.exists():
        raise StudyError(f"{out} exists already", rule="a version is never overwritten", do="name another folder by -o")
    store = open_log(log, create=False)
    try:
        served = served_rows(store, old, outcome, wait, absent, now)
    finally:
        store.close()
    # What is learned of must be known; what is too young would be learned as "it never came".
    served = served.take(served.known & served.mature)
    served = served.take(np.arange(max(0, len(served) - MOST_ROWS), len(served)))
    if len(served) < FEWEST:
        raise DataError(
            f"only {len(served)} served rows have an outcome and are old enough", rule=f"retraining needs {FEWEST}",
            do="wait for outcomes, or name --wait",
        )  # fmt: skip
    metric = _metric(old)
    material = _material(old, served, earlier)
    n_new = max(FEWEST // 2, round(NEWEST * len(served)))
    window = np.arange(len(material.rows) - n_new, len(material.rows))
    judged = _judged(old, metric, material, window, seed, threads)
    schedule = _schedule(old, metric, material, seed, threads)
    fresh = _packaged(old, material, judged, metric, seed, threads)
    fresh.save(out)
    difference = judged["difference"]
    facts = {
        "sentence": "", "title": "Retrain on the log", "model": str(model), "out": str(out), "metric": metric.name,
        "metric_title": metric.title, "n_rows": len(material.rows), "n_served": len(served), "n_earlier": material.n_earlier,
        "n_window": len(window), "n_fit": judged["n_fit"], "from": _iso(material.times[window[0]]), "to": _iso(material.times[window[-1]]),
        "old": judged["old"], "new": judged["new"], "difference": difference, "schedule": schedule,
        "until": None if served.until is None else served.until.isoformat(),
    }  # fmt: skip
    facts["sentence"] = _sentence(facts)
    return Result("refresh", facts, checked("refresh", refresh=facts), time.perf_counter() - began)


def _beside(model: Path) -> Path:
    """Return the folder of the next version: `model` is followed by `model.2`."""
    stem, number = model.name, 2
    head, _, tail = model.name.rpartition(".")
    if head and tail.isdigit():
        stem, number = head, int(tail) + 1
    while (model.parent / f"{stem}.{number}").exists():
        number += 1
    return model.parent / f"{stem}.{number}"


def _metric(model: Model) -> Metric:
    """Return the metric that the model's evidence names, else the task's own."""
    output = model.outputs[0]
    named = [s["metric"] for s in model.evidence.get("scores", []) if s["output"] == output.name]
    return find("metrics", named[0] if named else output.task.metrics[0])()


def _material(model: Model, served: ServedRows, earlier: Path | None) -> Material:
    output = model.outputs[0]
    table, _ = read_frame(served.cells, model.columns, model.modality)
    truths, blocks, times = served.truth, served.units, served.times
    n_earlier = 0
    if earlier is not None:
        raw = open_source(earlier).collect()
        if output.name not in raw.columns:
            raise DataError(f"{earlier.name} has no column {output.name!r}", rule="earlier rows have their truth")
        raw = raw.filter(pl.col(output.name).is_not_null())
        before, _ = read_frame(raw, model.columns, model.modality)
        n_earlier = raw.height
        table = Table(pl.concat([before.frame, table.frame], how="vertical_relaxed"), table.columns)
        truths = np.concatenate([output.code(raw[output.name]), truths])
        blocks = np.concatenate([np.arange(n_earlier) + blocks.max(initial=-1) + 1, blocks])
        times = np.concatenate([np.full(n_earlier, times.min() - 1), times])
    rows = replace(Rows.of(table, (), model.modality), truths=(truths,))
    return Material(table, rows, blocks, times, n_earlier)


def _members(model: Model) -> tuple[tuple[Fitted, ...], tuple[float, ...]]:
    predictor: Any = model.predictor
    return (predictor.members, predictor.weights) if isinstance(predictor, Blend) else ((predictor,), (1.0,))


def _calibrators(model: Model) -> tuple[Any, ...]:
    found: tuple[Any, ...] = getattr(model.predictor, "calibrators", ())
    return found


def _judged(
    model: Model, metric: Metric, material: Material, window: np.ndarray, seed: int, threads: int
) -> dict[str, Any]:
    """Fit on the rows before the window and compare there with the old model, paired."""
    output, members = model.outputs[0], _members(model)
    train = np.arange(window[0])
    roles = Roles(row_keys(material.table.frame), material.blocks, material.times, None)
    raws: list[Predictions] = []
    steps: list[tuple[int, ...]] = []
    n_fit = len(train)
    for member in members[0]:
        found = evaluate(
            member.candidate, material.rows, [Fold(train, window)], model.outputs[:1], roles=roles,
            splitter=find("splitters", "chronological")(), modalities=modality, effort=Effort(seed, threads),
        )  # fmt: skip
        raws.append(found.predictions)
        steps.append(found.n_steps)
        n_fit = found.n_fit
    fresh = corrected(original_scale(mixed(raws, members[1]), model.outputs[:1]), _calibrators(model)[:1])[0]
    judged = material.rows.take(window)
    before = model.predictor.predict(judged.cells, len(judged))[0]
    threshold, truth, blocks = model.thresholds[0], judged.truths[0], material.blocks[window]
    one, other = (readable(output, p, metric, threshold) for p in (before, fresh))
    scores = [score(metric, truth, read, blocks, seed) for read in (one, other)]
    return {
        "old": {"value": scores[0][0], "interval": list(scores[0][1])}, "new": {"value": scores[1][0], "interval": list(scores[1][1])},
        "difference": compare(metric, truth, other, one, blocks, seed).to_dict(), "steps": steps, "n_fit": n_fit, "n": len(window),
    }  # fmt: skip


def _schedule(model: Model, metric: Metric, material: Material, seed: int, threads: int) -> dict[str, Any]:
    """Return how often retraining is worth it, by the decay of the served rows."""
    member = _members(model)[0][0]
    stand_in = member.candidate.kind in SLOW
    candidate = Candidate.of("boosting", find("learners", "boosting")()) if stand_in else member.candidate
    served = np.arange(material.n_earlier, len(material.rows))
    outputs = tuple(replace(output, metric=metric) for output in model.outputs[:1])

    def answers(train: np.ndarray, judged: np.ndarray) -> np.ndarray:
        fitted, _ = fit(candidate, material.rows.take(served[train]), None, outputs, modality, Effort(seed, threads))
        part = material.rows.take(served[judged])
        return readable(outputs[0], fitted.predict(part.cells, len(part))[0], metric, model.thresholds[0])

    facts, findings = recency(
        Problem(outputs), material.rows.truths[0][served], material.times[served], material.blocks[served], answers,
        candidate.name, seed=seed,
    )  # fmt: skip
    kept = ("silence", "recommended", "why", "period", "decay", "schedules", "sentence", "oldest", "title")
    fired = [finding.to_dict() for finding in findings if finding.fired]
    return {name: facts.get(name) for name in kept} | {
        "candidate": candidate.name,
        "stand_in": stand_in,
        "findings": fired,
    }


def _packaged(
    model: Model, material: Material, judged: Mapping[str, Any], metric: Metric, seed: int, threads: int
) -> Model:
    """Return the model fitted again on all rows, with golden rows and what it was compared with as evidence."""
    members, weights = _members(model)
    fitted = []
    for member, steps in zip(members, judged["steps"]):
        n = refit_steps(member.candidate.learner, steps, judged["n_fit"], len(material.rows))
        effort = Effort(seed, threads, n_steps=n)
        fitted.append(fit(member.candidate, material.rows, None, model.outputs[:1], modality, effort)[0])
    predictor: Predictor = fitted[0] if len(fitted) == 1 else Blend(tuple(fitted), tuple(weights))
    predictor = calibrated(predictor, _calibrators(model)[:1])
    card = dict(model.evidence.get("card") or {})
    card |= {
        "made by": f"fieldguide {version('fieldguide')}, Python {platform.python_version()}, refresh",
        "data": f"{len(material.rows):,} rows, {len(material.rows) - material.n_earlier:,} of them served",
        "replaces": "" if model.folder is None else model.folder.name,
    }  # fmt: skip
    entry = {
        "output": model.outputs[0].name, "metric": metric.name, **judged["new"], "n": judged["n"], "rows": "newest", "looks": 0,
    }  # fmt: skip
    evidence = {"card": card, "scores": [entry], "looks": [], "seed": seed, "compared": dict(judged["difference"])}
    fresh = Model(
        model.columns, model.outputs[:1], predictor, model.find, model.thresholds[:1], model.key, {}, evidence,
        rules=model.rules if len(model.outputs) == 1 else None,  # rules over several signals need them all
    )  # fmt: skip
    samples = samples_of(material.table, model.columns, modalities=modality)
    golden = golden_rows(samples, model.columns, seed=seed)
    answers = [prediction.tolist() for prediction in fresh.predict_rows(golden)[0]]
    return replace(fresh, golden={"rows": golden, "answers": answers, "tolerance": 1e-5})


def _sentence(facts: Mapping[str, Any]) -> str:
    low, high = facts["difference"]["interval"]
    known = low is not None and high is not None
    better, worse = known and low > 0, known and high < 0
    what = "better than" if better else "worse than" if worse else "not shown to differ from"
    reach = f" [{low:.3g}, {high:.3g}]" if known else ""
    schedule = facts["schedule"]
    often = f"; {schedule['silence']}" if schedule["silence"] else f"; retrain {schedule['recommended']}"
    return (
        f"On the newest {facts['n_window']:,} rows the new version ({facts['metric_title']} {facts['new']['value']:.4g}) is {what} "
        f"the old ({facts['old']['value']:.4g}; {facts['difference']['value']:+.3g}{reach}); written to {facts['out']}{often}"
    )


def _iso(micros: int) -> str:
    return np.datetime64(int(micros), "us").astype(datetime).isoformat()
