"""Series in cells: a curve, a recording of a sensor, one or several channels a row; not the series that is forecast.

Knows what each form of the recipe makes of a series. What a cell looks like is `_curves`; what a network does with it is
`nets.encoders.series`.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
import polars as pl

from fieldguide.core.batch import Block, Layout, Spec
from fieldguide.core.cell import WHITESPACE
from fieldguide.parts.modalities._curves import Kernels, filled, of_lists, parsed, spelled, stretched

FLAT = 1e-6  # deviation of a channel as a share of its mean, below which float32 cannot tell its steps apart
MOST_STEPS = 512  # that a network sees unless the recipe says so
N_KERNELS = 256
ROWS_AT_ONCE = 1_024  # whose convolutions are computed together
KERNEL_SEED = 20
TOP = 8
CURVES = 50  # points of a mean curve
QUANTILES = (1, 5, 25, 50, 75, 95, 99)  # [%]
SUMMARIES = ("mean", "deviation", "least", "median", "greatest", "first", "last", "trend", "roughness", "crossings")
JITTER, SCALED = 0.05, 0.1  # deviations; share


@dataclass(frozen=True)
class Series:
    """Series of numbers: String, written as JSON; null where empty. Lists of numbers in Parquet and Python are read as well.

    Examples:
        >>> from fieldguide.core.table import Column
        >>> Series().read(pl.Series(["1, 2,3", "[1, null]", "?"]), Column("wave", "series"))[0].to_list()
        ['[1.0, 2.0, 3.0]', '[1.0, null]', None]
    """

    name: ClassVar[str] = "series"

    def read(self, raw: pl.Series, column: Any) -> tuple[pl.Series, pl.Series]:
        """Return canonical texts, null where missing or broken, and which cells hold something that is no series."""
        found = [self.read_value(value, column) for value in raw.to_list()]
        return pl.Series(raw.name, [one for one, _ in found], pl.String), pl.Series(
            [broken for _, broken in found], dtype=pl.Boolean
        )

    def read_value(self, value: Any, column: Any) -> tuple[str | None, bool]:
        """Return one series as text and whether it is broken, as `read` would."""
        if value is None or (isinstance(value, float) and np.isnan(value)):
            return None, False
        if isinstance(value, str):
            text = value.strip(WHITESPACE)
            if not text:
                return None, False
            series = parsed(text)
        else:
            value = _lists(value)
            series = of_lists(value) if isinstance(value, list) else None
        return (None, True) if series is None else (spelled(series), False)

    def cells(self, typed: pl.Series) -> np.ndarray:
        """Return (rows,) objects: (channels, steps) float32 arrays with NaN, or None where missing."""
        cells = np.empty(typed.len(), object)
        for row, text in enumerate(typed.to_list()):
            cells[row] = None if text is None else parsed(text).astype(np.float32)  # type: ignore[union-attr]
        return cells

    def cell(self, value: str | None) -> np.ndarray:
        """Return (1,) objects of one read value."""
        return self.cells(pl.Series([value], dtype=pl.String))

    def describe(self, typed: pl.Series) -> dict[str, Any]:
        """Return counts, lengths, channels, missing steps, and the mean curve with its spread."""
        found = [parsed(text) for text in typed.drop_nulls().to_list()]
        series = [one for one in found if one is not None]
        lengths = [one.shape[1] for one in series]
        facts: dict[str, Any] = {
            "n": typed.len(), "missing": typed.null_count(),
            "steps": {**{f"q{q}": float(np.percentile(lengths, q)) for q in QUANTILES}, "max": max(lengths)} if lengths else {},
            "channels": dict(Counter(str(len(one)) for one in series).most_common(TOP)),
            "missing_steps": int(sum(np.isnan(one).sum() for one in series)),
            "flat": sum(bool(np.nanmax(one) == np.nanmin(one)) for one in series if not np.isnan(one).all()),
            "repeated": len(series) - typed.drop_nulls().n_unique(),
        }  # fmt: skip
        if series:
            curves = np.stack([stretched(filled(one[:1]), CURVES)[0] for one in series])
            facts["curve"] = {
                "mean": curves.mean(axis=0).round(6).tolist(),
                "spread": curves.std(axis=0).round(6).tolist(),
            }
        return facts

    def fit(self, cells: Mapping[str, np.ndarray], recipe: Any) -> CurvesEncoder | KernelsEncoder:
        """Fit what the recipe's `media` asks for on training cells."""
        shapes = tuple(Scale.fit(column, recipe.n_steps) for column in cells.values())
        if recipe.media == "blocks":
            return CurvesEncoder(tuple(cells), shapes, recipe.augment)
        return KernelsEncoder.fit(cells, shapes)

    def load(self, data: Mapping[str, Any]) -> CurvesEncoder | KernelsEncoder:
        """Return the encoder that `to_dict` described."""
        names, shapes = tuple(data["names"]), tuple(Scale.from_dict(scale) for scale in data["columns"])
        if data["form"] == "curves":
            return CurvesEncoder(names, shapes, data["augment"])
        means, deviations = (tuple(np.array(row, np.float64) for row in data[name]) for name in ("means", "deviations"))
        return KernelsEncoder(names, shapes, means, deviations)


