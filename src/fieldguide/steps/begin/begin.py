"""Begin: a study folder with study.yaml, written from a first look at the data.

Knows how the file reads: what was guessed is marked, and so is what only a person can answer. What is looked at is `frame`'s.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import yaml

from fieldguide.core.documents.asked import TARGETLESS, Asked, asked_of, name_of
from fieldguide.core.documents.config import Config
from fieldguide.core.documents.document import in_one_line
from fieldguide.core.documents.sections import ProblemSection
from fieldguide.core.errors import ConfigError, listed
from fieldguide.core.files.disk import writing
from fieldguide.core.files.media import wholly_named
from fieldguide.core.files.source import open_source
from fieldguide.core.table import ENCODED_KINDS, Column
from fieldguide.parts import find
from fieldguide.steps.begin.series import DATA_KEYS, series_text
from fieldguide.steps.detect.codes import Coded, sure_codes
from fieldguide.steps.detect.roles import RolesGuess
from fieldguide.steps.detect.task import TaskGuess, questions
from fieldguide.steps.frame.frame import look


def begin(data: Any, target: str | Sequence[str] | None, out: str | Path | None, answers: Mapping[str, Any]) -> Path:
    """Make a study folder: look at the data and write study.yaml. Nothing is left behind when that fails.

    Raises:
        DataError, ConfigError: the table or the target cannot be used.
    """
    source = open_source(data)
    folder = Path(out) if out is not None else _named_after(source.path)
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise ConfigError(
            f"{folder} already exists", rule="a study gets a folder of its own", found="it is not empty" if folder.is_dir() else "it is a file",
            do="name another with --out DIR, or remove it",
        )  # fmt: skip
    targets = [target] if isinstance(target, str) else list(target or ())
    if not targets and not answers.get("outputs") and answers.get("task") not in TARGETLESS:
        raise ConfigError(
            "no target is named", rule="a study learns a column, or asks what the rows are like without one",
            found=f"the columns are {listed(source.names)}",
            do=f"name one with --target COLUMN; or ask for {' or '.join(f'--task {task}' for task in TARGETLESS)}",
        )  # fmt: skip
    named = {} if answers.get("outputs") or not targets else {"target": targets[0] if len(targets) == 1 else targets}
    of_data = {name: answers[name] for name in DATA_KEYS if answers.get(name) is not None}
    told: dict[str, Any] = {
        "problem": {**named, **{name: answer for name, answer in answers.items() if name not in DATA_KEYS}},
        "data": {"table": str(source.path or "data.parquet"), **of_data},
        **({"split": {"column": "split", "test": "test"}} if "test" in source.parts else {}),
    }
    config = Config.from_dict(told, folder)
    columns: tuple[Column, ...] = ()
    if config.problem.task == "forecast":
        text = series_text(source, config, _relative(source.path, folder))
    else:
        columns, guess, tasks = look(source, config)
        codes = sure_codes(source, columns)
        write = structure_text if config.problem.targetless else study_text
        text = write(columns, guess, tasks, config, _relative(source.path, folder), codes, source.parts)
    text = _with_the_rest(text, config.to_dict()["problem"], answers)
    created = not folder.exists()
    try:
        with writing(folder, "a study folder is made whole or not at all"):
            folder.mkdir(parents=True, exist_ok=True)
            if source.path is None:
                wholly_named(source.collect(), columns).write_parquet(folder / "data.parquet")
            (folder / "study.yaml").write_text(text, encoding="utf-8")
    except BaseException:
        if created and folder.is_dir():
            shutil.rmtree(folder)
        raise
    return folder


def _with_the_rest(text: str, problem: Mapping[str, Any], answers: Mapping[str, Any]) -> str:
    """Return study.yaml with the answers for which it has no line of its own, at the end of the problem."""
    written = yaml.safe_load(text)["problem"]
    more = [name for name in answers if name in problem and problem[name] is not None and name not in written]
    lines = text.split("\n")
    end = next(i for i, line in enumerate(lines) if line.startswith("data:"))
    return "\n".join([*lines[:end], *(f"  {name}: {in_one_line(problem[name])}" for name in more), *lines[end:]])


def _named_after(path: Path | None) -> Path:
    """Return the study's folder, in the current one: named after the data, and never the folder of the data itself."""
    if path is None:
        return Path("study")
    if path.is_dir():
        return Path(f"{path.resolve().name}-study")
    name = path.name.split(".")[0]
    # photos/photos.csv: a folder of that name is where the data lie, and no study of an earlier time.
    theirs = Path(name).is_dir() and Path(name).resolve() in path.resolve().parents
    return Path(f"{name}-study" if theirs else name)


