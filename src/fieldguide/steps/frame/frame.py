"""Frame: the question as an artifact, and the table it is asked of.

Before the seal: reads names, kinds and features, and of the target its type and class shares. Makes of
study.yaml the problem, the typed table and what only a person can answer (`frame`).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

from fieldguide.core.documents.asked import Asked, asked_of
from fieldguide.core.documents.config import Config
from fieldguide.core.documents.consistency import check_names
from fieldguide.core.documents.data_contract import Agreed
from fieldguide.core.errors import ConfigError, DataError, listed
from fieldguide.core.files.media import FILE_KINDS, by_content, rooted
from fieldguide.core.files.source import Source, open_source
from fieldguide.core.files.stored import Parts, joined
from fieldguide.core.problem import Limits, Output, Problem
from fieldguide.core.reading import Violation, read_frame
from fieldguide.core.table import WEIGHTS, Column, Table, row_keys
from fieldguide.parts import find, modality, names
from fieldguide.steps.checking import checked
from fieldguide.steps.detect.calendar import is_year
from fieldguide.steps.detect.joint import asked_columns, guess_of
from fieldguide.steps.detect.once import detected
from fieldguide.steps.detect.roles import RolesGuess
from fieldguide.steps.detect.task import TaskGuess, questions
from fieldguide.steps.frame.contract import Held, hold
from fieldguide.steps.frame.derived import derived
from fieldguide.steps.frame.events import known_afterwards, settled, target_of
from fieldguide.steps.frame.framed import Framed
from fieldguide.steps.frame.objective import with_objective
from fieldguide.steps.frame.outputs import composed, in_words, made_columns
from fieldguide.steps.frame.population import population, weight_role, weights_of
from fieldguide.steps.frame.prices import both_outcomes, bounds, offered
from fieldguide.steps.frame.statement import statement
from fieldguide.steps.frame.targetless import check_metric, outputs_without_target, validation_of, without_target
from fieldguide.steps.split.split import Request

SLICE = 200_000
"""Raw rows read at a time: only typed rows are held whole."""


def frame(config: Config, agreed: Agreed | None = None, work: Path | None = None) -> Framed:
    """Return the problem that study.yaml states and the typed table it is asked of.

    Args:
        work: the folder in which a large table's typed rows are kept while they are needed; None: in memory.

    Raises:
        ConfigError: names in study.yaml that are not in the table or the registry, all at once.
        DataError: the table cannot be read, or the target cannot be judged.
    """
    if config.problem.task == "forecast":
        from fieldguide.steps.frame.series import frame_series

        return frame_series(config)
    source = open_source(config.data.table)
    check_names(
        config, source.names, {kind: names(kind) for kind in ("tasks", "metrics", "losses", "calibrators", "learners")}
    )
    config, learned = settled(config, source)
    columns, guess, tasks = look(source, config)
    columns, asked = _derived(columns, config), asked_of(config.problem)
    table, keys, violations, n_without = _load(source, columns, asked, tasks, work)
    given = None
    if isinstance(config.split.test, Path):
        beside = open_source(config.split.test)
        more, more_keys, more_violations, _ = _load(beside, rooted(columns, beside.root), asked, tasks, work)
        given = np.arange(table.n_rows + more.n_rows) >= table.n_rows
        table, keys = Table(joined(table.frame, more.frame), table.columns), np.concatenate([keys, more_keys])
        violations = (*violations, *more_violations)
    elif config.split.column is not None:
        given = _marked(table, config)
    columns = table.columns
    _readable(columns, violations, table.n_rows + n_without, config.data.unreadable)
    if not table.features:
        others = [c for c in columns if c.role != "target"]
        raise DataError(
            f"no column is left to {'tell rows apart by' if config.problem.targetless else 'predict from'}", rule="a study has at least one column that differs from row to row",
            found=listed(f"{c.name!r} ({c.facts.get('why') or c.role})" for c in others) if others else "the target is the only column",
            do="add columns that are known at prediction time, or declare a kind under data.columns",
        )  # fmt: skip
    problem = with_objective(_problem(config, table, tasks), config.problem, table)
    first = problem.output
    strata = first.code(table.frame[first.name]) if first.task.family == "classes" else None
    test = config.split.test
    weighed = weights_of(table)
    who = population(table, first, config)
    request = Request(
        test=test if isinstance(test, float) else None, given=given, validation=config.split.validation or validation_of(first, table.n_rows),
        folds=1 if first.targetless else config.split.folds, repeats=config.split.repeats, by=config.split.by,
        sample=config.data.sample, train=None if who.whole else who.train, judged=None if who.whole else who.judged,
        known=_known(table, config), validates=_validates(source, table, config),
    )  # fmt: skip
    open_questions = _unanswered(_questions(columns, guess, tasks, problem), config)
    stated = statement(config, problem, table.n_rows, n_without, open_questions, learned)
    held = hold(agreed, table, problem) if agreed is not None else Held(None)
    facts = {
        "sentence": f"{listed(f'{o.task.name} of {o.name}' for o in problem.outputs)} from {len(table.features)} column{'s' * (len(table.features) != 1)} of {table.n_rows:,} rows"
        + (f"; {weighed['column']!r} weighs rows in {weighed['counts_in']}" if weighed else ""),
        "problem": problem.to_dict(), "columns": [column.to_dict() for column in columns], "roles": guess.to_dict(),
        "tasks": {name: task.to_dict() for name, task in tasks.items()}, "questions": open_questions, "statement": stated, "n_rows": table.n_rows,
        "proxy": None if learned is None else learned.to_dict(),
        "n_without_target": n_without, "violations": [v.to_dict() for v in violations], "table": str(config.data.table),
        "contract": held.facts, "population": {**who.facts, **({"weights": weighed} if weighed else {})},
    }  # fmt: skip
    findings = checked(
        "frame", problem=problem, columns=columns, questions=open_questions, statement=stated, roles_guess=guess,
        learned=learned, afterwards=known_afterwards(config, source.names), read_violations=violations,
        contract=held.facts, population=who.facts, n_rows=table.n_rows, n_without_target=n_without,
    )  # fmt: skip
    return Framed(problem, columns, table, keys, strata, request, facts, findings, held.stale)


def _known(table: Table, config: Config) -> np.ndarray | None:
    """Return when each target became known [microseconds since 1970]; one that has no time was known from the start."""
    if config.data.known_at is None:
        return None
    column = table.column(config.data.known_at)
    if column.kind != "datetime":
        raise ConfigError(
            f"data.known_at names {column.name!r}, which is a {column.kind}", rule="the moment a target became known is a date or datetime",
            found=f"cells such as {column.facts.get('examples')}", do=f"declare data.columns.{column.name}.read.formats, or another column",
        )  # fmt: skip
    moments = table.frame[column.name].cast(pl.Datetime("us")).to_physical()
    known: np.ndarray = moments.fill_null(np.iinfo(np.int64).min).to_numpy()
    return known


def look(source: Source, config: Config) -> tuple[tuple[Column, ...], RolesGuess, dict[str, TaskGuess]]:
    """Return columns with kinds and roles as detected and declared, what was guessed of roles, and the task of each target."""
    declared = config.data.columns
    kinds = {name: c.kind for name, c in declared.items() if c.kind is not None}
    stored = [name for name in config.problem.targets if name in source.names or config.problem.stated]
    asked = [one for one in asked_of(config.problem) if set(one.columns) <= set(stored)]
    later = known_afterwards(config, source.names)
    found, guess = detected(source, kinds, stored, later)
    columns = rooted(found, source.root)
    raw = source.collect(stored)
    as_said = {column.name: _as_said(column, declared) for column in columns}
    tasks = {one.name: guess_of(one, raw, as_said) for one in asked}
    if config.problem.targetless:
        tasks = without_target(config.problem)
    made = target_of(config, columns, source)
    if made is not None:
        columns, tasks = (*columns, made[0]), {**tasks, made[0].name: made[1]}
    sure = dict(guess.sure)
    data = config.data
    if data.time or config.split.by in ("random", "grouped"):
        sure = {name: role for name, role in sure.items() if role != "time"}
    if data.group or data.entity or config.split.by in ("random", "chronological"):
        sure = {name: role for name, role in sure.items() if role != "group"}
    chosen = {
        **sure,
        **dict.fromkeys(later, "ignore"),
        **{name: c.role for name, c in declared.items() if c.role is not None},
    }
    chosen |= _places(config)
    return tuple(_settled(column, chosen, declared, config, tasks) for column in columns), guess, tasks


def _places(config: Config) -> dict[str, str]:
    """Return the roles of the columns that study.yaml names under `data`, `split` and `problem`, derived ones too."""
    data = config.data
    said = (
        (data.time, "time"), (data.group or data.entity, "group"), (data.key, "key"), (data.weight, weight_role(config)), (data.known_at, "ignore"),
        (config.split.column, "ignore"), (config.problem.booked, "ignore"),
    )  # fmt: skip
    return {name: role for name, role in said if name is not None}


def _as_said(column: Column, declared: Mapping[str, Any]) -> Column:
    """Return a column that is read as study.yaml says."""
    said = declared[column.name].reading() if column.name in declared else {}
    return replace(column, read={**column.read, **said})


def _settled(
    column: Column,
    chosen: Mapping[str, str],
    declared: Mapping[str, Any],
    config: Config,
    tasks: Mapping[str, TaskGuess],
) -> Column:
    column = _as_said(column, declared)
    if column.role == "target":
        one = asked_columns(asked_of(config.problem))[column.name]
        guess = tasks[one.name]
        if one.joint or guess.task in ("multilabel", "vector"):
            return replace(column, kind=guess.kind)
        task = find("tasks", one.task or guess.task)
        return replace(column, kind="category" if task.family == "classes" else "number")
    role = chosen.get(column.name, column.role)
    if role == "time" and is_year(column):
        column = replace(column, kind="datetime", read={**column.read, "formats": ["%Y"]})
    _is_time(column, role)
    if role in WEIGHTS:
        column = replace(column, kind="number")  # weights such as 1, 2 and 3 look like categories
    if column.name == config.split.column:
        column = replace(column, kind="category")  # the mark is compared as it is spelled
    return replace(column, role=role)


def _is_time(column: Column, role: str) -> None:
    """Raise a ConfigError where a column that holds no times is named as data.time."""
    if role == "time" and column.kind != "datetime":
        derived = "expression" in column.read
        raise ConfigError(
            f"data.time names {column.name!r}, which is a {column.kind}", rule="the time column holds dates or datetimes",
            found=str(column.read["expression"]) if derived else f"cells such as {column.facts.get('examples')}",
            do="name a column of the table" if derived else f"declare data.columns.{column.name}.read.formats, or another column",
        )  # fmt: skip


def _derived(columns: tuple[Column, ...], config: Config) -> tuple[Column, ...]:
    declared = {name: said.role for name, said in config.data.columns.items() if said.role is not None}
    places = {**declared, **_places(config)}
    for column in derived(config.data.derive, columns):
        column = replace(column, role=places.get(column.name, "feature"))
        _is_time(column, column.role)
        columns = (*columns, column)
    return columns


def _load(
    source: Source, columns: Sequence[Column], asked: Sequence[Asked], tasks: Mapping[str, TaskGuess], work: Path | None
) -> tuple[Table, np.ndarray, tuple[Violation, ...], int]:  # fmt: skip
    """Read a source slice by slice into typed rows; rows without a target are left out and counted."""
    targets = [name for one in asked for name in (*one.columns, *((one.booked,) if one.booked else ()))]
    parts, keys, first, n_without = Parts(work, source.n_rows() * len(columns)), [], 0, 0
    violations: list[Violation] = []
    for raw in source.slices(SLICE):
        table, broken = read_frame(in_words(raw, asked, tasks), columns, modality, first_row=first)
        table = offered(composed(table, raw, asked, tasks, first), raw, asked, first)
        known = pl.Series(np.ones(table.n_rows, bool))  # without a target every row counts
        if asked:
            known = table.frame.select(pl.all_horizontal(pl.col(one.name).is_not_null() for one in asked)).to_series()
        parts.add(table.frame.filter(known))
        keys.append(row_keys(by_content(raw.drop(targets, strict=False), columns))[known.to_numpy()])
        violations += broken
        n_without += int((~known).sum())
        first += raw.height
    if not parts.height:
        raise DataError(
            f"no row of {source.origin} has a target",
            rule="a target is known in some rows",
            found=f"{first:,} rows without {', '.join(targets)}",
            do="check the target's kind under data.columns, or choose another target",
        )
    both_outcomes(parts, asked)
    typed = (*columns, *made_columns(columns, asked))
    return Table(parts.whole(), typed), np.concatenate(keys), _merged(violations), n_without


def _readable(columns: Sequence[Column], violations: Sequence[Violation], n_rows: int, most: float) -> None:
    """Raise a DataError where more than a stated share of a column's files cannot be read; fewer are counted as missing."""
    for violation in violations:
        kind = next(column.kind for column in columns if column.name == violation.column)
        if kind in FILE_KINDS and violation.n > most * n_rows:
            shown = list(zip(violation.rows, violation.values))
            told = "; ".join(f"row {row}: {value}" for row, value in shown)
            told += f"; and {violation.n - len(shown):,} more" if violation.n > len(shown) else ""
            enough = np.ceil(1000 * violation.n / n_rows) / 1000
            raise DataError(
                f"{violation.n:,} of {n_rows:,} cells of {violation.column!r} are no {kind} that can be read",
                rule=f"at most {most:.3g} of them may be unreadable (data.unreadable)", found=told,
                do="restore these files, or take them out of the data; if the study can do without them, they count as missing with "
                f"data: {{unreadable: {enough:g}}}. Paths are relative to the folder of the table",
            )  # fmt: skip


