"""The sections of study.yaml: what may stand in each, and what it means.

Knows shapes, defaults and descriptions, from which the JSON Schema is made. How a file is read and how its mistakes are
told is `core.documents.config`'s.

A text (a label, a column, a date) is what stands in the file: `positive: yes` is the text "yes". A blank entry counts
as left out, so that `init` can leave questions open.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Literal, get_args

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationInfo, field_validator, model_validator

from fieldguide.core.documents.asked import TARGETLESS
from fieldguide.core.documents.document import plain_value
from fieldguide.core.errors import nearest

Kind = Literal["number", "category", "boolean", "datetime", "text", "image", "audio", "series", "id"]
Role = Literal["feature", "ignore"]


def _text(value: Any) -> Any:
    """Return a scalar as the text that stands in the file; numbers from Python as their digits."""
    if isinstance(value, int | float) and not isinstance(value, bool):
        return str(value)
    return value


def _texts(value: Any) -> Any:
    return tuple(_text(item) for item in (value if isinstance(value, list | tuple) else [value]))


def _path(value: Any, info: ValidationInfo) -> Any:
    if not isinstance(value, str | Path):
        raise ValueError("must be a path")
    if not str(value):
        raise ValueError("must be a path, not an empty text")
    return ((info.context or {}).get("folder", Path()) / value).resolve()


def _checkpoint(value: Any, info: ValidationInfo) -> Any:
    """A folder relative to study.yaml where there is one, else a name."""
    if not isinstance(value, str) or not value:
        raise ValueError("must be a folder or the name of a checkpoint on the hub")
    folder = (info.context or {}).get("folder", Path()) / Path(value).expanduser()
    return str(folder.resolve()) if folder.is_dir() else value


def _column(value: Any) -> Any:
    if not isinstance(value, str):
        return value
    if value in get_args(Kind):
        return {"kind": value}
    if value in get_args(Role):
        return {"role": value}
    words = (*get_args(Role), *get_args(Kind))
    raise ValueError(f"must be one of {', '.join(words)}, or a mapping with kind, role or read{nearest(value, words)}")


def _metric(value: Any) -> Any:
    if isinstance(value, str):
        return str(value)
    if not isinstance(value, Mapping) or len(value) != 1 or not all(isinstance(v, Mapping) for v in value.values()):
        raise ValueError("must be the name of a metric, or one name with its settings, such as {fbeta: {beta: 2}}")
    return plain_value(value)


def _named(value: Any, example: str) -> Any:
    if isinstance(value, str) and value:
        return str(value)
    if not isinstance(value, Mapping) or len(value) != 1 or not all(isinstance(v, Mapping) for v in value.values()):
        raise ValueError(f"must be a name, or one name with its settings, such as {example}")
    return plain_value(value)


def _loss(value: Any) -> Any:
    return _named(value, "{focal: {gamma: 2}}; your own is package.module:name")


def _calibrator(value: Any) -> Any:
    return _named(value, "{temperature: {bias: true}}")


def _decide(value: Any) -> Any:
    value = plain_value(value)
    known = ("recall", "precision")
    if not isinstance(value, Mapping) or len(value) != 1 or next(iter(value)) not in known:
        hint = nearest(next(iter(value), ""), known) if isinstance(value, Mapping) else ""
        raise ValueError(f"must be one target, {{recall: 0.9}} or {{precision: 0.8}}{hint}")
    ((name, share),) = value.items()
    if not isinstance(share, int | float) or isinstance(share, bool) or not 0 < share < 1:
        raise ValueError(f"the target {name} must be a share between 0 and 1")
    return {name: float(share)}


def _target(value: Any) -> Any:
    if not isinstance(value, list | tuple):
        return _text(value)
    names = tuple(_text(item) for item in value)
    if not names or not all(isinstance(name, str) for name in names) or len(set(names)) < len(names):
        raise ValueError("must be the name of a column, or a list of different names")
    return names


def _test(value: Any) -> Any:
    if not isinstance(value, float | str | Path) or (isinstance(value, float) and not 0 < value < 1):
        raise ValueError("must be a share of the rows between 0 and 1, or a file")
    return value


_as_text = BeforeValidator(_text, json_schema_input_type=str | float | bool)
Text = Annotated[str, _as_text]
Name = Annotated[str, _as_text, Field(min_length=1)]
Texts = Annotated[
    tuple[str, ...], BeforeValidator(_texts, json_schema_input_type=str | float | bool | list[str | float | bool])
]
Number = Annotated[float, BeforeValidator(plain_value), Field(allow_inf_nan=False)]
Whole = Annotated[int, BeforeValidator(plain_value)]
Switch = Annotated[bool, BeforeValidator(plain_value)]
File = Annotated[Path, BeforeValidator(_path, json_schema_input_type=str)]
Checkpoint = Annotated[str, BeforeValidator(_checkpoint, json_schema_input_type=str)]


class Section(BaseModel):
    """A mapping of study.yaml: frozen, unknown keys are mistakes, values are never converted between types."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)

    @model_validator(mode="before")
    @classmethod
    def _blank_is_left_out(cls, data: Any) -> Any:
        if not isinstance(data, Mapping):
            return data
        return {key: value for key, value in data.items() if value is not None or cls._admits_blank(key)}

    @classmethod
    def _admits_blank(cls, key: str) -> bool:
        return key not in cls.model_fields or type(None) in get_args(cls.model_fields[key].annotation)


