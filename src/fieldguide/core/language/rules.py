"""Rules: decisions derived from predicted signals and columns, by expressions in order; the first that holds decides.

Knows how rules are read against signals (the outputs of a study) and the columns of a row, what each signal is called, and
the version of a set of rules. Nothing is learned here: other rules need no other model.
"""

from __future__ import annotations

import ast
import hashlib
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import polars as pl

from fieldguide.core.contracts import Predictions, Threshold
from fieldguide.core.errors import ConfigError, DataError, ModelError, listed, nearest
from fieldguide.core.language.expression import Expression, parse
from fieldguide.core.language.syntax import ExpressionError, Syntax, Token, read_syntax
from fieldguide.core.problem import Output
from fieldguide.core.table import Column

DEFAULT = "(default)"
"""What stands for the rule of a row that no rule held for."""
UNREADABLE = ("image", "audio", "series", "window")
"""Kinds of columns that no expression can say anything of."""


@dataclass(frozen=True)
class Rule:
    """One rule.

    Args:
        name: what it is called.
        when: an expression that is true or false of a row.
        decide: the decision where it holds.
    """

    name: str
    when: str
    decide: str


@dataclass(frozen=True)
class Rules:
    """Rules in order, and the decision where none holds.

    Examples:
        >>> rules = Rules((Rule("keen", "stars >= 4", "call"),), "write")
        >>> rules.decisions, rules.version
        (('call', 'write'), 'fb75a8334f22')
    """

    rules: tuple[Rule, ...]
    default: str

    @property
    def version(self) -> str:
        """The hash of what the rules say, 12 hex digits: another text, order, decision or name is another version."""
        return hashlib.sha256(json.dumps(self.to_dict(), ensure_ascii=True).encode()).hexdigest()[:12]

    @property
    def decisions(self) -> tuple[str, ...]:
        """The decisions there are, in the order in which they are first named; the default's last."""
        return tuple(dict.fromkeys((*(rule.decide for rule in self.rules), self.default)))

    @property
    def names(self) -> tuple[str, ...]:
        """What decides a row: a rule's name, the last being the default."""
        return (*(rule.name for rule in self.rules), DEFAULT)

    @property
    def reads(self) -> tuple[str, ...]:
        """Every word of the rules that names a signal or a column, in order of first use."""
        return tuple(dict.fromkeys(name for rule in self.rules for name in read_syntax(rule.when).columns))

    def to_dict(self) -> dict[str, Any]:
        """Return the rules as plain data."""
        said = [{"name": rule.name, "when": rule.when, "decide": rule.decide} for rule in self.rules]
        return {"order": said, "default": self.default}

    @staticmethod
    def from_dict(data: Mapping[str, Any]) -> Rules:
        """Return the rules that `to_dict` described.

        Raises:
            ModelError: it is no description of rules.
        """
        try:
            order = tuple(Rule(str(r["name"]), str(r["when"]), str(r["decide"])) for r in data["order"])
            return Rules(order, str(data["default"]))
        except (KeyError, TypeError) as error:
            raise ModelError(
                "these are no rules",
                rule="rules have an order of {name, when, decide} and a default",
                found=repr(error),
                do="restore the model folder from a copy, or package the model again",
            ) from None


