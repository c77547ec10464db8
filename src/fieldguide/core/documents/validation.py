"""A document against the sections it may hold: what pydantic finds wrong, told as mistakes with lines and nearest keys.

Knows pydantic's errors and how they are said; knows neither study.yaml nor contract.yaml, which sections there are is
handed in.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any, TypeVar, get_args, get_origin

from pydantic import ValidationError

from fieldguide.core.documents.document import Document, Mistake, raise_all, unknown_key
from fieldguide.core.documents.sections import Section
from fieldguide.core.errors import nearest

Root = TypeVar("Root", bound=Section)

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


def validated(document: Document, root: type[Root], folder: Path, mistakes: Iterable[Mistake], rule: str) -> Root:
    """Return the value that a document describes.

    Args:
        document: the document.
        root: the section the whole document is.
        folder: where relative paths begin.
        mistakes: what was found wrong otherwise; told together with what is found here.
        rule: the rule that messages name.

    Raises:
        ConfigError: all mistakes at once, in the order of their lines.
    """
    mistakes = [*document.mistakes, *mistakes]
    try:
        value = root.model_validate(document.data, context={"folder": folder})
    except ValidationError as error:
        raise_all(document.name, [*mistakes, *_translated(error, document, root)], rule)
        raise
    raise_all(document.name, mistakes, rule)
    return value


def _translated(error: ValidationError, document: Document, root: type[Section]) -> list[Mistake]:
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
        what = _said(one, root)
        if one["type"] == "missing":
            place, value = tuple(one["loc"]), None
        mistakes.setdefault(place, Mistake(place, what, _shown(value), document.at(place)))
    return list(mistakes.values())


def _said(error: Any, root: type[Section]) -> str:
    kind, context, name = error["type"], error.get("ctx", {}), str(error["loc"][-1]) if error["loc"] else ""
    if kind == "extra_forbidden":
        return unknown_key(name, _section_at(error["loc"][:-1], root).model_fields, _homes(root))
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


def _section_at(loc: tuple[str | int, ...], root: type[Section]) -> type[Section]:
    """Return the section that stands at a place; a key of a mapping of sections is a name of the user's."""
    section, named = root, False
    for part in loc:
        if named or part not in section.model_fields:  # the user's name, or pydantic's own word
            named = False
            continue
        annotation = section.model_fields[str(part)].annotation
        section = next(_sections(annotation), section)
        named = _is_mapping(annotation)
    return section


def _sections(annotation: Any) -> Iterator[type[Section]]:
    """Yield the sections an annotation names, however deep they stand in it."""
    if isinstance(annotation, type) and issubclass(annotation, Section):
        yield annotation
    for part in get_args(annotation):
        yield from _sections(part)


def _is_mapping(annotation: Any) -> bool:
    return get_origin(annotation) is dict or any(get_origin(part) is dict for part in get_args(annotation))


def _homes(root: type[Section]) -> dict[str, list[str]]:
    """Return, for each key, the sections it may stand in."""
    homes: dict[str, list[str]] = {}
    for name, field in root.model_fields.items():
        for section in () if _is_mapping(field.annotation) else _sections(field.annotation):
            for key in section.model_fields:
                homes.setdefault(key, []).append(name)
    return homes
