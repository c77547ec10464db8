"""study.yaml as one valid value: read, checked whole, all mistakes told at once.

Knows how mistakes are told; knows no table and no part. What may stand in a section is `core.sections`', how YAML
becomes data with line numbers `core.document`'s, what must fit together `core.consistency`'s; its `check_names` is
offered here as well.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, get_args

from pydantic import Field, PrivateAttr, ValidationError

from fieldguide.core.consistency import RULE, check_names, contradictions
from fieldguide.core.document import Document, Mistake, raise_all, read_document, unknown_key
from fieldguide.core.errors import ConfigError, nearest
from fieldguide.core.sections import (
    BudgetSection,
    ColumnSection,
    DataSection,
    LearnersSection,
    PopulationSection,
    ProblemSection,
    ReadSection,
    Section,
    SplitSection,
    Texts,
    Whole,
)

__all__ = ["Config", "check_names", "json_schema", "load_config", "parse_config"]


_BOUNDS = {
    "greater_than": "must be greater than {gt:g}", "greater_than_equal": "must be at least {ge:g}",
    "less_than": "must be less than {lt:g}", "less_than_equal": "must be at most {le:g}",
}  # fmt: skip
_WORDS = {
    "missing": "is required", "string_type": "must be a text", "string_too_short": "must not be an empty text",
    "int_type": "must be a whole number", "int_from_float": "must be a whole number",
    "float_type": "must be a number", "finite_number": "must be a finite number", "bool_type": "must be true or false",
    "dict_type": "must be a mapping", "model_type": "must be a mapping", "tuple_type": "must be a list",
}  # fmt: skip


class Config(Section):
    """A valid study.yaml.

    Examples:
        >>> config = Config.from_dict({"problem": {"target": "income"}, "data": {"table": "adult.csv"}}, "/studies")
        >>> config.problem.targets, config.data.table.as_posix(), config.budget.trials
        (('income',), '/studies/adult.csv', 30)
    """

    problem: ProblemSection = Field(description="what is asked")
    data: DataSection = Field(description="where the rows are and what their columns mean")
    population: PopulationSection = Field(default_factory=PopulationSection, description="which rows count")
    split: SplitSection = Field(default_factory=SplitSection, description="how rows are divided")
    slices: Texts = Field(default=(), description="columns or expressions by which every score is also shown")
    budget: BudgetSection = Field(default_factory=BudgetSection, description="how much may be tried")
    learners: LearnersSection = Field(default_factory=LearnersSection, description="which learners take part")
    seed: Whole = Field(default=7, ge=0, lt=2**32, description="one seed, the same numbers")
    threads: Whole | None = Field(default=None, ge=1, description="threads to compute with; absent: all cores")

    _document: Document = PrivateAttr(default_factory=lambda: Document("study.yaml"))

    @staticmethod
    def from_dict(data: Mapping[str, Any], folder: Path | str = ".") -> Config:
        """Return the config that plain data describes; paths are relative to `folder`. Raises ConfigError."""
        return _validated(Document("the study", dict(data)), Path(folder))

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Config) and self.to_dict() == other.to_dict()  # wherever it was read from

    def to_dict(self) -> dict[str, Any]:
        """Return the config as plain data, with absolute paths; `from_dict` takes it back."""
        return self.model_dump(mode="json")


def load_config(path: Path | str) -> Config:
    """Read and validate study.yaml.

    Raises:
        ConfigError: all mistakes at once, each with its line, its path, what is wrong and what was found.
    """
    path = Path(path)
    try:
        content = path.read_bytes()
    except OSError as error:
        raise ConfigError(
            f"{path} cannot be read",
            found=error.strerror or str(error),
            do="check the path, or write it by `fieldguide init`",
        ) from None
    return parse_config(content, path.parent, path.name)


def parse_config(content: bytes | str, folder: Path, name: str = "study.yaml") -> Config:
    """Return the config of a YAML text; paths are relative to `folder`. Raises ConfigError as `load_config` does."""
    document = read_document(content.encode(errors="surrogatepass") if isinstance(content, str) else content, name)
    return _validated(document, folder)


def json_schema() -> dict[str, Any]:
    """Return the JSON Schema (draft 2020-12) of study.yaml, for editors.

    Examples:
        >>> json_schema()["properties"]["budget"]["description"]
        'how much may be tried'
    """
    schema = Config.model_json_schema(mode="validation")
    for section in (schema, *schema["$defs"].values()):
        for name, entry in section.get("properties", {}).items():
            # a blank entry counts as left out, so it is valid wherever it may be left out
            if name not in section.get("required", ()) and {"type": "null"} not in entry.get("anyOf", []):
                shape = {key: entry.pop(key) for key in list(entry) if key not in ("description", "default", "title")}
                entry["anyOf"] = [*(shape.pop("anyOf") if list(shape) == ["anyOf"] else [shape]), {"type": "null"}]
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", **schema, "title": "study.yaml"}


def _validated(document: Document, folder: Path) -> Config:
    mistakes = [*document.mistakes, *contradictions(document)]
    try:
        config = Config.model_validate(document.data, context={"folder": folder})
    except ValidationError as error:
        raise_all(document.name, [*mistakes, *_translated(error, document)], RULE)
        raise
    raise_all(document.name, mistakes, RULE)
    config._document = document
    return config


def _translated(error: ValidationError, document: Document) -> list[Mistake]:
    """Turn pydantic's errors into mistakes, one per place of the file."""
    mistakes: dict[tuple[str | int, ...], Mistake] = {}
    for one in error.errors(include_url=False):
        path: list[str | int] = []
        value: Any = document.data
        for part in one["loc"]:  # what is not in the file is pydantic's own: branches of unions, "[key]"
            try:
                value = value[part]
            except (KeyError, IndexError, TypeError):
                break
            path.append(part)
        place = tuple(path)
        what = _said(one)
        if one["type"] == "missing":
            place, value = tuple(one["loc"]), None
        mistakes.setdefault(place, Mistake(place, what, _shown(value), document.at(place)))
    return list(mistakes.values())


