"""Every error says four things: what happened, which rule it broke, the fact that was found, and what to do.

Reads the source instead of making each error happen: whoever adds one is told at once which part is missing.
`tests/faults` makes a hundred of them happen and reads the words.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

import fieldguide
from fieldguide.core.errors import FieldguideError, MissingExtra
from fieldguide.core.language.syntax import ExpressionError
from fieldguide.faces.cli import _Mistake

SOURCE = Path(fieldguide.__file__).parent
PARTS = ("rule", "found", "do")
COMPLETE = {
    ExpressionError: lambda: ExpressionError(
        "the expression is empty", "", 0
    ),  # shows the place, and has the language as rule
    MissingExtra: lambda: MissingExtra("torch", "torch", "a network"),  # one sentence for all packages
    _Mistake: lambda: _Mistake(ValueError("unforeseen")),  # nobody foresaw it: there is one remedy
}
"""Errors whose own constructor fills what the caller leaves out."""


def trees() -> dict[str, ast.Module]:
    return {str(path.relative_to(SOURCE)): ast.parse(path.read_text(encoding="utf-8")) for path in SOURCE.rglob("*.py")}


def name_of(node: ast.expr) -> str | None:
    return node.id if isinstance(node, ast.Name) else node.attr if isinstance(node, ast.Attribute) else None


def kinds(files: dict[str, ast.Module]) -> set[str]:
    """Return the names of all classes that are errors of fieldguide."""
    bases = {
        node.name: {name_of(base) for base in node.bases}
        for tree in files.values() for node in ast.walk(tree) if isinstance(node, ast.ClassDef)
    }  # fmt: skip
    found = {FieldguideError.__name__}
    while more := {name for name, own in bases.items() if own & found} - found:
        found |= more
    return found


def errors(files: dict[str, ast.Module]) -> Iterator[tuple[str, ast.Call]]:
    """Yield where an error is made, and the call."""
    told = kinds(files) - {kind.__name__ for kind in COMPLETE}
    for file, tree in files.items():
        for node in ast.walk(tree):
            if isinstance(node, ast.Call) and name_of(node.func) in told:
                yield f"{file}:{node.lineno}", node


def answers(value: ast.expr) -> list[ast.expr]:
    """Return what an expression may give: both branches of `a if b else c`."""
    return [*answers(value.body), *answers(value.orelse)] if isinstance(value, ast.IfExp) else [value]


def lacking(call: ast.Call) -> list[str]:
    """Return the parts that a call does not give, or gives as an empty text."""
    given = {word.arg: word.value for word in call.keywords}
    if None in given:  # `**parts`: another error's parts go on
        return []
    empty = {
        name
        for name, value in given.items()
        if any(isinstance(one, ast.Constant) and not one.value for one in answers(value))
    }
    return [part for part in PARTS if part not in given or part in empty]


def test_every_error_has_four_parts() -> None:
    found = list(errors(trees()))
    assert len(found) > 400, "the source was not read"
    assert [f"{where} lacks {', '.join(lacking(call))}" for where, call in found if lacking(call)] == []


@pytest.mark.parametrize("kind", COMPLETE, ids=lambda kind: kind.__name__)
def test_errors_that_fill_their_parts_themselves_do(kind: type[FieldguideError]) -> None:
    told = COMPLETE[kind]().to_dict()
    assert all(told[part] for part in ("what", *PARTS)), told


def test_a_part_that_is_left_out_or_empty_is_seen() -> None:
    tree = ast.parse(
        "ConfigError('no', rule='r', found=''), DataError('no', **parts), StudyError('no', rule='r', found='f', do='d' if x else '')"
    )
    files = {
        "here.py": tree,
        "errors.py": ast.parse(
            "class ConfigError(FieldguideError): ...\nclass DataError(ConfigError): ...\nclass StudyError(DataError): ..."
        ),
    }
    assert [(where, lacking(call)) for where, call in errors(files)] == [
        ("here.py:1", ["found", "do"]),
        ("here.py:1", []),
        ("here.py:1", ["do"]),
    ]
