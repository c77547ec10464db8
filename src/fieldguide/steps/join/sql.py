"""SQL for a join: names, literals, expressions and aggregates, each built from checked values.

Knows DuckDB's words. No text of a user's is ever pasted: names and literals are quoted here and nowhere else, and an
expression is checked by `core.language.expression` and rebuilt from its syntax tree. Says what an expression says in polars.
"""

from __future__ import annotations

import ast
from collections.abc import Callable, Mapping

from fieldguide.core.language.expression import parse
from fieldguide.core.language.syntax import Syntax, read_syntax

_SIGNS = {
    ast.Add: "+", ast.Sub: "-", ast.Mult: "*", ast.Eq: "=", ast.NotEq: "<>", ast.Lt: "<", ast.LtE: "<=", ast.Gt: ">",
    ast.GtE: ">=",
}  # fmt: skip


def name(text: str) -> str:
    """Return a column or table name as SQL.

    Examples:
        >>> name('a"b; drop')
        '"a""b; drop"'
    """
    return '"' + text.replace('"', '""') + '"'


def literal(value: str | float | int | bool | None) -> str:
    """Return a value as SQL.

    Examples:
        >>> literal("it's"), literal(0.1), literal(True), literal(None)
        ("'it''s'", '0.1::DOUBLE', 'true', 'NULL')
    """
    if value is None:
        return "NULL"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str):
        # A NUL would end the text early; DuckDB has no escapes in plain texts.
        return "'" + value.replace("'", "''").replace("\0", "' || chr(0) || '") + "'"
    return f"{value!r}::DOUBLE"


def condition(text: str, columns: Mapping[str, tuple[str, str]]) -> str:
    """Return a boolean expression as SQL; missing is NULL, and a filter takes it for false, as polars does.

    Args:
        text: the expression.
        columns: SQL and kind of each column it may read.

    Raises:
        ExpressionError: as `core.language.expression.parse` raises.

    Examples:
        >>> condition("`a b` > 2 and c in ['x', 'y']", {"a b": ("c0", "number"), "c": ("c1", "category")})
        "((((c0) > (2.0::DOUBLE))) AND (((c1) IN ('x', 'y'))))"
    """
    parse(text, {column: kind for column, (_, kind) in columns.items()}, "boolean")
    syntax = read_syntax(text)
    return _Writer(syntax, columns).write(syntax.tree)