def _said(error: Any) -> str:
    kind, context, name = error["type"], error.get("ctx", {}), str(error["loc"][-1]) if error["loc"] else ""
    if kind == "extra_forbidden":
        section = _section_at(error["loc"][:-1])
        return unknown_key(name, section.model_fields, _homes())
    if kind == "value_error":
        return str(context["error"])
    if kind == "literal_error":
        choices = context["expected"].replace("'", "").replace(" or ", ", ")
        return f"must be one of {choices}{nearest(str(error['input']), choices.split(', '))}"
    if kind in _BOUNDS:
        return _BOUNDS[kind].format(**context)
    return _WORDS.get(kind) or error["msg"]


def _shown(value: Any) -> str:
    if isinstance(value, Mapping):
        return "a mapping"
    if isinstance(value, list | tuple):
        return "a list"
    text = "" if value is None else repr(str(value) if isinstance(value, str) else value)
    return text if len(text) <= 80 else text[:76] + "…" + text[-1]


def _section_at(loc: tuple[str | int, ...]) -> type[Section]:
    """Return the section that stands at a place; only those within data.columns stand behind names of the user's."""
    if loc[:2] == ("data", "columns"):
        return ReadSection if loc[-1] == "read" and len(loc) > 3 else ColumnSection
    section: type[Section] = Config
    for part in loc:
        section = next(t for t in _types(section.model_fields[str(part)].annotation) if issubclass(t, Section))
    return section


def _types(annotation: Any) -> tuple[type, ...]:
    return tuple(t for t in (annotation, *get_args(annotation)) if isinstance(t, type))


def _homes() -> dict[str, list[str]]:
    """Return, for each key, the sections it may stand in."""
    homes: dict[str, list[str]] = {}
    for name, field in Config.model_fields.items():
        for section in _types(field.annotation):
            for key in section.model_fields if issubclass(section, Section) else ():
                homes.setdefault(key, []).append(name)
    return homes