def _merged(violations: Sequence[Violation]) -> tuple[Violation, ...]:
    found: dict[str, Violation] = {}
    for v in violations:
        seen = found.get(v.column)
        found[v.column] = v if seen is None else replace(seen, n=seen.n + v.n)
    return tuple(found.values())


def _validates(source: Source, table: Table, config: Config) -> np.ndarray | None:
    """Return the rows of a given validation folder, where the folders' division is obeyed and study.yaml says no other."""
    said = config.split
    if said.column is None or "validation" not in source.parts or said.validation is not None or said.folds is not None:
        return None
    validates: np.ndarray = (table.frame[said.column] == "validation").fill_null(False).to_numpy()
    return validates


def _marked(table: Table, config: Config) -> np.ndarray:
    values = table.frame[str(config.split.column)].cast(pl.String)
    marked = (values == str(config.split.test)).fill_null(False).to_numpy()
    if not marked.any() or marked.all():
        raise ConfigError(
            f"split.column {config.split.column!r} marks {int(marked.sum()):,} of {table.n_rows:,} rows as {config.split.test!r}",
            rule="some rows are test rows and some are not", found=f"its values are {values.unique().sort().to_list()[:6]}",
            do="set split.test to one of them",
        )  # fmt: skip
    return marked


def _problem(config: Config, table: Table, tasks: Mapping[str, TaskGuess]) -> Problem:
    said = config.problem
    costs = {} if said.costs is None else said.costs.model_dump()
    outputs = list(outputs_without_target(said, table)) if said.targetless else []
    for one in asked_of(said):
        task = find("tasks", one.task or tasks[one.name].task)()
        target = table.frame[one.name]
        positive = one.positive if one.positive is not None else tasks[one.name].positive
        labels = one.labels or task.labels(target, positive)
        metric = find("metrics", one.metric)(**_metric_settings(one, costs, said)) if one.metric else None
        transform = one.transform if task.family == "values" else "identity"
        output = Output(one.name, task, labels, metric, transform, one.weight)
        if output.joint or one.labels or task.name in ("count", "ordinal"):
            output.code(target)  # a missing entry or an unknown label is told here, with its row
        _judgeable(output, target, costs, several=len(asked_of(said)) > 1)
        outputs.append(output)
    if costs and not any(output.family == "binary" for output in outputs):
        raise ConfigError(
            "problem.costs says what false positives and negatives cost, and no output is binary",
            rule="these costs need a binary task", found=listed(f"{name} {cost:g}" for name, cost in costs.items()), do="remove problem.costs",
        )  # fmt: skip
    limits = Limits(said.limits.latency_ms, said.limits.megabytes)
    return Problem(
        tuple(outputs), said.goal, said.unit, said.decision, said.prediction_time, costs, said.success, limits, said.purpose,
        said.assumptions,
    )  # fmt: skip