@dataclass(frozen=True)
class Bound:
    """Rules that were checked against the signals and columns they read.

    Args:
        outputs: the signals.
        columns: the columns of a row they read, and what derived ones among them are made of.
    """

    rules: Rules
    outputs: tuple[Output, ...]
    columns: tuple[Column, ...]
    _when: tuple[Expression, ...] = field(repr=False, compare=False)

    def holds(self, values: Mapping[str, Any], frame: pl.DataFrame) -> np.ndarray:
        """Return where each rule's condition is true; a condition that is missing is not.

        Args:
            values: the signals, from `signals` or `true_signals`.
            frame: typed columns of the rows, at least those that are read.

        Shape:
            returns: (rows, rules) bool
        """
        read = {name for expression in self._when for name in expression.columns}
        columns = {name: values[name] if name in values else frame[name] for name in sorted(read)}
        found = pl.DataFrame(columns).select(
            expression.polars().fill_null(False).alias(str(i)) for i, expression in enumerate(self._when)
        )
        return found.to_numpy().astype(bool)

    def decided(self, holds: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Return codes of the decisions (into `rules.decisions`) and which rule made each, the first that holds.

        Shape:
            holds: (rows, rules) bool
            returns: (rows,) int64 and (rows,) int64, the number of rules standing for the default
        """
        by = np.where(holds.any(axis=1), holds.argmax(axis=1), holds.shape[1])
        code = {decision: i for i, decision in enumerate(self.rules.decisions)}
        codes = np.array([*(code[rule.decide] for rule in self.rules.rules), code[self.rules.default]], np.int64)
        return codes[by], by.astype(np.int64)

    def answer(
        self, predictions: Predictions, thresholds: Sequence[Threshold], frame: pl.DataFrame
    ) -> dict[str, pl.Series]:
        """Return the columns that stand beside predictions: `decision`, and the `rule` that made it."""
        codes, by = self.decided(self.holds(signals(self.outputs, predictions, thresholds), frame))
        decisions, names = self.rules.decisions, self.rules.names
        return {
            "decision": pl.Series([decisions[i] for i in codes], dtype=pl.String),
            "rule": pl.Series([names[i] for i in by], dtype=pl.String),
        }

    def to_dict(self) -> dict[str, Any]:
        """Return the rules with their version and the columns they read, as plain data; see `Bound.from_dict`."""
        return {
            "version": self.rules.version, **self.rules.to_dict(), "columns": [column.to_dict() for column in self.columns]
        }  # fmt: skip

    @staticmethod
    def from_dict(data: Mapping[str, Any], outputs: tuple[Output, ...]) -> Bound:
        """Return what `to_dict` described.

        Raises:
            ModelError: the version is not that of the rules.
        """
        rules = Rules.from_dict(data)
        if rules.version != data.get("version"):
            raise ModelError(
                "the rules of the model are not of the version they say", rule="a version is the hash of what rules say",
                found=f"{data.get('version')!r}, and it is {rules.version!r}",
                do="restore the model folder from a copy, or package the model again",
            )  # fmt: skip
        return bind(rules, outputs, tuple(map(Column.from_dict, data["columns"])))


def bind(rules: Rules, outputs: Sequence[Output], columns: Sequence[Column]) -> Bound:
    """Check rules against the signals and columns of a study: names, kinds, labels.

    Args:
        columns: of the table; targets among them cannot be read, since what is predicted stands in their place.

    Raises:
        ConfigError: all mistakes at once, each with its rule, its place in the expression and the nearest name.

    Examples:
        >>> bind(Rules((Rule("old", "aeg > 60", "call"),), "write"), (), (Column("age", "number"),))
        Traceback (most recent call last):
        fieldguide.core.errors.ConfigError: the rule 'old' cannot be used: there is no column 'aeg' (did you mean 'age'?). ...
    """
    outputs = tuple(outputs)
    for output in outputs:
        if output.task.name == "forecast":
            raise ConfigError(
                f"rules cannot decide by {output.name!r}, which is a forecast", rule="a signal is one answer a row",
                found=f"the task of {output.name!r} is forecast, which answers many steps a row",
                do="take the section rules out of study.yaml",
            )  # fmt: skip
    known = signal_kinds(outputs)
    readable = {c.name: c.kind for c in columns if c.role != "target" and c.kind not in UNREADABLE}
    expressions, mistakes = [], []
    for rule in rules.rules:
        try:
            expressions.append(parse(rule.when, {**readable, **known}, expect="boolean"))
            _check_labels(read_syntax(rule.when), outputs)
        except ExpressionError as error:
            mistakes.append((rule, error))
    if mistakes:
        raise _mistaken(mistakes)
    read = {name for expression in expressions for name in expression.columns if name not in known}
    return Bound(rules, outputs, _closed(read, columns), tuple(expressions))


def signal_kinds(outputs: Sequence[Output]) -> dict[str, str]:
    """Return the kind of every name by which rules may read a signal; see `signals`."""
    kinds: dict[str, str] = {}
    for output in outputs:
        if output.family == "vector":
            kinds |= {f"{output.name}.{entry}": "number" for entry in output.labels}
        elif output.task.family == "sets":
            kinds |= {f"{output.name}.{label}": "boolean" for label in output.labels}
        elif output.task.family == "values":
            kinds[output.name] = "number"
        else:
            kinds[output.name] = "number" if _numbers(output.labels) else "category"
            kinds[f"{output.name}.probability"] = "number"
        if output.task.family in ("classes", "sets"):
            kinds |= {name: "number" for name, _ in _probabilities(output, len(outputs) > 1)}
    return kinds


def signals(
    outputs: Sequence[Output], predictions: Predictions, thresholds: Sequence[Threshold]
) -> dict[str, pl.Series]:
    """Return what rules may read of predictions, by name.

    Of an output `o` with classes: `o`, the decision (a number where every label is one), `o.probability`, of the positive of
    two labels, else of the decided one, and `probability_o_<label>`, as `predict` writes it. Of a number: `o`. Of a label
    set: `o.<label>`, true or false, and the probabilities. Of a vector: `o.<entry>`.

    Shape:
        predictions[i]: (rows, width) of output i, on the original scale
    """
    found: dict[str, Any] = {}
    for output, prediction, threshold in zip(outputs, predictions, thresholds):
        if output.family == "vector":
            found |= {f"{output.name}.{entry}": prediction[:, i] for i, entry in enumerate(output.labels)}
            continue
        if output.task.family == "values":
            found[output.name] = prediction[:, 0]
            continue
        decided = output.task.decide(prediction, threshold)
        found |= {name: prediction[:, i] for name, i in _probabilities(output, len(outputs) > 1)}
        if output.task.family == "sets":
            found |= {f"{output.name}.{label}": decided[:, i].astype(bool) for i, label in enumerate(output.labels)}
            continue
        labels = [float(label) for label in output.labels] if _numbers(output.labels) else output.labels
        found[output.name] = np.array(labels, np.float64 if _numbers(output.labels) else object)[decided]
        which = 1 if len(output.labels) == 2 else decided
        found[f"{output.name}.probability"] = prediction[np.arange(len(prediction)), which]
    return {name: pl.Series(name, list(values) if values.dtype == object else values) for name, values in found.items()}


def true_signals(outputs: Sequence[Output], truths: Sequence[np.ndarray]) -> dict[str, pl.Series]:
    """Return the same of what was true: the probability of what happened is 1, of anything else 0.

    Shape:
        truths[i]: (rows,) coded truth of output i, (rows, width) where it is joint
    """
    return signals(outputs, certain(outputs, truths), [None] * len(truths))


def certain(outputs: Sequence[Output], truths: Sequence[np.ndarray]) -> Predictions:
    """Return coded truths as predictions that are sure of them, (rows, width) per output."""
    return tuple(
        np.eye(len(output.labels))[truth] if output.task.family == "classes"
        else np.asarray(truth, np.float64).reshape(len(truth), -1)
        for output, truth in zip(outputs, truths)
    )  # fmt: skip


def coded(column: pl.Series, rules: Rules) -> np.ndarray:
    """Return codes of decisions that a column holds, -1 where it is missing.

    Shape:
        returns: (rows,) int64, into `rules.decisions`

    Raises:
        DataError: it holds a decision that no rule makes.
    """
    texts = column.cast(pl.Int64).cast(pl.String) if _whole(column) else column.cast(pl.String)
    code = {decision: i for i, decision in enumerate(rules.decisions)}
    strange = [text for text in texts.drop_nulls().unique().sort().to_list() if text not in code]
    if strange:
        raise DataError(
            f"no rule decides {strange[0]!r}, which stands in column {column.name!r}{nearest(strange[0], code)}",
            rule="rules.truth holds decisions that rules or their default make",
            found=f"{len(strange):,} others; the decisions are {listed(code)}",
            do="name the decisions alike, or leave rules.truth out: the truth then follows from the true signals",
        )
    return np.array([-1 if text is None else code[text] for text in texts.to_list()], np.int64)


def _whole(column: pl.Series) -> bool:
    return column.dtype.is_numeric() and bool((column.drop_nulls() % 1 == 0).all())


def _probabilities(output: Output, several: bool) -> Iterator[tuple[str, int]]:
    """Yield names of an output's probabilities with their places: with the output's name, and as `predict` writes them."""
    for i, label in enumerate(output.labels):
        yield f"probability_{output.name}_{label}", i
        if not several:
            yield f"probability_{label}", i


def _numbers(labels: Sequence[str]) -> bool:
    def finite(label: str) -> bool:
        try:
            return bool(np.isfinite(float(label)))
        except ValueError:
            return False

    return bool(labels) and all(map(finite, labels))


def _closed(names: set[str], columns: Sequence[Column]) -> tuple[Column, ...]:
    """Return the named columns and those that derived ones among them are computed from, in the table's order."""
    wanted, by_name = set(names), {column.name: column for column in columns}
    waiting = list(names)
    while waiting:
        said = by_name[waiting.pop()].read.get("expression")
        fresh = set(read_syntax(said).columns) - wanted if said else set()
        wanted |= fresh
        waiting += fresh
    return tuple(
        Column(c.name, c.kind, c.role if c.role == "time" else "feature", c.read) for c in columns if c.name in wanted
    )


def _check_labels(syntax: Syntax, outputs: Sequence[Output]) -> None:
    """Raise where a signal is compared with a label it does not have: such a rule would never hold, or always."""
    labels = {output.name: output.labels for output in outputs if output.task.family == "classes"}
    for node in ast.walk(syntax.tree):
        if not isinstance(node, ast.Compare):
            continue
        sides = [node.left, *node.comparators]
        for left, op, right in zip(sides, node.ops, sides[1:]):
            if not isinstance(op, ast.Eq | ast.NotEq | ast.In | ast.NotIn):
                continue
            said = [*right.elts] if isinstance(right, ast.List | ast.Tuple) else [right]
            for one, others in ((left, said), *((other, [left]) for other in said)):
                name = _token(syntax, one)
                if name is not None and name.kind == "column" and name.value in labels:
                    _check_label(syntax, name.value, labels[name.value], others)


def _check_label(syntax: Syntax, name: str, labels: tuple[str, ...], others: Sequence[ast.expr]) -> None:
    known: list[Any] = [float(label) for label in labels] if _numbers(labels) else list(labels)
    for node in others:
        token = _token(syntax, node)
        if token is not None and token.kind in ("text", "number") and token.value not in known:
            shown = f"{token.value:g}" if token.kind == "number" else token.value
            raise ExpressionError(
                f"the signal {name!r} has no label {shown!r}{nearest(shown, labels)}", syntax.text, token.at,
                rule="a signal is compared with its labels", fact=f"its labels are {listed(labels)}",
            )  # fmt: skip


def _token(syntax: Syntax, node: ast.expr) -> Token | None:
    return syntax.token(node) if isinstance(node, ast.Name) else None


def _mistaken(mistakes: Sequence[tuple[Rule, ExpressionError]]) -> ConfigError:
    if len(mistakes) == 1:
        ((rule, error),) = mistakes
        what = f"the rule {rule.name!r} cannot be used: {error.what}"
        return ConfigError(what, rule=error.rule, found=error.found, do=error.do)
    said = "".join(f"\n  {rule.name!r}: {error.what} at character {error.position}" for rule, error in mistakes)
    return ConfigError(
        f"{len(mistakes)} rules cannot be used",
        rule="a rule reads signals and columns there are",
        found=said,
        do="correct each under rules in study.yaml, then run fieldguide rules check",
    )