@dataclass(frozen=True)
class Scale:
    """How series of one column become arrays of one shape: scaled by channel, filled up, and marked where they are known.

    Longer series are drawn together to `n_steps`; shorter ones keep their pace and stand at the start, with 0 and no mark
    after their end.

    Shape:
        decode(cells): (rows, channels + 1, n_steps) float32; the last channel is 1 where the series is
    """

    n_steps: int
    mean: tuple[float, ...]
    deviation: tuple[float, ...]

    @staticmethod
    def fit(column: np.ndarray, n_steps: int) -> Scale:
        known = [cell for cell in column.tolist() if cell is not None]
        if not known:
            return Scale(n_steps or 1, (0.0,), (1.0,))
        channels = Counter(len(cell) for cell in known).most_common(1)[0][0]
        whole = np.concatenate([cell for cell in known if len(cell) == channels], axis=1).astype(np.float64)
        empty = np.isnan(whole).all(axis=1)
        whole[empty] = 0.0
        mean, deviation = np.nanmean(whole, axis=1), np.nanstd(whole, axis=1)
        # what varies is told by its own size: currents in picoamperes vary too
        varies = deviation > FLAT * np.maximum(np.abs(mean), np.finfo(np.float32).tiny)
        return Scale(
            n_steps or min(MOST_STEPS, max(cell.shape[1] for cell in known)),
            tuple(mean.tolist()),
            tuple(np.where(varies, deviation, 1.0).tolist()),
        )

    def __call__(self, cells: np.ndarray) -> np.ndarray:
        found = np.zeros((len(cells), len(self.mean) + 1, self.n_steps), np.float32)
        for row, cell in enumerate(cells.tolist()):
            if cell is not None:
                scaled = self.scaled(cell)
                found[row, :-1, : scaled.shape[1]], found[row, -1, : scaled.shape[1]] = scaled, 1.0
        return found

    def scaled(self, cell: np.ndarray) -> np.ndarray:
        """Return one series, scaled and filled, of at most `n_steps` steps; channels it does not have are at their mean."""
        channels = len(self.mean)
        series = np.full((channels, cell.shape[1]), np.nan)
        series[: min(channels, len(cell))] = cell[:channels]
        scaled = (series - np.array(self.mean)[:, None]) / np.array(self.deviation)[:, None]
        scaled = filled(scaled)
        return stretched(scaled, self.n_steps) if scaled.shape[1] > self.n_steps else scaled

    def to_dict(self) -> dict[str, Any]:
        return {"n_steps": self.n_steps, "mean": list(self.mean), "deviation": list(self.deviation)}

    @staticmethod
    def from_dict(data: Mapping[str, Any]) -> Scale:
        return Scale(data["n_steps"], tuple(data["mean"]), tuple(data["deviation"]))


@dataclass(frozen=True)
class CurvesEncoder:
    """Every series whole.

    Shape:
        encode(cells)[name].load(): (rows, channels + 1, n_steps) float32
    """

    names: tuple[str, ...]
    scales: tuple[Scale, ...]
    augment: bool = True

    def layout(self) -> Layout:
        pairs = zip(self.names, self.scales, strict=True)
        return Layout(blocks=tuple(Spec(name, "series", (len(s.mean) + 1, s.n_steps)) for name, s in pairs))

    def encode(self, cells: Mapping[str, np.ndarray]) -> dict[str, Block]:
        altered = jittered if self.augment else None
        return {name: Block(cells[name], scale, altered) for name, scale in zip(self.names, self.scales, strict=True)}

    def to_dict(self) -> dict[str, Any]:
        return {
            "form": "curves", "names": list(self.names), "columns": [scale.to_dict() for scale in self.scales], "augment": self.augment,
        }  # fmt: skip


