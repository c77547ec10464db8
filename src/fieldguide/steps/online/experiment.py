"""Experiment: plan, start, look, stop, and reach a verdict, in a folder with experiment.yaml and an append-only journal.

Takes the folder and the log that the plan names; every look is recorded, so that readings that hold at all looks know them all. How
units are judged is `steps.online.judge`'s, what follows is the design's.
"""

from __future__ import annotations

import hashlib
import json
import os
import time
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

from fieldguide.core.contracts import Design
from fieldguide.core.documents.plan import FILE, Plan, draft, load_plan
from fieldguide.core.errors import ConfigError, GateError, StudyError, listed
from fieldguide.core.finding import Finding
from fieldguide.core.journal import Journal
from fieldguide.core.online.assignment import Allocation
from fieldguide.core.online.experiment import Judged, Phase
from fieldguide.core.online.log import Query, predictions, shown, utc
from fieldguide.core.online.log import now as present
from fieldguide.core.plain import plain
from fieldguide.core.result import Result
from fieldguide.core.seeds import generator
from fieldguide.parts import find
from fieldguide.parts.stores import open_log
from fieldguide.steps.checking import checked
from fieldguide.steps.online.arms import scorer
from fieldguide.steps.online.experiment_words import planned_sentence, status_sentence, stop_rule
from fieldguide.steps.online.identity import equality
from fieldguide.steps.online.judge import Before, judge, power_of
from fieldguide.steps.online.traffic import BEFORE, Traffic, is_log, logged_cells, read_traffic, with_errors

JOURNAL = "journal.jsonl"
MOST_ASKED = 5_000
"""Requests of each arm whose score is asked of the other path."""


@dataclass(frozen=True)
class Running:
    """The phase that deals traffic now: what `serve` asks which arm a unit is in.

    Args:
        experiment: name of the experiment, which the log keeps beside every answer.
        allocation: call it with a unit; None for a unit that is in no arm.
        explore: share of requests to be decided at random.
    """

    experiment: str
    allocation: Allocation
    explore: float = 0.0


def write_plan(
    folder: Path,
    log: str,
    outcome: str,
    model: str | None = None,
    candidates: str | Sequence[str] = (),
    design: str = "ab",
) -> Path:
    """Write a first experiment.yaml into a new folder; what only a person can answer is left open.

    Args:
        candidates: model folders, or one of them; none: an arm is left open.

    Raises:
        StudyError: there is a plan already.
    """
    path = folder / FILE
    if path.exists():
        raise StudyError(
            f"{path} exists already",
            rule="a plan is never overwritten",
            found=f"a plan of {path.stat().st_size:,} bytes",
            do="change it, or name another folder",
        )
    folder.mkdir(parents=True, exist_ok=True)
    # The file's paths are relative to its folder, those of the command line to where it is typed.
    scheme, mark, rest = log.partition("://")
    if not mark:
        log = _from(folder, log) or log
    elif scheme == "sqlite" and rest.startswith("/") and not rest.startswith("//"):
        log = f"sqlite:///{_from(folder, rest[1:])}"
    others = [_from(folder, one) for one in ([candidates] if isinstance(candidates, str) else candidates)]
    path.write_text(draft(folder.resolve().name, log, outcome, _from(folder, model), others, design), encoding="utf-8")
    return path


def _from(folder: Path, path: str | None) -> str | None:
    return path if path is None or Path(path).is_absolute() else os.path.relpath(path, folder)


def plan(folder: Path, now: datetime | None = None) -> Result:
    """Hold a plan against its rules, and calculate units and days from what the log knows.

    Raises:
        ConfigError: experiment.yaml is not valid; all mistakes at once.
    """
    began = time.perf_counter()
    said, design, journal = _opened(folder)
    now = now or (present() if is_log(said.of_log()) else None)
    history = _history(said, now)
    if isinstance(history, str):
        power: dict[str, Any] = {"silence": history, "phases": []}
    else:
        power = power_of(said, design, history, now)
    facts = {
        "sentence": planned_sentence(said, design, power), "experiment": said.name, "design": design.name, "title": design.title,
        "goal": said.goal, "arms": {name: arm.model_dump(mode="json") for name, arm in said.arms.items()}, "shares": said.shares,
        "measures": {name: measure.model_dump(mode="json") for name, measure in said.measures.items()}, "power": power,
        "alpha": said.alpha, "wanted_power": said.power, "identical": design.identical, "hash": _hash(said),
        "units": said.units,
    }  # fmt: skip
    findings = checked("experiment", plan=facts)
    return _kept(journal, "planned", facts, findings, began)


