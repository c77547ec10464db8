"""Refresh: retrain on what was served, compare on the newest rows, and write a new version beside the old one.

Takes a model, its log and perhaps the rows it was trained on. Two ways: anew, and further from the old weights (`versions`). How often it is
worth it is measured on the same log: by `updating` for warm starts, by `steps.recency` for retraining. The old folder is never
touched, and nothing is put into service: that is an experiment's to decide.
"""

from __future__ import annotations

import platform
import time
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

from fieldguide.core.bench import golden_rows
from fieldguide.core.candidate import Candidate, fit
from fieldguide.core.continuing import members_of
from fieldguide.core.contracts import Effort, Metric
from fieldguide.core.errors import ConfigError, DataError, StudyError, listed, nearest
from fieldguide.core.figures import number, span
from fieldguide.core.files.source import open_source
from fieldguide.core.journal import Journal
from fieldguide.core.leaderboard import readable
from fieldguide.core.model import Model
from fieldguide.core.online.log import now as present
from fieldguide.core.plain import plain
from fieldguide.core.problem import Output, Problem
from fieldguide.core.reading import read_frame, samples_of
from fieldguide.core.result import Result
from fieldguide.core.rows import Rows
from fieldguide.core.table import Table
from fieldguide.parts import find, modality
from fieldguide.parts.stores import open_log
from fieldguide.steps.checking import checked
from fieldguide.steps.online.served_rows import ServedRows, coded_columns, served_rows, truth_columns
from fieldguide.steps.online.updating import updates_of
from fieldguide.steps.online.versions import (
    Material,
    Trained,
    as_it_is,
    changed,
    from_scratch,
    from_weights,
    judged,
    members_in_words,
    outputs_of,
    refitted,
)
from fieldguide.steps.recency import recency

NEWEST = 0.2
"""Share of the rows, the newest, on which old and new are compared."""
FEWEST = 100
MOST_ROWS = 200_000
SLOW = ("network", "ensemble", "user")
"""Kinds of candidates that are too slow to be fitted dozens of times: their ageing is measured on boosting."""


STARTS = ("auto", "warm", "scratch")
RECORD = "refresh.jsonl"
"""Journal of refreshes, beside the folders of a model's versions."""
FIXED = "the old version's, fixed: its scales, bins and levels; a level that is new stays unknown"