class Costs(Section):
    """What an error costs, in one unit."""

    false_positive: Number = Field(ge=0, description="cost of acting where nothing should have been done")
    false_negative: Number = Field(ge=0, description="cost of not acting where one should have")


class LimitsSection(Section):
    """What a shipped model may cost, measured on the packaged whole."""

    latency_ms: Number | None = Field(default=None, gt=0, description="time of a single-row prediction, p50 [ms]")
    megabytes: Number | None = Field(default=None, gt=0, description="size of the model folder [MB]")


def _outputs(value: Any) -> Any:
    if not isinstance(value, list | tuple) or not value:
        raise ValueError("must be a list of outputs, each a column or a mapping with column or columns")
    return tuple(value)


def _output(value: Any) -> Any:
    return {"column": _text(value)} if isinstance(value, str | int | float) and not isinstance(value, bool) else value


class OutputSection(Section):
    """One thing to predict, where there are several."""

    name: Name | None = Field(default=None, description="what it is called in predictions; absent: after its columns")
    column: Name | None = Field(default=None, description="the column to predict")
    columns: Texts = Field(
        default=(), description="columns that make one output: the labels of a set, or the entries of a vector"
    )
    task: Name | None = Field(default=None, description="binary, multilabel, vector …; absent: detected")
    positive: Name | None = Field(default=None, description="the label that counts as positive")
    labels: Texts = Field(default=(), description="its labels; of ordered ones the lowest first")
    separator: Name | None = Field(default=None, description="what stands between the labels of a set in one text")
    blank: Literal["missing", "none"] = Field(
        default="missing", description="an empty text of a label set: the set is missing, or it has no labels"
    )
    transform: Literal["identity", "log1p", "sqrt"] = Field(
        default="identity", description="scale a number is learned on"
    )
    metric: Annotated[str | dict[str, dict[str, Any]], BeforeValidator(_metric)] | None = Field(
        default=None, description="the judge; candidates are ranked by that of the first output"
    )
    weight: Number = Field(default=1.0, gt=0, description="share of the loss of networks")
    loss: Annotated[str | dict[str, dict[str, Any]], BeforeValidator(_loss)] | None = Field(
        default=None, description="what networks minimise; absent: problem.loss, else the task's own"
    )

    @model_validator(mode="after")
    def _one_or_several(self) -> OutputSection:
        if (self.column is None) == (not self.columns):
            raise ValueError("an output names its column, or its columns")
        return self

    @property
    def reads(self) -> tuple[str, ...]:
        """The columns it is made of."""
        return self.columns or (() if self.column is None else (self.column,))


OutputEntry = Annotated[OutputSection, BeforeValidator(_output)]


