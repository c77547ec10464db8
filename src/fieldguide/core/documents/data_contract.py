"""contract.yaml as one valid value: what every feature and label means, and which version of it was agreed on.

Knows what may stand in the file, what contradicts itself in it, and how records of acceptance are found; knows no
table. Whether a table keeps the contract is held in `steps.frame.contract`.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Annotated, Any

from pydantic import BeforeValidator, Field, PrivateAttr

from fieldguide.core.documents.document import Document, Mistake, Path_, plain_value, raise_all, read_document
from fieldguide.core.documents.sections import Kind, Name, Number, Section, Text, Texts, Whole
from fieldguide.core.documents.validation import validated
from fieldguide.core.errors import ConfigError, listed, nearest
from fieldguide.core.language.syntax import ExpressionError, read_syntax

FILE = "contract.yaml"
RULE = "every key and value is one that the page on contract.yaml in the documentation describes"
AT_PREDICTION = "at prediction"
_SECONDS = {"s": 1, "m": 60, "h": 3600, "d": 86_400, "w": 604_800}
_OFFSET = re.compile(r"([+-]?)(\d{1,6})([smhdw])", re.ASCII)
_WORDED = ("meaning", "definition", "unit", "source")


def _available(value: Any) -> Any:
    if isinstance(value, str) and (value == AT_PREDICTION or _OFFSET.fullmatch(value)):
        return str(value)
    raise ValueError(
        f"must be `{AT_PREDICTION}`, or when it is known against it: -1d, +2h "
        "(s, m, h, d, w: seconds, minutes, hours, days, weeks)"
    )


def _range(value: Any) -> Any:
    if not isinstance(value, list | tuple) or len(value) != 2:
        raise ValueError("must be a list of the lowest and the highest value; a blank end is open")
    ends: list[Any] = [None if end in (None, "") else plain_value(end) for end in value]
    for end in ends:
        if isinstance(end, bool) or (isinstance(end, str) and moment_of(end) is None):
            raise ValueError("must hold numbers, or dates such as 2024-01-31")
        if isinstance(end, float) and not math.isfinite(end):
            raise ValueError("must hold finite numbers")
    low, high = ends
    if low is not None and high is not None and (isinstance(low, str) != isinstance(high, str) or low > high):
        raise ValueError("must hold the lowest value first, and two of the same kind")
    return tuple(float(end) if isinstance(end, int) else end for end in ends)


def _scalar(value: Any) -> Any:
    value = plain_value(value)
    if isinstance(value, list | Mapping):
        raise ValueError("must be one value, such as -1 or unknown")
    return float(value) if isinstance(value, int) and not isinstance(value, bool) else value


def _date(value: Any) -> Any:
    if not isinstance(value, str) or moment_of(value) is None:
        raise ValueError("must be a date, such as 2024-01-31")
    return str(value)


def moment_of(text: str) -> datetime | None:
    """Return the moment that a text names, or None.

    Examples:
        >>> moment_of("2024-01-31"), moment_of("soon")
        (datetime.datetime(2024, 1, 31, 0, 0), None)
    """
    try:
        return datetime.fromisoformat(text).replace(tzinfo=None)
    except ValueError:
        return None


Day = Annotated[str, BeforeValidator(_date)]


class Deprecation(Section):
    """Since when a feature is not to be used, and what stands in its place."""

    since: Day | None = Field(default=None, description="the day from which it should not be used")
    replaced_by: Name | None = Field(default=None, description="the column to use in its place")


class FeatureSection(Section):
    """What one column means, and what is promised of it."""

    meaning: Text = Field(default="", description="what a value says of a row, in words")
    unit: Text = Field(default="", description="the unit of its values, such as years or EUR")
    kind: Kind | None = Field(default=None, description="the kind of its values")
    range: Annotated[tuple[Any, Any], BeforeValidator(_range)] | None = Field(
        default=None, description="the lowest and the highest value; a blank end is open"
    )
    categories: Texts | None = Field(default=None, description="the values there are, where it is a category")
    version: Whole = Field(default=1, ge=1, description="raised whenever the definition changes")
    version_of: Name | None = Field(default=None, description="the feature this column is a version of; absent: itself")
    source: Text = Field(default="", description="where it comes from: a system, a table, an owner")
    available: Annotated[str, BeforeValidator(_available)] = Field(
        default=AT_PREDICTION, description="when it is known: at prediction, or before (-1d) or after it (+2d)"
    )
    coverage: Number | None = Field(
        default=None, ge=0, le=1, description="the least share of rows that have a value, the default not counted"
    )
    default: Annotated[str | float | bool, BeforeValidator(_scalar)] | None = Field(
        default=None, description="the value that stands where the source knows none, such as -1"
    )
    deprecated: Deprecation | None = Field(
        default=None, description="since when it is not to be used, and what instead"
    )

    @property
    def delay(self) -> int:
        """Seconds after the moment of prediction at which it is known; 0 or less is in time [s]."""
        match = _OFFSET.fullmatch(self.available)
        return 0 if match is None else int(match[1] + match[2]) * _SECONDS[match[3]]


class TargetSection(Section):
    """What one label means."""

    definition: Name = Field(description="what the label says of a row, in words")
    version: Whole = Field(default=1, ge=1, description="raised whenever the definition changes")
    since: Day | None = Field(
        default=None, description="from which day rows are labelled by this version; needs data.time"
    )
    expression: Name | None = Field(default=None, description="how it is computed from other columns")
    grouping: dict[Name, Name] | None = Field(default=None, description="which raw value belongs to which label")
    of: Name | None = Field(default=None, description="the column of the raw values that `grouping` groups")


class Contract(Section):
    """A valid contract.yaml.

    Examples:
        >>> contract = Contract.from_dict({"features": {"age": {"unit": "years", "available": "+2d"}}})
        >>> contract.features["age"].delay, contract.feature_of("age")
        (172800, ('age', 1))
    """

    features: dict[Name, FeatureSection] = Field(default_factory=dict, description="a mapping for each column")
    targets: dict[Name, TargetSection] = Field(default_factory=dict, description="a mapping for each target")

    _document: Document = PrivateAttr(default_factory=lambda: Document(FILE))

    @staticmethod
    def from_dict(data: Mapping[str, Any]) -> Contract:
        """Return the contract that plain data describes. Raises ConfigError."""
        return _validated(Document("the contract", dict(data)), Path())

    def feature_of(self, column: str) -> tuple[str, int]:
        """Return the feature and the version that a column holds."""
        said = self.features[column]
        return said.version_of or column, said.version


def load_contract(path: Path) -> Contract:
    """Read and validate contract.yaml.

    Raises:
        ConfigError: all mistakes at once, each with its line, its path, what is wrong and what was found.
    """
    try:
        content = path.read_bytes()
    except OSError as error:
        raise ConfigError(
            f"{path} cannot be read", rule="data.contract names a contract, or contract.yaml stands in the study's folder",
            found=error.strerror or str(error),
            do="check data.contract, or write a first contract by `fieldguide features FOLDER --write`",
        ) from None  # fmt: skip
    return _validated(read_document(content, path.name), path.parent)


def check_columns(contract: Contract, columns: Sequence[str]) -> None:
    """Check that the table has the columns from which targets are computed.

    A feature that is not in the table is a finding, not a mistake of the file.

    Raises:
        ConfigError: all unknown columns at once, each with its line and the nearest name.
    """
    document = contract._document
    raise_all(document.name, _unknown(document, columns), rule="a target is computed from columns of the table")


def _validated(document: Document, folder: Path) -> Contract:
    contract = validated(document, Contract, folder, contradictions(document), RULE)
    contract._document = document
    return contract


def contradictions(document: Document) -> Iterator[Mistake]:
    """Yield what contradicts itself in a contract.yaml, whose shape may still be wrong."""
    features, targets = _mappings(document, "features"), _mappings(document, "targets")
    seen: dict[tuple[str, str], str] = {}
    for name, said in features.items():
        path: Path_ = ("features", name)

        def mistake(key: str, what: str, found: Any = "", path: Path_ = path) -> Mistake:
            return Mistake((*path, key), what, repr(str(found)) if found else "", document.at((*path, key)))

        feature, version = str(said.get("version_of") or name), str(said.get("version") or 1)
        if (feature, version) in seen:
            what = f"{seen[feature, version]!r} is version {version} of {feature!r} already"
            yield mistake("version", what, version)
        seen.setdefault((feature, version), name)
        if said.get("range") is not None and said.get("kind") in ("category", "boolean", "text", "id"):
            yield mistake("range", "only numbers and dates have a range", f"kind: {said['kind']}")
        if said.get("categories") is not None and said.get("kind") in ("number", "datetime"):
            yield mistake("categories", "only categories and booleans have categories", f"kind: {said['kind']}")
        if said.get("range") is not None and said.get("categories") is not None:
            yield mistake("categories", "range and categories exclude each other: give one of them")
        deprecated = said.get("deprecated")
        instead = deprecated.get("replaced_by") if isinstance(deprecated, Mapping) else None
        if isinstance(instead, str) and instead not in features:
            yield mistake(
                "deprecated", f"replaced_by names no feature of the contract{nearest(instead, features)}", instead
            )
        elif instead == name:
            yield mistake("deprecated", "a feature cannot replace itself", instead)
    for name, said in targets.items():
        at = ("targets", name)
        if said.get("expression") is not None and said.get("grouping") is not None:
            yield Mistake(
                (*at, "grouping"), "expression and grouping exclude each other", "", document.at((*at, "grouping"))
            )
        if said.get("of") is not None and said.get("grouping") is None:
            yield Mistake((*at, "of"), "needs grouping", repr(str(said["of"])), document.at((*at, "of")))
        text = said.get("expression")
        if isinstance(text, str) and text:
            try:
                read_syntax(text)
            except ExpressionError as error:
                where = (*at, "expression")
                yield Mistake(where, f"{error.what} at character {error.position}", repr(str(text)), document.at(where))


def _unknown(document: Document, columns: Sequence[str]) -> Iterator[Mistake]:
    """Yield columns that targets are computed from and the table does not have."""
    for name, said in _mappings(document, "targets").items():
        used = [("of", said["of"])] if isinstance(said.get("of"), str) else []
        if isinstance(said.get("expression"), str):
            try:
                used += [("expression", column) for column in read_syntax(said["expression"]).columns]
            except ExpressionError:
                continue  # told already
        for key, column in used:
            if column not in columns:
                path = ("targets", name, key)
                hint = nearest(column, columns) or f"; the columns are {listed(columns)}"
                yield Mistake(path, f"there is no column {str(column)!r}{hint}", "", document.at(path))


def _mappings(document: Document, section: str) -> dict[str, Mapping[str, Any]]:
    found = document.data.get(section)
    if not isinstance(found, Mapping):
        return {}
    return {name: said for name, said in found.items() if isinstance(said, Mapping)}


@dataclass(frozen=True)
class Agreed:
    """A contract, and what was accepted before.

    Args:
        contract: what contract.yaml says now.
        history: the records of acceptance, the oldest first: {number, features, targets, …}.
    """

    contract: Contract
    history: tuple[Mapping[str, Any], ...] = ()

    @property
    def state(self) -> dict[str, Any]:
        """What a result that read the contract depends on."""
        return {"contract": self.contract.model_dump(mode="json"), "accepted": len(self.history)}

    def accepted_feature(self, column: str) -> Mapping[str, Any] | None:
        """Return what was last accepted of the very version that a column holds: {declared, fingerprint}."""
        feature, version = self.contract.feature_of(column)
        for record in reversed(self.history):
            for said in record["features"].values():
                if (said["feature"], said["version"]) == (feature, version):
                    return said
        return None

    def accepted_target(self, name: str, version: int | None = None) -> Mapping[str, Any] | None:
        """Return what was last accepted of a target, of one version or of any."""
        for record in reversed(self.history):
            said = record["targets"].get(name)
            if said is not None and version in (None, said["version"]):
                return {**said, "table": record["table"]}
        return None

    def earlier_target(self, name: str, version: int) -> Mapping[str, Any] | None:
        """Return what was last accepted of a target under another version."""
        for record in reversed(self.history):
            said = record["targets"].get(name)
            if said is not None and said["version"] != version:
                return said
        return None


def changed(before: Mapping[str, Any], now: Mapping[str, Any], fields: Sequence[str]) -> dict[str, list[Any]]:
    """Return the entries of a definition that changed: {field: [before, now]}.

    Words are compared without case, spaces and a final full stop; an entry that was blank before was only filled in.

    Examples:
        >>> changed({"unit": "EUR", "meaning": ""}, {"unit": "USD", "meaning": "price"}, ("unit", "meaning"))
        {'unit': ['EUR', 'USD']}
    """
    found = {}
    for name in fields:
        old, new = before.get(name), now.get(name)
        same = _words(old) == _words(new) if name in _WORDED else old == new
        if not same and old not in (None, "", [], {}):
            found[name] = [old, new]
    return found


def _words(text: Any) -> str:
    return " ".join(str(text or "").casefold().split()).rstrip(".")
