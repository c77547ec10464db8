"""The syntax of expressions: text to a tree, with the position of everything.

Knows characters and brackets; knows nothing of columns, kinds or what anything means, which is `core.language.expression`'s.
Python's parser decides what binds to what, and sees only placeholders and operators: no name, number or text of the
user ever reaches it, and nothing is evaluated.
"""

from __future__ import annotations

import ast
import math
import re
from bisect import bisect_right
from dataclasses import dataclass
from typing import Any

from fieldguide.core.errors import ConfigError

MAX_CHARACTERS = 2_000
MAX_DEPTH = 60
_TOKEN = re.compile(
    r"""(?P<space>\s+)
      | (?P<number>(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]+)?)
      | (?P<text>'(?:[^'\\]|\\.)*'|"(?:[^"\\]|\\.)*")
      | (?P<name>`(?:[^`]|``)*`)
      | (?P<word>[^\W\d]\w*)
      | (?P<mark>\*\*|//|==|!=|<=|>=|[-+*/%<>=(),\[\]])""",
    re.VERBOSE | re.DOTALL,
)
_CONSTANTS: dict[str, Any] = {"true": True, "false": False, "null": None}
_HINTS = {
    "'": "close the text with the same quotation mark", '"': "close the text with the same quotation mark",
    "`": "close the column name with a second backtick", "&": "write `and`", "|": "write `or`",
    "!": "write `not` or `!=`", "^": "write `**` for a power", ".": "put a column name that has a dot in `backticks`",
}  # fmt: skip


_LANGUAGE = "columns, numbers, 'texts', + - * / // % **, comparisons, and, or, not, in [...], if(a, b, c) and functions of cells"


class ExpressionError(ConfigError):
    """An expression that cannot be used; `position` is the character it is about, the first being 1."""

    def __init__(self, what: str, text: str, at: int, *, rule: str = "", fact: str = "", do: str = "") -> None:
        self.position = at + 1
        found = f"{_pointed(text, at)}\n  at character {self.position}" + (f": {fact}" if fact else "")
        super().__init__(what, rule=rule or _LANGUAGE, found=found, do=do or "correct it where the caret stands")
        self.fact = fact


@dataclass(frozen=True)
class Token:
    """One word, number, text or sign.

    Args:
        kind: number, text, column, function, constant or operator.
        value: what it means, as a Python value or a name.
        at: its position in the text, from 0.
        python: what Python's parser sees.
    """

    kind: str
    value: Any
    at: int
    python: str


@dataclass(frozen=True)
class Syntax:
    """A text that is well formed: its tokens, and its tree, whose `col_offset`s are positions in the text."""

    text: str
    tokens: tuple[Token, ...]
    tree: ast.expr

    @property
    def columns(self) -> tuple[str, ...]:
        """The columns it names, in order of first use."""
        return tuple(dict.fromkeys(token.value for token in self.tokens if token.kind == "column"))

    def token(self, node: ast.Name) -> Token:
        """Return the token a placeholder stands for."""
        return self.tokens[int(node.id[1:])]


def read_syntax(text: str) -> Syntax:
    """Read a text as an expression.

    Raises:
        ExpressionError: it is not one, or it is too long or nested too deeply.

    Examples:
        >>> read_syntax("`total rooms` / households > 3 and lower(area) = 'x'").columns
        ('total rooms', 'households', 'area')
    """
    tokens = _tokens(text)
    return Syntax(text, tuple(tokens), _tree(text, tokens))


def _tokens(text: str) -> list[Token]:
    if not isinstance(text, str) or not text.strip():
        raise ExpressionError("the expression is empty", str(text), 0, do="write one, such as `age > 30`")
    if len(text) > MAX_CHARACTERS:
        raise ExpressionError(
            "the expression is too long",
            text,
            MAX_CHARACTERS,
            rule=f"at most {MAX_CHARACTERS:,} characters",
            fact=f"it has {len(text):,}",
        )
    tokens: list[Token] = []
    at = 0
    while at < len(text):
        match = _TOKEN.match(text, at)
        if match is None:
            hint = _HINTS.get(text[at], "see the list of operators in the docs of expressions")
            raise ExpressionError(f"{text[at]!r} has no meaning here", text, at, do=hint)
        if match.lastgroup != "space":
            tokens.append(_token(text, match, len(tokens)))
        at = match.end()
    return tokens


def _token(text: str, match: re.Match[str], index: int) -> Token:
    kind, written, at = str(match.lastgroup), match.group(), match.start()
    placeholder = f"t{index}"
    if kind == "number":
        number = float(written)
        if not math.isfinite(number):
            raise ExpressionError(f"the number {written} is too large", text, at, rule="a number is finite")
        return Token("number", number, at, placeholder)
    if kind == "text":
        return Token("text", re.sub(r"\\(['\"\\])", r"\1", written[1:-1]), at, placeholder)
    if kind == "name":
        return Token("column", written[1:-1].replace("``", "`"), at, placeholder)
    if kind == "mark":
        return Token("operator", written, at, "==" if written == "=" else written)
    lowered = written.lower()
    if lowered in ("and", "or", "not", "in"):
        return Token("operator", lowered, at, lowered)
    if lowered in _CONSTANTS:
        return Token("constant", _CONSTANTS[lowered], at, placeholder)
    called = re.compile(r"\s*\(").match(text, match.end()) is not None
    return Token("function" if called else "column", written, at, placeholder)


def _tree(text: str, tokens: list[Token]) -> ast.expr:
    """Parse placeholders and operators, with every node's `col_offset` moved to its position in the text."""
    starts, source = [], ""
    for token in tokens:
        starts.append(len(source))
        source += token.python + " "
    try:
        tree = ast.parse(source, mode="eval").body
    except SyntaxError as error:
        # Python counts from 1, and answers 0 or a place after the end when something is missing there
        offset = (error.offset or 0) - 1
        inside = error.lineno == 1 and 0 <= offset < len(source) - 1
        raise ExpressionError(
            "the expression cannot be read",
            text,
            _position(tokens, starts, offset) if inside else len(text.rstrip()),
            fact="an operator, value or bracket is missing or too many",
        ) from None
    except (RecursionError, MemoryError):
        raise too_deep(text) from None
    level: list[tuple[ast.AST, int]] = [(tree, 1)]
    while level:
        node, depth = level.pop()
        if depth > MAX_DEPTH:
            raise too_deep(text)
        if isinstance(node, ast.expr):
            node.col_offset = _position(tokens, starts, node.col_offset)
            level.extend((child, depth + 1) for child in ast.iter_child_nodes(node) if isinstance(child, ast.expr))
    return tree


def _position(tokens: list[Token], starts: list[int], offset: int) -> int:
    return tokens[max(0, bisect_right(starts, offset) - 1)].at


def too_deep(text: str) -> ExpressionError:
    """Return the error of an expression that would grow too large."""
    return ExpressionError(
        "the expression is nested too deeply",
        text,
        0,
        rule=f"at most {MAX_DEPTH} levels",
        do="derive a column for a part of it",
    )


def _pointed(text: str, at: int) -> str:
    """Return the place in the text on one line with a caret under it."""
    start = max(0, at - 50)
    shown = re.sub(r"\s", " ", text[start : at + 50])
    return f"\n    {shown}\n    {' ' * (at - start)}^"