class ProblemSection(Section):
    """What is asked."""

    goal: Text = Field(default="", description="what is to be reached, in words; the report opens with it")
    unit: Text = Field(default="", description="what one row is, such as `one adult in the census`")
    decision: Text = Field(default="", description="what is done with a prediction, by whom")
    prediction_time: Text = Field(default="", description="the moment at which the prediction is made")
    target: (
        Annotated[
            str | tuple[str, ...], BeforeValidator(_target, json_schema_input_type=str | float | bool | list[str])
        ]
        | None
    ) = Field(default=None, description="the column to predict, or a list of columns; absent: a proxy is learned")
    outputs: (
        Annotated[
            tuple[OutputEntry, ...], BeforeValidator(_outputs, json_schema_input_type=list[str | float | OutputSection])
        ]
        | None
    ) = Field(default=None, description="what to predict, one entry each, in place of target; ranked by the first")
    proxy: Name | None = Field(default=None, description="the one of `proxies` that is learned in place of a target")
    task: Name | None = Field(
        default=None, description="binary, multiclass, regression …; absent: detected from the target"
    )
    positive: Name | None = Field(
        default=None, description="the label that counts as positive, as it stands in the table"
    )
    transform: Literal["identity", "log1p", "sqrt"] = Field(
        default="identity", description="scale a number is learned on"
    )
    costs: Costs | None = Field(default=None, description="what a false positive and a false negative cost")
    metric: Annotated[str | dict[str, dict[str, Any]], BeforeValidator(_metric)] | None = Field(
        default=None, description="the judge: log_loss, {fbeta: {beta: 2}} …; absent: explore recommends one"
    )
    loss: Annotated[str | dict[str, dict[str, Any]], BeforeValidator(_loss)] | None = Field(
        default=None,
        description="what networks minimise: focal, {huber: {delta: 0.5}}, package.module:name; absent: the task's own",
    )
    imbalance: Literal["none", "weights", "oversample", "undersample"] = Field(
        default="none", description="how rare classes are made to count in training rows"
    )
    decide: Annotated[dict[str, float], BeforeValidator(_decide)] | None = Field(
        default=None,
        description="what the decision threshold must reach: {recall: 0.9} or {precision: 0.8}; costs come first",
    )
    calibrate: Annotated[str | dict[str, dict[str, Any]], BeforeValidator(_calibrator)] | None = Field(
        default=None, description="how probabilities are corrected on validation predictions: temperature or isotonic"
    )
    success: Number = Field(
        default=0.0, ge=0, description="the smallest gain over the baseline worth shipping, in the metric"
    )
    limits: LimitsSection = Field(default_factory=LimitsSection, description="what a shipped model may cost")
    purpose: Literal["predict", "understand"] = Field(
        "predict", description="understand: the simplest model within a standard error"
    )
    assumptions: Texts = Field(default=(), description="what is taken for granted, in words")
    booked: Name | None = Field(
        default=None, description="prices: the column that says whether the offer was booked (yes or no)"
    )
    c1: Number | None = Field(
        default=None,
        gt=0,
        lt=1,
        description="prices: the lowest price worth suggesting after no booking, a share of the offer; absent: 0.7",
    )
    c2: Number | None = Field(
        default=None,
        gt=1,
        description="prices: the highest price worth suggesting after a booking, a multiple of the offer; absent: 1.3",
    )
    horizon: Whole | None = Field(default=None, ge=1, description="forecasts: steps ahead [steps]")
    window: Whole | None = Field(
        default=None,
        ge=1,
        description="forecasts: the most steps of the past that are looked at [steps]; absent: by length",
    )
    season: Whole | None = Field(
        default=None, ge=1, description="forecasts: steps of a season [steps]; absent: by frequency; 1: none"
    )
    clusters: Whole | None = Field(
        default=None, ge=2, description="clustering: how many clusters [count], where that is known; absent: searched"
    )
    components: Whole | None = Field(
        default=None, ge=1, description="reduction: numbers that are kept of each row [count]; absent: 2, a map"
    )

    @property
    def targets(self) -> tuple[str, ...]:
        """The columns that are learned; none where neither a target nor a proxy is named."""
        if self.outputs is not None:
            return tuple(dict.fromkeys(name for output in self.outputs for name in output.reads))
        if self.target is None:
            return () if self.proxy is None else (self.proxy,)
        return (self.target,) if isinstance(self.target, str) else self.target

    @property
    def targetless(self) -> bool:
        """True where the task has no target: rows are grouped, or put on a map."""
        return self.task in TARGETLESS

    @property
    def stated(self) -> bool:
        """True where targets are named, and no proxy stands for them."""
        return self.target is not None or self.outputs is not None

    @property
    def metric_name(self) -> str | None:
        return next(iter(self.metric)) if isinstance(self.metric, dict) else self.metric

    @property
    def metric_settings(self) -> dict[str, Any]:
        return next(iter(self.metric.values())) if isinstance(self.metric, dict) else {}