def start(folder: Path, phase: str | None = None, now: datetime | None = None) -> Result:
    """Begin a phase: from now on its shares deal the traffic.

    Args:
        phase: its name; None: the first that was not begun.

    Raises:
        GateError: nothing is planned, or a phase is running.
        StudyError: there is no such phase, or all were begun.
    """
    began = time.perf_counter()
    said, design, journal = _opened(folder)
    planned = journal.last("planned")
    if planned is None or planned["facts"]["hash"] != _hash(said):
        raise GateError(
            "the plan was not recorded" if planned is None else "the plan was changed after it was recorded",
            rule="what decides is written down before traffic is dealt",
            found="no plan in the journal" if planned is None else f"hash {_hash(said)} now, {planned['facts']['hash']} when it was recorded",
            do=f"fieldguide experiment plan {folder}",
        )  # fmt: skip
    running = _running(journal)
    if running is not None:
        raise GateError(
            f"the phase {running['phase']!r} is running", rule="one phase at a time",
            found=f"{running['phase']!r} was started and not stopped",
            do=f"fieldguide experiment stop {folder}"
        )  # fmt: skip
    phases = {p.name: p for p in design.phases(said.shares)}
    begun = [record["data"]["facts"]["phase"] for record in journal.records("started")]
    left = [name for name in phases if name not in begun]
    if phase is None and not left:
        raise StudyError(
            "every phase was begun",
            rule="each phase of a design is run once",
            found=listed(begun),
            do=f"fieldguide experiment verdict {folder}",
        )
    chosen = phase or left[0]
    if chosen not in phases or chosen in begun:
        raise StudyError(
            f"the phase {chosen!r} cannot begin", rule="a phase is one of the design's and begins once", found=f"left are {listed(left)}",
            do=f"name one of them, or: fieldguide experiment verdict {folder}"
        )  # fmt: skip
    facts = {
        "sentence": f"{design.title}, phase {chosen}: "
        + ", ".join(f"{arm} {share:.3g}" for arm, share in phases[chosen].shares.items()),
        "experiment": said.name, "phase": chosen, "shares": dict(phases[chosen].shares), "salt": said.dealt, "explore": said.explore,
        "time": (now or present()).isoformat(), "hash": _hash(said),
    }  # fmt: skip
    return _kept(journal, "started", facts, (), began)


def status(folder: Path, now: datetime | None = None) -> Result:
    """Look at the running phase by readings that hold at any look, and say whether a stop rule is met. The look is recorded."""
    began = time.perf_counter()
    said, design, journal = _opened(folder)
    running = _running(journal) or _last(journal)
    now = now or (present() if is_log(said.of_log()) else None)
    if running is None and is_log(said.of_log()):
        raise GateError(
            "nothing was started",
            rule="a phase deals traffic from its start",
            found="the journal has no phase that was started",
            do=f"fieldguide experiment start {folder}",
        )
    phase = _phase(design, said, running)
    judged, facts = _look(said, design, journal, phase, running, now)
    rule = stop_rule(said, judged, facts)
    facts = {
        "sentence": status_sentence(judged, facts, rule), "experiment": said.name, "design": design.name, "title": design.title,
        **facts, "stop": rule, "running": _running(journal) is not None, "changed": _changed(said, running),
        "started": None if running is None else running["time"],
    }  # fmt: skip
    findings = checked("experiment", judged=facts)
    return _kept(journal, "look", facts, findings, began)


def stop(folder: Path, reason: str, now: datetime | None = None) -> Result:
    """End the running phase; the reason is recorded.

    Raises:
        GateError: no phase is running.
    """
    began = time.perf_counter()
    said, _, journal = _opened(folder)
    running = _running(journal)
    if running is None:
        raise GateError(
            "no phase is running",
            rule="only what runs can be stopped",
            found="the journal has no phase that was started and not stopped",
            do=f"fieldguide experiment start {folder}",
        )
    facts = {
        "sentence": f"Phase {running['phase']} stopped: {reason}", "experiment": said.name, "phase": running["phase"],
        "reason": reason, "time": (now or present()).isoformat(),
    }  # fmt: skip
    return _kept(journal, "stopped", facts, (), began)