@dataclass(frozen=True)
class KernelsEncoder:
    """Every series as summaries of each channel and what random convolutions see in it.

    Shape:
        encode(cells)["numbers"]: (rows, 10 · channels + 512 + length and missing flag a column) float32, without NaN
    """

    names: tuple[str, ...]
    scales: tuple[Scale, ...]
    means: tuple[np.ndarray, ...]
    deviations: tuple[np.ndarray, ...]

    @staticmethod
    def fit(cells: Mapping[str, np.ndarray], scales: Sequence[Scale]) -> KernelsEncoder:
        means, deviations = [], []
        for column, scale in zip(cells.values(), scales):
            known = np.array([cell is not None for cell in column.tolist()], bool)
            raw = _flat(column[known] if len(column) else column, scale)[:, :-1]
            means.append(np.round(raw.mean(axis=0), 5) if len(raw) else np.zeros(raw.shape[1]))
            spread = raw.std(axis=0) if len(raw) else np.ones(raw.shape[1])
            deviations.append(np.where(spread > 1e-5, np.round(spread, 5), 1.0))
        return KernelsEncoder(tuple(cells), tuple(scales), tuple(means), tuple(deviations))

    def layout(self) -> Layout:
        found: list[str] = []
        for name, scale in zip(self.names, self.scales):
            found += [f"{name} {what} {channel + 1}" for channel in range(len(scale.mean)) for what in SUMMARIES]
            found += [f"{name} {what} {i + 1}" for i in range(N_KERNELS) for what in ("share", "peak")]
            found += [f"{name} length", f"{name} is missing"]
        return Layout(numbers=tuple(found))

    def encode(self, cells: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
        parts = []
        for name, scale, mean, deviation in zip(self.names, self.scales, self.means, self.deviations, strict=True):
            raw = _flat(cells[name], scale)
            missing = raw[:, -1:] > 0
            parts += [np.where(missing, 0.0, (raw[:, :-1] - mean) / deviation), missing]
        return {"numbers": np.concatenate(parts, axis=1).astype(np.float32)}

    def to_dict(self) -> dict[str, Any]:
        return {
            "form": "kernels", "names": list(self.names), "columns": [scale.to_dict() for scale in self.scales],
            "means": [mean.tolist() for mean in self.means], "deviations": [d.tolist() for d in self.deviations],
        }  # fmt: skip


def jittered(curves: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Return curves a little higher or lower, larger or smaller, with noise; the mark of where they are is left alone."""
    values, known = curves[:, :-1], curves[:, -1:]
    shape = (len(curves), curves.shape[1] - 1, 1)
    larger = 1.0 + rng.normal(0.0, SCALED, shape)
    altered = values * larger + rng.normal(0.0, JITTER, shape) + rng.normal(0.0, JITTER, values.shape)
    return np.concatenate([(altered * known).astype(np.float32), known], axis=1)


def _flat(cells: np.ndarray, scale: Scale) -> np.ndarray:
    """Return summaries, what kernels see, the length and whether it is missing, before scaling."""
    channels = len(scale.mean)
    found = np.zeros((len(cells), channels * len(SUMMARIES) + 2 * N_KERNELS + 2))
    known = [row for row, cell in enumerate(cells.tolist()) if cell is not None]
    found[[row for row in range(len(cells)) if cells[row] is None], -1] = 1.0
    if not known:
        return found
    kernels = Kernels(channels, scale.n_steps, N_KERNELS, KERNEL_SEED)
    for start in range(0, len(known), ROWS_AT_ONCE):
        rows = known[start : start + ROWS_AT_ONCE]
        series = [scale.scaled(cells[row]) for row in rows]
        found[rows, : channels * len(SUMMARIES)] = [
            np.concatenate([_summary(channel) for channel in one]) for one in series
        ]
        found[rows, channels * len(SUMMARIES) : -2] = kernels(
            np.stack([stretched(one, scale.n_steps) for one in series])
        )
        found[rows, -2] = [np.log(cells[row].shape[1]) for row in rows]
    return found


def _lists(value: Any) -> Any:
    """Return arrays, Polars series and tuples, nested or not, as plain lists of Python numbers."""
    if isinstance(value, np.generic):
        return value.item()
    if isinstance(value, pl.Series | np.ndarray):
        value = value.tolist() if isinstance(value, np.ndarray) else value.to_list()
    return [_lists(one) for one in value] if isinstance(value, list | tuple) else value


def _summary(channel: np.ndarray) -> np.ndarray:
    steps = np.diff(channel) if len(channel) > 1 else np.zeros(1)
    centred = channel - channel.mean()
    time = np.linspace(-1, 1, len(channel))
    slope = float(centred @ time / max(time @ time, 1e-9))
    crossings = float(np.mean(np.diff(np.signbit(centred)) != 0)) if len(channel) > 1 else 0.0
    return np.array([
        channel.mean(), channel.std(), channel.min(), np.median(channel), channel.max(), channel[0], channel[-1], slope,
        np.abs(steps).mean(), crossings,
    ])  # fmt: skip
