"""One safe expression language, for derived columns, populations, slices and rules.

Knows columns, kinds and polars. How a text is read stands in `core.language.syntax`, what the functions do in `core.language.functions`;
nothing is ever evaluated as Python.

The language: numbers, 'texts', true, false, null; column names, in `backticks` where they are not one plain word;
`+ - * / // % **`; `=` (or `==`), `!=`, `<`, `<=`, `>`, `>=`, also chained; `in [..]`, `not in [..]`; `and`, `or`,
`not`; functions. A number is finite or missing (division by zero is missing), what is computed from a missing value is
missing, and `and`, `or`, `not` follow three-valued logic: true or missing is true, true and missing is missing.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import polars as pl

from fieldguide.core.errors import listed, nearest
from fieldguide.core.language.functions import FUNCTIONS, Function, finite
from fieldguide.core.language.syntax import ExpressionError, Syntax, Token, read_syntax, too_deep

MAX_SIZE = 5_000
DTYPES = {"number": pl.Float64(), "boolean": pl.Boolean(), "category": pl.String(), "datetime": pl.Datetime("us")}
SPOKEN = {"number": "a number", "boolean": "true or false", "category": "text", "datetime": "a date", "missing": "null"}

_DATE = re.compile(r"\d{4}-\d{2}-\d{2}(?:[ T]\d{2}:\d{2}(?::\d{2}(?:\.\d{1,6})?)?)?", re.ASCII)
_ARITHMETIC = {
    ast.Add: ("+", lambda a, b: a + b), ast.Sub: ("-", lambda a, b: a - b), ast.Mult: ("*", lambda a, b: a * b),
    ast.Div: ("/", lambda a, b: a / b), ast.FloorDiv: ("//", lambda a, b: a // b), ast.Mod: ("%", lambda a, b: a % b),
    ast.Pow: ("**", lambda a, b: a**b),
}  # fmt: skip
_COMPARISON = {
    ast.Eq: ("=", lambda a, b: a == b), ast.NotEq: ("!=", lambda a, b: a != b), ast.Lt: ("<", lambda a, b: a < b),
    ast.LtE: ("<=", lambda a, b: a <= b), ast.Gt: (">", lambda a, b: a > b), ast.GtE: (">=", lambda a, b: a >= b),
}  # fmt: skip


@dataclass(frozen=True)
class Expression:
    """A checked expression.

    Args:
        text: as written.
        columns: the columns it reads, in order of first use.
        kind: kind of the result: number, boolean, category or datetime.

    Examples:
        >>> ratio = parse("debt / income", {"debt": "number", "income": "number"})
        >>> ratio.kind, ratio.columns
        ('number', ('debt', 'income'))
        >>> rows = pl.DataFrame({"debt": [1.0, 2.0], "income": [4.0, 0.0]})
        >>> rows.with_columns(ratio=ratio.polars())["ratio"].to_list()
        [0.25, None]
    """

    text: str
    columns: tuple[str, ...]
    kind: str
    _compiled: pl.Expr = field(repr=False, compare=False)

    def polars(self) -> pl.Expr:
        """Return the polars expression; its dtype is Float64, Boolean, String or Datetime("us"), its length the frame's.

        The outer `when` is there for the length: polars (2.1) answers with a single row where all rows of a column are
        missing and a literal stands in for them.
        """
        return pl.when(pl.int_range(pl.len()) >= 0).then(self._compiled)


def parse(text: str, columns: Mapping[str, str], expect: str | None = None) -> Expression:
    """Return the checked expression.

    Args:
        text: the expression, at most 2,000 characters.
        columns: kind of each column it may read.
        expect: the kind the result must have; a population must be `boolean`.

    Raises:
        ExpressionError: a `ConfigError` with the position; nothing else is ever raised.
    """
    syntax = read_syntax(text)
    value = _Compiler(syntax, columns).value(syntax.tree)
    if value.kind == "missing":
        raise ExpressionError("the expression is always missing", text, value.at, do="name a column in it")
    if not syntax.columns:
        raise ExpressionError(
            "the expression names no column",
            text,
            0,
            rule="an expression is computed from the cells of a row",
            do="name a column in it",
        )
    if expect is not None and value.kind != expect:
        raise ExpressionError(
            f"the expression does not give {SPOKEN[expect]}", text, value.at, fact=f"it gives {SPOKEN[value.kind]}"
        )
    return Expression(text, syntax.columns, value.kind, value.expr.cast(DTYPES[value.kind]))


@dataclass(frozen=True)
class _Value:
    """A compiled part: its kind, its polars expression, how messages call it, where it stands, how large it is."""

    kind: str
    expr: pl.Expr
    name: str
    at: int
    size: int = 1
    literal: Any = None
    is_literal: bool = False


class _Compiler:
    """Kinds are checked while polars expressions are built; one method per form of the language."""

    def __init__(self, syntax: Syntax, columns: Mapping[str, str]) -> None:
        self.syntax, self.text, self.columns = syntax, syntax.text, columns

    def error(self, what: str, at: int, **more: str) -> ExpressionError:
        return ExpressionError(what, self.text, at, **more)

    def value(self, node: ast.expr) -> _Value:
        match node:
            case ast.Name():
                result = self._word(self.syntax.token(node))
            case ast.BinOp():
                result = self._arithmetic(node)
            case ast.UnaryOp(op=ast.Not()):
                operand = self._of_kind(self.value(node.operand), "boolean", "not")
                result = _Value("boolean", ~operand.expr, "the result of not", node.col_offset, operand.size + 1)
            case ast.UnaryOp():
                result = self._signed(node)
            case ast.BoolOp():
                result = self._logic(node)
            case ast.Compare():
                result = self._comparison(node)
            case ast.Call(func=ast.Name()):
                result = self._call(node)
            case _:
                raise self.error("this form has no meaning here", node.col_offset, do="lists stand only after `in`")
        if result.size > MAX_SIZE:
            raise too_deep(self.text)
        return result

    def _word(self, token: Token) -> _Value:
        if token.kind in ("column", "function"):
            return self._column(token)
        name = repr(token.value) if token.kind == "text" else _plain(token.value)
        kind = {"number": "number", "text": "category"}.get(token.kind) or (
            "missing" if token.value is None else "boolean"
        )
        return _Value(kind, pl.lit(token.value), name, token.at, literal=token.value, is_literal=True)

    def _column(self, token: Token) -> _Value:
        if token.value not in self.columns:
            raise self.error(
                f"there is no column {token.value!r}{nearest(token.value, self.columns)}", token.at,
                fact=f"the columns are {listed(self.columns)}", do="put names in `backticks` and texts in 'quotes'",
            )  # fmt: skip
        if token.value == "*" or (token.value.startswith("^") and token.value.endswith("$")):
            # polars would read these names as patterns and return several columns
            raise self.error(f"the column name {token.value!r} cannot stand in an expression", token.at, do="rename it")
        kind = self.columns[token.value]
        kind = kind if kind in DTYPES else "category"  # text, id and the like are held as strings
        expr = pl.col(token.value).cast(DTYPES[kind])
        return _Value(kind, finite(expr) if kind == "number" else expr, f"column {token.value!r}", token.at)

    def _of_kind(self, value: _Value, kind: str, user: str) -> _Value:
        value = self._dated(value) if kind == "datetime" else value
        if value.kind != kind:
            raise self.error(
                f"{user} cannot take {SPOKEN[value.kind]}", value.at, rule=f"{user} takes {SPOKEN[kind]}",
                fact=f"{value.name} is {SPOKEN[value.kind]}", do=_conversion(value.kind, kind),
            )  # fmt: skip
        return value

    def _dated(self, value: _Value) -> _Value:
        """Read a text written in quotes as a date; leave anything else alone."""
        if not (value.is_literal and value.kind == "category"):
            return value
        try:
            moment = datetime.fromisoformat(value.literal) if _DATE.fullmatch(value.literal) else None
        except ValueError:
            moment = None
        if moment is None:
            raise self.error(
                f"{value.name} is not a date", value.at, rule="a date is written '2024-01-31' or '2024-01-31 18:30'"
            )
        return _Value(
            "datetime", pl.lit(moment, dtype=pl.Datetime("us")), value.name, value.at, literal=moment, is_literal=True
        )

    def _unified(self, values: list[_Value], user: str) -> list[_Value]:
        """Bring values to one kind: texts to dates beside a date, null to anything; else an error that names both."""
        if any(value.kind == "datetime" for value in values):
            values = [self._dated(value) for value in values]
        real = [value for value in values if value.kind != "missing"]
        for value in real[1:]:
            if value.kind != real[0].kind:
                raise self.error(
                    f"{user} mixes {SPOKEN[real[0].kind]} and {SPOKEN[value.kind]}", value.at,
                    rule=f"{user} takes values of one kind",
                    fact=f"{real[0].name} is {SPOKEN[real[0].kind]} and {value.name} is {SPOKEN[value.kind]}",
                    do=_conversion(real[0].kind, value.kind),
                )  # fmt: skip
        return values

    def _arithmetic(self, node: ast.BinOp) -> _Value:
        if type(node.op) not in _ARITHMETIC:
            raise self.error("this operator has no meaning here", node.col_offset)
        sign, build = _ARITHMETIC[type(node.op)]
        left, right = (self._of_kind(self.value(side), "number", f"'{sign}'") for side in (node.left, node.right))
        return _Value(
            "number",
            finite(build(left.expr, right.expr)),
            f"the result of '{sign}'",
            node.col_offset,
            left.size + right.size + 1,
        )

    def _signed(self, node: ast.UnaryOp) -> _Value:
        operand = self._of_kind(self.value(node.operand), "number", "a sign")
        negative = isinstance(node.op, ast.USub)
        if operand.is_literal:
            number = -operand.literal if negative else operand.literal
            return _Value("number", pl.lit(number), _plain(number), node.col_offset, literal=number, is_literal=True)
        return _Value(
            "number",
            -operand.expr if negative else operand.expr,
            "the result of '-'",
            node.col_offset,
            operand.size + 1,
        )

    def _logic(self, node: ast.BoolOp) -> _Value:
        word = "and" if isinstance(node.op, ast.And) else "or"
        values = [self._of_kind(self.value(part), "boolean", word) for part in node.values]
        expr = values[0].expr
        for value in values[1:]:
            expr = expr & value.expr if word == "and" else expr | value.expr
        return _Value(
            "boolean", expr, f"the result of {word}", node.col_offset, sum(value.size + 1 for value in values)
        )

    def _comparison(self, node: ast.Compare) -> _Value:
        left, results, size = self.value(node.left), [], 0
        for op, side in zip(node.ops, node.comparators):
            if isinstance(op, ast.In | ast.NotIn):
                if len(node.ops) > 1:
                    raise self.error("`in` cannot be chained", node.col_offset, do="join two conditions by `and`")
                return self._membership(left, op, side)
            right = self.value(side)
            results.append(self._compared(left, op, right))
            size += left.size + right.size + 1
            left = right
        expr = results[0]
        for result in results[1:]:
            expr = expr & result
        return _Value("boolean", expr, "the result of a comparison", node.col_offset, size)

    def _compared(self, left: _Value, op: ast.cmpop, right: _Value) -> pl.Expr:
        if type(op) not in _COMPARISON:
            raise self.error("this comparison has no meaning here", right.at)
        sign, build = _COMPARISON[type(op)]
        for value, other in ((left, right), (right, left)):
            if value.kind == "missing":
                raise self.error(
                    "nothing can be compared with null", value.at,
                    rule="what is computed from a missing value is missing",
                    do=f"write is_missing(..) around {other.name}",
                )  # fmt: skip
        left, right = self._unified([left, right], f"'{sign}'")
        if sign not in ("=", "!=") and left.kind in ("category", "boolean"):
            raise self.error(
                f"'{sign}' cannot order {SPOKEN[left.kind]}", right.at, rule="only numbers and dates have an order",
                fact=f"{left.name} is {SPOKEN[left.kind]}", do="use = or in [..]",
            )  # fmt: skip
        return build(left.expr, right.expr)

    def _membership(self, left: _Value, op: ast.cmpop, side: ast.expr) -> _Value:
        if not isinstance(side, ast.List | ast.Tuple) or not side.elts:
            raise self.error("`in` has no list after it", side.col_offset, do="write it like `sex in ['f', 'm']`")
        choices = [self.value(item) for item in side.elts]
        for choice in choices:
            if not choice.is_literal or choice.kind == "missing":
                raise self.error(
                    "a list holds something that is not a value",
                    choice.at,
                    fact=choice.name,
                    do="list numbers, texts, true or false",
                )
        left, *choices = self._unified([left, *choices], "`in`")
        found = left.expr.is_in([choice.literal for choice in choices])
        return _Value(
            "boolean", ~found if isinstance(op, ast.NotIn) else found, "the result of in", left.at, left.size + 1
        )

    def _call(self, node: ast.Call) -> _Value:
        token = self.syntax.token(node.func)  # type: ignore[arg-type]
        name = str(token.value)
        function = FUNCTIONS.get(name.lower()) if token.kind == "function" else None
        if function is None:
            raise self.error(
                f"there is no function {name!r}{nearest(name, FUNCTIONS)}",
                token.at,
                do=f"use one of {', '.join(FUNCTIONS)}",
            )
        least, most = function.arity
        n = len(node.args)
        if n < least or (most is not None and n > most):
            wanted = f"{least} or more" if most is None else f"{least}" if least == most else f"{least} or {most}"
            raise self.error(
                f"{name} has the wrong number of arguments",
                token.at,
                rule=f"{name} takes {wanted}: {function.says}",
                fact=f"{n}",
            )
        takes = (*function.takes, *[function.takes[-1]] * (n - len(function.takes)))
        values = [self.value(argument) for argument in node.args]
        alike = iter(self._unified([v for v, kind in zip(values, takes) if kind in ("same", "ordered")], name))
        values = [next(alike) if kind in ("same", "ordered") else v for v, kind in zip(values, takes)]
        arguments = [self._argument(value, kind, name, function) for value, kind in zip(values, takes)]
        gives = function.gives
        if gives == "same":
            gives = next(
                (v.kind for v, k in zip(values, takes) if k in ("same", "ordered") and v.kind != "missing"), "missing"
            )
        return _Value(
            gives,
            function.build(*arguments),
            f"the result of {name}",
            token.at,
            1 + sum(value.size for value in values),
        )

    def _argument(self, value: _Value, takes: str, name: str, function: Function) -> Any:
        if takes in ("digits", "constant", "words"):
            kind = "category" if takes == "words" else "number"
            if not value.is_literal or value.kind != kind or (takes == "digits" and value.literal not in range(13)):
                wanted = {
                    "digits": "a whole number from 0 to 12",
                    "constant": "a plain number",
                    "words": "a text in quotes",
                }[takes]
                raise self.error(
                    f"{name} needs {wanted} here", value.at, rule=function.says, fact=f"{value.name} stands there"
                )
            return int(value.literal) if takes == "digits" else value.literal
        if takes == "ordered" and value.kind not in ("number", "datetime"):
            raise self.error(
                f"{name} cannot take {SPOKEN[value.kind]}",
                value.at,
                rule="only numbers and dates have an order",
                fact=value.name,
            )
        return (value if takes in ("same", "ordered", "any") else self._of_kind(value, takes, name)).expr


def _plain(value: Any) -> str:
    if isinstance(value, float):
        return f"{value:g}"
    return {True: "true", False: "false", None: "null"}[value]


def _conversion(one: str, other: str) -> str:
    """Say how two kinds that were mixed can be brought together."""
    kinds = {one, other}
    if kinds == {"boolean", "number"}:
        return "turn true and false into numbers by if(.., 1, 0), or a number into true and false by a comparison"
    if kinds == {"boolean", "category"}:
        return "write true and false without quotes, and compare texts with ="
    if kinds == {"number", "category"}:
        return "write numbers without quotes and texts in quotes; the kind of a column is set in data.columns"
    if kinds == {"datetime", "number"}:
        return "use days_between(a, b), or year(x), month(x), day(x)"
    return ""
