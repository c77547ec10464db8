"""experiment.yaml as one valid value: the arms, how traffic is dealt, what is measured, and when the verdict falls.

Knows what may stand in the file and what contradicts itself in it; knows no log and no model. How a file is read and its mistakes
are told is `core.documents.document`'s and `core.documents.validation`'s, as for study.yaml.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Literal

from pydantic import Field, PrivateAttr, model_validator

from fieldguide.core.documents.document import Document, Mistake, read_document
from fieldguide.core.documents.join_sections import Length, Pause, duration
from fieldguide.core.documents.sections import File, Name, Number, Section, Switch, Text, Texts, Whole
from fieldguide.core.documents.validation import validated
from fieldguide.core.errors import ConfigError, nearest

FILE = "experiment.yaml"
RULE = "every key and value is one that the page on experiments in the documentation describes"
CHANGES = ("model", "features", "rules", "thresholds", "interface", "infrastructure")
"""What an arm may change against the control; more than one at a time, and a difference has no one cause."""
BUILT_IN = ("score", "seconds", "requests", "error")
"""Measures that every log holds: the mean score, the mean time to answer [s], the requests of a unit, and how far answers are from what came."""
_CALLABLE = re.compile(r"[A-Za-z_][\w.]*:[A-Za-z_]\w*")


class ArmSection(Section):
    """One arm: a model of ours, or a system that is not. Absent ways: what answers it is known only by its log."""

    model: File | None = Field(default=None, description="a model folder")
    url: Name | None = Field(default=None, description="an HTTP scorer, asked as `fieldguide serve` answers")
    python: Name | None = Field(default=None, description="a Python callable, package.module:name, rows to scores")
    scores: File | None = Field(default=None, description="a file of its scores: id (or unit) and score")
    changes: Texts = Field(default=(), description=f"what it changes against the control: {', '.join(CHANGES)}")
    share: Number | None = Field(default=None, gt=0, le=1, description="its share of units; absent: equal shares")

    @model_validator(mode="after")
    def _one_system(self) -> ArmSection:
        given = [name for name in ("model", "url", "python", "scores") if getattr(self, name) is not None]
        if len(given) > 1:
            raise ValueError(f"an arm is one system: give one of {', '.join(given)}")
        if self.python is not None and not _CALLABLE.fullmatch(self.python):
            raise ValueError("python must name a callable as package.module:name")
        wrong = next((change for change in self.changes if change not in CHANGES), None)
        if wrong is not None:
            raise ValueError(f"changes must be of {', '.join(CHANGES)}; not {wrong!r}{nearest(wrong, CHANGES)}")
        return self

    @property
    def known(self) -> bool:
        """Whether the arm can be asked, not only read from the log."""
        return any(value is not None for value in (self.model, self.url, self.python, self.scores))


class MeasureSection(Section):
    """One measure of success or of harm."""

    role: Literal["primary", "secondary", "guardrail"] = Field(default="secondary", description="what it decides")
    outcome: Name | None = Field(
        default=None,
        description=f"the outcome in the log, or the file's column; absent: the measure's name; built in: {', '.join(BUILT_IN)}",
    )
    per: Literal["unit", "request"] = Field(default="unit", description="a mean per unit, or a ratio over requests")
    take: Literal["sum", "any"] = Field(default="sum", description="what counts of a unit: the sum, or whether any")
    positive: Text | None = Field(default=None, description="the label that counts as 1, where outcomes are labels")
    better: Literal["higher", "lower"] = Field(default="higher", description="which way is good")
    effect: Number | None = Field(default=None, gt=0, description="the smallest difference worth knowing")
    margin: Number = Field(default=0.0, ge=0, description="guardrail: the largest loss that is tolerated")


class ColumnsSection(Section):
    """Where `log` is a file: the columns that hold what a log knows."""

    unit: Name = Field(default="unit", description="whom a row is about")
    arm: Name = Field(default="arm", description="the arm that answered")
    time: Name | None = Field(default=None, description="when the row was answered")
    id: Name | None = Field(default=None, description="id of the row")
    score: Name | None = Field(default=None, description="the score given")
    before: Texts = Field(default=(), description="columns known before exposure, that take variance out (CUPED)")


class StopSection(Section):
    """When to stop before the planned end."""

    harm: Switch = Field(default=True, description="stop when a guardrail or the primary measure is proven worse")
    success: Switch = Field(default=False, description="stop when the primary measure is proven better at any look")
    days: Number | None = Field(default=None, gt=0, description="stop after so many days, whatever was seen")


class Plan(Section):
    """A valid experiment.yaml.

    Examples:
        >>> plan = Plan.from_dict({"name": "bigger", "log": "log.db", "arms": {"control": {}, "candidate": {}},
        ...     "measures": {"clicks": {"role": "primary"}}})
        >>> plan.shares, plan.primary, plan.control
        ({'control': 0.5, 'candidate': 0.5}, 'clicks', 'control')
    """

    name: Name = Field(description="name of the experiment, which the log keeps beside every answer")
    goal: Text = Field(default="", description="what is to be learned, in words")
    design: Name = Field(default="ab", description="how traffic is dealt: aa, ab or forward_back")
    log: Name = Field(description="the log, such as sqlite:///predictions.db, or a file of rows")
    columns: ColumnsSection = Field(default_factory=ColumnsSection, description="the file's columns")
    salt: Name | None = Field(default=None, description="salt of the assignment; absent: the name")
    arms: dict[Name, ArmSection] = Field(description="the arms by name, the control first")
    measures: dict[Name, MeasureSection] = Field(description="what is measured")
    window: Length | None = Field(
        default=None, description="how long after its first request a unit's outcomes count; absent: all"
    )
    wait: Pause = Field(default="0d", description="how long outcomes are waited for beyond the window")
    slices: Texts = Field(default=(), description="columns by which the primary measure is also shown")
    alpha: Number = Field(default=0.05, gt=0, lt=0.5, description="level of every test")
    power: Number = Field(default=0.8, gt=0.5, lt=1, description="chance of showing the effect where it is real")
    units: Whole | None = Field(default=None, ge=2, description="units in all; absent: by the power calculation")
    correct: Literal["holm", "benjamini_hochberg"] = Field(default="holm", description="correction for many measures")
    decide: Literal["at_end", "any_time"] = Field(
        default="at_end", description="at the planned number of units, or by always-valid readings at any look"
    )
    explore: Number = Field(default=0.0, ge=0, lt=1, description="share of requests that are decided at random")
    stop: StopSection = Field(default_factory=StopSection, description="when to stop early")

    _document: Document = PrivateAttr(default_factory=lambda: Document(FILE))
    _folder: Path = PrivateAttr(default_factory=Path)

    @staticmethod
    def from_dict(data: Mapping[str, Any], folder: Path | str = ".") -> Plan:
        """Return the plan that plain data describes; paths are relative to `folder`. Raises ConfigError."""
        return _validated(Document("the experiment", dict(data)), Path(folder))

    def to_dict(self) -> dict[str, Any]:
        """Return the plan as plain data; `from_dict` takes it back."""
        return self.model_dump(mode="json")

    @property
    def control(self) -> str:
        """The arm that the others are held against: the first."""
        return next(iter(self.arms))

    @property
    def candidates(self) -> tuple[str, ...]:
        """The arms on trial: all but the control."""
        return tuple(self.arms)[1:]

    @property
    def primary(self) -> str:
        """The measure that decides."""
        return next(name for name, measure in self.measures.items() if measure.role == "primary")

    @property
    def shares(self) -> dict[str, float]:
        """Share of units by arm."""
        equal = 1 / len(self.arms)
        return {name: equal if arm.share is None else arm.share for name, arm in self.arms.items()}

    @property
    def dealt(self) -> str:
        """The salt of the assignment."""
        return self.salt or self.name

    @property
    def age(self) -> int:
        """Microseconds after its first request at which a unit's outcomes are complete; 0 where no window is set."""
        waited = 0 if self.wait == "0d" else duration(self.wait)  # however nothing is written, a pause reads it as 0d
        return waited + (0 if self.window is None else duration(self.window))

    def of_log(self) -> str | Path:
        """Return the log: a URL as it stands, with a SQLite path relative to the plan's folder made absolute; or a file."""
        scheme, mark, rest = self.log.partition("://")
        if not mark:
            return (self._folder / self.log).resolve()
        if scheme == "sqlite" and rest.startswith("/") and not rest.startswith("//"):
            return f"sqlite:///{(self._folder / rest[1:]).resolve()}"
        return self.log