def verdict(folder: Path, now: datetime | None = None) -> Result:
    """Judge every phase that was begun and say what follows; a sample ratio mismatch is named before anything else."""
    began = time.perf_counter()
    said, design, journal = _opened(folder)
    now = now or (present() if is_log(said.of_log()) else None)
    begun: list[Any] = [record["data"]["facts"] for record in journal.records("started")]
    if not begun and is_log(said.of_log()):
        raise GateError(
            "nothing was started",
            rule="a phase deals traffic from its start",
            found="the journal has no phase that was started",
            do=f"fieldguide experiment start {folder}",
        )
    found = [_look(said, design, journal, _phase(design, said, one), one, now) for one in begun or [None]]
    reached = design.verdict([judged for judged, _ in found])
    phases = [facts for _, facts in found]
    facts = {
        "sentence": reached.sentence, "experiment": said.name, "design": design.name, "title": design.title,
        "verdict": reached.to_dict(), **phases[-1], "phases": phases, "changed": _changed(said, begun[-1] if begun else None),
    }  # fmt: skip
    findings = checked("experiment", judged=facts, verdict=facts["verdict"])
    return _kept(journal, "verdict", facts, findings, began)


def running(folder: Path) -> Running | None:
    """Return what deals traffic in a folder now, or None where no phase is running."""
    said, _, journal = _opened(folder)
    found = _running(journal)
    if found is None:
        return None
    return Running(said.name, Allocation(found["salt"], _in_order(said, found["shares"])), float(found["explore"]))


# --- what was recorded --------------------------------------------------------------------------------------------------


def _opened(folder: Path) -> tuple[Plan, Design, Journal]:
    said = load_plan(folder)
    design = find("designs", said.design)()
    most = getattr(design, "most_arms", None)
    if most is not None and len(said.arms) > most:
        raise ConfigError(
            f"a {design.title[0].lower()}{design.title[1:]} has {most} arms", rule="its phases deal to the control and one candidate",
            found=f"arms are {listed(said.arms)}",
            do="try the candidates side by side first (design: ab), then the best by this design",
        )  # fmt: skip
    return said, design, Journal(Path(folder) / JOURNAL)


def _kept(journal: Journal, event: str, facts: dict[str, Any], findings: tuple[Finding, ...], began: float) -> Result:
    result = Result("experiment", facts, findings, time.perf_counter() - began)
    return Result.from_dict(journal.append(event, {"event": event, **plain(result.to_dict())})["data"])


def _running(journal: Journal) -> Any:
    """Return the facts of the phase that was begun last, unless it was stopped."""
    last = [record for record in journal.records() if record["event"] in ("started", "stopped")]
    return last[-1]["data"]["facts"] if last and last[-1]["event"] == "started" else None


def _last(journal: Journal) -> Any:
    last = journal.last("started")
    return None if last is None else last["facts"]


def _phase(design: Design, said: Plan, begun: Any) -> Phase:
    phases = design.phases(said.shares)
    return phases[0] if begun is None else Phase(begun["phase"], _in_order(said, begun["shares"]))


def _in_order(said: Plan, shares: Any) -> dict[str, float]:
    """Return shares in the order of the plan's arms: a journal sorts its keys, and arms are dealt side by side in order."""
    return {arm: float(shares[arm]) for arm in said.arms if arm in shares}


def _span(journal: Journal, begun: Any, now: datetime | None) -> tuple[datetime | None, datetime | None]:
    """Return when a phase dealt traffic; units met before its end are judged, however late their outcomes."""
    if begun is None:
        return None, None
    ended = [
        r["data"]["facts"]["time"] for r in journal.records("stopped") if r["data"]["facts"]["phase"] == begun["phase"]
    ]
    return utc(begun["time"]), utc(ended[-1]) if ended else now


