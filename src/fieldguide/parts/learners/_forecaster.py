"""Networks that forecast: what they read of a batch, the past of a series and what stands beside it.

Knows windows and the one loop's entry; layers, and the scale of each window, are `parts/nets`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any, ClassVar, Self

import numpy as np

from fieldguide.core.batch import Batch, Block, Encoded, Layout
from fieldguide.core.contracts import Effort, Predictions
from fieldguide.core.errors import ConfigError, listed
from fieldguide.core.series.panel import HISTORY, KNOWN, OBSERVED
from fieldguide.core.series.windows import Windows
from fieldguide.core.settings import Choice, setting
from fieldguide.parts.learners import _network
from fieldguide.parts.learners._history import length_of
from fieldguide.parts.learners._network import Network


@dataclass(frozen=True)
class Reading:
    """What a network reads of a batch.

    Args:
        window: the last steps of the past.
        static: whether it reads what does not change over a window: static columns, the name of the series, the calendar of the origin.
        known: columns it reads of those that are known beforehand, the first ones.
        observed: whether it reads the columns that are seen once a step is over.
    """

    window: int
    static: bool = False
    known: int = 0
    observed: bool = False

    def of(self, batch: Batch) -> Batch:
        """Return a batch with what is read and nothing else."""
        specs = {spec.name: spec for spec in batch.layout.blocks}
        horizon = specs[KNOWN].shape[0] - specs[HISTORY].shape[0] if KNOWN in specs else 0
        steps = {HISTORY: self.window}
        steps |= {KNOWN: self.window + horizon} if self.known else {}
        steps |= {OBSERVED: self.window} if self.observed else {}
        read, blocks = [], {}
        for name, most in steps.items():
            length = min(most, specs[name].shape[0])
            read.append(replace(specs[name], shape=(length, *specs[name].shape[1:])))
            blocks[name] = _last(batch.arrays[name], length)
        layout = Layout(blocks=tuple(read))
        numbers, codes = np.zeros((len(batch), 0), np.float32), np.zeros((len(batch), 0), np.int32)
        if self.static:
            layout = replace(layout, numbers=batch.layout.numbers, codes=batch.layout.codes)
            numbers, codes = batch.numbers, batch.codes
        return Batch(layout, {"numbers": numbers, "codes": codes, **blocks})

    def to_dict(self) -> dict[str, Any]:
        return asdict(self)


def _last(block: Block, length: int) -> Block:
    """Return the last steps of a block's windows: a request's are arrays, a study's are slices."""
    cells: Any = block.cells.last(length) if isinstance(block.cells, Windows) else block.cells[:, -length:]
    return Block(cells, block.decode)


@dataclass(frozen=True)
class Forecaster:
    """A fitted network that is handed what it reads and no more."""

    inner: Any
    reading: Reading

    @property
    def n_steps(self) -> int | None:
        steps: int | None = self.inner.n_steps
        return steps

    @property
    def stopped(self) -> str:
        return str(self.inner.stopped)

    @property
    def history(self) -> list[dict[str, Any]]:
        points: list[dict[str, Any]] = self.inner.history
        return points

    def predict(self, batch: Batch) -> Predictions:
        """Return the forecast.

        Shape:
            returns[0]: (rows, horizon) float64
        """
        found: Predictions = self.inner.predict(self.reading.of(batch))
        return found

    def save(self, folder: Path, draft: bool = False) -> dict[str, Any]:
        return {**self.inner.save(folder, draft), "reading": self.reading.to_dict()}


COVARIATES = ("declared", "all", "none")
"""What may be read beside the past; the calendar of every step is not declared."""


@dataclass(frozen=True)
class WindowNetwork(Network):
    """What the networks of windows have in common beside all networks: what they read beside the past."""

    forecasts: ClassVar[bool] = True
    recipe: ClassVar[Mapping[str, Any]] = {}

    covariates: str = setting(
        "declared", "what is read beside the past: declared (the columns of the study), all (the calendar of every step too) or none",
        space=Choice(COVARIATES),
    )  # fmt: skip
    calendar: int = setting(
        0, "columns of the calendar, the last of those that are known beforehand; a study says how many there are"
    )

    def fit(self, train: Encoded, stop: Encoded | None, outputs: tuple[Any, ...], effort: Effort) -> Forecaster:
        """Train the network on what it reads by the one loop."""
        reading = reading_of(self, train)
        train = replace(train, batch=reading.of(train.batch))
        stop = None if stop is None else replace(stop, batch=reading.of(stop.batch))
        return Forecaster(super().fit(train, stop, outputs, effort), reading)

    def load(self, folder: Path, data: Mapping[str, Any]) -> Forecaster:
        """Return the estimator that `save` wrote."""
        said = data.get("reading") or {"window": int(data["window"])}  # models of before read windows only
        return Forecaster(super().load(folder, data), Reading(**said))

    def sized(self, train: Encoded, outputs: tuple[Any, ...], seconds: float | None, threads: int) -> Self:
        """Return the largest of `sizes` that trains for enough epochs in `seconds`, timed on what it reads."""
        return super().sized(replace(train, batch=reading_of(self, train).of(train.batch)), outputs, seconds, threads)


def reading_of(learner: Any, train: Encoded) -> Reading:
    """Return what a learner reads of these rows.

    Raises:
        ConfigError: `covariates` is none of its words.
    """
    if learner.covariates not in COVARIATES:
        raise ConfigError(
            f"the setting covariates of {learner.name} is {learner.covariates!r}", rule=f"it is one of {listed(COVARIATES)}",
            found=f"covariates: {learner.covariates}",
            do="name columns under data.known_future, data.observed and data.static",
        )  # fmt: skip
    window = min(learner.window, length_of(train.batch))
    if learner.covariates == "none":
        return Reading(window)
    specs = {spec.name: spec for spec in train.batch.layout.blocks}
    known = specs[KNOWN].shape[1] if KNOWN in specs else 0
    if learner.covariates == "declared":
        known = max(0, known - learner.calendar)
    return Reading(window, True, known, OBSERVED in specs)


def around(learner: Any, train: Encoded, outputs: tuple[Any, ...]) -> dict[str, Any]:
    """Return what every network of windows is told: where they are and what stands beside them, how many steps it reads, and the
    scale of the targets."""
    from fieldguide.parts.nets.heads import heads_of

    heads = _network.judged(heads_of(outputs), train, outputs)
    (target,) = _network.scaling_of(heads, train)
    places = {spec.name: place for place, spec in enumerate(train.batch.layout.blocks)}
    reading = reading_of(learner, train)
    beside = _beside(reading, train.batch.layout)
    return {
        "place": places[HISTORY], "window": reading.window, "centre": learner.centre,
        "target": [list(target[0]), list(target[1])], **({"beside": beside} if beside else {}),
    }  # fmt: skip


def _beside(reading: Reading, layout: Layout) -> dict[str, Any]:
    """Return where columns beside windows are and how many: the arguments of `parts.nets._beside.Reader`; empty: there are none."""
    found: dict[str, Any] = {}
    for place, spec in enumerate(layout.blocks):
        if spec.name == KNOWN and reading.known:
            found |= {"known": place, "n_known": reading.known}
        if spec.name == OBSERVED and reading.observed:
            found |= {"observed": place, "n_observed": spec.shape[1]}
    if reading.static and layout.numbers:
        found["n_numbers"] = len(layout.numbers)
    if reading.static and layout.codes:
        found["cardinalities"] = [cardinality for _, cardinality in layout.codes]
    return found