def load_plan(folder: Path | str) -> Plan:
    """Read and validate the experiment.yaml of a folder.

    Raises:
        ConfigError: all mistakes at once, each with its line, its path, what is wrong and what was found.
    """
    path = Path(folder) / FILE
    try:
        content = path.read_bytes()
    except OSError as error:
        raise ConfigError(
            f"{path} cannot be read", rule=f"an experiment is a folder with {FILE} in it", found=error.strerror or str(error),
            do="check the folder, or write a first plan by `fieldguide experiment plan FOLDER --log LOG`",
        ) from None  # fmt: skip
    return _validated(read_document(content, path.name), Path(folder))


def _validated(document: Document, folder: Path) -> Plan:
    plan = validated(document, Plan, folder, _contradictions(document), RULE)
    plan._document, plan._folder = document, folder
    return plan


def _contradictions(document: Document) -> Iterator[Mistake]:
    """Yield what contradicts itself in a plan, whose shape may still be wrong."""
    arms, measures = document.data.get("arms"), document.data.get("measures")
    if isinstance(arms, Mapping):
        if len(arms) < 2:
            what = "an experiment has two arms or more, the control first"
            yield Mistake(("arms",), what, f"{len(arms)}", document.at(("arms",)))
        shares = [_number(arm.get("share")) for arm in arms.values() if isinstance(arm, Mapping)]
        given = [share for share in shares if share is not None]
        if given and len(given) < len(arms):
            yield Mistake(("arms",), "give every arm its share, or none", line=document.at(("arms",)))
        if sum(given) > 1 + 1e-9:
            yield Mistake(("arms",), "the shares sum to more than 1", f"{sum(given):g}", document.at(("arms",)))
    if isinstance(measures, Mapping):
        primary = [
            name for name, said in measures.items() if isinstance(said, Mapping) and said.get("role") == "primary"
        ]
        if len(primary) != 1:
            what = "exactly one measure is primary: it decides"
            yield Mistake(("measures",), what, ", ".join(primary) or "none", document.at(("measures",)))
        for name, said in measures.items():
            if isinstance(said, Mapping) and (said.get("outcome") or name) == "error" and said.get("better") != "lower":
                path = ("measures", str(name))
                yield Mistake(
                    path,
                    "an error is better when it is lower: say better: lower",
                    f"{said.get('better', 'higher')}",
                    document.at(path),
                )


