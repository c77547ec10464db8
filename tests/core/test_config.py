"""study.yaml: what it says, and how every mistake in it is told."""

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fieldguide.core.documents.config import Config, check_names, json_schema, load_config, parse_config
from fieldguide.core.documents.document import plain_value, read_document
from fieldguide.core.errors import ConfigError

HERE = Path("/studies/adult")
DESIGN = """\
problem:
  goal: Contact only people likely to earn over 50K    # in words; the report opens with it
  unit: one adult in the census
  decision:
  target: income
  task: binary
  positive: ">50K"
  costs: {false_positive: 1, false_negative: 5}
  metric: log_loss                  # absent: explore recommends, the journal freezes
  success: 0.01                     # the smallest gain over the baseline worth shipping
  limits: {latency_ms: 5}
data:
  table: ../adult.csv               # paths are relative to this file
  derive: {debt_ratio: debt / income_before}
  columns: {fnlwgt: ignore}
population: {train: all, evaluate: "first_visit = true"}
split: {test: 0.15}
slices: [sex]
budget: {trials: 30, minutes: 10}
seed: 7
"""
METRIC = "must be the name of a metric, or one name with its settings, such as {fbeta: {beta: 2}}"
TARGET = "must be the name of a column, or a list of different names"
LEAST = "problem: {target: y}\ndata: {table: t.csv}\n"


def mistakes(text: str | bytes) -> list[str]:
    with pytest.raises(ConfigError) as caught:
        parse_config(text, HERE)
    return [line.strip() for line in caught.value.found.splitlines()[1:]]


def test_the_file_of_the_design_says_what_it_says():
    config = parse_config(DESIGN, HERE)
    assert config.problem.targets == ("income",)
    assert config.problem.costs is not None
    assert config.problem.costs.false_negative == 5
    assert (config.problem.metric_name, config.problem.metric_settings) == ("log_loss", {})
    assert config.problem.decision == ""
    assert config.data.table == Path("/studies/adult.csv")
    assert config.data.columns["fnlwgt"].role == "ignore"
    assert config.data.sample == 200_000
    assert config.split.test == 0.15
    assert config.slices == ("sex",)
    assert (config.budget.trials, config.budget.minutes, config.seed, config.threads) == (30, 10, 7, None)


def test_a_config_is_frozen():
    with pytest.raises(ValueError, match="frozen"):
        parse_config(LEAST, HERE).seed = 8


def test_plain_data_and_back():
    text = DESIGN.replace("log_loss", "{fbeta: {beta: 2}}").replace("split: {test: 0.15}", "split: {test: ../test.csv}")
    config = parse_config(text, HERE)
    assert Config.from_dict(config.to_dict(), "/elsewhere") == config
    assert config.split.test == Path("/studies/test.csv")
    assert config.problem.metric_settings == {"beta": 2}
    assert Config.from_dict({**config.to_dict(), "seed": 8}) != config


def test_a_text_is_what_stands_in_the_file():
    text = """\
problem: {target: no, positive: yes, task: ~}
data:
  table: t.csv
  columns: {on: ignore, 2024: {kind: category, read: {missing: [-1, 1.50, NA, ""], dayfirst: true}}, a.b: number}
  key: 007
split: {column: 2024-01-31, test: 2024-02-01}
slices: [yes, 1.50]
"""
    config = parse_config(text, HERE)
    assert (config.problem.targets, config.problem.positive, config.problem.task) == (("no",), "yes", None)
    assert {type(config.problem.positive), type(config.slices[0]), type(config.data.key)} == {str}
    assert list(config.data.columns) == ["on", "2024", "a.b"]
    assert config.data.columns["2024"].reading() == {"missing": ["-1", "1.50", "NA", ""], "dayfirst": True}
    assert config.data.key == "007"
    assert (config.split.column, config.split.test) == ("2024-01-31", "2024-02-01")
    assert config.slices == ("yes", "1.50")


def test_a_number_may_be_written_without_a_point():
    config = parse_config(LEAST.replace("y}", "y, success: 1e-3}") + "budget: {minutes: 2}", HERE)
    assert (config.problem.success, config.budget.minutes) == (0.001, 2)
    assert plain_value(read_document(b"a: [+1, .5, -1.e3, '5', 12:30, 0x10]", "x").data["a"]) == [
        1,
        0.5,
        -1000,
        "5",
        "12:30",
        "0x10",
    ]


