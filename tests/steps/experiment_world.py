"""A small log of known truth: units dealt to two arms, clicks that come late, cells of one contract."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np

from fieldguide.core.online.assignment import Allocation
from fieldguide.core.online.log import Entry, Outcome, Prediction, Served
from fieldguide.core.table import Column
from fieldguide.parts.stores import open_log

START = datetime(2024, 5, 6)
COLUMNS = (Column("age", "number"), Column("device", "category"))
OUTPUTS = ({"name": "clicked", "task": "binary", "labels": ["no", "yes"]},)
DEVICES = ("desktop", "phone", "tablet")
SHARES = {"control": 0.5, "candidate": 0.5}


def right(rows: list[dict[str, Any]]) -> list[float]:
    """The system that runs today."""
    return [0.1 + 0.001 * row["age"] + (0.05 if row["device"] == "tablet" else 0.0) for row in rows]


def loses_tablets(rows: list[dict[str, Any]]) -> list[float]:
    """The same through a path that loses the device of tablets."""
    return right([{**row, "device": None if row["device"] == "tablet" else row["device"]} for row in rows])


def write_log(
    path: Path, *, n: int = 800, name: str = "trial", shares: dict[str, float] | None = None, lift: float = 0.0, start: datetime = START,
    days: float = 7.0, seen: Callable[[str, dict[str, Any]], dict[str, Any]] = lambda arm, row: row, slow: float = 0.0,
    deal: Callable[[str], str | None] | None = None, lost: float = 0.0, hours: float = 3.0, seed: int = 0, prefix: str = "u",
) -> str:  # fmt: skip
    """Write a week of traffic and return the log's URL.

    Args:
        lift: what the candidate adds to the chance of a click per visit.
        seen: what an arm's path makes of a row.
        slow: what the candidate adds to the seconds.
        deal: unit to arm; None: as the experiment deals.
        lost: share of the candidate's units that never reach the log.
        hours: mean time until a click is recorded.
    """
    rng = np.random.default_rng(seed)
    url = f"sqlite:///{path}"
    store = open_log(url)
    dealt = deal or Allocation(name, shares or SHARES)
    entries: list[Entry] = [Served("m", "c", COLUMNS, OUTPUTS, "control", start)]
    for number in range(n):
        unit = f"{prefix}{number}"
        arm = dealt(unit)
        if arm is None or (arm == "candidate" and rng.random() < lost):
            continue
        row = seen(arm, {"age": float(rng.integers(18, 80)), "device": str(rng.choice(DEVICES))})
        eager = rng.beta(2, 8)
        for visit in range(1 + rng.poisson(1.5)):
            time = start + timedelta(days=float(rng.uniform(0, days)))
            request = f"{prefix}{start:%m%d}{number}v{visit}"
            score = right([row])[0]
            entries.append(Prediction(
                f"{request}-0", request, unit, time, arm, "m", "c", (row["age"], row["device"]), "no", score, (1 - score, score),
                0.01 * float(rng.lognormal(0, 0.3)) + (slow if arm == "candidate" else 0.0), name,
            ))  # fmt: skip
            if rng.random() < eager + (lift if arm == "candidate" else 0.0):
                known = time + timedelta(hours=float(rng.exponential(hours)))
                entries.append(Outcome(time, 1.0, id=f"{request}-0", name="click", recorded=known))
    store.append(entries)
    store.close()
    return url


PLAN = """name: {name}
design: {design}
log: {log}
arms:
  control: {{{control}}}
  candidate: {{{candidate}}}
measures:
  click: {{role: primary, per: request, effect: 0.05}}
  seconds: {{role: guardrail, better: lower, margin: 0.005}}
wait: 2d
{more}"""


def write_plan(
    folder: Path, log: str, *, name: str = "trial", design: str = "ab", control: str = "", candidate: str = "changes: [model]", more: str = "units: 700"
) -> Path:  # fmt: skip
    folder.mkdir(parents=True, exist_ok=True)
    text = PLAN.format(name=name, design=design, log=log, control=control, candidate=candidate, more=more)
    (folder / "experiment.yaml").write_text(text)
    return folder
