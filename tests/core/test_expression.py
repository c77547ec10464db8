"""The expression language: what it means row by row, what it refuses, and in which words."""

import math
import operator
from datetime import datetime

import polars as pl
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from fieldguide.core.errors import ConfigError
from fieldguide.core.language.expression import parse
from fieldguide.core.language.functions import FUNCTIONS
from fieldguide.core.language.syntax import MAX_DEPTH, ExpressionError, read_syntax

KINDS = {
    "age": "number", "total rooms": "number", "a`b": "number", "class": "number",
    "sex": "category", "note": "text", "ok": "boolean", "größe": "boolean", "sold": "datetime", "built": "datetime",
}  # fmt: skip
ROWS = pl.DataFrame(
    {
        "age": [2.0, 0.0, -3.5, None, 40.25],
        "total rooms": [0.0, 0.0, 2.0, 1.0, None],
        "a`b": [1.0, 2.0, 3.0, 4.0, 5.0],
        "class": [0.5, 1.5, 2.5, -0.5, 1e308],
        "sex": ["m", "f", "", None, "F"],
        "note": ["a.b", "Äb", "", None, "x" * 5],
        "ok": [True, False, None, True, False],
        "größe": [None, False, None, True, True],
        "sold": [
            datetime(2024, 2, 29, 13, 30),
            datetime(1969, 12, 31),
            None,
            datetime(2024, 3, 1),
            datetime(2023, 1, 1),
        ],
        "built": [datetime(2024, 2, 28, 1, 30), None, None, datetime(2024, 3, 2), datetime(2023, 1, 1)],
    },
    schema_overrides={"sold": pl.Datetime("us"), "built": pl.Datetime("us")},
)


def values(text: str) -> list:
    return ROWS.with_columns(found=parse(text, KINDS).polars())["found"].to_list()


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("age / `total rooms`", [None, None, -1.75, None, None]),
        ("age // 2", [1, 0, -2, None, 20]),
        ("age % 2", [0, 0, 0.5, None, 0.25]),
        ("2 ** age", [4, 1, 2**-3.5, None, 2**40.25]),
        ("-2 ** 2 + age", [-2, -4, -7.5, None, 36.25]),
        ("class * 10", [5, 15, 25, -5, None]),  # 1e309 is not a number of this language
        ("log(age)", [math.log(2), None, None, None, math.log(40.25)]),
        ("log1p(age)", [math.log1p(2), 0, None, None, math.log1p(40.25)]),
        ("sqrt(age)", [math.sqrt(2), 0, None, None, math.sqrt(40.25)]),
        ("exp(class)", [math.exp(0.5), math.exp(1.5), math.exp(2.5), math.exp(-0.5), None]),
        ("round(class)", [0, 2, 2, 0, 1e308]),
        ("round(age, 1)", [2, 0, -3.5, None, 40.2]),
        ("floor(age) + ceil(age)", [4, 0, -7, None, 81]),
        ("clip(age, -1, 10)", [2, 0, -1, None, 10]),
        ("min(age, `total rooms`)", [0, 0, -3.5, 1, 40.25]),
        ("MAX(age, `total rooms`, 1)", [2, 1, 2, 1, 40.25]),
        ("`a``b` = 3", [False, False, True, False, False]),
        ("class == 0.5", [True, False, False, False, False]),
        ("0 <= age < 40", [True, True, False, None, False]),
        ("sex = 'm'", [True, False, False, None, False]),
        ("sex != 'm'", [False, True, True, None, True]),
        ('sex in ["m", "f"]', [True, True, False, None, False]),
        ("sex NOT IN ('m', 'f')", [False, False, True, None, True]),
        ("lower(sex) = 'f'", [False, True, False, None, True]),
        ("contains(note, '.')", [True, False, False, None, False]),
        ("length(note)", [3, 2, 0, None, 5]),
        ("not ok", [False, True, None, False, True]),
        ("ok and größe", [None, False, None, True, False]),
        ("ok or größe", [True, False, None, True, True]),
        ("ok = True", [True, False, None, True, False]),
        ("if(ok, age, -1)", [2, -1, -1, None, -1]),
        ("if(is_missing(age), 'none', sex)", ["m", "f", "", "none", "F"]),
        ("if(ok, 'yes', null)", ["yes", None, None, "yes", None]),
        ("coalesce(age, `total rooms`, 7)", [2, 0, -3.5, 1, 40.25]),
        ("is_missing(age / 0)", [True] * 5),
        ("year(sold) * 100 + month(sold)", [202402, 196912, None, 202403, 202301]),
        ("day(sold) + hour(sold)", [42, 31, None, 1, 1]),
        ("weekday(sold)", [4, 3, None, 5, 7]),
        ("date(2024, `a``b`) = '2024-02-01'", [False, True, False, False, False]),
        ("days_between(built, sold)", [1.5, None, None, -1, 0]),
        ("sold >= '2024-02-29 13:30'", [True, False, None, True, False]),
        ("sold in ['2023-01-01', '2024-03-01T00:00']", [False, False, None, True, True]),
        ("max(sold, '2024-01-01') = sold", [True, False, None, True, False]),
    ],
)
def test_the_language_means_what_the_table_says(text, expected):
    assert values(text) == [
        x if x is None or isinstance(x, str | bool) else pytest.approx(x, rel=1e-12) for x in expected
    ]


