"""The online–offline gap: the score that was promised against the score that is met, split into what causes it.

Takes a promise, offline rows with their truth where there are any, and served rows. Each part is the difference of two scores that
differ in one thing, so that the parts sum to the gap; a part that cannot be estimated says why and stays in the rest.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

from fieldguide.core.contracts import Metric
from fieldguide.core.errors import ConfigError, DataError, listed, nearest
from fieldguide.core.figures import number
from fieldguide.core.files.source import open_source
from fieldguide.core.leaderboard import readable
from fieldguide.core.model import Model
from fieldguide.core.online.log import OUTCOME, LogStore, Query
from fieldguide.core.online.log import now as present
from fieldguide.core.problem import Output
from fieldguide.core.reading import read_frame
from fieldguide.core.result import Result
from fieldguide.core.rows import Rows
from fieldguide.core.seeds import generator
from fieldguide.core.table import Table
from fieldguide.parts import find
from fieldguide.parts.stores import open_log
from fieldguide.steps.checking import checked
from fieldguide.steps.online.forecast_rows import forecast_rows
from fieldguide.steps.online.gap_parts import Judged, gap, likeness_of
from fieldguide.steps.online.outcomes import corrected
from fieldguide.steps.online.served_rows import (
    ServedRows,
    coded_columns,
    outcome_of,
    served_rows,
    truth_columns,
    with_target,
)

MOST_ROWS = 20_000
SERIES = {"drift": "how alike windows of series are is not told"}


def gap_of_log(
    model: Path, log: str, offline: Path | None = None, *, outcome: str = OUTCOME, wait: str | None = None,
    absent: str | None = None, features: Path | None = None, now: datetime | None = None, seed: int = 0, output: str | None = None,
) -> Result:  # fmt: skip
    """Compare what a model was promised to score with what it scores in its log.

    Of several outputs the first is judged by the outcomes of the name given, each further one by those of its own name, where there are any.

    Args:
        model: the model's folder; its evidence holds the promise.
        log: URL of the log.
        offline: rows with their truth, which make drift estimable; the sealed test rows by best right.
        outcome: the outcome in the log that is the target; "outcome": or where there is none of that name, one named as the target is.
        wait: how long outcomes take; None: by the delay curve.
        absent: what a row without an outcome counts as once it is old enough.
        features: the same requests' cells made by the offline path (column `id` and the model's columns); None: the cells
            as logged, so that only the scoring itself can be skewed.
        now: the moment of the look.
        output: the only output to be judged.

    Raises:
        DataError: nothing was promised, answered, or came of it; the model has no target.
        ConfigError: there is no such output; offline rows are given for a forecast.
    """
    began = time.perf_counter()
    served, now = Model.load(model, find), now or present()
    store = open_log(log, create=False)
    try:
        asked = _asked(store, served, output, outcome)
        found = []
        for one, name in asked:
            said = Asked(served, one, name, wait, absent, now, offline, features, seed)
            found.append(_gap_of(store, said) | {"output": one.name})
    finally:
        store.close()
    facts = found[0] | {"outputs": found[1:]}
    if len(found) > 1:
        facts["sentence"] = "; ".join(f"{one['output']}: {one['sentence']}" for one in found)
    findings = tuple(
        finding if len(found) == 1 else replace(finding, columns=(*finding.columns, one["output"]), sentence=f"{one['output']}: {finding.sentence}")
        for one in found for finding in checked("gap", gap=one)
    )  # fmt: skip
    return Result("gap", facts, findings, time.perf_counter() - began)


@dataclass(frozen=True)
class Asked:
    """One output, and what it is judged by; see `gap_of_log`."""

    model: Model
    output: Output
    outcome: str
    wait: str | None
    absent: str | None
    now: datetime
    offline: Path | None
    features: Path | None
    seed: int

    @property
    def number(self) -> int:
        """The place of the output among the model's."""
        return [one.name for one in self.model.outputs].index(self.output.name)

    def promised(self) -> Mapping[str, Any]:
        """Return the promise. Raises DataError: there is none."""
        scores = self.model.evidence.get("scores", [])
        found = next((s for s in scores if s["output"] == self.output.name and s["value"] is not None), None)
        if found is None:
            raise DataError(
                f"{self.model.folder} promises no score of {self.output.name!r}", rule="a packaged model holds its scores as evidence",
                found=f"scores of {listed(s['output'] for s in scores) or 'nothing'}",
                do="package it again",
            )  # fmt: skip
        return found