def _relative(path: Path | None, folder: Path) -> str:
    return "data.parquet" if path is None else os.path.relpath(path.resolve(), folder.resolve())


def structure_text(
    columns: Sequence[Column], guess: RolesGuess, tasks: Mapping[str, TaskGuess], config: Config, table: str,
    codes: Sequence[Coded] = (), parts: Sequence[str] = (),
) -> str:  # fmt: skip
    """Return study.yaml of a task without a target as text."""
    said = config.problem
    task = next(iter(tasks.values()))
    need = {entry["key"]: entry["question"] for entry in questions(columns, guess, task)}
    metrics = listed(find("tasks", task.task).metrics)
    lines = [
        "# Lines marked ? only a person can answer; lines marked = were guessed from the data. See `fieldguide schema`.",
        "problem:",
        *_word_lines(said, need),
        f"  task: {task.task}  # without a target",
        _count_line(said),
        f"  metric: {in_one_line(said.metric)}"
        if said.metric
        else f"  # metric:  # absent: explore recommends one of {metrics}",
        *_data_lines(columns, guess, table, need, codes),
        _split_line(parts),
        "budget: {trials: 30, minutes: 10}",
        f"seed: {config.seed}",
        "",
    ]
    return "\n".join(lines)


def _count_line(said: ProblemSection) -> str:
    """How many clusters, or how many numbers are kept of a row."""
    if said.task == "clustering":
        return (
            f"  clusters: {said.clusters}"
            if said.clusters
            else "  # clusters:  # ? How many, where that is known? Absent: searched."
        )
    return f"  components: {said.components or 2}  # numbers that are kept of each row"


def study_text(
    columns: Sequence[Column], guess: RolesGuess, tasks: Mapping[str, TaskGuess], config: Config, table: str,
    codes: Sequence[Coded] = (), parts: Sequence[str] = (),
) -> str:  # fmt: skip
    """Return study.yaml as text: short, commented, with what was guessed and what only a person can answer."""
    asked = asked_of(config.problem)
    task = tasks[asked[0].name]
    need = {entry["key"]: entry["question"] for entry in questions(columns, guess, task)}
    lines = [
        "# Lines marked ? only a person can answer; lines marked = were guessed from the data. See `fieldguide schema`.",
        *_problem_lines(config.problem, tasks, need),
        *_data_lines(columns, guess, table, need, codes),
        _split_line(parts),
        "budget: {trials: 30, minutes: 10}",
        f"seed: {config.seed}",
        "",
    ]
    return "\n".join(lines)


def _split_line(parts: Sequence[str]) -> str:
    """A division that the data's folders give is obeyed."""
    if "test" not in parts:
        return "# split: {test: 0.15}  # absent: chosen from the size of the data"
    return "split: {column: split, test: test}  # = the division that the folders give"


def _problem_lines(said: ProblemSection, tasks: Mapping[str, TaskGuess], need: Mapping[str, str]) -> list[str]:
    asked = asked_of(said)
    task = tasks[asked[0].name]
    lines = ["problem:", *_word_lines(said, need)]
    if len(asked) > 1 or said.outputs is not None:
        lines += _output_lines(asked, tasks)
    else:
        targets = said.targets
        lines.append(f"  target: {in_one_line(list(targets) if len(targets) > 1 else targets[0])}")
        lines.append(f"  task: {said.task or task.task}" + ("" if said.task else f"  # = {task.why}"))
        if task.task != "binary" and said.task is None:
            lines += [f"  # ? {text}" for text in task.questions]
    if task.positive is not None and len(asked) == 1 and said.outputs is None:
        lines.append(f"  positive: {in_one_line(said.positive or task.positive)}" + ("" if said.positive else "  # ="))
    if said.costs is not None:
        lines.append(f"  costs: {in_one_line(said.costs.model_dump())}")
    elif task.task == "binary" and len(asked) == 1:
        lines.append(f"  # costs: {{false_positive: 1, false_negative: 1}}  # ? {need['problem.costs']}")
    if said.transform != "identity":
        lines.append(f"  transform: {said.transform}")
    if len(asked) == 1 and said.outputs is None:
        lines.append(
            f"  metric: {in_one_line(said.metric)}"
            if said.metric
            else "  # metric:  # absent: explore recommends one and the journal freezes it"
        )
    lines.append(
        f"  success: {said.success:g}" if said.success else f"  # success: 0.01  # ? {need['problem.success']}"
    )
    if said.limits.latency_ms or said.limits.megabytes:
        lines.append(f"  limits: {in_one_line(said.limits.model_dump(exclude_none=True))}")
    if said.purpose != "predict":
        lines.append(f"  purpose: {said.purpose}")
    return lines


