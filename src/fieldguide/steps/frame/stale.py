"""Stale rows: labels that are not what their definition says, and what a study keeps when a definition changes.

Knows the definition of a target and the typed table. Before the seal: a label is compared with its own definition, row by
row, and with nothing else; no column is related to it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

from fieldguide.core.documents.data_contract import Agreed, TargetSection, changed, moment_of
from fieldguide.core.files.disk import writing
from fieldguide.core.language.expression import parse
from fieldguide.core.problem import Output
from fieldguide.core.table import Table

DEFINED = ("definition", "expression", "grouping", "of")
"""What makes a label another label."""
READ = ("task", "positive", "labels", "transform")
"""What a study makes of a label; the labels themselves stay as they are."""
MOST = 1_000
"""Stale rows that are named in the facts; all stand in `stale_rows.parquet`."""


@dataclass(frozen=True)
class Stale:
    """Rows whose label is not what the definition says.

    Shape:
        rows: (stale,) int64 rows of the study's table, counted from 0
    """

    rows: np.ndarray = field(default_factory=lambda: np.zeros(0, np.int64))
    why: str = ""
    computed: bool = False  # by the definition, row by row


def target_state(said: TargetSection, output: Output) -> dict[str, Any]:
    """Return what is agreed on of a target, as plain data."""
    positive = output.labels[1] if output.family == "binary" else None
    read = {
        "task": output.task.name,
        "positive": positive,
        "labels": sorted(output.labels),
        "transform": output.transform,
    }
    return {**said.model_dump(mode="json"), **read}


def held_target(agreed: Agreed, output: Output, table: Table, table_hash: str) -> tuple[dict[str, Any], np.ndarray]:
    """Return how a target stands against its contract, and its stale rows.

    Args:
        agreed: the contract and what was accepted.
        output: the target as the study reads it.
        table: the study's table.
        table_hash: hash of all its cells; labels that were accepted are not stale while it is the same.
    """
    said = agreed.contract.targets[output.name]
    state = target_state(said, output)
    accepted = agreed.accepted_target(output.name, said.version)
    latest = agreed.accepted_target(output.name)
    earlier = agreed.earlier_target(output.name, said.version)
    moved = {} if accepted is None else changed(accepted, state, (*DEFINED, *READ))
    since = {} if earlier is None else changed(earlier, state, (*DEFINED, *READ))
    redefined = [name for name in (moved or since) if name in DEFINED]
    before = accepted if moved else earlier
    stale = stale_rows(table, output, said, before if redefined else None)
    known = accepted is not None and accepted["table"] == table_hash and not moved
    facts = {
        "name": output.name, "version": said.version, "definition": said.definition, "since": said.since, "state": state,
        "accepted": accepted is not None, "accepted_version": None if latest is None else latest["version"],
        "changed": moved, "changed_since": since, "earlier": None if earlier is None else earlier["version"],
        "stale": {"n": len(stale.rows), "rows": stale.rows[:MOST].tolist(), "why": stale.why, "computed": stale.computed,
                  "known": known},
        "n_rows": table.n_rows, "kept": kept(moved or since, table, output) if moved or (since and accepted is None) else {},
    }  # fmt: skip
    return facts, stale.rows


def stale_rows(table: Table, output: Output, said: TargetSection, before: Mapping[str, Any] | None) -> Stale:
    """Return the rows whose label is not what the definition of now says.

    Where the definition can be computed, each label is compared with it. Else the rows before `since` are stale once the
    definition has changed, or the rows of the groups whose members changed, or all.

    Args:
        before: the definition the rows were labelled by; None: that of now.
    """
    labels = table.frame[output.name]
    if said.expression is not None:
        return _compared(labels, _computed(table, output, said.expression), "the expression gives another label")
    if said.grouping is not None and said.of is not None:
        raw = table.frame[said.of].cast(pl.String)
        return _compared(
            labels.cast(pl.String),
            raw.replace_strict(said.grouping, default=None),
            f"the grouping of {said.of!r} gives another label",
        )
    if before is None:
        return Stale()
    if said.grouping is not None and before.get("grouping"):
        groups = _regrouped(before["grouping"], said.grouping)
        rows = labels.cast(pl.String).is_in(groups)
        why = f"the members of {', '.join(map(repr, groups[:4]))} changed"
        return Stale(np.flatnonzero(rows.fill_null(False).to_numpy()), why)
    times = table.role("time")
    if said.since is not None and times:
        rows = table.frame.select(early=pl.col(times[0].name) < moment_of(said.since))["early"].fill_null(True)
        return Stale(np.flatnonzero(rows.to_numpy()), f"they are earlier than {said.since}")
    return Stale(np.arange(table.n_rows), "nothing says which rows were labelled by which version")


def _computed(table: Table, output: Output, text: str) -> pl.Series:
    expression = parse(text, {column.name: column.kind for column in table.columns})
    values = table.frame.select(found=expression.polars())["found"]
    if values.dtype == pl.Boolean and len(output.labels) == 2:
        negative, positive = output.labels
        return values.replace_strict({True: positive, False: negative}, default=None, return_dtype=pl.String)
    return values


def _compared(labels: pl.Series, computed: pl.Series, why: str) -> Stale:
    if labels.dtype.is_numeric() and computed.dtype.is_numeric():
        gap = (labels - computed).abs() > 1e-9 * (1 + computed.abs())
        differs = gap.fill_null(True)
    else:
        differs = (labels.cast(pl.String) != computed.cast(pl.String)).fill_null(True)
    return Stale(np.flatnonzero(differs.to_numpy()), why, True)


def _regrouped(before: Mapping[str, str], now: Mapping[str, str]) -> list[str]:
    """Return the labels whose members are not the same under both groupings."""

    def members(grouping: Mapping[str, str]) -> dict[str, set[str]]:
        found: dict[str, set[str]] = {}
        for raw, label in grouping.items():
            found.setdefault(label, set()).add(raw)
        return found

    old, new = members(before), members(now)
    return sorted(label for label in {*old, *new} if old.get(label) != new.get(label))


def kept(changes: Mapping[str, Any], table: Table, output: Output) -> dict[str, list[str]]:
    """Return what a study keeps when the definition of a target changes so, and what is run again: {keep, again}."""
    keep, again = ["features and their fingerprints"], []
    stratified = output.task.family == "classes" and not table.role("time")
    redefined = any(name in changes for name in (*DEFINED, "task", "labels"))
    if redefined and stratified:
        again.append("split in a new study: the test rows are drawn by class, and classes change")
    else:
        keep.append("split and seal: the test rows do not depend on the labels")
    again += ["explore: the metric may suit no longer", "baseline, train, refine: every score was of another label"]
    if set(changes) <= {"transform"}:
        again = ["baseline, train, refine: networks and linear models fit another scale"]
        keep.append("explore and the metric: labels are judged on their own scale")
    return {"keep": keep, "again": again}


def keep_stale(path: Path, table: Table, stale: Mapping[str, np.ndarray]) -> None:
    """Write all stale rows where they are too many for the facts: target, row, and the key where there is one.

    A file of an earlier look is removed when there is nothing to write.
    """
    if not any(len(rows) > MOST for rows in stale.values()):
        path.unlink(missing_ok=True)
        return
    keys = [column.name for column in table.role("key")]
    parts = [
        pl.DataFrame({"target": [name] * len(rows), "row": rows}).hstack(table.frame[rows].select(keys))
        for name, rows in stale.items()
    ]
    with writing(path, "stale rows are named"):
        pl.concat(parts).write_parquet(path)