def _asked(store: LogStore, model: Model, output: str | None, outcome: str) -> list[tuple[Output, str]]:
    """Return the outputs to be judged, each with the name of its outcomes."""
    names = [one.name for one in model.outputs]
    if output is not None and output not in names:
        raise ConfigError(
            f"the model has no output {output!r}{nearest(output, names)}", rule="an output is one of the model's", found=listed(names),
            do="name one of them by --output",
        )  # fmt: skip
    with_target(model.outputs[0])
    if output is not None:
        chosen = model.outputs[names.index(output)]
        return [(chosen, output if outcome == OUTCOME and chosen is not model.outputs[0] else outcome)]
    further = [(one, one.name) for one in model.outputs[1:] if store.outcomes(Query(name=one.name)).height]
    first = outcome_of(store, model.outputs[0], outcome)
    if further and not store.outcomes(Query(name=first)).height:
        return further
    return [(model.outputs[0], first), *further]


def _gap_of(store: LogStore, asked: Asked) -> dict[str, Any]:
    """Return the gap of one output."""
    output, promised = asked.output, asked.promised()
    metric = find("metrics", promised["metric"])()
    seen = seen_forecasts(store, asked, metric) if output.task.name == "forecast" else _seen(store, asked, metric)
    found = gap(
        metric, promised, seen.online, known=seen.known, mature=seen.mature, recomputed=seen.recomputed, propensity=seen.propensity,
        offline=seen.offline, likeness=seen.likeness, seed=asked.seed,
    )  # fmt: skip
    for part in found["parts"]:
        part["why"] = seen.why.get(part["name"], part["why"]) if part["value"] is None else ""
    facts = {
        "sentence": "", "title": "Online against offline", "metric": metric.name, "metric_title": metric.title,
        "greater_is_better": metric.greater_is_better, "promised_rows": promised["rows"], "promised_weighted": bool(promised.get("weighted")), **found, "drift_auc": seen.auc,
        "until": None if seen.until is None else seen.until.isoformat(), "from_cells": "offline" if asked.features else "log",
        "corrected": corrected(store, Query(name=asked.outcome, known=asked.now)), **seen.facts,
    }  # fmt: skip
    facts["sentence"] = told(facts)
    return facts


@dataclass(frozen=True)
class Seen:
    """What was served of one output, as `gap` reads it.

    Args:
        why: why a part cannot be told, by its name, where that is not what `gap` would say.
        facts: what else is to be told.
    """

    online: Judged
    known: np.ndarray
    mature: np.ndarray
    recomputed: np.ndarray
    propensity: np.ndarray | None
    until: datetime | None
    offline: Judged | None = None
    likeness: np.ndarray | None = None
    auc: float | None = None
    why: Mapping[str, str] = field(default_factory=dict)
    facts: Mapping[str, Any] = field(default_factory=dict)


def _seen(store: LogStore, asked: Asked, metric: Metric) -> Seen:
    model, output = asked.model, asked.output
    rows = served_rows(store, model, asked.outcome, asked.wait, asked.absent, asked.now, output)
    rows = rows.take(np.sort(generator(asked.seed, "gap").permutation(len(rows))[:MOST_ROWS]))
    threshold = model.thresholds[asked.number]

    def read(prediction: np.ndarray) -> np.ndarray:
        return readable(output, prediction, metric, threshold)

    cells = rows.cells if asked.features is None else _made_offline(asked.features, rows.records, rows.cells)
    recomputed = model.predict_rows(cells.to_dicts())[0][asked.number]
    judged, likeness, auc = None, None, None
    if asked.offline is not None:
        judged, likeness, auc = _offline(asked, rows, cells, read)
    return Seen(
        Judged(rows.truth, read(rows.outputs), rows.units), rows.known, rows.mature, read(recomputed), rows.propensity, rows.until, judged,
        likeness, auc,
    )  # fmt: skip


