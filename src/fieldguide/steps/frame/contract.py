"""Contract: whether a table keeps what contract.yaml promises, and what is recorded when a person accepts it.

Knows the contract, the typed table and the records of acceptance; decides nothing, the checks FG121 to FG129 do. Reads
feature cells only; the labels are compared with their own definition in `steps.frame.stale`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

from fieldguide.core.documents.data_contract import Agreed, FeatureSection, changed, check_columns, moment_of
from fieldguide.core.documents.document import in_one_line
from fieldguide.core.errors import StudyError
from fieldguide.core.figures import count
from fieldguide.core.files.disk import writing
from fieldguide.core.meaning.fingerprint import fingerprint, level_texts, sampled
from fieldguide.core.meaning.meaning import table_shifts
from fieldguide.core.problem import Problem
from fieldguide.core.result import Result
from fieldguide.core.table import ENCODED_KINDS, WEIGHTS, Column, Table, data_hash, row_keys
from fieldguide.parts import modality
from fieldguide.steps.frame.framed import Framed
from fieldguide.steps.frame.migration import migrations
from fieldguide.steps.frame.stale import held_target, target_state

DEFINED = ("meaning", "unit", "kind", "default", "available", "source", "expression")
"""What makes a feature another feature."""
WORDED = ("meaning", "source", "available")
"""Of these, a change is told as a warning: words may be put better, and a system may move."""
CODES = tuple(f"FG{number}" for number in range(121, 130))
REFUSED = ("FG124", "FG125", "FG129")
SHOWN = 5
LEVELS_WRITTEN = 12


@dataclass(frozen=True)
class Held:
    """How a table stands against its contract.

    Args:
        facts: plain data for checks and faces: features, uncontracted, migrations, targets; None without a contract.
        stale: rows whose label is stale, by target; (stale,) int64.
    """

    facts: dict[str, Any] | None
    stale: dict[str, np.ndarray] = field(default_factory=dict)


def hold(agreed: Agreed, table: Table, problem: Problem) -> Held:
    """Return how a table stands against a contract, column by column and target by target."""
    check_columns(agreed.contract, table.names)
    looked = sampled(table)
    features = [_held_feature(agreed, name, table) for name in agreed.contract.features]
    comparable = [
        entry["column"] for entry in features if entry["accepted"] and entry["present"] and not entry["changed"]
    ]
    shifted = _shifted(agreed, looked, comparable)
    features = [{**entry, **shifted.get(entry["column"], {})} for entry in features]
    targets, stale = [], {}
    table_hash = data_hash(row_keys(table.frame))
    for output in problem.outputs:
        if output.name in agreed.contract.targets:
            facts, rows = held_target(agreed, output, table, table_hash)
            targets.append(facts)
            stale[output.name] = rows
    facts = {
        "accepted": agreed.history[-1]["number"] if agreed.history else 0, "features": features, "targets": targets,
        "uncontracted": [c.name for c in table.features if c.name not in agreed.contract.features],
        "migrations": migrations(agreed.contract, looked), "n_rows": table.n_rows, "n_looked": looked.n_rows,
    }  # fmt: skip
    return Held(facts, {name: rows for name, rows in stale.items() if len(rows)})


def _shifted(agreed: Agreed, looked: Table, columns: Sequence[str]) -> dict[str, dict[str, Any]]:
    """Return what shifted in columns whose version was accepted, each read as the kind it had then."""
    accepted = {name: (agreed.accepted_feature(name) or {})["fingerprint"] for name in columns}
    cells, kinds = {}, []
    for column in looked.columns:
        kind = accepted[column.name]["kind"] if column.name in accepted else column.kind
        cells[column.name] = _values(looked, column, kind)
        kinds.append(Column(column.name, kind, column.role))
    then = Table(pl.DataFrame(cells), tuple(kinds))
    units = {name: agreed.contract.features[name].unit for name in columns}
    return {
        name: {"shifts": [s.to_dict() for s in found if not _declared(s, agreed.contract.features[name])]}
        for name, found in table_shifts(accepted, then, units).items()
    }


def _held_feature(agreed: Agreed, name: str, table: Table) -> dict[str, Any]:
    said, (feature, version) = agreed.contract.features[name], agreed.contract.feature_of(name)
    accepted = agreed.accepted_feature(name)
    facts: dict[str, Any] = {
        "column": name, "feature": feature, "version": version, "meaning": said.meaning, "unit": said.unit,
        "available": said.available, "delay": said.delay, "accepted": accepted is not None, "present": name in table.names,
        "deprecated": None if said.deprecated is None else said.deprecated.model_dump(mode="json"),
    }  # fmt: skip
    if not facts["present"]:
        return facts
    column = table.column(name)
    facts |= {"used": column.encoded, "role": column.role, "kind": column.kind, "declared_kind": said.kind}
    values = _values(table, column, said.kind)
    facts |= _coverage(values, said) | _outside(values, said)
    moved = {} if accepted is None else changed(accepted["declared"], declared(said, column), DEFINED)
    facts |= {"changed": moved, "only_words": bool(moved) and all(name in WORDED for name in moved)}
    return facts


def _declared(shift: Any, said: FeatureSection) -> bool:
    """A default that the contract states is no news."""
    return shift.what == "default" and said.default is not None and shift.evidence["value"] == said.default


def _values(table: Table, column: Column, kind: str | None) -> pl.Series:
    """The cells of a column as a kind reads them; those that were left as text are read once more."""
    values = table.frame[column.name]
    if kind in ENCODED_KINDS and kind != column.kind and column.role != "time":
        return modality(kind).read(values, Column(column.name, kind, read={}))[0]
    return values


def _coverage(values: pl.Series, said: FeatureSection) -> dict[str, Any]:
    """How many rows have a value that is not the default."""
    known = values.is_not_null()
    if said.default is not None:
        texts, default = level_texts(values), said.default
        word = (
            f"{default:g}"
            if isinstance(default, float)
            else str(default).lower()
            if isinstance(default, bool)
            else default
        )
        known &= (texts != word).fill_null(False)
    n = int(known.sum())
    return {"coverage": n / max(1, len(values)), "n_known": n, "floor": said.coverage, "default": said.default}


def _outside(values: pl.Series, said: FeatureSection) -> dict[str, Any]:
    """Cells beyond the range or the categories, and cells that the declared kind cannot read."""
    found: dict[str, Any] = {
        "range": None if said.range is None else list(said.range),
        "outside": None,
        "unknown": None,
    }
    if said.range is not None and (values.dtype.is_numeric() or values.dtype.is_temporal()):
        low, high = (moment_of(end) if isinstance(end, str) else end for end in said.range)
        beyond = pl.lit(False) if low is None else pl.col("x") < low
        beyond = beyond if high is None else beyond | (pl.col("x") > high)
        if isinstance(said.default, float) and values.dtype.is_numeric():
            beyond = beyond & (pl.col("x") != said.default)
        rows = np.flatnonzero(values.to_frame("x").select(out=beyond.fill_null(False))["out"].to_numpy())
        shown = [str(value) for value in values[rows[:SHOWN]].to_list()] if len(rows) else []
        found["outside"] = {"n": len(rows), "rows": rows[:SHOWN].tolist(), "values": shown}
    if said.categories is not None:
        texts = level_texts(values)
        allowed = [*said.categories, *([] if said.default is None else [str(said.default)])]
        strange = texts.filter((~texts.is_in(allowed)).fill_null(False))
        counted = strange.value_counts(sort=True).sort(["count", strange.name], descending=[True, False])
        found["unknown"] = {
            "n": len(strange), "levels": counted[strange.name].head(SHOWN).to_list(), "n_levels": counted.height,
            "categories": list(said.categories[:50]),
        }  # fmt: skip
    return found


def declared(said: FeatureSection, column: Column) -> dict[str, Any]:
    """Return the definition of a feature as plain data; that of a derived one holds its expression."""
    return {**said.model_dump(mode="json"), "expression": column.read.get("expression", "")}


def accepted(agreed: Agreed, framed: Framed, reason: str | None) -> dict[str, Any]:
    """Return the record by which a person accepts the present state, or refuse it.

    Raises:
        StudyError: a meaning or a definition changed under the same version, and no reason says why that is right.
    """
    broken = [f for f in framed.findings if f.fired and f.severity == "error" and f.code in REFUSED]
    if broken and not reason:
        raise StudyError(
            f"{count(len(broken), 'definition or meaning', 'definitions or meanings')} changed without a new version", rule="an accepted version keeps its meaning",
            found=" ".join(f"{f.code}: {f.sentence}" for f in broken[:3]),
            do='raise the version in contract.yaml, or give --reason "why it is the same version"',
        )  # fmt: skip
    return acceptance(agreed, framed.table, framed.problem, reason)


def told(result: Result) -> Result:
    """Return what `frame` found of the contract as a result of its own.

    Raises:
        StudyError: the study has no contract.
    """
    facts = result.facts.get("contract")
    if facts is None:
        raise StudyError(
            "this study has no contract", rule="a contract says what columns and labels mean", found="there is no contract.yaml",
            do="write a first one: fieldguide features FOLDER --write",
        )  # fmt: skip
    findings = tuple(finding for finding in result.findings if finding.code in CODES)
    return Result("features", {"sentence": summary(facts, findings), **facts}, findings, result.seconds)


def write_draft(path: Path, framed: Framed) -> None:
    """Write contract.yaml, never over another.

    Raises:
        StudyError: there is one, or it cannot be written.
    """
    if path.exists():
        raise StudyError(
            f"{path} already exists", rule="a contract is written by people; a draft never replaces it",
            found=f"a file of {path.stat().st_size:,} bytes",
            do="edit it, or move it away first",
        )  # fmt: skip
    with writing(path, "a contract is written whole"):
        path.write_text(draft(framed.table, framed.problem), encoding="utf-8")


def acceptance(agreed: Agreed, table: Table, problem: Problem, reason: str | None) -> dict[str, Any]:
    """Return the record by which a person accepts the present state: definitions and fingerprints of this table."""
    prints = fingerprint(table)
    features = {}
    for name, said in agreed.contract.features.items():
        if name in prints:
            feature, version = agreed.contract.feature_of(name)
            features[name] = {
                "feature": feature, "version": version, "declared": declared(said, table.column(name)),
                "fingerprint": prints[name],
            }  # fmt: skip
    targets = {
        o.name: target_state(agreed.contract.targets[o.name], o)
        for o in problem.outputs
        if o.name in agreed.contract.targets
    }
    number = agreed.history[-1]["number"] + 1 if agreed.history else 1
    return {
        "number": number, "features": features, "targets": targets, "table": data_hash(row_keys(table.frame)),
        "n_rows": table.n_rows, "reason": reason or "",
    }  # fmt: skip


def draft(table: Table, problem: Problem) -> str:
    """Return contract.yaml as text: what was detected, marked as a guess, and what only a person can say."""
    lines = [
        "# What every column and label means. Lines marked ? only a person can answer; = was guessed from the data.",
        "# Raise `version` when a definition changes. Check: fieldguide features FOLDER. Agree: fieldguide features FOLDER --accept",
        "features:",
    ]
    for column in table.columns:
        if column.role in ("feature", "time", "group", "key", *WEIGHTS):
            lines += _drafted(column, table.frame[column.name])
    lines.append("targets:")
    for output in problem.outputs:
        lines += [
            f"  {in_one_line(output.name)}:",
            f"    definition: {in_one_line(problem.goal or f'what stands in the column {output.name}')}  # ? what makes a row one label and not another",
            "    version: 1",
            "    # since: 2024-01-31  # ? from which day rows are labelled so",
            "    # expression:        # ? how it is computed from other columns, where it is",
        ]
    return "\n".join(lines) + "\n"


def _drafted(column: Column, values: pl.Series) -> list[str]:
    lines = [f"  {in_one_line(column.name)}:", "    meaning:  # ?"]
    if column.kind in (*ENCODED_KINDS, "text", "id"):
        lines.append(f"    kind: {column.kind}  # =")
    if column.kind == "number":
        lines.append("    unit:  # ?")
        if len(values.drop_nulls()):
            low, high = float(values.min()), float(values.max())  # type: ignore[arg-type]
            lines.append(f"    # range: [{low:g}, {high:g}]  # ? seen; which values are possible?")
    if column.kind == "category":
        levels = values.drop_nulls().unique().sort().to_list()
        if len(levels) <= LEVELS_WRITTEN:
            lines.append(f"    # categories: {in_one_line(levels)}  # ? seen; are these all?")
    share = 1 - values.null_count() / max(1, len(values))
    if share < 1:
        lines.append(
            f"    coverage: {max(0.0, np.floor(100 * (share - 0.02)) / 100):g}  # = {100 * share:.3g} % of the rows have a value"
        )
    lines += [
        "    available: at prediction  # ? or when it is known: -1d before, +2d after the prediction",
        "    version: 1",
    ]
    return lines


def summary(facts: Mapping[str, Any], findings: Sequence[Any]) -> str:
    """Return one sentence on how a contract stands."""
    n, broken = (
        len(facts["features"]),
        {column for finding in findings if finding.fired and finding.severity != "info" for column in finding.columns},
    )
    number = facts["accepted"]
    accepted = f"accepted as number {number}" if number else "never accepted yet"
    names = {feature["column"] for feature in facts["features"]}
    return f"{n - len(broken & names):,} of {n:,} features keep the contract, {count(len(facts['targets']), 'target')} in it; {accepted}"