def test_a_blank_entry_counts_as_left_out():
    config = parse_config(LEAST + "slices:\nbudget: {minutes: , trials: }\npopulation:\n", HERE)
    assert config.slices == ()
    assert config.budget.trials == 30
    assert config.budget.minutes is None  # an entry that may be None is None: no limit
    assert config.population.train == "all"


def test_all_mistakes_are_told_at_once_with_line_path_and_value():
    text = """\
problem:
  gaol: x
  target: income
  success: lots
  costs: {false_positive: -1}
  metric: [a]
  purpose: predikt
  limits: {latency: 5}
data:
  columns: {fnlwgt: ignored, total rooms: {kind: nmber, roll: x, read: {decimals: ","}}}
  derive: {z: a +}
  trials: 3
population: [all]
split: {test: 1.5, folds: "5"}
budget: {trials: many, minutes: 0}
seed: yes
slice: [x]
"""
    assert mistakes(text) == [
        "line 2, problem.gaol: unknown key (did you mean 'goal'?); found 'x'",
        "line 4, problem.success: must be a number; found 'lots'",
        "line 5, problem.costs.false_positive: must be at least 0; found '-1'",
        "line 5, problem.costs.false_negative: is required",
        f"line 6, problem.metric: {METRIC}; found a list",
        "line 7, problem.purpose: must be one of predict, understand (did you mean 'predict'?); found 'predikt'",
        "line 8, problem.limits.latency: unknown key (did you mean 'latency_ms'?); found '5'",
        "line 9, data.table: is required",
        "line 10, data.columns.fnlwgt: must be one of feature, ignore, number, category, boolean, datetime, text, "
        "image, audio, series, id, or a mapping with kind, role or read (did you mean 'ignore'?); found 'ignored'",
        "line 10, data.columns.'total rooms'.kind: must be one of number, category, boolean, datetime, text, "
        "image, audio, series, id (did you mean 'number'?); found 'nmber'",
        "line 10, data.columns.'total rooms'.read.decimals: unknown key (did you mean 'decimal'?); found ','",
        "line 10, data.columns.'total rooms'.roll: unknown key (did you mean 'role'?); found 'x'",
        "line 11, data.derive.z: the expression cannot be read at character 4: an operator, value or bracket is "
        "missing "
        "or too many; found 'a +'",
        "line 12, data.trials: unknown key here; it belongs under budget; found '3'",
        "line 13, population: must be a mapping; found a list",
        "line 14, split.test: must be a share of the rows between 0 and 1, or a file; found '1.5'",
        "line 14, split.folds: must be a whole number; found '5'",
        "line 15, budget.trials: must be a whole number; found 'many'",
        "line 15, budget.minutes: must be greater than 0; found '0'",
        "line 16, seed: must be a whole number; found 'yes'",
        "line 17, slice: unknown key (did you mean 'slices'?); found a list",
    ]


@pytest.mark.parametrize(
    ("more", "message"),
    [
        ("seed: 1\nseed: 2", "line 4, seed: the key stands twice, on lines 3 and 4"),
        (
            "split: {folds: 5, validation: 0.2}",
            "split.folds: folds and validation exclude each other: give one of them",
        ),
        ("split: {column: part}", "split.column: split.test must say which value of the column marks the test rows"),
        ("split: {by: grouped}", "split.by: needs data.group or data.entity; found 'grouped'"),
        ("split: {by: chronological}", "split.by: needs data.time; found 'chronological'"),
        ("split: {test: 0}", "split.test: must be a share of the rows between 0 and 1, or a file; found '0'"),
        ("split: {test: [a]}", "split.test: must be a share of the rows between 0 and 1, or a file; found a list"),
        ("split: {validation: 1}", "split.validation: must be less than 1; found '1'"),
        ("learners: {use: [a, b], skip: b}", "learners.skip: a learner is both used and skipped; found 'b'"),
        (
            "population: {evaluate: a && b}",
            "population.evaluate: '&' has no meaning here at character 3; found 'a && b'",
        ),
        ("seed: 2.5", "seed: must be a whole number; found '2.5'"),
        ("seed: '7'", "seed: must be a whole number; found '7'"),
        ("threads: true", "threads: must be a whole number; found 'true'"),
        ("budget: {minutes: .inf}", "budget.minutes: must be a number; found '.inf'"),
        ("slices: [a, {b: c}]", "slices[1]: must be a text; found a mapping"),
        ("slices: [!x a]", "slices[0]: a tag is not allowed; found '!x'"),
        ("? [a]\n: 1", "line 3: a key must be a text"),
        ("goal: x", "goal: unknown key here; it belongs under problem; found 'x'"),
        ("zzz: x", "zzz: unknown key; found 'x'"),
        ("split: {test: ''}", "split: must be a path, not an empty text; found a mapping"),
    ],
)  # fmt: skip
def test_one_mistake(more, message):
    assert mistakes(LEAST + more)[0] == (message if message.startswith("line") else f"line 3, {message}")