class ReadSection(Section):
    """How raw cells become values."""

    missing: Texts | None = Field(
        default=None, description="texts that stand for a missing value, in place of the usual ones"
    )
    decimal: Name | None = Field(default=None, description="numbers: the decimal mark")
    thousands: Name | None = Field(default=None, description="numbers: the mark between thousands")
    strip: Texts | None = Field(default=None, description="numbers: signs around the digits, such as $ or %")
    case: Literal["ignore"] | None = Field(
        default=None, description="categories: ignore: Yes, yes and YES are one level, in small letters"
    )
    true: Texts | None = Field(default=None, description="booleans: words that mean true")
    false: Texts | None = Field(default=None, description="booleans: words that mean false")
    formats: Texts | None = Field(default=None, description="datetimes: formats such as %d.%m.%Y")
    dayfirst: Switch | None = Field(default=None, description="datetimes: 03/04 is the third of April")
    unit: Name | None = Field(default=None, description="datetimes stored as numbers: the unit since 1970")
    folder: Name | None = Field(
        default=None, description="images, sounds: the folder that cells name files in, relative to the table's"
    )
    suffix: Name | None = Field(
        default=None, description="images, sounds: what cells leave out of a file's name, such as .jpg"
    )
    checkpoint: Checkpoint | None = Field(
        default=None,
        description="texts, images, sounds: the pretrained encoder, a folder (relative to study.yaml) or a name on the hub",
    )


class ColumnSection(Section):
    """What differs from what was detected about a column."""

    kind: Kind | None = Field(default=None, description="the kind of its values")
    role: Role | None = Field(
        default=None, description="ignore: never reaches a model; feature: does, whatever explore found"
    )
    read: ReadSection = Field(default_factory=ReadSection, description="how its raw cells become values")

    def reading(self) -> dict[str, Any]:
        """Return what was said about reading, as `Column.read` takes it."""
        said = self.read.model_dump(exclude_none=True)
        return {key: list(value) if isinstance(value, tuple) else value for key, value in said.items()}


ColumnEntry = Annotated[ColumnSection, BeforeValidator(_column, json_schema_input_type=Kind | Role | ColumnSection)]


class DataSection(Section):
    """Where the rows are, and what their columns mean."""

    table: File = Field(description="the data file; the path is relative to study.yaml")
    columns: dict[Name, ColumnEntry] = Field(
        default_factory=dict, description="columns that differ from what was detected: a kind, `ignore`, or a mapping"
    )
    derive: dict[Name, Name] = Field(default_factory=dict, description="new columns as expressions of others")
    entity: Name | None = Field(
        default=None, description="the column of the thing a row is about; its rows stay together"
    )
    group: Name | None = Field(default=None, description="the column whose equal values stay in the same part")
    time: Name | None = Field(
        default=None, description="the column of the moment a row is about; the test rows are the latest"
    )
    known_at: Name | None = Field(default=None, description="the column of the moment the target became known")
    key: Name | None = Field(default=None, description="the column that names a row; written beside predictions")
    unreadable: Number = Field(
        default=0.01,
        ge=0,
        le=1,
        description="share of the images or sounds of a column that may be unreadable; more is an error",
    )
    sample: Whole = Field(200_000, ge=100, description="explore to refine work on a sample above this many [rows]")
    weight: Name | None = Field(
        default=None, description="the column of row weights, counted in learning and in scores; see population.weigh"
    )
    series: Texts = Field(default=(), description="forecasts: the columns that say which series a row belongs to")
    known_future: Texts = Field(
        default=(), description="forecasts: number columns whose coming values are known beforehand, such as holidays"
    )
    static: Texts = Field(default=(), description="forecasts: columns that have one value a series")
    observed: Texts = Field(
        default=(), description="forecasts: number columns whose values are seen once a step is over"
    )
    scale: Literal["none", "deviation", "seasonal"] | None = Field(
        default=None,
        description="forecasts: what series are divided by before they are learned and judged; absent: as the metric needs",
    )
    contract: File | None = Field(
        default=None,
        description="what columns and labels mean; absent: contract.yaml beside study.yaml, where there is one",
    )