class _Writer:
    """Writes a tree whose kinds `parse` has checked; one method per form of the language."""

    def __init__(self, syntax: Syntax, columns: Mapping[str, tuple[str, str]]) -> None:
        self.syntax, self.columns = syntax, columns

    def write(self, node: ast.expr) -> str:
        match node:
            case ast.Name():
                token = self.syntax.token(node)
                if token.kind in ("column", "function"):
                    return self.columns[token.value][0]
                return literal(token.value)
            case ast.UnaryOp(op=ast.Not()):
                return f"(NOT ({self.write(node.operand)}))"
            case ast.UnaryOp():
                sign = "-" if isinstance(node.op, ast.USub) else "+"
                return f"({sign}({self.write(node.operand)}))"
            case ast.BoolOp():
                word = " AND " if isinstance(node.op, ast.And) else " OR "
                return "(" + word.join(f"({self.write(part)})" for part in node.values) + ")"
            case ast.BinOp():
                return _finite(self._arithmetic(node))
            case ast.Compare():
                return self._comparison(node)
            case ast.Call():
                return self._call(node)
        raise AssertionError(f"parse lets no {type(node).__name__} through")

    def _arithmetic(self, node: ast.BinOp) -> str:
        a, b = self.write(node.left), self.write(node.right)
        match node.op:
            case ast.Div():
                return f"(({a}) / nullif({b}, 0))"
            case ast.FloorDiv():
                return f"floor(({a}) / nullif({b}, 0))"
            case ast.Mod():  # the sign of the divisor, as polars and Python have it
                return f"(({a}) - ({b}) * floor(({a}) / nullif({b}, 0)))"
            case ast.Pow():
                # 0 to a negative power and roots of negatives are errors in DuckDB, and missing in the language
                return f"(CASE WHEN ({a}) < 0 AND ({b}) <> floor({b}) OR ({a}) = 0 AND ({b}) < 0 THEN NULL ELSE pow({a}, {b}) END)"
        return f"(({a}) {_SIGNS[type(node.op)]} ({b}))"

    def _comparison(self, node: ast.Compare) -> str:
        left, parts = node.left, []
        for op, right in zip(node.ops, node.comparators):
            if isinstance(op, ast.In | ast.NotIn):
                assert isinstance(right, ast.List | ast.Tuple)
                first, *choices = self._alike([left, *right.elts])
                parts.append(f"(({first}) {'NOT ' if isinstance(op, ast.NotIn) else ''}IN ({', '.join(choices)}))")
            else:
                a, b = self._alike([left, right])
                parts.append(f"(({a}) {_SIGNS[type(op)]} ({b}))")
            left = right
        return parts[0] if len(parts) == 1 else "(" + " AND ".join(parts) + ")"

    def _alike(self, nodes: list[ast.expr]) -> list[str]:
        """Write parts of one kind: beside a date, texts are dates."""
        dated = any(self._is_date(node) for node in nodes)
        return [self._moment(node) if dated else self.write(node) for node in nodes]

    def _moment(self, node: ast.expr) -> str:
        token = self.syntax.token(node) if isinstance(node, ast.Name) else None
        if token is not None and token.kind == "text":
            return f"TIMESTAMP {literal(token.value.replace('T', ' '))}"
        return self.write(node)

    def _is_date(self, node: ast.expr) -> bool:
        if isinstance(node, ast.Name):
            token = self.syntax.token(node)
            return token.kind in ("column", "function") and self.columns[token.value][1] == "datetime"
        if isinstance(node, ast.Call):
            called = str(self.syntax.token(node.func).value).lower()  # type: ignore[arg-type]
            arguments = node.args[1:] if called == "if" else node.args
            return called in ("min", "max", "coalesce", "if") and any(map(self._is_date, arguments))
        return False

    def _call(self, node: ast.Call) -> str:
        called = str(self.syntax.token(node.func).value).lower()  # type: ignore[arg-type]
        if called in ("min", "max", "coalesce", "days_between", "year", "month", "day", "weekday", "hour"):
            dated = called not in ("min", "max", "coalesce") or any(map(self._is_date, node.args))
            return _FUNCTIONS[called](*[self._moment(x) if dated else self.write(x) for x in node.args])
        if called == "if":
            return _FUNCTIONS["if"](self.write(node.args[0]), *self._alike(node.args[1:]))
        return _FUNCTIONS[called](*map(self.write, node.args))


def _finite(sql: str) -> str:
    """A number is finite or missing; nullif names its argument once, a CASE would double it at every level."""
    for what in ("nan", "inf", "-inf"):
        sql = f"nullif({sql}, '{what}'::DOUBLE)"
    return sql


_FUNCTIONS: dict[str, Callable[..., str]] = {
    "log": lambda x: f"ln(CASE WHEN ({x}) > 0 THEN ({x}) END)",
    "log1p": lambda x: f"ln(1 + CASE WHEN ({x}) > -1 THEN ({x}) END)",
    "exp": lambda x: _finite(f"exp({x})"),
    "sqrt": lambda x: f"sqrt(CASE WHEN ({x}) >= 0 THEN ({x}) END)",
    "abs": lambda x: f"abs({x})",
    "floor": lambda x: f"floor({x})",
    "ceil": lambda x: f"ceil({x})",
    "round": lambda x, digits="0": f"round_even({x}, ({digits})::INTEGER)",
    "clip": lambda x, low, high: f"CASE WHEN ({x}) < {low} THEN {low} WHEN ({x}) > {high} THEN {high} ELSE ({x}) END",
    "min": lambda *xs: f"least({', '.join(xs)})",
    "max": lambda *xs: f"greatest({', '.join(xs)})",
    "if": lambda c, yes, no: f"CASE WHEN ({c}) THEN ({yes}) ELSE ({no}) END",
    "is_missing": lambda x: f"(({x}) IS NULL)",
    "coalesce": lambda *xs: f"coalesce({', '.join(xs)})",
    "contains": lambda x, words: f"contains({x}, {words})",
    "lower": lambda x: f"lower({x})",
    "length": lambda x: f"length({x})::DOUBLE",
    "year": lambda x: f"year({x})::DOUBLE",
    "month": lambda x: f"month({x})::DOUBLE",
    "day": lambda x: f"day({x})::DOUBLE",
    "weekday": lambda x: f"isodow({x})::DOUBLE",
    "hour": lambda x: f"hour({x})::DOUBLE",
    "days_between": lambda a, b: f"((epoch_us({b}) - epoch_us({a})) / 86400000000.0::DOUBLE)",
}