@pytest.mark.parametrize(
    ("problem", "data", "message"),
    [
        ("target: []", "table: t",
         f"problem.target: {TARGET}; found a list"),
        ("target: [a, a]", "table: t",
         f"problem.target: {TARGET}; found a list"),
        ("goal: x", "table: t",
         "problem.target: is required: without a target or a proxy nothing can be judged"),
        ("target: y, costs: {false_positive: 0, false_negative: 0}", "table: t",
         "problem.costs: an error must cost something: both are 0"),
        ("target: y", "table: ''",
         "data.table: must be a path, not an empty text; found ''"),
        ("target: y", "table: t, group: y",
         "data.group: is the target already; found 'y'"),
        ("target: y", "table: t, columns: {y: ignore}",
         "data.columns.y: the target cannot be ignored; found 'y'"),
        ("target: y", "table: t, derive: {z: y * 2}",
         "data.derive.z: uses the target, which is not known at prediction time; found 'y * 2'"),
        ("target: z", "table: t, columns: {a: {role: group}}",
         "data.columns.a.role: must be one of feature, ignore; found 'group'"),
        ("target: y", "table: t, columns: {a: }",
         "data.columns.a: must be a mapping"),
        ("target: y, metric: {fbeta: 2}", "table: t",
         f"problem.metric: {METRIC}; found a mapping"),
    ],
)  # fmt: skip
def test_one_mistake_within_problem_or_data(problem, data, message):
    assert mistakes(f"problem: {{{problem}}}\ndata: {{{data}}}\n") == [
        f"line {1 if message[0] == 'p' else 2}, {message}"
    ]


def test_a_target_may_be_derived():
    both = "problem: {target: [late, delay]}\ndata: {table: t, derive: {late: delay > 15}}"
    assert parse_config(both, HERE).problem.targets == ("late", "delay")
    assert parse_config(
        "problem: {target: late}\ndata: {table: t, derive: {late: delay > 15}}", HERE
    ).problem.targets == ("late",)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "is empty.*fieldguide init"),
        ("# only a comment\n", "is empty"),
        ("\n- a\n", r"no keys at the top.*a list on line 2"),
        ("hello", r"no keys at the top.*the text 'hello' on line 1"),
        ("problem:\n\ttarget: x", "line 2, column 1: a tab stands where the line is indented.*indent by spaces"),
        ("goal: a: b", "line 1, column 8: mapping values are not allowed here.*needs quotes"),
        ("a: [1, 2", "line 1, column 9: expected"),
        ("a: 'x", "unexpected end of stream.*close the quotes"),
        ("a: @x", "line 1, column 4: found character '@'.*put it in quotes"),
        ("a: 1\n---\nb: 2", "line 2, column 1: but found another document.*leave out the second"),
        ("a: &x [*x]", r"line 1, column 8: an alias \(\*\) is not allowed"),
        (b"a: 1\nb: \xff", r"not UTF-8 text.*line 2, byte 8 of the file is 0xff.*save it as UTF-8"),
        ("a: \x01", r"line 1: the character '\\x01' is not allowed"),
        ("[" * 3000, "nested too deeply"),
        ("a: " + "[" * 60 + "]" * 60, "nested too deeply. Rule: at most 50 levels"),
        (b"#" * 1_000_001, "too large. Rule: at most 1,000,000 bytes. Found: 1,000,001 bytes"),
    ],
)
def test_what_is_no_yaml_mapping_is_one_clear_error(text, message):
    with pytest.raises(ConfigError, match=f"(?s)^study.yaml.*{message}"):
        parse_config(text, HERE)


def test_a_file_is_read_from_its_folder(tmp_path):
    (tmp_path / "study.yaml").write_bytes(b"\xef\xbb\xbf" + LEAST.encode())  # as Windows editors write it
    assert load_config(tmp_path / "study.yaml").data.table == (tmp_path / "t.csv").resolve()
    with pytest.raises(ConfigError, match=r"nowhere\.yaml cannot be read\. Rule: .*Found: No such file"):
        load_config(tmp_path / "nowhere.yaml")
    with pytest.raises(ConfigError, match=r"cannot be read\. Rule: .*Found: Is a directory"):
        load_config(tmp_path)