class PopulationSection(Section):
    """Which rows count."""

    train: Name = Field(default="all", description="rows to learn from: `all` or an expression")
    evaluate: Name = Field(
        default="all", description="rows to judge on: `all` or an expression; the seal is among them"
    )
    immature: Literal["leave_out", "keep"] = Field(
        default="leave_out", description="rows so recent that their outcomes have not all arrived"
    )
    weigh: Literal["both", "learn", "judge"] = Field(
        default="both", description="what row weights (data.weight) count in: learning and scores, or one of them"
    )


class SplitSection(Section):
    """How rows are divided; absent entries are chosen from the size of the data."""

    test: Annotated[float | Path | str, BeforeValidator(_test)] | None = Field(
        default=None,
        description="the share of test rows, a file of test rows, or, with `column`, the value that marks them",
    )
    column: Name | None = Field(default=None, description="the column that says which part a row is in")
    validation: Number | None = Field(
        default=None, gt=0, lt=1, description="share of development rows for one validation set"
    )
    folds: Whole | None = Field(default=None, ge=2, le=50, description="number of folds")
    repeats: Whole | None = Field(default=None, ge=1, le=50, description="how often the folds are drawn")
    by: Literal["random", "grouped", "chronological", "grouped_chronological"] | None = Field(
        default=None, description="how rows are divided; absent: by what data.group, entity and time declare"
    )

    newest: Literal["learn", "leave"] = Field(
        default="learn",
        description="along time, once the newest rows were judged: the shipped model is fitted again on them as well, or not",
    )

    @model_validator(mode="before")
    @classmethod
    def _what_test_means(cls, data: Any, info: ValidationInfo) -> Any:
        """A marked value stays text; else a number is a share and a text a path."""
        if not isinstance(data, Mapping) or data.get("test") is None:
            return data
        test = data["test"] if data.get("column") is not None else plain_value(data["test"])
        if data.get("column") is not None:
            test = _text(test)
        elif isinstance(test, str):
            test = _path(test, info)
        elif isinstance(test, int) and not isinstance(test, bool):
            test = float(test)
        return {**data, "test": test}


class BudgetSection(Section):
    """How much may be tried."""

    trials: Whole = Field(default=30, ge=0, description="candidates that refine may try")
    minutes: Number | None = Field(default=10.0, gt=0, description="wall time of a run [min]; blank: no limit")


class LearnersSection(Section):
    """Which learners take part."""

    use: Texts | None = Field(default=None, description="only these; absent: all that suit the task")
    skip: Texts = Field(default=(), description="all but these")
    settings: dict[Name, Annotated[dict[str, Any], BeforeValidator(plain_value)]] = Field(
        default_factory=dict,
        description="settings that differ from a learner's own, by learner, such as {tabm: {k: 4}}",
    )


class RuleEntry(Section):
    """One rule: where it holds, the decision is made."""

    name: Name = Field(description="what it is called, in counts and beside decisions")
    when: Name = Field(description="an expression over signals and columns that is true or false")
    decide: Name = Field(description="the decision where it holds and none before it does")


class RulesSection(Section):
    """How a decision follows from signals: rules in order, of which the first that holds decides."""

    order: tuple[RuleEntry, ...] = Field(description="the rules, the first that holds decides")
    default: Name = Field(description="the decision where no rule holds")
    truth: Name | None = Field(
        default=None, description="the column of the true decision; absent: what the rules make of the true signals"
    )

    @field_validator("order", mode="before")
    @classmethod
    def _listed(cls, value: Any) -> Any:
        if not isinstance(value, list | tuple) or not value:
            raise ValueError("must be a list of rules, such as - {name: keen, when: stars >= 4, decide: call}")
        return tuple(value)  # YAML gives a list where strict validation asks for a tuple