def _word_lines(said: ProblemSection, need: Mapping[str, str]) -> list[str]:
    told = {name: getattr(said, name) for name in ("goal", "unit", "decision", "prediction_time")}
    return [
        f"  {name}: {in_one_line(value)}" if value else f"  {name}:  # ? {need['problem.' + name]}"
        for name, value in told.items()
    ]


def _output_lines(asked: Sequence[Asked], tasks: Mapping[str, TaskGuess]) -> list[str]:
    """One line an output; what was guessed of it is marked behind it."""
    lines = [
        "  outputs:  # candidates are ranked by the metric of the first; absent metrics are recommended by explore"
    ]
    for one in asked:
        guess = tasks[one.name]
        said: dict[str, Any] = {} if one.name == name_of(one.columns) else {"name": one.name}
        said |= {"columns": list(one.columns)} if one.joint else {"column": one.columns[0]}
        said["task"] = one.task or guess.task
        positive = one.positive or guess.positive
        said |= {"positive": positive} if positive is not None else {}
        said |= {"labels": list(one.labels)} if one.labels else {}
        said |= {"separator": one.separator or guess.separator} if one.separator or guess.separator else {}
        said |= {"blank": one.blank} if one.blank != "missing" else {}
        said |= {"transform": one.transform} if one.transform != "identity" else {}
        if one.metric:
            said["metric"] = {one.metric: dict(one.metric_settings)} if one.metric_settings else one.metric
        said |= {"weight": one.weight} if one.weight != 1.0 else {}
        lines.append(f"    - {in_one_line(said)}" + ("" if one.task else f"  # = {guess.why}"))
    return lines


def _data_lines(
    columns: Sequence[Column], guess: RolesGuess, table: str, need: Mapping[str, str], codes: Sequence[Coded] = ()
) -> list[str]:
    lines = ["data:", f"  table: {in_one_line(table)}"]
    for role, found in (("time", guess.time), ("group", guess.group)):
        for one in found[:1]:
            mark = (
                f"  {role}: {in_one_line(one.column)}  # = {one.why}"
                if one.sure
                else f"  # {role}: {in_one_line(one.column)}  # ? {one.why}"
            )
            lines.append(mark)
            if one.expression:
                lines.append(f"  # derive: {in_one_line({one.column: one.expression})}  # goes with it")
    if guess.key is not None:
        lines.append(f"  key: {in_one_line(guess.key.column)}  # = {guess.key.why}")
    asked = need.get("data.columns", "columns that are not known at prediction time")
    if codes:
        lines.append(f"  columns:  # name: ignore  # ? {asked}")
        for coded in codes:
            missing = {coded.column: {"read": {"missing": list(coded.tokens)}}}
            lines.append(f"    {in_one_line(missing)[1:-1]}  # = {coded.why}; remove the line if it is a number")
    else:
        lines.append(f"  # columns: {{name: ignore}}  # ? {asked}")
    for column in columns:
        if column.role == "target" and (same := column.facts.get("spellings")):
            said = {column.name: {"read": {"case": "ignore"}}}
            lines.append(f"  # columns: {in_one_line(said)}  # ? are {listed(map(repr, same[0]))} one label?")
    return lines + _told_columns(columns)


def _told_columns(columns: Sequence[Column]) -> list[str]:
    """Comment lines that say every column's kind: one line a kind, and one for each column there is something to say of."""
    special = [c for c in columns if c.role != "target" and _note(c)]
    lines = [f"  #   {_one_line(c.name)}: {c.kind}{_note(c)}" for c in special[:40]]
    if len(special) > 40:
        lines.append(f"  #   and {len(special) - 40} more of this kind: fieldguide frame --json")
    for kind in ENCODED_KINDS:
        names = [_one_line(c.name) for c in columns if c.kind == kind and c.role != "target" and c not in special]
        if names:
            lines.append(f"  #   {kind}: {listed(names, 20)}")
    return lines


def _one_line(name: str) -> str:
    """A comment ends with its line: names that hold a line break are written with \\n."""
    return name if name.isprintable() else repr(name)


def _note(column: Column) -> str:
    asked = column.facts.get("questions")
    if asked:
        return f"  # ? {asked[0]}"
    if "folder" in column.read:
        return f"  # {column.facts.get('why', '')}"
    return (
        f"  # left out: {column.facts.get('why', '')}"
        if column.kind not in ENCODED_KINDS or column.role == "ignore"
        else ""
    )