def refresh_of_log(
    model: Path, log: str, out: Path | None = None, *, earlier: Path | None = None, outcome: str = "outcome", start: str = "auto",
    wait: str | None = None, absent: str | None = None, period: str | None = None, success: float = 0.0, now: datetime | None = None,
    seed: int = 7, threads: int = 1,
) -> Result:  # fmt: skip
    """Retrain a model on its log with the settings it has, and write a new version beside the old.

    Args:
        model: folder of the model that is served.
        log: URL of the log.
        out: folder of the new version; None: the old one's name with the next number.
        earlier: rows from before the log with their truth, trained on as well; a warm start has learned of them already.
        outcome: the outcome in the log that is the target; further outputs have outcomes of their own names.
        start: warm (fitted further from the old version's weights, transform fixed), scratch (fitted anew), or auto: whichever
            is better on the newest rows.
        wait: how long outcomes take; None: by the delay curve.
        absent: what a row without an outcome counts as once it is old enough.
        period: of the schedules of updates that are compared; None: what suits the span of the log.
        success: the gain that is worth an update, in units of the metric.
        now: the moment of the look.

    Raises:
        ConfigError: there is no such start.
        DataError: too few rows are old enough.
        StudyError: the new version's folder exists; the model cannot start warm, and shall.
    """
    began, now = time.perf_counter(), now or present()
    if start not in STARTS:
        raise ConfigError(
            f"there is no start {start!r}{nearest(start, STARTS)}",
            rule="a model is trained from scratch, or from its old weights",
            found=repr(start),
            do=f"use one of {', '.join(STARTS)}",
        )
    old, out = Model.load(model, find), _beside(model) if out is None else out
    if out.exists():
        raise StudyError(
            f"{out} exists already",
            rule="a version is never overwritten",
            found="a file" if out.is_file() else "a folder",
            do="name another folder by -o",
        )
    told = _ready(log, old, outcome, wait, absent, now)
    served, metric = told[0], _metric(old)
    outputs = outputs_of(old, metric)
    material = _material(old, told, earlier)
    n_new = max(FEWEST // 2, round(NEWEST * len(served)))
    window = np.arange(len(material.rows) - n_new, len(material.rows))
    versions = _versions(old, outputs, metric, material, window, start, seed, threads)
    untils = [one.until for one in told if one.until is not None]
    delay = (now - min(untils)).total_seconds() * 1e6 if untils else 0.0
    updates = updates_of(
        old, outputs, metric, material, delay, success=success, period=period, seed=seed, threads=threads
    )  # fmt: skip
    schedule = _schedule(old, metric, material, period, success, seed, threads)
    written = versions["written"]
    fresh = _packaged(old, outputs, material, versions, metric, seed, threads)
    facts = {
        "sentence": "", "title": "Retrain on the log", "model": str(model), "out": str(out), "metric": metric.name,
        "metric_title": metric.title, "greater_is_better": metric.greater_is_better, "n_rows": len(material.rows), "n_served": len(served),
        "n_earlier": material.n_earlier, "n_window": len(window), "n_fit": versions["trained"][written].n_fit,
        "from": _iso(material.times[window[0]]), "to": _iso(material.times[window[-1]]),
        "old": versions["scores"]["old"], "new": versions["scores"][written], "difference": _pair(versions["differences"], written, "old"),
        "versions": versions["scores"], "differences": versions["differences"], "written": written, "why_written": versions["why"],
        "warm": versions["warm"], "seconds_of": {name: one.seconds for name, one in versions["trained"].items()},
        "schedule": schedule, "updates": updates, "recommended": _recommended(updates, schedule),
        "until": min(untils).isoformat() if untils else None, "wait": delay / 1e6, "outputs": [one.name for one in old.outputs],
    }  # fmt: skip
    facts["sentence"] = _sentence(facts)
    fresh = replace(fresh, evidence={**fresh.evidence, "refresh": plain(facts)})
    fresh.save(out)
    result = Result("refresh", facts, checked("refresh", refresh=facts), time.perf_counter() - began)
    keep_beside(model, result)
    return result


def _ready(log: str, old: Model, outcome: str, wait: str | None, absent: str | None, now: datetime) -> list[ServedRows]:
    """Return the served rows that can be learned from, an entry per output: their outcomes are known and old enough.

    Raises:
        DataError: there are too few.
    """
    store = open_log(log, create=False)
    try:
        told = [served_rows(store, old, _named(old, one, outcome), wait, absent, now, one) for one in old.outputs]
    finally:
        store.close()
    # What is learned of must be known; what is too young would be learned as "it never came".
    ready = np.logical_and.reduce([one.known & one.mature for one in told])
    told = [one.take(np.flatnonzero(ready)[-MOST_ROWS:]) for one in told]
    if len(told[0]) < FEWEST:
        raise DataError(
            f"only {len(told[0])} served rows have an outcome"
            + (f" of each of {listed(o.name for o in old.outputs)}" if len(told) > 1 else "")
            + " and are old enough", rule=f"retraining needs {FEWEST}",
            found=f"{len(told[0])} rows",
            do="wait for outcomes, or name --wait",
        )  # fmt: skip
    return told


def _versions(
    model: Model, outputs: tuple[Output, ...], metric: Metric, material: Material, window: np.ndarray, start: str, seed: int, threads: int
) -> dict[str, Any]:  # fmt: skip
    """Train both ways on the rows before the window, judge all versions there, and say which is written."""
    trained: dict[str, Trained] = {}
    trained["scratch"] = from_scratch(model, outputs, material, window, seed, threads)
    found = from_weights(model, outputs, material, window, seed, threads)
    silence = (
        found
        if isinstance(found, str)
        else ""
        if changed(found)
        else "no step from the old weights was better than none"
    )
    if isinstance(found, Trained):
        trained["warm"] = found
    if start == "warm" and silence:
        raise StudyError(
            f"the model cannot start warm: {silence}",
            rule="old weights are where training goes on, if the model has any that fit",
            found=f"--start {start}",
            do="leave out --start, or name --start scratch",
        )
    answers = {
        "old": as_it_is(model, outputs, material, window),
        **{name: one.answers for name, one in trained.items()},
    }
    said = judged(metric, material, window, answers, seed)
    sign = 1.0 if metric.greater_is_better else -1.0
    able = [name for name in trained if not (name == "warm" and silence)]
    best = max(able, key=lambda name: sign * said["scores"][name]["value"])
    written = best if start == "auto" else start
    why = "as asked" if start != "auto" else silence or "the better of the two on the newest rows"
    warm: dict[str, Any] = {"silence": silence, **members_in_words(model.predictor), "transform": FIXED}
    if "warm" in trained:
        warm["n_steps"] = [n for steps in trained["warm"].steps for n in steps]
    return {**said, "trained": trained, "written": written, "why": why, "warm": warm}


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


def _named(model: Model, output: Output, outcome: str) -> str:
    """Return the name of an output's outcomes: the one that was given is the first's, further ones have their own."""
    return outcome if output is model.outputs[0] else output.name


def _material(model: Model, told: Sequence[ServedRows], earlier: Path | None) -> Material:
    served = told[0]
    table, _ = read_frame(served.cells, model.columns, model.modality)
    truths = [one.truth for one in told]
    blocks, times = served.units, served.times
    n_earlier = 0
    if earlier is not None:
        raw = open_source(earlier).collect()
        held = [name for one in model.outputs for name in truth_columns(one, raw, earlier.name)]
        raw = raw.filter(pl.all_horizontal(pl.col(name).is_not_null() for name in held))
        before, _ = read_frame(raw, model.columns, model.modality)
        n_earlier = raw.height
        table = Table(pl.concat([before.frame, table.frame], how="vertical_relaxed"), table.columns)
        truths = [np.concatenate([coded_columns(one, raw), truth]) for one, truth in zip(model.outputs, truths)]
        blocks = np.concatenate([np.arange(n_earlier) + blocks.max(initial=-1) + 1, blocks])
        times = np.concatenate([np.full(n_earlier, times.min() - 1), times])
    rows = replace(Rows.of(table, (), model.modality), truths=tuple(truths))
    return Material(table, rows, blocks, times, n_earlier)


def _schedule(
    model: Model, metric: Metric, material: Material, period: str | None, success: float, seed: int, threads: int
) -> dict[str, Any]:
    """Return how often retraining from scratch is worth it, by the decay of the served rows."""
    member = members_of(model.predictor)[0]
    stand_in = member.candidate.kind in SLOW
    candidate = Candidate.of("boosting", find("learners", "boosting")()) if stand_in else member.candidate
    served = material.served
    outputs = tuple(replace(output, metric=metric) for output in model.outputs[:1])
    rows = replace(material.rows, truths=material.rows.truths[:1])

    def answers(train: np.ndarray, judged: np.ndarray) -> np.ndarray:
        fitted, _ = fit(candidate, rows.take(served[train]), None, outputs, modality, Effort(seed, threads))
        part = rows.take(served[judged])
        return readable(outputs[0], fitted.predict(part.cells, len(part))[0], metric, model.thresholds[0])

    facts, findings = recency(
        Problem(outputs, success=success), material.rows.truths[0][served], material.times[served], material.blocks[served], answers,
        candidate.name, period=period, seed=seed,
    )  # fmt: skip
    kept = (
        "silence",
        "recommended",
        "why",
        "period",
        "decay",
        "curve",
        "score",
        "schedules",
        "sentence",
        "oldest",
        "title",
    )
    fired = [finding.to_dict() for finding in findings if finding.fired]
    return {name: facts.get(name) for name in kept} | {
        "candidate": candidate.name,
        "stand_in": stand_in,
        "findings": fired,
    }


def _packaged(
    model: Model, outputs: tuple[Output, ...], material: Material, versions: Mapping[str, Any], metric: Metric, seed: int, threads: int
) -> Model:  # fmt: skip
    """Return the version that is written, fitted on all rows, with golden rows and what it was compared with as evidence."""
    written = versions["written"]
    predictor = refitted(model, outputs, material, versions["trained"][written], written == "warm", seed, threads)
    n_rows = len(material.served) if written == "warm" else len(material.rows)
    card = dict(model.evidence.get("card") or {})
    card |= {
        "made by": f"fieldguide {version('fieldguide')}, Python {platform.python_version()}, refresh",
        "data": f"{n_rows:,} rows, {len(material.served):,} of them served",
        "start": "from the weights of the version it replaces; transform unchanged" if written == "warm" else "from scratch",
        "replaces": "" if model.folder is None else model.folder.name,
    }  # fmt: skip
    entry = {
        "output": model.outputs[0].name, "metric": metric.name, **versions["scores"][written],
        "n": _pair(versions["differences"], written, "old")["n"], "rows": "newest", "looks": 0,
    }  # fmt: skip
    compared = _pair(versions["differences"], written, "old")
    evidence = {"card": card, "scores": [entry], "looks": [], "seed": seed, "compared": compared}
    kept = tuple(replace(output, metric=None) for output in outputs)  # with their loss: a version is refreshed again
    fresh = Model(
        model.columns, kept, predictor, model.find, model.thresholds, model.key, {}, evidence, rules=model.rules
    )  # fmt: skip
    samples = samples_of(material.table, model.columns, modalities=modality)
    golden = golden_rows(samples, model.columns, seed=seed)
    answers = [prediction.tolist() for prediction in fresh.predict_rows(golden)[0]]
    return replace(fresh, golden={"rows": golden, "answers": answers, "tolerance": 1e-5})


def _pair(differences: list[dict[str, Any]], of: str, to: str) -> dict[str, Any]:
    """Return the paired difference of two versions without their names."""
    found = next(pair for pair in differences if pair["of"] == of and pair["to"] == to)
    return {name: value for name, value in found.items() if name not in ("of", "to")}


def _recommended(updates: Mapping[str, Any], schedule: Mapping[str, Any]) -> dict[str, Any]:
    """Return what follows for live retraining: how often, by which way, and why; `every` None where nothing can be said."""
    if not updates["silence"]:
        return {"every": updates["recommended"], "way": "warm", "why": updates["why"]}
    if not schedule["silence"]:
        why = f"{schedule['why']} (warm starts: {updates['silence']})"
        return {"every": schedule["recommended"], "way": "scratch", "why": why}
    return {"every": None, "way": "", "why": schedule["silence"]}


def _sentence(facts: Mapping[str, Any]) -> str:
    low, high = facts["difference"]["interval"]
    known = low is not None and high is not None
    better, worse = known and low > 0, known and high < 0
    what = "better than" if better else "worse than" if worse else "not shown to differ from"
    reach = f" {span((low, high), 3)}" if known else ""
    way = "trained further from the old weights" if facts["written"] == "warm" else "trained from scratch"
    said = facts["recommended"]
    kind = "warm-start updates" if said["way"] == "warm" else "retraining"
    often = f"; how often: {said['why']}" if said["every"] is None else f"; {kind}: {said['every']}"
    return (
        f"On the newest {facts['n_window']:,} rows the new version, {way} ({facts['metric_title']} {number(facts['new']['value'])}), is {what} "
        f"the old ({number(facts['old']['value'])}; {number(facts['difference']['value'], 3, sign=True)}{reach}); written to {facts['out']}{often}"
    )


def keep_beside(model: Path, result: Result) -> Path:
    """Record a result in the journal that stands beside a model's versions, and return its path."""
    path = model.parent / RECORD
    Journal(path).append("refresh", plain(result.to_dict()))
    return path


def refreshes(model: Path) -> list[Result]:
    """Return what was recorded of refreshes beside a model's folder, the first first; of this model, its elders and its heirs."""
    path = model.parent / RECORD
    if not path.is_file():
        return []
    stem = _stem(model.name)
    found = [Result.from_dict(record["data"]) for record in Journal(path).records("refresh")]
    return [result for result in found if _stem(Path(result["model"]).name) == stem]


def _stem(name: str) -> str:
    head, _, tail = name.rpartition(".")
    return head if head and tail.isdigit() else name


def _iso(micros: int) -> str:
    return np.datetime64(int(micros), "us").astype(datetime).isoformat()