def test_the_result_has_the_dtype_of_its_kind():
    dtypes = {
        "age + 1": pl.Float64,
        "ok": pl.Boolean,
        "lower(sex)": pl.String,
        "coalesce(sold, built)": pl.Datetime("us"),
    }
    for text, dtype in dtypes.items():
        assert ROWS.select(x=parse(text, KINDS).polars()).schema["x"] == dtype
    assert ROWS.select(x=parse("length(sex)", KINDS).polars()).schema["x"] == pl.Float64


def test_nan_and_infinity_in_a_column_are_missing():
    frame = pl.DataFrame({"x": [math.nan, math.inf, -math.inf, 1.0, None]})
    result = frame.with_columns(found=parse("x > 0", {"x": "number"}).polars())["found"].to_list()
    assert result == [None, None, None, True, None]


def test_every_function_is_tested_by_name():
    source = __import__("inspect").getsource(__import__("sys").modules[__name__]).lower()
    assert [name for name in FUNCTIONS if f"{name}(" not in source] == []


@pytest.mark.parametrize(
    ("text", "position", "message"),
    [
        ("age > '30'", 7, "'>' mixes a number and text.*column 'age' is a number and '30' is text.*without quotes"),
        ("ok = 'yes'", 6, "'=' mixes true or false and text.*column 'ok'.*write true and false without quotes"),
        ("age + ok", 7, r"'\+' cannot take true or false.*column 'ok' is true or false.*if\(.., 1, 0\)"),
        ("sex < 'm'", 7, "'<' cannot order text.*column 'sex' is text.*use = or in"),
        ("sex = null", 7, r"nothing can be compared with null.*is_missing\(..\) around column 'sex'"),
        ("agee > 3", 1, r"there is no column 'agee' \(did you mean 'age'\?\)"),
        ("1 + lgo(age)", 5, r"there is no function 'lgo' \(did you mean 'log'\?\).*use one of log, log1p"),
        ("if(ok, 1, 'a')", 11, "if mixes a number and text"),
        ("sold > '2024-02-30'", 8, "'2024-02-30' is not a date.*'2024-01-31 18:30'"),
        ("sold - built", 1, r"'-' cannot take a date.*use days_between\(a, b\)"),
        ("sold > 3", 8, "'>' mixes a date and a number"),
        ("round(age, 1.5)", 12, "round needs a whole number from 0 to 12 here"),
        ("clip(age, 0, class)", 14, "clip needs a plain number here.*column 'class' stands there"),
        ("contains(note, sex)", 16, "contains needs a text in quotes here"),
        ("max(sex, note)", 5, "max cannot take text"),
        ("log()", 1, "log has the wrong number of arguments. Rule: log takes 1.*: 0"),
        ("round(age, 1, 2)", 1, "takes 1 or 2"),
        ("min(age)", 1, "takes 2 or more"),
        ("age in 3", 8, "`in` has no list after it"),
        ("age in []", 8, "`in` has no list after it"),
        ("age in [class]", 9, "a list holds something that is not a value.*column 'class'"),
        ("1 < age in [3]", 1, "`in` cannot be chained"),
        ("age[1]", 1, "this form has no meaning here"),
        ("min(*age, 2)", 5, "this form has no meaning here"),
        ("age +", 6, "cannot be read.*missing or too many"),
        ("(age + 1", 1, "cannot be read"),
        ("age 3", 5, "cannot be read"),
        ("größe and\n  not )", 17, "cannot be read"),
        ("a.b", 2, "'.' has no meaning here.*`backticks`"),
        ("age > 3 && ok", 9, "'&' has no meaning here.*write `and`"),
        ("sex = 'm", 7, "close the text"),
        ("__import__('os').system('ls')", 17, "'.' has no meaning"),
        ("age > 1e999", 7, "the number 1e999 is too large"),
        ("1 + 1", 1, "the expression names no column"),
        ("if(ok, null, null)", 1, "the expression is always missing"),
        ("  ", 1, "the expression is empty"),
        ("age" + " " * 2000, 2001, "the expression is too long.*at most 2,000 characters.*it has 2,003"),
        ("-" * 1000 + "age", 1, "nested too deeply. Rule: at most 60 levels"),
        ("+".join(["age"] * 100), 1, "nested too deeply"),
        ("`*` + 1", 1, r"the column name '\*' cannot stand in an expression"),
    ],
)
def test_an_error_names_the_place_the_kinds_and_the_remedy(text, position, message):
    with pytest.raises(ConfigError, match=f"(?s){message}") as caught:
        parse(text, {**KINDS, "*": "number"})
    assert isinstance(caught.value, ExpressionError)
    assert caught.value.position == position