def _questions(
    columns: Sequence[Column], guess: RolesGuess, tasks: Mapping[str, TaskGuess], problem: Problem
) -> list[dict[str, str]]:
    """Return what only a person can answer, of the first output and then of the others."""
    first, *others = (tasks[output.name] for output in problem.outputs)
    more = [{"key": "problem.outputs", "question": text, "guess": one.task} for one in others for text in one.questions]
    return [*questions(columns, guess, first), *more]


def _metric_settings(one: Asked, costs: Mapping[str, float], said: Any) -> dict[str, Any]:
    own = costs if one.metric == "expected_cost" else bounds(said) if one.metric == "interval_loss" else {}
    return {**own, **one.metric_settings}


def _judgeable(output: Output, target: pl.Series, costs: Mapping[str, float], *, several: bool = False) -> None:
    if target.n_unique() < 2:
        raise DataError(
            f"{output.name!r} cannot be judged", rule="a target has two different values at least, or no metric can tell predictions apart",
            found=f"it is {target[0]} in all {len(target):,} rows", do="name another target, or a proxy under proxies",
        )  # fmt: skip
    check_metric(output)
    if costs and output.family != "binary" and not several:
        raise ConfigError(
            f"problem.costs says what false positives and negatives cost, and the task of {output.name!r} is {output.task.name}",
            rule="these costs need a binary task", found=listed(f"{name} {cost:g}" for name, cost in costs.items()), do="remove problem.costs",
        )  # fmt: skip
    if output.transform != "identity" and (output.joint or output.task.name == "count"):
        raise ConfigError(
            f"the transform of {output.name!r} is {output.transform}, and its task is {output.task.name}",
            rule="a single number of a regression may be learned on another scale",
            found=f"transform: {output.transform}, task: {output.task.name}",
            do="remove the transform",
        )  # fmt: skip
    if output.transform != "identity" and float(target.min()) < 0:  # type: ignore[arg-type]
        raise ConfigError(
            f"problem.transform is {output.transform} and {output.name!r} has negative values", rule=f"{output.transform} needs values of 0 or more",
            found=f"the smallest is {np.min(target.to_numpy()):g}", do="remove problem.transform",
        )  # fmt: skip


def _unanswered(asked: Sequence[Mapping[str, str]], config: Config) -> list[dict[str, str]]:
    """Questions that study.yaml does not answer."""
    said = config.problem
    answered = {
        "problem.goal": said.goal, "problem.unit": said.unit, "problem.decision": said.decision,
        "problem.prediction_time": said.prediction_time, "problem.success": said.success,
        "problem.costs": said.costs, "problem.positive": said.positive, "problem.task": said.task or said.outputs, "problem.outputs": said.outputs, "data.time": config.data.time,
        "data.group": config.data.group or config.data.entity, "data.columns": config.data.columns,
    }  # fmt: skip
    return [dict(entry) for entry in asked if not answered.get(entry["key"])]
