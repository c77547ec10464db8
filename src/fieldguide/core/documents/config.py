"""study.yaml as one valid value: read, checked whole, all mistakes told at once.

Knows no table and no part. What may stand in a section is `core.documents.sections`', how YAML becomes data with line numbers
`core.documents.document`'s, how mistakes are told `core.documents.validation`'s, what must fit together `core.documents.consistency`'s; its `check_names` is
offered here as well.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pydantic import Field, PrivateAttr, model_validator

from fieldguide.core.documents.asked import TARGETLESS
from fieldguide.core.documents.consistency import RULE, check_names, contradictions
from fieldguide.core.documents.document import Document, read_document
from fieldguide.core.documents.join_sections import ENTITY, JOINED, KNOWN_AT, PREDICTION_TIME, JoinSection
from fieldguide.core.documents.preprocessing_section import PreprocessingSection
from fieldguide.core.documents.proxy_sections import EventEntry, proxy_contradictions
from fieldguide.core.documents.sections import (
    BudgetSection,
    DataSection,
    LearnersSection,
    Name,
    PopulationSection,
    ProblemSection,
    RulesSection,
    Section,
    SplitSection,
    Texts,
    Whole,
)
from fieldguide.core.documents.validation import validated
from fieldguide.core.errors import ConfigError

__all__ = ["Config", "check_names", "json_schema", "load_config", "parse_config"]


class Config(Section):
    """A valid study.yaml.

    Examples:
        >>> config = Config.from_dict({"problem": {"target": "income"}, "data": {"table": "adult.csv"}}, "/studies")
        >>> config.problem.targets, config.data.table.as_posix(), config.budget.trials
        (('income',), '/studies/adult.csv', 30)
    """

    problem: ProblemSection = Field(description="what is asked")
    data: DataSection = Field(description="where the rows are and what their columns mean")
    join: JoinSection | None = Field(default=None, description="how the table is made of event tables")
    proxies: dict[Name, EventEntry] = Field(
        default_factory=dict,
        description="events that may stand for the outcome, by name; `outcome` is the outcome itself",
    )
    population: PopulationSection = Field(default_factory=PopulationSection, description="which rows count")
    split: SplitSection = Field(default_factory=SplitSection, description="how rows are divided")
    slices: Texts = Field(default=(), description="columns or expressions by which every score is also shown")
    budget: BudgetSection = Field(default_factory=BudgetSection, description="how much may be tried")
    preprocessing: PreprocessingSection = Field(
        default_factory=PreprocessingSection, description="how columns become what learners read"
    )
    learners: LearnersSection = Field(default_factory=LearnersSection, description="which learners take part")
    rules: RulesSection | None = Field(default=None, description="how a decision follows from the predicted signals")
    seed: Whole = Field(default=7, ge=0, lt=2**32, description="one seed, the same numbers")
    threads: Whole | None = Field(default=None, ge=1, description="threads to compute with; absent: all cores")

    _document: Document = PrivateAttr(default_factory=lambda: Document("study.yaml"))

    @model_validator(mode="before")
    @classmethod
    def _joined_table(cls, data: Any) -> Any:
        """A study that joins has the joined table, its prediction time and its entity, unless it says otherwise."""
        if not isinstance(data, Mapping) or not isinstance(data.get("join"), Mapping):
            return data
        said = data.get("data")
        if said is not None and not isinstance(said, Mapping):
            return data
        given = {key: value for key, value in (said or {}).items() if value is not None}
        made = _joined_columns(data["join"])
        if isinstance(columns := given.get("columns"), Mapping):
            given["columns"] = {**made.get("columns", {}), **columns}
        split = data.get("split")
        if "columns" in made and "entity" not in given and "group" not in given and not (split or {}):
            data = {**data, "split": {"by": "chronological"}}
        return {**data, "data": {**made, **given}}

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
            rule="a study is described by a text file, study.yaml",
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
    asked = [{"properties": {"problem": {"required": [key]}}} for key in ("target", "proxy", "outputs")]
    tables = [{"required": ["data"], "properties": {"data": {"required": ["table"]}}}, {"required": ["join"]}]
    schema["required"].remove("data")  # a join makes the table
    schema["$defs"]["DataSection"]["required"].remove("table")
    free = {"properties": {"problem": {"properties": {"task": {"enum": list(TARGETLESS)}}, "required": ["task"]}}}
    judged = {
        "allOf": [{"anyOf": [*asked, {"required": ["proxies"]}, free]}, {"anyOf": tables}]
    }  # as contradictions have it
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", **schema, **judged, "title": "study.yaml"}


def _joined_columns(join: Mapping[str, Any]) -> dict[str, Any]:
    """Return what `data` says of a joined table; a mistake in `join` is told by its own section.

    The entity groups rows, unless each has a row at every prediction time: then no group could be whole on one side of a
    moment, and rows are divided by time alone, as they are met in use.
    """
    parts = [join.get(part) for part in ("units", "outcome")]
    units, outcome = (part if isinstance(part, Mapping) else {} for part in parts)
    entities = units.get("entity")
    entities = [entities] if isinstance(entities, str) else entities if isinstance(entities, list) else []
    entity = ENTITY if len(entities) > 1 else entities[0] if entities else None
    moments = units.get("at")
    repeated = units.get("every") is not None or (isinstance(moments, list) and len(moments) > 1)
    dated = join.get("clock") in (None, "date")
    found = {
        "table": JOINED, "entity": None if repeated and dated else entity,
        "time": PREDICTION_TIME if dated and (moments is None or repeated) else None,
        "known_at": KNOWN_AT if dated and outcome.get("horizon") is not None else None,
        "columns": {entity: "ignore"} if repeated and dated and isinstance(entity, str) else None,
    }  # fmt: skip
    return {name: value for name, value in found.items() if value is not None}


def _validated(document: Document, folder: Path) -> Config:
    config = validated(document, Config, folder, (*contradictions(document), *proxy_contradictions(document)), RULE)
    config._document = document
    return config
