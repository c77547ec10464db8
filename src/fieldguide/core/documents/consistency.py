"""What must fit together in study.yaml: entries with each other, and names with the table and the parts.

Knows the meaning of entries, as plain data; their shape is `core.documents.sections`'. `contradictions` needs the file only, so
that they are told together with every other mistake; `check_names` runs when the table and the parts are known.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from fieldguide.core.documents.asked import TARGETLESS, asked_of
from fieldguide.core.documents.document import Document, Mistake, Path_, raise_all
from fieldguide.core.documents.proxy_sections import columns_of, moment, sources
from fieldguide.core.errors import listed, nearest
from fieldguide.core.language.syntax import ExpressionError, read_syntax

if TYPE_CHECKING:
    from fieldguide.core.documents.config import Config

RULE = "every key and value is one that `fieldguide schema` describes"
_PLACES = ("entity", "group", "time", "known_at", "key", "weight")


def contradictions(document: Document) -> Iterator[Mistake]:
    """Yield what contradicts itself in a study.yaml, whose shape may still be wrong."""
    data = document.data

    def at(*path: str) -> Any:
        value: Any = data
        for part in path:
            value = value.get(part) if isinstance(value, Mapping) else None
        return value

    def mistake(path: Path_, what: str, found: Any = "") -> Mistake:
        return Mistake(path, what, repr(str(found)) if found else "", document.at(path))

    for path, text in _expressions(data):
        try:
            read_syntax(text)
        except ExpressionError as error:
            fact = f": {error.fact}" if error.fact else ""
            yield mistake(path, f"{error.what} at character {error.position}{fact}", text)
    if at("split", "validation") is not None and at("split", "folds") is not None:
        yield mistake(("split", "folds"), "folds and validation exclude each other: give one of them")
    if at("split", "column") is not None and at("split", "test") is None:
        yield mistake(("split", "column"), "split.test must say which value of the column marks the test rows")
    by = str(at("split", "by") or "")
    if "grouped" in by and at("data", "group") is None and at("data", "entity") is None and at("join") is None:
        yield mistake(("split", "by"), "needs data.group or data.entity", by)
    if "chronological" in by and at("data", "time") is None and at("join") is None:
        yield mistake(("split", "by"), "needs data.time", by)
    for name in sorted(_listed(at("learners", "use")) & _listed(at("learners", "skip"))):
        yield mistake(("learners", "skip"), "a learner is both used and skipped", name)
    costs = [at("problem", "costs", name) for name in ("false_positive", "false_negative")]
    if all(cost is not None and str(cost) in ("0", "0.0") for cost in costs):
        yield mistake(("problem", "costs"), "an error must cost something: both are 0")
    yield from (mistake(*found) for found in _in_prices(data.get("problem")))
    yield from (mistake(*found) for found in _in_targetless(data))
    targets = _listed(at("problem", "target")) | _columns_of_outputs(at("problem", "outputs"))
    yield from (mistake(*found) for found in _in_rules(data, targets))
    yield from (mistake(*found) for found in _in_outputs(data.get("problem")))
    for place in _PLACES:
        if place != "known_at" and at("data", place) is not None and at("data", place) in targets:
            yield mistake(("data", place), "is the target already", at("data", place))
    if at("population", "weigh") not in (None, "both") and at("data", "weight") is None:
        yield mistake(("population", "weigh"), "there is nothing to weigh by: data.weight names no column")
    if at("problem", "task") == "forecast" and at("data", "weight") is not None:
        what = "forecasts are learned and judged window by window, each counted once: take it out"
        yield mistake(("data", "weight"), what, at("data", "weight"))
    if isinstance(at("data", "derive"), Mapping) and at("data", "key") in at("data", "derive"):
        yield mistake(
            ("data", "key"), "rows are named by a column of the table, not by a derived one", at("data", "key")
        )
    columns = at("data", "columns")
    for name, said in columns.items() if isinstance(columns, Mapping) else ():
        if name in targets and (said == "ignore" or (isinstance(said, Mapping) and said.get("role") == "ignore")):
            yield mistake(("data", "columns", name), "the target cannot be ignored", name)
    derive = at("data", "derive")
    for name, text in derive.items() if isinstance(derive, Mapping) else ():
        used = _columns_of(text) & targets
        if used and name not in targets:
            yield mistake(("data", "derive", name), "uses the target, which is not known at prediction time", text)


def _in_prices(problem: Any) -> Iterator[tuple[Path_, str, Any]]:
    """Yield what is missing for the task `price`, or said of it in a study that has another task."""
    if not isinstance(problem, Mapping):
        return
    if any(isinstance(one, Mapping) and one.get("task") == "price" for one in _several(problem.get("outputs"))):
        yield (
            ("problem", "outputs"),
            "a price stands alone: name the offered price as problem.target, and problem.booked",
            "",
        )
    if problem.get("task") != "price":
        for key in ("booked", "c1", "c2"):
            if problem.get(key) is not None:
                yield ("problem", key), "is said of offered prices, and problem.task is not price", problem[key]
        return
    if problem.get("booked") is None:
        yield (
            ("problem", "task"),
            "a price is learned from offers: problem.booked names the column that says whether each was booked",
            "",
        )
    if problem.get("target") is not None and len(_several(problem["target"])) != 1:
        yield ("problem", "target"), "a price is one column, the offered price", ""
    if problem.get("booked") is not None and problem["booked"] in _several(problem.get("target")):
        yield (
            ("problem", "booked"),
            "is the target already: one column holds the offered price, another whether it was booked",
            problem["booked"],
        )
    if problem.get("transform") not in (None, "identity"):
        yield (
            ("problem", "transform"),
            "a price is learned as it is: its sign says whether it was booked",
            problem["transform"],
        )


def _in_targetless(data: Mapping[str, Any]) -> Iterator[tuple[Path_, str, Any]]:
    """Yield what is said of a target where the task has none, and what only such a task has."""
    problem, split = data.get("problem"), data.get("split")
    if not isinstance(problem, Mapping):
        return
    task = problem.get("task")
    for key, only in (("clusters", "clustering"), ("components", "reduction")):
        if problem.get(key) is not None and task != only:
            yield ("problem", key), f"is said of a {only}, and problem.task is {task or 'not'}", problem[key]
    if not isinstance(task, str) or task not in TARGETLESS:
        return
    for key in ("target", "outputs", "proxy", "positive", "costs", "loss", "decide", "calibrate", "booked"):
        if problem.get(key) is not None:
            yield ("problem", key), f"a {task} has no target: take it out, or name another task", problem[key]
    if data.get("proxies") is not None:
        yield ("proxies",), f"a {task} has no target: nothing can stand for it", ""
    if data.get("rules") is not None:
        yield (
            ("rules",),
            f"rules read answers that have a meaning, and those of a {task} are made anew by every fit",
            "",
        )
    folds = split.get("folds") if isinstance(split, Mapping) else None
    if folds is not None and str(folds) != "1":
        what = f"a {task} is judged on one validation set: what two fits call 1 is not the same"
        yield ("split", "folds"), what, folds


def _several(value: Any) -> list[Any]:
    return [] if value is None else list(value) if isinstance(value, list | tuple) else [value]


def _in_rules(data: Mapping[str, Any], targets: set[str]) -> Iterator[tuple[Path_, str, Any]]:
    """Yield what contradicts itself in `rules`: names that stand twice, a truth that a model could learn from."""
    rules = data.get("rules")
    if not isinstance(rules, Mapping):
        return
    seen: set[str] = set()
    for number, entry in enumerate(_rule_entries(rules)):
        name = entry.get("name")
        if isinstance(name, str) and name in seen:
            yield ("rules", "order", number, "name"), "two rules have the same name", name
        seen.add(str(name))
    truth, said = rules.get("truth"), data.get("data")
    columns = said.get("columns") if isinstance(said, Mapping) else None
    of_truth = columns.get(truth) if isinstance(columns, Mapping) else None
    role = of_truth.get("role") if isinstance(of_truth, Mapping) else of_truth
    if truth is not None and truth not in targets and role != "ignore":
        what = f"is known only afterwards, so that no model may read it: write `data: {{columns: {{{truth}: ignore}}}}`"
        yield ("rules", "truth"), what, truth


def _rule_entries(rules: Any) -> list[Mapping[str, Any]]:
    """Return the rules; entries of a wrong shape, told elsewhere, are empty."""
    order = rules.get("order") if isinstance(rules, Mapping) else None
    return [entry if isinstance(entry, Mapping) else {} for entry in (order if isinstance(order, list | tuple) else ())]


def _entries(outputs: Any) -> Iterator[tuple[int, str, str]]:
    """Yield number, name and columns of the outputs that study.yaml lists; entries of a wrong shape are told elsewhere."""
    for number, entry in enumerate(outputs if isinstance(outputs, list | tuple) else ()):
        said = entry if isinstance(entry, Mapping) else {"column": entry}
        listed_there = said.get("columns")
        columns = listed_there if isinstance(listed_there, list | tuple) else [said.get("column")]
        for column in columns:
            if column is not None:
                yield number, str(said.get("name") or ""), str(column)


def _columns_of_outputs(outputs: Any) -> set[str]:
    return {column for _, _, column in _entries(outputs)}


def _in_outputs(problem: Any) -> Iterator[tuple[Path_, str, Any]]:
    """Yield what contradicts itself in `problem.outputs`, or between it and the rest of `problem`."""
    outputs = problem.get("outputs") if isinstance(problem, Mapping) else None
    if outputs is None:
        return
    for key in ("target", "task", "positive", "metric", "transform"):
        if problem.get(key) is not None:
            yield ("problem", key), "is said of each output: move it into problem.outputs", problem[key]
    owners: dict[str, int] = {}
    names: dict[str, int] = {}
    for number, name, column in _entries(outputs):
        if column in owners:
            yield ("problem", "outputs", number), f"the column {column!r} stands in two places", column
        elif names.setdefault(name, number) != number and name:
            yield ("problem", "outputs", number, "name"), "two outputs have the same name", name
        owners[column] = number


def check_names(config: Config, columns: Sequence[str], parts: Mapping[str, Sequence[str]]) -> None:
    """Check every name in a config that only the table or the parts know.

    Args:
        config: a valid config.
        columns: the columns of the table.
        parts: the names of the parts of each kind (`tasks`, `metrics`, `learners`); absent: not checked.

    Raises:
        ConfigError: all unknown names at once, each with its line, its path and the nearest name.
    """
    document = config._document
    mistakes = [
        Mistake(path, what, "" if repr(name) in what else repr(name), document.at(path))
        for path, what, name in (*_unknown_columns(config, tuple(columns)), *_unknown_parts(config, parts))
    ]
    raise_all(document.name, mistakes, rule="every name is a column of the table, a derived column, or a part")


def _unknown_columns(config: Config, columns: tuple[str, ...]) -> Iterator[tuple[Path_, str, str]]:
    def unknown(path: Path_, name: str, known: Sequence[str]) -> Iterator[tuple[Path_, str, str]]:
        if name not in known:
            hint = nearest(name, known) or f"; the columns are {listed(known)}"
            yield path, f"there is no column {name!r}{hint}", name

    data, known = config.data, list(columns)
    for name, text in data.derive.items():
        path: Path_ = ("data", "derive", name)
        if name in columns:
            yield path, "a derived column cannot have the name of a column of the table", name
        for used in read_syntax(text).columns:
            yield from unknown(path, used, known)
        known.append(name)
    yield from _unknown_in_proxies(config, columns)
    target = () if config.problem.target is None else config.problem.target
    for index, name in enumerate((target,) if isinstance(target, str) else target):
        listed_there = not isinstance(target, str)
        yield from unknown(("problem", "target", index) if listed_there else ("problem", "target"), name, known)
    for index, output in enumerate(config.problem.outputs or ()):
        for number, name in enumerate(output.reads):
            inside: Path_ = ("columns", number) if output.columns else ("column",)
            yield from unknown(("problem", "outputs", index, *inside), name, known)
    if config.problem.booked is not None:
        yield from unknown(("problem", "booked"), config.problem.booked, columns)
    for name in data.columns:
        yield from unknown(("data", "columns", name), name, known)
    for place in _PLACES:
        if getattr(data, place) is not None:
            yield from unknown(("data", place), getattr(data, place), known)
    if config.split.column is not None:
        yield from unknown(("split", "column"), config.split.column, known)
    for part in ("train", "evaluate"):
        text = getattr(config.population, part)
        for used in () if text == "all" else read_syntax(text).columns:
            yield from unknown(("population", part), used, known)
    if config.rules is not None:
        if config.rules.truth is not None:
            yield from unknown(("rules", "truth"), config.rules.truth, known)
        signals = [output.name for output in asked_of(config.problem)]
        for index, rule in enumerate(config.rules.order):
            for used in read_syntax(rule.when).columns:
                if not used.startswith("probability_") and not any(used.startswith(f"{name}.") for name in signals):
                    yield from unknown(("rules", "order", index, "when"), used, [*signals, *known])
    for index, text in enumerate(config.slices):
        path = ("slices", index)
        if text in known:
            continue
        try:
            for used in read_syntax(text).columns:
                yield from unknown(path, used, known)
        except ExpressionError as error:
            hint = nearest(text, known)
            yield path, f"is neither a column{hint} nor an expression: {error.what} at character {error.position}", text


def _unknown_in_proxies(config: Config, columns: tuple[str, ...]) -> Iterator[tuple[Path_, str, str]]:
    """Names under `proxies` that are no columns; derived columns, which models read, cannot be events of later on."""
    later = set(sources(config.proxies))
    for name, event in config.proxies.items():
        path: Path_ = ("proxies", name)
        if name in columns and event.event != name:
            yield path, "a proxy cannot have the name of a column of the table that is not its event", name
        texts = [("event", event.event), *(("variants", text) for text in event.variants), ("time", event.time)]
        if event.observed_until is not None and not moment(event.observed_until):
            texts.append(("observed_until", event.observed_until))
        for key, text in texts:
            for used in (
                ()
                if text is None or text in columns
                else (text,)
                if key in ("time", "observed_until")
                else columns_of(text)
            ):
                if used not in columns:
                    hint = nearest(used, columns) or f"; the columns are {listed(columns)}"
                    yield (*path, key), f"there is no column {used!r}{hint}{_unread(used)}", used
    for name, text in config.data.derive.items():
        for used in sorted(later & set(read_syntax(text).columns)):
            said = config.data.columns.get(used)
            if (said is None or said.role != "feature") and used not in _places(config):
                what = f"uses {used!r}, which `proxies` says is known only afterwards"
                yield ("data", "derive", name), what, text


def _unread(text: str) -> str:
    """Return why a text that is no column is no expression either, or an empty text where it is one word."""
    try:
        read_syntax(text)
    except ExpressionError as error:
        return f", and it is no expression: {error.what} at character {error.position}"
    return ""


def _places(config: Config) -> set[str]:
    return {name for place in _PLACES if (name := getattr(config.data, place)) is not None}


def _unknown_parts(config: Config, parts: Mapping[str, Sequence[str]]) -> Iterator[tuple[Path_, str, str]]:
    problem, learners = config.problem, config.learners
    asked: list[tuple[str, Path_, str | None]] = [
        ("tasks", ("problem", "task"), problem.task),
        ("metrics", ("problem", "metric"), problem.metric_name),
        *(("tasks", ("problem", "outputs", i, "task"), one.task) for i, one in enumerate(problem.outputs or ())),
        *(
            ("metrics", ("problem", "outputs", i, "metric"), asked.metric)
            for i, asked in enumerate(asked_of(problem) if problem.outputs else ())
        ),
        *(("losses", path, _part(said)) for path, said in _losses(problem)),
        ("calibrators", ("problem", "calibrate"), _part(problem.calibrate)),
        *(("learners", ("learners", "use", index), name) for index, name in enumerate(learners.use or ())),
        *(("learners", ("learners", "skip", index), name) for index, name in enumerate(learners.skip)),
        *(("learners", ("learners", "settings", name), name) for name in learners.settings),
    ]
    for kind, path, name in asked:
        if name is not None and kind in parts and name not in parts[kind]:
            hint = nearest(name, parts[kind]) or f"; there are {listed(parts[kind], limit=20)}"
            yield path, f"there is no {'loss' if kind == 'losses' else kind[:-1]} {name!r}{hint}", name


def _losses(problem: Any) -> Iterator[tuple[Path_, Any]]:
    """Yield the losses that are named as parts, with their places; a loss of one's own is an import path."""
    said: list[tuple[Path_, Any]] = [(("problem", "loss"), problem.loss)]
    said += [(("problem", "outputs", i, "loss"), one.loss) for i, one in enumerate(problem.outputs or ())]
    yield from ((path, loss) for path, loss in said if loss is not None and ":" not in str(_part(loss)))