def _before(said: Plan, journal: Journal, phase: Phase, stopped: bool) -> Before:
    """Return what earlier looks at a phase left: fixed scales, the smallest p-values, the planned number of units."""
    looks = [r["data"]["facts"] for event in ("look", "verdict") for r in journal.records(event)]
    # A verdict judges every phase: what it found of this one stands among its phases.
    judged = [part for look in looks for part in look.get("phases", [look]) if part["phase"]["name"] == phase.name]
    scales: dict[str, float] = {}
    p: dict[str, float] = {}
    for look in judged:
        for name, scale in look["scales"].items():
            scales.setdefault(name, scale)
        for measure in look["measures"]:
            p[measure["name"]] = min(p.get(measure["name"], 1.0), measure["always_p"])
    planned = journal.last("planned")
    parts = planned["facts"]["power"]["phases"] if planned is not None else []
    n = next((part["units"] for part in parts if part["phase"] == phase.name), said.units)
    peeks = sum(r["data"]["facts"]["phase"]["name"] == phase.name for r in journal.records("look"))
    return Before(scales, p, len(judged), peeks, n, dealt=journal.last("started") is not None, stopped=stopped)


def _look(
    said: Plan, design: Design, journal: Journal, phase: Phase, begun: Any, now: datetime | None
) -> tuple[Judged, dict[str, Any]]:
    first, end = _span(journal, begun, now)
    traffic = read_traffic(said, first, end, now)
    stopped = begun is not None and _running(journal) != begun
    identity, cells = None, None
    place = said.of_log()
    if is_log(place):
        wanted = None if design.identical else list(said.slices)
        cells = logged_cells(str(place), wanted, Query(start=first, end=end)) if wanted is None or wanted else None
        if cells is not None and said.slices:
            known = [name for name in said.slices if name in cells.columns]
            rows = traffic.rows.join(cells.select("id", *known).unique("id"), on="id", how="left")
            traffic = Traffic(rows, traffic.outcomes, traffic.before, traffic.origin)
        if design.identical and cells is not None:
            identity = _identity(said, traffic, cells)
    return judge(said, design, phase, traffic, _before(said, journal, phase, stopped), now, identity, cells)


def _identity(said: Plan, traffic: Traffic, cells: pl.DataFrame) -> dict[str, Any] | None:
    """Ask each path for the scores of the requests that the other answered, and compare every one."""
    asked, logged, other = [], [], []
    pairs = [pair for arm in said.candidates for pair in ((said.control, arm), (arm, said.control))]
    for mine, theirs in pairs:
        ask = scorer(said.arms[theirs])
        rows = (
            traffic.rows.filter(pl.col("arm") == mine)
            .select("id", "score")
            .unique("id", keep="first", maintain_order=True)
        )
        if ask is None or not rows.height:
            continue
        chosen = generator(0, "identity").permutation(rows.height)[:MOST_ASKED]
        rows = rows[np.sort(chosen)].join(cells.unique("id"), on="id", how="left", maintain_order="left")
        asked.append(rows.drop("score"))
        logged.append(rows["score"].to_numpy())
        other.append(ask(rows.drop("score")))
    if not asked:
        return None
    return equality(pl.concat(asked, how="diagonal_relaxed"), np.concatenate(logged), np.concatenate(other))


def _history(said: Plan, now: datetime | None) -> Traffic | str:
    """Return what was answered before, for its variance; or why there is nothing."""
    if not is_log(said.of_log()):
        return read_traffic(said, None, None)
    try:
        return _all_arms(said, now)
    except StudyError as error:
        absent = error.what.startswith("there is no log")
        return f"{error.what}: nothing was logged yet" if absent else f"{error.what}, so that no variance is known"


def _all_arms(said: Plan, now: datetime | None) -> Traffic:
    store = open_log(str(said.of_log()), create=False)
    try:
        since = None if now is None else now - 2 * BEFORE
        rows = predictions(store, Query(start=since, end=now)).filter(pl.col("unit").is_not_null())
        rows = with_errors(said, store, rows, now)
        return Traffic(rows, store.outcomes(Query(start=since)), rows.head(0), shown(str(said.of_log())))
    finally:
        store.close()


# --- small print --------------------------------------------------------------------------------------------------------


def _changed(said: Plan, begun: Any) -> bool:
    return begun is not None and begun["hash"] != _hash(said)


def _hash(said: Plan) -> str:
    text = json.dumps(said.model_dump(mode="json", exclude={"goal", "stop"}), sort_keys=True)
    return hashlib.blake2b(text.encode(), digest_size=8).hexdigest()