def _number(value: Any) -> float | None:
    try:
        return None if value is None else float(value)
    except (TypeError, ValueError):
        return None  # told by its own section


def draft(name: str, log: str, outcome: str, model: str | None, candidates: Sequence[str | None], design: str) -> str:
    """Return the text of a first experiment.yaml, with what only a person can answer left open.

    Several candidates are named candidate_1, candidate_2 and so on.
    """
    same = design == "aa"
    arms = [f"  control: {{model: {model}}}" if model else "  control: {}"]
    others = [model] * max(1, len(candidates)) if same else list(candidates) or [None]
    for number, one in enumerate(others, 1):
        said = [*([f"model: {one}"] if one else []), *([] if same else ["changes: [model]"])]
        arms.append(f"  candidate{f'_{number}' if len(others) > 1 else ''}: {{{', '.join(said)}}}")
    lower = "better: lower, " if outcome == "error" else ""
    return "\n".join([
        f"name: {name}", "goal:                      # what is to be learned, in words", f"design: {design}",
        f"log: {log}", "arms:                      # the control first", *arms,
        "measures:", f"  {outcome}: {{role: primary, {lower}effect: }}   # effect: the smallest difference worth knowing",
        "  seconds: {role: guardrail, better: lower, margin: 0.01}   # time to answer [s]",
        "# window: 7d               # how long after its first request a unit's outcomes count",
        "# slices: [country]", "",
    ])  # fmt: skip