def test_the_caret_stands_under_the_place():
    with pytest.raises(ConfigError) as caught:
        parse("age >\n'x'", KINDS)
    lines = caught.value.found.splitlines()
    assert lines[1] == "    age > 'x'"
    assert lines[2] == "          ^"


def test_a_population_must_be_boolean():
    with pytest.raises(ConfigError, match=r"(?s)does not give true or false.*it gives a number"):
        parse("age", KINDS, expect="boolean")
    assert parse("age > 3", KINDS, expect="boolean").kind == "boolean"


def test_columns_are_known_before_their_kinds_in_order_of_first_use():
    assert read_syntax("if(`x y` > b, b, in_ + `x y`)").columns == ("x y", "b", "in_")
    assert parse("length(sex) + age", KINDS).columns == ("sex", "age")
    assert read_syntax("year(year)").columns == ("year",)


def test_a_comparison_chain_cannot_double_without_end():
    text = "ok"
    for _ in range(20):
        text = f"(ok = ({text}) = ok)"
    with pytest.raises(ConfigError, match="nested too deeply"):
        parse(text, KINDS)


def test_the_deepest_expression_allowed_still_runs():
    nested = "abs(" * (MAX_DEPTH - 1) + "age" + ")" * (MAX_DEPTH - 1)
    assert values(nested) == [2, 0, 3.5, None, 40.25]
    assert values("+".join(["age"] * (MAX_DEPTH - 1)))[0] == 2 * (MAX_DEPTH - 1)


# A reference that computes one row at a time in plain Python, grown together with the text.

NUMBERS, TEXTS, FLAGS = [0.0, 1.0, -2.0, 0.5, 3.0, 1e200], ["", "a", "Ab", "it's"], [True, False]


def _finite(function):
    def computed(*cells):
        if any(cell is None for cell in cells):
            return None
        try:
            result = function(*cells)
        except (ArithmeticError, ValueError):
            return None
        return result if isinstance(result, float) and math.isfinite(result) else None

    return computed


def _missing(function):
    return lambda *cells: None if any(cell is None for cell in cells) else function(*cells)


def _and(a, b):
    return False if a is False or b is False else None if a is None or b is None else True


def _or(a, b):
    return True if a is True or b is True else None if a is None or b is None else False


def _there(choose):
    return lambda *cells: choose(there) if (there := [c for c in cells if c is not None]) else None


def _first(*cells):
    return next((cell for cell in cells if cell is not None), None)


def _power(a, b):
    result = a**b
    return math.nan if isinstance(result, complex) else result


def _applied(form, function, *kinds):
    """A strategy of (text, row -> value) made of parts of some kinds."""
    return lambda parts: st.tuples(*(parts[kind] for kind in kinds)).map(
        lambda made: (form.format(*(text for text, _ in made)), lambda row: function(*(cell(row) for _, cell in made)))
    )