def seen_forecasts(store: LogStore, asked: Asked, metric: Metric) -> Seen:
    """Return forecasts step by step; with a metric that reads whole horizons, those of which every step is known."""
    if asked.offline is not None:
        raise ConfigError(
            "offline rows are not taken for a forecast", rule="how alike rows are is told by their cells, and a forecast's are windows of one series after another",
            found=str(asked.offline), do="leave out --offline",
        )  # fmt: skip
    model, horizon = asked.model, asked.output.width
    rows = forecast_rows(
        store, model, asked.outcome, asked.wait, asked.absent, asked.now, max(50, MOST_ROWS // horizon)
    )
    cells = rows.cells if asked.features is None else _made_offline(asked.features, rows.records, rows.cells)
    recomputed = model.predict_rows(cells.to_dicts())[0][0] / rows.scale[:, None]
    facts: dict[str, Any] = {**rows.facts, "of": "steps" if hasattr(metric, "per_row") else "forecasts"}
    if not hasattr(metric, "per_row"):
        known, mature = np.asarray(rows.known.all(axis=1)), np.asarray(rows.mature.all(axis=1))
        truth = np.where(np.isfinite(rows.truth), rows.truth, 0.0)
        online = Judged(truth, rows.served, rows.blocks[:, -1])
        return Seen(online, known, mature, recomputed, rows.propensity, rows.until, why=SERIES, facts=facts)
    row, step = np.nonzero(rows.come)
    truth, served = rows.truth[row, step], rows.served[row, step]
    known, mature = rows.known[row, step], rows.mature[row, step]
    told = []
    for ahead in range(horizon):
        here = known & mature & (step == ahead)
        value = metric.score(truth[here][:, None], served[here][:, None]) if here.any() else None
        told.append({"step": ahead + 1, "n": int(here.sum()), "value": value})
    online = Judged(np.where(known, truth, 0.0)[:, None], served[:, None], rows.blocks[row, step])
    propensity = None if rows.propensity is None else rows.propensity[row]
    answered = recomputed[row, step][:, None]
    return Seen(online, known, mature, answered, propensity, rows.until, why=SERIES, facts=facts | {"steps": told})


def told(facts: Mapping[str, Any]) -> str:
    """Return the gap in one sentence, the largest part first."""
    parts = sorted((p for p in facts["parts"] if p["value"] is not None), key=lambda p: -abs(p["value"]))
    said = ", ".join(f"{part['name']} {number(part['value'], 3, sign=True)}" for part in parts)
    idle = facts.get("unmatched") or {"n": 0}
    if idle["n"]:
        about = " ".join(f"{name} {value}" for name, value in idle["example"].items())
        said += f". {idle['n']:,} of {idle['of']:,} outcomes belong to no step of any forecast, such as {about}"
    if facts.get("promised_weighted"):
        said += ". The promise counts rows by their weight, online each counts once (population: {weigh: learn} judges both alike)"
    return (
        f"{facts['metric_title']} {number(facts['online']['value'])} online against {number(facts['promised']['value'])} promised "
        f"({number(facts['gap']['value'], 3, sign=True)}): {said}"
    )


def _made_offline(path: Path, records: pl.DataFrame, cells: pl.DataFrame) -> pl.DataFrame:
    """Return the cells of a file for the same requests, in their order."""
    frame = open_source(path).collect()
    absent = [name for name in ("id", *cells.columns) if name not in frame.columns]
    if absent:
        raise DataError(
            f"{path.name} lacks {listed(absent)}",
            rule="it has id and the model's columns",
            found=f"its columns are {listed(frame.columns)}",
            do="add these columns, one row for each request",
        )
    frame = frame.with_columns(pl.col("id").cast(pl.String)).unique("id")
    found = records.select("id").join(frame, on="id", how="left", maintain_order="left")
    known = set(frame["id"])
    missing = sum(one not in known for one in records["id"])
    if missing:
        raise DataError(
            f"{path.name} lacks {missing:,} of the requests",
            rule="every request that was served has its row",
            found=f"{missing:,} of {records.height:,} ids are not in it",
            do="add a row for each of them",
        )
    return found.select(cells.columns)


def _offline(
    asked: Asked, rows: ServedRows, cells: pl.DataFrame, read: Callable[[np.ndarray], np.ndarray]
) -> tuple[Judged, np.ndarray | None, float | None]:
    """Return offline rows as judged, how much more often their like is met online, and how well the two are told apart.

    Args:
        cells: of the served rows by the offline path: a column that is served otherwise is skew, and no drift.
    """
    model, output, path, seed = asked.model, asked.output, asked.offline, asked.seed
    assert path is not None
    raw = open_source(path).collect()
    told = truth_columns(output, raw, path.name)
    raw = raw.filter(pl.all_horizontal(pl.col(name).is_not_null() for name in told))
    raw = raw[np.sort(generator(seed, "offline").permutation(raw.height)[:MOST_ROWS])]
    table, _ = read_frame(raw, model.columns, model.modality)
    prediction = model.predictor.predict(Rows.of(table, (), model.modality).cells, raw.height)[asked.number]
    truth = coded_columns(output, raw)
    judged = Judged(truth, read(prediction), np.arange(raw.height))
    judged_rows = rows.known & rows.mature
    mature = rows.take(judged_rows)
    online, _ = read_frame(cells.filter(pl.Series(judged_rows)), model.columns, model.modality)
    both = Table(pl.concat([table.frame, online.frame], how="vertical_relaxed"), table.columns)
    weights = None if mature.propensity is None else 1 / mature.propensity
    found = likeness_of(both, raw.height, weights, seed=seed)
    return (judged, None, None) if found is None else (judged, found[0], found[1])