COLUMNS = ["income", "age", "sex", "debt", "total rooms", "a.b"]
PARTS = {"tasks": ["binary"], "metrics": ["log_loss", "roc_auc"], "learners": ["boosting", "linear"]}


def test_names_that_are_there_pass():
    text = """\
problem: {target: income, task: binary, metric: roc_auc}
data: {table: t, derive: {ratio: debt / `total rooms`, twice: ratio * 2}, columns: {twice: number}, group: a.b}
population: {train: ratio > 1}
slices: [total rooms, age > 30, "`a.b` = 'x'", twice]
learners: {use: [boosting]}
"""
    check_names(parse_config(text, HERE), COLUMNS, PARTS)


def test_all_unknown_names_are_told_at_once():
    text = """\
problem: {target: [incom, debt], task: binery, metric: {log_los: {}}}
data:
  table: t
  derive: {ratio: later + dept, later: age, sex: age + 1}
  columns: {agee: number}
  time: when
population: {train: all, evaluate: sexx = 'f'}
split: {column: part, test: x}
slices: [sex, ratoi, total room, agee > 3]
learners: {use: [bosting], skip: [trees]}
"""
    with pytest.raises(ConfigError) as caught:
        check_names(parse_config(text, HERE), COLUMNS, PARTS)
    known = "the columns are income, age, sex, debt, total rooms, a.b and 3 more"
    assert caught.value.what == "study.yaml has 15 mistakes"
    assert [line.strip() for line in caught.value.found.splitlines()[1:]] == [
        "line 1, problem.target[0]: there is no column 'incom' (did you mean 'income'?)",
        "line 1, problem.task: there is no task 'binery' (did you mean 'binary'?)",
        "line 1, problem.metric: there is no metric 'log_los' (did you mean 'log_loss'?)",
        "line 4, data.derive.ratio: there is no column 'later'; the columns are income, age, sex, debt, total "
        "rooms, a.b",
        "line 4, data.derive.ratio: there is no column 'dept' (did you mean 'debt'?)",
        "line 4, data.derive.sex: a derived column cannot have the name of a column of the table; found 'sex'",
        "line 5, data.columns.agee: there is no column 'agee' (did you mean 'age'?)",
        f"line 6, data.time: there is no column 'when'; {known}",
        "line 7, population.evaluate: there is no column 'sexx' (did you mean 'sex'?)",
        f"line 8, split.column: there is no column 'part'; {known}",
        "line 9, slices[1]: there is no column 'ratoi' (did you mean 'ratio'?)",
        "line 9, slices[2]: is neither a column (did you mean 'total rooms'?) nor an expression: the expression "
        "cannot be read "
        "at character 7; found 'total room'",
        "line 9, slices[3]: there is no column 'agee' (did you mean 'age'?)",
        "line 10, learners.use[0]: there is no learner 'bosting' (did you mean 'boosting'?)",
        "line 10, learners.skip[0]: there is no learner 'trees'; there are boosting, linear",
    ]


def test_unknown_names_of_rules_are_told_with_their_place():
    text = """\
problem: {target: income}
data: {table: t, columns: {COLUMN: ignore}}
rules:
  order:
    - {name: keen, when: probability_income >= 0.5 and agee > 3, decide: call}
  default: wait
  truth: TRUTH
"""
    with pytest.raises(ConfigError) as caught:
        check_names(parse_config(text.replace("TRUTH", "sexx").replace("COLUMN", "sexx"), HERE), COLUMNS, PARTS)
    assert [line.strip() for line in caught.value.found.splitlines()[1:]] == [
        "line 2, data.columns.sexx: there is no column 'sexx' (did you mean 'sex'?)",
        "line 5, rules.order[0].when: there is no column 'agee' (did you mean 'age'?)",
        "line 7, rules.truth: there is no column 'sexx' (did you mean 'sex'?)",
    ]
    known = text.replace("TRUTH", "sex").replace("COLUMN", "sex").replace("agee", "age")
    check_names(parse_config(known, HERE), COLUMNS, PARTS)


def test_names_of_parts_that_are_not_given_are_not_checked():
    check_names(parse_config("problem: {target: age, task: other}\ndata: {table: t}", HERE), COLUMNS, {})


def test_mistakes_in_plain_data_have_no_line():
    with pytest.raises(ConfigError, match=r"\n  problem.tagret: unknown key \(did you mean 'target'\?\); found 'y'"):
        Config.from_dict({"problem": {"tagret": "y", "target": "y"}, "data": {"table": "t.csv"}})