FORMS = {
    "number": [
        _applied("({} + {})", _finite(operator.add), "number", "number"),
        _applied("({} - {})", _finite(operator.sub), "number", "number"),
        _applied("({} * {})", _finite(operator.mul), "number", "number"),
        _applied("({} / {})", _finite(operator.truediv), "number", "number"),
        _applied("({} // {})", _finite(lambda a, b: float(math.floor(a / b))), "number", "number"),
        _applied("({} ** {})", _finite(_power), "number", "number"),
        _applied("(-{})", _finite(operator.neg), "number"),
        _applied("log({})", _finite(math.log), "number"),
        _applied("sqrt({})", _finite(math.sqrt), "number"),
        _applied("abs({})", _finite(abs), "number"),
        _applied("round({})", _finite(lambda a: float(round(a))), "number"),
        _applied("clip({}, -1, 2.5)", _finite(lambda a: min(max(a, -1.0), 2.5)), "number"),
        _applied("min({}, {})", _there(min), "number", "number"),
        _applied("max({}, {}, 0)", lambda a, b: _there(max)(a, b, 0.0), "number", "number"),
        _applied("if({}, {}, {})", lambda c, a, b: a if c else b, "boolean", "number", "number"),
        _applied("coalesce({}, {})", _first, "number", "number"),
        _applied("length({})", _missing(lambda a: float(len(a))), "category"),
    ],
    "boolean": [
        _applied("({} = {})", _missing(operator.eq), "number", "number"),
        _applied("({} < {})", _missing(operator.lt), "number", "number"),
        _applied("({} >= {})", _missing(operator.ge), "number", "number"),
        _applied("({} != {})", _missing(operator.ne), "category", "category"),
        _applied("(0 <= {} < 3)", _missing(lambda a: 0 <= a < 3), "number"),
        _applied("({} in ['a', ''])", _missing(lambda a: a in ("a", "")), "category"),
        _applied("({} not in [1, 0.5])", _missing(lambda a: a not in (1, 0.5)), "number"),
        _applied("({} and {})", _and, "boolean", "boolean"),
        _applied("({} or {})", _or, "boolean", "boolean"),
        _applied("(not {})", _missing(operator.not_), "boolean"),
        _applied("is_missing({})", lambda a: a is None, "number"),
        _applied("contains({}, 'b')", _missing(lambda a: "b" in a), "category"),
    ],
    "category": [
        _applied("lower({})", _missing(str.lower), "category"),
        _applied("if({}, {}, null)", lambda c, a: a if c else None, "boolean", "category"),
        _applied("coalesce({}, {})", _first, "category", "category"),
    ],
}  # fmt: skip
LEAVES = {
    "number": [
        st.sampled_from(["x", "`y z`"]).map(lambda name: (name, lambda row: row[name.strip("`")])),
        st.sampled_from(NUMBERS).map(lambda n: (f"({n!r})", lambda row: n)),
    ],
    "boolean": [
        st.just(("flag", lambda row: row["flag"])),
        st.sampled_from(FLAGS).map(lambda b: (str(b), lambda row: b)),
    ],
    "category": [
        st.just(("word", lambda row: row["word"])),
        st.sampled_from(TEXTS).map(lambda t: ("'" + t.replace("'", "\\'") + "'", lambda row: t)),
    ],
}


def _grown(depth):
    parts = {kind: st.one_of(leaves) for kind, leaves in LEAVES.items()}
    for _ in range(depth):
        parts = {kind: st.one_of(*LEAVES[kind], *(form(parts) for form in FORMS[kind])) for kind in parts}
    return parts


ROW = st.fixed_dictionaries(
    {
        "x": st.sampled_from([None, *NUMBERS]), "y z": st.sampled_from([None, *NUMBERS]),
        "flag": st.sampled_from([None, *FLAGS]), "word": st.sampled_from([None, *TEXTS]),
    }
)  # fmt: skip
SCHEMA = {"x": pl.Float64, "y z": pl.Float64, "flag": pl.Boolean, "word": pl.String}
TYPED = {"x": "number", "y z": "number", "flag": "boolean", "word": "category"}


@given(st.one_of(*_grown(3).values()), st.lists(ROW, min_size=1, max_size=5))
@settings(max_examples=300, deadline=None)
def test_polars_computes_what_a_row_by_row_reference_computes(made, rows):
    text, reference = made
    try:
        compiled = parse(text, TYPED)
    except ConfigError as error:
        assert error.what in ("the expression names no column", "the expression is always missing")
        return
    found = pl.DataFrame(rows, schema=SCHEMA).with_columns(found=compiled.polars())["found"].to_list()
    assert found == [x if not isinstance(x, float) else pytest.approx(x, rel=1e-9) for x in map(reference, rows)], text


SOUP = st.lists(
    st.sampled_from(
        [*KINDS, *FUNCTIONS, "(", ")", "[", "]", ",", "+", "-", "*", "/", "%", "**", "=", "<", "in", "and", "or", "not",
         "1", "0.5", "'a'",
         "'2024-01-01'", "null", "true", "`age`",
         "(age)", "(ok, 1, 2)", "(sold)", "(sex)", "['a']", "[1, 2]"]
    ),
    max_size=12,
).map(" ".join)  # fmt: skip


@given(st.one_of(st.text(), SOUP, st.text("()[]+-*/=<>!&|'\"`,. \n\\a1")))
@example("\ud800")
@example("sex = '\ud800'")
@example("t0")
@example("((((" * 400)
@example("not " * 499)
@example("²")
@example("ａｇｅ")
@settings(max_examples=500, deadline=None)
def test_any_text_gives_an_expression_that_runs_or_a_config_error(text):
    try:
        compiled = parse(text, KINDS)
    except ConfigError as error:
        assert error.exit_status == 2
        return
    assert ROWS.with_columns(x=compiled.polars()).height == ROWS.height


@pytest.mark.parametrize("text", ["0 = coalesce(x, 0)", "if(is_missing(x), 1, 0) = 1", "coalesce(x, 2) + 1"])
def test_a_column_without_a_value_still_gives_every_row(text: str) -> None:
    frame = pl.DataFrame({"x": pl.Series([None, None], dtype=pl.Float64)})
    assert frame.select(found=parse(text, {"x": "number"}).polars()).height == 2