def _part(said: Any) -> str | None:
    """Return the name in an entry that is a name, or a name with its settings."""
    return str(next(iter(said))) if isinstance(said, Mapping) else said


def _expressions(data: Mapping[str, Any]) -> Iterator[tuple[Path_, str]]:
    """Yield the expressions of a study.yaml; slices may also be names of columns and are read by `check_names`."""
    sections = {"data": data.get("data"), "population": data.get("population")}
    derive = sections["data"].get("derive") if isinstance(sections["data"], Mapping) else None
    for name, text in derive.items() if isinstance(derive, Mapping) else ():
        if isinstance(text, str) and text:
            yield ("data", "derive", name), str(text)
    for number, entry in enumerate(_rule_entries(data.get("rules"))):
        if isinstance(entry.get("when"), str) and entry["when"]:
            yield ("rules", "order", number, "when"), str(entry["when"])
    population = sections["population"]
    for name, text in population.items() if isinstance(population, Mapping) else ():
        if name in ("train", "evaluate") and isinstance(text, str) and text not in ("", "all"):
            yield ("population", name), str(text)


def _listed(value: Any) -> set[str]:
    return {item for item in (value if isinstance(value, list | tuple) else [value]) if isinstance(item, str)}


def _columns_of(text: Any) -> set[str]:
    try:
        return set(read_syntax(text).columns)
    except ExpressionError:
        return set()