def test_the_schema_is_closed_and_describes_every_key():
    schema = json_schema()
    assert schema["$schema"] == "https://json-schema.org/draft/2020-12/schema"
    for section in (schema, *schema["$defs"].values()):
        assert section["additionalProperties"] is False
        assert [name for name, entry in section["properties"].items() if len(entry["description"]) < 10] == []


def accepts(schema: dict, value: object, root: dict) -> bool:
    """A validator of the words that our schema uses; any other word fails."""
    types = {
        "string": str,
        "number": int | float,
        "integer": int,
        "boolean": bool,
        "null": type(None),
        "array": list,
        "object": dict,
    }
    for word, rule in schema.items():
        if word == "$ref":
            ok = accepts(root["$defs"][rule.rsplit("/", 1)[1]], value, root)
        elif word == "anyOf":
            ok = any(accepts(branch, value, root) for branch in rule)
        elif word == "type":
            ok = isinstance(value, types[rule]) and (rule == "boolean" or not isinstance(value, bool))
        elif word in ("enum", "const"):
            ok = value in (rule if word == "enum" else [rule])
        elif word == "items":
            ok = not isinstance(value, list) or all(accepts(rule, item, root) for item in value)
        elif word == "properties":
            ok = not isinstance(value, dict) or all(
                accepts(rule[key], item, root) for key, item in value.items() if key in rule
            )
        elif word == "additionalProperties" and rule is False:
            ok = not isinstance(value, dict) or set(value) <= set(schema["properties"])
        elif word == "additionalProperties":
            ok = (
                not isinstance(value, dict) or rule is True or all(accepts(rule, item, root) for item in value.values())
            )
        elif word == "allOf":
            ok = all(accepts(part, value, root) for part in rule)
        elif word == "required":
            ok = not isinstance(value, dict) or set(rule) <= set(value)
        elif word in ("minimum", "exclusiveMinimum", "maximum", "exclusiveMaximum"):
            signs = {
                "minimum": "__ge__",
                "exclusiveMinimum": "__gt__",
                "maximum": "__le__",
                "exclusiveMaximum": "__lt__",
            }
            ok = not isinstance(value, int | float) or getattr(float(value), signs[word])(float(rule))
        else:
            ok = word in ("$schema", "$defs", "title", "description", "default", "minLength", "format", "propertyNames")
        if not ok:
            return False
    return True


@pytest.mark.parametrize(
    ("more", "accepted"),
    [
        ({}, True), ({"sed": 7}, False), ({"seed": "x"}, False), ({"slices": None}, True),
        ({"slices": ["a", 1]}, True),
        ({"split": {"test": "x.csv"}}, True), ({"budget": {"trials": 1.5}}, False),
        ({"budget": {"minutes": None}}, True),
        ({"problem": {"target": "y", "positive": True}}, True), ({"problem": {"target": ["y", "z"]}}, True),
        ({"problem": {}}, False), ({"problem": {}, "proxies": {"click": "clicks > 0"}}, True),
        ({"problem": {"proxy": "click"}, "proxies": {"click": {"event": "clicks > 0", "variants": ["clicks > 1"]}}}, True),
        ({"problem": {"target": "y", "metric": {"fbeta": {"beta": 2}}}}, True),
        ({"problem": {"target": "y", "metric": 3}}, False),
        ({"problem": {"outputs": ["y", {"column": "z", "task": "binary"}]}}, True), ({"problem": {"outputs": ["y", 3]}}, True),
        ({"problem": {"outputs": ["y", True]}}, False), ({"problem": {"outputs": "y"}}, False), ({"problem": {"outputs": [{"column": 1, "role": "x"}]}}, False),
        ({"data": {"table": "t", "columns": {"a": "ignore", "b": {"kind": "number"}}}}, True),
        ({"data": {"table": "t", "columns": {"a": "ignored"}}}, False),
    ],
)  # fmt: skip
def test_an_editor_with_the_schema_agrees_with_the_reader(more, accepted):
    data = {"problem": {"target": "y"}, "data": {"table": "t.csv"}, **more}
    schema = json_schema()
    assert accepts(schema, data, schema) is accepted
    if accepted:
        Config.from_dict(
            {**data, "problem": {key: value for key, value in data["problem"].items() if key != "positive"}}
        )
    else:
        with pytest.raises(ConfigError):
            Config.from_dict(data)


