"""A YAML document as plain data, with the line of everything and all its mistakes.

Knows YAML and lines; knows nothing of what a study is. Three rules differ from YAML 1.1 on purpose: a key that stands
twice is a mistake (YAML silently takes the last), a scalar keeps the text that stands in the file (`positive: yes` is
the text "yes", `2024-01-31` is no date, `1e-3` is a number where a number is asked for), and anchors, aliases and tags
are refused.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

import yaml

from fieldguide.core.errors import ConfigError, nearest

Path_ = tuple[str | int, ...]
MAX_BYTES = 1_000_000
MAX_NESTING = 50
_NAMES = ("str", "int", "float", "bool", "null", "timestamp", "merge", "value", "seq", "map")
_TAGS = {f"tag:yaml.org,2002:{name}" for name in _NAMES}
_TOP = "the top is a mapping, such as `problem:` and `data:`"
_YAML = "the file is YAML 1.1 without anchors, aliases and tags"
_NUMBER = re.compile(r"[-+]?(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?", re.ASCII)
_CHECK = "correct the line, or write the file anew by `fieldguide init`"
_HINTS = {
    "cannot start any token": "put it in quotes",
    "mapping values are not allowed here": "a text that holds ': ' needs quotes; check the indentation as well",
    "expected <block end>": "check the indentation",
    "could not find expected ':'": "a key is followed by a colon and a space",
    "found another document": "leave out the second '---'",
    "found unexpected end of stream": "close the quotes",
}


class Plain(str):
    """A scalar written without quotes: its text; `plain_value` says what it would mean where no text is asked for."""

    __slots__ = ()


@dataclass(frozen=True)
class Mistake:
    """One thing that is wrong in a document: where, what, and what was found."""

    path: Path_
    what: str
    found: str = ""
    line: int | None = None

    def sentence(self) -> str:
        place = ", ".join(part for part in (f"line {self.line}" if self.line else "", dotted(self.path)) if part)
        return f"{place}: {self.what}" + (f"; found {self.found}" if self.found else "")


@dataclass(frozen=True)
class Document:
    """Plain data with the line of every key and item.

    Args:
        name: the file, as messages call it.
        data: mappings, lists, `Plain` and quoted texts, None.
        lines: line of each path; the line of a key for its value.
        mistakes: what is wrong with the document itself: keys that stand twice, tags.
    """

    name: str
    data: dict[str, Any] = field(default_factory=dict)
    lines: Mapping[Path_, int] = field(default_factory=dict)
    mistakes: tuple[Mistake, ...] = ()

    def at(self, path: Path_) -> int | None:
        """Return the line of a path, or of the nearest thing around it."""
        while path and path not in self.lines:
            path = path[:-1]
        return self.lines.get(path)


def dotted(path: Path_) -> str:
    """Return a path as messages write it.

    Examples:
        >>> dotted(("data", "columns", "total rooms", "kind")), dotted(("slices", 0))
        ("data.columns.'total rooms'.kind", 'slices[0]')
    """
    text = ""
    for part in path:
        if isinstance(part, int):
            text += f"[{part}]"
        else:
            text += ("." if text else "") + (part if re.fullmatch(r"[\w-]+", part) else repr(part))
    return text


def raise_all(name: str, mistakes: Iterable[Mistake], rule: str = "") -> None:
    """Raise one ConfigError that lists all mistakes in the order of their lines; do nothing when there are none."""
    found = sorted(mistakes, key=lambda mistake: mistake.line or 0)
    if found:
        count = f"{len(found)} mistakes" if len(found) > 1 else "a mistake"
        raise ConfigError(
            f"{name} has {count}", rule=rule, found="".join(f"\n  {m.sentence()}" for m in found),
            do="correct what is named here; nothing was done yet",
        )  # fmt: skip


def plain_value(value: Any) -> Any:
    """Return what plain scalars mean where no text is asked for: decimal numbers, true and false.

    Examples:
        >>> plain_value([Plain("1e-3"), Plain("true"), Plain("yes"), "5"])
        [0.001, True, 'yes', '5']
    """
    if isinstance(value, Mapping):
        return {key: plain_value(item) for key, item in value.items()}
    if isinstance(value, list):
        return [plain_value(item) for item in value]
    if not isinstance(value, Plain):
        return value
    if value.lower() in ("true", "false"):
        return value.lower() == "true"
    if _NUMBER.fullmatch(value):
        return int(value) if re.fullmatch(r"[-+]?\d{1,18}", value) else float(value)
    return str(value)


def in_one_line(value: Any) -> str:
    """Return a plain value as a document has it behind a key.

    Examples:
        >>> in_one_line(["yes", "a: b"]), in_one_line("Lima"), in_one_line({"test": 0.15})
        ("['yes', 'a: b']", 'Lima', '{test: 0.15}')
        >>> print(in_one_line({"column": "one\\ntwo"}))
        {column: "one\\ntwo"}
    """
    text = yaml.dump(
        value, Dumper=_Escaping, default_flow_style=True, allow_unicode=True, width=10_000, sort_keys=False
    )
    return text.removesuffix("\n").removesuffix("\n...")


def read_document(content: bytes, name: str) -> Document:
    """Read a YAML mapping.

    Raises:
        ConfigError: it is not text, not YAML, empty, or no mapping; with line and column.
    """
    text = _decoded(content, name)
    try:
        root = yaml.compose(text, Loader=_Loader)
    except yaml.YAMLError as error:
        raise _syntax_error(error, text, name) from None
    except RecursionError:
        raise _too_deep(name) from None
    if root is None or (isinstance(root, yaml.ScalarNode) and root.value == ""):
        raise ConfigError(
            f"{name} is empty", rule=_TOP, found=f"{len(content):,} bytes without a key",
            do="write it by `fieldguide init`; it names at least a target and a table",
        )  # fmt: skip
    if not isinstance(root, yaml.MappingNode):
        kind = "a list" if isinstance(root, yaml.SequenceNode) else f"the text {root.value[:40]!r}"
        raise ConfigError(
            f"{name} has no keys at the top", rule=_TOP, found=f"{kind} on line {root.start_mark.line + 1}",
            do="write keys and a colon after each, as `fieldguide init` does",
        )  # fmt: skip
    reader = _Reader(name)
    data = reader.value(root, ())
    return Document(name, data, reader.lines, tuple(reader.mistakes))


class _Loader(yaml.SafeLoader):
    """Composes nodes; refuses aliases, by which a small text can grow without bound or hold itself."""

    def compose_node(self, parent: Any, index: Any) -> Any:
        if self.check_event(yaml.AliasEvent):
            mark = self.peek_event().start_mark
            raise yaml.composer.ComposerError(
                None, None, "an alias (*) is not allowed: quote the text, or write it out", mark
            )
        return super().compose_node(parent, index)


class _Escaping(yaml.SafeDumper):
    """Writes a text with a line break between double quotes, which escape it: what stands in a comment would end there."""


_Escaping.add_representer(
    str,
    lambda dumper, text: dumper.represent_scalar(
        "tag:yaml.org,2002:str", text, style='"' if len((text + ".").splitlines()) > 1 else None
    ),
)


class _Reader:
    """Turns nodes into plain data and keeps lines and mistakes on the way."""

    def __init__(self, name: str) -> None:
        self.name, self.lines, self.mistakes = name, {}, []  # type: tuple[str, dict[Path_, int], list[Mistake]]

    def value(self, node: Any, path: Path_) -> Any:
        if len(path) > MAX_NESTING:
            raise _too_deep(self.name)
        if node.tag not in _TAGS:
            self.mistakes.append(Mistake(path, "a tag is not allowed", repr(node.tag), node.start_mark.line + 1))
        if isinstance(node, yaml.MappingNode):
            return self._mapping(node, path)
        if isinstance(node, yaml.SequenceNode):
            for index, item in enumerate(node.value):
                self.lines[(*path, index)] = item.start_mark.line + 1
            return [self.value(item, (*path, index)) for index, item in enumerate(node.value)]
        if node.style is None and node.tag == "tag:yaml.org,2002:null":
            return None
        return Plain(node.value) if node.style is None else str(node.value)

    def _mapping(self, node: yaml.MappingNode, path: Path_) -> dict[str, Any]:
        data: dict[str, Any] = {}
        for key, item in node.value:
            line = key.start_mark.line + 1
            if not isinstance(key, yaml.ScalarNode):
                self.mistakes.append(Mistake(path, "a key must be a text", line=line))
                continue
            here = (*path, str(key.value))
            if key.value in data:
                first = self.lines[here]
                self.mistakes.append(Mistake(here, f"the key stands twice, on lines {first} and {line}", line=line))
                continue
            self.lines[here] = line
            data[str(key.value)] = self.value(item, here)
        return data


def _decoded(content: bytes, name: str) -> str:
    if len(content) > MAX_BYTES:
        raise ConfigError(
            f"{name} is too large", rule=f"at most {MAX_BYTES:,} bytes", found=f"{len(content):,} bytes",
            do="check that it is the right file; a table is named in it, not written into it",
        )  # fmt: skip
    try:
        return content.decode("utf-8")  # a byte order mark is taken off by yaml
    except UnicodeDecodeError as error:
        line = content[: error.start].count(b"\n") + 1
        raise ConfigError(
            f"{name} is not UTF-8 text", rule="the file is text in UTF-8",
            found=f"line {line}, byte {error.start:,} of the file is 0x{content[error.start]:02x}",
            do="save it as UTF-8",
        ) from None  # fmt: skip


def _syntax_error(error: yaml.YAMLError, text: str, name: str) -> ConfigError:
    what = f"{name} is not valid YAML"
    mark = getattr(error, "problem_mark", None) or getattr(error, "context_mark", None)
    if mark is None:
        position = getattr(error, "position", None)
        if position is None:
            return ConfigError(what, rule=_YAML, found=str(error), do=_CHECK)
        line = text[:position].count("\n") + 1
        found = f"line {line}: the character {text[position : position + 1]!r} is not allowed"
        return ConfigError(what, rule=_YAML, found=found, do="remove the character")
    problem = str(getattr(error, "problem", None) or getattr(error, "context", ""))
    lines = text.splitlines() or [""]
    shown = lines[min(mark.line, len(lines) - 1)]
    if "\t" in shown[: mark.column + 1] and not shown[: mark.column].strip():
        problem, do = "a tab stands where the line is indented", "indent by spaces"
    else:
        do = next((hint for words, hint in _HINTS.items() if words in problem), _CHECK)
    found = f"line {mark.line + 1}, column {mark.column + 1}: {problem}\n    {shown.rstrip()}"
    return ConfigError(what, rule=_YAML, found=found, do=do)


def _too_deep(name: str) -> ConfigError:
    return ConfigError(
        f"{name} is nested too deeply", rule=f"at most {MAX_NESTING} levels", found="more levels than that",
        do="check the indentation and the brackets",
    )  # fmt: skip


def unknown_key(key: str, keys: Iterable[str], homes: Mapping[str, list[str]]) -> str:
    """Say that a key is unknown, and where the nearest one stands."""
    near = nearest(key, keys)
    if near:
        return f"unknown key{near}"
    if key in homes:
        return f"unknown key here; it belongs under {' or '.join(homes[key])}"
    return f"unknown key{nearest(key, homes)}"