KEYS = [
    "problem",
    "data",
    "target",
    "table",
    "columns",
    "split",
    "test",
    "column",
    "derive",
    "slices",
    "metric",
    "learners",
    "use",
    "x",
]
PLAIN = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.floats(),
    st.text(max_size=5),
    st.sampled_from(["income", "0.5", "a + b", "all"]),
)
TREES = st.recursive(
    PLAIN, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(KEYS), inner, max_size=4)
)
STUDIES = st.fixed_dictionaries(
    {}, optional=dict.fromkeys(("problem", "data", "split", "slices", "learners", "population", "budget"), TREES)
)


@given(STUDIES)
@settings(max_examples=300, deadline=None)
def test_any_plain_data_is_a_config_or_a_config_error(data):
    try:
        config = Config.from_dict(data)
    except ConfigError as error:
        assert error.found.startswith("\n  ")
        return
    assert Config.from_dict(config.to_dict()) == config


@given(st.one_of(st.text(), st.binary(), st.text("ab:-[]{}#&*!|>'\"%@`,? \n\t01.")))
@settings(max_examples=500, deadline=None)
def test_any_bytes_are_a_config_or_a_config_error(content):
    with pytest.raises(ConfigError):
        parse_config(content, HERE)


def test_every_preprocessing_setting_of_a_recipe_can_be_stated():
    import dataclasses

    from fieldguide.core.documents.preprocessing_section import PreprocessingSection
    from fieldguide.core.settings import with_values
    from fieldguide.core.transform import Recipe

    others = {"media", "missing", "balance"}  # what a learner can read, and problem.imbalance
    fields = {field.name: field for field in dataclasses.fields(Recipe)}
    assert set(PreprocessingSection.model_fields) == set(fields) - others
    said = {
        "scaling": "robust", "min_count": 3, "max_levels": 9, "dates": "elapsed", "tokeniser": "bpe", "vocabulary": 900, "max_tokens": 40,
        "pixels": 32, "pixel_scaling": "range", "flip": True, "mel_bands": 20, "waves": "raw", "rate": 8000, "seconds": 1.5, "window": 16,
        "masks": 0.2, "time_shift": 0.05, "n_steps": 64, "augment": False,
    }  # fmt: skip
    assert set(said) == set(fields) - others
    config = Config.from_dict({"problem": {"target": "y"}, "data": {"table": "t.csv"}, "preprocessing": said})
    recipe = with_values(Recipe(), config.preprocessing.stated())
    assert {name: getattr(recipe, name) for name in said} == said
    for name in said:
        assert isinstance(getattr(recipe, name), type(fields[name].default)) or name in ("window", "seconds")


@pytest.mark.parametrize(
    ("entry", "words"),
    [
        ("{pixel: 3}", r"preprocessing\.pixel: unknown key \(did you mean 'pixels'\?\)"), ("{tokeniser: bytes}", "preprocessing.tokeniser"),
        ("{pixels: 2}", "preprocessing.pixels"), ("{masks: 2}", "preprocessing.masks"), ("{flip: maybe}", "preprocessing.flip"),
    ],
)  # fmt: skip
def test_mistakes_in_preprocessing_are_told(entry, words, tmp_path):
    text = f"problem: {{target: y}}\ndata: {{table: t.csv}}\npreprocessing: {entry}\n"
    with pytest.raises(ConfigError, match=words):
        parse_config(text, tmp_path)


@pytest.mark.parametrize(
    ("units", "entity", "time", "ignored"),
    [
        ({"entity": "e", "time": "t"}, "e", "prediction_time", []),
        ({"entity": "e", "at": "2024-01-01"}, "e", None, []),
        ({"entity": "e", "at": ["2024-01-01", "2024-02-01"]}, None, "prediction_time", ["e"]),
        ({"entity": "e", "every": "7d", "start": "2024-01-01", "stop": "2024-03-01"}, None, "prediction_time", ["e"]),
        ({"entity": ["e", "f"], "time": "t"}, "entity", "prediction_time", []),
    ],
)
def test_a_joined_table_is_grouped_by_its_entity_unless_rows_repeat(units, entity, time, ignored):
    join = {"units": {"table": "u.csv", **units}, "outcome": {"table": "o.csv", "time": "t", "horizon": "3d"}}
    found = Config.from_dict({"problem": {"target": "y"}, "join": join}, "/x")
    assert (found.data.entity, found.data.time) == (entity, time)
    assert list(found.data.columns) == ignored
    assert (found.split.by == "chronological") == bool(ignored)
